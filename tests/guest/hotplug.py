#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""hotplug.py BUILD ATTACHMENT MACHINE - each shipped device is plugged into a guest that has one of its kind
already, used and unplugged. Those with MSI-X are served without it: QEMU 11.1's vfio-user client aborts when
such a device goes."""
import contextlib
import os
import subprocess
import sys
import tempfile

import vm

# Twice the first: what it leaves behind is met by the next.
PLUGGED = ['my_rng', 'my_rng', 'a3dev', 'edu', 'testdev', 'virtio_rng', 'virtio_test', 'virtio_console', 'virtio_net',
           'virtio_blk']
OPTIONS = {'virtio_test': {'period': '50ms', 'delay': '50ms'}, 'virtio_blk': {'size': '1M'}}
# What the one that stays would say comes in between what the guest says.
QUIET = {'virtio_test': {'period': '1000s', 'delay': '1000s'}}
NAMES_IN_QEMU = {'edu': 'riser-edu'}

# The test of a device that does nothing and comes first; the other devices' own tests are not run.
GUEST = f'''#!/bin/sh
rm -f $(ls /riser/tests/*/test | grep -v a0plugger)
dmesg -n 1 # its lines would come in between what is said here
bus=/sys/bus/pci/devices
list() {{ ls $bus; }}
# A pattern, looked up each time.
until_there() {{ until ls -d $1 2>/dev/null; do sleep 0.05; done; }}
first_bar() {{ head -n 1 "$1/resource" | cut -d ' ' -f 1; }}

use_my_rng() {{
	node=/dev/$(basename "$(until_there "$1/misc/*")")
	until_there "$node" && [ "$(head -c 4 "$node" | wc -c)" = 4 ]
}}
use_a3dev() {{
	echo 1 >"$1/enable"
	busybox devmem "$(first_bar "$1")" 32 0x12345678
	[ "$(busybox devmem "$(first_bar "$1")" 32)" = 0x12345678 ]
}}
use_edu() {{
	until_there "$1/factorial"
	echo 6 >"$1/factorial" && [ "$(cat "$1/factorial")" = 720 ] && echo "100 100" >"$1/dma"
}}
use_testdev() {{
	echo 1 >"$1/enable"
	[ "$(busybox devmem "$(first_bar "$1")" 32)" = 0x7E57DE70 ]
}}
use_virtio_rng() {{
	until name=$(grep -wo 'virtio_rng\\.1' /sys/class/misc/hw_random/rng_available); do sleep 0.05; done
	echo "$name" >/sys/class/misc/hw_random/rng_current
	[ "$(head -c 64 /dev/hwrng | wc -c)" = 64 ]
}}
use_virtio_test() {{
	acks=$(until_there "$1/virtio*/acks")
	until [ "$(cat "$acks")" -ge 2 ]; do sleep 0.05; done
}}
use_virtio_console() {{
	# The node is there from the start, and opens once there is a console behind it.
	until (echo "hello from the one that was plugged in" >/dev/hvc1) 2>/dev/null; do sleep 0.05; done
}}
use_virtio_net() {{
	card=$(basename "$(until_there "$1/virtio*/net/*")")
	ip link set "$card" up
	udhcpc -i "$card" -t 1000 -n -q -f -s /riser/tests/virtio_net/udhcpc
}}
use_virtio_blk() {{
	disk=/dev/$(basename "$(until_there "$1/virtio*/block/vd*")")
	until_there "$disk"
	yes riser | head -c 65536 >/tmp/out
	dd if=/tmp/out of="$disk" bs=65536 oflag=direct && dd if="$disk" bs=65536 count=1 iflag=direct | cmp - /tmp/out
}}

before=$(list)
for device in {' '.join(PLUGGED)}; do
	echo "waiting for $device"
	until plugged=$(list | grep -vxF "$before"); do sleep 0.05; done
	use_$device "$bus/$plugged" || {{ echo "FAIL $device at $plugged"; exit 1; }}
	echo "used $device"
	until [ "$(list)" = "$before" ]; do sleep 0.05; done
done
echo "waiting for the last"
until [ "$(list)" != "$before" ]; do sleep 0.05; done # QEMU has let go of the one before
'''


def words(device, more=None):
    options = {**OPTIONS.get(device, {}), **(more or {})}
    return ','.join([device, *(f'{name}={value}' for name, value in options.items())])


@contextlib.contextmanager
def plugged_in(attachment, riser, folder, device, number):
    """What to tell QEMU to plug in; over vfio-user, served meanwhile. A server lives until its client has gone."""
    if attachment == 'qemu':
        yield {'driver': NAMES_IN_QEMU.get(device, device), **OPTIONS.get(device, {})}
        return
    path = f'{folder}/plugged{number}'
    server = subprocess.Popen([riser, 'serve', words(device, {'msix': 'off'}), '--socket', path],
                              stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    try:
        vm.wait_for(lambda: os.path.exists(path) or server.poll() is not None)
        yield {'driver': 'vfio-user-pci', 'socket': {'type': 'unix', 'path': path}}
        assert server.poll() is None
    finally:
        server.terminate()
        server.wait()


def until_said(lines, words_said):
    for line in lines:
        print(line, end='', flush=True)
        if line.startswith(words_said):
            return
    sys.exit(f'FAIL the guest ended before it said: {words_said}')


def main():
    build, attachment, machine = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        vm.make_device(folder, 'a0plugger', GUEST)
        guest, monitor = vm.run_guest(
            build, folder, ['--attach', attachment, '--machine', machine, f'{folder}/a0plugger',
                            *(words(device, QUIET.get(device)) for device in dict.fromkeys(PLUGGED))],
            '-device', 'pcie-root-port,id=rootport,chassis=1,slot=1')
        for number, device in enumerate(PLUGGED):
            until_said(guest.stdout, f'waiting for {device}')
            with plugged_in(attachment, f'{build}/riser', folder, device, number) as what:
                monitor.plug(id='plugged', bus='rootport', **what)
                until_said(guest.stdout, f'used {device}')
                monitor.unplug('plugged')
        until_said(guest.stdout, 'waiting for the last')
        with plugged_in(attachment, f'{build}/riser', folder, 'my_rng', len(PLUGGED)) as what:
            monitor.plug(id='plugged', bus='rootport', **what)
            for line in guest.stdout:
                print(line, end='', flush=True)
        if guest.wait():
            sys.exit(f'FAIL {attachment} on {machine}: status {guest.returncode}')


main()
