/* SPDX-License-Identifier: MIT */
/* The modern interface (virtio 4.1.4): common configuration, ISR, notifications. */
#include <errno.h>
#include <inttypes.h>
#include <linux/virtio_config.h>

#include "pci/pci.h"
#include "virtio/queue.h"

static struct riser_vq *selected(struct riser__virtio *virtio)
{
	unsigned index = virtio->state->regs.queue_select;

	return index < virtio->vq_count ? &virtio->vqs[index] : NULL;
}

static void put_address(uint32_t halves[2], uint64_t address)
{
	halves[0] = (uint32_t)address;
	halves[1] = (uint32_t)(address >> 32);
}

static uint64_t address_of(const uint32_t halves[2])
{
	return halves[0] | (uint64_t)halves[1] << 32;
}

/* Has the registers show the queue that is selected; one that is not there has size 0. */
void riser__virtio_show_queue(struct riser__virtio *virtio)
{
	struct riser__virtio_regs *regs = &virtio->state->regs;
	static const struct riser_vq none = { .vector = RISER__NO_VECTOR };
	const struct riser_vq *vq = selected(virtio);

	vq = vq ? vq : &none;
	regs->queue_size = vq->size;
	regs->queue_msix_vector = vq->vector;
	regs->queue_enable = vq->enabled;
	regs->queue_notify_off = (uint16_t)vq->index;
	regs->queue_notify_data = (uint16_t)vq->index;
	regs->queue_reset = vq->resetting;
	put_address(regs->queue_desc, vq->desc_iova);
	put_address(regs->queue_driver, vq->driver_iova);
	put_address(regs->queue_device, vq->device_iova);
}

/* NULL: it is not for this interface to write now. */
static struct riser__virtio *modern_of(struct riser_dev *dev)
{
	struct riser__virtio *virtio = riser__virtio_of(dev);

	return riser__virtio_claim(virtio, RISER__MODERN) ? virtio : NULL;
}

/* Size and addresses, which the driver may not touch while the queue is enabled. */
static void queue_set(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct riser__virtio *virtio = riser__virtio_of(dev);
	const struct riser__virtio_regs *regs = &virtio->state->regs;
	struct riser_vq *vq = modern_of(dev) ? selected(virtio) : NULL;

	(void)now, (void)was;
	if (vq && vq->enabled) {
		riser__dev_mistake(dev, RISER__READ_ONLY,
				   "change of queue %u, which is enabled", vq->index);
	} else if (vq) {
		vq->size = regs->queue_size;
		vq->desc_iova = address_of(regs->queue_desc);
		vq->driver_iova = address_of(regs->queue_driver);
		vq->device_iova = address_of(regs->queue_device);
	}
	riser__virtio_show_queue(virtio);
}

uint16_t riser__virtio_good_vector(const struct riser__virtio *virtio, uint64_t vector)
{
	return vector < riser__irq_vectors(virtio->dev, RISER_IRQ_MSIX) ? (uint16_t)vector
									: RISER__NO_VECTOR;
}

static void queue_selected(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct riser__virtio *virtio = riser__virtio_of(dev);

	virtio->state->regs.queue_select = (uint16_t)(modern_of(dev) ? now : was);
	riser__virtio_show_queue(virtio);
}

/*
 * The register keeps what was written, which may be a part of a vector; what is read is the
 * vector that is in use (virtio 4.1.5.1.2.1).
 */
static void queue_vector_set(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct riser__virtio *virtio = modern_of(dev);
	struct riser_vq *vq = virtio ? selected(virtio) : NULL;

	(void)was;
	if (vq)
		riser__vq_set_vector(vq, riser__virtio_good_vector(virtio, now));
}

static uint64_t queue_vector_read(struct riser_dev *dev, uint64_t stored)
{
	const struct riser_vq *vq = selected(riser__virtio_of(dev));

	(void)stored;
	return vq ? vq->vector : RISER__NO_VECTOR;
}

/* The rings' layout is known once features are agreed on, and not before. */
static void enable_queue(struct riser__virtio *virtio, struct riser_vq *vq, uint64_t value)
{
	if (value != 1)
		riser__dev_mistake(virtio->dev, RISER__READ_ONLY,
				   "%#" PRIx64 " written to queue_enable of queue %u", value,
				   vq->index);
	else if (!(virtio->state->regs.device_status & VIRTIO_CONFIG_S_FEATURES_OK))
		riser__dev_mistake(virtio->dev, RISER__READ_ONLY,
				   "queue %u enabled before FEATURES_OK", vq->index);
	else if (!vq->enabled && riser__vq_enable(vq) && virtio->running)
		riser__vq_start(vq);
}

