/* SPDX-License-Identifier: MIT */
/*
 * A saved state of a device of another shape is refused, with what differs in words, and
 * nothing of it is taken over; of the same shape it is taken.
 */
#include "fake_host.h"

#include <errno.h>
#include <string.h>
#include <linux/pci_regs.h>

#include "core/buffer.h"

struct state {
	uint32_t a, b;
	uint8_t bytes[16];
};

static const struct riser_reg regs[] = {
	{ RISER_REG(0, struct state, a), .rw = RISER_ALL },
	{ RISER_REG(8, struct state, b), .rw = RISER_ALL },
};
static const struct riser_reg turned[] = {
	{ RISER_REG(8, struct state, b), .rw = RISER_ALL },
	{ RISER_REG(0, struct state, a), .rw = RISER_ALL },
};
static const struct riser_reg moved[] = {
	{ RISER_REG(0, struct state, a), .rw = RISER_ALL },
	{ RISER_REG(16, struct state, b), .rw = RISER_ALL },
};
static const struct riser_reg renamed[] = {
	{ RISER_REG(0, struct state, a), .rw = RISER_ALL },
	{ .name = "c", .offset = 8, .width = 4, .at = offsetof(struct state, b), .rw = ~0u },
};
static const struct riser_reg fewer[] = { { RISER_REG(0, struct state, a), .rw = ~0u } };
static const struct riser_window windows[] = { { RISER_WINDOW(0x100, struct state, bytes) } };
static const struct riser_window far_windows[] = { { RISER_WINDOW(0x200, struct state,
								  bytes) } };
#define BAR_WITH(r, w)                                                                         \
	{                                                                                      \
		.size = 8192, .regs = RISER_REGS(r), .windows = RISER_WINDOWS(w)               \
	}
static const struct riser_bar bars[] = { BAR_WITH(regs, windows), { .index = 2, .size = 16 } };
static const struct riser_bar bars_turned[] = { { .index = 2, .size = 16 },
						BAR_WITH(turned, windows) };
static const struct riser_bar bars_moved[] = { BAR_WITH(moved, windows),
					       { .index = 2, .size = 16 } };
static const struct riser_bar bars_renamed[] = { BAR_WITH(renamed, windows),
						 { .index = 2, .size = 16 } };
static const struct riser_bar bars_fewer[] = { BAR_WITH(fewer, windows),
					       { .index = 2, .size = 16 } };
static const struct riser_bar bars_far[] = { BAR_WITH(regs, far_windows),
					     { .index = 2, .size = 16 } };
static const struct riser_bar bars_larger[] = { BAR_WITH(regs, windows),
						{ .index = 2, .size = 32 } };
static const struct riser_bar bars_ports[] = { BAR_WITH(regs, windows),
					       { .index = 2, .size = 16, .kind = RISER_IO } };
static const struct riser_bar bars_wide[] = { BAR_WITH(regs, windows),
					      { .index = 2, .size = 16, .kind = RISER_MEM64 } };
static const struct riser_bar bars_prefetch[] = {
	BAR_WITH(regs, windows), { .index = 2, .size = 16, .prefetchable = true }
};
static const struct riser_bar bars_index[] = { BAR_WITH(regs, windows),
					       { .index = 3, .size = 16 } };
static const struct riser_bar bars_one[] = { BAR_WITH(regs, windows) };

#define VENDOR(n, bytes)                                                                       \
	{                                                                                      \
		.kind = RISER_CAP_VENDOR, .size = (n), .data = (bytes)                         \
	}
#define MSIX(n, table_, pba_) RISER_MSIX(n, 0, table_, pba_)
static const struct riser_pci_cap caps[] = { RISER_PM, RISER_MSI(4), MSIX(4, 0x1000, 0x1800),
					     VENDOR(8, "hello") };
static const struct riser_pci_cap caps_order[] = { RISER_MSI(4), RISER_PM,
						   MSIX(4, 0x1000, 0x1800),
						   VENDOR(8, "hello") };
