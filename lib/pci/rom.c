/* SPDX-License-Identifier: MIT */
/* The expansion ROM: a file, read whole, in a BAR of the next power of two. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pci/function.h"

enum { ROM_LEAST = 2048, ROM_MOST = 16 << 20 };

static int read_all(int fd, uint8_t *to, size_t size)
{
	while (size) {
		ssize_t n = read(fd, to, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		to += n;
		size -= (size_t)n;
	}
	return 0;
}

static int load(struct riser__pci *pci, int fd, const char **why)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size > ROM_MOST) {
		*why = "it must be a file of 1 byte to 16 MiB";
		return -EINVAL;
	}
	for (pci->rom_size = ROM_LEAST; pci->rom_size < (uint64_t)st.st_size;)
		pci->rom_size *= 2;
	pci->rom = malloc(pci->rom_size);
	if (!pci->rom)
		return -ENOMEM;
	memset(pci->rom, 0xff, pci->rom_size);
	return read_all(fd, pci->rom, (size_t)st.st_size);
}

int riser__rom_load(struct riser_dev *dev, struct riser_error *error)
{
	const char *why = NULL;
	int fd, ret;

	if (!dev->romfile)
		return 0;
	fd = open(dev->romfile, O_RDONLY | O_CLOEXEC);
	ret = fd < 0 ? -errno : load(dev->pci, fd, &why);
	if (fd >= 0)
		close(fd);
	if (ret)
		return riser__fail(error, ret, "%s: cannot use the ROM file '%s': %s",
				   dev->desc->name, dev->romfile, why ? why : strerror(-ret));
	return 0;
}
