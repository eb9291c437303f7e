/* SPDX-License-Identifier: MIT */
/* What can be seen of a disk's file before QEMU has it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "image/image.h"

/* The header of QEMU's docs/interop/qcow2.txt, big-endian, as far as it is looked at. */
enum { VERSION = 4, CLUSTER_BITS = 20, SIZE = 24, L1_SIZE = 36, L1_OFFSET = 40, HEADER = 48 };

static uint64_t number(const uint8_t *at, unsigned bytes)
{
	uint64_t n = 0;

	while (bytes--)
		n = n << 8 | *at++;
	return n;
}

static bool is_qcow2(const uint8_t *header)
{
	return !memcmp(header, "QFI\xfb", 4);
}

/* Why it is damaged, or NULL. */
static const char *damage_of(const uint8_t *header, ssize_t got, uint64_t file_size)
{
	uint64_t l1, version, bits;

	if (got < HEADER || !is_qcow2(header))
		return file_size ? NULL : "it is empty";
	version = number(header + VERSION, 4);
	bits = number(header + CLUSTER_BITS, 4);
	if (version < 2 || version > 3 || bits < 9 || bits > 21)
		return "its qcow2 header makes no sense";
	l1 = number(header + L1_OFFSET, 8);
	if (l1 > file_size || number(header + L1_SIZE, 4) * 8 > file_size - l1)
		return "its end is missing";
	return NULL;
}

static ssize_t read_header(const char *path, uint8_t *header, uint64_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st = { 0 };
	ssize_t got = -1;

	if (fd >= 0 && !fstat(fd, &st)) {
		if (S_ISDIR(st.st_mode))
			errno = EISDIR;
		else
			got = pread(fd, header, HEADER, 0);
	}
	/* A block device has no size here, and cannot lack its end. */
	*size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : UINT64_MAX;
	if (fd >= 0)
		close(fd);
	return got;
}

bool image_disk_ok(const char *path, const char *what)
{
	uint8_t header[HEADER] = { 0 };
	const char *damage;
	uint64_t size;
	ssize_t got = read_header(path, header, &size);

	if (got < 0) {
		complain("cannot read the image '%s': %s", what, strerror(errno));
		return false;
	}
	damage = damage_of(header, got, size);
	if (damage)
		complain("the image '%s' is damaged: %s", what, damage);
	return !damage;
}

const char *image_disk_format(const char *path)
{
	uint8_t header[HEADER] = { 0 };
	uint64_t size;

	return read_header(path, header, &size) == HEADER && is_qcow2(header) ? "qcow2" : "raw";
}

/*
 * QEMU's block/file-posix.c: who may write to a file holds byte 101 of it locked. Asking does
 * not lock it.
 */
bool image_disk_free(const char *path)
{
	enum { WRITERS_BYTE = 101 };
	struct flock lock = { .l_type = F_WRLCK, .l_start = WRITERS_BYTE, .l_len = 1 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool taken = fd >= 0 && !fcntl(fd, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;

	if (taken)
		complain("the image '%s' is in use: another virtual machine writes to it; end "
			 "that first",
			 path);
	if (fd >= 0)
		close(fd);
	return !taken;
}
