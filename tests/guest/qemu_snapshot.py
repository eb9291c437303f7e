#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""In the middle of my_rng's sequence and of edu's DMA: savevm and loadvm, and migration to another
QEMU. Both go on where they were."""
import ctypes
import os
import sys
import tempfile
import time

import vm

RNG, EDU = 3, 4
RNG_BAR, EDU_BAR, MEMORY = 0xfe000000, 0xfd000000, 0x100000
SRC, DST, COUNT, COMMAND = 0x80, 0x88, 0x90, 0x98
BUFFER, RUN, TO_RAM = 0x40000, 1, 2


def check(what, expected, got):
    if expected != got:
        sys.exit(f'FAIL {what}: expected {expected}, got {got}')
    print(f'ok   {what}')


def copy(guest, source, target, count, command):
    guest.qtest(f'writeq {EDU_BAR + SRC:#x} {source:#x}')
    guest.qtest(f'writeq {EDU_BAR + DST:#x} {target:#x}')
    guest.qtest(f'writeq {EDU_BAR + COUNT:#x} {count}')
    guest.qtest(f'writeq {EDU_BAR + COMMAND:#x} {command}')


def running(guest):
    return guest.qtest(f'readq {EDU_BAR + COMMAND:#x}') & RUN


def finish(guest):
    """Lets time pass until the copy is done."""
    guest.qmp('cont')
    vm.wait_for(lambda: not running(guest))
    guest.qmp('stop')


def numbers(guest, count):
    return [guest.qtest(f'readl {RNG_BAR:#x}') for _ in range(count)]


def snapshot(guest, verb):
    said = guest.hmp(f'{verb} here')
    if said:
        sys.exit(f'FAIL {verb}: {said}')


def expected_numbers(seed, count):
    libc = ctypes.CDLL(None)
    libc.srand(seed)
    return [libc.rand() for _ in range(count)]


def create(guest, **options):
    guest.qmp('blockdev-create', **{'job-id': 'create', 'options': options})
    vm.wait_for(lambda: guest.qmp('query-jobs')[0]['status'] == 'concluded')
    guest.qmp('job-dismiss', id='create')


def make_disk(guest, path):
    """Where snapshots are kept."""
    file = {'driver': 'file', 'filename': path}
    create(guest, **file, size=0)
    create(guest, driver='qcow2', file=file_node(guest, file), size=1 << 20)
    guest.qmp('blockdev-add', **{'driver': 'qcow2', 'node-name': 'disk', 'file': 'file'})


def file_node(guest, file):
    guest.qmp('blockdev-add', **{'node-name': 'file', **file})
    return 'file'


def start(folder, program, *arguments):
    os.mkdir(folder)
    return vm.Vm(folder, program, '-device', f'my_rng,addr={RNG:#x}', '-device',
                 f'riser,model=edu,addr={EDU:#x}', *arguments)


def begin_copy(guest):
    """A copy that is under way while the machine stands still."""
    under_way = 0
    while not under_way:  # a slow machine may have come to its end
        copy(guest, MEMORY, BUFFER, 4, RUN)
        guest.qmp('cont')
        time.sleep(0.02)
        guest.qmp('stop')
        under_way = running(guest)
    check('a copy is under way', RUN, under_way)


def check_copy(guest, what):
    """It ends, and has copied: back to memory with it."""
    finish(guest)
    copy(guest, BUFFER, MEMORY + 64, 4, RUN | TO_RAM)
    finish(guest)
    got = guest.qtest(f'readl {MEMORY + 64:#x}')
    check(what, 0x11223344, int.from_bytes(got.to_bytes(4, 'little'), 'big'))


def move(guest, target, folder):
    """Migrates to another QEMU."""
    target.qmp('migrate-incoming', uri=f'unix:{folder}/migration')
    guest.qmp('migrate', uri=f'unix:{folder}/migration')
    vm.wait_for(lambda: guest.qmp('query-migrate').get('status') in ('completed', 'failed'))
    check('the migration', 'completed', guest.qmp('query-migrate')['status'])
    vm.wait_for(lambda: target.qmp('query-status')['status'] != 'inmigrate')


def main():
    program = vm.program(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        guest = start(f'{folder}/one', program)
        make_disk(guest, f'{folder}/disk.qcow2')
        guest.config(RNG, 0x10, RNG_BAR)
        guest.config(EDU, 0x10, EDU_BAR)
        for slot in RNG, EDU:
            guest.config(slot, 4, 6, 'w')
        guest.qtest(f'writel {RNG_BAR + 4:#x} 0x42')
        check('a seeded sequence', expected_numbers(0x42, 2), numbers(guest, 2))
        guest.qtest(f'write {MEMORY:#x} 4 0x11223344')
        begin_copy(guest)
        snapshot(guest, 'savevm')
        then = numbers(guest, 3)
        finish(guest)
        snapshot(guest, 'loadvm')
        check('the copy is under way again', RUN, running(guest))
        check('the sequence goes on where it was', then, numbers(guest, 3))
        check_copy(guest, 'the copy, too')

        begin_copy(guest)
        guest.qmp('blockdev-del', **{'node-name': 'disk'})
        target = start(f'{folder}/two', program, '-incoming', 'defer')
        move(guest, target, folder)
        then = expected_numbers(0x42, 8)[5:]
        check('there it is still under way', RUN, running(target))
        check('the sequence goes on there', then, numbers(target, 3))
        check_copy(target, 'and the copy')
        for machine in guest, target:
            machine.end()


main()
