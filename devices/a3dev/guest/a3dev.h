/* SPDX-License-Identifier: MIT */
/* Finding a3dev through sysfs, by its ID, and its two windows. */
#ifndef A3DEV_H
#define A3DEV_H

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <unistd.h>

#include "a3dev_regs.h"

enum { A3DEV_BYTES = 256, A3DEV_DWORDS = A3DEV_BYTES / 4, A3DEV_MOST = 16 };
/* A flag in sysfs' file `resource`, as in the kernel's ioport.h. */
enum { A3DEV_IO = 0x100 };

struct a3dev {
	char address[32];
	volatile uint8_t *memory; /* BAR0 */
	unsigned short port;	  /* the first of BAR1 */
};

static inline void a3dev_fail(const char *what)
{
	perror(what);
	exit(1);
}

static inline int a3dev_open(const struct a3dev *dev, const char *name, int flags)
{
	char path[1024];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", dev->address, name);
	fd = open(path, flags);
	if (fd < 0)
		a3dev_fail(path);
	return fd;
}

/* A file of sysfs, as text. */
static inline void a3dev_text(const struct a3dev *dev, const char *name, char *text,
			      size_t size)
{
	int fd = a3dev_open(dev, name, O_RDONLY);
	ssize_t n = read(fd, text, size - 1);

	if (n < 0)
		a3dev_fail(name);
	text[n] = '\0';
	close(fd);
}

static inline unsigned long a3dev_number(const struct a3dev *dev, const char *name)
{
	char text[32];

	a3dev_text(dev, name, text, sizeof(text));
	return strtoul(text, NULL, 16);
}

/* Without a driver nobody has turned the device's decoding on. */
static inline void a3dev_enable(const struct a3dev *dev)
{
	int fd = a3dev_open(dev, "enable", O_WRONLY);

	if (write(fd, "1", 1) != 1)
		a3dev_fail("enable");
	close(fd);
}

/* Where a BAR starts, and its flags: a line of three numbers each. */
static inline unsigned long a3dev_bar(const struct a3dev *dev, int bar, unsigned long *flags)
{
	char text[1024], *line = text;
	unsigned long start = 0, end;

	a3dev_text(dev, "resource", text, sizeof(text));
	for (int i = 0; line && i < bar; i++) {
		line = strchr(line, '\n');
		line += line != NULL;
	}
	if (!line || sscanf(line, "%lx %lx %lx", &start, &end, flags) != 3 ||
	    end - start + 1 != A3DEV_BYTES) {
		printf("FAIL %s: BAR%d is none of %d bytes\n", dev->address, bar, A3DEV_BYTES);
		exit(1);
	}
	return start;
}

static inline void a3dev_map(struct a3dev *dev)
{
	int fd = a3dev_open(dev, "resource0", O_RDWR | O_SYNC);
	unsigned long flags, start = a3dev_bar(dev, 0, &flags);
	char *page = mmap(NULL, A3DEV_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (page == MAP_FAILED)
		a3dev_fail("resource0");
	close(fd);
	/* A small BAR may stand anywhere in its page; sysfs maps the page. */
	dev->memory = (volatile uint8_t *)page + start % (unsigned long)getpagesize();
}

static inline void a3dev_ports(struct a3dev *dev)
{
	unsigned long flags, start = a3dev_bar(dev, 1, &flags);

	if (!(flags & A3DEV_IO)) {
		printf("FAIL %s: BAR1 has no ports\n", dev->address);
		exit(1);
	}
	if (iopl(3))
		a3dev_fail("iopl");
	dev->port = (unsigned short)start;
}

/* Every a3dev there is, enabled; the number of them. A test without one fails. */
static inline unsigned a3dev_find(struct a3dev *found)
{
	const char *folder = "/sys/bus/pci/devices";
	DIR *walk = opendir(folder);
	struct dirent *entry;
	unsigned count = 0;

	if (!walk)
		a3dev_fail(folder);
	while (count < A3DEV_MOST && (entry = readdir(walk))) {
		struct a3dev *dev = &found[count];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(dev->address, sizeof(dev->address), "%.31s", entry->d_name);
		if (a3dev_number(dev, "vendor") != A3DEV_PCI_VENDOR ||
		    a3dev_number(dev, "device") != A3DEV_PCI_DEVICE)
			continue;
		a3dev_enable(dev);
		count++;
	}
	closedir(walk);
	if (!count) {
		printf("FAIL no a3dev is plugged in\n");
		exit(1);
	}
	return count;
}

static inline unsigned a3dev_expect(const struct a3dev *dev, const char *what, unsigned at,
				    uint64_t expected, uint64_t got)
{
	if (expected == got)
		return 0;
	printf("FAIL %s: %s at %u: expected %#llx, got %#llx\n", dev->address, what, at,
	       (unsigned long long)expected, (unsigned long long)got);
	return 1;
}

#endif
