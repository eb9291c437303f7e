/* SPDX-License-Identifier: MIT */
/* What each kind of register does to each kind of access. */
#include "fake_host.h"

#include <stdlib.h>
#include <string.h>

struct state {
	uint32_t ro, rw, w1c, w1s, rc, once, wo, hook;
	uint8_t bytes[3];
	uint16_t half;
	uint64_t wide, strict, extend;
	uint32_t array[4];
	uint8_t window[16];
	uint64_t raw_offset, raw_value, hook_now, hook_was;
	unsigned element;
};

static uint64_t on_read(struct riser_dev *dev, uint64_t stored)
{
	struct state *s = riser_state(dev);

	s->element = riser_reg_index(dev);
	return stored + 1;
}

static void on_write(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct state *s = riser_state(dev);

	s->hook_now = now;
	s->hook_was = was;
	s->element = riser_reg_index(dev);
}

static int raw_read(struct riser_dev *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	*value = 0x1100 + offset + size;
	return offset < 0x300 && riser_state(dev) ? 0 : -1;
}

static int raw_write(struct riser_dev *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct state *s = riser_state(dev);

	(void)size;
	s->raw_offset = offset;
	s->raw_value = value;
	return 0;
}

static const struct riser_reg regs[] = {
	{ RISER_REG(0x00, struct state, ro), .reset = 0x1234 },
	{ RISER_REG(0x04, struct state, rw), .rw = 0x00ffff00, .reset = 0xff0000ff },
	{ RISER_REG(0x08, struct state, w1c), .w1c = RISER_ALL, .reset = 0xff },
	{ RISER_REG(0x0c, struct state, w1s), .w1s = 0xff },
	{ RISER_REG(0x10, struct state, rc), .rc = 0x0f, .reset = 0xff, .part = 1 },
	{ RISER_REG(0x14, struct state, once), .once = 0xffff, .rw = 0xff0000 },
	{ RISER_REG(0x18, struct state, wo), .rw = RISER_ALL, .flags = RISER_WRITE_ONLY },
	{ RISER_REG(0x1c, struct state, hook), .rw = RISER_ALL, .on_read = on_read,
	  .on_write = on_write },
	{ RISER_REG_ARRAY(0x20, struct state, bytes), .rw = RISER_ALL },
	{ RISER_REG(0x24, struct state, half), .rw = RISER_ALL },
	{ RISER_REG(0x28, struct state, wide), .rw = RISER_ALL, .part = 4 },
	{ RISER_REG(0x30, struct state, strict), .rw = RISER_ALL },
	{ RISER_REG(0x38, struct state, extend), .rw = RISER_ALL, .part = 4,
	  .flags = RISER_EXTEND },
	{ RISER_REG_ARRAY(0x100, struct state, array), .stride = 0x10, .rw = RISER_ALL,
	  .on_read = on_read },
};

static const struct riser_window windows[] = { { RISER_WINDOW(0x40, struct state, window) } };
static const struct riser_bar_ops raw = { raw_read, raw_write };

static const struct riser_bar bars[] = {
	{ .index = 0,
	  .size = 4096,
	  .regs = RISER_REGS(regs),
	  .windows = RISER_WINDOWS(windows),
	  .ops = &raw },
};

static const struct riser_pci_device desc = {
	.size = sizeof(desc),
	.id = { .vendor = 0x1234 },
	.name = "regs",
	.state_size = sizeof(struct state),
	.bars = RISER_BARS(bars),
};

static int start(void **state)
{
	*state = calloc(1, sizeof(struct fake_host));
	fake_host_start(*state, &desc, NULL);
	return 0;
}

static int stop(void **state)
{
	fake_host_stop(*state);
	free(*state);
	return 0;
}

static unsigned long mistakes(const struct fake_host *host, enum riser__mistake kind)
{
	return host->dev->mistakes[kind];
}

static void test_read_only(void **state)
{
	assert_int_equal(fake_host_read(*state, 0, 0, 4), 0x1234);
	fake_host_write(*state, 0, 0, 4, 1);
	assert_int_equal(fake_host_read(*state, 0, 0, 4), 0x1234);
	assert_int_equal(mistakes(*state, RISER__READ_ONLY), 1);
}

