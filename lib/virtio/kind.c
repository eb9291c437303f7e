/* SPDX-License-Identifier: MIT */
/* The kind of device that is a virtio one, on a PCI function. */
#include <errno.h>
#include <string.h>

#include "pci/kind.h"
#include "virtio/virtio.h"

static int virtio_open(struct riser_model *model, struct riser_error *error)
{
	const struct riser_virtio_device *desc = model->exported;
	struct riser_virtio_device whole = { 0 };
	int ret = RISER__CHECK_SIZE(desc, struct riser_virtio_device, fini, error);

	if (ret)
		return ret;
	memcpy(&whole, desc, desc->size);
	ret = riser__tables_check_virtio(&whole, error);
	if (ret)
		return ret;
	if (riser__virtio_normalise(model, desc))
		return riser__fail(error, -ENOMEM, "no memory for the model");
	ret = riser__virtio_check(model->virtio, error);
	if (!ret)
		ret = riser__pci_check(&model->pci, error);
	if (!ret && model->virtio->desc.transitional_id)
		ret = riser__pci_check(&model->virtio->legacy, error);
	return ret;
}

static int virtio_add_shape(struct riser_dev *dev, struct riser__buffer *out)
{
	int ret = riser__pci_add_shape(dev, out);

	return ret ? ret : riser__virtio_add_shape(dev, out);
}

static void virtio_destroy(struct riser_dev *dev)
{
	riser__virtio_destroy(dev);
	riser__pci_destroy(dev);
}

const struct riser__kind riser__virtio_kind = {
	.id = RISER_VIRTIO,
	.open = virtio_open,
	.configure = riser__virtio_create,
	.create = riser__pci_create,
	.destroy = virtio_destroy,
	.quiesce = riser__virtio_halt,
	/* Jobs are cancelled once the queues have stopped, which may need some for that. */
	.reset = riser__pci_reset,
	.set_reach = riser__virtio_set_reach,
	.silence = riser__pci_silence,
	.add_items = riser__pci_add_items,
	.add_shape = virtio_add_shape,
	.is_saveable = riser__virtio_is_saveable,
	.save = riser__pci_save,
	.check_record = riser__pci_check_record,
	.load = riser__pci_load,
};
