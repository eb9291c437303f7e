/* SPDX-License-Identifier: MIT */
/* The legacy interface of a transitional device, in its I/O BAR (virtio 4.1.4.10). */
#include <errno.h>
#include <linux/virtio_pci.h>

#include "core/regmap.h"
#include "pci/function.h"
#include "virtio/queue.h"

static struct riser_vq *selected(struct riser__virtio *virtio)
{
	unsigned index = virtio->state->regs.queue_select;

	return index < virtio->vq_count ? &virtio->vqs[index] : NULL;
}

/* Three parts in a row; the used ring on a page of its own (virtio 2.7.2). */
static void set_pfn(struct riser_vq *vq, uint64_t pfn)
{
	if (vq->enabled) {
		riser__vq_stop(vq, false);
		riser__vq_forget(vq);
	}
	if (!pfn)
		return;
	vq->desc_iova = pfn << VIRTIO_PCI_QUEUE_ADDR_SHIFT;
	vq->driver_iova = vq->desc_iova + UINT64_C(16) * vq->size;
	vq->device_iova =
		(vq->driver_iova + 6 + UINT64_C(2) * vq->size + VIRTIO_PCI_VRING_ALIGN - 1) &
		~(uint64_t)(VIRTIO_PCI_VRING_ALIGN - 1);
	if (riser__vq_enable(vq) && vq->virtio->running)
		riser__vq_start(vq);
}

/* Drivers were known to use queues before they said DRIVER_OK (virtio 3.1.2). */
static void notify(struct riser__virtio *virtio, uint64_t index)
{
	if (index >= virtio->vq_count)
		return;
	if (!virtio->running)
		riser__virtio_run(virtio);
	riser__vq_kick(&virtio->vqs[index]);
}

/*
 * The device's own configuration begins further on while MSI-X is enabled. False: the access is
 * to the header, or goes past the configuration's end.
 */
static bool is_config(struct riser_dev *dev, uint64_t *offset, unsigned size)
{
	uint64_t start = VIRTIO_PCI_CONFIG_OFF(riser_irq_mode(dev) == RISER_IRQ_MSIX);
	uint64_t config_size = riser__virtio_of(dev)->model->config_size;

	if (*offset < start || *offset - start + size > config_size)
		return false;
	*offset = *offset - start + RISER__VIRTIO_CONFIG;
	return true;
}

static uint64_t vq_pfn(const struct riser_vq *vq)
{
	return vq && vq->enabled ? vq->desc_iova >> VIRTIO_PCI_QUEUE_ADDR_SHIFT : 0;
}

static int read_header(struct riser__virtio *virtio, uint64_t offset, unsigned size,
		       uint64_t *value)
{
	const struct riser_vq *vq = selected(virtio);
	bool msix = riser_irq_mode(virtio->dev) == RISER_IRQ_MSIX;

	switch (offset << 4 | size) {
	case VIRTIO_PCI_HOST_FEATURES << 4 | 4:
		*value = (uint32_t)riser__virtio_legacy_features(virtio);
		return 0;
	case VIRTIO_PCI_GUEST_FEATURES << 4 | 4:
		*value = (uint32_t)virtio->driver_features;
		return 0;
	case VIRTIO_PCI_QUEUE_PFN << 4 | 4:
		*value = vq_pfn(vq);
		return 0;
	case VIRTIO_PCI_QUEUE_NUM << 4 | 2:
		*value = vq ? vq->max_size : 0;
		return 0;
	case VIRTIO_PCI_QUEUE_SEL << 4 | 2:
		*value = virtio->state->regs.queue_select;
		return 0;
	case VIRTIO_PCI_STATUS << 4 | 1:
		*value = riser__virtio_status(virtio);
		return 0;
	case VIRTIO_PCI_ISR << 4 | 1:
		*value = riser__virtio_take_isr(virtio);
		return 0;
	case VIRTIO_MSI_CONFIG_VECTOR << 4 | 2:
		*value = virtio->config_vector;
		return msix ? 0 : -EINVAL;
	case VIRTIO_MSI_QUEUE_VECTOR << 4 | 2:
		*value = vq ? vq->vector : RISER__NO_VECTOR;
		return msix ? 0 : -EINVAL;
	}
	return -EINVAL;
}

static int legacy_read(struct riser_dev *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	if (!is_config(dev, &offset, size))
		return read_header(riser__virtio_of(dev), offset, size, value);
	*value = 0;
	riser__bar_read(dev, &dev->pci->bars[RISER__VIRTIO_BAR], offset, (uint8_t *)value,
			size);
	return 0;
}

/*
 * An access is one register of the header and all of it, or is refused. Either interface may
 * reset the device; all else is for the one that the driver uses.
 */
static bool is_writable(const struct riser__virtio *virtio, uint64_t offset, unsigned size)
{
	switch (offset << 4 | size) {
	case VIRTIO_PCI_GUEST_FEATURES << 4 | 4:
	case VIRTIO_PCI_QUEUE_PFN << 4 | 4:
	case VIRTIO_PCI_QUEUE_SEL << 4 | 2:
	case VIRTIO_PCI_QUEUE_NOTIFY << 4 | 2:
	case VIRTIO_PCI_STATUS << 4 | 1:
		return true;
	case VIRTIO_MSI_CONFIG_VECTOR << 4 | 2:
	case VIRTIO_MSI_QUEUE_VECTOR << 4 | 2:
		return riser_irq_mode(virtio->dev) == RISER_IRQ_MSIX;
	}
	return false;
}

static void write_header(struct riser__virtio *virtio, uint64_t offset, uint64_t value)
{
	struct riser_vq *vq = selected(virtio);

	switch (offset) {
	case VIRTIO_PCI_GUEST_FEATURES:
		riser__virtio_set_features(virtio, 0, (uint32_t)value);
		break;
	case VIRTIO_PCI_QUEUE_PFN:
		if (vq)
			set_pfn(vq, value);
		break;
	case VIRTIO_PCI_QUEUE_SEL:
		virtio->state->regs.queue_select = (uint16_t)value;
		break;
	case VIRTIO_PCI_QUEUE_NOTIFY:
		notify(virtio, value);
		break;
	case VIRTIO_PCI_STATUS:
		riser__virtio_set_status(virtio, (uint8_t)value);
		break;
	case VIRTIO_MSI_CONFIG_VECTOR:
		virtio->config_vector = riser__virtio_good_vector(virtio, value);
		break;
	case VIRTIO_MSI_QUEUE_VECTOR:
		if (vq)
			riser__vq_set_vector(vq, riser__virtio_good_vector(virtio, value));
		break;
	}
}

static int legacy_write(struct riser_dev *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct riser__virtio *virtio = riser__virtio_of(dev);
	bool reset = offset == VIRTIO_PCI_STATUS && !value;

	if (is_config(dev, &offset, size)) {
		riser__bar_write(dev, &dev->pci->bars[RISER__VIRTIO_BAR], offset,
				 (const uint8_t *)&value, size);
		return 0;
	}
	if (!is_writable(virtio, offset, size))
		return -EINVAL;
	if (reset || riser__virtio_claim(virtio, RISER__LEGACY))
		write_header(virtio, offset, value);
	return 0;
}

const struct riser_bar_ops riser__virtio_legacy_ops = { .read = legacy_read,
							.write = legacy_write };
