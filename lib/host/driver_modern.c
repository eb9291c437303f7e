/* SPDX-License-Identifier: MIT */
/* The modern interface (virtio 4.1.4): capabilities tell where its parts are. */
#include <errno.h>
#include <stddef.h>

#include "host/driver.h"

#define FIELD(member)                                                                          \
	offsetof(struct virtio_pci_common_cfg, member),                                        \
		sizeof(((struct virtio_pci_common_cfg *)0)->member)
/* Not in every kernel's header (virtio 4.1.4.3). */
enum { QUEUE_RESET = 0x3a };

static int modern_get(struct riser_driver *driver, size_t offset, size_t size, uint64_t *value)
{
	return driver_read(driver, &driver->places[VIRTIO_PCI_CAP_COMMON_CFG], (unsigned)offset,
			   (unsigned)size, value);
}

static int modern_set(struct riser_driver *driver, size_t offset, size_t size, uint64_t value)
{
	return driver_write(driver, &driver->places[VIRTIO_PCI_CAP_COMMON_CFG],
			    (unsigned)offset, (unsigned)size, value);
}

/* 0 if this read or an earlier one has failed; *ret is why. */
static uint32_t config_word(struct riser_host *host, unsigned offset, int *ret)
{
	uint32_t value = 0;

	if (!*ret)
		*ret = riser_host_config_read(host, offset, 4, &value);
	return value;
}

/* The first of a kind counts (virtio 4.1.4). */
static void see_cap(struct riser_driver *driver, unsigned at, int *ret)
{
	struct riser_host *host = driver->host;
	uint32_t type = config_word(host, at, ret) >> 24;
	struct driver_place *place = &driver->places[type];
	struct riser_host_bar bar;

	if (type > VIRTIO_PCI_CAP_PCI_CFG || place->length)
		return;
	*place = (struct driver_place){ config_word(host, at + 4, ret) & 0xff,
					config_word(host, at + 8, ret),
					config_word(host, at + 12, ret) };
	if (type != VIRTIO_PCI_CAP_PCI_CFG &&
	    (riser_host_bar(host, place->bar, &bar) || place->offset > bar.size ||
	     place->length > bar.size - place->offset))
		*place = (struct driver_place){ 0 };
	if (type == VIRTIO_PCI_CAP_NOTIFY_CFG)
		driver->notify_step = config_word(host, at + 16, ret);
}

static int modern_open(struct riser_driver *driver)
{
	struct riser_host *host = driver->host;
	int ret = 0;
	unsigned at = config_word(host, PCI_CAPABILITY_LIST, &ret) & 0xfc;

	for (int left = 48; at >= 0x40 && left; left--) {
		uint32_t head = config_word(host, at, &ret);

		if ((head & 0xff) == PCI_CAP_ID_VNDR)
			see_cap(driver, at, &ret);
		at = head >> 8 & 0xfc;
	}
	if (ret)
		return ret;
	if (!driver->places[VIRTIO_PCI_CAP_COMMON_CFG].length ||
	    !driver->places[VIRTIO_PCI_CAP_NOTIFY_CFG].length)
		return riser__host_fail(host, -ENODEV,
					"not a virtio device: it has no "
					"common or no notification structure");
	return 0;
}

static int modern_get_features(struct riser_driver *driver, uint64_t *features)
{
	uint64_t bits;
	int ret = 0;

	*features = 0;
	for (unsigned i = 0; i < 2 && !ret; i++) {
		ret = modern_set(driver, FIELD(device_feature_select), i);
		if (!ret)
			ret = modern_get(driver, FIELD(device_feature), &bits);
		if (!ret)
			*features |= bits << (32 * i);
	}
	return ret;
}

static int modern_set_features(struct riser_driver *driver, uint64_t features)
{
	int ret = 0;

	for (unsigned i = 0; i < 2 && !ret; i++) {
		ret = modern_set(driver, FIELD(guest_feature_select), i);
		if (!ret)
			ret = modern_set(driver, FIELD(guest_feature),
					 features >> (32 * i) & UINT32_MAX);
	}
	return ret;
}

static int modern_get_status(struct riser_driver *driver, uint8_t *status)
{
	uint64_t value = 0;
	int ret = modern_get(driver, FIELD(device_status), &value);

	*status = (uint8_t)value;
	return ret;
}

/* A reset is over when the status reads as 0 (virtio 4.1.4.3.2). */
static int modern_set_status(struct riser_driver *driver, uint8_t status)
{
	unsigned looks = 0;
	uint8_t now = 0;
	int ret = modern_set(driver, FIELD(device_status), status);

	if (ret || status)
		return ret;
	do
		ret = modern_get_status(driver, &now);
	while (!ret && now && driver_look_again(driver, looks++));
	return !ret && now ? riser__host_fail(driver->host, -EIO,
					      "the device does not end its reset")
			   : ret;
}

