# SPDX-License-Identifier: MIT
"""A QEMU for tests that play the guest or the operator themselves: QMP, and qtest's accesses."""
import json
import os
import socket
import subprocess
import time


class Vm:
    """
    QEMU with these arguments. With `qtest` the script plays the guest: the machine's own CPU does
    nothing, and its clock passes between `cont` and `stop`.
    """

    def __init__(self, folder, program, *arguments, qtest=False):
        self.sockets = {}
        self.command = [program, '-nodefaults', '-display', 'none', '-machine', 'q35']
        wanted = ['qmp'] + (['qtest'] if qtest else [])
        for name in wanted:
            path = f'{folder}/{name}.{id(self)}'
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(path)
            listener.listen(1)
            listener.settimeout(30)
            self.sockets[name] = listener
            self.command += [f'-{name}', f'unix:{path}']
        if qtest:
            self.command += ['-accel', 'tcg', '-S', '-bios', sleeping_firmware(folder),
                             '-qtest-log', '/dev/null']
        self.process = subprocess.Popen(self.command + list(arguments))
        self.files = {}
        for name, listener in self.sockets.items():
            peer, _ = listener.accept()
            listener.close()
            peer.settimeout(60)
            self.files[name] = peer.makefile('rw')
        self.files['qmp'].readline()
        self.qmp('qmp_capabilities')

    def qmp(self, command, **arguments):
        """The answer's `return`; an error is raised."""
        file = self.files['qmp']
        file.write(json.dumps({'execute': command, 'arguments': arguments}) + '\n')
        file.flush()
        while True:
            answer = json.loads(file.readline())
            if 'error' in answer:
                raise RuntimeError(answer['error']['desc'])
            if 'return' in answer:
                return answer['return']

    def hmp(self, line):
        said = self.qmp('human-monitor-command', **{'command-line': line})
        return said.strip()

    def wait_event(self, name):
        file = self.files['qmp']
        while json.loads(file.readline()).get('event') != name:
            pass

    def qtest(self, line):
        """What qtest answers after OK, as a number if it is one."""
        file = self.files['qtest']
        file.write(line + '\n')
        file.flush()
        while True:
            words = file.readline().split()
            if words and words[0] == 'OK':
                return int(words[1], 0) if len(words) > 1 else None
            if not words or words[0] != 'IRQ':
                raise RuntimeError(f'{line}: {words}')

    def config(self, slot, offset, value=None, size='l'):
        self.qtest(f'outl 0xcf8 {0x80000000 | slot << 11 | (offset & ~3):#x}')
        port = 0xcfc + offset % 4
        if value is None:
            return self.qtest(f'in{size} {port:#x}')
        return self.qtest(f'out{size} {port:#x} {value:#x}')

    def end(self):
        self.process.kill()
        self.process.wait()


def sleeping_firmware(folder):
    """A CPU that starts here halts, at the address where all of them start."""
    path = f'{folder}/firmware'
    with open(path, 'wb') as file:
        file.write(b'\xf4' * 0xfff0 + b'\xfa\xf4\xeb\xfc' + b'\xf4' * 12)
    return path


def program(build):
    """A QEMU with the adapter in it, and the models of this build."""
    source = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    made = subprocess.run([f'{source}/tools/qemu-adapter', '--models', f'{build}/devices'],
                          check=True, stdout=subprocess.PIPE, text=True)
    return made.stdout.strip()


def wait_for(what, seconds=30):
    until = time.time() + seconds
    while not what():
        if time.time() > until:
            raise TimeoutError
        time.sleep(0.02)
