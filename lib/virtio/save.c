/* SPDX-License-Identifier: MIT */
/* What is saved of a virtio device beyond its registers. */
#include <errno.h>
#include <linux/virtio_config.h>

#include "core/buffer.h"
#include "virtio/queue.h"

enum { WRAP_BIT = 16 };

static void save_queue(const struct riser_vq *vq, struct riser__vq_saved *saved)
{
	*saved = (struct riser__vq_saved){
		.enabled = vq->enabled,
		.desc = vq->desc_iova,
		.driver = vq->driver_iova,
		.device = vq->device_iova,
		.size = vq->size,
		.vector = vq->vector,
		.next_avail = vq->next_avail | (uint64_t)vq->avail_wrap << WRAP_BIT,
		.next_used = vq->next_used | (uint64_t)vq->used_wrap << WRAP_BIT,
	};
}

int riser__virtio_add_shape(struct riser_dev *dev, struct riser__buffer *out)
{
	const struct riser__virtio *virtio = riser__virtio_of(dev);
	const struct riser_vq_desc *line = virtio->model->desc.vqs.base;
	uint32_t size = virtio->state->options.queue_size;

	for (uint32_t i = 0; i < virtio->model->desc.vqs.count; i++)
		riser__buffer_add_line(out, "virtqueues %s: %u of up to %u", line[i].name,
				       virtio->line_queues[i], size ? size : line[i].size);
	return out->failed ? -ENOMEM : 0;
}

/* What the device holds is pushed, while it still may reach the guest's memory. */
static void push_held(struct riser_dev *dev)
{
	struct riser__virtio *virtio = riser__virtio_of(dev);

	if (virtio->model->desc.saving)
		virtio->model->desc.saving(dev);
	for (unsigned i = 0; i < virtio->vq_count; i++) {
		if (virtio->vqs[i].live)
			riser__vq_settle(&virtio->vqs[i]);
	}
	riser__virtio_drained(virtio);
}

void riser__virtio_saving(struct riser_dev *dev)
{
	struct riser__virtio *virtio = riser__virtio_of(dev);
	struct riser__virtio_saved *saved = &virtio->state->saved;

	push_held(dev);
	saved->driver_features = virtio->driver_features;
	saved->isr = virtio->isr;
	saved->flags =
		(uint8_t)((virtio->running ? RISER__SAVED_RUNNING : 0) |
			  (virtio->broken ? RISER__SAVED_BROKEN : 0) |
			  (virtio->beyond ? RISER__SAVED_BEYOND : 0) |
			  (virtio->interface == RISER__LEGACY ? RISER__SAVED_LEGACY : 0));
	saved->config_vector = virtio->config_vector;
	for (unsigned i = 0; i < virtio->vq_count; i++)
		save_queue(&virtio->vqs[i], &virtio->saved[i]);
}

int riser__virtio_is_saveable(struct riser_dev *dev)
{
	struct riser__virtio *virtio = riser__virtio_of(dev);

	for (unsigned i = 0; i < virtio->vq_count; i++) {
		if (!riser__vq_held(&virtio->vqs[i]) && !riser__vq_late(&virtio->vqs[i]))
			continue;
		riser_log(dev, RISER_ERROR, "queue %u (%s) has requests under way: not saved",
			  i, virtio->vqs[i].desc->name);
		return -EBUSY;
	}
	return 0;
}

/* Positions in a packed ring are places in it; those of a split one go on counting. */
static bool is_place(const struct riser__vq_saved *saved, uint64_t position)
{
	return !saved->enabled || (position & 0xffff) < saved->size;
}

static bool load_queue(struct riser_vq *vq, const struct riser__vq_saved *saved)
{
	bool packed = riser_virtio_has(vq->virtio->dev, RISER__F_RING_PACKED);

	/* A size that is too large, too: a driver may have set it, and is told when it enables.
	 */
	if (saved->size > UINT16_MAX || (packed && (!is_place(saved, saved->next_avail) ||
						    !is_place(saved, saved->next_used))))
		return false;
	vq->size = (uint16_t)saved->size;
	vq->vector = riser__virtio_good_vector(vq->virtio, saved->vector);
	vq->desc_iova = saved->desc;
	vq->driver_iova = saved->driver;
	vq->device_iova = saved->device;
	vq->next_avail = (uint16_t)saved->next_avail;
	vq->next_used = (uint16_t)saved->next_used;
	vq->avail_wrap = saved->next_avail >> WRAP_BIT & 1;
	vq->used_wrap = saved->next_used >> WRAP_BIT & 1;
	if (!saved->enabled)
		return true;
	/* A legacy driver sets its queues up before the features are settled. */
	return (vq->virtio->negotiated || vq->virtio->interface == RISER__LEGACY) &&
	       riser__vq_enable(vq);
}

