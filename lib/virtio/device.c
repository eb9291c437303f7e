/* SPDX-License-Identifier: MIT */
/* A virtio device's life: what it offers, its queues, resets. */
#include <errno.h>
#include <stdlib.h>

#include "pci/function.h"
#include "virtio/queue.h"

static uint64_t transport_features(const struct riser__virtio_options *options)
{
	const struct {
		bool offered;
		unsigned bit;
	} features[] = {
		{ options->indirect_desc, RISER__F_INDIRECT_DESC },
		{ options->event_idx, RISER__F_EVENT_IDX },
		{ true, RISER__F_VERSION_1 },
		{ true, RISER__F_ACCESS_PLATFORM },
		{ options->packed, RISER__F_RING_PACKED },
		{ options->in_order, RISER__F_IN_ORDER },
		{ options->notification_data, RISER__F_NOTIFICATION_DATA },
		{ options->queue_reset, RISER__F_RING_RESET },
	};
	uint64_t bits = 0;

	for (size_t i = 0; i < sizeof(features) / sizeof(*features); i++)
		bits |= features[i].offered ? RISER_VIRTIO_BIT(features[i].bit) : 0;
	return bits;
}

static uint64_t default_features(const struct riser_virtio_device *desc)
{
	uint64_t bits = 0;

	riser_each(feature, &desc->features)
		bits |= feature->off ? 0 : RISER_VIRTIO_BIT(feature->bit);
	return bits;
}

int riser__virtio_create(struct riser_dev *dev, struct riser_error *error)
{
	const struct riser__virtio_model *model = dev->model->virtio;
	struct riser__virtio *virtio;
	uint32_t size;

	virtio = calloc(1, sizeof(*virtio));
	if (!virtio)
		return riser__fail(error, -ENOMEM, "%s: no memory", dev->desc->name);
	dev->transport = virtio;
	virtio->dev = dev;
	virtio->model = model;
	virtio->state = (void *)((char *)dev->state + model->at);
	virtio->saved = (void *)(virtio->state + 1);
	pthread_mutex_init(&virtio->irq_lock, NULL);
	size = virtio->state->options.queue_size;
	if (size & (size - 1))
		return riser__fail(error, -EINVAL,
				   "%s: option 'queue_size': %u is not a power of two",
				   dev->desc->name, size);
	if (!virtio->state->options.legacy)
		return 0;
	if (!model->desc.transitional_id)
		return riser__fail(error, -EINVAL,
				   "%s: option 'legacy': there is no such device that legacy "
				   "drivers know; leave it off",
				   dev->desc->name);
	dev->desc = &model->legacy;
	return 0;
}

void riser__virtio_destroy(struct riser_dev *dev)
{
	struct riser__virtio *virtio = riser__virtio_of(dev);

	if (!virtio)
		return;
	for (unsigned i = 0; i < virtio->vq_count; i++)
		riser__vq_fini(&virtio->vqs[i]);
	free(virtio->vqs);
	free(virtio->line_queues);
	pthread_mutex_destroy(&virtio->irq_lock);
	free(virtio);
	dev->transport = NULL;
}

int riser_virtio_offer(struct riser_dev *dev, unsigned bit, bool offered)
{
	struct riser__virtio *virtio = riser__virtio_of(dev);

	riser_each(feature, &virtio->model->desc.features) {
		if (feature->bit != bit)
			continue;
		virtio->offered &= ~RISER_VIRTIO_BIT(bit);
		virtio->offered |= offered ? RISER_VIRTIO_BIT(bit) : 0;
		return 0;
	}
	return -ENOENT;
}

int riser_virtio_set_queues(struct riser_dev *dev, unsigned line, unsigned count)
{
	struct riser__virtio *virtio = riser__virtio_of(dev);
	const struct riser_vq_desc *desc = virtio->model->desc.vqs.base;

	if (line >= virtio->model->desc.vqs.count || !count || count > desc[line].count)
		return -EINVAL;
	virtio->line_queues[line] = count;
	return 0;
}

static int make_queues(struct riser__virtio *virtio)
{
	const struct riser_vq_desc *desc = virtio->model->desc.vqs.base;
	unsigned total = 0;
	int ret = 0;

	for (uint32_t line = 0; line < virtio->model->desc.vqs.count; line++)
		total += virtio->line_queues[line];
	virtio->vqs = calloc(total + 1u, sizeof(*virtio->vqs));
	if (!virtio->vqs)
		return -ENOMEM;
	for (uint32_t line = 0; line < virtio->model->desc.vqs.count; line++) {
		for (unsigned i = 0; i < virtio->line_queues[line] && !ret; i++) {
			ret = riser__vq_init(&virtio->vqs[virtio->vq_count], virtio,
					     &desc[line], virtio->vq_count);
			virtio->vq_count += !ret;
		}
	}
	return ret;
}

