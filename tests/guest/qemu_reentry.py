#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Inside QEMU a device's message or DMA comes back to it: to its own BAR or configuration space, by way
of another device, or as a reset or an unplugging. Nothing hangs, and nothing happens twice."""
import sys
import tempfile

import vm

ONE, TWO, EDU = 3, 4, 5
BARS = {ONE: 0xfe000000, TWO: 0xfd000000, EDU: 0xfc000000}
ECAM, MEMORY, PORT, BELOW = 0xb0000000, 0x100000, 6, 1 << 20
RAISE, TIMER_US, TIMER_COUNT, JOB, JOB_RESULT, WATCH, WATCH_COUNT = 0x100, 0x110, 0x114, 0x128, 0x12c, 0x130, 0x134
SCRATCH, SRC, DST, LENGTH, COMMAND, RESULT, TABLE = 0x4, 0x140, 0x148, 0x150, 0x154, 0x158, 0x1000
ID, COPY = 0x7e57de70, 1


def check(what, expected, got):
    if expected != got:
        sys.exit(f'FAIL {what}: expected {expected}, got {got}')
    print(f'ok   {what}')


class Guest(vm.Vm):
    def read(self, slot, offset):
        return self.qtest(f'readl {BARS[slot] + offset:#x}')

    def write(self, slot, offset, value, size='l'):
        self.qtest(f'write{size} {BARS[slot] + offset:#x} {value:#x}')

    def capability(self, slot, kind):
        at = self.config(slot, 0x34, size='b')
        while self.config(slot, at, size='b') != kind:
            at = self.config(slot, at + 1, size='b')
        return at

    def aim(self, slot, address, data=1):
        """All of testdev's MSI-X messages."""
        self.config(slot, self.capability(slot, 0x11) + 2, 0x8000, 'w')
        for vector in range(8):
            for n, value in enumerate((address, 0, data, 0)):
                self.write(slot, TABLE + 16 * vector + 4 * n, value)

    def copy(self, slot, source, target, length=4):
        self.write(slot, SRC, source, 'q')
        self.write(slot, DST, target, 'q')
        self.write(slot, LENGTH, length)
        self.write(slot, COMMAND, COPY)
        return self.read(slot, RESULT)

    def passes(self, done):
        """Time, until it is done; the monitor answers afterwards."""
        self.qmp('cont')
        vm.wait_for(done)
        self.qmp('stop')


def messages(guest):
    own = BARS[ONE] + RAISE
    guest.aim(ONE, own)
    guest.write(ONE, RAISE, 3)
    check('a message by an access, at itself', 3, guest.read(ONE, RAISE))
    guest.write(ONE, TIMER_US, 1)
    guest.passes(lambda: guest.read(ONE, TIMER_COUNT) == 2)
    check('by timers', 3, guest.read(ONE, RAISE))
    guest.write(ONE, WATCH, 5)
    guest.passes(lambda: guest.read(ONE, WATCH_COUNT) == 5)
    check('by a watch', 3, guest.read(ONE, RAISE))
    guest.write(ONE, SRC, BARS[ONE], 'q')
    guest.write(ONE, JOB, 7)
    guest.passes(lambda: guest.read(ONE, JOB_RESULT) == 7)
    check('by a job, which does not reach a BAR itself', 3, guest.read(ONE, RAISE))
    guest.copy(ONE, MEMORY, MEMORY + 64)
    check('by DMA', 3, guest.read(ONE, RAISE))
    msi = guest.capability(EDU, 5)
    guest.config(EDU, msi + 4, BARS[EDU] + 0x60)
    guest.config(EDU, msi + 12, 1, 'w')
    guest.config(EDU, msi + 2, 1, 'w')
    guest.write(EDU, 0x60, 2)
    check("edu's, at what raises it", 2, guest.read(EDU, 0x24))


