#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""firmware.py BUILD ATTACHMENT - PC firmware (SeaBIOS) and UEFI firmware (OVMF) boot from a virtio_blk: what each
finds on the disk speaks on the serial port, reads on, and ends the machine."""
import contextlib
import os
import shutil
import struct
import subprocess
import sys
import tempfile

import vm

SECTOR = 512
MEMORY = ['-m', '256M', '-object', 'memory-backend-memfd,id=ram,size=256M,share=on', '-machine', 'q35,memory-backend=ram']
ENDED_BY_THE_SECTOR = 0x10 << 1 | 1

# Prints, reads the second sector by the firmware's call, prints from there, and ends QEMU.
BOOT = '''
.code16
	xor %ax, %ax
	mov %ax, %ds
	mov %ax, %es
	mov %ax, %ss
	mov $0x7c00, %sp
	mov $first, %si
	call print
	mov $0x0201, %ax	# read one sector
	mov $0x0002, %cx	# cylinder 0, sector 2
	mov $0x00, %dh		# head 0; the disk in %dl is the firmware's
	mov $second, %bx
	int $0x13
	jc end
	mov $second, %si
	call print
	mov $0x10, %al
end:	out %al, $0xf4
print:	push %dx
next:	lodsb
	test %al, %al
	jz done
	mov $0x3f8, %dx
	out %al, %dx
	jmp next
done:	pop %dx
	ret
first:	.asciz "the first sector runs\\n"
	.org 510
	.word 0xaa55
second:	.asciz "the second one was read\\n"
	.org 1024
'''

STARTUP = b'@echo -off\r\necho the script was read\r\nreset -s\r\n'


def boot_disk(folder):
    with open(f'{folder}/boot.s', 'w') as file:
        file.write(BOOT)
    subprocess.run(['as', '--32', '-o', f'{folder}/boot.o', f'{folder}/boot.s'], check=True)
    subprocess.run(['ld', '-m', 'elf_i386', '-Ttext', '0x7c00', '-e', '0x7c00', '--oformat', 'binary', '-o',
                    f'{folder}/disk', f'{folder}/boot.o'], check=True)
    os.truncate(f'{folder}/disk', 1 << 20)


def fat_disk(folder):
    """FAT12 with one file: a boot sector, a FAT, a root directory of one sector, and the file."""
    clusters = 2000
    fat_sectors = 6
    boot = struct.pack('<3s8sHBHBHHBHHHII', b'\xeb\x3c\x90', b'RISER   ', SECTOR, 1, 1, 1, 16,
                       2 + fat_sectors + clusters, 0xf8, fat_sectors, 32, 2, 0, 0)
    boot += struct.pack('<BBBI11s8s', 0x80, 0, 0x29, 1, b'RISER      ', b'FAT12   ')
    fat = bytes.fromhex('f8ffffff0f00')
    entry = struct.pack('<11sB14sHI', b'STARTUP NSH', 0x20, bytes(14), 2, len(STARTUP))
    parts = [boot.ljust(SECTOR - 2, b'\0') + b'\x55\xaa', fat.ljust(fat_sectors * SECTOR, b'\0'),
             entry.ljust(SECTOR, b'\0'), STARTUP]
    with open(f'{folder}/disk', 'wb') as disk:
        disk.write(b''.join(parts))
        disk.truncate((2 + fat_sectors + clusters) * SECTOR)


def client_program():
    said = subprocess.run([f'{vm.SOURCE}/tools/provision', '--print'], check=True, stdout=subprocess.PIPE, text=True)
    return next(line.split('=', 1)[1] for line in said.stdout.splitlines() if line.startswith('QEMU='))


@contextlib.contextmanager
def machine(build, attachment, folder):
    """QEMU's first words: a machine with the disk."""
    if attachment == 'qemu':
        yield [vm.program(build), *MEMORY, '-device', f'virtio_blk,file={folder}/disk']
        return
    path = f'{folder}/socket'
    server = subprocess.Popen([f'{build}/riser', 'serve', f'virtio_blk,file={folder}/disk', '--socket', path])
    try:
        vm.wait_for(lambda: os.path.exists(path) or server.poll() is not None)
        yield [client_program(), *MEMORY, '-device',
               f'{{"driver":"vfio-user-pci","socket":{{"type":"unix","path":"{path}"}}}}']
    finally:
        server.terminate()
        server.wait()


def boots(build, attachment, folder, says, status, *more):
    with machine(build, attachment, folder) as words:
        ended = subprocess.run([*words, '-nodefaults', '-display', 'none', '-serial', 'stdio', '-no-reboot', *more],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=vm.PATIENCE)
    said = ended.stdout.decode(errors='replace')
    if ended.returncode != status or not all(line in said for line in says):
        sys.exit(f'FAIL {attachment}: status {ended.returncode}; it said:\n{said}')
    print(f'ok   {attachment}: {says[-1]}', flush=True)


def main():
    build, attachment = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        boot_disk(folder)
        boots(build, attachment, folder, ['the first sector runs', 'the second one was read'], ENDED_BY_THE_SECTOR,
              '-device', 'isa-debug-exit,iobase=0xf4,iosize=1')
        fat_disk(folder)
        made = subprocess.run([f'{vm.SOURCE}/tools/uefi-firmware'], check=True, stdout=subprocess.PIPE, text=True)
        firmware = made.stdout.strip()
        shutil.copy(f'{firmware}/OVMF_VARS_4M.fd', f'{folder}/variables')
        boots(build, attachment, folder, ['the script was read'], 0,
              '-drive', f'if=pflash,format=raw,readonly=on,file={firmware}/OVMF_CODE_4M.fd',
              '-drive', f'if=pflash,format=raw,file={folder}/variables')


main()
