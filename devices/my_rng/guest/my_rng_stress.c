/* SPDX-License-Identifier: MIT */
/*
 * my_rng_stress DEVICE - many openers at once: together they draw the numbers of one seed, each
 * number once. my_rng_stress DEVICE REMOVE RESCAN - many readers while the device is removed
 * through sysfs: each gets ENODEV and nothing worse, and the device comes back with a rescan.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "my_rng_ioctl.h"

enum { OPENERS = 16, DRAWS = 32, NUMBERS = OPENERS * DRAWS, SEED = 0x1234, TRIES = 50 };

struct opener {
	const char *path;
	__u32 numbers[DRAWS];
	int fd, error; /* errno of what ended it */
};

static void *draw(void *arg)
{
	struct opener *self = arg;
	int fd = open(self->path, O_RDONLY);

	self->error = fd < 0 ? errno : 0;
	for (int i = 0; i < DRAWS && !self->error; i++)
		self->error = ioctl(fd, MY_RNG_IOCTL_RAND, &self->numbers[i]) ? errno : 0;
	if (fd >= 0)
		close(fd);
	return NULL;
}

static void *read_on(void *arg)
{
	struct opener *self = arg;
	char bytes[61];

	while (!self->error)
		self->error = read(self->fd, bytes, sizeof(bytes)) < 0 ? errno : 0;
	return NULL;
}

static void start(pthread_t *thread, void *(*run)(void *), void *arg)
{
	int error = pthread_create(thread, NULL, run, arg);

	if (!error)
		return;
	fprintf(stderr, "my_rng_stress: no thread: %s\n", strerror(error));
	exit(1);
}

static int by_value(const void *a, const void *b)
{
	__u32 x = *(const __u32 *)a, y = *(const __u32 *)b;

	return x < y ? -1 : x > y;
}

static int seed(const char *path)
{
	__u32 value = SEED;
	int fd = open(path, O_RDONLY);

	if (fd < 0 || ioctl(fd, MY_RNG_IOCTL_SEED, &value)) {
		perror(path);
		exit(1);
	}
	return fd;
}

static void expect(const char *path, __u32 *numbers)
{
	int fd = seed(path);

	for (int i = 0; i < NUMBERS; i++) {
		if (ioctl(fd, MY_RNG_IOCTL_RAND, &numbers[i])) {
			perror(path);
			exit(1);
		}
	}
	close(fd);
	qsort(numbers, NUMBERS, sizeof(*numbers), by_value);
}

static int draw_together(const char *path, __u32 *numbers)
{
	static struct opener openers[OPENERS];
	pthread_t threads[OPENERS];
	int failed = 0;

	close(seed(path));
	for (int i = 0; i < OPENERS; i++) {
		openers[i] = (struct opener){ .path = path };
		start(&threads[i], draw, &openers[i]);
	}
	for (int i = 0; i < OPENERS; i++) {
		pthread_join(threads[i], NULL);
		memcpy(numbers + i * DRAWS, openers[i].numbers, sizeof(openers[i].numbers));
		if (!openers[i].error)
			continue;
		printf("opener %d: %s\n", i, strerror(openers[i].error));
		failed = 1;
	}
	qsort(numbers, NUMBERS, sizeof(*numbers), by_value);
	return failed;
}

/* The kernel's own hwrng thread draws now and then, too: only what stays wrong is wrong. */
static int many_openers(const char *path)
{
	static __u32 expected[NUMBERS], got[NUMBERS];
	int same = 0;

	for (int i = 0; i < TRIES && !same; i++) {
		expect(path, expected);
		if (draw_together(path, got))
			return 1;
		same = !memcmp(expected, got, sizeof(got));
	}
	if (!same)
		printf("%d openers do not draw the numbers of the seed, each once\n", OPENERS);
	return !same;
}

static int write_one(const char *path)
{
	int fd = open(path, O_WRONLY), wrong = fd < 0 || write(fd, "1", 1) != 1;

	if (wrong)
		perror(path);
	if (fd >= 0)
		close(fd);
	return wrong;
}

static int check_gone(const char *what, int error)
{
	if (error == ENODEV)
		return 0;
	printf("%s of a removed device: expected '%s', got '%s'\n", what, strerror(ENODEV),
	       strerror(error));
	return 1;
}

static int removal(const char *path, const char *remove, const char *rescan)
{
	struct opener readers[OPENERS];
	pthread_t threads[OPENERS];
	int wrong, fd = seed(path);
	__u32 number;

	for (int i = 0; i < OPENERS; i++) {
		readers[i] = (struct opener){ .fd = fd };
		start(&threads[i], read_on, &readers[i]);
	}
	usleep(20000);
	if (write_one(remove))
		return 1;
	wrong = check_gone("draw", ioctl(fd, MY_RNG_IOCTL_RAND, &number) ? errno : 0);
	wrong |= check_gone("seed", ioctl(fd, MY_RNG_IOCTL_SEED, &number) ? errno : 0);
	for (int i = 0; i < OPENERS; i++) {
		pthread_join(threads[i], NULL);
		wrong |= check_gone("read", readers[i].error);
	}
	/* The file stays open across the rescan: it is the old device's, which stays gone. */
	wrong |= write_one(rescan);
	wrong |= check_gone("draw", ioctl(fd, MY_RNG_IOCTL_RAND, &number) ? errno : 0);
	close(fd);
	return wrong;
}

int main(int argc, char **argv)
{
	if (argc == 2)
		return many_openers(argv[1]);
	if (argc == 4)
		return removal(argv[1], argv[2], argv[3]);
	fprintf(stderr, "usage: my_rng_stress DEVICE [REMOVE RESCAN]\n");
	return 2;
}
