/* SPDX-License-Identifier: MIT */
/* Interrupts as a driver programs them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/pci_regs.h>

#include "host/host.h"

static int disable(struct riser_host *host, unsigned id, unsigned flags, unsigned bits)
{
	uint32_t value;
	unsigned at;
	int ret = riser__host_find_cap(host, id, false, &at);

	if (ret || !at)
		return ret;
	ret = riser_host_config_read(host, at + flags, 2, &value);
	return ret ? ret : riser_host_config_write(host, at + flags, 2, value & ~bits);
}

/* Where a kind of message is enabled, and its flags, which both kinds have at the same place.
 */
static int find_messages(struct riser_host *host, unsigned id, unsigned *at, uint32_t *flags)
{
	int ret = riser__host_find_cap(host, id, false, at);

	if (ret)
		return ret;
	return *at ? riser_host_config_read(host, *at + PCI_MSI_FLAGS, 2, flags) : -ENOTSUP;
}

static int enable_msi(struct riser_host *host, unsigned vectors)
{
	unsigned at, log2 = 0;
	uint32_t flags, most;
	int ret = find_messages(host, PCI_CAP_ID_MSI, &at, &flags);

	if (ret)
		return ret;
	most = 1u << ((flags & PCI_MSI_FLAGS_QMASK) >> 1);
	if (!vectors || vectors > most || vectors & (vectors - 1))
		return riser__host_fail(host, -EINVAL,
					"MSI: %u vectors; it takes a power of two to %u",
					vectors, most);
	while (1u << log2 < vectors)
		log2++;
	ret = host->impl->irq_bind(host, RISER_IRQ_MSI, vectors);
	if (!ret)
		ret = riser_host_config_write(host, at + PCI_MSI_ADDRESS_LO, 4,
					      HOST_MESSAGE_ADDRESS);
	if (!ret)
		ret = riser_host_config_write(
			host,
			at + (flags & PCI_MSI_FLAGS_64BIT ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32),
			2, 0);
	flags = (flags & ~(uint32_t)PCI_MSI_FLAGS_QSIZE) | PCI_MSI_FLAGS_ENABLE | log2 << 4;
	return ret ? ret : riser_host_config_write(host, at + PCI_MSI_FLAGS, 2, flags);
}

static int enable_msix(struct riser_host *host, unsigned vectors)
{
	uint32_t flags;
	unsigned at;
	int ret = find_messages(host, PCI_CAP_ID_MSIX, &at, &flags);

	if (ret)
		return ret;
	if (!vectors || vectors > (flags & PCI_MSIX_FLAGS_QSIZE) + 1)
		return riser__host_fail(host, -EINVAL, "MSI-X: %u vectors; the device has %u",
					vectors, (flags & PCI_MSIX_FLAGS_QSIZE) + 1);
	ret = host->impl->irq_bind(host, RISER_IRQ_MSIX, vectors);
	return ret ? ret
		   : riser_host_config_write(host, at + PCI_MSIX_FLAGS, 2,
					     flags | PCI_MSIX_FLAGS_ENABLE);
}

/* One of the four words of an entry of the table (PCI 7.7.2). */
static int write_entry(struct riser_host *host, unsigned vector, unsigned word, uint32_t value)
{
	uint32_t table;
	unsigned at;
	int ret = riser__host_find_cap(host, PCI_CAP_ID_MSIX, false, &at);

	if (!ret)
		ret = at ? riser_host_config_read(host, at + PCI_MSIX_TABLE, 4, &table)
			 : -ENOTSUP;

	return ret ? ret
		   : host->impl->write(host, table & PCI_MSIX_TABLE_BIR,
				       (table & PCI_MSIX_TABLE_OFFSET) +
					       vector * PCI_MSIX_ENTRY_SIZE + word,
				       &value, sizeof(value));
}

int riser__host_msix_fill(struct riser_host *host, unsigned count)
{
	int ret = 0;

	for (unsigned i = 0; i < count && !ret; i++) {
		ret = write_entry(host, i, PCI_MSIX_ENTRY_LOWER_ADDR, HOST_MESSAGE_ADDRESS);
		if (!ret)
			ret = write_entry(host, i, PCI_MSIX_ENTRY_UPPER_ADDR, 0);
		if (!ret)
			ret = write_entry(host, i, PCI_MSIX_ENTRY_DATA, i);
		if (!ret)
			ret = write_entry(host, i, PCI_MSIX_ENTRY_VECTOR_CTRL, 0);
	}
	return ret;
}

