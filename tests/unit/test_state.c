/* SPDX-License-Identifier: MIT */
/* Saved states: what they hold, between versions of a model, and when they are hostile. */
#include "fake_host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/buffer.h"

enum { BIG = 1 << 30 };

struct state {
	uint32_t control, limit;
	uint16_t lanes[4];
	uint64_t secret;
	uint8_t bytes[5];
	uint32_t fresh; /* what only the newer model knows */
	uint32_t key;
	uint8_t buffer[5000], other[64];
	int refuse;
	unsigned resets, loads;
	uint32_t loaded_version;
};

static void on_reset(struct riser_dev *dev, enum riser_reset kind)
{
	struct state *s = riser_state(dev);

	(void)kind;
	s->resets++;
	s->secret = 77;
	s->fresh = 99;
	memset(s->buffer, 0xee, sizeof(s->buffer));
	memset(s->other, 0xdd, sizeof(s->other));
	riser_timer_arm(dev, 1, 500);
}

static void saving(struct riser_dev *dev)
{
	struct state *s = riser_state(dev);

	s->bytes[4] = 0x55;
}

static int loaded(struct riser_dev *dev, uint32_t version)
{
	struct state *s = riser_state(dev);

	s->loads++;
	s->loaded_version = version;
	if (s->refuse && s->secret == 13)
		return riser_fail(dev, -EPROTO, "a secret of %d is unlucky", 13);
	return 0;
}

static void fire(struct riser_dev *dev)
{
	(void)dev;
}

static const struct riser_reg regs[] = {
	{ RISER_REG(0, struct state, control), .rw = RISER_ALL, .reset = 5 },
	{ RISER_REG(4, struct state, limit), .once = RISER_ALL },
	{ RISER_REG_ARRAY(16, struct state, lanes), .stride = 4, .once = RISER_ALL },
};
static const struct riser_window windows[] = {
	{ RISER_WINDOW(0x2000, struct state, buffer) },
	{ .name = "big", .offset = BIG, .size = BIG, .shared = true },
};
static const struct riser_bar bars[] = {
	{ .index = 0, .size = 64, .regs = RISER_REGS(regs) },
	{ .index = 2,
	  .size = UINT64_C(2) * BIG,
	  .kind = RISER_MEM64,
	  .windows = RISER_WINDOWS(windows) },
	{ .index = 1, .size = 4096 },
};
static const struct riser_reg vendor_regs[] = {
	{ RISER_REG(4, struct state, key), .once = RISER_ALL },
};
static const struct riser_pci_cap caps[] = {
	RISER_MSIX(3, 1, 0, 2048),
	{ .kind = RISER_CAP_VENDOR,
	  .size = 8,
	  .regs = RISER_REGS(vendor_regs),
	  .offset = 0x80 },
};
static const struct riser_field fields[] = {
	{ RISER_FIELD(struct state, secret) },
	{ RISER_FIELD_ARRAY(struct state, bytes) },
};
static const struct riser_timer timers[] = { { "poll", fire }, { "late", fire } };
static const struct riser_pci_device desc = {
	.size = sizeof(desc),
	.id = { .vendor = 0x1234 },
	.name = "saved",
	.interrupt_pin = 1,
	.version = 3,
	.state_size = sizeof(struct state),
	.bars = RISER_BARS(bars),
	.caps = RISER_CAPS(caps),
	.fields = RISER_FIELDS(fields),
	.timers = RISER_TIMERS(timers),
	.reset = on_reset,
	.saving = saving,
	.loaded = loaded,
};

static struct fake_host host, other;
static struct state *s, *t;
static struct riser__buffer saved, again;
static struct riser_error error;

static int start(void **state)
{
	(void)state;
	fake_host_start(&host, &desc, NULL);
	fake_host_start(&other, &desc, NULL);
	s = riser_state(host.dev);
	t = riser_state(other.dev);
	host.now = 1000;
	other.now = 70000;
	return 0;
}

static int stop(void **state)
{
	(void)state;
	fake_host_stop(&host);
	fake_host_stop(&other);
	riser__buffer_free(&saved);
	riser__buffer_free(&again);
	return 0;
}

