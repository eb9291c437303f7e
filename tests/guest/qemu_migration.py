#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
A machine that runs is migrated inside QEMU, ten times, to and fro, with requests to its disk, a job,
DMA and a held mapping under way: nothing is lost. What cannot be moved is refused before it begins.
"""
import os
import subprocess
import sys
import tempfile

import vm

TEST, BLK, EDU = 3, 4, 5
BARS = {TEST: (0x10, 0xfe000000), BLK: (0x20, 0xfd000000), EDU: (0x10, 0xfc000000)}
POST, POST_COUNT, JOB, JOB_RESULT, WATCH, WATCH_COUNT = 0x120, 0x124, 0x128, 0x12c, 0x130, 0x134
SRC, DST, LENGTH, COMMAND, HOLD, USE, RELEASE = 0x140, 0x148, 0x150, 0x154, 4, 5, 6
HELD, WORD, RING, BUFFERS = 0x180000, 0x100000, 0x200000, 0x300000
SIZE, REQUESTS, CHUNK = 32, 8, 256 << 10


# What makes the disk slow, before the C library's own.
SLOW = '''
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
ssize_t pwritev64(int fd, const struct iovec *iov, int count, off_t offset)
{
	usleep(100000);
	return syscall(SYS_pwritev, fd, iov, count, offset, 0);
}
'''


def check(what, expected, got):
    if expected != got:
        sys.exit(f'FAIL {what}: expected {expected}, got {got}')
    print(f'ok   {what}', flush=True)


class Guest(vm.Vm):
    def read(self, slot, offset, size='l'):
        return self.qtest(f'read{size} {BARS[slot][1] + offset:#x}')

    def write(self, slot, offset, value, size='l'):
        self.qtest(f'write{size} {BARS[slot][1] + offset:#x} {value:#x}')

    def fill(self, address, byte, length):
        self.qtest(f'memset {address:#x} {length:#x} {byte:#x}')

    def enable(self):
        for slot, (register, address) in BARS.items():
            self.config(slot, register, address)
            self.config(slot, 4, 6, 'w')


class Disk:
    """virtio_blk's driver, as much of one as is needed: one queue, writes."""

    def __init__(self, guest):
        self.available = 0
        for status in 0, 1, 3:
            guest.write(BLK, 0x14, status, 'b')
        guest.write(BLK, 0x08, 1) # VERSION_1
        guest.write(BLK, 0x0c, 1)
        guest.write(BLK, 0x14, 11, 'b')
        guest.write(BLK, 0x18, SIZE, 'w')
        for register, address in (0x20, RING), (0x28, RING + 0x1000), (0x30, RING + 0x2000):
            guest.write(BLK, register, address)
        guest.write(BLK, 0x1c, 1, 'w')
        guest.write(BLK, 0x14, 15, 'b')

    def begin(self, guest, byte):
        """Some writes, all at once."""
        for n in range(REQUESTS):
            self.add(guest, n, byte + n)
        self.available += REQUESTS
        guest.qtest(f'writew {RING + 0x1002:#x} {self.available & 0xffff:#x}')
        guest.write(BLK, 0x4000, 0, 'w')

    def add(self, guest, n, byte):
        header, data = RING + 0x3000 + 32 * n, BUFFERS + n * CHUNK
        guest.fill(data, byte, CHUNK)
        guest.qtest(f'writeq {header:#x} 1')
        guest.qtest(f'writeq {header + 8:#x} {n * CHUNK // 512}')
        guest.qtest(f'writeb {header + 16:#x} 0xff')
        for i, (address, length, flags) in enumerate(((header, 16, 1), (data, CHUNK, 1), (header + 16, 1, 2))):
            at = RING + 16 * (3 * n + i)
            guest.qtest(f'writeq {at:#x} {address:#x}')
            guest.qtest(f'writeq {at + 8:#x} {length | flags << 32 | (3 * n + i + 1) << 48:#x}')
        slot = (self.available + n) % SIZE
        guest.qtest(f'writew {RING + 0x1004 + 2 * slot:#x} {3 * n:#x}')

    def check(self, guest, path, byte):
        check('all requests are answered', self.available & 0xffff, guest.qtest(f'readw {RING + 0x2002:#x}'))
        check('and well', [0] * REQUESTS, [guest.qtest(f'readb {RING + 0x3010 + 32 * n:#x}') for n in range(REQUESTS)])
        with open(path, 'rb') as file:
            data = file.read(REQUESTS * CHUNK)
        check('the disk has what was written', b''.join(bytes([byte + n]) * CHUNK for n in range(REQUESTS)), data)


def start(folder, name, program, disk, *arguments):
    os.mkdir(f'{folder}/{name}')
    return Guest(f'{folder}/{name}', program, '-device', f'testdev,addr={TEST:#x}', '-device',
                 f'virtio_blk,addr={BLK:#x},file={disk},aio=threads', '-device', f'riser,model=edu,addr={EDU:#x}', '-device',
                 'pcie-root-port,id=above,chassis=1', *arguments)