static void queue_enabled(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct riser__virtio *virtio = riser__virtio_of(dev);
	struct riser_vq *vq = modern_of(dev) ? selected(virtio) : NULL;

	(void)was;
	if (vq)
		enable_queue(virtio, vq, now);
	riser__virtio_show_queue(virtio);
}

static void queue_reset(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct riser__virtio *virtio = riser__virtio_of(dev);
	struct riser_vq *vq = modern_of(dev) ? selected(virtio) : NULL;

	(void)was;
	if (vq && now == 1 && riser_virtio_has(dev, RISER__F_RING_RESET))
		riser__vq_reset(vq);
	riser__virtio_show_queue(virtio);
}

static void device_features_selected(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct riser__virtio *virtio = riser__virtio_of(dev);

	(void)was;
	virtio->state->regs.device_feature =
		now < 2 ? (uint32_t)(virtio->offered >> (32 * now)) : 0;
}

static void show_driver_features(struct riser__virtio *virtio)
{
	struct riser__virtio_regs *regs = &virtio->state->regs;
	uint32_t word = regs->driver_feature_select;

	regs->driver_feature =
		word < 2 ? (uint32_t)(virtio->driver_features >> (32 * word)) : 0;
}

static void driver_features_selected(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	(void)now, (void)was;
	show_driver_features(riser__virtio_of(dev));
}

static void driver_features_set(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct riser__virtio *virtio = riser__virtio_of(dev);

	(void)was;
	if (modern_of(dev))
		riser__virtio_set_features(virtio, virtio->state->regs.driver_feature_select,
					   (uint32_t)now);
	show_driver_features(virtio);
}

static void config_vector_set(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct riser__virtio *virtio = modern_of(dev);

	(void)was;
	if (virtio)
		virtio->config_vector = riser__virtio_good_vector(virtio, now);
}

static uint64_t config_vector_read(struct riser_dev *dev, uint64_t stored)
{
	(void)stored;
	return riser__virtio_of(dev)->config_vector;
}

/* To tools it is pure: it is seen sooner, and so counted up sooner. */
static uint64_t generation_read(struct riser_dev *dev, uint64_t stored)
{
	riser__virtio_of(dev)->generation_seen = true;
	return stored;
}

/* Either interface may reset the device. */
static void status_set(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct riser__virtio *virtio = riser__virtio_of(dev);

	/* What the register holds has to be what it was until the change is taken. */
	virtio->state->regs.device_status = (uint8_t)was;
	if (!now || modern_of(dev))
		riser__virtio_set_status(virtio, (uint8_t)now);
}

static uint64_t status_read(struct riser_dev *dev, uint64_t stored)
{
	(void)stored;
	return riser__virtio_status(riser__virtio_of(dev));
}

static uint64_t isr_read(struct riser_dev *dev, uint64_t stored)
{
	(void)stored;
	return riser__virtio_take_isr(riser__virtio_of(dev));
}

/* ---- Positions, for people: not part of the interface ---- */

static uint64_t next_avail_read(struct riser_dev *dev, uint64_t stored)
{
	const struct riser_vq *vq = selected(riser__virtio_of(dev));

	(void)stored;
	return vq ? vq->next_avail : 0;
}

static uint64_t next_used_read(struct riser_dev *dev, uint64_t stored)
{
	const struct riser_vq *vq = selected(riser__virtio_of(dev));

	(void)stored;
	return vq ? vq->next_used : 0;
}

static uint64_t held_read(struct riser_dev *dev, uint64_t stored)
{
	struct riser_vq *vq = selected(riser__virtio_of(dev));

	(void)stored;
	return vq ? riser__vq_held(vq) : 0;
}

#define REG(off, member)                                                                       \
	.name = "common_" #member, .offset = RISER__VIRTIO_COMMON + (off),                     \
	.at = offsetof(struct riser__virtio_regs, member),                                     \
	.width = sizeof(((struct riser__virtio_regs *)0)->member), .part = 1
#define HALVES(off, member)                                                                    \
	.name = "common_" #member, .offset = RISER__VIRTIO_COMMON + (off),                     \
	.at = offsetof(struct riser__virtio_regs, member), .width = 4, .part = 1, .count = 2