static void test_masks(void **state)
{
	fake_host_write(*state, 0, 4, 4, 0x12345678);
	assert_int_equal(fake_host_read(*state, 0, 4, 4), 0xff3456ff);
	fake_host_write(*state, 0, 8, 4, 0x0f);
	assert_int_equal(fake_host_read(*state, 0, 8, 4), 0xf0);
	fake_host_write(*state, 0, 0xc, 4, 0x101);
	fake_host_write(*state, 0, 0xc, 4, 0x10);
	assert_int_equal(fake_host_read(*state, 0, 0xc, 4), 0x11);
}

static void test_read_clears(void **state)
{
	assert_int_equal(fake_host_read(*state, 0, 0x11, 1), 0);
	assert_int_equal(fake_host_read(*state, 0, 0x10, 4), 0xff);
	assert_int_equal(fake_host_read(*state, 0, 0x10, 1), 0xf0);
}

static void test_once(void **state)
{
	struct fake_host *host = *state;

	fake_host_write(host, 0, 0x14, 4, 0x111234);
	fake_host_write(host, 0, 0x14, 4, 0x225678);
	assert_int_equal(fake_host_read(host, 0, 0x14, 4), 0x221234);
	riser__dev_reset(host->dev, RISER_RESET_DEVICE);
	fake_host_write(host, 0, 0x14, 4, 0x5678);
	assert_int_equal(fake_host_read(host, 0, 0x14, 4), 0x5678);
}

static void test_write_only(void **state)
{
	struct fake_host *host = *state;

	fake_host_write(host, 0, 0x18, 4, 7);
	assert_int_equal(((struct state *)riser_state(host->dev))->wo, 7);
	assert_int_equal(fake_host_read(host, 0, 0x18, 4), 0xffffffff);
	assert_int_equal(mistakes(host, RISER__WRITE_ONLY), 1);
}

static void test_hooks(void **state)
{
	struct fake_host *host = *state;
	struct state *s = riser_state(host->dev);

	fake_host_write(host, 0, 0x1c, 4, 5);
	assert_int_equal(s->hook_now, 5);
	assert_int_equal(s->hook_was, 0);
	assert_int_equal(fake_host_read(host, 0, 0x1c, 4), 6);
	assert_int_equal(s->hook, 5);
}

static void test_widths(void **state)
{
	assert_int_equal(fake_host_read(*state, 0, 4, 1), 0xff);
	assert_int_equal(mistakes(*state, RISER__WIDTH), 1);
	fake_host_write(*state, 0, 0x30, 4, 1);
	assert_int_equal(mistakes(*state, RISER__WIDTH), 2);
	assert_int_equal(fake_host_read(*state, 0, 0x30, 8), 0);
	assert_int_equal(mistakes(*state, RISER__WIDTH), 2);
}

/* What is refused says what would take it. */
static void test_the_way_out(void **state)
{
	const struct fake_host *host = *state;

	fake_host_read(*state, 0, 6, 2);
	assert_non_null(strstr(host->last_log, "(rw, 4 bytes; .part = 2 takes it)"));
	fake_host_write(*state, 0, 0x34, 4, 1);
	assert_non_null(strstr(host->last_log, "(strict, 8 bytes; .part = 4 takes it)"));
	fake_host_write(*state, 0, 0x3c, 4, 1);
	assert_non_null(strstr(host->last_log, "RISER_EXTEND takes its start only"));
	fake_host_read(*state, 0, 0x300, 8);
	assert_non_null(strstr(host->last_log, ".split = 4 makes two"));
	fake_host_read(*state, 0, 0x300, 4);
	assert_null(strstr(host->last_log, ".split"));
}

static void test_parts(void **state)
{
	fake_host_write(*state, 0, 0x28, 8, 0x1122334455667788);
	assert_int_equal(fake_host_read(*state, 0, 0x28, 4), 0x55667788);
	assert_int_equal(fake_host_read(*state, 0, 0x2c, 4), 0x11223344);
	fake_host_write(*state, 0, 0x2c, 4, 0xaabbccdd);
	assert_int_equal(fake_host_read(*state, 0, 0x28, 8), 0xaabbccdd55667788);
	assert_int_equal(fake_host_read(*state, 0, 0x28, 2), 0xffff);
}

