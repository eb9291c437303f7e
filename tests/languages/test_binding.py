#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_binding.py BUILD - the Python binding on the bench: what it makes of tables and functions."""

import ctypes
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
ctypes.CDLL(BUILD / "libriser.so.0", mode=ctypes.RTLD_GLOBAL)
sys.path[:0] = [str(SOURCE / "python"), str(SOURCE / "examples/python")]

import my_rng
import riser

NUMBERS = [286129175, 1594929109, 971802288, 222134722, 1335014133]


class Full(riser.State):
    _fields_ = [("id", riser.u32), ("status", riser.u32), ("queue", riser.u16 * 4),
                ("seen", riser.u64), ("buffer", riser.u8 * 64), ("start", riser.u32),
                ("rate", riser.u64), ("word", riser.string), ("loud", riser.boolean)]


class Log(list):
    """What a device logs, and how the tests' devices tell what has happened to them."""

    def __call__(self, level, device, line):
        self.append(line)


def on_queue(dev, now, was):
    dev.state.seen = dev.reg_index << 32 | now << 16 | was


def on_status(dev, now, was):
    {1: lambda: dev.irq_raise(1), 2: lambda: dev.timer_arm("tick", 1000),
     3: lambda: dev.post(posted), 4: lambda: copy(dev), 5: lambda: dev.irq_raise(9),
     6: lambda: dev.dma_read(1 << 50, 4), 7: lambda: dev.timer_arm("tock", 1),
     8: lambda: watch(dev), 9: lambda: dma_map(dev)}.get(now, lambda: None)()


def tick(dev):
    dev.state.seen = dev.now
    dev.irq_raise(0)


def posted(dev):
    dev.state.seen = 77


def copy(dev):
    dev.dma_write(0x2000, dev.dma_read(0x1000, 16)[::-1])


def dma_map(dev):
    with dev.dma_map(0x1000, 16) as view:
        view[0] = view[15]


def watch(dev):
    ours, dev.theirs = os.pipe()
    os.write(dev.theirs, b"x")

    def ready(dev, fd, events):
        dev.state.seen = os.read(fd, 1)[0]
        dev.watching.destroy()
        os.close(fd)
        os.close(dev.theirs)
    dev.watching = dev.watch(ours, 1, ready)


def rest_read(dev, offset, size):
    return offset << 8 | size if offset < 0x80 else -1


def rest_write(dev, offset, size, value):
    dev.state.seen = value


def init(dev):
    if dev.state.start > 9:
        raise riser.Error(f"start is {dev.state.start}, and 9 is the most")
    dev.state.seen = 1


def reset(dev, kind):
    dev.state.id = dev.state.start


regs = [
    riser.Reg(0x00, "id", flags=riser.PURE_READ),
    riser.Reg(0x04, "status", rw=0xff, on_write=on_status,
              fields=[riser.Bits("RUN", 1, help="go")]),
    riser.Reg(0x08, "queue", stride=4, rw=riser.ALL, on_write=on_queue),
    riser.Reg(0x18, "seen"),
]
full = riser.PciDevice(
    name="full", vendor=0x1234, device=0x1234, interrupt_pin=1, state=Full,
    bars=[riser.Bar(0, size=4096, regs=regs, windows=[riser.Window(0x100, "buffer")],
                    read=rest_read, write=rest_write),
          riser.Bar(2, kind=riser.MEM64, size=8192,
                    windows=[riser.Window(0, size=4096, shared=True, name="ring")])],
    caps=[riser.PM, riser.msix(4, 0, 0x800, 0xc00), riser.EXPRESS, riser.serial(5)],
    options=[riser.Option("start", value="3"), riser.Option("word"), riser.Option("loud"),
             riser.Option("rate", type=riser.OPTION_TIME, value="2us")],
    timers=[riser.Timer("tick", tick)],
    init=init, reset=reset)


