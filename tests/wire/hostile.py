#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A client that wants to end `riser serve`, or have it wait for ever: the next client is served."""

import array
import contextlib
import ctypes
import errno
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading

from raw_rng import Client, wait_for, CONFIG

DMA_MAP, WRITE = 2, 10
LARGE = 5 << 30  # each more than a contained device may have of its own
MOST = 65535


class Hostile(Client):
    def map(self, iova, size, fd):
        """0, or the error's number."""
        payload = struct.pack("=IIQQQ", 32, 3, 0, iova, size)
        self.id = (self.id + 1) & 0xFFFF
        header = struct.pack("=HHIII", self.id, DMA_MAP, 16 + len(payload), 0, 0)
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
        self.sock.sendmsg([header + payload], rights)
        _, _, size, _, error = struct.unpack("=HHIII", self.receive(16))
        self.receive(size - 16)
        return error

    def register(self, offset, value):
        payload = struct.pack("=QIIQ", offset, 0, 8, value)
        self.call(WRITE, payload)

    def dma(self, address):
        """edu copies 8 bytes of memory into its buffer."""
        for offset, value in ((0x80, address), (0x88, 0x40000), (0x90, 8), (0x98, 1)):
            self.register(offset, value)
        while self.read(0, 0x98, 8) & 1:
            pass

    def master(self):
        self.write(CONFIG, 4, 6, False)


def truncated_large(client):
    """Sparse files of more than may be data, and an access to each."""
    files = [os.memfd_create("guest") for _ in range(3)]
    for i, fd in enumerate(files):
        os.ftruncate(fd, LARGE)
        assert client.map(i * LARGE, LARGE, fd) == 0
    client.dma(LARGE)
    for i, fd in enumerate(files):
        os.ftruncate(fd, 0)
        client.dma(i * LARGE)
        os.close(fd)


def truncated_many(client):
    """As many mappings as there may be, of a page that goes."""
    fd = os.memfd_create("guest")
    os.ftruncate(fd, 4096)
    count = 0
    while count < MOST and not (error := client.map(count * 4096, 4096, fd)):
        count += 1
    print("mappings taken:", count)
    assert count == MOST or error == errno.ENOSPC, os.strerror(error)
    os.ftruncate(fd, 0)
    for i in range(0, count, 1000):
        client.dma(i * 4096)
    os.close(fd)


def silent_file_system(folder):
    """A FUSE file system that answers nothing but what opening a file needs."""
    fuse = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0".encode()
    if ctypes.CDLL(None, use_errno=True).mount(b"x", folder.encode(), b"fuse", 6, options):
        raise OSError(ctypes.get_errno(), "mount")

    def attributes(node):
        mode = 0o40755 if node == 1 else 0o100666
        return struct.pack("=6Q10I", node, 16384, 8, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)

    def serve():
        while True:
            try:
                data = os.read(fuse, 1 << 17)
            except OSError:
                return
            _, what, unique, node = struct.unpack_from("=IIQQ", data)
            answers = {
                26: struct.pack("=IIIIHHIIHHI", 7, 31, 65536, 0, 16, 12, 65536, 1, 0, 0, 0) + bytes(28),
                1: struct.pack("=QQQQII", 2, 0, 0, 0, 0, 0) + attributes(2),
                14: struct.pack("=QII", 1, 0, 0),
                25: b"",
            }
            if what == 3 and not silent.is_set():
                answers[3] = struct.pack("=QII", 0, 0, 0) + attributes(node)
            if what in answers:
                os.write(fuse, struct.pack("=IiQ", 16 + len(answers[what]), 0, unique) + answers[what])

    silent = threading.Event()
    threading.Thread(target=serve, daemon=True).start()
    fd = os.open(folder + "/memory", os.O_RDWR)
    silent.set()
    return fuse, fd


def never_answers(client, folder):
    """Its pages, its size and its kind would be waited for without an end."""
    place = os.path.join(folder, "mount")
    os.mkdir(place)
    try:
        fuse, fd = silent_file_system(place)
    except OSError as error:
        print("no file system of its own here:", error)
        return
    try:
        assert client.map(0, 4096, fd) == errno.EREMOTE
        client.dma(0)
    finally:
        ctypes.CDLL(None).umount2(place.encode(), 3)
        os.close(fuse)
        with contextlib.suppress(OSError):
            os.close(fd)


def local_file(client, folder):
    """A file of the disk's or of memory's is taken, where the folder is on one."""
    with tempfile.TemporaryFile(dir="/dev/shm") as file:
        file.truncate(4096)
        assert client.map(0, 4096, file.fileno()) == 0
        client.dma(0)


def check(riser, device, test, *arguments):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "s")
        server = subprocess.Popen([riser, "serve", device + ",dma_mask=0xffffffffffff", "--socket", path])
        try:
            wait_for(path, server)
            client = Hostile(path)
            client.master()
            test(client, *[folder for _ in arguments])
            client.sock.close()
            client = Hostile(path)
            assert client.read(CONFIG, 0, 2) == 0x1234
            client.sock.close()
        finally:
            server.terminate()
            status = server.wait(60)
        assert status == 0, status
        print(test.__name__, "is lived through")


def stuck_device(riser, build):
    """A signal ends what does not return, too."""
    with tempfile.TemporaryDirectory() as folder:
        path, model = os.path.join(folder, "s"), os.path.join(folder, "stuck.so")
        here = os.path.dirname(os.path.abspath(__file__))
        subprocess.run(["cc", "-shared", "-fPIC", "-I" + here + "/../../include", "-o", model, here + "/stuck.c"],
                       check=True)
        server = subprocess.Popen([riser, "serve", model, "--socket", path])
        wait_for(path, server)
        client = Client(path)
        client.write(0, 0, 1, True)
        try:
            client.sock.settimeout(1)
            client.read(0, 0, 4)
        except TimeoutError:
            pass
        server.terminate()
        assert server.wait(100) == 1
        print("what does not return is ended")


def main():
    riser, device = sys.argv[1:3]
    check(riser, device, truncated_large)
    check(riser, device, truncated_many)
    check(riser, device, never_answers, True)
    check(riser, device, local_file, True)
    stuck_device(riser, device)


if __name__ == "__main__":
    main()
