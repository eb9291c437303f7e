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

/* The guest's memory is a file in memory, so that a server can map it, too. */
static int host_make_memory(struct riser_host *host, const struct riser_host_config *config)
{
	if (config->memory % PAGE || config->memory_at % PAGE ||
	    config->memory - 1 > UINT64_MAX - config->memory_at || config->memory > INT64_MAX)
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
	return host_make_memory(host, config);
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

/* -EINVAL: configuration space takes accesses of 1, 2 or 4 bytes, aligned, inside it. */
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

int riser__host_nowhere(struct riser_host *host)
{
	return riser__host_fail(host, -EINVAL, "NULL where the result or the data should be");
}

int riser_host_config_read(struct riser_host *host, unsigned offset, unsigned size,
			   uint32_t *value)
{
	int ret = check_config(host, offset, size);

	if (!value)
		return riser__host_nowhere(host);
	*value = 0;
	return ret ? ret : host->impl->read(host, HOST_REGION_CONFIG, offset, value, size);
}

int riser_host_config_write(struct riser_host *host, unsigned offset, unsigned size,
			    uint32_t value)
{
	int ret = check_config(host, offset, size);

	host->command_known = false; /* resets change it, too */
	return ret ? ret : host->impl->write(host, HOST_REGION_CONFIG, offset, &value, size);
}

unsigned riser_host_config_size(const struct riser_host *host)
{
	return (unsigned)host->region_size[HOST_REGION_CONFIG];
}

/* Follows the list of extended capabilities (PCIe 7.6.3). *found stays as it is without. */
static int find_extended(struct riser_host *host, unsigned id, unsigned *found)
{
	unsigned at = 0x100;
	uint32_t header;
	int ret;

	/* Most capabilities that are followed, so that a loop of them ends. */
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

int riser_host_bar(struct riser_host *host, unsigned bar, struct riser_host_bar *info)
{
	if (bar >= HOST_BARS)
		return riser__host_fail(host, -EINVAL, "there is no BAR%u", bar);
	if (!info)
		return riser__host_nowhere(host);
	*info = host->bars[bar];
	return 0;
}

/* Whether the function decodes the region and all of the access lies in it. */
static int check_access(struct riser_host *host, unsigned bar, uint64_t offset, unsigned size)
{
	static const char *const names[] = { "BAR0", "BAR1", "BAR2", "BAR3",
					     "BAR4", "BAR5", "ROM" };
	int ret;

	if (bar > HOST_REGION_ROM)
		return riser__host_fail(host, -EINVAL, "there is no BAR%u", bar);
	ret = riser__host_check_decoded(host, bar);
	if (ret)
		return ret;
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
	int ret;

	if (!value)
		return riser__host_nowhere(host);
	*value = 0;
	ret = check_access(host, bar, offset, size);
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
	int ret;

	if (!address)
		return riser__host_nowhere(host);
	*address = NULL;
	if (bar >= HOST_BARS || !length)
		return riser__host_fail(host, -EINVAL, "there is nothing of BAR%u to map", bar);
	ret = riser__host_check_decoded(host, bar);
	return ret ? ret : host->impl->map(host, bar, offset, length, address);
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

/* PCIe 7.5.3.3: not every function has an FLR. */
static int reset_function(struct riser_host *host)
{
	uint32_t control, able = 0;
	unsigned express;
	int ret = riser__host_find_cap(host, PCI_CAP_ID_EXP, false, &express);

	if (!ret && express)
		ret = riser_host_config_read(host, express + PCI_EXP_DEVCAP, 4, &able);
	if (!ret && !(able & PCI_EXP_DEVCAP_FLR))
		ret = riser__host_fail(host, -ENOTSUP, "the function has no FLR%s",
				       express ? "" : ": it is not PCI Express");
	if (!ret)
		ret = riser_host_config_read(host, express + PCI_EXP_DEVCTL, 2, &control);
	return ret ? ret
		   : riser_host_config_write(host, express + PCI_EXP_DEVCTL, 2,
					     control | PCI_EXP_DEVCTL_BCR_FLR);
}

int riser_host_reset(struct riser_host *host, enum riser_reset kind)
{
	int ret;

	if (kind == RISER_RESET_FUNCTION)
		ret = reset_function(host);
	else if (kind == RISER_RESET_DEVICE || kind == RISER_RESET_BUS)
		ret = host->impl->reset(host, kind);
	else
		ret = riser__host_fail(host, -EINVAL,
				       "a host cannot ask for that kind of reset");
	if (ret)
		return ret;
	host->command_known = false;
	host->mode = RISER_IRQ_INTX;
	memset(host->arrived, 0, HOST_VECTORS_MAX * sizeof(*host->arrived));
	return host->impl->irq_bind(host, RISER_IRQ_INTX, 1);
}

int riser_host_save(struct riser_host *host, void **data, size_t *size)
{
	if (!data || !size)
		return riser__host_nowhere(host);
	*data = NULL;
	*size = 0;
	return host->impl->save(host, data, size);
}

int riser_host_load(struct riser_host *host, const void *data, size_t size)
{
	return data ? host->impl->load(host, data, size) : riser__host_nowhere(host);
}

int riser__host_learn(struct riser_host *host)
{
	int ret = riser__host_learn_bars(host);

	host->command_known = false;
	return ret ? ret : riser__host_learn_irqs(host);
}
