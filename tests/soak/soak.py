#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""soak.py BUILD SECONDS - four devices, each served by one process for all of that time. Two guests use
them at random, reset them, have them plugged in and out, and are killed; so are hostile clients.
What each server holds is sampled into BUILD/soak.csv and drawn into BUILD/soak.svg; in the end memory,
descriptors and threads have to be flat, and everybody to have had enough to do."""

import csv
import os
import random
import subprocess
import sys
import tempfile
import threading
import time

import guests
import plot
import servers

HERE = os.path.dirname(os.path.abspath(__file__))
# Name, options, and whether it has MSI-X.
DEVICES = [("my_rng", "", False), ("edu", "", False), ("virtio_rng", "", True),
           ("virtio_blk", ",size=32M", True)]


class Clock:
    """Seconds since the soak proper began; before that there are negative ones."""

    def __init__(self):
        self.zero = time.monotonic() + 86400

    def begin(self):
        self.zero = time.monotonic()

    def __call__(self):
        return time.monotonic() - self.zero


class Hostile(threading.Thread):
    """Clients that behave badly, and are killed."""

    def __init__(self, pool, seed, ending):
        super().__init__()
        self.pool, self.rng, self.ending, self.kills = pool, random.Random(seed), ending, 0

    def attack(self, server, seconds):
        client = subprocess.Popen([sys.executable, f"{HERE}/hostile.py", server.path,
                                   str(self.rng.randrange(1 << 30))], stdout=subprocess.PIPE)
        client.stdout.readline()
        self.ending.wait(seconds)
        client.kill()
        client.wait()
        client.stdout.close()
        self.kills += 1

    def run(self):
        while not self.ending.wait(self.rng.uniform(0.05, 0.3)):
            server = self.pool.take(lambda free: min(free, key=lambda one: len(one.rests)), 1)
            if server:
                self.attack(server, self.rng.uniform(0.1, 0.8))
                self.pool.give_back(server, "raw")


class Sampler(threading.Thread):
    def __init__(self, devices, clock, every, ending):
        super().__init__()
        self.devices, self.clock, self.every, self.ending = devices, clock, every, ending
        self.samples = []

    def run(self):
        while not self.ending.wait(self.every):
            for device in self.devices:
                if device.process.poll() is None:
                    self.samples.append((self.clock(), device.name, device.held()))


def write_csv(path, samples):
    with open(path, "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["seconds", "server", *servers.COLUMNS])
        for at, name, held in samples:
            out.writerow([f"{at:.2f}", name, *held])


def too_idle(devices, vms, hostile, duration):
    """A soak in which nothing happened proves nothing."""
    done = {name: sum(guest.tally.get(name, 0) for guest in vms) for name in
            ["my_rng", "edu", "virtio_rng", "virtio_blk", "resets"]}
    done.update(plugs=sum(guest.plugs for guest in vms), kills=sum(guest.kills for guest in vms),
                hostile=hostile.kills)
    print("done:", ", ".join(f"{count} {name}" for name, count in done.items()))
    for device in devices:
        print(f"{device.name}: " + ", ".join(f"{n} {how}" for how, n in device.clients.items()))
    least = {"kills": duration / 60 * 2, "plugs": duration / 60 * 6, "hostile": duration / 60 * 6}
    for name, count in done.items():
        if count < least.get(name, 1):
            yield f"only {count} {name} in {duration:.0f} seconds"


def print_rests(devices):
    for device in devices:
        if len(device.rests) < 2:
            continue
        first, last = device.rests[0][1], device.rests[-1][1]
        print(f"{device.name}, without a client, at first and last: " + ", ".join(
            f"{name} {a} {b}" for name, a, b in zip(servers.COLUMNS, first, last)))


def wait(clock, duration, vms, hostile):
    """Until it is over or something is wrong, with a line a minute."""
    report = 60
    while clock() < duration and not any(guest.wrong for guest in vms):
        time.sleep(0.2)
        if clock() > report:
            print(f"{report} of {duration:.0f} s: {sum(guest.kills for guest in vms)} guests killed, "
                  f"{sum(guest.plugs for guest in vms)} devices plugged in, "
                  f"{hostile.kills} clients killed", flush=True)
            report += 60


def soak(build, duration, folder):
    clock = Clock()
    ending, over = threading.Event(), threading.Event()
    devices = [servers.Server(f"{build}/riser", *device, folder) for device in DEVICES]
    try:
        for device in devices:
            device.wait_until_up()
            device.idle_fds = device.held()[4]
        pool = servers.Pool(devices, clock)
        model = guests.make_folder(folder)
        hostile = Hostile(pool, 3, ending)
        sampler = Sampler(devices, clock, max(0.25, duration / 2000), over)
        vms = [guests.Guest(f"{build}/riser", model, pool, seed, ending) for seed in (1, 2)]
        hostile.start()
        for guest in vms:  # the first one builds the drivers, for both
            guest.start()
            guest.begun.wait()
        clock.begin()
        sampler.start()
        wait(clock, duration, vms, hostile)
        ending.set()
        for thread in [hostile, *vms]:
            thread.join()
        over.set()
        sampler.join()
    finally:
        ending.set()
        over.set()
        ends = [device.end() for device in devices]
    kills = sorted(at for guest in vms for at in guest.events if at >= 0)
    write_csv(f"{build}/soak.csv", sampler.samples)
    with open(f"{build}/soak.svg", "w", encoding="utf-8") as file:
        file.write(plot.draw([device.name for device in devices], sampler.samples, kills,
                             clock(), servers.COLUMNS))
    print_rests(devices)
    wrong = [line for guest in vms for line in guest.wrong] + [line for line in ends if line]
    wrong += too_idle(devices, vms, hostile, duration)
    for device in devices:
        wrong += device.complaints(duration)
    return wrong


def main():
    build, duration = os.path.abspath(sys.argv[1]), float(sys.argv[2])
    os.environ["RISER_PATH"] = f"{build}/devices"
    with tempfile.TemporaryDirectory(prefix="riser-soak-") as folder:
        wrong = soak(build, duration, folder)
    for line in wrong:
        print(f"FAIL {line}")
    print(f"plot: {build}/soak.svg")
    sys.exit(1 if wrong else 0)


main()
