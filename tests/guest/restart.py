#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""restart.py BUILD ATTACHMENT - the machine is reset while virtio_blk, edu and virtio_rng are at work; the
guest boots again, finds on the disk what it had flushed, and the devices pass their tests."""
import sys
import tempfile

import vm

BUSY = '''#!/bin/sh
disk=/dev/vda
if [ "$(head -c 4 $disk)" = done ]; then
	echo "second boot"
	[ "$(dd if=$disk bs=4096 skip=1 count=256 2>/dev/null | md5sum)" = "$(yes riser | head -c 1048576 | md5sum)" ]
	exit
fi
yes riser | head -c 1048576 | dd of=$disk bs=4096 seek=1 conv=fsync 2>/dev/null
printf done | dd of=$disk conv=fsync,notrunc 2>/dev/null
while :; do dd if=/dev/zero of=$disk bs=64k seek=64 count=512 oflag=direct 2>/dev/null; done &
while :; do cat $disk >/dev/null; echo 3 >/proc/sys/vm/drop_caches; done &
while :; do head -c 64 /dev/hwrng >/dev/null; done &
edu=$(echo /sys/bus/pci/drivers/edu/0000*)
for round in 1 2 3; do
	echo "100 100" >"$edu/dma" && echo 7 >"$edu/factorial"
done
echo "at work"
while :; do echo "100 100" >"$edu/dma"; done
'''


def main():
    build, attachment = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        vm.make_device(folder, 'busy', BUSY)
        with open(f'{folder}/disk', 'wb') as disk:
            disk.truncate(64 << 20)
        guest, monitor = vm.run_guest(
            build, folder, ['--attach', attachment, f'{folder}/busy', f'virtio_blk,file={folder}/disk', 'edu', 'virtio_rng'],
            '-action', 'reboot=reset')
        resets = seconds = 0
        for line in guest.stdout:
            print(line, end='', flush=True)
            if line.startswith('at work'):
                monitor.command('system_reset')
                resets += 1
            seconds += line.startswith('second boot')
        if guest.wait() or resets != 1 or seconds != 1:
            sys.exit(f'FAIL {attachment}: status {guest.returncode}, {resets} resets, {seconds} second boots')


main()
