#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Plugs a device in, has its driver use it, unplugs it, again and again in one guest, on each attachment."""
import os
import subprocess
import sys
import tempfile
import threading

import vm

CASES = ('vfio-user', 'q35', 5), ('qemu', 'q35', 3), ('qemu', 'a3-pc', 3)
BUILD = sys.argv[1]
RISER = f'{BUILD}/riser'

GUEST = '''#!/bin/sh
# The device that comes and goes is beside the one that stays.
count() { ls /sys/bus/pci/drivers/my_rng | grep -c ^0000; }
for round in $(seq ROUNDS); do
	echo "waiting for $round"
	until [ "$(count)" = 2 ]; do sleep 0.05; done
	until [ -c /dev/my_rng1 ]; do sleep 0.05; done
	echo "used: $(head -c 4 /dev/my_rng1 | od -An -tu4)"
	until [ "$(count)" = 1 ]; do sleep 0.05; done
done
echo "waiting for the last"
until [ "$(count)" = 2 ]; do sleep 0.05; done # QEMU has let go of the one before
'''


def make_device(folder, rounds):
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../devices/my_rng')
    subprocess.run(['cp', '-R', '-T', source, f'{folder}/my_rng'], check=True)
    include = os.path.join(source, '../../include')
    with open(f'{folder}/my_rng/meson.build', 'w') as file:
        file.write("project('my_rng', 'c', default_options: ['c_std=gnu11'])\n"
                   "shared_module('my_rng', 'my_rng.c', name_prefix: '',\n"
                   f"  c_args: '-I{os.path.abspath(include)}')\n")
    with open(f'{folder}/my_rng/guest/test', 'w') as file:
        file.write(GUEST.replace('ROUNDS', str(rounds)))


def options(attach, folder):
    if attach == 'qemu':
        return {'driver': 'my_rng'}
    return {'driver': 'vfio-user-pci', 'socket': {'type': 'unix', 'path': f'{folder}/plugged'}}


def operate(monitor, lines, device):
    """Plugs in when the guest waits, unplugs when it has used the device."""
    for line in lines:
        print(line, end='', flush=True)
        if 'waiting for' in line:
            monitor.plug(id='plugged', bus='rootport', **device)
        if 'used:' in line:
            assert int(line.split()[-1]) > 0
            monitor.unplug('plugged')


def run(attach, machine, folder):
    monitor = vm.Qmp(f'{folder}/qmp.{attach}.{machine}')
    accepted = threading.Thread(target=monitor.accept)
    accepted.start()
    guest = subprocess.Popen(
        [RISER, 'run', '--attach', attach, '--machine', machine, f'{folder}/my_rng', '--', '-device',
         'pcie-root-port,id=rootport,chassis=1,slot=1', '-qmp', f'unix:{monitor.path}'],
        stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    accepted.join()
    operate(monitor, guest.stdout, options(attach, folder))
    if guest.wait():
        sys.exit(f'FAIL {attach} on {machine}: status {guest.returncode}')


def main():
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen([RISER, 'serve', f'{BUILD}/devices/my_rng.so', '--socket',
                                   f'{folder}/plugged'], stdout=subprocess.DEVNULL)
        try:
            vm.wait_for(lambda: os.path.exists(f'{folder}/plugged'))
            for attach, machine, rounds in CASES:
                make_device(folder, rounds)
                run(attach, machine, folder)
            assert server.poll() is None
        finally:
            server.terminate()
            server.wait()


main()
