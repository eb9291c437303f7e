# SPDX-License-Identifier: MIT
"""A QEMU for tests that play the guest or the operator themselves: QMP, and qtest's accesses."""
import json
import os
import socket
import subprocess
import threading
import time

PATIENCE = 1800  # seconds: ends what hangs, on a machine however slow
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Monitor:
    """One of QEMU's sockets, on which this end listens: QEMU connects when it starts."""
    patience = PATIENCE

    def __init__(self, path):
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(1)
        self.listener.settimeout(self.patience)

    def accept(self):
        peer, _ = self.listener.accept()
        self.listener.close()
        peer.settimeout(self.patience)
        # Two: one for both loses, when it writes, what it has read ahead.
        self.lines, self.requests = peer.makefile('r'), peer.makefile('w')

    def request(self, line):
        self.requests.write(line + '\n')
        self.requests.flush()


class Qmp(Monitor):
    def accept(self):
        super().accept()
        self.lines.readline()
        self.command('qmp_capabilities')

    def command(self, name, **arguments):
        """The answer's `return`; an error is raised."""
        self.request(json.dumps({'execute': name, 'arguments': arguments}))
        while True:
            answer = json.loads(self.lines.readline())
            if 'error' in answer:
                raise RuntimeError(f'{name}: {answer["error"]["desc"]}')
            if 'return' in answer:
                return answer['return']

    def plug(self, **device):
        """Tried for a while: a device that was unplugged lets go of its server a moment later."""
        until = time.monotonic() + self.patience
        while True:
            try:
                return self.command('device_add', **device)
            except RuntimeError:
                if time.monotonic() > until:
                    raise
            time.sleep(0.2)

    def unplug(self, name):
        """
        Until it has gone. Asked again every ten seconds, as QEMU has it of its users: to a guest that
        did not look in between, an attention button that was pressed twice was pressed once.
        """
        begun = time.monotonic()
        again = begun + 10
        self.command('device_del', id=name)
        while name in (one['name'] for one in self.command('qom-list', path='/machine/peripheral')):
            if time.monotonic() > begun + self.patience:
                raise TimeoutError(f'the guest does not let go of {name}')
            if time.monotonic() > again:
                again += 10
                try:
                    self.command('device_del', id=name)
                except RuntimeError:
                    pass  # the guest is at it
            time.sleep(0.05)


class Vm:
    """
    QEMU with these arguments, and a guest that is this script: the machine's own CPU does nothing,
    and its clock passes between `cont` and `stop`.
    """
    accelerator = ('-accel', 'tcg', '-S')

    def __init__(self, folder, program, *arguments):
        self.monitor = Qmp(f'{folder}/qmp')
        self.accesses = Monitor(f'{folder}/qtest')
        self.process = subprocess.Popen(
            [program, '-nodefaults', '-display', 'none', '-machine', 'q35',
             *self.accelerator, '-bios', sleeping_firmware(folder), '-qmp', f'unix:{folder}/qmp',
             '-qtest', f'unix:{folder}/qtest', '-qtest-log', '/dev/null', *arguments])
        self.monitor.accept()
        self.accesses.accept()
        self.qmp = self.monitor.command

    def hmp(self, line):
        said = self.qmp('human-monitor-command', **{'command-line': line})
        return said.strip()

    def qtest(self, line):
        """What qtest answers after OK, as a number if it is one."""
        self.accesses.request(line)
        while True:
            words = self.accesses.lines.readline().split()
            if words and words[0] == 'OK':
                return int(words[1], 0) if len(words) > 1 else None
            if not words or words[0] != 'IRQ':
                raise RuntimeError(f'{line}: {words}')
            self.heard(words)

    def heard(self, words):
        """['IRQ', 'raise' or 'lower', number], once they are intercepted."""

    def config(self, slot, offset, value=None, size='l'):
        self.qtest(f'outl 0xcf8 {0x80000000 | slot << 11 | (offset & ~3):#x}')
        port = 0xcfc + offset % 4
        if value is None:
            return self.qtest(f'in{size} {port:#x}')
        return self.qtest(f'out{size} {port:#x} {value:#x}')

    def end(self):
        self.process.kill()
        self.process.wait()
        for path in self.monitor.path, self.accesses.path:
            os.unlink(path)


def sleeping_firmware(folder):
    """A CPU that starts here halts, at the address where all of them start."""
    path = f'{folder}/firmware'
    with open(path, 'wb') as file:
        file.write(b'\xf4' * 0xfff0 + b'\xfa\xf4\xeb\xfc' + b'\xf4' * 12)
    return path


def make_device(folder, name, test):
    """A device that does nothing, whose test in the guest is this script: what a test wants to happen there."""
    include = os.path.join(SOURCE, 'include')
    os.makedirs(f'{folder}/{name}/guest')
    files = {
        'guest/test': test,
        'meson.build': f"project('{name}', 'c', default_options: ['c_std=gnu11'])\n"
                       f"shared_module('{name}', '{name}.c', name_prefix: '', c_args: '-I{include}')\n",
        f'{name}.c': f'#include <riser/riser.h>\nstatic const struct riser_pci_device {name} = {{\n'
                     f'\t.size = sizeof({name}), .name = "{name}",\n'
                     '\t.id = { .vendor = 0x1234, .device = 0x00b5, .class_code = 0x00ff00 },\n};\n'
                     f'RISER_EXPORT({name});\n',
    }
    for path, text in files.items():
        with open(f'{folder}/{name}/{path}', 'w') as file:
            file.write(text)


def run_guest(build, folder, words, *qemu):
    """`riser run` with these words, and QEMU with those; its process and QEMU's monitor."""
    monitor = Qmp(f'{folder}/monitor')
    accepted = threading.Thread(target=monitor.accept)
    accepted.start()
    guest = subprocess.Popen([f'{build}/riser', 'run', *words, '--', *qemu, '-qmp', f'unix:{monitor.path}'],
                             stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    accepted.join()
    return guest, monitor


def program(build):
    """A QEMU with the adapter in it, and the models of this build."""
    made = subprocess.run([f'{SOURCE}/tools/qemu-adapter', '--models', f'{build}/devices'],
                          check=True, stdout=subprocess.PIPE, text=True)
    return made.stdout.strip()


def wait_for(what):
    until = time.time() + PATIENCE
    while not what():
        if time.time() > until:
            raise TimeoutError
        time.sleep(0.02)
