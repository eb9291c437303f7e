# SPDX-License-Identifier: MIT
"""
QEMU's own vfio-user client, unmodified, with testdev behind it: the accelerator `qtest` runs no
guest, this script is it. Tests take the build folder and, for another client than the one that
guests are run with, the version of a Debian QEMU that tools/qemu-client has built.
"""
import atexit
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, f'{SOURCE}/tests/guest')

import vm  # noqa: E402

BUILD = os.path.abspath(sys.argv[1])
SLOT, BAR0, PORTS, BAR2 = 4, 0xfe000000, 0xc000, 0xfd000000
SCRATCH, IRQ_RAISE, IRQ_LOWER = 0x4, 0x100, 0x104
DMA_SRC, DMA_DST, DMA_LENGTH, DMA_COMMAND, DMA_RESULT = 0x140, 0x148, 0x150, 0x154, 0x158
MSIX_TABLE, MSIX_PBA, VECTORS, DMA_VECTOR, CAP_MSIX = 0x1000, 0x1800, 8, 5, 0x11
MESSAGES = 0x3000  # where the guest has its interrupts written to
COPY, MAPPED = 1, 2
SHARED = ('-m', '64M', '-object', 'memory-backend-memfd,id=ram,size=64M,share=on',
          '-machine', 'memory-backend=ram')
BY_MESSAGE = ('-m', '64M')  # QEMU's own memory has no file


def said_by(*command):
    """What a tool says; if it fails it has said why."""
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    return done.stdout if done.returncode == 0 else sys.exit(1)


def find_program():
    """The QEMU to be tested with, and its version."""
    if len(sys.argv) > 2:
        program = said_by(f'{SOURCE}/tools/qemu-client', '--built', sys.argv[2]).strip()
    else:
        manifest = said_by(f'{SOURCE}/tools/provision', '--print')
        program = dict(line.split('=', 1) for line in manifest.splitlines())['QEMU']
    said = subprocess.run([program, '--version'], check=True, stdout=subprocess.PIPE, text=True)
    version = said.stdout.split('version ')[1].split()[0]
    return program, tuple(int(word) for word in version.split('.'))


PROGRAM, QEMU_VERSION = find_program()
OLD_LAYOUT = QEMU_VERSION < (11,)


class Served:
    """`riser serve -v DEVICE` at a socket of its own."""

    def __init__(self, folder, device='testdev', name='server', verbose=True):
        self.path = f'{folder}/{name}'
        self.log_path = f'{self.path}.log'
        with open(self.log_path, 'w') as log:
            self.process = subprocess.Popen(
                [f'{BUILD}/riser', 'serve', f'{BUILD}/devices/{device}.so', '--socket', self.path,
                 *['-v'] * verbose], stdout=log, stderr=log)
        atexit.register(self.process.kill)
        self.says('Serving on')

    def log(self):
        with open(self.log_path) as file:
            return file.read()

    def says(self, words):
        """Waits for the words."""
        try:
            vm.wait_for(lambda: words in self.log())
        except TimeoutError:
            fail(f"riser serve does not say '{words}':\n{self.log()[-3000:]}")

    def end(self):
        self.process.terminate()
        if self.process.wait(vm.PATIENCE):
            fail(f'the server ended with status {self.process.returncode}\n{self.log()[-3000:]}')


def device_option(path, **more):
    socket = f'"socket":{{"type":"unix","path":"{path}"}}'
    rest = ''.join(f',"{key.replace("_", "-")}":{value}' for key, value in more.items())
    return f'{{"driver":"vfio-user-pci","addr":"{SLOT}.0",{socket}{rest}}}'


class Guest(vm.Vm):
    """A VM with the device at `path`; the guest's accesses are method calls."""
    accelerator = ('-accel', 'qtest')

    def __init__(self, folder, path, memory=SHARED, arguments=(), **options):
        self.irqs = {}
        super().__init__(folder, PROGRAM, *memory, '-device', device_option(path, **options),
                         *arguments)
        atexit.register(self.process.kill)

    def enable(self, master=True):
        """Gives the BARs their places, and turns the device on."""
        for offset, value in (0x10, BAR0), (0x14, PORTS), (0x18, BAR2), (0x1c, 0):
            self.config(SLOT, offset, value)
        self.config(SLOT, 4, 7 if master else 3, 'w')

    def read(self, offset, size='l'):
        return self.qtest(f'read{size} {BAR0 + offset:#x}')

    def write(self, offset, value, size='l'):
        self.qtest(f'write{size} {BAR0 + offset:#x} {value:#x}')

    def fill(self, address, data):
        self.qtest(f'write {address:#x} {len(data)} 0x{data.hex()}')

    def memory(self, address, size):
        self.accesses.request(f'read {address:#x} {size}')
        while True:
            words = self.accesses.lines.readline().split()
            if words[0] == 'OK':
                return bytes.fromhex(words[1][2:])

    def watch_irqs(self):
        """From now on the I/O APIC's inputs are noted in self.irqs."""
        self.qtest('irq_intercept_in ioapic')

    def interrupted(self):
        """Whether one of them is raised."""
        self.qtest('clock_step 1')
        return True in self.irqs.values()

    def heard(self, words):
        self.irqs[words[2]] = words[1] == 'raise'

    def find_capability(self, kind):
        at = self.config(SLOT, 0x34, size='b')
        while at:
            if self.config(SLOT, at, size='b') == kind:
                return at
            at = self.config(SLOT, at + 1, size='b')
        fail(f'the device has no capability {kind:#x}')

    def enable_msix(self, masked=False):
        """Every vector writes its number + 1 to a word of its own in memory."""
        for vector in range(VECTORS):
            entry = BAR0 + MSIX_TABLE + 16 * vector
            for at, value in (0, MESSAGES + 4 * vector), (4, 0), (8, vector + 1), (12, int(masked)):
                self.qtest(f'writel {entry + at:#x} {value:#x}')
        self.config(SLOT, self.find_capability(CAP_MSIX) + 2, 0x8000, 'w')

    def mask_vector(self, vector, masked):
        self.qtest(f'writel {BAR0 + MSIX_TABLE + 16 * vector + 12:#x} {int(masked)}')

    def take_message(self, vector):
        """Whether the vector was signalled since the last time."""
        at = MESSAGES + 4 * vector
        if not self.qtest(f'readl {at:#x}'):
            return False
        self.qtest(f'writel {at:#x} 0')
        return True

    def wait_message(self, vector):
        vm.wait_for(lambda: self.take_message(vector))

    def start_dma(self, source, target, length, command=COPY):
        self.write(DMA_SRC, source, 'q')
        self.write(DMA_DST, target, 'q')
        self.write(DMA_LENGTH, length)
        self.write(DMA_COMMAND, command)

    def dma(self, *what):
        """Has the device copy and waits for its interrupt; its errno."""
        self.start_dma(*what)
        self.wait_message(DMA_VECTOR)
        return self.read(DMA_RESULT)


def fail(what):
    sys.exit(f'FAIL {what}')


def check(what, expected, got):
    if expected != got:
        fail(f'{what}: expected {expected}, got {got}')
    print(f'ok   {what}', flush=True)


def run(*tests):
    """Each with a folder of its own for sockets."""
    for test in tests:
        with tempfile.TemporaryDirectory() as folder:
            print(f'     {test.__doc__.strip()}', flush=True)
            test(folder)
