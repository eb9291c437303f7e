/* SPDX-License-Identifier: MIT */
/* Interrupts as a driver programs them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/pci_regs.h>

#include "host/host.h"

/* A kind of message: where its capability is, 0: nowhere, and what its flags are. */
struct messages {
	unsigned at;
	uint32_t flags;
};

/* Flags are at the same place in both capabilities. */
static int find_messages(struct riser_host *host, unsigned id, struct messages *found)
{
	int ret = riser__host_find_cap(host, id, false, &found->at);

	found->flags = 0;
	return ret || !found->at ? ret
				 : riser_host_config_read(host, found->at + PCI_MSI_FLAGS, 2,
							  &found->flags);
}

static int set_flags(struct riser_host *host, const struct messages *messages, uint32_t flags)
{
	return messages->at
		       ? riser_host_config_write(host, messages->at + PCI_MSI_FLAGS, 2, flags)
		       : 0;
}

static unsigned most_msi(const struct messages *msi)
{
	return 1u << ((msi->flags & PCI_MSI_FLAGS_QMASK) >> 1);
}

static unsigned most_msix(const struct messages *msix)
{
	return (msix->flags & PCI_MSIX_FLAGS_QSIZE) + 1;
}

/* Whether the function has that many of the mode's vectors. */
static int check_mode(struct riser_host *host, enum riser_irq_mode mode, unsigned vectors,
		      const struct messages *msi, const struct messages *msix)
{
	const char *name = mode == RISER_IRQ_MSI ? "MSI" : "MSI-X";

	if (mode == RISER_IRQ_INTX)
		return 0;
	if (mode != RISER_IRQ_MSI && mode != RISER_IRQ_MSIX)
		return riser__host_fail(host, -EINVAL, "there is no interrupt mode %d",
					(int)mode);
	if (!(mode == RISER_IRQ_MSI ? msi : msix)->at)
		return riser__host_fail(host, -ENOTSUP, "the device has no %s", name);
	if (mode == RISER_IRQ_MSI &&
	    (!vectors || vectors > most_msi(msi) || vectors & (vectors - 1)))
		return riser__host_fail(host, -EINVAL,
					"MSI: %u vectors; it takes a power of two to %u",
					vectors, most_msi(msi));
	if (mode == RISER_IRQ_MSIX && (!vectors || vectors > most_msix(msix)))
		return riser__host_fail(host, -EINVAL, "MSI-X: %u vectors; the device has %u",
					vectors, most_msix(msix));
	return 0;
}

/* Programs address, data and the number of vectors, then enables MSI (PCI 6.8.1). */
static int enable_msi(struct riser_host *host, unsigned vectors, const struct messages *msi)
{
	unsigned at = msi->at, log2 = (unsigned)__builtin_ctz(vectors);
	bool wide = msi->flags & PCI_MSI_FLAGS_64BIT;
	int ret =
		riser_host_config_write(host, at + PCI_MSI_ADDRESS_LO, 4, HOST_MESSAGE_ADDRESS);

	if (!ret && wide)
		ret = riser_host_config_write(host, at + PCI_MSI_ADDRESS_HI, 4, 0);
	if (!ret)
		ret = riser_host_config_write(
			host, at + (wide ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32), 2, 0);
	return ret ? ret
		   : set_flags(host, msi,
			       (msi->flags & ~(uint32_t)PCI_MSI_FLAGS_QSIZE) |
				       PCI_MSI_FLAGS_ENABLE | log2 << 4);
}

static int enable_msix(struct riser_host *host, const struct messages *msix)
{
	return set_flags(host, msix,
			 (msix->flags & ~(uint32_t)PCI_MSIX_FLAGS_MASKALL) |
				 PCI_MSIX_FLAGS_ENABLE);
}

/* Both off, then the mode's on. */
static int switch_mode(struct riser_host *host, enum riser_irq_mode mode, unsigned vectors,
		       const struct messages *msi, const struct messages *msix)
{
	int ret = set_flags(host, msi, msi->flags & ~(uint32_t)PCI_MSI_FLAGS_ENABLE);

	if (!ret)
		ret = set_flags(host, msix,
				msix->flags & ~(uint32_t)(PCI_MSIX_FLAGS_ENABLE |
							  PCI_MSIX_FLAGS_MASKALL));
	if (!ret)
		ret = host->impl->irq_bind(host, mode, vectors);
	if (!ret && mode == RISER_IRQ_MSI)
		ret = enable_msi(host, vectors, msi);
	if (!ret && mode == RISER_IRQ_MSIX)
		ret = enable_msix(host, msix);
	return ret;
}