/* Drivers are known that read some of them in parts, as QEMU lets them. */
static const struct riser_reg regs[] = {
	{ REG(0x00, device_feature_select), .rw = RISER_ALL,
	  .on_write = device_features_selected },
	{ REG(0x04, device_feature) },
	{ REG(0x08, driver_feature_select), .rw = RISER_ALL,
	  .on_write = driver_features_selected },
	{ REG(0x0c, driver_feature), .rw = RISER_ALL, .on_write = driver_features_set },
	{ REG(0x10, config_msix_vector), .rw = RISER_ALL, .reset = RISER__NO_VECTOR,
	  .flags = RISER_PURE_READ, .on_read = config_vector_read,
	  .on_write = config_vector_set },
	{ REG(0x12, num_queues) },
	{ REG(0x14, device_status), .rw = RISER_ALL, .flags = RISER_PURE_READ,
	  .on_read = status_read, .on_write = status_set },
	{ REG(0x15, config_generation), .flags = RISER_PURE_READ, .on_read = generation_read },
	{ REG(0x16, queue_select), .rw = RISER_ALL, .on_write = queue_selected },
	{ REG(0x18, queue_size), .rw = RISER_ALL, .on_write = queue_set },
	{ REG(0x1a, queue_msix_vector), .rw = RISER_ALL, .reset = RISER__NO_VECTOR,
	  .flags = RISER_PURE_READ, .on_read = queue_vector_read,
	  .on_write = queue_vector_set },
	{ REG(0x1c, queue_enable), .rw = RISER_ALL, .on_write = queue_enabled },
	{ REG(0x1e, queue_notify_off) },
	{ HALVES(0x20, queue_desc), .rw = RISER_ALL, .on_write = queue_set },
	{ HALVES(0x28, queue_driver), .rw = RISER_ALL, .on_write = queue_set },
	{ HALVES(0x30, queue_device), .rw = RISER_ALL, .on_write = queue_set },
	{ REG(0x38, queue_notify_data) },
	{ REG(0x3a, queue_reset), .rw = RISER_ALL, .on_write = queue_reset },
	{ REG(RISER__VIRTIO_POSITIONS, next_avail), .flags = RISER_PURE_READ,
	  .on_read = next_avail_read },
	{ REG(RISER__VIRTIO_POSITIONS + 4, next_used), .flags = RISER_PURE_READ,
	  .on_read = next_used_read },
	{ REG(RISER__VIRTIO_POSITIONS + 8, held), .flags = RISER_PURE_READ,
	  .on_read = held_read },
	{ .name = "isr_status",
	  .offset = RISER__VIRTIO_ISR,
	  .at = offsetof(struct riser__virtio_regs, isr),
	  .width = 1,
	  .on_read = isr_read },
};

struct riser_regs riser__virtio_common_regs(void)
{
	return (struct riser_regs)RISER_REGS(regs);
}

/*
 * Notifications (virtio 4.1.5.2): the place says which queue it is; ring positions that come
 * with it are read from the ring anyway.
 */
static int notify(struct riser_dev *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct riser__virtio *virtio = riser__virtio_of(dev);
	uint64_t index = (offset - RISER__VIRTIO_NOTIFY) / RISER__VIRTIO_NOTIFY_STEP;

	(void)value;
	if (offset < RISER__VIRTIO_NOTIFY || offset % RISER__VIRTIO_NOTIFY_STEP || size < 2 ||
	    index >= virtio->vq_count)
		return -EINVAL;
	if (virtio->interface != RISER__LEGACY)
		riser__vq_kick(&virtio->vqs[index]);
	return 0;
}

static bool is_config(const struct riser_dev *dev, uint64_t offset, unsigned size)
{
	uint64_t end = RISER__VIRTIO_CONFIG + riser__virtio_of(dev)->model->config_size;

	return offset >= RISER__VIRTIO_CONFIG && offset < end && size <= end - offset;
}

/* What lies between the registers of the device's configuration. */
static int modern_read(struct riser_dev *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	*value = 0;
	return is_config(dev, offset, size) ? 0 : -EINVAL;
}

static int modern_write(struct riser_dev *dev, uint64_t offset, unsigned size, uint64_t value)
{
	return is_config(dev, offset, size) ? 0 : notify(dev, offset, size, value);
}

const struct riser_bar_ops riser__virtio_modern_ops = { .read = modern_read,
							.write = modern_write };
