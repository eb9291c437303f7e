/* NEWDEV - a virtio device with one queue: a number comes in, its inverse goes out. */
#include <endian.h>

#include <riser/riser.h>

struct NEWDEV {
	uint32_t requests; /* configuration: how many there were */
};

static void kicked(struct riser_dev *dev, struct riser_vq *vq)
{
	struct NEWDEV *state = riser_state(dev);
	struct riser_chain *chain;

	while ((chain = riser_vq_pop(vq))) {
		uint32_t number;

		if (riser_chain_read(chain, &number, sizeof(number)) == sizeof(number)) {
			number = htole32(~le32toh(number));
			riser_chain_write(chain, &number, sizeof(number));
			state->requests++;
		}
		riser_vq_push(vq, chain);
	}
}

static const struct riser_reg config[] = {
	{ RISER_REG(0x0, struct NEWDEV, requests), .help = "requests served" },
};

static const struct riser_vq_desc vqs[] = {
	{ .name = "requests", .size = 64, .kick = kicked },
};

static const struct riser_virtio_device NEWDEV = {
	.size = sizeof(NEWDEV),
	.name = "NEWDEV",
	.summary = "a virtio device of my own",
	.virtio_id = 63, /* not given to any kind of device yet */
	.state_size = sizeof(struct NEWDEV),
	.config = RISER_REGS(config),
	.vqs = RISER_VQS(vqs),
};

RISER_EXPORT(NEWDEV);
