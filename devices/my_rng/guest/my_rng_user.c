/* SPDX-License-Identifier: MIT */
/* my_rng_user [DEVICE [SEED [COUNT]]] - seeds a my_rng, unless SEED is "-", and draws. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "my_rng_ioctl.h"

static int draw(int fd, long count)
{
	__u32 number;

	for (long i = 0; i < count; i++) {
		if (ioctl(fd, MY_RNG_IOCTL_RAND, &number))
			return -1;
		printf("%u%c", number, i + 1 < count ? ' ' : '\n');
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "/dev/my_rng";
	const char *seed_text = argc > 2 ? argv[2] : "0x42";
	long count = argc > 3 ? strtol(argv[3], NULL, 0) : 5;
	__u32 seed = (__u32)strtoul(seed_text, NULL, 0);
	int fd = open(path, O_RDONLY);

	if (fd < 0 || (strcmp(seed_text, "-") && ioctl(fd, MY_RNG_IOCTL_SEED, &seed)) ||
	    draw(fd, count)) {
		perror(path);
		return 1;
	}
	close(fd);
	return 0;
}
