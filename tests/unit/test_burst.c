/* SPDX-License-Identifier: MIT */
/*
 * Accesses over several registers, holes and windows: one outcome, whatever their place and
 * length. And registers that are members of an array of structs.
 */
#include "fake_host.h"

#include "core/buffer.h"
#include "pci/pci.h"

#include <string.h>

enum { SPAN = 0x40 };

struct queue {
	uint8_t id;
	uint32_t head, tail;
	uint64_t base;
};

struct state {
	uint32_t words[4];
	uint64_t wide, halves;
	uint16_t shorts[2];
	uint8_t bytes[4], window[6];
	struct queue queues[3];
	unsigned calls, lanes[8], index;
	uint64_t raw[2];
};

static void note(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct state *s = riser_state(dev);

	(void)now, (void)was;
	s->lanes[s->calls++ % 8] = riser_reg_lanes(dev);
	s->index = riser_reg_index(dev);
}

static int raw_read(struct riser_dev *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	(void)dev, (void)offset, (void)size;
	*value = UINT64_MAX / 3;
	return 0;
}

static int raw_write(struct riser_dev *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct state *s = riser_state(dev);

	s->raw[0] = offset << 8 | size;
	s->raw[1] = value;
	return 0;
}

#define REG(offset, member) RISER_REG(offset, struct state, member), .rw = RISER_ALL
#define REGS(offset, member) RISER_REG_ARRAY(offset, struct state, member), .rw = RISER_ALL
static const struct riser_reg regs[] = {
	{ REGS(0x00, words), .on_write = note },
	{ REG(0x10, wide), .on_write = note },
	{ REG(0x18, halves), .part = 4, .on_write = note },
	{ REGS(0x20, shorts), .on_write = note },
	{ REGS(0x28, bytes), .on_write = note },
	/* 0x24 to 0x28 and 0x2c to 0x31 are holes, the window ends amid a word. */
	{ RISER_REG_STRUCTS(0x40, struct state, queues, head), .rw = RISER_ALL, .stride = 0x10,
	  .on_write = note },
	{ RISER_REG_STRUCTS(0x44, struct state, queues, tail), .rw = RISER_ALL, .stride = 0x10,
	  .reset = 7 },
	{ RISER_REG_STRUCTS(0x48, struct state, queues, base), .once = RISER_ALL,
	  .stride = 0x10 },
};
static const struct riser_window windows[] = { { RISER_WINDOW(0x31, struct state, window) } };
static const struct riser_bar_ops raw = { raw_read, raw_write };

static const struct riser_reg mixed[] = { { REG(0x24, calls) } };
static const struct riser_bar bars[] = {
	{ .index = 0,
	  .size = 256,
	  .regs = RISER_REGS(regs),
	  .windows = RISER_WINDOWS(windows) },
	{ .index = 1, .size = 256, .regs = RISER_REGS(mixed), .zero_holes = true },
	{ .index = 2, .size = 256, .regs = RISER_REGS(mixed), .ops = &raw },
};
static const struct riser_pci_device desc = {
	.size = sizeof(desc),
	.name = "burst",
	.id = { .vendor = 0x1234 },
	.state_size = sizeof(struct state),
	.bars = RISER_BARS(bars),
};

static struct fake_host host;
static struct state *s;

static int start(void **state)
{
	uint16_t memory = 2;

	(void)state;
	fake_host_start(&host, &desc, NULL);
	s = riser_state(host.dev);
	return riser__pci_write(host.dev, RISER__REGION_CONFIG, 4, &memory, 2);
}

static int stop(void **state)
{
	(void)state;
	fake_host_stop(&host);
	return 0;
}

/* What a byte belongs to: where that begins, its size, and the smallest part it takes. */
struct owner {
	unsigned at, size, part;
};

static struct owner owner_of(unsigned offset)
{
	if (offset < 0x10)
		return (struct owner){ offset & ~3u, 4, 4 };
	if (offset < 0x18)
		return (struct owner){ 0x10, 8, 8 };
	if (offset < 0x20)
		return (struct owner){ 0x18, 8, 4 };
	if (offset < 0x24)
		return (struct owner){ offset & ~1u, 2, 2 };
	if (offset >= 0x28 && offset < 0x2c)
		return (struct owner){ offset, 1, 1 };
	if (offset >= 0x31 && offset < 0x37)
		return (struct owner){ offset, 1, 1 };
	return (struct owner){ offset, 1, 0 };
}

/* Whether the byte is reached: every byte of the part it is in has come. */
static bool is_reached(unsigned offset, unsigned at, unsigned length)
{
	struct owner owner = owner_of(offset);
	unsigned first = offset - (owner.part ? (offset - owner.at) % owner.part : 0);

	return owner.part && first >= at && first + owner.part <= at + length;
}

