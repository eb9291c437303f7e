#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads my_rng's numbers from `riser serve` with a client that has nothing of Riser's in it."""

import os
import socket
import struct
import subprocess
import sys
import tempfile
import time

VERSION, READ, WRITE = 1, 9, 10
REPLY, ERROR, NO_REPLY = 1, 32, 16
BAR0, CONFIG = 0, 7
WANT = [286129175, 1594929109, 971802288, 222134722, 1335014133]


class Client:
    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(600)
        self.connect(path)
        self.id = 0
        caps = b'{"capabilities":{"max_msg_fds":16,"max_data_xfer_size":1048576}}\0'
        reply = self.call(VERSION, struct.pack("=HH", 0, 0) + caps)
        assert struct.unpack_from("=HH", reply) == (0, 0), reply

    def connect(self, path):
        """The socket is there a moment before anybody listens."""
        for _ in range(100):
            try:
                return self.sock.connect(path)
            except ConnectionRefusedError:
                time.sleep(0.01)
        return self.sock.connect(path)

    def send(self, command, payload, flags=0):
        self.id = (self.id + 1) & 0xFFFF
        header = struct.pack("=HHIII", self.id, command, 16 + len(payload), flags, 0)
        self.sock.sendall(header + payload)

    def receive(self, count):
        data = b""
        while len(data) < count:
            part = self.sock.recv(count - len(data))
            if not part:
                raise EOFError("the server closed the connection")
            data += part
        return data

    def call(self, command, payload):
        self.send(command, payload)
        ident, number, size, flags, error = struct.unpack("=HHIII", self.receive(16))
        assert (ident, number) == (self.id, command), (ident, number)
        if flags & ERROR:
            raise OSError(error, os.strerror(error))
        assert flags == REPLY, flags
        return self.receive(size - 16)

    def read(self, region, offset, size):
        reply = self.call(READ, struct.pack("=QII", offset, region, size))
        assert struct.unpack_from("=QII", reply) == (offset, region, size)
        return int.from_bytes(reply[16:], "little")

    def write(self, region, offset, value, posted):
        payload = struct.pack("=QIII", offset, region, 4, value)
        if posted:
            self.send(WRITE, payload, NO_REPLY)
        else:
            self.call(WRITE, payload)


def wait_for(path, server):
    for _ in range(60000):
        if os.path.exists(path):
            return
        if server.poll() is not None:
            sys.exit("riser serve ended with status %d" % server.returncode)
        time.sleep(0.01)
    sys.exit("riser serve made no socket at " + path)


def check(path):
    client = Client(path)
    identity = client.read(CONFIG, 0, 4)
    assert identity == 0xCAFE1234, hex(identity)
    for posted in (False, True):
        client.write(BAR0, 4, 0x42, posted)
        numbers = [client.read(BAR0, 0, 4) for _ in WANT]
        print(*numbers)
        assert numbers == WANT, numbers


def main():
    riser, device = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "rng.sock")
        server = subprocess.Popen([riser, "serve", device, "--socket", path])
        try:
            wait_for(path, server)
            check(path)
            check(path)  # the next client is served
        finally:
            server.terminate()
            status = server.wait(600)
        assert not os.path.exists(path), "the socket was left behind"
        sys.exit(status)


if __name__ == "__main__":
    main()
