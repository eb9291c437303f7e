/* SPDX-License-Identifier: MIT */
/* The rules of a virtio descriptor; those of the PCI function that it makes come after. */
#include <errno.h>
#include <string.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>

#include "core/check.h"
#include "virtio/virtio.h"

/* There may be as many of them as a ring has descriptors. */
enum { REQUEST_MAX = 1 << 20 };

#define reject(...) riser__fail(error, -EINVAL, __VA_ARGS__)

/* Bits 24 to 49 belong to the rings and the transport (virtio 2.2). */
#define TRANSPORT_BITS (((UINT64_C(1) << 50) - 1) & ~((UINT64_C(1) << 24) - 1))

static int check_features(const struct riser_virtio_device *desc, struct riser_error *error)
{
	const struct riser_virtio_feature *feature = desc->features.base;
	uint64_t seen = 0;

	for (uint32_t i = 0; i < desc->features.count; i++) {
		uint64_t bit = feature[i].bit < 64 ? UINT64_C(1) << feature[i].bit : 0;

		if (!riser__good_name(feature[i].name))
			return reject("%s: feature %u needs a name of letters, digits, '_' and "
				      "'-'",
				      desc->name, i);
		if (!bit || bit & TRANSPORT_BITS)
			return reject("%s: feature '%s': bit %u is not 0 to 23 or 50 to 63",
				      desc->name, feature[i].name, feature[i].bit);
		if (bit & seen)
			return reject("%s: feature '%s': bit %u is taken by an earlier line",
				      desc->name, feature[i].name, feature[i].bit);
		if (feature[i].needs & bit)
			return reject("%s: feature '%s' needs itself", desc->name,
				      feature[i].name);
		seen |= bit;
		for (uint32_t other = 0; other < i; other++) {
			if (!strcmp(feature[other].name, feature[i].name))
				return reject("%s: two features are named '%s'", desc->name,
					      feature[i].name);
		}
	}
	for (uint32_t i = 0; i < desc->features.count; i++) {
		if (feature[i].needs & ~(seen | TRANSPORT_BITS))
			return reject("%s: feature '%s' needs one that is not in the table",
				      desc->name, feature[i].name);
	}
	return 0;
}

static int check_queues(const struct riser__virtio_model *model, struct riser_error *error)
{
	const struct riser_virtio_device *desc = &model->desc;
	const struct riser_vq_desc *vq = desc->vqs.base;

	for (uint32_t i = 0; i < desc->vqs.count; i++) {
		if (!riser__good_name(vq[i].name))
			return reject(
				"%s: queue %u needs a name of letters, digits, '_' and '-'",
				desc->name, i);
		for (uint32_t other = 0; other < i; other++) {
			if (!strcmp(vq[other].name, vq[i].name))
				return reject("%s: two queues are named '%s'", desc->name,
					      vq[i].name);
		}
		if (vq[i].request_size > REQUEST_MAX)
			return reject("%s: queue '%s': .request_size %u is more than %d bytes",
				      desc->name, vq[i].name, vq[i].request_size, REQUEST_MAX);
		if (!vq[i].size || vq[i].size > 32768 || vq[i].size & (vq[i].size - 1))
			return reject("%s: queue '%s': size %u is not a power of two up to "
				      "32768",
				      desc->name, vq[i].name, vq[i].size);
	}
	if (model->queues > RISER__VIRTIO_QUEUES_MAX)
		return reject("%s: %u queues; at most %d are taken", desc->name, model->queues,
			      RISER__VIRTIO_QUEUES_MAX);
	return 0;
}

/*
 * The device's own tables by its own state and offsets: in those of the function that is made
 * of them, what is far out would lie in the transport's part, or come round.
 */
static int check_own(const struct riser_virtio_device *desc, struct riser_error *error)
{
	const struct riser_pci_device own = { .name = desc->name,
					      .version = desc->version,
					      .state_size = desc->state_size,
					      .options = desc->options,
					      .fields = desc->fields,
					      .timers = desc->timers };
	const struct riser__check c = {
		.desc = &own, .error = error, .where = ".config", .widest = 8
	};
	int ret;

	if (desc->state_size > RISER__STATE_MAX)
		return reject("%s: .state_size %zu is more than %llu bytes", desc->name,
			      desc->state_size, (unsigned long long)RISER__STATE_MAX);
	ret = riser__check_regs(&c, &desc->config, RISER__VIRTIO_CONFIG_MAX);
	if (!ret)
		ret = riser__check_options(&c);
	return ret ? ret : riser__check_saved(&c);
}

/* virtio 4.1.2.1 */
static int check_identity(const struct riser_virtio_device *desc, struct riser_error *error)
{
	if (!desc->virtio_id || desc->virtio_id > 63)
		return reject("%s: .virtio_id %u is not 1 to 63", desc->name, desc->virtio_id);
	if (desc->transitional_id &&
	    (desc->transitional_id < 0x1000 || desc->transitional_id > 0x103f))
		return reject("%s: .transitional_id %#x is not 0x1000 to 0x103f", desc->name,
			      desc->transitional_id);
	if (desc->legacy_default && !desc->transitional_id)
		return reject("%s: .legacy_default needs a .transitional_id", desc->name);
	return 0;
}

int riser__virtio_check(const struct riser__virtio_model *model, struct riser_error *error)
{
	const struct riser_virtio_device *desc = &model->desc;
	uint32_t room = 256 - VIRTIO_PCI_CONFIG_OFF(true);
	int ret;

	if (!riser__good_name(desc->name))
		return reject("the device needs a .name of letters, digits, '_' and '-'");
	ret = check_identity(desc, error);
	if (ret)
		return ret;
	if (model->config_size > RISER__VIRTIO_CONFIG_MAX)
		return reject("%s: its configuration ends at %u, past %d bytes", desc->name,
			      model->config_size, RISER__VIRTIO_CONFIG_MAX);
	if (desc->transitional_id && model->config_size > room)
		return reject("%s: a transitional device's configuration has up to %u bytes, "
			      "not %u",
			      desc->name, room, model->config_size);
	ret = check_own(desc, error);
	if (!ret)
		ret = check_features(desc, error);
	return ret ? ret : check_queues(model, error);
}
