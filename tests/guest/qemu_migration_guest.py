#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
A guest that tests its devices is migrated to and fro between QEMUs while it does so: fio verifies what it
reads, edu and testdev count their interrupts, and none of them notices. virtio_net's connections end with
the QEMU that they go through: it is moved first, and its test is the last one.
"""
import os
import shlex
import subprocess
import sys
import tempfile

import vm

TIMES = 10
# What comes before the guest's files are put together: each test is done so often.
AGAIN = '''
for folder in ROOT/riser/tests/edu ROOT/riser/tests/testdev ROOT/riser/tests/virtio_blk; do
	mv "$folder/test" "$folder/once"
	printf '#!/bin/sh\\nfor i in 1 2 3 4 5 6 7 8; do ./once || exit; done\\n' >"$folder/test"
	chmod +x "$folder/test"
done
'''


def run(build, *arguments):
    """What `riser run` would do: what comes before QEMU, QEMU's words, and its folder."""
    riser = os.path.join(build, 'riser')
    script = subprocess.run([riser, 'run', '--dry-run', '--attach', 'qemu', *arguments], check=True,
                            stdout=subprocess.PIPE, text=True).stdout
    lines = script.splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if ' -nodefaults ' in line)
    words = shlex.split(lines[at])
    put = next(n for n, line in enumerate(lines) if 'cpio' in line and 'find' in line)
    results = next(word for word in words if 'id=results' in word).split('path=')[1]
    made = os.path.dirname(results)
    return ''.join(lines[:put]) + AGAIN.replace('ROOT', f'{made}/root') + ''.join(lines[put:at]), words, made


class Machine:
    """One of the QEMUs; what the guest says while it is here goes to two files."""

    def __init__(self, folder, words, *more):
        os.mkdir(folder)
        self.console, self.results = f'{folder}/console', f'{folder}/results'
        self.monitor = vm.Qmp(f'{folder}/qmp')
        own = {'id=console': f'file,id=console,path={self.console}', 'id=results': f'file,id=results,path={self.results}'}
        words = [next((new for key, new in own.items() if key in word), word) for word in words]
        self.process = subprocess.Popen([*words, '-qmp', f'unix:{folder}/qmp', *more], stdin=subprocess.DEVNULL)
        self.monitor.accept()
        self.qmp = self.monitor.command

    def has_begun(self):
        return 'ok   ' in text([self.console])

    def is_past_disks(self):
        return 'test virtio_blk' in text([self.results])

    def end(self):
        self.process.kill()
        self.process.wait()


def move(guest, target, uri):
    target.qmp('migrate-incoming', uri=uri)
    guest.qmp('migrate', uri=uri)
    vm.wait_for(lambda: guest.qmp('query-migrate').get('status') in ('completed', 'failed'))
    if guest.qmp('query-migrate')['status'] != 'completed':
        sys.exit(f'FAIL {guest.qmp("query-migrate")}')
    vm.wait_for(lambda: target.qmp('query-status')['status'] == 'running')


def travel(machines, folder, words):
    """To and fro, at most until the disks are done. How often it was."""
    for n in range(1, TIMES + 1):
        if any(machine.is_past_disks() for machine in machines):
            return n - 1
        machines.append(Machine(f'{folder}/{n}', words, '-incoming', 'defer'))
        move(*machines[-2:], f'unix:{folder}/migration')
        machines[-2].end()
        print(f'ok   moved {n} times', flush=True)
    return TIMES


def text(paths):
    parts = []
    for path in paths:
        with open(path, errors='replace') as file:
            parts.append(file.read())
    return ''.join(parts)


def main():
    names = ['virtio_net', 'edu', 'testdev', 'virtio_blk']
    with tempfile.TemporaryDirectory() as folder:
        with open(f'{folder}/disk', 'wb') as file:
            file.truncate(64 << 20)
        before, words, made = run(sys.argv[1], *names[:3], f'virtio_blk,file={folder}/disk')
        subprocess.run(['sh', '-e', '-c', before], check=True)
        machines = [Machine(f'{folder}/0', words)]
        try:
            vm.wait_for(lambda: machines[-1].has_begun())
            moved = travel(machines, folder, words)
            machines[moved].process.wait()
        finally:
            for machine in machines:
                machine.end()
            subprocess.run(['rm', '-rf', '--one-file-system', made], check=True)
            print(text(machine.console for machine in machines))
        results = text(machine.results for machine in machines)
        for name in names:
            if f'test {name} pass' not in results:
                sys.exit(f'FAIL {name}: {results}')
            print(f'ok   {name}')


main()