static void save(struct fake_host *from, struct riser__buffer *to)
{
	riser__buffer_free(to);
	assert_int_equal(riser__dev_save(from->dev, to), 0);
}

static int load(struct fake_host *to)
{
	return riser__dev_load(to->dev, saved.data, saved.size, &error);
}

/* A device in which nothing is as after a reset. */
static void make_interesting(void)
{
	fake_host_write(&host, 0, 0, 4, 0x11223344);
	fake_host_write(&host, 0, 4, 4, 1234);
	fake_host_write(&host, 0, 24, 2, 0xabcd);
	fake_host_write(&host, RISER__REGION_CONFIG, 0x84, 4, 4711);
	fake_host_write(&host, 1, 16, 8, 0x1fee00000);
	s->secret = 0x123456789abcdef0;
	memcpy(s->bytes, "ABCDE", 5);
	memset(s->buffer, 0, sizeof(s->buffer));
	s->buffer[4999] = 0x42;
	((uint8_t *)riser_window(host.dev, 2, 1))[BIG - 1] = 0x99;
	riser_timer_arm(host.dev, 0, 250);
	riser_timer_cancel(host.dev, 1);
	riser_irq_raise(host.dev, 1);
}

static void test_moves_everything(void **state)
{
	(void)state;
	make_interesting();
	save(&host, &saved);
	((uint8_t *)riser_window(other.dev, 2, 1))[0] = 1;
	assert_int_equal(load(&other), 0);
	assert_int_equal(t->control, 0x11223344);
	assert_int_equal(t->lanes[2], 0xabcd);
	assert_true(t->secret == 0x123456789abcdef0);
	assert_memory_equal(t->bytes, "ABCD\x55", 5);
	assert_int_equal(t->buffer[0], 0);
	assert_int_equal(t->buffer[4999], 0x42);
	assert_int_equal(((uint8_t *)riser_window(other.dev, 2, 1))[BIG - 1], 0x99);
	assert_int_equal(((uint8_t *)riser_window(other.dev, 2, 1))[0], 0);
	assert_true(other.deadline == 70250);
	assert_false(riser_timer_pending(other.dev, 1));
	assert_true(other.intx);
	assert_true(fake_host_read(&other, 1, 16, 8) == 0x1fee00000);
	assert_int_equal(t->loaded_version, 3);
	save(&other, &again);
	assert_int_equal(again.size, saved.size);
	assert_memory_equal(again.data, saved.data, saved.size);
}

static void test_write_once_stays_written(void **state)
{
	(void)state;
	make_interesting();
	save(&host, &saved);
	assert_int_equal(load(&other), 0);
	fake_host_write(&other, 0, 4, 4, 1);
	fake_host_write(&other, 0, 24, 2, 1);
	fake_host_write(&other, RISER__REGION_CONFIG, 0x84, 4, 1);
	assert_int_equal(t->limit, 1234);
	assert_int_equal(t->lanes[2], 0xabcd);
	assert_int_equal(t->key, 4711);
	fake_host_write(&other, 0, 28, 2, 7); /* this element was not written yet */
	assert_int_equal(t->lanes[3], 7);
}

/* A register, a field, a timer and a window more, others gone: compatible both ways. */
static const struct riser_reg newer_regs[] = {
	{ .name = "early",
	  .offset = 48,
	  .width = 4,
	  .at = offsetof(struct state, fresh),
	  .reset = 8,
	  .once = RISER_ALL },
	{ RISER_REG(0, struct state, control), .rw = RISER_ALL, .reset = 5 },
	{ RISER_REG_ARRAY(16, struct state, lanes), .stride = 4, .once = RISER_ALL },
};
static const struct riser_window newer_windows[] = {
	{ RISER_WINDOW(0x2000, struct state, buffer) },
	{ RISER_WINDOW(0x4000, struct state, other) },
};
static const struct riser_bar newer_bars[] = {
	{ .index = 0, .size = 64, .regs = RISER_REGS(newer_regs) },
	{ .index = 2,
	  .size = UINT64_C(2) * BIG,
	  .kind = RISER_MEM64,
	  .windows = RISER_WINDOWS(newer_windows) },
	{ .index = 1, .size = 4096 },
};
static const struct riser_field newer_fields[] = {
	{ RISER_FIELD_ARRAY(struct state, bytes) },
	{ .name = "since4", .at = offsetof(struct state, resets), .width = 4, .count = 1 },
};
static const struct riser_timer newer_timers[] = { { "poll", fire },
						   { "newer", fire },
						   { "late", fire } };