static const struct riser_pci_cap caps_msi[] = { RISER_PM, RISER_MSI(2),
						 MSIX(4, 0x1000, 0x1800), VENDOR(8, "hello") };
static const struct riser_pci_cap caps_masks[] = {
	RISER_PM,
	{ .kind = RISER_CAP_MSI, .vectors = 4, .mapped_only = true },
	MSIX(4, 0x1000, 0x1800),
	VENDOR(8, "hello")
};
static const struct riser_pci_cap caps_msix[] = { RISER_PM, RISER_MSI(4),
						  MSIX(5, 0x1000, 0x1800), VENDOR(8, "hello") };
static const struct riser_pci_cap caps_table[] = { RISER_PM, RISER_MSI(4),
						   MSIX(4, 0x1100, 0x1800),
						   VENDOR(8, "hello") };
static const struct riser_pci_cap caps_pba[] = { RISER_PM, RISER_MSI(4),
						 MSIX(4, 0x1000, 0x1900), VENDOR(8, "hello") };
static const struct riser_pci_cap caps_content[] = { RISER_PM, RISER_MSI(4),
						     MSIX(4, 0x1000, 0x1800),
						     VENDOR(8, "world") };
static const struct riser_pci_cap caps_length[] = { RISER_PM, RISER_MSI(4),
						    MSIX(4, 0x1000, 0x1800),
						    VENDOR(9, "hello") };
static const struct riser_pci_cap caps_more[] = { RISER_PM, RISER_MSI(4),
						  MSIX(4, 0x1000, 0x1800), VENDOR(8, "hello"),
						  VENDOR(4, "x") };
static const struct riser_pci_cap caps_fewer[] = { RISER_PM, RISER_MSI(4),
						   MSIX(4, 0x1000, 0x1800) };
static const struct riser_pci_cap caps_place[] = { { .kind = RISER_CAP_PM, .offset = 0x80 },
						   RISER_MSI(4),
						   MSIX(4, 0x1000, 0x1800),
						   VENDOR(8, "hello") };
static const struct riser_pci_cap caps_soft[] = { { .kind = RISER_CAP_PM, .soft_reset = true },
						  RISER_MSI(4),
						  MSIX(4, 0x1000, 0x1800),
						  VENDOR(8, "hello") };

static const struct riser_pci_device desc = {
	.size = sizeof(desc),
	.name = "shape",
	.id = { 0x1234, 10, 0x1af4, 7, 0x00ff00, 1 },
	.interrupt_pin = 1,
	.vectors = 4,
	.version = 3,
	.state_size = sizeof(struct state),
	.bars = RISER_BARS(bars),
	.caps = RISER_CAPS(caps),
};

#define OTHER(...)                                                                             \
	{                                                                                      \
		.size = sizeof(desc), .name = "shape", .state_size = sizeof(struct state),     \
		__VA_ARGS__                                                                    \
	}
#define BARS(b) OTHER(.bars = RISER_BARS(b))
#define CAPS(c) OTHER(.caps = RISER_CAPS(c))