int riser__host_msix_mask(struct riser_host *host, unsigned vector, bool masked)
{
	return write_entry(host, vector, PCI_MSIX_ENTRY_VECTOR_CTRL,
			   masked ? PCI_MSIX_ENTRY_CTRL_MASKBIT : 0);
}

int riser_host_irq_enable(struct riser_host *host, enum riser_irq_mode mode, unsigned vectors)
{
	int ret = disable(host, PCI_CAP_ID_MSI, PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE);

	if (!ret)
		ret = disable(host, PCI_CAP_ID_MSIX, PCI_MSIX_FLAGS,
			      PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	if (ret)
		return ret;
	memset(host->arrived, 0, HOST_VECTORS_MAX * sizeof(*host->arrived));
	host->mode = mode;
	host->vectors = mode == RISER_IRQ_INTX ? 1 : vectors;
	if (mode == RISER_IRQ_MSI)
		ret = enable_msi(host, vectors);
	else if (mode == RISER_IRQ_MSIX)
		ret = enable_msix(host, vectors);
	else
		ret = host->impl->irq_bind(host, RISER_IRQ_INTX, 1);
	if (ret == -ENOTSUP)
		riser__host_fail(host, ret, "the device has no %s",
				 mode == RISER_IRQ_MSI ? "MSI" : "MSI-X");
	return ret;
}

static int check_vector(struct riser_host *host, unsigned vector)
{
	if (vector < (host->mode == RISER_IRQ_INTX ? 1 : host->vectors))
		return 0;
	return riser__host_fail(host, -EINVAL, "vector %u is not enabled", vector);
}

static int mask_msi(struct riser_host *host, unsigned vector, bool masked)
{
	uint32_t flags, bits;
	unsigned at;
	int ret = find_messages(host, PCI_CAP_ID_MSI, &at, &flags);

	if (!ret && !(flags & PCI_MSI_FLAGS_MASKBIT))
		ret = riser__host_fail(host, -ENOTSUP, "the device's MSI cannot be masked");
	if (!ret)
		ret = riser_host_config_read(host, at + PCI_MSI_MASK_64, 4, &bits);
	if (ret)
		return ret;
	bits = masked ? bits | UINT32_C(1) << vector : bits & ~(UINT32_C(1) << vector);
	return riser_host_config_write(host, at + PCI_MSI_MASK_64, 4, bits);
}

/* INTx is masked for the whole function, by Interrupt Disable. */
static int mask_intx(struct riser_host *host, bool masked)
{
	uint32_t command;
	int ret = riser_host_config_read(host, PCI_COMMAND, 2, &command);

	if (ret)
		return ret;
	command = masked ? command | PCI_COMMAND_INTX_DISABLE
			 : command & ~(uint32_t)PCI_COMMAND_INTX_DISABLE;
	return riser_host_config_write(host, PCI_COMMAND, 2, command);
}

int riser_host_irq_mask(struct riser_host *host, unsigned vector, bool masked)
{
	int ret = check_vector(host, vector);

	if (ret)
		return ret;
	if (host->mode == RISER_IRQ_MSI)
		return mask_msi(host, vector, masked);
	if (host->mode == RISER_IRQ_MSIX)
		return host->impl->msix_mask(host, vector, masked);
	return mask_intx(host, masked);
}

int riser_host_irq_count(struct riser_host *host, unsigned vector, uint64_t *count)
{
	int ret = check_vector(host, vector);

	*count = 0;
	if (!ret)
		ret = host->impl->irq_collect(host, vector, true);
	if (!ret)
		*count = host->arrived[vector];
	return ret;
}

int riser_host_irq_wait(struct riser_host *host, unsigned vector, uint64_t timeout)
{
	uint64_t until, now = riser_host_now(host);
	int ret = check_vector(host, vector);

	until = timeout < UINT64_MAX - now ? now + timeout : UINT64_MAX;
	while (!ret) {
		ret = host->impl->irq_collect(host, vector, now >= until);
		if (ret || host->arrived[vector])
			break;
		if (now >= until)
			return riser__host_fail(host, -ETIMEDOUT,
						"no interrupt %u within %llu ns", vector,
						(unsigned long long)timeout);
		ret = host->impl->pass(host, until - now, vector);
		now = riser_host_now(host);
	}
	if (!ret && host->mode != RISER_IRQ_INTX)
		host->arrived[vector]--;
	return ret;
}
