/* SPDX-License-Identifier: MIT */
/* The rules of a virtio descriptor; those of the PCI function that it makes come after. */
#include <errno.h>
#include <string.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>

#include "virtio/virtio.h"

#define refuse(...) riser__fail(error, -EINVAL, __VA_ARGS__)

/* Bits 24 to 49 belong to the rings and the transport (virtio 2.2). */
#define TRANSPORT_BITS (((UINT64_C(1) << 50) - 1) & ~((UINT64_C(1) << 24) - 1))

static int check_features(const struct riser_virtio_device *desc, struct riser_error *error)
{
	const struct riser_virtio_feature *feature = desc->features.base;
	uint64_t seen = 0;

	for (uint32_t i = 0; i < desc->features.count; i++) {
		uint64_t bit = feature[i].bit < 64 ? UINT64_C(1) << feature[i].bit : 0;

		if (!feature[i].name || !*feature[i].name)
			return refuse("%s: feature %u needs a name", desc->name, i);
		if (!bit || bit & TRANSPORT_BITS)
			return refuse("%s: feature '%s': bit %u is not 0 to 23 or 50 to 63",
				      desc->name, feature[i].name, feature[i].bit);
		if (bit & seen)
			return refuse("%s: feature '%s': bit %u is taken by an earlier line",
				      desc->name, feature[i].name, feature[i].bit);
		seen |= bit;
	}
	for (uint32_t i = 0; i < desc->features.count; i++) {
		if (feature[i].needs & ~(seen | TRANSPORT_BITS))
			return refuse("%s: feature '%s' needs one that is not in the table",
				      desc->name, feature[i].name);
	}
	return 0;
}

static int check_queues(const struct riser__virtio_model *model, struct riser_error *error)
{
	const struct riser_virtio_device *desc = &model->desc;
	const struct riser_vq_desc *vq = desc->vqs.base;

	for (uint32_t i = 0; i < desc->vqs.count; i++) {
		if (!vq[i].name || !*vq[i].name)
			return refuse("%s: queue %u needs a name", desc->name, i);
		if (!vq[i].size || vq[i].size > 32768 || vq[i].size & (vq[i].size - 1))
			return refuse("%s: queue '%s': size %u is not a power of two up to "
				      "32768",
				      desc->name, vq[i].name, vq[i].size);
	}
	if (model->queues > RISER__VIRTIO_QUEUES_MAX)
		return refuse("%s: %u queues; at most %d are taken", desc->name, model->queues,
			      RISER__VIRTIO_QUEUES_MAX);
	return 0;
}

int riser__virtio_check(const struct riser__virtio_model *model, struct riser_error *error)
{
	const struct riser_virtio_device *desc = &model->desc;
	uint32_t room = 256 - VIRTIO_PCI_CONFIG_OFF(true);
	int ret;

	if (!desc->name || !*desc->name)
		return refuse("the device needs a .name of letters, digits, '_' and '-'");
	if (!desc->virtio_id || desc->virtio_id > 63)
		return refuse("%s: .virtio_id %u is not 1 to 63", desc->name, desc->virtio_id);
	if (desc->legacy_default && !desc->transitional_id)
		return refuse("%s: .legacy_default needs a .transitional_id", desc->name);
	if (model->config_size > RISER__VIRTIO_CONFIG_MAX)
		return refuse("%s: its configuration ends at %u, past %d bytes", desc->name,
			      model->config_size, RISER__VIRTIO_CONFIG_MAX);
	if (desc->transitional_id && model->config_size > room)
		return refuse("%s: a transitional device's configuration has up to %u bytes, "
			      "not %u",
			      desc->name, room, model->config_size);
	ret = check_features(desc, error);
	return ret ? ret : check_queues(model, error);
}
