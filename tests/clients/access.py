#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""access.py BUILD [VERSION] - register accesses as the client passes them on, and interrupts."""
import os

import client
import vm
import wire
from client import check

WIDE, SET_UNMASK, DATA_NONE, TRIGGER, EVENTFD = 0x28, 16, 1, 32, 4
INTX, MSIX, ERR, REQ = 0, 2, 3, 4
RNG, RNG_SEED = 'my_rng', 4


def session(folder, device='testdev', **options):
    server = client.Served(folder, device)
    between = wire.Wire(f'{folder}/wire', server.path)
    guest = client.Guest(folder, between.path, **options)
    guest.enable()
    return server, between, guest


def end(server, guest):
    guest.end()
    server.says('client gone')
    server.end()


def to_bar(between, command, bar):
    return [m for m in between.of(command) if m.word(8) == bar]


def posted(folder):
    """Writes to memory BARs want no answer and get none."""
    server, between, guest = session(folder, RNG)
    guest.write(RNG_SEED, 1)
    guest.read(0)
    write = to_bar(between, wire.WRITE, 0)[-1]
    check('the write wants no answer', True, write.no_reply)
    check('and gets none', None, between.reply_to(write))
    server.says('the client posts writes')
    end(server, guest)


def not_posted(folder):
    """A region that can be mapped turns that off for the whole device; so does an option."""
    server, between, guest = session(folder)
    guest.write(client.SCRATCH, 1)
    write = to_bar(between, wire.WRITE, 0)[-1]
    check('testdev, whose BAR2 can be mapped: an answer is wanted', False, write.no_reply)
    guest.read(0)
    check('and given', True, between.reply_to(write) is not None)
    server.says('the client waits for each write')
    end(server, guest)
    place = f'{folder}/option'
    os.mkdir(place)
    server, between, guest = session(place, RNG, x_no_posted_writes='true')
    guest.write(RNG_SEED, 1)
    check('x-no-posted-writes', False, to_bar(between, wire.WRITE, 0)[-1].no_reply)
    end(server, guest)


def wide(folder):
    """A 64-bit access is one message, also to an I/O BAR as far as those go."""
    server, between, guest = session(folder)
    guest.write(WIDE, 0x1122334455667788, 'q')
    check('8 bytes written and read', 0x1122334455667788, guest.read(WIDE, 'q'))
    check('in one read', 8, to_bar(between, wire.READ, 0)[-1].word(12))
    check('and one write', 8, to_bar(between, wire.WRITE, 0)[-1].word(12))
    guest.qtest(f'outl {client.PORTS:#x} 0xa5a5')
    check('an I/O port', 0xa5a5, guest.qtest(f'inl {client.PORTS:#x}'))
    write = to_bar(between, wire.WRITE, 1)[-1]
    check('whose write is answered', True, between.reply_to(write) is not None)
    end(server, guest)


def mapped(folder):
    """The one area that can be mapped is memory of both."""
    server, between, guest = session(folder)
    guest.qtest(f'writel {client.BAR2 + 0x40:#x} 0x12345678')
    check('what was written', 0x12345678, guest.qtest(f'readl {client.BAR2 + 0x40:#x}'))
    check('without a message', [], to_bar(between, wire.WRITE, 2))
    end(server, guest)


def set_irqs(between, index):
    """(flags, start, count, fds) of each."""
    return [(m.word(4), m.word(12), m.word(16), m.fds)
            for m in between.of(wire.SET_IRQS) if m.word(8) == index]


def all_arrive(guest):
    for vector in range(client.VECTORS):
        guest.write(client.IRQ_RAISE, vector)
        guest.wait_message(vector)
    check('each of the vectors arrives, and no other', [False] * client.VECTORS,
          [guest.take_message(vector) for vector in range(client.VECTORS)])


def msix(folder):
    """MSI-X: first all are taken away, then all set that the guest has not masked."""
    server, between, guest = session(folder)
    guest.enable_msix()
    check('none, then all', [(EVENTFD | TRIGGER, 0, 1, 0), (EVENTFD | TRIGGER, 0, 8, 8)],
          set_irqs(between, MSIX))
    all_arrive(guest)
    server.says('the client sets 8 MSI-X vectors at once')
    before = len(to_bar(between, wire.READ, 0))
    guest.read(client.MSIX_TABLE)
    check('a read of the table stays in the client', before, len(to_bar(between, wire.READ, 0)))
    check('the pending bits', 0, guest.read(client.MSIX_PBA))
    check('are asked of the server', before + 1, len(to_bar(between, wire.READ, 0)))
    end(server, guest)


def unmasked(folder):
    """MSI-X vectors unmasked later come one by one; what was raised before is pending till then."""
    server, between, guest = session(folder)
    guest.enable_msix(masked=True)
    guest.write(client.IRQ_RAISE, 3)
    check('a masked vector is pending', 1 << 3, guest.read(client.MSIX_PBA))
    check('and does not arrive', False, guest.take_message(3))
    guest.mask_vector(3, False)
    guest.wait_message(3)
    check('until it is unmasked', 0, guest.read(client.MSIX_PBA))
    for vector in range(client.VECTORS):
        guest.mask_vector(vector, False)
    all_arrive(guest)
    server.says('the client sets MSI-X vectors one by one')
    end(server, guest)


def unmasks(between):
    return len([flags for flags, *_ in set_irqs(between, INTX) if flags & SET_UNMASK])


def intx(folder):
    """INTx: lowered by an access to a BAR, which unmasks it; as long as it is raised it returns."""
    server, between, guest = session(folder)
    guest.watch_irqs()
    guest.write(client.IRQ_RAISE, 0)
    vm.wait_for(guest.interrupted)
    before = unmasks(between)
    guest.read(client.SCRATCH)
    check('an access unmasks it', before + 1, unmasks(between))
    vm.wait_for(guest.interrupted)
    guest.write(client.IRQ_LOWER, 0)
    guest.read(client.SCRATCH)
    check('once the device has lowered it', False, guest.interrupted())
    guest.write(client.IRQ_RAISE, 0)
    vm.wait_for(guest.interrupted)
    server.says('the client unmasks INTx by message')
    end(server, guest)


def errors(folder):
    """ERR, which would stop the VM, is not there to be signalled; REQ is never registered."""
    server, between, guest = session(folder)
    counts = {m.word(8): between.reply_to(m).word(12) for m in between.of(wire.IRQ_INFO)}
    check('no vectors of ERR', 0, counts.get(ERR, 0))
    check('none is set', ([], []), (set_irqs(between, ERR), set_irqs(between, REQ)))
    end(server, guest)


client.run(posted, not_posted, wide, mapped, msix, unmasked, intx, errors)
