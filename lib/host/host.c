/* SPDX-License-Identifier: MIT */
/* A host's life, its configuration accesses and BARs. */
#include "host/host.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/pci_regs.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, DEFAULT_MEMORY = 16 << 20 };

int riser__host_fail(struct riser_host *host, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(host->error.text, sizeof(host->error.text), format, args);
	va_end(args);
	return code;
}

struct riser_host_config riser__host_config(const struct riser_host_config *config)
{
	struct riser_host_config full = { 0 };

	if (config)
		memcpy(&full, config,
		       config->size < sizeof(full) ? config->size : sizeof(full));
	if (!full.memory)
		full.memory = DEFAULT_MEMORY;
	return full;
}

static int make_memory(struct riser_host *host, const struct riser_host_config *config)
{
	if (config->memory % PAGE || config->memory_at % PAGE)
		return -EINVAL;
	host->memory_size = config->memory;
	host->memory_at = config->memory_at;
	host->memory_fd = memfd_create("guest", MFD_CLOEXEC);
	if (host->memory_fd < 0 || ftruncate(host->memory_fd, (off_t)config->memory))
		return -errno;
	host->memory = mmap(NULL, config->memory, PROT_READ | PROT_WRITE, MAP_SHARED,
			    host->memory_fd, 0);
	if (host->memory == MAP_FAILED) {
		host->memory = NULL;
		return -errno;
	}
	return 0;
}

int riser__host_init(struct riser_host *host, const struct riser__host_impl *impl,
		     const struct riser_host_config *config)
{
	host->impl = impl;
	host->memory_fd = -1;
	host->arrived = calloc(HOST_VECTORS_MAX, sizeof(*host->arrived));
	if (!host->arrived)
		return -ENOMEM;
	return make_memory(host, config);
}

int riser__host_start(struct riser_host *host)
{
	int ret = riser_host_memory_map(host, host->memory_at, host->memory_size);

	return ret ? ret : host->impl->irq_bind(host, RISER_IRQ_INTX, 1);
}

void riser__host_fini(struct riser_host *host)
{
	if (host->memory)
		munmap(host->memory, host->memory_size);
	if (host->memory_fd >= 0)
		close(host->memory_fd);
	free(host->extents);
	free(host->arrived);
}

void riser_host_destroy(struct riser_host *host)
{
	if (host)
		host->impl->destroy(host);
}

const char *riser_host_error(const struct riser_host *host)
{
	return host->error.text;
}

/* ---- Configuration space ---- */

static int check_config(struct riser_host *host, unsigned offset, unsigned size)
{
	if ((size != 1 && size != 2 && size != 4) || offset % size ||
	    offset >= riser_host_config_size(host))
		return riser__host_fail(
			host, -EINVAL,
			"configuration access of %u bytes at %#x: it takes 1, 2 or 4, "
			"aligned, below %#x",
			size, offset, riser_host_config_size(host));
	return 0;
}

int riser_host_config_read(struct riser_host *host, unsigned offset, unsigned size,
			   uint32_t *value)
{
	int ret = check_config(host, offset, size);

	*value = 0;
	return ret ? ret : host->impl->read(host, HOST_REGION_CONFIG, offset, value, size);
}

int riser_host_config_write(struct riser_host *host, unsigned offset, unsigned size,
			    uint32_t value)
{
	int ret = check_config(host, offset, size);

	return ret ? ret : host->impl->write(host, HOST_REGION_CONFIG, offset, &value, size);
}

unsigned riser_host_config_size(const struct riser_host *host)
{
	return (unsigned)host->region_size[HOST_REGION_CONFIG];
}

static int find_extended(struct riser_host *host, unsigned id, unsigned *found)
{
	unsigned at = 0x100;
	uint32_t header;
	int ret;

	/* A broken chain must not hold us for ever: it has at most this many members. */
	for (unsigned i = 0; i < 960 && at >= 0x100 && at < riser_host_config_size(host); i++) {
		ret = riser_host_config_read(host, at & ~3u, 4, &header);
		if (ret)
			return ret;
		if ((header & 0xffff) == id && header) {
			*found = at;
			return 0;
		}
		at = header >> 20;
	}
	return 0;
}

