/* SPDX-License-Identifier: MIT */
/* What a saved state holds of the PCI function: settings of the guest's, as one opaque record.
 */
#include <errno.h>
#include <string.h>

#include "core/buffer.h"
#include "pci/function.h"

/*
 * Configuration bytes, raised bits, MSI's pending bits, the MSI-X table with its own. What
 * waits for a message is in the last ones or, where there is no MSI-X, modulo 32 in MSI's: as
 * many messages as there can be.
 */
static size_t record_size(const struct riser_dev *dev)
{
	const struct riser__pci *pci = dev->pci;
	size_t size = pci->config_size + sizeof(pci->irq.raised) + 4;

	size += pci->irq.msix_count * 16u + (pci->irq.msix_count + 63u) / 64 * 8;
	return size;
}

static void add_words(struct riser__buffer *out, const uint64_t *words, size_t count)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < count; i++) {
		riser__put(bytes, 8, words[i]);
		riser__buffer_add(out, bytes, 8);
	}
}

static uint32_t fold(const struct riser__irq *irq)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < RISER__VECTORS_MAX / 64; i++)
		all |= irq->waiting[i];
	return (uint32_t)(all | all >> 32);
}

int riser__pci_save(struct riser_dev *dev, struct riser__buffer *out)
{
	struct riser__pci *pci = dev->pci;
	struct riser__irq *irq = &pci->irq;
	uint8_t bytes[4];

	riser__buffer_add(out, pci->config, pci->config_size);
	riser__irq_lock(dev);
	add_words(out, irq->raised, RISER__VECTORS_MAX / 64);
	riser__put(bytes, 4, irq->msix_count ? 0 : fold(irq));
	riser__buffer_add(out, bytes, 4);
	for (unsigned i = 0; i < irq->msix_count * 4; i++) {
		riser__put(bytes, 4, irq->msix_table[i / 4][i % 4]);
		riser__buffer_add(out, bytes, 4);
	}
	add_words(out, irq->waiting, (irq->msix_count + 63u) / 64);
	riser__irq_unlock(dev);
	return out->failed ? -ENOMEM : 0;
}

static const uint8_t *take(const uint8_t **at, size_t size)
{
	const uint8_t *here = *at;

	*at += size;
	return here;
}

static uint64_t take_word(const uint8_t **at)
{
	const uint8_t *here = take(at, 8);

	return riser__get(here, 4) | (uint64_t)riser__get(here + 4, 4) << 32;
}

static void load_config(struct riser__pci *pci, const uint8_t *saved)
{
	for (unsigned i = 0; i < pci->config_size; i++) {
		uint8_t kept = pci->writable[i] | pci->w1c[i];

		pci->config[i] = (uint8_t)((pci->reset[i] & ~kept) | (saved[i] & kept));
	}
}

/* The bits of word `i` that are vectors of the device. */
static uint64_t vectors_in(const struct riser_dev *dev, unsigned i)
{
	unsigned vectors = dev->desc->vectors;

	return vectors >= 64 * (i + 1) ? UINT64_MAX
	       : vectors <= 64 * i     ? 0
				       : (UINT64_C(1) << vectors % 64) - 1;
}

static void load_raised(struct riser_dev *dev, const uint8_t **at)
{
	struct riser__irq *irq = &dev->pci->irq;

	irq->raised_count = 0;
	for (unsigned i = 0; i < RISER__VECTORS_MAX / 64; i++) {
		uint64_t word = take_word(at) & vectors_in(dev, i);

		irq->raised[i] = word;
		irq->raised_count += (unsigned)__builtin_popcountll(word);
	}
}

static void load_msix(struct riser_dev *dev, const uint8_t **at)
{
	struct riser__irq *irq = &dev->pci->irq;

	for (unsigned i = 0; i < irq->msix_count * 4; i++) {
		uint32_t value = riser__get(take(at, 4), 4);

		if (i % 4 == 0)
			value &= ~UINT32_C(3);
		/* The host that keeps the table says anew which vectors are masked. */
		if (i % 4 == 3)
			value = dev->ops->keeps_msix_table ? irq->msix_table[i / 4][3]
							   : value & 1;
		irq->msix_table[i / 4][i % 4] = value;
	}
	for (unsigned i = 0; i < (irq->msix_count + 63u) / 64; i++) {
		irq->waiting[i] |= take_word(at) & vectors_in(dev, i);
	}
}

int riser__pci_check_record(struct riser_dev *dev, size_t size, struct riser_error *error)
{
	size_t expected = record_size(dev);

	if (size != expected)
		return riser__fail(
			error, -EINVAL,
			"%s: the saved PCI function has %zu bytes, not %zu: it is of "
			"another shape",
			dev->desc->name, size, expected);
	return 0;
}

void riser__pci_load(struct riser_dev *dev, const void *data)
{
	struct riser__pci *pci = dev->pci;
	const uint8_t *at = data;

	load_config(pci, take(&at, pci->config_size));
	riser__irq_lock(dev);
	load_raised(dev, &at);
	memset(pci->irq.waiting, 0, sizeof(pci->irq.waiting));
	pci->irq.waiting[0] = riser__get(take(&at, 4), 4) & vectors_in(dev, 0);
	load_msix(dev, &at);
	riser__irq_unlock(dev);
	riser__config_changed(dev);
}
