/* SPDX-License-Identifier: MIT */
/* Finding a3dev through sysfs, by its ID. */
#ifndef A3DEV_H
#define A3DEV_H

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { A3DEV_BYTES = 256, A3DEV_DWORDS = A3DEV_BYTES / 4 };

static inline unsigned long a3dev_attribute(const char *address, const char *name)
{
	char path[256];
	unsigned long value = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", address, name);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%lx", &value) != 1)
		value = 0;
	if (file)
		fclose(file);
	return value;
}

/* The next a3dev after *walk's position; NULL at the end. */
static inline const char *a3dev_next(DIR **walk)
{
	struct dirent *entry;

	if (!*walk)
		*walk = opendir("/sys/bus/pci/devices");
	while (*walk && (entry = readdir(*walk))) {
		if (entry->d_name[0] != '.' &&
		    a3dev_attribute(entry->d_name, "vendor") == 0x1234 &&
		    a3dev_attribute(entry->d_name, "device") == 0x1919)
			return entry->d_name;
	}
	return NULL;
}

/* Has the device answer: without a driver its decoding is off. */
static inline void a3dev_enable(const char *address)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/enable", address);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, "1", 1) != 1)
		perror(path);
	if (fd >= 0)
		close(fd);
}

/* BAR0, mapped. */
static inline volatile uint32_t *a3dev_map(const char *address)
{
	char path[256];
	void *at;
	int fd;

	a3dev_enable(address);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource0", address);
	fd = open(path, O_RDWR | O_SYNC);
	at = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	if (at == MAP_FAILED) {
		perror(path);
		exit(1);
	}
	/* A small BAR may stand anywhere in its page; sysfs gives the page. */
	return (volatile uint32_t *)((char *)at +
				     (a3dev_attribute(address, "resource") & 0xfff));
}

/* The first port of BAR1: the second line of the file `resource`. */
static inline unsigned a3dev_ports(const char *address)
{
	unsigned long start = 0;
	char path[256], line[128];
	FILE *file;

	a3dev_enable(address);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource", address);
	file = fopen(path, "r");
	for (int i = 0; file && i < 2; i++) {
		if (!fgets(line, sizeof(line), file))
			break;
		start = strtoul(line, NULL, 16);
	}
	if (file)
		fclose(file);
	return (unsigned)start;
}

static inline int a3dev_expect(const char *what, unsigned i, uint32_t expected, uint32_t got)
{
	if (expected == got)
		return 0;
	printf("FAIL %s, dword %u: expected %u, got %u\n", what, i, expected, got);
	return 1;
}

#endif