def with_slow_disks(folder, program):
    """The program, with something more that is loaded before QEMU."""
    library, wrapper = f'{folder}/slow.so', f'{folder}/qemu'
    subprocess.run(['cc', '-shared', '-fPIC', '-x', 'c', '-', '-o', library], input=SLOW, text=True, check=True)
    with open(program) as file, open(wrapper, 'w') as new:
        new.write(file.read().replace("PRELOAD='", f"PRELOAD='{library}:"))
    os.chmod(wrapper, 0o755)
    return wrapper


def migrate(guest, target, folder, meanwhile=None):
    target.qmp('migrate-incoming', uri=f'unix:{folder}/migration')
    if meanwhile:
        guest.qmp('migrate-set-parameters', **{'max-bandwidth': 100000})
    guest.qmp('migrate', uri=f'unix:{folder}/migration')
    if meanwhile:
        vm.wait_for(lambda: guest.qmp('query-migrate').get('ram', {}).get('transferred', 0) > 100000)
        meanwhile()
        guest.qmp('migrate-set-parameters', **{'max-bandwidth': 1 << 40})
    vm.wait_for(lambda: guest.qmp('query-migrate').get('status') in ('completed', 'failed'))
    check('the migration', 'completed', guest.qmp('query-migrate')['status'])
    vm.wait_for(lambda: target.qmp('query-status')['status'] != 'inmigrate')
    target.qmp('cont')


def hold(guest):
    """A mapping, which is written to later on."""
    guest.write(TEST, DST, HELD, 'q')
    guest.write(TEST, LENGTH, 4096)
    guest.write(TEST, COMMAND, HOLD)


def round_trip(guest, folder, program, path, disk, n):
    guest.qtest(f'writel {WORD:#x} 1000')
    guest.write(TEST, SRC, WORD, 'q')
    guest.fill(HELD, 0, 4096)
    hold(guest)
    target = start(folder, f'to{n}', program, path, '-incoming', 'defer')
    guest.write(TEST, JOB, n)
    guest.write(EDU, 0x20, 0)
    guest.write(EDU, 0x08, 10)
    disk.begin(guest, n + 1)
    migrate(guest, target, folder, (lambda: guest.write(TEST, COMMAND, USE)) if n == 1 else None)
    disk.check(target, path, n + 1)
    check('the job has ended', 1000 + n, target.read(TEST, JOB_RESULT))
    vm.wait_for(lambda: target.read(EDU, 0x20) == 0)
    check("edu's factorial", 3628800, target.read(EDU, 0x08))
    if n == 1:
        check('what was written by a mapping', 0x77777777, target.qtest(f'readl {HELD + 2048:#x}'))
    return target


def standing_still(guest):
    """Nothing runs by itself."""
    counts = guest.read(TEST, POST_COUNT), guest.read(TEST, WATCH_COUNT)
    guest.qmp('stop')
    guest.write(TEST, POST, 1)
    guest.write(TEST, WATCH, 5)
    for _ in range(10):
        guest.qmp('query-status')
    check('work and watches wait', counts, (guest.read(TEST, POST_COUNT), guest.read(TEST, WATCH_COUNT)))
    guest.qmp('cont')
    vm.wait_for(lambda: guest.read(TEST, POST_COUNT) == counts[0] + 1 and
                guest.read(TEST, WATCH_COUNT) == counts[1] + 5)
    check('and come when it goes on', 'running', guest.qmp('query-status')['status'])


def refused(guest):
    """A disk in memory stays where it is."""
    guest.qmp('device_add', driver='virtio_blk', id='memory', bus='above', size='1M')
    try:
        guest.qmp('migrate', uri='unix:/nonexistent')
        check('a disk in memory', 'refused', 'migrated')
    except RuntimeError as error:
        check('a disk in memory is refused', True, 'disk in memory' in str(error))


def main():
    with tempfile.TemporaryDirectory() as folder:
        program = with_slow_disks(folder, vm.program(sys.argv[1]))
        path = f'{folder}/disk'
        with open(path, 'wb') as file:
            file.truncate(REQUESTS * CHUNK)
        guest = start(folder, 'first', program, path)
        try:
            guest.enable()
            guest.qmp('cont')
            disk = Disk(guest)
            standing_still(guest)
            for n in range(10):
                left, guest = guest, round_trip(guest, folder, program, path, disk, n)
                left.end()
            other = start(folder, 'last', program, path, '-incoming', 'defer')
            try:
                migrate(guest, other, folder)
                guest.qmp('cont')
                vm.wait_for(lambda: guest.qmp('query-status')['status'] == 'io-error')
                check('the other one has the disk', 'running', other.qmp('query-status')['status'])
            finally:
                other.end()
            guest.qmp('cont')
            disk.begin(guest, 100)
            vm.wait_for(lambda: guest.qtest(f'readw {RING + 0x2002:#x}') == disk.available)
            disk.check(guest, path, 100)
            refused(guest)
        finally:
            guest.end()


main()
