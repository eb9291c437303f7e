/* SPDX-License-Identifier: MIT */
/*
 * virtio_slow - a virtio device for the library's tests that keeps each request until it is
 * told to end some, also while the driver resets it.
 */
#include <string.h>

#include <riser/riser.h>

enum { KEPT_MOST = 16 };

struct slow {
	uint32_t end, kept, stops, drains, resets; /* configuration */
	uint32_t count, seen_stops, seen_drains, seen_resets;
	struct riser_chain *chains[KEPT_MOST];
	struct riser_vq *vqs[KEPT_MOST];
};

static void end_one(struct slow *s, bool answered)
{
	static const uint8_t answer[] = { 0xaa, 0xaa, 0xaa, 0xaa };
	struct riser_chain *chain = s->chains[0];
	struct riser_vq *vq = s->vqs[0];

	s->count--;
	memmove(s->chains, s->chains + 1, s->count * sizeof(*s->chains));
	memmove(s->vqs, s->vqs + 1, s->count * sizeof(*s->vqs));
	if (answered)
		riser_chain_write(chain, answer, sizeof(answer));
	riser_vq_push(vq, chain);
}

static void end(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct slow *s = riser_state(dev);

	(void)was;
	while (now-- && s->count)
		end_one(s, true);
}

static void kick(struct riser_dev *dev, struct riser_vq *vq)
{
	struct slow *s = riser_state(dev);
	struct riser_chain *chain;

	while (s->count < KEPT_MOST && (chain = riser_vq_pop(vq))) {
		s->chains[s->count] = chain;
		s->vqs[s->count++] = vq;
	}
}

static void stop(struct riser_dev *dev, struct riser_vq *vq)
{
	struct slow *s = riser_state(dev);

	(void)vq;
	s->seen_stops++;
	while (s->count)
		end_one(s, false);
}

static void drain(struct riser_dev *dev, struct riser_vq *vq)
{
	(void)vq;
	((struct slow *)riser_state(dev))->seen_drains++;
}

static void show(struct slow *s)
{
	s->kept = s->count;
	s->stops = s->seen_stops;
	s->drains = s->seen_drains;
	s->resets = s->seen_resets;
}

static void reset(struct riser_dev *dev, enum riser_reset kind)
{
	struct slow *s = riser_state(dev);

	(void)kind;
	s->seen_resets++;
	show(s);
}

static const struct riser_reg config[] = {
	{ RISER_REG(0x00, struct slow, end), .rw = RISER_ALL, .on_write = end },
	{ RISER_REG(0x04, struct slow, kept) },
	{ RISER_REG(0x08, struct slow, stops) },
	{ RISER_REG(0x0c, struct slow, drains) },
	{ RISER_REG(0x10, struct slow, resets) },
};

static const struct riser_vq_desc vqs[] = {
	{ .name = "slow", .size = 16, .count = 2, .kick = kick, .stop = stop },
};

static const struct riser_virtio_device virtio_slow = {
	.size = sizeof(virtio_slow),
	.name = "virtio_slow",
	.summary = "keeps what it is given",
	.virtio_id = 62,
	.transitional_id = 0x103e,
	.state_size = sizeof(struct slow),
	.config = RISER_REGS(config),
	.vqs = RISER_VQS(vqs),
	.reset = reset,
	.drain = drain,
};

RISER_EXPORT(virtio_slow);
