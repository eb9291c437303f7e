#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The machine without CPUs: its devices are listed, its commands read, write and refuse."""
import subprocess
import sys
import tempfile

import vm

DEVICES = 'my_rng', 'a3dev', 'testdev', 'virtio_rng', 'virtio_blk'
CONFIG = 0xb0000000


def program(build):
    here = vm.os.path.dirname(vm.os.path.abspath(__file__))
    made = subprocess.run([f'{here}/../../tools/qemu-adapter', '--machine', '--models', f'{build}/devices'],
                          check=True, stdout=subprocess.PIPE, text=True)
    return made.stdout.strip()


def start(folder):
    monitor = vm.Qmp(f'{folder}/qmp')
    words = [program(sys.argv[1]), '-nodefaults', '-display', 'none', '-machine', 'a3-pc', '-accel', 'a3acl',
             '-m', '64', '-qmp', f'unix:{folder}/qmp', '-device', 'virtio-rng-pci', '-smp', '2']
    for name in DEVICES:
        words += ['-device', name]
    process = subprocess.Popen(words)
    monitor.accept()
    return process, monitor.command


def check_lists(qmp):
    def info(what):
        return qmp('human-monitor-command', **{'command-line': f'info {what}'})

    tree = info('qtree')
    for name in DEVICES + ('a3-pc-pcie-host', 'a3-pc-power', 'virtio-rng-pci'):
        assert f'dev: {name},' in tree, name
    assert 'bus: a3-pcie0' in tree
    assert info('pci').count('function 0:') == len(DEVICES) + 2
    assert 'a3-pcie-window32' in info('mtree')
    assert len(qmp('query-cpus-fast')) == 2


def check_accesses(qmp):
    def read(space, address, size):
        return qmp('a3-read', space=space, address=address, size=size)['value']

    def write(space, address, size, value):
        qmp('a3-write', space=space, address=address, size=size, value=value)

    assert read('memory', CONFIG + (2 << 15), 4) == 0xcafe1234
    assert read('memory', CONFIG + (31 << 15), 4) == 0xffffffff
    write('io', 0xcf8, 4, 0x80000000 | 2 << 11)
    assert read('io', 0xcfc, 4) == 0xcafe1234
    write('memory', 0x1000, 8, 0x8877665544332211)
    assert [read('memory', 0x1000 + i, 1) for i in range(8)] == [0x11 * (i + 1) for i in range(8)]
    write('memory', 0xfee00000, 4, 7)
    write('memory', 0xfee00000, 4, 7)
    write('memory', 0xfee00000, 4, 2047)
    write('memory', 0xfee00000, 4, 2048)
    assert qmp('a3-messages')['vectors'] == [[7, 2], [2047, 1]]
    assert qmp('a3-messages')['vectors'] == []


def check_refusals(qmp):
    for why, arguments in (('memory', {}), ('memory', {'space': 'disk', 'address': 0, 'size': 1}),
                           ('address', {'space': 'io', 'size': 1}),
                           ('address', {'space': 'io', 'address': -1, 'size': 1}),
                           ('address', {'space': 'io', 'address': '0', 'size': 1}),
                           ('size', {'space': 'io', 'address': 0, 'size': 3}),
                           ('size', {'space': 'io', 'address': 0, 'size': 0}),
                           ('size', {'space': 'io', 'address': 0, 'size': 16}),
                           ('answers', {'space': 'memory', 'address': 0xf000000000000000, 'size': 4})):
        for command in 'a3-read', 'a3-write':
            try:
                qmp(command, **arguments, **({'value': 0} if command == 'a3-write' else {}))
            except RuntimeError as error:
                assert why in str(error), (arguments, error)
            else:
                assert False, arguments


def main():
    with tempfile.TemporaryDirectory() as folder:
        process, qmp = start(folder)
        try:
            check_lists(qmp)
            check_accesses(qmp)
            check_refusals(qmp)
            qmp('system_reset')
            qmp('quit')
            assert process.wait(vm.PATIENCE) == 0
        finally:
            process.kill()
            process.wait()


main()