def transfers(guest):
    guest.aim(ONE, MEMORY + 256)
    # Newer QEMUs refuse these two themselves, as an error.
    guest.copy(ONE, BARS[ONE], MEMORY)
    check('DMA from itself', True, guest.qtest(f'readl {MEMORY:#x}') in (0, 0xffffffff))
    guest.copy(ONE, MEMORY + 4, BARS[ONE] + SCRATCH)
    check('DMA to itself', 0, guest.read(ONE, SCRATCH))
    check('DMA from another', 0, guest.copy(ONE, BARS[TWO], MEMORY))
    check('is what that has', ID, guest.qtest(f'readl {MEMORY:#x}'))
    # The other one copies from the first one, when that writes its command.
    for name, begin in (('DMA', lambda: guest.copy(ONE, MEMORY + 128, BARS[TWO] + COMMAND)),
                        ('a message', lambda: guest.write(ONE, RAISE, 0))):
        guest.copy(TWO, BARS[ONE], MEMORY + 64)
        check('DMA of another from the first', ID, guest.qtest(f'readl {MEMORY + 64:#x}'))
        guest.qtest(f'writel {MEMORY + 64:#x} 0')
        guest.qtest(f'writel {MEMORY + 128:#x} {COPY}')
        guest.aim(ONE, BARS[TWO] + COMMAND, COPY)
        begin()
        check(f'{name} by way of another', True, guest.qtest(f'readl {MEMORY + 64:#x}') in (0, 0xffffffff))


def configuration(guest):
    guest.config(0, 0x60, ECAM | 1)
    command = guest.config(ONE, 4, size='w')
    check('what is mapped', command, guest.qtest(f'readw {ECAM + (ONE << 15) + 4:#x}'))
    guest.aim(ONE, ECAM + (ONE << 15) + 4, 0)
    guest.write(ONE, RAISE, 0)
    check("a message at its own command register", command, guest.config(ONE, 4, size='w'))


def word(guest, address, value=None, size='l'):
    """Of configuration space, as memory."""
    if value is None:
        return guest.qtest(f'read{size} {ECAM + address:#x}')
    return guest.qtest(f'write{size} {ECAM + address:#x} {value:#x}')


def start_below(guest):
    word(guest, BELOW + 0x10, BARS[ONE])
    word(guest, BELOW + 4, 6, 'w')


def aim_below(guest, address, data):
    at = word(guest, BELOW + 0x34, size='b')
    while word(guest, BELOW + at, size='b') != 0x11:
        at = word(guest, BELOW + at + 1, size='b')
    for n, value in enumerate((address, 0, data, 0)):
        guest.write(ONE, TABLE + 4 * n, value)
    word(guest, BELOW + at + 2, 0x8000, 'w')


def below_a_port(guest):
    """Bus 1: it sends to the port above it."""
    guest.config(0, 0x60, ECAM | 1)
    guest.config(PORT, 0x18, 0x00010100)
    guest.config(PORT, 0x20, 0xfe00fe00)
    guest.config(PORT, 4, 6, 'w')
    start_below(guest)
    check('a device below a port', ID, guest.read(ONE, 0))
    resets = guest.read(ONE, 0x164)
    aim_below(guest, ECAM + (PORT << 15) + 0x3c, 0x00400000) # the bridge's control
    guest.write(ONE, RAISE, 0)
    word(guest, (PORT << 15) + 0x3c, 0)
    start_below(guest)
    check('it has reset itself', resets + 1, guest.read(ONE, 0x164))
    guest.qmp('device_del', id='plugged')
    slot = guest.capability(PORT, 0x10) + 0x18
    aim_below(guest, ECAM + (PORT << 15) + slot, 0x0700) # indicators and power off
    guest.write(ONE, RAISE, 0)
    vm.wait_for(lambda: not any(one['name'] == 'plugged' for one in
                                guest.qmp('qom-list', path='/machine/peripheral')))
    check('it has unplugged itself', 0xffffffff, word(guest, BELOW))


def main():
    program = vm.program(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        guest = Guest(folder, program, '-device', f'testdev,addr={ONE:#x}', '-device', f'testdev,addr={TWO:#x}',
                      '-device', f'riser,model=edu,addr={EDU:#x}')
        try:
            for slot, address in BARS.items():
                guest.config(slot, 0x10, address)
                guest.config(slot, 4, 6, 'w')
            messages(guest)
            transfers(guest)
            configuration(guest)
        finally:
            guest.end()
        guest = Guest(folder, program, '-device', f'pcie-root-port,id=above,addr={PORT:#x},chassis=1',
                      '-global', 'ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off',
                      '-device', 'testdev,bus=above,id=plugged')
        try:
            below_a_port(guest)
        finally:
            guest.end()


main()
