/* SPDX-License-Identifier: MIT */
/*
 * The configuration that a kernel with CONFIG_IKCONFIG carries: packed by gzip behind a mark,
 * in the kernel, which itself is packed somewhere in its image.
 */
#include <archive.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run/run.h"

/* Before what is packed: kernel/configs.c of Linux. */
static const char mark[] = "IKCFG_ST";
enum { MARK_SIZE = sizeof(mark) - 1 };

/* More than a kernel has. */
enum { UNPACKED_MOST = 256 << 20 };

struct bytes {
	char *at; /* with a byte 0 behind them */
	size_t size;
};

static bool bytes_add(struct bytes *bytes, const void *more, size_t size)
{
	char *longer = realloc(bytes->at, bytes->size + size + 1);

	if (!longer)
		return false;
	memcpy(longer + bytes->size, more, size);
	bytes->at = longer;
	bytes->size += size;
	longer[bytes->size] = '\0';
	return bytes->size < UNPACKED_MOST;
}

/* What is packed at the start of these bytes, up to where it ends or makes no sense. */
static struct bytes ikconfig_unpack(const char *packed, size_t size)
{
	struct archive *a = archive_read_new();
	struct archive_entry *entry;
	struct bytes made = { 0 };
	const void *block;
	la_int64_t offset;
	size_t n;

	if (!a)
		return made;
	archive_read_support_filter_all(a);
	archive_read_support_format_raw(a);
	if (archive_read_open_memory(a, packed, size) == ARCHIVE_OK &&
	    archive_read_next_header(a, &entry) == ARCHIVE_OK) {
		while (archive_read_data_block(a, &block, &n, &offset) == ARCHIVE_OK &&
		       bytes_add(&made, block, n))
			continue;
	}
	archive_read_free(a);
	return made;
}

static bool ikconfig_is_packed(const char *at, size_t left)
{
	static const struct bytes starts[] = { { (char *)"\x1f\x8b\x08", 3 },
					       { (char *)"\xfd"
							 "7zXZ\0",
						 6 },
					       { (char *)"\x28\xb5\x2f\xfd", 4 },
					       { (char *)"\x02\x21\x4c\x18", 4 } };

	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		if (left > starts[i].size && !memcmp(at, starts[i].at, starts[i].size))
			return true;
	}
	return false;
}

/* The configuration in an unpacked kernel; malloc'ed, or NULL. */
static char *ikconfig_find(const char *kernel, size_t size)
{
	const char *at = size ? memmem(kernel, size, mark, MARK_SIZE) : NULL;

	if (!at)
		return NULL;
	at += MARK_SIZE;
	return ikconfig_unpack(at, size - (size_t)(at - kernel)).at;
}

static char *ikconfig_search(const char *image, size_t size)
{
	char *config = NULL;

	for (size_t i = 0; i < size && !config; i++) {
		struct bytes kernel = { 0 };

		if (!ikconfig_is_packed(image + i, size - i))
			continue;
		kernel = ikconfig_unpack(image + i, size - i);
		config = ikconfig_find(kernel.at, kernel.size);
		free(kernel.at);
	}
	return config;
}

char *kernel_ikconfig(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *config = NULL;
	struct stat st;
	void *image;

	if (fd >= 0 && !fstat(fd, &st) && st.st_size > 0) {
		image = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (image != MAP_FAILED) {
			config = ikconfig_search(image, (size_t)st.st_size);
			munmap(image, (size_t)st.st_size);
		}
	}
	if (fd >= 0)
		close(fd);
	return config;
}
