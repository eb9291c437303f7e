#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""hostile.py SOCKET SEED - a vfio-user client that does what comes into its head, in order and out of
order, until it is killed."""

import json
import mmap
import os
import random
import socket
import struct
import sys
import time

VERSION, DMA_MAP, DMA_UNMAP, GET_INFO, REGION_INFO = 1, 2, 3, 4, 5
SET_IRQS, READ, WRITE, DMA_READ, DMA_WRITE, RESET = 8, 9, 10, 11, 12, 13
REPLY, NO_REPLY = 1, 16
CONFIG, MEMORY = 7, 1 << 20


class Client:
    def __init__(self, path, rng):
        self.rng = rng
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(600)
        self.sock.connect(path)
        self.id = 0
        self.memory = os.memfd_create("guest")
        os.ftruncate(self.memory, MEMORY)
        self.view = mmap.mmap(self.memory, MEMORY)
        capabilities = {"max_msg_fds": 16, "max_data_xfer_size": 1 << 20, "write_multiple": True}
        text = json.dumps({"capabilities": capabilities}).encode()
        self.call(VERSION, struct.pack("=HH", 0, 0) + text + b"\0")
        self.call(DMA_MAP, struct.pack("=IIQQQ", 32, 3, 0, 0, MEMORY), [self.memory])
        self.call(WRITE, struct.pack("=QIIH", 4, CONFIG, 2, 7))

    def message(self, command, payload=b"", flags=0):
        self.id = (self.id + 1) & 0xFFFF
        return struct.pack("=HHIII", self.id, command, 16 + len(payload), flags, 0) + payload

    def receive(self, count):
        data = b""
        while len(data) < count:
            part = self.sock.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def take(self):
        """The next reply; what the server asks of this client's memory meanwhile is answered."""
        while True:
            ident, command, size, flags, _ = struct.unpack("=HHIII", self.receive(16))
            payload = self.receive(size - 16)
            if flags & REPLY:
                return command
            address, count = struct.unpack_from("=QQ", payload)
            data = payload[:16] + (bytes(count) if command == DMA_READ else b"")
            self.sock.sendall(struct.pack("=HHIII", ident, command, 16 + len(data), REPLY, 0) + data)

    def call(self, command, payload=b"", fds=()):
        socket.send_fds(self.sock, [self.message(command, payload)], list(fds))
        self.take()

    def region_access(self, posted=False):
        region, size = self.rng.choice([0, 0, 0, 2, 4, CONFIG]), self.rng.choice([1, 2, 4, 4, 8])
        offset = self.rng.randrange(0x100 if self.rng.random() < 0.7 else 0x100000) * size
        head = struct.pack("=QII", offset, region, size)
        if posted or self.rng.random() < 0.5:
            data = self.rng.randbytes(size)
            return self.message(WRITE, head + data, NO_REPLY if posted else 0)
        return self.message(READ, head)

    # What it may do; each ends with nothing owed.

    def accesses(self):
        for _ in range(self.rng.randrange(1, 40)):
            self.sock.sendall(self.region_access())
            self.take()

    def in_flight(self):
        count = self.rng.randrange(1, 60)
        self.sock.sendall(b"".join(self.region_access() for _ in range(count)))
        for _ in range(count):
            self.take()

    def posts(self):
        self.sock.sendall(b"".join(self.region_access(True) for _ in range(100)))

    def maps(self):
        address = MEMORY + self.rng.randrange(64) * 4096
        self.call(DMA_MAP, struct.pack("=IIQQQ", 32, 3, 0, address, 4096),
                  [self.memory] * self.rng.randrange(3))
        self.call(DMA_UNMAP, struct.pack("=IIQQ", 24, 0, address, 4096))

    def interrupts(self):
        count = self.rng.randrange(1, 5)
        fds = [os.eventfd(0) for _ in range(count)]
        self.call(SET_IRQS, struct.pack("=IIIII", 20, 4 | 32, self.rng.randrange(4), 0, count), fds)
        for fd in fds:
            os.close(fd)

    def resets(self):
        self.call(RESET)
        self.call(WRITE, struct.pack("=QIIH", 4, CONFIG, 2, 7))

    def nonsense(self):
        command = self.rng.choice([0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 14, 15, 16, 17, 18, 999])
        self.call(command, self.rng.randbytes(self.rng.randrange(100)),
                  [self.memory] * self.rng.randrange(4))

    def dawdles(self):
        """A message with a pause in it: the likeliest place to be killed at."""
        message = self.region_access()
        cut = self.rng.randrange(1, len(message))
        self.sock.sendall(message[:cut])
        time.sleep(0.02)
        self.sock.sendall(message[cut:])
        self.take()


def main():
    rng = random.Random(int(sys.argv[2]))
    print("begins", flush=True)
    while True:
        try:
            client = Client(sys.argv[1], rng)
            while rng.random() > 0.005:
                getattr(client, rng.choice(["accesses", "in_flight", "posts", "maps", "interrupts",
                                            "resets", "nonsense", "dawdles"]))()
        except (EOFError, ConnectionError):
            time.sleep(0.01)  # the server had enough of it


main()
