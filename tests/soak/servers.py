# SPDX-License-Identifier: MIT
"""The devices of the soak: one `riser serve` each, what it holds, and whether that stays flat."""

import os
import statistics
import subprocess
import threading
import time

COLUMNS = ["rss_kib", "pss_kib", "anonymous_kib", "shared_kib", "fds", "threads"]
SLACK_KIB = 256  # an allocator's ups and downs


def children(pid):
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
            found += map(int, file.read().split())
    return found


def tree(pid):
    """The process and those it has started."""
    return [pid] + [one for child in children(pid) for one in tree(child)]


def read_fields(path):
    """The numbers of lines such as `Rss:   123 kB`."""
    fields = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if len(words) > 1 and words[1].isdigit():
                fields[words[0].rstrip(":")] = int(words[1])
    return fields


def held_by(pid):
    """What a process holds now, in the order of COLUMNS."""
    status, memory = read_fields(f"/proc/{pid}/status"), read_fields(f"/proc/{pid}/smaps_rollup")
    return [memory["Rss"], memory["Pss"], status["RssAnon"], status["RssShmem"],
            len(os.listdir(f"/proc/{pid}/fd")), status["Threads"]]


class Server:
    def __init__(self, riser, model, options, msix, folder):
        self.name, self.msix = model, msix
        self.path = f"{folder}/{model}.sock"
        self.log = open(f"{folder}/{model}.log", "w", encoding="utf-8")
        self.process = subprocess.Popen([riser, "serve", model + options, "--socket", self.path],
                                        stdout=subprocess.DEVNULL, stderr=self.log)
        self.idle_fds = None
        self.rests = []  # [seconds, what it held then], with no client there
        self.clients = {"guest": 0, "killed": 0, "raw": 0}

    def wait_until_up(self):
        until = time.monotonic() + 600
        while not os.path.exists(self.path):
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"riser serve {self.name} does not begin; see {self.log.name}")
            time.sleep(0.02)

    def held(self):
        """Of the process and its children, if it has any."""
        return [sum(values) for values in zip(*map(held_by, tree(self.process.pid)))]

    def rest(self, seconds):
        """A client has gone: notes what is held once its descriptors are."""
        until = time.monotonic() + 600
        held = self.held()
        while self.idle_fds is not None and held[4] > self.idle_fds and time.monotonic() < until:
            time.sleep(0.02)
            held = self.held()
        self.rests.append([seconds, held])

    def end(self):
        """None, or what is wrong with how it ends."""
        if self.process.poll() is not None:
            return f"{self.name}: the server ended with status {self.process.returncode}"
        self.process.terminate()
        status = self.process.wait(600)
        self.log.close()
        return f"{self.name}: the server ended with status {status}" if status else None

    def complaints(self, duration):
        """Not flat, or not tried: what is wrong with what was noted while it had no client."""
        parts = [[held for at, held in self.rests if i * duration / 3 <= at < (i + 1) * duration / 3]
                 for i in range(3)]
        if not all(parts):
            yield f"{self.name}: always with a client in a third of the time: nothing to compare"
            return
        for name in "fds", "threads":  # a device may start a thread when it first needs one
            at = COLUMNS.index(name)
            before, last = (max(held[at] for held in part) for part in (parts[0] + parts[1], parts[2]))
            if last > before:
                yield f"{self.name}: {name} grew from {before} to {last}"
        # Not PSS: it falls and rises with the processes that share the same libraries.
        for name in "rss_kib", "anonymous_kib", "shared_kib":
            at = COLUMNS.index(name)
            middle, last = (statistics.median(held[at] for held in part) for part in parts[1:])
            if last > middle + SLACK_KIB:
                yield f"{self.name}: {name} grew from {middle} to {last}"


class Pool:
    """The servers that no client uses now."""

    def __init__(self, servers, clock):
        self.free, self.clock, self.changed = list(servers), clock, threading.Condition()

    def take(self, choose, seconds):
        with self.changed:
            self.changed.wait_for(lambda: self.free, seconds)
            if not self.free:
                return None
            server = choose(self.free)
            self.free.remove(server)
            return server

    def give_back(self, server, how):
        server.clients[how] += 1
        server.rest(self.clock())
        with self.changed:
            self.free.append(server)
            self.changed.notify()
