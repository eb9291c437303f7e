/* SPDX-License-Identifier: MIT */
/* my_rng_user [DEVICE [SEED [COUNT]]] - seeds a my_rng and prints the numbers that it draws. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "my_rng_ioctl.h"

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "/dev/my_rng";
	__u32 seed = argc > 2 ? (__u32)strtoul(argv[2], NULL, 0) : 0x42, number;
	long count = argc > 3 ? strtol(argv[3], NULL, 0) : 5;
	int fd = open(path, O_RDONLY);

	if (fd < 0 || ioctl(fd, MY_RNG_IOCTL_SEED, &seed)) {
		perror(path);
		return 1;
	}
	for (long i = 0; i < count; i++) {
		if (ioctl(fd, MY_RNG_IOCTL_RAND, &number)) {
			perror(path);
			return 1;
		}
		printf("%u%c", number, i + 1 < count ? ' ' : '\n');
	}
	close(fd);
	return 0;
}