static int modern_get_isr(struct riser_driver *driver, uint8_t *isr)
{
	uint64_t value = 0;
	int ret = driver_read(driver, &driver->places[VIRTIO_PCI_CAP_ISR_CFG], 0, 1, &value);

	*isr = (uint8_t)value;
	return ret;
}

static int modern_count_queues(struct riser_driver *driver, unsigned *count)
{
	uint64_t value = 0;
	int ret = modern_get(driver, FIELD(num_queues), &value);

	*count = (unsigned)value;
	return ret;
}

static int modern_queue_size(struct riser_driver *driver, unsigned index, unsigned *size)
{
	uint64_t value = 0;
	int ret = modern_set(driver, FIELD(queue_select), index);

	if (!ret)
		ret = modern_get(driver, FIELD(queue_size), &value);
	*size = (unsigned)value;
	return ret;
}

static int modern_set_vectors(struct riser_driver *driver, unsigned config)
{
	return modern_set(driver, FIELD(msix_config), config);
}

static int set_address(struct riser_driver *driver, size_t offset, uint64_t iova)
{
	int ret = modern_set(driver, offset, 4, iova & UINT32_MAX);

	return ret ? ret : modern_set(driver, offset + 4, 4, iova >> 32);
}

static int find_notification(struct riser_driver_queue *queue)
{
	struct riser_driver *driver = queue->driver;
	const struct driver_place *place = &driver->places[VIRTIO_PCI_CAP_NOTIFY_CFG];
	uint64_t value;
	int ret = modern_get(driver, FIELD(queue_notify_off), &value);

	if (ret)
		return ret;
	queue->notify_offset = value * driver->notify_step;
	if (queue->notify_offset + 2 > place->length)
		return riser__host_fail(driver->host, -EPROTO,
					"queue %u: its notification address is out of range",
					queue->index);
	return 0;
}

static int modern_enable_queue(struct riser_driver_queue *queue)
{
	struct riser_driver *driver = queue->driver;
	int ret = modern_set(driver, FIELD(queue_select), queue->index);

	if (!ret)
		ret = modern_set(driver, FIELD(queue_size), queue->size);
	if (!ret && driver->irq == RISER_IRQ_MSIX)
		ret = modern_set(driver, FIELD(queue_msix_vector), queue->vector);
	if (!ret)
		ret = set_address(driver, offsetof(struct virtio_pci_common_cfg, queue_desc_lo),
				  queue->iova[0]);
	if (!ret)
		ret = set_address(driver,
				  offsetof(struct virtio_pci_common_cfg, queue_avail_lo),
				  queue->iova[1]);
	if (!ret)
		ret = set_address(driver, offsetof(struct virtio_pci_common_cfg, queue_used_lo),
				  queue->iova[2]);
	if (!ret)
		ret = find_notification(queue);
	return ret ? ret : modern_set(driver, FIELD(queue_enable), 1);
}

static int modern_reset_queue(struct riser_driver *driver, unsigned index)
{
	unsigned looks = 0;
	uint64_t value = 0;
	int ret = modern_set(driver, FIELD(queue_select), index);

	if (!ret)
		ret = modern_set(driver, QUEUE_RESET, 2, 1);
	if (ret)
		return ret;
	do
		ret = modern_get(driver, QUEUE_RESET, 2, &value);
	while (!ret && value && driver_look_again(driver, looks++));
	return !ret && value ? riser__host_fail(driver->host, -EIO,
						"queue %u does not end its reset", index)
			     : ret;
}

static int modern_notify(struct riser_driver_queue *queue, uint32_t data)
{
	const struct driver_place *place = &queue->driver->places[VIRTIO_PCI_CAP_NOTIFY_CFG];
	bool wide = driver_has(queue->driver, DRIVER_F_NOTIFICATION_DATA);

	return driver_write(queue->driver, place, (unsigned)queue->notify_offset, wide ? 4 : 2,
			    wide ? queue->index | (uint64_t)data << 16 : queue->index);
}

static int modern_config_place(struct riser_driver *driver, struct driver_place *place)
{
	*place = driver->places[VIRTIO_PCI_CAP_DEVICE_CFG];
	return 0;
}

static int modern_generation(struct riser_driver *driver, uint64_t *generation)
{
	return modern_get(driver, FIELD(config_generation), generation);
}

const struct driver_transport driver_modern = {
	.open = modern_open,
	.get_features = modern_get_features,
	.set_features = modern_set_features,
	.get_status = modern_get_status,
	.set_status = modern_set_status,
	.get_isr = modern_get_isr,
	.count_queues = modern_count_queues,
	.queue_size = modern_queue_size,
	.set_vectors = modern_set_vectors,
	.enable_queue = modern_enable_queue,
	.reset_queue = modern_reset_queue,
	.notify = modern_notify,
	.config_place = modern_config_place,
	.generation = modern_generation,
};