/* Members that are 0 are those of the device above. */
static const struct {
	struct riser_pci_device desc;
	const char *it_has, *device_has; /* NULL: it is taken */
} others[] = {
	{ OTHER(.version = 3), NULL, NULL },
	{ BARS(bars_turned), NULL, NULL },
	{ OTHER(.id = { 0x1235, 10, 0x1af4, 7, 0x00ff00, 1 }), "'identity 1235:000a", "1234:" },
	{ OTHER(.id = { 0x1234, 11, 0x1af4, 7, 0x00ff00, 1 }), "1234:000b", "1234:000a" },
	{ OTHER(.id = { 0x1234, 10, 0x1af4, 8, 0x00ff00, 1 }), "1af4:0008", "1af4:0007" },
	{ OTHER(.id = { 0x1234, 10, 0x1af4, 7, 0x020000, 1 }), "class 020000", "class 00ff00" },
	{ OTHER(.id = { 0x1234, 10, 0x1af4, 7, 0x00ff00, 2 }), "revision 02", "revision 01" },
	{ OTHER(.interrupt_pin = 2), "'interrupt pin INTB'", "'interrupt pin INTA'" },
	{ OTHER(.vectors = 3), "'3 interrupts'", "'4 interrupts'" },
	{ BARS(bars_larger), "'BAR2 of 32 bytes", "'BAR2 of 16 bytes" },
	{ BARS(bars_ports), "16 bytes of I/O'", "16 bytes of 32-bit memory'" },
	{ BARS(bars_wide), "of 64-bit memory'", "of 32-bit memory'" },
	{ BARS(bars_prefetch), "memory, prefetchable'", "memory'" },
	{ BARS(bars_index), "'BAR3 of", "'BAR2 of" },
	{ BARS(bars_one), "'PM at 0x40'", "'BAR2 of" },
	{ CAPS(caps_order), "'MSI at 0x40, 4 vectors'", "'PM at 0x40'" },
	{ CAPS(caps_place), "'PM at 0x80'", "'PM at 0x40'" },
	{ CAPS(caps_soft), "'PM at 0x40, reset on the way to D0'", "'PM at 0x40'" },
	{ CAPS(caps_msi), "'MSI at 0x48, 2 vectors'", "'MSI at 0x48, 4 vectors'" },
	{ CAPS(caps_masks), "4 vectors without masks'", "4 vectors'" },
	{ CAPS(caps_msix), "'MSIX at 0x60, 5 vectors", "'MSIX at 0x60, 4 vectors" },
	{ CAPS(caps_table), "table at BAR0+0x1100", "table at BAR0+0x1000" },
	{ CAPS(caps_pba), "pending bits at 0x1900'", "pending bits at 0x1800'" },
	{ CAPS(caps_content), "8 bytes, content ", "8 bytes, content " },
	{ CAPS(caps_length), "9 bytes", "8 bytes" },
	{ CAPS(caps_more), "it has 'VENDOR at", "the device has nothing" },
	{ CAPS(caps_fewer), "it has nothing", "'VENDOR at" },
	{ BARS(bars_moved), "'bar0.b at 0x10, 1 of 4 bytes'", "'bar0.b at 0x8" },
	{ BARS(bars_renamed), "'bar0.c at 0x8", "'bar0.b at 0x8" },
	{ BARS(bars_fewer), "it has 'bar0.bytes at 0x100", "the device has 'bar0.b at" },
	{ BARS(bars_far), "'bar0.bytes at 0x200", "'bar0.bytes at 0x100" },
	/* Between versions registers and windows may come, go and move. */
	{ OTHER(.bars = RISER_BARS(bars_fewer), .version = 4), NULL, NULL },
	{ OTHER(.bars = RISER_BARS(bars_moved), .version = 2), NULL, NULL },
	{ OTHER(.bars = RISER_BARS(bars_ports), .version = 4), "I/O", "memory" },
};

static struct riser_pci_device complete(const struct riser_pci_device *other)
{
	struct riser_pci_device all = desc;

	if (other->id.vendor)
		all.id = other->id;
	if (other->interrupt_pin)
		all.interrupt_pin = other->interrupt_pin;
	if (other->vectors)
		all.vectors = other->vectors;
	if (other->version)
		all.version = other->version;
	if (other->bars.count)
		all.bars = other->bars;
	if (other->caps.count)
		all.caps = other->caps;
	return all;
}

static void expect(const char *text, const char *it_has, const char *device_has)
{
	const char *where = strstr(text, " where ");

	if (strncmp(text, "shape: the saved state is of another shape: it has ", 51) ||
	    !where || !strstr(text, it_has) || strstr(text, it_has) > where ||
	    !strstr(where, device_has))
		fail_msg("'%s' does not say '%s' and '%s'", text, it_has, device_has);
}

