/* SPDX-License-Identifier: MIT */
/* BARs as firmware treats them: sized, given places that fit their kind, switched on. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <linux/pci_regs.h>

#include "host/host.h"

static unsigned bar_at(unsigned index)
{
	return PCI_BASE_ADDRESS_0 + 4 * index;
}

static void bar_set_kind(struct riser_host_bar *bar, uint32_t low)
{
	bar->kind = low & PCI_BASE_ADDRESS_SPACE_IO	 ? RISER_IO
		    : low & PCI_BASE_ADDRESS_MEM_TYPE_64 ? RISER_MEM64
							 : RISER_MEM32;
	bar->prefetchable = bar->kind != RISER_IO && low & PCI_BASE_ADDRESS_MEM_PREFETCH;
}

static uint32_t address_bits(const struct riser_host_bar *bar)
{
	return bar->kind == RISER_IO ? (uint32_t)PCI_BASE_ADDRESS_IO_MASK
				     : (uint32_t)PCI_BASE_ADDRESS_MEM_MASK;
}

/* Writes all ones and reads back: bits that stay zero give the size (PCI 6.2.5.1). */
static int size_bar(struct riser_host *host, unsigned index, struct riser_host_bar *bar)
{
	uint32_t low, high = 0xffffffff;
	int ret = riser_host_config_write(host, bar_at(index), 4, 0xffffffff);

	if (!ret)
		ret = riser_host_config_read(host, bar_at(index), 4, &low);
	if (ret || !low)
		return ret;
	bar_set_kind(bar, low);
	if (bar->kind == RISER_MEM64 && index + 1 < HOST_BARS) {
		ret = riser_host_config_write(host, bar_at(index + 1), 4, 0xffffffff);
		if (!ret)
			ret = riser_host_config_read(host, bar_at(index + 1), 4, &high);
	}
	bar->size = -((low & address_bits(bar)) | (uint64_t)high << 32);
	/* Ports may leave out the upper half of their address. */
	if (bar->kind == RISER_IO && !(low >> 16))
		bar->size &= 0xffff;
	if (!ret && (!bar->size || bar->size & (bar->size - 1)))
		ret = riser__host_fail(host, -EPROTO,
				       "BAR%u: %#x and %#x are no size that a BAR can have",
				       index, low, high);
	return ret;
}

/* Sizes all of them; the upper half of a 64-bit BAR is none of its own. */
static int size_bars(struct riser_host *host, struct riser_host_bar *bars)
{
	int ret = 0;

	for (unsigned i = 0; i < HOST_BARS && !ret; i++) {
		ret = size_bar(host, i, &bars[i]);
		if (bars[i].kind == RISER_MEM64)
			i++;
	}
	return ret;
}

/* ---- Places ---- */

struct range {
	uint64_t first, last;
};

/*
 * Where a kind is put, and where else it may be, as on a PC: 16 bits of ports; memory of 32
 * bits in the hole below the interrupt controllers; memory of 64 bits above 4 GiB.
 */
static const struct range places[][2] = {
	[RISER_MEM32] = { { 0xc0000000, 0xfebfffff }, { 0x100000, 0xffffffff } },
	[RISER_MEM64] = { { UINT64_C(1) << 36, UINT64_MAX },
			  { UINT64_C(1) << 32, UINT64_MAX } },
	[RISER_IO] = { { 0x1000, 0xffff }, { 0x100, 0xffff } },
};

static const char *const kind_names[] = {
	[RISER_MEM32] = "memory below 4 GiB",
	[RISER_MEM64] = "memory",
	[RISER_IO] = "ports below 64 KiB",
};

/* The last address of what is in the way of [at, at + size), or 0: nothing is. */
static uint64_t in_the_way(const struct riser_host *host, const struct riser_host_bar *bars,
			   enum riser_bar_kind kind, uint64_t at, uint64_t size)
{
	uint64_t last = at + size - 1, ram_last = host->memory_at + host->memory_size - 1;

	if (kind != RISER_IO && host->memory_at <= last && at <= ram_last)
		return ram_last;
	for (unsigned i = 0; i < HOST_BARS; i++) {
		uint64_t other = bars[i].address + bars[i].size - 1;

		if (bars[i].address && (bars[i].kind == RISER_IO) == (kind == RISER_IO) &&
		    bars[i].address <= last && at <= other)
			return other;
	}
	return 0;
}

/* The first place in the range, a multiple of its size, that nothing else has; or 0. */
static uint64_t find_place(const struct riser_host *host, const struct riser_host_bar *bars,
			   const struct riser_host_bar *bar, struct range range)
{
	uint64_t next = range.first, at, taken;

	for (;;) {
		at = (next + bar->size - 1) & -bar->size;
		if (at < next || at > range.last || bar->size - 1 > range.last - at)
			return 0;
		taken = in_the_way(host, bars, bar->kind, at, bar->size);
		if (!taken)
			return at;
		if (taken == UINT64_MAX)
			return 0;
		next = taken + 1;
	}
}

