#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each device is plugged into a QEMU and out of it again, many times: nothing of it stays behind."""
import os
import sys
import tempfile

import vm

PORT, ECAM = 6, 0xb0000000
BELOW = ECAM + (1 << 20)
DEVICES = ['a3dev', 'riser-edu', 'my_rng', 'testdev', 'virtio_blk,size=1M', 'virtio_console', 'virtio_net,net=none',
           'virtio_rng', 'virtio_test']
TIMES = 10


def enable(guest):
    """The port's bus, and its slot without power: what is unplugged goes at once."""
    guest.config(0, 0x60, ECAM | 1)
    guest.config(PORT, 0x18, 0x00010100)
    guest.config(PORT, 0x20, 0xfe00fd00)
    guest.config(PORT, 4, 6, 'w')
    at = guest.config(PORT, 0x34, size='b')
    while guest.config(PORT, at, size='b') != 0x10:
        at = guest.config(PORT, at + 1, size='b')
    guest.config(PORT, at + 0x18, 0x0700, 'w')


def use(guest):
    """What its BARs are mapped at, and its memory."""
    for bar in range(6):
        guest.qtest(f'writel {BELOW + 0x10 + 4 * bar:#x} {0xfd000000 + (bar << 20):#x}')
    guest.qtest(f'writew {BELOW + 4:#x} 6')
    for bar in range(6):
        guest.qtest(f'readl {0xfd000000 + (bar << 20):#x}')


def is_there(guest):
    return any(one['name'] == 'plugged' for one in guest.qmp('qom-list', path='/machine/peripheral'))


def plug(guest, device):
    driver, *options = device.split(',')
    guest.qmp('device_add', driver=driver, id='plugged', bus='above',
              **dict(option.split('=') for option in options))
    use(guest)
    guest.qmp('device_del', id='plugged')
    vm.wait_for(lambda: not is_there(guest))


def left(guest):
    """Files that are open, and mappings of a device's own memory."""
    process = f'/proc/{guest.process.pid}'
    with open(f'{process}/maps') as maps:
        return len(os.listdir(f'{process}/fd')), sum('memfd:' in line for line in maps)


def main():
    program = vm.program(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        guest = vm.Vm(folder, program, '-device', f'pcie-root-port,id=above,addr={PORT:#x},chassis=1', '-global',
                      'ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off')
        try:
            enable(guest)
            plug(guest, 'my_rng')
            before = left(guest)
            for device in DEVICES:
                for _ in range(TIMES):
                    plug(guest, device)
                vm.wait_for(lambda: left(guest) == before)
                print(f'ok   {device}: nothing is left', flush=True)
        finally:
            guest.end()


if __name__ == "__main__":
    main()