/* A failed bind changes nothing, so that only the flags are restored. */
static void switch_back(struct riser_host *host, const struct messages *msi,
			const struct messages *msix)
{
	struct riser_error why = host->error;

	set_flags(host, msi, msi->flags);
	set_flags(host, msix, msix->flags);
	host->error = why;
}

int riser_host_irq_enable(struct riser_host *host, enum riser_irq_mode mode, unsigned vectors)
{
	struct messages msi, msix;
	int ret = find_messages(host, PCI_CAP_ID_MSI, &msi);

	if (!ret)
		ret = find_messages(host, PCI_CAP_ID_MSIX, &msix);
	if (!ret)
		ret = check_mode(host, mode, vectors, &msi, &msix);
	if (ret)
		return ret;
	if (mode == RISER_IRQ_INTX)
		vectors = 1;
	ret = switch_mode(host, mode, vectors, &msi, &msix);
	if (ret) {
		switch_back(host, &msi, &msix);
		return ret;
	}
	memset(host->arrived, 0, HOST_VECTORS_MAX * sizeof(*host->arrived));
	host->mode = mode;
	host->vectors = vectors;
	return 0;
}

int riser__host_learn_irqs(struct riser_host *host)
{
	enum riser_irq_mode mode = RISER_IRQ_INTX;
	struct messages msi, msix;
	unsigned vectors = 1;
	int ret = find_messages(host, PCI_CAP_ID_MSI, &msi);

	if (!ret)
		ret = find_messages(host, PCI_CAP_ID_MSIX, &msix);
	if (ret)
		return ret;
	if (msix.flags & PCI_MSIX_FLAGS_ENABLE) {
		mode = RISER_IRQ_MSIX;
		vectors = most_msix(&msix);
		if (host->impl->simulated)
			ret = riser__host_msix_adopt(host, vectors, &vectors);
	} else if (msi.flags & PCI_MSI_FLAGS_ENABLE) {
		mode = RISER_IRQ_MSI;
		vectors = 1u << ((msi.flags & PCI_MSI_FLAGS_QSIZE) >> 4);
		vectors = vectors < most_msi(&msi) ? vectors : most_msi(&msi);
	}
	/* In a simulation a message needs no way: what came with the state is there already. */
	if (!ret && !host->impl->simulated)
		ret = host->impl->irq_bind(host, mode, vectors);
	if (ret)
		return ret;
	memset(host->arrived, 0, HOST_VECTORS_MAX * sizeof(*host->arrived));
	host->mode = mode;
	host->vectors = vectors;
	return 0;
}

static int check_vector(struct riser_host *host, unsigned vector)
{
	if (vector < (host->mode == RISER_IRQ_INTX ? 1 : host->vectors))
		return 0;
	return riser__host_fail(host, -EINVAL, "vector %u is not enabled", vector);
}

static unsigned mask_at(const struct messages *msi)
{
	return msi->at + (msi->flags & PCI_MSI_FLAGS_64BIT ? PCI_MSI_MASK_64 : PCI_MSI_MASK_32);
}

/* By the mask bits, which MSI has only where the device says so (PCI 6.8.1.7). */
static int mask_msi(struct riser_host *host, unsigned vector, bool masked)
{
	struct messages msi;
	uint32_t bits;
	int ret = find_messages(host, PCI_CAP_ID_MSI, &msi);

	if (!ret && !(msi.flags & PCI_MSI_FLAGS_MASKBIT))
		ret = riser__host_fail(host, -ENOTSUP, "the device's MSI cannot be masked");
	if (!ret)
		ret = riser_host_config_read(host, mask_at(&msi), 4, &bits);
	if (ret)
		return ret;
	bits = masked ? bits | UINT32_C(1) << vector : bits & ~(UINT32_C(1) << vector);
	return riser_host_config_write(host, mask_at(&msi), 4, bits);
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
	int ret = count ? check_vector(host, vector) : riser__host_nowhere(host);

	if (!count)
		return ret;
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
