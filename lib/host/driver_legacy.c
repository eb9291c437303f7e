/* SPDX-License-Identifier: MIT */
/* The legacy interface (virtio 4.1.4.10): one I/O BAR, rings by their page's number. */
#include <errno.h>

#include "host/driver.h"

/* All of it is BAR 0. */
static const struct driver_place header = { 0, 0, 0 };

static int legacy_get(struct riser_driver *driver, unsigned offset, unsigned size,
		      uint64_t *value)
{
	*value = 0;
	return driver_read(driver, &header, offset, size, value);
}

static int legacy_set(struct riser_driver *driver, unsigned offset, unsigned size,
		      uint64_t value)
{
	return driver_write(driver, &header, offset, size, value);
}

static int legacy_open(struct riser_driver *driver)
{
	struct riser_host_bar bar;
	int ret = riser_host_bar(driver->host, 0, &bar);

	if (ret)
		return ret;
	if (bar.kind != RISER_IO || bar.size < VIRTIO_PCI_CONFIG_OFF(true))
		return riser__host_fail(driver->host, -ENOTSUP,
					"the device has no legacy interface");
	driver->places[VIRTIO_PCI_CAP_COMMON_CFG] = (struct driver_place){ 0, 0, bar.size };
	return 0;
}

static int legacy_get_features(struct riser_driver *driver, uint64_t *features)
{
	return legacy_get(driver, VIRTIO_PCI_HOST_FEATURES, 4, features);
}

static int legacy_set_features(struct riser_driver *driver, uint64_t features)
{
	return legacy_set(driver, VIRTIO_PCI_GUEST_FEATURES, 4, features);
}

static int legacy_get_status(struct riser_driver *driver, uint8_t *status)
{
	uint64_t value;
	int ret = legacy_get(driver, VIRTIO_PCI_STATUS, 1, &value);

	*status = (uint8_t)value;
	return ret;
}

static int legacy_set_status(struct riser_driver *driver, uint8_t status)
{
	return legacy_set(driver, VIRTIO_PCI_STATUS, 1, status);
}

static int legacy_get_isr(struct riser_driver *driver, uint8_t *isr)
{
	uint64_t value;
	int ret = legacy_get(driver, VIRTIO_PCI_ISR, 1, &value);

	*isr = (uint8_t)value;
	return ret;
}

static int legacy_queue_size(struct riser_driver *driver, unsigned index, unsigned *size)
{
	uint64_t value = 0;
	int ret = legacy_set(driver, VIRTIO_PCI_QUEUE_SEL, 2, index);

	if (!ret)
		ret = legacy_get(driver, VIRTIO_PCI_QUEUE_NUM, 2, &value);
	*size = (unsigned)value;
	return ret;
}

/* The first that is missing ends them. */
static int legacy_count_queues(struct riser_driver *driver, unsigned *count)
{
	unsigned size = 1;
	int ret = 0;

	for (*count = 0; *count < 1024; ++*count) {
		ret = legacy_queue_size(driver, *count, &size);
		if (ret || !size)
			break;
	}
	return ret;
}

static int legacy_set_vectors(struct riser_driver *driver, unsigned config)
{
	return legacy_set(driver, VIRTIO_MSI_CONFIG_VECTOR, 2, config);
}

static int legacy_enable_queue(struct riser_driver_queue *queue)
{
	struct riser_driver *driver = queue->driver;
	int ret = legacy_set(driver, VIRTIO_PCI_QUEUE_SEL, 2, queue->index);

	if (!ret && driver->irq == RISER_IRQ_MSIX)
		ret = legacy_set(driver, VIRTIO_MSI_QUEUE_VECTOR, 2, queue->vector);
	return ret ? ret
		   : legacy_set(driver, VIRTIO_PCI_QUEUE_PFN, 4,
				queue->iova[0] >> VIRTIO_PCI_QUEUE_ADDR_SHIFT);
}

static int legacy_notify(struct riser_driver_queue *queue, uint32_t data)
{
	(void)data;
	return legacy_set(queue->driver, VIRTIO_PCI_QUEUE_NOTIFY, 2, queue->index);
}

/* Two more registers stand before it while MSI-X is enabled. */
static int legacy_config_place(struct riser_driver *driver, struct driver_place *place)
{
	unsigned start = VIRTIO_PCI_CONFIG_OFF(driver->irq == RISER_IRQ_MSIX);

	*place = driver->places[VIRTIO_PCI_CAP_COMMON_CFG];
	place->offset = start;
	place->length -= start;
	return 0;
}

const struct driver_transport driver_legacy = {
	.open = legacy_open,
	.get_features = legacy_get_features,
	.set_features = legacy_set_features,
	.get_status = legacy_get_status,
	.set_status = legacy_set_status,
	.get_isr = legacy_get_isr,
	.count_queues = legacy_count_queues,
	.queue_size = legacy_queue_size,
	.set_vectors = legacy_set_vectors,
	.enable_queue = legacy_enable_queue,
	.notify = legacy_notify,
	.config_place = legacy_config_place,
};