static void read_all(uint8_t *bytes)
{
	for (unsigned i = 0; i < SPAN; i += owner_of(i).part ? owner_of(i).part : 1) {
		if (owner_of(i).part)
			assert_int_equal(
				riser__pci_read(host.dev, 0, i, bytes + i, owner_of(i).part),
				0);
		else
			bytes[i] = 0xff;
	}
}

static void try_burst(unsigned at, unsigned length)
{
	uint8_t before[SPAN], after[SPAN], data[SPAN], got[SPAN];

	memset(s->words, 0x11, offsetof(struct state, queues));
	read_all(before);
	assert_int_equal(riser__pci_read(host.dev, 0, at, got, length), 0);
	for (unsigned i = 0; i < length; i++) {
		data[i] = (uint8_t)(0x80 + i);
		assert_int_equal(got[i],
				 is_reached(at + i, at, length) ? before[at + i] : 0xff);
	}
	assert_int_equal(riser__pci_write(host.dev, 0, at, data, length), 0);
	read_all(after);
	for (unsigned i = 0; i < SPAN; i++) {
		bool reached = i >= at && i < at + length && is_reached(i, at, length);

		assert_int_equal(after[i], reached ? data[i - at] : before[i]);
	}
}

static void test_every_place_and_length(void **state)
{
	(void)state;
	for (unsigned at = 0; at < SPAN; at++) {
		for (unsigned length = 1; length <= SPAN - at; length++)
			try_burst(at, length);
	}
}

static void test_lanes(void **state)
{
	static const unsigned wanted[] = { 0xf, 0xf, 0xf, 0xff, 0xf, 0x3, 0x3, 0x0 };
	const uint8_t data[0x20] = { 0 };

	(void)state;
	/* b, c, d, wide, the lower half of halves: from the lowest up. */
	riser__pci_write(host.dev, 0, 0x04, data, 0x18);
	assert_int_equal(s->calls, 5);
	riser__pci_write(host.dev, 0, 0x20, data, 4);
	assert_int_equal(s->calls, 7);
	assert_memory_equal(s->lanes, wanted, sizeof(wanted));
	fake_host_write(&host, 0, 0x1c, 4, 1);
	assert_int_equal(s->lanes[7], 0xf0);
	fake_host_write(&host, 0, 0x18, 8, 1);
	assert_int_equal(s->lanes[0], 0xff);
}

static void test_holes(void **state)
{
	(void)state;
	assert_int_equal(fake_host_read(&host, 0, 0x24, 4), 0xffffffff);
	assert_int_equal(fake_host_read(&host, 1, 0x20, 4), 0);
	fake_host_write(&host, 1, 0x24, 4, 0xaabbccdd);
	assert_true(fake_host_read(&host, 1, 0x20, 8) == UINT64_C(0xaabbccdd00000000));
	/* Ops have what the register beside them does not. */
	assert_true(fake_host_read(&host, 2, 0x20, 8) == UINT64_C(0xaabbccdd55555555));
	fake_host_write(&host, 2, 0x20, 8, 0x1122334455667788);
	assert_int_equal(s->calls, 0x11223344);
	assert_int_equal(s->raw[0], 0x20 << 8 | 4);
	assert_int_equal(s->raw[1], 0x55667788);
}

static void test_structs(void **state)
{
	(void)state;
	assert_string_equal(regs[5].name, "queues_head");
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(s->queues[i].tail, 7);
		fake_host_write(&host, 0, 0x40 + 0x10 * i, 8,
				(uint64_t)(20 + i) << 32 | (10 + i));
		assert_int_equal(s->index, i);
		fake_host_write(&host, 0, 0x48 + 0x10 * i, 8, 30 + i);
		fake_host_write(&host, 0, 0x48 + 0x10 * i, 8, 99);
	}
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(s->queues[i].id, 0);
		assert_int_equal(s->queues[i].head, 10 + i);
		assert_int_equal(s->queues[i].tail, 20 + i);
		assert_int_equal(s->queues[i].base, 30 + i);
	}
}

/* They are saved and loaded like any other. */
static void test_structs_are_saved(void **state)
{
	struct riser__buffer saved = { 0 };
	struct riser_error error;
	struct queue queues[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		s->queues[i] = (struct queue){ 0, 10 + i, 20 + i, UINT64_C(1) << (40 + i) };
	memcpy(queues, s->queues, sizeof(queues));
	assert_int_equal(riser__dev_save(host.dev, &saved), 0);
	riser__dev_reset(host.dev, RISER_RESET_BUS);
	assert_int_equal(s->queues[2].tail, 7);
	assert_int_equal(riser__dev_load(host.dev, saved.data, saved.size, &error), 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(s->queues[i].head, queues[i].head);
		assert_int_equal(s->queues[i].tail, queues[i].tail);
		assert_true(s->queues[i].base == queues[i].base);
	}
	riser__buffer_free(&saved);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(test_every_place_and_length),
		TEST(test_lanes),
		TEST(test_holes),
		TEST(test_structs),
		TEST(test_structs_are_saved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
