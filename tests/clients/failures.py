#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""failures.py BUILD [VERSION] - answers that come late, servers that end, memory that is not shared,
migration: what this client makes of them, and that the server lives."""
import os
import subprocess
import threading

import client
import vm
import wire
from client import check

ONES = 0xffffffff
SOURCE, TARGET = 0x100000, 0x200000


class Slow:
    """Keeps back the answers to reads of one register until it is told to let go of them."""

    def __init__(self, offset):
        self.offset, self.go, self.gone = offset, threading.Event(), threading.Event()
        self.go.set()

    def __call__(self, message):
        if message.command != wire.READ or message.word(8) != 0 or message.word(0) != self.offset:
            return None
        if message.reply and not self.go.is_set():
            self.go.wait()
            self.gone.set()
        return None


def late(folder):
    """An answer after QEMU's 5 s ends the device for good: it reads all ones, and QEMU lives."""
    server = client.Served(folder)
    slow = Slow(client.SCRATCH)
    between = wire.Wire(f'{folder}/wire', server.path, slow)
    guest = client.Guest(folder, between.path)
    guest.enable()
    guest.write(client.SCRATCH, 5)
    check('an answer that is in time', 5, guest.read(client.SCRATCH))
    slow.go.clear()
    check('one that does not come', ONES, guest.read(client.SCRATCH))
    slow.go.set()
    slow.gone.wait()
    check('and ever after', ONES, guest.read(0))
    guest.end()
    server.says('client gone')
    server.end()


def ended(folder):
    """A server that ends: all ones, no more messages; another client can have the next one."""
    server = client.Served(folder)
    guest = client.Guest(folder, server.path)
    guest.enable()
    check('served', 0x7e57de70, guest.read(0))
    server.end()
    vm.wait_for(lambda: guest.read(0) == ONES)
    again = client.Served(folder)
    check('this client does not come again', ONES, guest.read(0))
    check('not even to its new server', False, 'client connected' in again.log())
    guest.end()
    guest = client.Guest(folder, again.path)
    guest.enable()
    check('a new one is served', 0x7e57de70, guest.read(0))
    guest.end()
    again.end()


def migrated(folder):
    """A migration is said to be complete, and the device's state is lost: reset, not half there."""
    servers = [client.Served(folder, name=name) for name in ('from', 'to')]
    places = [f'{folder}/{name}.vm' for name in ('from', 'to')]
    between = [wire.Wire(f'{folder}/{number}', server.path)
               for number, server in enumerate(servers)]
    for place in places:
        os.mkdir(place)
    guest = client.Guest(places[0], between[0].path)
    guest.enable()
    guest.write(client.SCRATCH, 0x5a)
    guest.fill(SOURCE, b'kept')
    guest.qmp('migrate', uri=f'file:{folder}/stream')
    vm.wait_for(lambda: guest.qmp('query-migrate').get('status') in ('completed', 'failed'))
    check('migration is', 'completed', guest.qmp('query-migrate')['status'])
    guest.end()
    guest = client.Guest(places[1], between[1].path, arguments=('-incoming', 'defer'))
    guest.qmp('migrate-incoming', uri=f'file:{folder}/stream')
    vm.wait_for(lambda: guest.qmp('query-migrate').get('status') in ('completed', 'failed'))
    check('memory came along', b'kept', guest.memory(SOURCE, 4))
    guest.enable()
    check('the device answers, as after a reset', (0x7e57de70, 0),
          (guest.read(0), guest.read(client.SCRATCH)))
    check('nothing of migration was asked for', [],
          [m for wired in between for kind in (wire.FEATURE, wire.MIG_READ, wire.MIG_WRITE)
           for m in wired.of(kind)])
    guest.end()
    for server in servers:
        check('what riser serve -v says of it', False, 'knows migration' in server.log())
        server.end()


def private(folder):
    """Memory that is not shared and yet comes with a file: DMA reads what nobody wrote."""
    server = client.Served(folder)
    backing = f'{folder}/ram'
    memory = ('-m', '64M', '-object',
              f'memory-backend-file,id=ram,size=64M,mem-path={backing},share=off',
              '-machine', 'memory-backend=ram')
    guest = client.Guest(folder, server.path, memory=memory)
    guest.enable()
    guest.enable_msix()
    guest.fill(SOURCE, b'from the guest!!')
    check('the device says', 0, guest.dma(SOURCE, TARGET, 16))
    server.says('the client maps its memory privately')
    guest.end()
    server.end()


def diagnosed(folder):
    """riser doctor finds that in the command line."""
    line = [client.PROGRAM, '-m', '64M', '-object',
            f'memory-backend-file,id=ram,size=64M,mem-path={folder}/ram', '-machine',
            'memory-backend=ram', '-device', client.device_option(f'{folder}/none')]
    said = subprocess.run([f'{client.BUILD}/riser', 'doctor', '--', *line],
                          stdout=subprocess.PIPE, text=True, check=False)
    check('a problem', 1, said.returncode)
    check('of memory', True, "'ram' is not shared" in said.stdout)
    check('of the socket', True, 'not there' in said.stdout)


client.run(late, ended, migrated, private, diagnosed)
