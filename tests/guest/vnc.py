# SPDX-License-Identifier: MIT
"""A VNC client for tests (RFC 6143): takes the screen as it is, and writes it as a PNG."""
import socket
import struct
import zlib


class Screen:
    """What a server shows now: `width`, `height`, and `lit`, a byte a pixel, 0 where it is black."""

    def __init__(self, path):
        with socket.socket(socket.AF_UNIX) as self.peer:
            self.peer.settimeout(60)
            self.peer.connect(path)
            self._shake_hands()
            self._take()

    def _read(self, count):
        data = bytearray()
        while len(data) < count:
            part = self.peer.recv(count - len(data))
            if not part:
                raise EOFError('the VNC server hung up')
            data += part
        return bytes(data)

    def _shake_hands(self):
        if self._read(12)[:4] != b'RFB ':
            raise ValueError('that is no VNC server')
        self.peer.sendall(b'RFB 003.008\n')
        if 1 not in self._read(self._read(1)[0]):
            raise ValueError('the VNC server wants a password')
        self.peer.sendall(b'\1')
        if struct.unpack('>I', self._read(4))[0]:
            raise ValueError('the VNC server refuses')
        self.peer.sendall(b'\1')  # others may look, too
        self.width, self.height = struct.unpack('>HH', self._read(4))
        self._read(16)
        self._read(struct.unpack('>I', self._read(4))[0])

    def _take(self):
        # 32 bits a pixel, blue first; the raw encoding only; then all of it.
        self.peer.sendall(struct.pack('>B3x4B3H3B3x', 0, 32, 24, 0, 1, 255, 255, 255, 16, 8, 0))
        self.peer.sendall(struct.pack('>BxHi', 2, 1, 0))
        self.peer.sendall(struct.pack('>BB4H', 3, 0, 0, 0, self.width, self.height))
        self.pixels = bytearray(self.width * self.height * 4)
        wanted = self.width * self.height
        while wanted > 0:
            if self._read(1) != b'\0':
                raise ValueError('the VNC server sent something else than its screen')
            for _ in range(struct.unpack('>xH', self._read(3))[0]):
                wanted -= self._take_part()
        colours = [self.pixels[i::4] for i in range(3)]
        self.lit = bytes(max(pixel) for pixel in zip(*colours))

    def _take_part(self):
        x, y, width, height, encoding = struct.unpack('>4Hi', self._read(12))
        if encoding:
            raise ValueError(f'encoding {encoding} was not asked for')
        for row in range(y, y + height):
            at = (row * self.width + x) * 4
            self.pixels[at:at + width * 4] = self._read(width * 4)
        return width * height

    def cell(self, column, row, columns, rows):
        """One character of a text console: its lit pixels."""
        width, height = self.width // columns, self.height // rows
        at = row * height * self.width + column * width
        lines = range(at, at + height * self.width, self.width)
        return bytes(pixel > 0 for line in lines for pixel in self.lit[line:line + width])

    def write_png(self, path):
        lines = bytearray()
        for row in range(self.height):
            line = self.pixels[row * self.width * 4:(row + 1) * self.width * 4]
            rgb = bytearray(self.width * 3)
            rgb[0::3], rgb[1::3], rgb[2::3] = line[2::4], line[1::4], line[0::4]
            lines += b'\0' + rgb

        def chunk(name, data):
            check = zlib.crc32(name + data)
            return struct.pack('>I', len(data)) + name + data + struct.pack('>I', check)

        with open(path, 'wb') as file:
            file.write(b'\x89PNG\r\n\x1a\n')
            size = struct.pack('>IIBBBBB', self.width, self.height, 8, 2, 0, 0, 0)
            file.write(chunk(b'IHDR', size) + chunk(b'IDAT', zlib.compress(bytes(lines))))
            file.write(chunk(b'IEND', b''))
