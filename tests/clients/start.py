#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""start.py BUILD [VERSION] - how the client starts, and what it does not put up with."""
import json
import os
import struct
import subprocess

import client
import wire
from client import check

ECAM = 0xb0000000  # where q35's window to extended configuration space is put
AER, SERIAL, ARI, ATS, SR_IOV, PASID = 0x1, 0x3, 0xe, 0xf, 0x10, 0x1b
OFFERED = {'max_msg_fds': 16, 'max_data_xfer_size': 1 << 20}


def started(folder, **options):
    server = client.Served(folder)
    between = wire.Wire(f'{folder}/wire', server.path)
    guest = client.Guest(folder, between.path, **options)
    return server, between, guest


def check_version(between):
    asked = between.of(wire.VERSION)[0]
    answer = between.reply_to(asked)
    said = json.loads(answer.payload[4:-1])['capabilities']
    check('VERSION is answered in no more bytes than it asked with', True,
          answer.size <= asked.size)
    for name, most in OFFERED.items():
        check(f'{name} is not above what the client takes', True, said.get(name, 0) <= most)


def check_regions(between):
    info = between.reply_to(between.of(wire.GET_INFO)[0])
    check('there are all the regions that it looks for', True, info.word(8) >= 8)
    check('and all the interrupts', True, info.word(12) >= 3)
    asked = [(m.word(8), m.word(0)) for m in between.of(wire.REGION_INFO)]
    check('BAR2, which can be mapped, is asked about twice: argsz 32, then all', True,
          [argsz for index, argsz in asked if index == 2] in ([32, 64], [32, 48 + 16]))
    fds = [between.reply_to(m).fds for m in between.of(wire.REGION_INFO) if m.word(8) == 2]
    check('one descriptor comes with it, with the whole answer', [0, 1], fds)


def check_echo(between):
    for message in between.of(wire.READ):
        answer = between.reply_to(message)
        if answer.payload[:16] != message.payload[:16]:
            client.fail(f'{message} is answered by {answer}')
    for message in between.of(wire.DMA_UNMAP):
        if between.reply_to(message).payload != message.payload:
            client.fail(f'{message} is answered by {between.reply_to(message)}')
    check('reads and unmaps are answered with their offset, region and count', True,
          len(between.of(wire.READ)) > 5 and len(between.of(wire.DMA_UNMAP)) > 0)


def check_never_sent(between):
    never = wire.IO_FDS, wire.FEATURE, wire.MIG_READ, wire.MIG_WRITE
    check('what this client never asks for', [], [c for c in never if between.of(c)])


def start(folder):
    """The start, message by message."""
    server, between, guest = started(folder)
    guest.enable()
    check('a register answers', 0x7e57de70, guest.read(0))
    check_version(between)
    check_regions(between)
    check_echo(between)
    check_never_sent(between)
    check('a reset comes with it', True, len(between.of(wire.RESET)) > 0)
    guest.end()
    server.says('client gone')
    server.end()


def walk_extended(guest):
    """The kinds of extended capabilities that the guest sees."""
    seen, at = [], 0x100
    guest.config(0, 0x60, ECAM | 1)
    while at:
        header = guest.qtest(f'readl {ECAM + (client.SLOT << 15) + at:#x}')
        seen.append(header & 0xffff)
        at = header >> 20
    return seen


def rename_capabilities(message):
    """Has the device's ATS and PASID pass for ARI and SR-IOV."""
    if message.command != wire.READ or not message.reply or message.word(12) < 4096:
        return None
    data, at = bytearray(message.payload), 0x100
    while at:
        header = int.from_bytes(data[16 + at:20 + at], 'little')
        kind = {ATS: ARI, PASID: SR_IOV}.get(header & 0xffff, header & 0xffff)
        data[16 + at:18 + at] = kind.to_bytes(2, 'little')
        at = header >> 20
    return wire.HEADER.pack(message.id, message.command, message.size, message.flags, 0) + data


def capabilities(folder):
    """SR-IOV and ARI are hidden by the client; other extended capabilities are seen."""
    server, _, guest = started(folder)
    seen = walk_extended(guest)
    check('all that testdev has', {SERIAL, AER, ATS, PASID}, set(seen))
    guest.end()
    between = wire.Wire(f'{folder}/changed', server.path, rename_capabilities)
    guest = client.Guest(folder, between.path)
    seen = walk_extended(guest)
    check('the same, as ARI and SR-IOV', {SERIAL, AER}, set(seen) - {0})
    guest.end()
    server.end()


def does_not_start(folder, change, words):
    """QEMU's words when the server's answers are changed."""
    server = client.Served(folder)
    between = wire.Wire(f'{folder}/wire', server.path, change)
    tried = subprocess.run(
        [client.PROGRAM, '-nodefaults', '-display', 'none', '-machine', 'q35', '-S', '-accel',
         'qtest', '-bios', client.vm.sleeping_firmware(folder), *client.SHARED,
         '-device', client.device_option(between.path)],
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=client.vm.PATIENCE, check=False)
    check(f'QEMU ends, and says {words}', True, tried.returncode == 1 and words in tried.stderr)
    server.end()


def with_capability(name, value):
    def change(message):
        if message.command != wire.VERSION or not message.reply:
            return None
        said = json.loads(message.payload[4:-1])
        said['capabilities'][name] = value
        text = message.payload[:4] + json.dumps(said, separators=(',', ':')).encode() + b'\0'
        return wire.HEADER.pack(message.id, message.command, 16 + len(text), message.flags, 0) + text
    return change


def too_many_fds(folder):
    """Why max_msg_fds is cut: more than 16 ends the client."""
    does_not_start(folder, with_capability('max_msg_fds', 17), 'max_msg_fds')


def too_much_data(folder):
    """Why max_data_xfer_size is cut."""
    does_not_start(folder, with_capability('max_data_xfer_size', 1 << 27), 'max_data_xfer_size')


def pass_two(message):
    """Another descriptor with the one of the region that can be mapped."""
    if message.command == wire.REGION_INFO and message.reply and message.passed:
        message.passed.append(os.dup(message.passed[0]))


def two_fds(folder):
    """Why a BAR's areas share one descriptor."""
    does_not_start(folder, pass_two, 'unexpected FDs')


def with_fewer(at, count):
    def change(message):
        if message.command != wire.GET_INFO or not message.reply:
            return None
        payload = bytearray(message.payload)
        struct.pack_into('<I', payload, at, count)
        return wire.HEADER.pack(message.id, message.command, message.size, message.flags, 0) + payload
    return change


def too_few(folder):
    """Why there are always all regions and interrupts: PCI has 8 and 3 at least."""
    for at, count, words in (8, 7, 'regions'), (12, 2, 'irqs'):
        place = f'{folder}/{words}'
        os.mkdir(place)
        does_not_start(place, with_fewer(at, count), words)


client.run(start, capabilities, too_many_fds, too_much_data, two_fds, too_few)