/* Finds an address for the BAR, in the first of its kind's two ranges that has room. */
static int place_bar(struct riser_host *host, struct riser_host_bar *bars, unsigned index)
{
	struct riser_host_bar *bar = &bars[index];

	for (unsigned i = 0; i < 2 && !bar->address; i++)
		bar->address = find_place(host, bars, bar, places[bar->kind][i]);
	return bar->address ? 0
			    : riser__host_fail(host, -ENOSPC,
					       "BAR%u: there is no room for %#" PRIx64
					       " bytes of %s beside the guest's memory and the "
					       "other BARs",
					       index, bar->size, kind_names[bar->kind]);
}

/* The largest first, so that what is aligned to more finds room. */
static int place_bars(struct riser_host *host, struct riser_host_bar *bars)
{
	for (;;) {
		unsigned next = HOST_BARS;
		int ret;

		for (unsigned i = 0; i < HOST_BARS; i++) {
			if (bars[i].size && !bars[i].address &&
			    (next == HOST_BARS || bars[i].size > bars[next].size))
				next = i;
		}
		if (next == HOST_BARS)
			return 0;
		ret = place_bar(host, bars, next);
		if (ret)
			return ret;
	}
}

/* Writes the addresses that were found; decoding is off meanwhile, so their order is free. */
static int write_bars(struct riser_host *host, const struct riser_host_bar *bars)
{
	int ret = 0;

	for (unsigned i = 0; i < HOST_BARS && !ret; i++) {
		if (!bars[i].size)
			continue;
		ret = riser_host_config_write(host, bar_at(i), 4, (uint32_t)bars[i].address);
		if (!ret && bars[i].kind == RISER_MEM64)
			ret = riser_host_config_write(host, bar_at(i + 1), 4,
						      (uint32_t)(bars[i].address >> 32));
	}
	return ret;
}

/* Keeps the BAR registers as they are, to restore them should a later step fail. */
static int read_words(struct riser_host *host, uint32_t words[HOST_BARS])
{
	int ret = 0;

	for (unsigned i = 0; i < HOST_BARS && !ret; i++)
		ret = riser_host_config_read(host, bar_at(i), 4, &words[i]);
	return ret;
}

/* Restores the registers; keeps the error that is there. */
static void bars_put_back(struct riser_host *host, const uint32_t words[HOST_BARS],
			  uint32_t command)
{
	struct riser_error why = host->error;

	for (unsigned i = 0; i < HOST_BARS; i++)
		riser_host_config_write(host, bar_at(i), 4, words[i]);
	riser_host_config_write(host, PCI_COMMAND, 2, command);
	host->error = why;
}

int riser_host_enable(struct riser_host *host)
{
	struct riser_host_bar bars[HOST_BARS] = { 0 };
	uint32_t words[HOST_BARS], command;
	int ret = riser_host_config_read(host, PCI_COMMAND, 2, &command);

	if (!ret)
		ret = read_words(host, words);
	if (!ret)
		ret = riser_host_config_write(host, PCI_COMMAND, 2, 0);
	if (ret)
		return ret;
	ret = size_bars(host, bars);
	if (!ret)
		ret = place_bars(host, bars);
	if (!ret)
		ret = write_bars(host, bars);
	if (ret) {
		bars_put_back(host, words, command);
		return ret;
	}
	memcpy(host->bars, bars, sizeof(bars));
	return riser_host_config_write(
		host, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

int riser__host_check_decoded(struct riser_host *host, unsigned bar)
{
	const struct riser_host_bar *known = bar < HOST_BARS ? &host->bars[bar] : NULL;
	unsigned needed = PCI_COMMAND_MEMORY;
	uint32_t command = host->command;
	int ret = 0;

	if (known && known->kind == RISER_IO)
		needed = PCI_COMMAND_IO;
	else if (known && !known->size)
		needed = PCI_COMMAND_IO | PCI_COMMAND_MEMORY;
	if (!host->command_known)
		ret = riser_host_config_read(host, PCI_COMMAND, 2, &command);
	if (ret)
		return ret;
	host->command = (uint16_t)command;
	host->command_known = true;
	if (command & needed)
		return 0;
	return riser__host_fail(host, -EACCES,
				"the function's BARs are off: %s Space is not enabled",
				needed == PCI_COMMAND_IO ? "I/O" : "Memory");
}

int riser__host_learn_bars(struct riser_host *host)
{
	struct riser_host_bar bars[HOST_BARS] = { 0 };
	uint32_t words[HOST_BARS];
	int ret = read_words(host, words);

	if (ret)
		return ret;
	for (unsigned i = 0; i < HOST_BARS; i++) {
		struct riser_host_bar *bar = &bars[i];

		if (!host->region_size[i])
			continue;
		bar_set_kind(bar, words[i]);
		bar->size = host->region_size[i];
		bar->address = words[i] & address_bits(bar);
		if (bar->kind == RISER_MEM64 && i + 1 < HOST_BARS)
			bar->address |= (uint64_t)words[i + 1] << 32;
	}
	memcpy(host->bars, bars, sizeof(bars));
	return 0;
}
