/* SPDX-License-Identifier: MIT-0 */
/* virtio_rng - an entropy device for Linux's own driver (virtio 5.4). */
#include <sys/random.h>

#include <riser/riser.h>

static void fill(struct riser_dev *dev, struct riser_vq *vq)
{
	struct riser_chain *chain;

	(void)dev;
	while ((chain = riser_vq_pop(vq))) {
		uint8_t bytes[256];
		ssize_t got;

		while (riser_chain_room(chain) &&
		       (got = getrandom(bytes, sizeof(bytes), 0)) > 0 &&
		       riser_chain_write(chain, bytes, (size_t)got))
			;
		riser_vq_push(vq, chain);
	}
}

static const struct riser_vq_desc vqs[] = {
	{ .name = "requestq", .size = 64, .kick = fill },
};

static const struct riser_virtio_device virtio_rng = {
	.size = sizeof(virtio_rng),
	.name = "virtio_rng",
	.summary = "entropy device",
	.virtio_id = 4,
	.transitional_id = 0x1005,
	.vqs = RISER_VQS(vqs),
};

RISER_EXPORT(virtio_rng);
