/* SPDX-License-Identifier: MIT */
/* testdev_map RESOURCE2 - the shared window is memory, and what is behind it is trapped. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SHARED = 64 << 10, SIZE = 16 << 20, RAW = 0x100000 };

int main(int argc, char **argv)
{
	volatile uint32_t *bar;
	int fd = argc == 2 ? open(argv[1], O_RDWR | O_SYNC) : -1, wrong = 0;

	bar = fd < 0 ? MAP_FAILED : mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bar == MAP_FAILED) {
		perror("testdev_map");
		return 1;
	}
	for (uint32_t i = 0; i < SHARED / 4; i++)
		bar[i] = i * 3;
	for (uint32_t i = 0; i < SHARED / 4; i++)
		wrong += bar[i] != i * 3;
	printf("%d of %d dwords of shared memory are wrong\n", wrong, SHARED / 4);
	bar[RAW / 4] = 0x5500;
	if (bar[RAW / 4] != (0x5500 ^ RAW ^ 4) || bar[SHARED / 4] != 0xffffffff) {
		printf("trapped accesses behind it are wrong: %#x, %#x\n", bar[RAW / 4],
		       bar[SHARED / 4]);
		wrong++;
	}
	close(fd);
	return wrong != 0;
}