int riser__host_find_cap(struct riser_host *host, unsigned id, bool extended, unsigned *found)
{
	uint32_t at, is;
	int ret;

	*found = 0;
	if (extended)
		return find_extended(host, id, found);
	ret = riser_host_config_read(host, PCI_CAPABILITY_LIST, 1, &at);
	for (unsigned i = 0; i < 48 && !ret && at >= 0x40; i++) {
		at &= 0xfc;
		ret = riser_host_config_read(host, at, 1, &is);
		if (!ret && is == id) {
			*found = at;
			return 0;
		}
		if (!ret)
			ret = riser_host_config_read(host, at + 1, 1, &at);
	}
	return ret;
}

unsigned riser_host_find_cap(struct riser_host *host, unsigned id, bool extended)
{
	unsigned at;

	return riser__host_find_cap(host, id, extended, &at) ? 0 : at;
}

/* ---- BARs ---- */

/* All ones, read back: the bits that stay zero are the size's (PCI 6.2.5.1). */
static int size_bar(struct riser_host *host, unsigned index)
{
	struct riser_host_bar *bar = &host->bars[index];
	unsigned at = PCI_BASE_ADDRESS_0 + 4 * index;
	uint32_t low, high = 0xffffffff;
	uint64_t mask;
	int ret = riser_host_config_write(host, at, 4, 0xffffffff);

	if (!ret)
		ret = riser_host_config_read(host, at, 4, &low);
	if (ret || !low)
		return ret;
	bar->kind = low & PCI_BASE_ADDRESS_SPACE_IO	 ? RISER_IO
		    : low & PCI_BASE_ADDRESS_MEM_TYPE_64 ? RISER_MEM64
							 : RISER_MEM32;
	bar->prefetchable = bar->kind != RISER_IO && low & PCI_BASE_ADDRESS_MEM_PREFETCH;
	if (bar->kind == RISER_MEM64 && index < 5) {
		ret = riser_host_config_write(host, at + 4, 4, 0xffffffff);
		if (!ret)
			ret = riser_host_config_read(host, at + 4, 4, &high);
	}
	mask = bar->kind == RISER_IO ? low & ~UINT64_C(3) : low & ~UINT64_C(15);
	bar->size = -(mask | (uint64_t)high << 32);
	return ret;
}

/* Addresses upwards, each a multiple of its size; where any machine has room for them. */
static int place_bar(struct riser_host *host, unsigned index, uint64_t next[3])
{
	struct riser_host_bar *bar = &host->bars[index];
	uint64_t *from = &next[bar->kind];
	unsigned at = PCI_BASE_ADDRESS_0 + 4 * index;
	int ret;

	bar->address = (*from + bar->size - 1) & -bar->size;
	*from = bar->address + bar->size;
	ret = riser_host_config_write(host, at, 4, (uint32_t)bar->address);
	if (!ret && bar->kind == RISER_MEM64)
		ret = riser_host_config_write(host, at + 4, 4, (uint32_t)(bar->address >> 32));
	return ret;
}

int riser_host_enable(struct riser_host *host)
{
	uint64_t next[] = { [RISER_MEM32] = 0xc0000000,
			    [RISER_MEM64] = UINT64_C(1) << 36,
			    [RISER_IO] = 0x1000 };
	int ret = riser_host_config_write(host, PCI_COMMAND, 2, 0);

	memset(host->bars, 0, sizeof(host->bars));
	for (unsigned i = 0; i < HOST_BARS && !ret; i++) {
		ret = size_bar(host, i);
		if (!ret && host->bars[i].size)
			ret = place_bar(host, i, next);
		if (host->bars[i].kind == RISER_MEM64)
			i++;
	}
	if (!ret)
		ret = riser_host_config_write(host, PCI_COMMAND, 2,
					      PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
						      PCI_COMMAND_MASTER);
	host->enabled = !ret;
	return ret;
}

