/* SPDX-License-Identifier: MIT-0 */
/* my_rng - reading 0x0 draws a random number, writing 0x4 seeds the generator. */
#include <riser/riser.h>

struct my_rng {
	uint32_t rng, seed;
	uint32_t words[31]; /* what rand() keeps: each number is the sum of two earlier ones */
	uint32_t next;
};

static uint64_t draw(struct riser_dev *dev, uint64_t stored)
{
	struct my_rng *g = riser_state(dev);
	uint32_t sum = g->words[g->next % 31] += g->words[(g->next + 28) % 31];

	(void)stored;
	g->next = (g->next + 1) % 31;
	return sum >> 1;
}

static void seed(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct my_rng *g = riser_state(dev);
	int64_t word = now ? (int32_t)now : 1;

	(void)was;
	for (unsigned i = 0; i < 31; i++) {
		g->words[i] = (uint32_t)word;
		word = word * 16807 % 2147483647;
		word += word < 0 ? 2147483647 : 0;
	}
	g->next = 3;
	for (unsigned i = 0; i < 310; i++)
		draw(dev, 0);
}

static void reset(struct riser_dev *dev, enum riser_reset kind)
{
	if (kind == RISER_RESET_POWER_ON)
		seed(dev, 1, 0);
}

static const struct riser_reg regs[] = {
	{ RISER_REG(0x0, struct my_rng, rng), .on_read = draw, .help = "the next number" },
	{ RISER_REG(0x4, struct my_rng, seed), .rw = RISER_ALL, .flags = RISER_WRITE_ONLY,
	  .on_write = seed, .help = "seeds the generator" },
};

static const struct riser_field fields[] = {
	{ RISER_FIELD_ARRAY(struct my_rng, words) },
	{ RISER_FIELD(struct my_rng, next) },
};

static const struct riser_bar bars[] = {
	{ .index = 0, .size = 4096, .regs = RISER_REGS(regs) },
};

static const struct riser_pci_device my_rng = {
	.size = sizeof(my_rng),
	.name = "my_rng",
	.summary = "random number generator, the numbers of rand()",
	.id = { .vendor = 0x1234, .device = 0xcafe, .revision = 0x10, .class_code = 0x00ff00 },
	.state_size = sizeof(struct my_rng),
	.bars = RISER_BARS(bars),
	.fields = RISER_FIELDS(fields),
	.reset = reset,
};

RISER_EXPORT(my_rng);
