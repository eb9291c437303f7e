#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""dimm.py BUILD ATTACHMENT - memory is plugged into a running guest, devices do DMA to it, and it is unplugged
again; then the devices pass their tests."""
import sys
import tempfile

import vm

DIMM = 256 << 20
GUEST = '''#!/bin/sh
online() { cat /sys/devices/system/memory/memory*/state | grep -c online; }
# What is read lands in the new memory while it is there: pages that can be moved are taken from it first.
use() { echo 3 >/proc/sys/vm/drop_caches; [ "$(md5sum </dev/vda)" = "$sum" ]; }
sum=$(md5sum </dev/vda)
before=$(online)
echo "plug"
until [ "$(online)" -gt "$before" ]; do :; done
use || exit 1
echo "unplug"
until [ "$(online)" = "$before" ]; do :; done
use
'''


def main():
    build, attachment = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        vm.make_device(folder, 'user', GUEST)
        with open(f'{folder}/disk', 'wb') as disk:
            disk.write(b'riser' * 64)
            disk.truncate(128 << 20)
        guest, monitor = vm.run_guest(
            build, folder, ['--attach', attachment, '--append', 'memhp_default_state=online_movable',
                            f'{folder}/user', f'virtio_blk,file={folder}/disk', 'edu'], '-m', 'slots=1,maxmem=1G')
        for line in guest.stdout:
            print(line, end='', flush=True)
            if line.startswith('plug'):
                monitor.command('object-add', **{'qom-type': 'memory-backend-memfd', 'id': 'more', 'size': DIMM,
                                                 'share': True})
                monitor.command('device_add', driver='pc-dimm', id='dimm', memdev='more')
            if line.startswith('unplug'):
                monitor.unplug('dimm')
        if guest.wait():
            sys.exit(f'FAIL {attachment}: status {guest.returncode}')


main()