static void start_newer(struct fake_host *newer)
{
	struct riser_pci_device newer_desc = desc;

	newer_desc.version = 4;
	newer_desc.bars = (struct riser_bars)RISER_BARS(newer_bars);
	newer_desc.fields = (struct riser_fields)RISER_FIELDS(newer_fields);
	newer_desc.timers = (struct riser_timers)RISER_TIMERS(newer_timers);
	fake_host_stop(newer);
	fake_host_start(newer, &newer_desc, NULL);
	newer->now = 70000;
}

static void test_into_a_newer_model(void **state)
{
	(void)state;
	make_interesting();
	save(&host, &saved);
	start_newer(&other);
	t = riser_state(other.dev);
	assert_int_equal(load(&other), 0);
	assert_int_equal(t->loaded_version, 3);
	assert_int_equal(t->control, 0x11223344);
	assert_int_equal(t->lanes[2], 0xabcd);
	assert_true(t->secret == 77);
	assert_int_equal(t->fresh, 99);
	assert_int_equal(t->other[0], 0xdd); /* a window the state does not have */
	assert_int_equal(t->buffer[0], 0);
	assert_true(riser_timer_pending(other.dev, 0));
	assert_true(riser_timer_pending(other.dev, 1)); /* as the reset left it */
	assert_false(riser_timer_pending(other.dev, 2));
}

static void test_into_an_older_model(void **state)
{
	(void)state;
	start_newer(&host);
	fake_host_write(&host, 0, 0, 4, 21);
	save(&host, &saved);
	assert_int_equal(load(&other), 0);
	assert_int_equal(t->loaded_version, 4);
	assert_int_equal(t->control, 21);
	assert_int_equal(t->limit, 0);
	assert_true(t->secret == 77);
}

static void refused(int code, const char *says)
{
	uint32_t control = t->control;
	unsigned resets = t->resets;

	save(&other, &again);
	assert_int_equal(load(&other), code);
	if (!strstr(error.text, says))
		fail_msg("'%s' does not say '%s'", error.text, says);
	assert_int_equal(strncmp(error.text, "saved: ", 7), 0);
	assert_int_equal(t->control, control);
	assert_int_equal(t->resets, resets);
}

static void test_another_shape(void **state)
{
	struct riser_pci_device changed = desc;
	const struct riser_field wider[] = { { RISER_FIELD_ARRAY(struct state, bytes) } };
	struct riser_field longer[1];

	(void)state;
	memcpy(longer, wider, sizeof(longer));
	longer[0].count = 4;
	changed.fields = (struct riser_fields)RISER_FIELDS(longer);
	fake_host_stop(&host);
	fake_host_start(&host, &changed, NULL);
	save(&host, &saved);
	refused(-EINVAL, "saved 'bytes' is 4 values of 1 bytes, the device has 5 of 1");
	changed.name = "alien";
	changed.fields = desc.fields;
	fake_host_stop(&host);
	fake_host_start(&host, &changed, NULL);
	save(&host, &saved);
	refused(-EINVAL, "of another device, 'alien'");
	saved.data[0] = 'x';
	refused(-EINVAL, "not a saved state");
}

/* Where the record of `kind` named `name` begins. */
static uint8_t *record(unsigned kind, const char *name)
{
	size_t length = strlen(name);

	for (uint8_t *at = saved.data; at + 20 + length < saved.data + saved.size; at++) {
		if (at[0] == kind && at[2] == length && !memcmp(at + 20, name, length))
			return at;
	}
	fail_msg("no record '%s'", name);
	return NULL;
}

/* A width of 0 makes its data end before it begins. */
static void test_record_without_its_bytes(void **state)
{
	uint8_t *pci;

	(void)state;
	save(&host, &saved);
	pci = record(5, "pci");
	pci[1] = 0;
	memset(pci + 23, 0, 20);
	saved.size = (size_t)(pci + 23 + 20 - saved.data);
	refused(-EINVAL, "cut off or damaged");
}

