/* SPDX-License-Identifier: MIT */
/*
 * my_rng_stress DEVICE [REMOVE RESCAN] - many openers at once; and with the sysfs files of the
 * device's removal, that a file that is open then gives ENODEV and nothing worse.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "my_rng_ioctl.h"

enum { OPENERS = 16, ROUNDS = 8 };

static void *opener(void *path)
{
	for (int i = 0; i < ROUNDS; i++) {
		char bytes[61];
		__u32 number = (__u32)i;
		int fd = open(path, O_RDONLY);

		if (fd < 0 || read(fd, bytes, sizeof(bytes)) != sizeof(bytes) ||
		    ioctl(fd, MY_RNG_IOCTL_SEED, &number) || ioctl(fd, MY_RNG_IOCTL_RAND, &number)) {
			perror(path);
			return path;
		}
		close(fd);
	}
	return NULL;
}

static int many_openers(char *path)
{
	pthread_t threads[OPENERS];
	int failed = 0;
	void *wrong;

	for (int i = 0; i < OPENERS; i++)
		pthread_create(&threads[i], NULL, opener, path);
	for (int i = 0; i < OPENERS; i++) {
		pthread_join(threads[i], &wrong);
		failed += wrong != NULL;
	}
	return failed;
}

static int write_one(const char *path)
{
	int fd = open(path, O_WRONLY);
	int ok = fd >= 0 && write(fd, "1", 1) == 1;

	if (fd >= 0)
		close(fd);
	return ok;
}

static int removal(const char *path, const char *remove, const char *rescan)
{
	__u32 number;
	char byte;
	int fd = open(path, O_RDONLY), wrong = 0;

	if (fd < 0 || !write_one(remove)) {
		perror(remove);
		return 1;
	}
	wrong |= read(fd, &byte, 1) != -1 || errno != ENODEV;
	wrong |= ioctl(fd, MY_RNG_IOCTL_RAND, &number) != -1 || errno != ENODEV;
	close(fd);
	return wrong | !write_one(rescan);
}

int main(int argc, char **argv)
{
	int wrong;

	if (argc != 2 && argc != 4)
		return 2;
	wrong = argc == 2 ? many_openers(argv[1]) : removal(argv[1], argv[2], argv[3]);
	if (wrong)
		fprintf(stderr, "my_rng_stress: %s\n", argc == 2 ? "an opener failed"
								  : "removal was not clean");
	return wrong != 0;
}
