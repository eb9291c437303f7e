# SPDX-License-Identifier: MIT
"""What a client and a server say to each other, overheard by standing between them."""
import os
import socket
import struct
import threading

VERSION, DMA_MAP, DMA_UNMAP, GET_INFO, REGION_INFO, IO_FDS, IRQ_INFO, SET_IRQS = range(1, 9)
READ, WRITE, DMA_READ, DMA_WRITE, RESET = range(9, 14)
MULTI, FEATURE, MIG_READ, MIG_WRITE = range(15, 19)
CONFIG = 7
HEADER = struct.Struct('<HHIII')


class Message:
    def __init__(self, from_client, header, payload, fds):
        self.from_client = from_client
        self.id, self.command, self.size, self.flags, self.error = HEADER.unpack(header)
        self.payload = payload
        self.passed = fds  # which a change may add to
        self.fds = len(fds)

    reply = property(lambda self: self.flags & 15 == 1)
    no_reply = property(lambda self: bool(self.flags & 16))

    def word(self, offset, format='<I'):
        return struct.unpack_from(format, self.payload, offset)[0]

    def __repr__(self):
        return (f'<{"client" if self.from_client else "server"} command {self.command} '
                f'{"reply " if self.reply else ""}id {self.id} {self.payload[:40].hex()}>')


class Wire:
    """
    Listens at `path` and forwards to `server`, for one client. `change(message)` may return other
    bytes for the whole of a message, or b'' to keep it back.
    """

    def __init__(self, path, server, change=lambda message: None):
        self.path = path
        self.messages = []
        self.change = change
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(1)
        threading.Thread(target=self.connect, args=(server,), daemon=True).start()

    def connect(self, server):
        client, _ = self.listener.accept()
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(server)
        ends = [(client, peer, True), (peer, client, False)]
        for end in ends:
            threading.Thread(target=self.forward, args=end, daemon=True).start()

    def forward(self, source, target, from_client):
        fds = []

        def take(count):
            data = b''
            while len(data) < count:
                some, passed, _, _ = socket.recv_fds(source, count - len(data), 16)
                fds.extend(passed)
                if not some:
                    raise EOFError
                data += some
            return data

        try:
            while True:
                header = take(HEADER.size)
                payload = take(HEADER.unpack(header)[2] - HEADER.size)
                message = Message(from_client, header, payload, fds)
                self.messages.append(message)
                changed = self.change(message)
                data = header + payload if changed is None else changed
                self.send(target, data, fds)
        except (EOFError, OSError):
            for end in source, target:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    @staticmethod
    def send(target, data, fds):
        sent = socket.send_fds(target, [data], fds) if data else 0
        target.sendall(data[sent:])
        for fd in fds:
            os.close(fd)
        fds.clear()

    def of(self, command, from_client=True):
        """The commands of that kind, without replies."""
        return [m for m in list(self.messages)
                if m.command == command and m.from_client == from_client and not m.reply]

    def reply_to(self, message):
        """The answer to it, or None."""
        for m in list(self.messages)[self.messages.index(message):]:
            if m.reply and m.id == message.id and m.from_client != message.from_client:
                return m
        return None