int riser_host_bar(struct riser_host *host, unsigned bar, struct riser_host_bar *info)
{
	if (bar >= HOST_BARS)
		return riser__host_fail(host, -EINVAL, "there is no BAR%u", bar);
	*info = host->bars[bar];
	return 0;
}

static int check_access(struct riser_host *host, unsigned bar, uint64_t offset, unsigned size)
{
	static const char *const names[] = { "BAR0", "BAR1", "BAR2", "BAR3",
					     "BAR4", "BAR5", "ROM" };

	if (!host->enabled)
		return riser__host_fail(host, -EACCES,
					"the function's BARs are off: enable it first");
	if (bar > HOST_REGION_ROM)
		return riser__host_fail(host, -EINVAL, "there is no BAR%u", bar);
	if ((size != 1 && size != 2 && size != 4 && size != 8) ||
	    offset >= host->region_size[bar] || size > host->region_size[bar] - offset)
		return riser__host_fail(host, -EINVAL,
					"access of %u bytes at %s+%#" PRIx64
					" is outside it (%#" PRIx64 " bytes)",
					size, names[bar], offset, host->region_size[bar]);
	return 0;
}

int riser_host_read(struct riser_host *host, unsigned bar, uint64_t offset, unsigned size,
		    uint64_t *value)
{
	int ret = check_access(host, bar, offset, size);

	*value = 0;
	return ret ? ret : host->impl->read(host, bar, offset, value, size);
}

int riser_host_write(struct riser_host *host, unsigned bar, uint64_t offset, unsigned size,
		     uint64_t value)
{
	int ret = check_access(host, bar, offset, size);

	return ret ? ret : host->impl->write(host, bar, offset, &value, size);
}

int riser_host_map(struct riser_host *host, unsigned bar, uint64_t offset, uint64_t length,
		   void **address)
{
	*address = NULL;
	if (bar >= HOST_BARS || !length)
		return riser__host_fail(host, -EINVAL, "there is no BAR%u to map", bar);
	return host->impl->map(host, bar, offset, length, address);
}

/* ---- Time, reset, state ---- */

uint64_t riser_host_now(struct riser_host *host)
{
	return host->impl->now(host);
}

int riser_host_advance(struct riser_host *host, uint64_t ns)
{
	return host->impl->pass(host, ns, HOST_NO_VECTOR);
}

int riser_host_reset(struct riser_host *host, enum riser_reset kind)
{
	unsigned express;
	uint32_t control;
	int ret;

	if (kind == RISER_RESET_FUNCTION) {
		ret = riser__host_find_cap(host, PCI_CAP_ID_EXP, false, &express);
		if (ret)
			return ret;
		if (!express)
			return riser__host_fail(
				host, -ENOTSUP,
				"the function has no FLR: it is not PCI Express");
		ret = riser_host_config_read(host, express + PCI_EXP_DEVCTL, 2, &control);
		if (!ret)
			ret = riser_host_config_write(host, express + PCI_EXP_DEVCTL, 2,
						      control | PCI_EXP_DEVCTL_BCR_FLR);
	} else if (kind == RISER_RESET_DEVICE || kind == RISER_RESET_BUS) {
		ret = host->impl->reset(host, kind);
	} else {
		return riser__host_fail(host, -EINVAL,
					"a host cannot ask for that kind of reset");
	}
	host->enabled = false;
	host->mode = RISER_IRQ_INTX;
	memset(host->arrived, 0, HOST_VECTORS_MAX * sizeof(*host->arrived));
	return ret ? ret : host->impl->irq_bind(host, RISER_IRQ_INTX, 1);
}

int riser_host_save(struct riser_host *host, void **data, size_t *size)
{
	*data = NULL;
	*size = 0;
	return host->impl->save(host, data, size);
}

int riser_host_load(struct riser_host *host, const void *data, size_t size)
{
	int ret = host->impl->load(host, data, size);
	uint32_t command = 0;

	if (!ret)
		ret = riser_host_config_read(host, PCI_COMMAND, 2, &command);
	host->enabled = command & (PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
	return ret;
}