static int load_queues(struct riser__virtio *virtio)
{
	for (unsigned i = 0; i < virtio->vq_count; i++)
		riser__vq_stop(&virtio->vqs[i], false);
	for (unsigned i = 0; i < virtio->vq_count; i++)
		riser__vq_forget(&virtio->vqs[i]);
	for (unsigned i = 0; i < virtio->vq_count; i++) {
		if (!load_queue(&virtio->vqs[i], &virtio->saved[i]))
			return riser_fail(virtio->dev, -EINVAL,
					  "the saved state's queue %u cannot be one of this "
					  "device",
					  i);
	}
	return 0;
}

/* Of queues its shape tells; which interface drives them, it does not. */
static int check_interface(const struct riser__virtio *virtio)
{
	const struct riser__virtio_saved *saved = &virtio->state->saved;

	if (saved->flags & RISER__SAVED_LEGACY && virtio->dev->desc != &virtio->model->legacy)
		return riser_fail(virtio->dev, -EINVAL,
				  "the saved state is of a legacy driver; legacy=on makes a "
				  "device for one");
	return 0;
}

/* A driver that has agreed on features, or a legacy one that uses its queues. */
static int load_features(struct riser__virtio *virtio)
{
	const struct riser__virtio_saved *saved = &virtio->state->saved;
	uint8_t status = virtio->state->regs.device_status;
	bool legacy = saved->flags & RISER__SAVED_LEGACY;
	bool running = saved->flags & RISER__SAVED_RUNNING;
	bool agreed = legacy ? running : status & VIRTIO_CONFIG_S_FEATURES_OK;

	virtio->interface = legacy ? RISER__LEGACY : status ? RISER__MODERN : RISER__UNUSED;
	virtio->driver_features = saved->driver_features;
	virtio->beyond = saved->flags & RISER__SAVED_BEYOND;
	virtio->negotiated = 0;
	if (running && !legacy && (!agreed || !(status & VIRTIO_CONFIG_S_DRIVER_OK)))
		return riser_fail(virtio->dev, -EINVAL,
				  "the saved state's queues are at work, its status is %#x",
				  status);
	if (agreed && !riser__virtio_takes_features(virtio, saved->driver_features))
		return riser_fail(virtio->dev, -EINVAL,
				  "the saved state has features that do not go together here");
	virtio->negotiated = agreed ? saved->driver_features : 0;
	return 0;
}

int riser__virtio_loaded(struct riser_dev *dev, uint32_t version)
{
	struct riser__virtio *virtio = riser__virtio_of(dev);
	const struct riser__virtio_saved *saved = &virtio->state->saved;
	int ret = check_interface(virtio);

	if (!ret)
		ret = load_features(virtio);
	virtio->resetting = false;
	virtio->generation_seen = true;
	virtio->broken = saved->flags & RISER__SAVED_BROKEN;
	virtio->isr = saved->isr;
	virtio->config_vector = riser__virtio_good_vector(virtio, saved->config_vector);
	virtio->state->regs.num_queues = (uint16_t)virtio->vq_count;
	if (!ret)
		ret = load_queues(virtio);
	if (!ret && virtio->model->desc.loaded)
		ret = virtio->model->desc.loaded(dev, version);
	if (ret)
		return ret;
	riser__virtio_show_queue(virtio);
	virtio->running = saved->flags & RISER__SAVED_RUNNING;
	for (unsigned i = 0; i < virtio->vq_count && virtio->running; i++) {
		if (!virtio->vqs[i].enabled)
			continue;
		riser__vq_start(&virtio->vqs[i]);
		riser__vq_kick_later(&virtio->vqs[i]);
	}
	return 0;
}
