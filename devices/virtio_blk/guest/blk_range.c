/* SPDX-License-Identifier: MIT */
/* blk_range discard|zero DISK OFFSET LENGTH - has the kernel do it, and checks that it
 * happened. */
#define _GNU_SOURCE /* O_DIRECT */
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Past the guest's own cache. */
static int count_set(int fd, uint64_t offset, uint64_t length)
{
	void *block;
	int set = 0;

	if (posix_memalign(&block, 4096, 4096))
		return -1;
	for (uint64_t at = 0; at < length; at += 4096) {
		if (pread(fd, block, 4096, (off_t)(offset + at)) != 4096)
			return -1;
		for (int i = 0; i < 4096; i++)
			set += ((uint8_t *)block)[i] != 0;
	}
	free(block);
	return set;
}

static int fill(int fd, uint64_t offset, uint64_t length)
{
	void *block;
	int ok = 1;

	if (posix_memalign(&block, 4096, 4096))
		return 0;
	memset(block, 0xa5, 4096);
	for (uint64_t at = 0; at < length && ok; at += 4096)
		ok = pwrite(fd, block, 4096, (off_t)(offset + at)) == 4096;
	free(block);
	return ok;
}

int main(int argc, char **argv)
{
	uint64_t range[2];
	int fd, set;

	if (argc != 5) {
		fprintf(stderr, "usage: blk_range discard|zero DISK OFFSET LENGTH\n");
		return 2;
	}
	range[0] = strtoull(argv[3], NULL, 0);
	range[1] = strtoull(argv[4], NULL, 0);
	fd = open(argv[2], O_RDWR | O_DIRECT);
	if (fd < 0 || !fill(fd, range[0], range[1]) ||
	    ioctl(fd, strcmp(argv[1], "zero") ? BLKDISCARD : BLKZEROOUT, range)) {
		perror(argv[2]);
		return 1;
	}
	set = count_set(fd, range[0], range[1]);
	printf("%d of %llu bytes are not zero\n", set, (unsigned long long)range[1]);
	return set != 0;
}
