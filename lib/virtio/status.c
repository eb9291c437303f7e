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

	/* A legacy driver's are settled once it uses a queue (virtio 3.1.2). */
	if (virtio->state->regs.device_status & VIRTIO_CONFIG_S_FEATURES_OK ||
	    virtio->running) {
		riser__dev_mistake(virtio->dev, RISER__READ_ONLY,
				   "features written after they were agreed on");
		return;
	}
	virtio->beyond = virtio->beyond || (!mask && bits);
	virtio->driver_features &= ~mask;
	virtio->driver_features |= mask ? (uint64_t)bits << (32 * word) : 0;
	if (virtio->interface == RISER__LEGACY)
		virtio->driver_features &= riser__virtio_legacy_features(virtio);
}

/* Each of `bits` has what it needs. */
static bool complete(const struct riser__virtio *virtio, uint64_t bits)
{
	riser_each(feature, &virtio->model->desc.features) {
		if (bits & RISER_VIRTIO_BIT(feature->bit) && feature->needs & ~bits) {
			riser_log(virtio->dev, RISER_WARN,
				  "guest: feature '%s' taken without what it needs: %#" PRIx64,
				  feature->name, feature->needs & ~bits);
			return false;
		}
	}
	return true;
}

bool riser__virtio_takes_features(const struct riser__virtio *virtio, uint64_t bits)
{
	uint64_t offered = virtio->offered;

	if (virtio->interface == RISER__LEGACY)
		return !(bits & ~riser__virtio_legacy_features(virtio));
	if (virtio->beyond || bits & ~offered) {
		riser_log(virtio->dev, RISER_WARN,
			  "guest: features %#" PRIx64 "%s taken that are not offered",
			  bits & ~offered, virtio->beyond ? " and past 63" : "");
		return false;
	}
	if (!(bits & RISER_VIRTIO_BIT(RISER__F_VERSION_1))) {
		riser_log(virtio->dev, RISER_WARN,
			  "guest: a modern driver has to take VERSION_1");
		return false;
	}
	return complete(virtio, bits);
}

/* Whether the device goes along with what the modern driver wants. */
static bool agree(struct riser__virtio *virtio)
{
	const struct riser_virtio_device *desc = &virtio->model->desc;
	uint64_t bits = virtio->driver_features;

	if (!riser__virtio_takes_features(virtio, bits) ||
	    (desc->negotiate && desc->negotiate(virtio->dev, bits) < 0))
		return false;
	atomic_store_explicit(&virtio->negotiated, bits, memory_order_relaxed);
	return true;
}

void riser__virtio_run(struct riser__virtio *virtio)
{
	if (virtio->interface == RISER__LEGACY)
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

bool riser__virtio_claim(struct riser__virtio *virtio, enum riser__interface interface)
{
	if (virtio->interface == RISER__UNUSED)
		virtio->interface = interface;
	if (virtio->interface == interface && !virtio->resetting)
		return true;
	riser__dev_mistake(virtio->dev, RISER__READ_ONLY, "write by the %s interface, %s",
			   interface == RISER__LEGACY ? "legacy" : "modern",
			   virtio->resetting ? "before the device's reset is over"
					     : "while the driver uses the other one");
	return false;
}

uint8_t riser__virtio_status(const struct riser__virtio *virtio)
{
	uint8_t status = virtio->state->regs.device_status;

	return virtio->broken ? status | VIRTIO_CONFIG_S_NEEDS_RESET : status;
}

/* Bits are set one after another, and cleared only all together, by a reset (virtio 2.1.1). */
void riser__virtio_set_status(struct riser__virtio *virtio, uint8_t status)
{
	struct riser__virtio_regs *regs = &virtio->state->regs;
	bool legacy = virtio->interface == RISER__LEGACY, broken;

	if (!status) {
		riser__virtio_reset(virtio->dev, RISER_RESET_DRIVER);
		return;
	}
	if (regs->device_status & ~status)
		riser__dev_mistake(virtio->dev, RISER__READ_ONLY,
				   "status bits %#x cleared, but not by a reset",
				   regs->device_status & ~status);
	status &= (uint8_t) ~(VIRTIO_CONFIG_S_NEEDS_RESET | regs->device_status);
	if (!legacy && status & VIRTIO_CONFIG_S_FEATURES_OK && !agree(virtio))
		status &= (uint8_t)~VIRTIO_CONFIG_S_FEATURES_OK;
	regs->device_status |= status;
	if (!(status & VIRTIO_CONFIG_S_DRIVER_OK) || virtio->running)
		return;
	if (!legacy && !(regs->device_status & VIRTIO_CONFIG_S_FEATURES_OK))
		riser_virtio_needs_reset(virtio->dev, "DRIVER_OK without FEATURES_OK");
	broken = virtio->broken;
	if (legacy || regs->device_status & VIRTIO_CONFIG_S_FEATURES_OK)
		riser__virtio_run(virtio);
	/* A fault from before DRIVER_OK is notified now: not earlier (virtio 2.1.2). */
	if (broken)
		riser__virtio_notify_config(virtio);
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
		riser__virtio_notify_config(virtio);
}