static void test_twice_or_not_at_all(void **state)
{
	(void)state;
	s->secret = 12;
	save(&host, &saved);
	record(2, "secret")[25] = 'T'; /* a field that nobody knows */
	assert_int_equal(load(&other), 0);
	assert_true(t->secret == 77);
	save(&host, &saved);
	record(1, "cap1.key")[0] = 5;
	refused(-EINVAL, "cut off or damaged");
	save(&host, &saved);
	record(5, "pci")[0] = 200;
	refused(-EINVAL, "cut off or damaged");
	save(&host, &saved);
	memcpy(record(4, "poll") + 20, "late", 4);
	refused(-EINVAL, "has 'late' twice");
}

static void test_every_cut_is_refused(void **state)
{
	size_t whole;

	(void)state;
	make_interesting();
	save(&host, &saved);
	whole = saved.size;
	for (size_t size = 0; size < whole; size++) {
		/* A copy of its own, so that a read past it is seen. */
		uint8_t *part = malloc(size ? size : 1);

		memcpy(part, saved.data, size);
		assert_int_equal(riser__dev_load(other.dev, part, size, &error), -EINVAL);
		free(part);
	}
	assert_int_equal(t->loads, 0);
	assert_int_equal(t->control, 5);
	riser__buffer_add(&saved, "", 1);
	refused(-EINVAL, "cut off or damaged");
}

/* Any byte changed: it is taken or it is refused, and refused it leaves all as it was. */
static void test_every_damage(void **state)
{
	static const uint8_t flips[] = { 0x01, 0x80, 0xff };
	unsigned taken = 0, refusals = 0;

	(void)state;
	make_interesting();
	save(&host, &saved);
	for (size_t i = 0; i < 3 * saved.size; i++) {
		unsigned loads = t->loads;

		saved.data[i / 3] ^= flips[i % 3];
		if (load(&other)) {
			assert_int_equal(t->loads, loads);
			assert_null(strchr(error.text, '\n'));
			refusals++;
		} else {
			taken++;
		}
		saved.data[i / 3] ^= flips[i % 3];
	}
	assert_true(taken > 0 && refusals > 0);
	assert_int_equal(load(&other), 0);
	save(&other, &again);
	assert_int_equal(again.size, saved.size);
	assert_memory_equal(again.data, saved.data, saved.size);
}

static void test_the_device_has_the_last_word(void **state)
{
	struct riser__buffer before = { 0 };

	(void)state;
	make_interesting();
	s->secret = 13;
	save(&host, &saved);
	t->refuse = 1;
	fake_host_write(&other, 0, 0, 4, 31);
	riser_timer_arm(other.dev, 0, 44);
	save(&other, &before);
	assert_int_equal(load(&other), -EPROTO);
	assert_string_equal(error.text,
			    "saved: the saved state of version 3: a secret of 13 is unlucky");
	assert_int_equal(t->control, 31);
	assert_true(other.dev->timers.deadlines[0] == 70044);
	save(&other, &again);
	assert_int_equal(again.size, before.size);
	assert_memory_equal(again.data, before.data, before.size);
	riser__buffer_free(&before);
}

/* Nobody pays for what nobody wrote. */
static void test_large_windows_are_sparse(void **state)
{
	struct stat st;

	(void)state;
	make_interesting();
	save(&host, &saved);
	assert_true(saved.size < 32768);
	assert_int_equal(load(&other), 0);
	assert_int_equal(load(&other), 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(fstat((i ? &other : &host)->dev->pci->bars[2].fd, &st), 0);
		assert_true(st.st_blocks * 512 <= 2 << 20);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(test_moves_everything),
		TEST(test_write_once_stays_written),
		TEST(test_into_a_newer_model),
		TEST(test_into_an_older_model),
		TEST(test_another_shape),
		TEST(test_record_without_its_bytes),
		TEST(test_twice_or_not_at_all),
		TEST(test_every_cut_is_refused),
		TEST(test_every_damage),
		TEST(test_the_device_has_the_last_word),
		TEST(test_large_windows_are_sparse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