int riser__virtio_init(struct riser_dev *dev)
{
	struct riser__virtio *virtio = riser__virtio_of(dev);
	const struct riser_virtio_device *desc = &virtio->model->desc;
	int ret;

	virtio->line_queues = calloc(desc->vqs.count + 1u, sizeof(*virtio->line_queues));
	if (!virtio->line_queues)
		return riser_fail(dev, -ENOMEM, "no memory for the queues");
	riser_each(vq, &desc->vqs)
		virtio->line_queues[riser_index(vq, &desc->vqs)] = vq->count;
	virtio->offered = default_features(desc) | transport_features(&virtio->state->options);
	ret = desc->init ? desc->init(dev) : 0;
	if (ret)
		return ret;
	ret = make_queues(virtio);
	if (ret && desc->fini)
		desc->fini(dev);
	return ret ? riser_fail(dev, ret, "no memory for the queues") : 0;
}

static bool stop_queues(struct riser__virtio *virtio, bool waits)
{
	bool stopped = true;

	virtio->running = false;
	for (unsigned i = 0; i < virtio->vq_count; i++)
		riser__vq_take_back(&virtio->vqs[i]);
	for (unsigned i = 0; i < virtio->vq_count; i++)
		stopped = riser__vq_stop(&virtio->vqs[i], waits) && stopped;
	return stopped;
}

void riser__virtio_halt(struct riser_dev *dev)
{
	stop_queues(riser__virtio_of(dev), false);
}

int riser_virtio_detach(struct riser_dev *dev)
{
	const struct riser__virtio *virtio = riser__virtio_of(dev);

	for (unsigned i = 0; i < virtio->vq_count; i++) {
		if (virtio->vqs[i].live)
			return -EBUSY;
	}
	if (!dev->ops->dma_enable)
		return -ENOTSUP;
	dev->ops->dma_enable(dev->host, false);
	dev->ops->dma_enable(dev->host, riser__dev_reaches_memory(dev));
	return 0;
}

static void end_reset(struct riser__virtio *virtio, enum riser_reset kind)
{
	struct riser_dev *dev = virtio->dev;
	struct riser__virtio_regs *regs = &virtio->state->regs;

	if (kind != RISER_RESET_POWER_ON)
		riser__work_cancel(dev);
	for (unsigned i = 0; i < virtio->vq_count; i++)
		riser__vq_forget(&virtio->vqs[i]);
	if (kind == RISER_RESET_DRIVER) {
		riser__timers_cancel_all(dev);
		riser__irq_forget(dev);
		riser__regmap_reset(dev->pci->bars[RISER__VIRTIO_BAR].map, dev->state);
	}
	virtio->driver_features = 0;
	virtio->negotiated = 0;
	virtio->beyond = virtio->resetting = false;
	virtio->interface = RISER__UNUSED;
	virtio->broken = false;
	virtio->generation_seen = true;
	virtio->config_vector = RISER__NO_VECTOR;
	riser__virtio_take_isr(virtio);
	regs->num_queues = (uint16_t)virtio->vq_count;
	regs->device_feature = (uint32_t)virtio->offered;
	riser__virtio_show_queue(virtio);
	if (virtio->model->desc.reset)
		virtio->model->desc.reset(dev, kind);
}

/*
 * A modern driver's reset is over when it reads the status as 0 (virtio 4.1.4.3.2): until then
 * the device may take the time it needs. All others are over at once.
 */
void riser__virtio_reset(struct riser_dev *dev, enum riser_reset kind)
{
	struct riser__virtio *virtio = riser__virtio_of(dev);
	bool waits = kind == RISER_RESET_DRIVER && virtio->interface == RISER__MODERN;

	if (stop_queues(virtio, waits)) {
		end_reset(virtio, kind);
	} else {
		virtio->resetting = true;
		riser__virtio_take_isr(virtio);
	}
}

void riser__virtio_drained(struct riser__virtio *virtio)
{
	bool drained = true;

	for (unsigned i = 0; i < virtio->vq_count; i++) {
		drained = !riser__vq_late(&virtio->vqs[i]) && drained;
		if (!virtio->resetting)
			riser__vq_drained(&virtio->vqs[i]);
	}
	if (virtio->resetting && drained)
		end_reset(virtio, RISER_RESET_DRIVER);
}

void riser__virtio_fini(struct riser_dev *dev)
{
	struct riser__virtio *virtio = riser__virtio_of(dev);

	stop_queues(virtio, false);
	if (virtio->model->desc.fini)
		virtio->model->desc.fini(dev);
}

struct riser_vq *riser_virtio_vq(struct riser_dev *dev, unsigned index)
{
	struct riser__virtio *virtio = riser__virtio_of(dev);

	return index < virtio->vq_count ? &virtio->vqs[index] : NULL;
}
