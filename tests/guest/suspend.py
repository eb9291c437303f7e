#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""suspend.py BUILD ATTACHMENT - a guest goes to sleep (S3) three times with every shipped device and its
driver in it, is woken each time, and then every device's own test passes. The machine is pc: on q35 the firmware leaves the
power switch unmapped when it wakes, so that it sleeps only once, and cannot be switched off then."""
import sys
import tempfile

import vm

ROUNDS = 3
DEVICES = ['my_rng', 'a3dev', 'edu', 'testdev', 'virtio_rng', 'virtio_test,period=50ms,delay=50ms', 'virtio_console',
           'virtio_net', 'virtio_blk']

# testdev has no driver, and its test looks for extended capabilities, which pc does not show: here its first
# register is read.
SLEEPER = f'''#!/bin/sh
for round in $(seq {ROUNDS}); do
	echo "asleep $round"
	echo mem >/sys/power/state || exit 1
	echo "awake $round"
done
# Linux 6.1 may warn of itself while it wakes (it asks for the time before that goes on); other tests read this log.
dmesg -c >/dev/null
rm -f /riser/tests/testdev/test
testdev=/sys/bus/pci/devices/$(lspci -D -d 1234:7e57 | cut -d ' ' -f 1)
echo 1 >$testdev/enable
value=$(busybox devmem $(head -n 1 $testdev/resource | cut -d ' ' -f 1) 32)
[ "$value" = 0x7E57DE70 ] || {{ echo "FAIL testdev reads $value"; exit 1; }}
'''


def main():
    build, attachment = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        # The guest runs tests by their names: this one first.
        vm.make_device(folder, 'a0sleeper', SLEEPER)
        guest, monitor = vm.run_guest(build, folder, ['--machine', 'pc', '--attach', attachment,
                                                    f'{folder}/a0sleeper', *DEVICES])
        awake = 0
        for line in guest.stdout:
            print(line, end='', flush=True)
            if line.startswith('asleep '):
                vm.wait_for(lambda: monitor.command('query-status')['status'] == 'suspended')
                monitor.command('system_wakeup')
            awake += line.startswith('awake ')
        if guest.wait() or awake != ROUNDS:
            sys.exit(f'FAIL {attachment}: status {guest.returncode}, woken {awake} times')


main()
