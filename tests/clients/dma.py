#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""dma.py BUILD [VERSION] - DMA to memory that is shared and to memory that is not."""
import errno
import os

import client
import wire
from client import check

SOURCE, TARGET, KIB = 0x100000, 0x200000, 1024
MSI_WINDOW, NOWHERE = 0xfee00000, 0x8000000000
GUARD = bytes(range(64))


def session(folder, memory, master=True, verbose=True):
    server = client.Served(folder, verbose=verbose)
    between = wire.Wire(f'{folder}/wire', server.path)
    guest = client.Guest(folder, between.path, memory=memory)
    guest.enable(master)
    guest.enable_msix()
    return server, between, guest


def end(server, guest):
    guest.end()
    server.says('client gone')
    server.end()


def requests(between):
    return between.of(wire.DMA_READ, False) + between.of(wire.DMA_WRITE, False)


def copies(guest, lengths):
    """Each is copied, with what stands around it left alone."""
    for length in lengths:
        data = os.urandom(length)
        guest.fill(SOURCE, data)
        guest.fill(TARGET - len(GUARD), GUARD + bytes(length) + GUARD)
        check(f'{length} bytes: the device says', 0, guest.dma(SOURCE, TARGET, length))
        got = guest.memory(TARGET - len(GUARD), length + 2 * len(GUARD))
        check(f'{length} bytes: they are there, and nothing beside them is changed', True,
              got == GUARD + data + GUARD)


def by_message(folder):
    """Memory without a file: by messages, laid out as this client does."""
    server, between, guest = session(folder, client.BY_MESSAGE)
    copies(guest, [1, 4, 5, 4096, 64 * KIB])
    layout = 'as QEMU 10 does' if client.OLD_LAYOUT else 'as specified'
    server.says(f'the client lays DMA messages out {layout}')
    probe = between.of(wire.DMA_WRITE, False)[0]
    check('a write of no bytes was the first', 0, probe.word(8))
    check('by whose answer they are told apart', 16 if client.OLD_LAYOUT else 32,
          between.reply_to(probe).size)
    check('none carries more than 64 KiB', True,
          all(m.word(8) <= 64 * KIB for m in requests(between)))
    check('what has no file cannot be mapped, and the device is told so', True,
          guest.dma(SOURCE, TARGET, 4, client.MAPPED) != 0)
    end(server, guest)


def shared(folder):
    """Memory with a file: no message is needed."""
    server, between, guest = session(folder, client.SHARED, verbose=False)
    copies(guest, [1, 4096, 64 * KIB])
    check('the same, mapped', 0, guest.dma(SOURCE, TARGET, 64 * KIB, client.MAPPED))
    check('no message was sent for it', [], requests(between))
    end(server, guest)


def looked_at(folder):
    """With -v it is made sure by messages that the file is the memory, which it is here."""
    server, between, guest = session(folder, client.SHARED)
    copies(guest, [1, 4, 100, 4096])
    check('asked', True, 0 < len(between.of(wire.DMA_READ, False)) <= 16)
    check('nothing said', False, 'privately' in server.log())
    end(server, guest)


def no_master(folder):
    """Without Bus Master Enable nothing passes, on neither way; the client itself says ENODEV."""
    for number, memory in enumerate((client.SHARED, client.BY_MESSAGE)):
        place = f'{folder}/{number}'
        os.mkdir(place)
        server, between, guest = session(place, memory, master=False)
        guest.fill(SOURCE, b'new!')
        guest.fill(TARGET, b'old!')
        guest.start_dma(SOURCE, TARGET, 4)
        check('the device may not', errno.EACCES, guest.read(client.DMA_RESULT))
        check('what was there is there', b'old!', guest.memory(TARGET, 4))
        check('the client was not asked', [], requests(between))
        guest.config(client.SLOT, 4, 7, 'w')
        guest.wait_message(client.DMA_VECTOR)  # of what was refused: a message waits as well
        check('now it may', 0, guest.dma(SOURCE, TARGET, 4))
        check('and did', b'new!', guest.memory(TARGET, 4))
        end(server, guest)


def refused(folder):
    """What the client refuses is the device's error, and the next one passes."""
    server, between, guest = session(folder, client.BY_MESSAGE)
    guest.fill(SOURCE, b'good')
    check('an address that is not there', True, guest.dma(NOWHERE, TARGET, 4) != 0)
    check('the client was not asked for what it never mapped', [], requests(between))
    check('the MSI window, which is no memory', True, guest.dma(SOURCE, MSI_WINDOW, 4) != 0)
    check('a good one after it', 0, guest.dma(SOURCE, TARGET, 4))
    check('arrives', b'good', guest.memory(TARGET, 4))
    end(server, guest)


def polled(folder):
    """A guest that asks while the device waits for DMA: this client answers that only after."""
    server, between, guest = session(folder, client.BY_MESSAGE)
    for round in range(20):
        data = os.urandom(64 * KIB)
        guest.fill(SOURCE, data)
        guest.start_dma(SOURCE, TARGET, 64 * KIB)
        if guest.read(client.DMA_LENGTH) != 64 * KIB:
            client.fail('a register that was read in the middle')
        guest.write(client.SCRATCH, round)
        guest.wait_message(client.DMA_VECTOR)
        if guest.read(client.DMA_RESULT) or guest.memory(TARGET, 64 * KIB) != data:
            client.fail(f'round {round}: {guest.read(client.DMA_RESULT)}')
    check('20 times read and written in the middle', 19, guest.read(client.SCRATCH))
    server.says('the client answers no DMA message while it waits for a register access')
    end(server, guest)


client.run(by_message, polled, shared, looked_at, no_master, refused)