class Bench(unittest.TestCase):
    def setUp(self):
        self.log = Log()

    def bench(self, device=full, options=None):
        host = riser.bench(device, options, log=self.log)
        self.addCleanup(host.close)
        return host

    def test_my_rng(self):
        host = self.bench(my_rng.my_rng)
        self.assertEqual(host.config_read(0), 0xcafe1234)
        self.assertEqual(host.read(0, 0), 1804289383)
        for seed, first in (0x42, NUMBERS[0]), (0, 1804289383), (0x80000001, None):
            host.write(0, 4, seed)
            libc = ctypes.CDLL(None)
            libc.srand(seed)
            self.assertIn(first, (libc.rand(), None))
            libc.srand(seed)
            self.assertEqual([host.read(0, 0) for _ in range(100)],
                             [libc.rand() for _ in range(100)])

    def test_state_goes_on(self):
        host = self.bench(my_rng.my_rng)
        host.write(0, 4, 0x42)
        self.assertEqual([host.read(0, 0), host.read(0, 0)], NUMBERS[:2])
        saved = host.save()
        host.write(0, 4, 7)
        host.load(saved)
        self.assertEqual([host.read(0, 0) for _ in range(3)], NUMBERS[2:])
        with self.assertRaises(OSError):
            host.load(saved[:-8])

    def test_options(self):
        self.assertEqual(self.bench().read(0, 0), 3)
        self.assertEqual(self.bench(options="start=7,word=x,loud=on,rate=5ms").read(0, 0), 7)
        with self.assertRaisesRegex(riser.Error, "^full: start is 10, and 9 is the most$"):
            self.bench(options="start=10")
        with self.assertRaisesRegex(riser.Error, "unknown option 'stop'"):
            self.bench(options="stop=10")

    def test_array_and_ops(self):
        host = self.bench()
        host.write(0, 0x10, 5, 2)
        self.assertEqual(host.read(0, 0x18, 8), 2 << 32 | 5 << 16)
        self.assertEqual(host.read(0, 0x40, 2), 0x4002)
        self.assertEqual(host.read(0, 0x80, 4), 0xffffffff)
        host.write(0, 0x44, 99, 1)
        self.assertEqual(host.read(0, 0x18, 8), 99)

    def test_windows(self):
        host = self.bench()
        host.write(0, 0x108, 0x1122334455667788, 8)
        self.assertEqual(host.read(0, 0x10a, 2), 0x5566)
        host.write(2, 0xffc, 5)
        device = next(reversed(riser.Device._live.values()))
        ring = device.window(2, 0)
        self.assertEqual((len(ring), ring[0xffc]), (4096, 5))
        self.assertEqual(bytes(device.window(0, 0)[8:10]), b"\x88\x77")
        with self.assertRaisesRegex(riser.Error, "BAR2 has no window 1"):
            device.window(2, 1)

    def test_interrupts_and_time(self):
        host = self.bench()
        host.irq_enable(riser.IRQ_MSIX, 4)
        host.write(0, 4, 1)
        host.irq_wait(1, 0)
        host.write(0, 4, 2)
        self.assertEqual(host.irq_count(0), 0)
        before = host.now
        host.irq_wait(0, 10**6)
        self.assertEqual(host.now - before, 1000)
        self.assertEqual(host.read(0, 0x18, 8), host.now)

    def test_dma_work_and_descriptors(self):
        host = self.bench()
        host.memory()[0x1000:0x1010] = bytes(range(16))
        host.write(0, 4, 4)
        self.assertEqual(bytes(host.memory()[0x2000:0x2010]), bytes(range(15, -1, -1)))
        host.write(0, 4, 9)
        self.assertEqual(host.memory()[0x1000], 15)
        for command, seen in (3, 77), (8, ord("x")):
            host.write(0, 4, command)
            host.advance(1)
            self.assertEqual(host.read(0, 0x18, 8), seen)

    def test_exceptions_are_lines(self):
        host = self.bench()
        here = os.path.basename(__file__)
        for command, words in ((5, "interrupt 9: Invalid argument"),
                               (6, "DMA from 0x4000000000000: Bad address"),
                               (7, "there is no timer 'tock'; there are: tick")):
            self.log.clear()
            host.write(0, 4, command)
            self.assertIn(words, self.log[-1])
            if command < 7:
                self.assertRegex(self.log[-1], rf"^{here}:\d+: <lambda>\(\): OSError: ")
        for failing in (lambda dev, stored: 1 // 0), (lambda dev, stored: None), sys.exit:
            host = self.bench(one_register(on_read=failing))
            self.assertEqual(host.read(0, 0), 0xffffffff)
        self.assertTrue(any("ZeroDivisionError" in line for line in self.log))
        self.assertTrue(any("returned None, not a number" in line for line in self.log))

    def test_instances_are_apart(self):
        one, other = self.bench(my_rng.my_rng), self.bench(my_rng.my_rng)
        one.write(0, 4, 0x42)
        other.write(0, 4, 7)
        self.assertEqual([one.read(0, 0), one.read(0, 0)], NUMBERS[:2])
        count = len(riser.Device._live)
        one.close()
        self.assertEqual(len(riser.Device._live), count - 1)

    def test_wrong_tables(self):
        for words, make in (
                ("Reg: the state has no member 'sede'; it has: id", lambda: one_register("sede")),
                ("Reg takes no 'rwx'; it takes: name", lambda: one_register(rwx=1)),
                ("bad: BAR0 has no size|size", lambda: riser.PciDevice(
                    name="bad", vendor=0x1234, bars=[riser.Bar(0, size=3)])),
                ("Option 'queue': the member is no", lambda: riser.PciDevice(
                    name="bad", state=Full, options=[riser.Option("queue")]))):
            with self.assertRaisesRegex(riser.Error, words):
                self.bench(make())


def one_register(member="id", **values):
    return riser.PciDevice(name="one", vendor=0x1234, state=Full, bars=[
        riser.Bar(0, size=64, regs=[riser.Reg(0, member, **values)])])


class Program(unittest.TestCase):
    """As a process: `riser run` and `riser serve` of a program, and what they say of a bad one."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.work = pathlib.Path(folder.name)

    def riser(self, *words, **environment):
        return subprocess.run([BUILD / "riser", *words], capture_output=True, text=True,
                              timeout=600, check=False, env={**os.environ, **environment})

    def program(self, text, mode=0o755):
        path = self.work / "dev.py"
        path.write_text(f"#!{sys.executable}\n{text}\n")
        path.chmod(mode)
        return path

    def test_refused_in_one_line(self):
        none = {"RISER_CACHE": str(self.work / "none")}
        rest = "riser.serve(riser.PciDevice(name='dev', vendor=1, **more))"
        for words, text in (
                ("dev.py does not start: ModuleNotFoundError: No module named 'risr'",
                 "import risr"),
                ("dev.py: the model is built for riser ABI 77, this library has 1: rebuild it",
                 f"import riser; riser._abi.ABI = 77; more = {{}}; {rest}"),
                ("dev.py: Timer takes no 'x'; it takes: name, fire",
                 "import riser, riser._model\ntry:\n    riser._model.Line.__init__(riser.Timer("
                 "'t', print), x=1)\nexcept riser.Error as e:\n    exit(f'dev.py: {e}')"),
                ("dev.py: dev: the moon is full", "import riser\ndef init(dev): raise riser.Error("
                 f"'the moon is full')\nmore = {{'init': init}}; {rest}"),
                ("dev.py: dev: dev.py:3: init(): NameError: name 'x' is not defined",
                 f"import riser\ndef init(dev): x\nmore = {{'init': init}}; {rest}"),
                ("device dev crashed when it was made: Aborted; '", "import os; os.abort()"),
                ("dev.py does not start: it does not say why", "exit(3)")):
            done = self.riser("run", str(self.program(text)), **none)
            self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertTrue(done.stderr.startswith(f"riser: {words}"), done.stderr)

    def test_no_program(self):
        path = str(self.program("", 0o644))
        for words, arguments in (
                (f"'{path}' is neither a model, a .so, nor a program", ["run", path]),
                ("is a program: have 'riser serve' serve it",
                 ["inspect", str(SOURCE / "examples/python/my_rng.py")]),
                ("holds no meson.build and no Cargo.toml", ["run", str(self.work)]),
                ("my_rng.py: my_rng: unknown option 'x'",
                 ["run", str(SOURCE / "examples/python/my_rng.py") + ",x=1"])):
            done = self.riser(*arguments)
            self.assertEqual(done.returncode, 1)
            self.assertIn(words, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    def test_served(self):
        socket = self.work / "socket"
        words = [BUILD / "riser", "serve", SOURCE / "examples/python/my_rng.py", "--socket", socket]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
            self.assertIn("Serving on", server.stdout.readline())
            with riser.connect(socket) as host:
                host.write(0, 4, 0x42)
                self.assertEqual([host.read(0, 0) for _ in range(5)], NUMBERS)
            server.terminate()
            self.assertEqual(server.wait(600), 0)
        self.assertFalse(socket.exists())


unittest.main()