static void test_extended_parts(void **state)
{
	fake_host_write(*state, 0, 0x38, 8, 0x1122334455667788);
	assert_int_equal(fake_host_read(*state, 0, 0x38, 4), 0x55667788);
	assert_int_equal(fake_host_read(*state, 0, 0x3c, 4), 0xffffffff);
	fake_host_write(*state, 0, 0x3c, 4, 1);
	fake_host_write(*state, 0, 0x38, 4, 0xaabbccdd);
	assert_int_equal(fake_host_read(*state, 0, 0x38, 8), 0xaabbccdd);
}

static void test_arrays(void **state)
{
	struct fake_host *host = *state;
	struct state *s = riser_state(host->dev);

	fake_host_write(host, 0, 0x22, 1, 9);
	assert_int_equal(s->bytes[2], 9);
	fake_host_write(host, 0, 0x120, 4, 40);
	assert_int_equal(fake_host_read(host, 0, 0x120, 4), 41);
	assert_int_equal(s->element, 2);
	assert_int_equal(s->array[2], 40);
}

static void test_window_and_ops(void **state)
{
	struct fake_host *host = *state;
	struct state *s = riser_state(host->dev);

	fake_host_write(host, 0, 0x43, 4, 0x04030201);
	assert_memory_equal(s->window + 3, "\1\2\3\4", 4);
	assert_int_equal(fake_host_read(host, 0, 0x44, 2), 0x0302);
	assert_int_equal(fake_host_read(host, 0, 0x200, 2), 0x1302);
	fake_host_write(host, 0, 0x208, 8, 0x55);
	assert_int_equal(s->raw_offset, 0x208);
	assert_int_equal(fake_host_read(host, 0, 0x300, 1), 0xff);
	assert_int_equal(mistakes(host, RISER__UNCLAIMED), 1);
}

static void test_odd_lengths(void **state)
{
	struct fake_host *host = *state;
	uint8_t bytes[7];

	/* 0x201: one byte, then two, then four: natural alignment decides. */
	assert_int_equal(riser__pci_read(host->dev, 0, 0x201, bytes, 7), 0);
	assert_int_equal(bytes[0], (0x1100 + 0x201 + 1) & 0xff);
	assert_int_equal(bytes[1], (0x1100 + 0x202 + 2) & 0xff);
	assert_int_equal(bytes[3], (0x1100 + 0x204 + 4) & 0xff);
	assert_int_equal(riser__pci_read(host->dev, 0, 4090, bytes, 7), -22);
	assert_int_equal(riser__pci_read(host->dev, 0, 0, bytes, 0), -22);
	assert_int_equal(riser__pci_read(host->dev, 0, UINT64_MAX, bytes, 4), -22);
	assert_int_equal(riser__pci_read(host->dev, 3, 0, bytes, 4), -22);
	assert_int_equal(riser__pci_read(host->dev, 99, 0, bytes, 4), -22);
}

static void test_large_map_finds_each(void **state)
{
	enum { COUNT = 10000 };
	const struct riser_reg reg = {
		.name = "r", .width = 4, .count = COUNT, .stride = 12, .at_stride = 4
	};
	const struct riser_regs table = { .base = &reg, .count = 1, .stride = sizeof(reg) };
	struct riser__regmap *map;

	(void)state;
	assert_int_equal(riser__regmap_create(&table, &map), 0);
	for (uint32_t i = 0; i < COUNT; i++) {
		const struct riser__slot *slot = riser__regmap_find(map, i * 12u + 3);

		assert_non_null(slot);
		assert_int_equal(slot->element, i);
		assert_null(riser__regmap_find(map, i * 12u + 4));
	}
	assert_null(riser__regmap_find(map, UINT64_MAX));
	riser__regmap_destroy(map);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(test_read_only),	TEST(test_masks),
		TEST(test_read_clears), TEST(test_once),
		TEST(test_write_only),	TEST(test_hooks),
		TEST(test_widths),	TEST(test_the_way_out),
		TEST(test_parts),	TEST(test_extended_parts),
		TEST(test_arrays),	TEST(test_window_and_ops),
		TEST(test_odd_lengths), cmocka_unit_test(test_large_map_finds_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
