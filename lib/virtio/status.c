/* SPDX-License-Identifier: MIT */
/* The device status field and feature negotiation (virtio 2.1, 2.2, 3.1). */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <linux/virtio_config.h>

#include "virtio/queue.h"

uint64_t riser__virtio_legacy_features(const struct riser__virtio *virtio)
{
	return (uint32_t)virtio->offered | RISER_VIRTIO_BIT(RISER__F_ANY_LAYOUT);
}

uint64_t riser_virtio_features(const struct riser_dev *dev)
{
	return atomic_load_explicit(&riser__virtio_of(dev)->negotiated, memory_order_relaxed);
}

void riser__virtio_set_features(struct riser__virtio *virtio, uint32_t word, uint32_t bits)
{
	uint64_t mask = word < 2 ? UINT64_C(0xffffffff) << (32 * word) : 0;

	if (virtio->state->regs.device_status & VIRTIO_CONFIG_S_FEATURES_OK) {
		riser__dev_mistake(virtio->dev, RISER__READ_ONLY,
				   "features written after FEATURES_OK");
		return;
	}
	virtio->driver_features &= ~mask;
	virtio->driver_features |= word < 2 ? (uint64_t)bits << (32 * word) : 0;
	if (virtio->legacy_driver)
		virtio->driver_features &= riser__virtio_legacy_features(virtio);
}

/* Each of `bits` has what it needs. */
static bool complete(const struct riser__virtio *virtio, uint64_t bits)
{
	const struct riser_virtio_feature *feature = virtio->model->desc.features.base;

	for (uint32_t i = 0; i < virtio->model->desc.features.count; i++) {
		if (bits & RISER_VIRTIO_BIT(feature[i].bit) && feature[i].needs & ~bits) {
			riser_log(virtio->dev, RISER_WARN,
				  "guest: feature '%s' taken without what it needs: %#" PRIx64,
				  feature[i].name, feature[i].needs & ~bits);
			return false;
		}
	}
	return true;
}

/* Whether the device goes along with what the modern driver wants. */
static bool agree(struct riser__virtio *virtio)
{
	const struct riser_virtio_device *desc = &virtio->model->desc;
	uint64_t bits = virtio->driver_features;

	if (bits & ~virtio->offered) {
		riser_log(virtio->dev, RISER_WARN,
			  "guest: features %#" PRIx64 " taken that are not offered",
			  bits & ~virtio->offered);
		return false;
	}
	if (!(bits & RISER_VIRTIO_BIT(RISER__F_VERSION_1))) {
		riser_log(virtio->dev, RISER_WARN,
			  "guest: a modern driver has to take VERSION_1");
		return false;
	}
	if (!complete(virtio, bits) ||
	    (desc->negotiate && desc->negotiate(virtio->dev, bits) < 0))
		return false;
	atomic_store_explicit(&virtio->negotiated, bits, memory_order_relaxed);
	return true;
}

void riser__virtio_run(struct riser__virtio *virtio)
{
	if (virtio->legacy_driver)
		atomic_store_explicit(&virtio->negotiated, virtio->driver_features,
				      memory_order_relaxed);
	virtio->running = true;
	for (unsigned i = 0; i < virtio->vq_count; i++) {
		if (virtio->vqs[i].enabled)
			riser__vq_start(&virtio->vqs[i]);
	}
	if (virtio->model->desc.ready)
		virtio->model->desc.ready(virtio->dev);
	for (unsigned i = 0; i < virtio->vq_count; i++)
		riser__vq_kick(&virtio->vqs[i]);
}

uint8_t riser__virtio_status(const struct riser__virtio *virtio)
{
	uint8_t status = virtio->state->regs.device_status;

	return virtio->broken ? status | VIRTIO_CONFIG_S_NEEDS_RESET : status;
}

void riser__virtio_set_status(struct riser__virtio *virtio, uint8_t status)
{
	struct riser__virtio_regs *regs = &virtio->state->regs;

	if (!status) {
		riser__virtio_reset(virtio->dev, RISER_RESET_DRIVER);
		return;
	}
	status &= (uint8_t) ~(VIRTIO_CONFIG_S_NEEDS_RESET | regs->device_status);
	if (!virtio->legacy_driver && status & VIRTIO_CONFIG_S_FEATURES_OK && !agree(virtio))
		status &= (uint8_t)~VIRTIO_CONFIG_S_FEATURES_OK;
	regs->device_status |= status;
	if (!(status & VIRTIO_CONFIG_S_DRIVER_OK) || virtio->running)
		return;
	if (virtio->legacy_driver || regs->device_status & VIRTIO_CONFIG_S_FEATURES_OK)
		riser__virtio_run(virtio);
	else
		riser_virtio_needs_reset(virtio->dev, "DRIVER_OK without FEATURES_OK");
}

void riser_virtio_needs_reset(struct riser_dev *dev, const char *format, ...)
{
	struct riser__virtio *virtio = riser__virtio_of(dev);
	char line[256];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	riser__dev_mistake(dev, RISER__NEEDS_RESET, "%s", line);
	if (!atomic_exchange(&virtio->broken, true) && virtio->running)
		riser__virtio_interrupt(virtio, RISER__ISR_CONFIG, virtio->config_vector);
}
