/* SPDX-License-Identifier: MIT */
/* The MSI-X table in the device, for hosts that do not keep it themselves. */
#include <errno.h>
#include <linux/pci_regs.h>

#include "host/host.h"

/* One of the four words of an entry of the table (PCI 7.7.2): its place in which BAR. */
static int find_entry(struct riser_host *host, unsigned vector, unsigned word, unsigned *bar,
		      uint64_t *offset)
{
	uint32_t table;
	unsigned at;
	int ret = riser__host_find_cap(host, PCI_CAP_ID_MSIX, false, &at);

	if (!ret)
		ret = at ? riser_host_config_read(host, at + PCI_MSIX_TABLE, 4, &table)
			 : -ENOTSUP;
	if (ret)
		return ret;
	*bar = table & PCI_MSIX_TABLE_BIR;
	*offset = (table & PCI_MSIX_TABLE_OFFSET) + vector * PCI_MSIX_ENTRY_SIZE + word;
	return 0;
}

/* One word of a vector's entry, through the BAR that has the table. */
static int read_entry(struct riser_host *host, unsigned vector, unsigned word, uint32_t *value)
{
	uint64_t offset;
	unsigned bar;
	int ret = find_entry(host, vector, word, &bar, &offset);

	return ret ? ret : host->impl->read(host, bar, offset, value, sizeof(*value));
}

static int write_entry(struct riser_host *host, unsigned vector, unsigned word, uint32_t value)
{
	uint64_t offset;
	unsigned bar;
	int ret = find_entry(host, vector, word, &bar, &offset);

	return ret ? ret : host->impl->write(host, bar, offset, &value, sizeof(value));
}

/* To this host, and unmasked. */
static int fill_entry(struct riser_host *host, unsigned vector)
{
	int ret = write_entry(host, vector, PCI_MSIX_ENTRY_LOWER_ADDR, HOST_MESSAGE_ADDRESS);

	if (!ret)
		ret = write_entry(host, vector, PCI_MSIX_ENTRY_UPPER_ADDR, 0);
	if (!ret)
		ret = write_entry(host, vector, PCI_MSIX_ENTRY_DATA, vector);
	return ret ? ret : write_entry(host, vector, PCI_MSIX_ENTRY_VECTOR_CTRL, 0);
}

int riser__host_msix_fill(struct riser_host *host, unsigned count)
{
	int ret = 0;

	for (unsigned i = 0; i < count && !ret; i++)
		ret = fill_entry(host, i);
	return ret;
}

int riser__host_msix_mask(struct riser_host *host, unsigned vector, bool masked)
{
	return write_entry(host, vector, PCI_MSIX_ENTRY_VECTOR_CTRL,
			   masked ? PCI_MSIX_ENTRY_CTRL_MASKBIT : 0);
}

int riser__host_msix_adopt(struct riser_host *host, unsigned entries, unsigned *count)
{
	int ret = 0;

	*count = 0;
	for (unsigned i = 0; i < entries && !ret; i++) {
		uint32_t address = 0, control = 0;

		ret = read_entry(host, i, PCI_MSIX_ENTRY_LOWER_ADDR, &address);
		if (!ret)
			ret = read_entry(host, i, PCI_MSIX_ENTRY_VECTOR_CTRL, &control);
		if (!ret && !address && !(control & PCI_MSIX_ENTRY_CTRL_MASKBIT)) {
			address = HOST_MESSAGE_ADDRESS;
			ret = fill_entry(host, i);
		}
		if (address)
			*count = i + 1;
	}
	if (!*count)
		*count = entries;
	return ret;
}
