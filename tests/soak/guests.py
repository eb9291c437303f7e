# SPDX-License-Identifier: MIT
"""The guests of the soak: `riser run`, into which devices are plugged and out of which they are taken,
until its QEMU is killed and the next one begins."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
sys.path.insert(0, f"{SOURCE}/tests/guest")
import servers  # noqa: E402
import vm  # noqa: E402

PORTS = 3
PATIENCE = 900  # seconds: others may fetch and build, with the cache locked


def make_folder(folder):
    """A device's folder with the drivers of all, whose guest's test is the load."""
    shutil.copytree(f"{SOURCE}/devices/my_rng", f"{folder}/my_rng")
    shutil.copy(f"{SOURCE}/devices/edu/driver/edu.c", f"{folder}/my_rng/driver")
    shutil.copy(f"{SOURCE}/devices/edu/edu_regs.h", f"{folder}/my_rng")
    shutil.rmtree(f"{folder}/my_rng/guest")
    os.mkdir(f"{folder}/my_rng/guest")
    shutil.copy(f"{SOURCE}/tests/soak/load", f"{folder}/my_rng/guest/test")
    for name, text in {
            "driver/Kbuild": "obj-m := my_rng.o edu.o\n",
            "guest/modules": "virtio_pci\nvirtio-rng\nvirtio_blk\n",
            "meson.build": "project('my_rng', 'c', default_options: ['c_std=gnu11'])\n"
                           "shared_module('my_rng', 'my_rng.c', name_prefix: '',\n"
                           f"  c_args: '-I{SOURCE}/include')\n"}.items():
        with open(f"{folder}/my_rng/{name}", "w", encoding="utf-8") as file:
            file.write(text)
    return f"{folder}/my_rng"


def kill_qemu(pid, mark):
    """SIGKILL to the QEMU among what `pid` has started: its command line has the mark."""
    try:
        for child in servers.children(pid):
            with open(f"/proc/{child}/cmdline", encoding="utf-8") as file:
                if mark in file.read():
                    os.kill(child, signal.SIGKILL)
                    return True
            if kill_qemu(child, mark):
                return True
    except OSError:
        pass  # it has ended meanwhile
    return False


class Guest(threading.Thread):
    """One after the other until `ending` is set. What went wrong is in `wrong`."""

    def __init__(self, riser, folder, pool, seed, ending):
        super().__init__()
        self.riser, self.folder, self.pool, self.ending = riser, folder, pool, ending
        self.rng = random.Random(seed)
        self.wrong, self.tally = [], {}
        self.kills = self.plugs = 0
        self.events = []
        self.begun = threading.Event()  # the first one is up

    def run(self):
        while not self.ending.is_set() and not self.wrong:
            with tempfile.TemporaryDirectory() as work:
                try:
                    self.live(f"{work}/qmp")
                except (OSError, ValueError, RuntimeError, subprocess.SubprocessError) as error:
                    self.wrong.append(f"guest: {type(error).__name__}: {error}")
        self.begun.set()

    def live(self, path):
        self.monitor = vm.Qmp(path)
        self.monitor.listener.settimeout(1)
        ports = [word for i in range(PORTS) for word in
                 ("-device", f"pcie-root-port,id=port{i},chassis={i + 1},slot={i + 1}")]
        self.process = subprocess.Popen(
            [self.riser, "run", "--timeout", "86400", "--memory", "256M", self.folder, "--", *ports,
             "-qmp", f"unix:{path}"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace")
        self.last, self.latest = [], {}
        self.ready, self.is_up = threading.Event(), False  # or will never be
        reader = threading.Thread(target=self.read)
        reader.start()
        self.plugged = {}
        try:
            self.connect()
            self.ready.wait(PATIENCE)
            if not self.is_up:
                raise RuntimeError("it does not boot")
            self.begun.set()
            self.work()
        except (OSError, ValueError, RuntimeError) as error:
            raise RuntimeError(f"{error}; its last lines: {''.join(self.last)}") from error
        finally:
            self.die(path)
            reader.join()

    def connect(self):
        """Waits for QEMU, as long as there may be one."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return self.monitor.accept()
            except TimeoutError:
                if self.process.poll() is not None or time.monotonic() > until:
                    raise

    def read(self):
        for line in self.process.stdout:
            self.last = [*self.last[-25:], line]
            if "soak: ready" in line:
                self.is_up = True
                self.ready.set()
            elif "soak: BAD" in line:
                self.wrong.append(line.strip())
            elif line.startswith("soak: "):
                self.latest = {k: int(n) for k, n in re.findall(r"(\w+)=(\d+)", line)}
        self.ready.set()

    def work(self):
        """Plugs in and out, for as long as this guest lives."""
        until = time.monotonic() + self.rng.uniform(5, 12)
        while time.monotonic() < until and not self.ending.is_set():
            if len(self.plugged) < 2:
                self.plug()
            self.ending.wait(self.rng.uniform(0.5, 2.5))
            # QEMU 11.1.3 aborts when a device with MSI-X is unplugged: those go with their guest.
            may_go = [port for port, server in self.plugged.items() if not server.msix]
            if may_go and self.rng.random() < 0.6:
                self.unplug(self.rng.choice(may_go))

    def plug(self):
        server = self.pool.take(self.rng.choice, 1)
        if not server:
            return
        port = next(i for i in range(PORTS) if i not in self.plugged)
        self.plugged[port] = server
        self.last.append(f"plug {server.name} into port{port}\n")
        self.monitor.plug(id=f"plugged{port}", bus=f"port{port}", driver="vfio-user-pci",
                          socket={"type": "unix", "path": server.path})
        self.plugs += 1

    def unplug(self, port):
        self.last.append(f"unplug {self.plugged[port].name} from port{port}\n")
        self.monitor.unplug(f"plugged{port}")
        self.pool.give_back(self.plugged.pop(port), "guest")

    def die(self, path):
        """SIGKILL, whatever it is at; and no more of it is left than of any other run."""
        if self.process.poll() is None and kill_qemu(self.process.pid, path):
            self.kills += 1
            self.events.append(self.pool.clock())
        else:
            self.process.send_signal(signal.SIGINT)
        self.process.wait(PATIENCE)
        for name, count in self.latest.items():
            self.tally[name] = self.tally.get(name, 0) + count
        for server in self.plugged.values():
            self.pool.give_back(server, "killed")