static void save_other(const struct riser_pci_device *other, struct riser__buffer *saved)
{
	struct fake_host host;

	fake_host_start(&host, other, NULL);
	fake_host_write(&host, 0, 0, 4, 0x1234);
	fake_host_write(&host, RISER__REGION_CONFIG, PCI_BASE_ADDRESS_0, 4, 0xd0000000);
	assert_int_equal(riser__dev_save(host.dev, saved), 0);
	fake_host_stop(&host);
}

static void test_shapes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct riser_pci_device other = complete(&others[i].desc);
		struct riser__buffer saved = { 0 }, before = { 0 }, after = { 0 };
		struct riser_error error = { "" };
		struct fake_host host;
		int ret;

		save_other(&other, &saved);
		fake_host_start(&host, &desc, NULL);
		fake_host_write(&host, 0, 0, 4, 0x77);
		assert_int_equal(riser__dev_save(host.dev, &before), 0);
		ret = riser__dev_load(host.dev, saved.data, saved.size, &error);
		if (ret != (others[i].it_has ? -EINVAL : 0))
			fail_msg("case %zu: %d: %s", i, ret, error.text);
		if (ret) {
			expect(error.text, others[i].it_has, others[i].device_has);
			assert_int_equal(riser__dev_save(host.dev, &after), 0);
			assert_int_equal(before.size, after.size);
			assert_memory_equal(before.data, after.data, after.size);
		} else {
			assert_int_equal(fake_host_read(&host, 0, 0, 4), 0x1234);
		}
		fake_host_stop(&host);
		riser__buffer_free(&saved);
		riser__buffer_free(&before);
		riser__buffer_free(&after);
	}
}

/* The first byte of the record of the shape that is called `name`. */
static uint8_t *shape_record(struct riser__buffer *saved, const char *name)
{
	for (uint8_t *at = saved->data; at + 30 < saved->data + saved->size; at++) {
		if (at[0] == 7 && at[1] == 1 && !memcmp(at + 20, name, strlen(name)))
			return at;
	}
	fail_msg("no record '%s'", name);
	return NULL;
}

/* Without a shape, with one twice, or with one that is not text, nothing is taken. */
static void test_hostile(void **state)
{
	static const char *const names[] = { "function", "registers" };
	struct riser__buffer saved = { 0 };
	struct riser_error error;
	struct fake_host host;

	(void)state;
	save_other(&desc, &saved);
	fake_host_start(&host, &desc, NULL);
	for (unsigned i = 0; i < 2; i++) {
		uint8_t *at = shape_record(&saved, names[i]);

		*at = 200; /* of a kind that nobody knows */
		assert_int_equal(riser__dev_load(host.dev, saved.data, saved.size, &error),
				 -EINVAL);
		*at = 7;
		at[20 + strlen(names[i])] = 0x1b;
		assert_int_equal(riser__dev_load(host.dev, saved.data, saved.size, &error),
				 -EINVAL);
		assert_non_null(strstr(error.text, "it has '?"));
		at[20 + strlen(names[i])] = i ? 'b' : 'i';
	}
	memcpy(shape_record(&saved, "registers") + 20, "registerz", 9);
	assert_int_equal(riser__dev_load(host.dev, saved.data, saved.size, &error), -EINVAL);
	memcpy(shape_record(&saved, "registerz") + 20, "registers", 9);
	assert_int_equal(riser__dev_load(host.dev, saved.data, saved.size, &error), 0);
	fake_host_stop(&host);
	riser__buffer_free(&saved);
}

/* A function with neither registers nor windows has a shape of no bytes. */
static void test_bare(void **state)
{
	const struct riser_pci_device bare = { .size = sizeof(bare),
					       .name = "bare",
					       .id = { .vendor = 0x1234 } };
	struct riser__buffer saved = { 0 };
	struct riser_error error;
	struct fake_host host;

	(void)state;
	fake_host_start(&host, &bare, NULL);
	assert_int_equal(riser__dev_save(host.dev, &saved), 0);
	assert_int_equal(riser__dev_load(host.dev, saved.data, saved.size, &error), 0);
	fake_host_stop(&host);
	riser__buffer_free(&saved);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bare),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
