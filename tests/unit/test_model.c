/* SPDX-License-Identifier: MIT */
/* Descriptors that break a rule are refused, with the table's line and the rule in one line. */
#include "fake_host.h"

#include <errno.h>
#include <string.h>

struct state {
	uint32_t a, b;
	uint64_t c;
};

static const struct riser_pci_device good = {
	.size = sizeof(good),
	.id = { .vendor = 0x1234 },
	.name = "good",
	.state_size = sizeof(struct state),
};

#define ONE(type, ...)                                                                         \
	{                                                                                      \
		.base = (const type[]){ { __VA_ARGS__ } }, .count = 1, .stride = sizeof(type)  \
	}
#define REG_DEVICE(...)                                                                        \
	WITH(.bars = ONE(struct riser_bar, .size = 64,                                         \
			 .regs = ONE(struct riser_reg, __VA_ARGS__)))
#define WITH(...)                                                                              \
	{                                                                                      \
		.size = sizeof(struct riser_pci_device), .name = "d",                          \
		.state_size = sizeof(struct state), __VA_ARGS__                                \
	}

static const struct riser_reg twice[] = {
	{ RISER_REG(0, struct state, c), .rw = RISER_ALL },
	{ RISER_REG(4, struct state, a) },
};
static const struct riser_bar same_bar[] = { { .size = 16 }, { .size = 16 } };
static const struct riser_bar in_mem64[] = { { .size = 16, .kind = RISER_MEM64 },
					     { .size = 16, .index = 1 } };
static const struct riser_window overlapping[] = {
	{ .name = "x", .offset = 0, .size = 8 },
	{ .name = "y", .offset = 4, .size = 4 },
};
static const struct riser_pci_cap two_msi[] = { RISER_MSI(1), RISER_MSI(1) };
static const struct riser_pci_cap too_long[] = { { .kind = RISER_CAP_VENDOR, .size = 100 },
						 { .kind = RISER_CAP_VENDOR, .size = 100 } };
static const struct riser_bar msix_bar[] = { { .size = 4096 } };
static const struct riser_reg same_name[] = { { .name = "r", .width = 1 },
					      { .name = "r", .width = 1, .offset = 1 } };
static const struct riser_field same_field[] = { { RISER_FIELD(struct state, a) },
						 { RISER_FIELD(struct state, a) } };
#define LONG_NAME                                                                              \
	"n234567890123456789012345678901234567890123456789012345678901234567890123456789-81"

static const struct {
	struct riser_pci_device desc;
	const char *says;
} refused[] = {
	{ { .size = sizeof(struct riser_pci_device) }, "needs a .name" },
	{ { .size = sizeof(struct riser_pci_device), .name = "a b" }, "needs a .name" },
	{ WITH(.id = { .vendor = 1, .class_code = 0x1000000 }), "24 bits" },
	{ WITH(.interrupt_pin = 5), "interrupt pin 5" },
	{ WITH(.bars = ONE(struct riser_bar, .size = 100)),
	  "BAR0: size 100 is not a power of two" },
	{ WITH(.bars = ONE(struct riser_bar, .size = 8)), "from 16" },
	{ WITH(.bars = ONE(struct riser_bar, .size = 512, .kind = RISER_IO)), "to 256" },
	{ WITH(.bars = ONE(struct riser_bar, .size = 16, .index = 6)), "0 to 5" },
	{ WITH(.bars = ONE(struct riser_bar, .size = 16, .index = 5, .kind = RISER_MEM64)),
	  "MEM64 one to 4" },
	{ WITH(.bars = ONE(struct riser_bar, .size = 16, .split = 3)), "split 3" },
	{ WITH(.bars = RISER_BARS(same_bar)), "BAR0 is taken" },
	{ WITH(.bars = RISER_BARS(in_mem64)), "BAR1 is taken" },
	{ REG_DEVICE(.name = "r", .width = 3), "width 3" },
	{ REG_DEVICE(.width = 4), "needs a name" },
	{ REG_DEVICE(.name = "r", .width = 4, .offset = 2), "multiple of its width" },
	{ REG_DEVICE(.name = "r", .width = 4, .offset = 64), "ends past" },
	{ REG_DEVICE(.name = "r", .width = 4, .count = 4, .stride = 32), "ends past" },
	{ REG_DEVICE(.name = "r", .width = 4, .count = 5, .stride = 2), "stride 2" },
	{ REG_DEVICE(.name = "r", .width = 4, .count = 2, .at_stride = 2),
	  "at_stride 2 is less" },
	{ REG_DEVICE(.name = "r", .width = 4, .at_stride = 8), "an .at_stride needs a .count" },
	{ REG_DEVICE(.name = "r", .width = 4, .count = 2, .at_stride = 1 << 20),
	  "register 'r'" },
	{ REG_DEVICE(.name = "r", .width = 12, .count = 2),
	  "RISER_REG_STRUCTS takes a member" },
	{ REG_DEVICE(.name = "r", .width = 4, .part = 3), "part 3" },
	{ REG_DEVICE(.name = "r", .width = 4, .at = 100), "outside the state" },
	{ REG_DEVICE(.name = "r", .width = 4, .rw = 3, .w1c = 1), "two of rw" },
	{ REG_DEVICE(.name = "r", .width = 1, .rw = 0x100), "above its 1 bytes" },
	{ REG_DEVICE(.name = "r", .width = 1, .reset = 0x100), "reset value" },
	{ REG_DEVICE(.name = "r", .width = 1,
		     .fields = ONE(struct riser_reg_field, .name = "f", .mask = 5)),
	  "adjacent bits" },
	{ WITH(.bars = ONE(struct riser_bar, .size = 64, .regs = RISER_REGS(twice))),
	  "'c' and 'a' overlap at 0x4" },
	{ WITH(.bars = ONE(struct riser_bar, .size = 64,
			   .windows = RISER_WINDOWS(overlapping))),
	  "'x' and 'y' overlap" },
	{ WITH(.bars = ONE(struct riser_bar, .size = 4096,
			   .windows = ONE(struct riser_window, .name = "w", .size = 100,
					  .shared = true))),
	  "whole pages" },
	{ WITH(.caps = RISER_CAPS(two_msi)), "capability 1: a second MSI" },
	{ WITH(.caps = RISER_CAPS(too_long)), "capability 1 (VENDOR, 100 bytes) does not fit" },
	{ WITH(.caps = ONE(struct riser_pci_cap, .kind = 99)), "no known kind" },
	{ WITH(.caps = ONE(struct riser_pci_cap, .kind = RISER_CAP_MSI, .vectors = 3)),
	  "not 3" },
	{ WITH(.caps = ONE(struct riser_pci_cap, .kind = RISER_CAP_SERIAL)), "RISER_EXPRESS" },
	{ WITH(.caps = ONE(struct riser_pci_cap, .kind = RISER_CAP_PM, .offset = 0x3c)),
	  "at its offset" },
	{ WITH(.caps = ONE(struct riser_pci_cap, .kind = RISER_CAP_MSIX, .vectors = 1)),
	  "no memory BAR" },
	{ WITH(.bars = RISER_BARS(msix_bar),
	       .caps = ONE(struct riser_pci_cap, .kind = RISER_CAP_MSIX, .vectors = 1)),
	  "pending bits overlap" },
	{ WITH(.bars = RISER_BARS(msix_bar),
	       .caps = ONE(struct riser_pci_cap, .kind = RISER_CAP_MSIX, .vectors = 512,
			   .pba = 4096)),
	  "must lie inside BAR0" },
	{ WITH(.fields = ONE(struct riser_field, .name = "f", .width = 4)),
	  "field 'f' needs a .count" },
	{ WITH(.fields = ONE(struct riser_field, .name = "f", .width = 8, .count = 3)),
	  "outside the state" },
	{ WITH(.timers = ONE(struct riser_timer, .name = "t")), "timer 't' needs a .fire" },
	{ WITH(.options = ONE(struct riser_option, .name = "o")), "option 'o': .type 0" },
	{ WITH(.options =
		       ONE(struct riser_option, .name = "romfile", .type = RISER_OPTION_U32)),
	  "'romfile' is the library's" },
	{ WITH(.options = ONE(struct riser_option, .name = "msix", .type = RISER_OPTION_BOOL)),
	  "'msix' is the library's" },
	{ WITH(.options = ONE(struct riser_option, .name = "o", .type = RISER_OPTION_U32,
			      .min = 1)),
	  ".min is above" },
	{ WITH(.bars = ONE(struct riser_bar, .size = 64, .regs = RISER_REGS(same_name))),
	  "two registers of BAR0 are named 'r'" },
	{ WITH(.fields = RISER_FIELDS(same_field)), "two fields are named 'a'" },
	{ REG_DEVICE(.name = LONG_NAME, .width = 4), "more than 80" },
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		struct riser_pci_device desc = refused[i].desc;
		struct riser_error error = { "" };

		if (!desc.id.vendor)
			desc.id.vendor = 0x1234;
		fake_host_refusal(&desc, &error);
		if (!strstr(error.text, refused[i].says))
			fail_msg("case %zu: '%s' does not say '%s'", i, error.text,
				 refused[i].says);
	}
}

static void test_other_abi(void **state)
{
	struct riser_export exported = { RISER_ABI + 1, RISER_PCI, &good };
	struct riser_model *model;
	struct riser_error error;

	(void)state;
	assert_int_not_equal(riser_model_from_export(exported, &model, &error), 0);
	assert_non_null(strstr(error.text, "rebuild it"));
	exported = (struct riser_export){ RISER_ABI, 77, &good };
	assert_int_not_equal(riser_model_from_export(exported, &model, &error), 0);
}

static int failing_init(struct riser_dev *dev)
{
	return riser_fail(dev, -ENODEV, "no %s here", "luck");
}

static void test_failing_init(void **state)
{
	const struct riser_pci_device desc =
		WITH(.id = { .vendor = 0x1234 }, .init = failing_init);
	struct riser_export exported = { RISER_ABI, RISER_PCI, &desc };
	struct riser__host_ops none = { 0 };
	struct riser_model *model;
	struct riser_error error;
	struct riser_dev *dev;

	(void)state;
	assert_int_equal(riser_model_from_export(exported, &model, &error), 0);
	assert_int_equal(riser__dev_create(model, NULL, &none, NULL, false, &error, &dev),
			 -ENODEV);
	assert_string_equal(error.text, "d: no luck here");
	riser_model_close(model);
}

/* What has a default is filled in: nothing behind the check asks for it again. */
static void test_defaults(void **state)
{
	static const struct riser_reg regs[] = { { .name = "r", .width = 2 } };
	static const struct riser_bar bars[] = { { .size = 64, .regs = RISER_REGS(regs) } };
	static const struct riser_reg vendor[] = { { .name = "v", .width = 4, .offset = 4 } };
	static const struct riser_pci_cap caps[] = {
		{ .kind = RISER_CAP_VENDOR, .size = 8, .regs = RISER_REGS(vendor) }
	};
	const struct riser_pci_device desc =
		WITH(.id = { .vendor = 0x1234 }, .bars = RISER_BARS(bars),
		     .caps = RISER_CAPS(caps));
	struct riser_export exported = { RISER_ABI, RISER_PCI, &desc };
	const struct riser_pci_device *pci;
	struct riser_model *model;
	unsigned rows = 0;

	(void)state;
	assert_int_equal(riser_model_from_export(exported, &model, NULL), 0);
	pci = riser_model_pci(model);
	riser_each(bar, &pci->bars) {
		assert_int_equal(bar->split, 8);
		riser_each(reg, &bar->regs) {
			assert_int_equal(riser_index(reg, &bar->regs), rows++);
			assert_int_equal(reg->count, 1);
			assert_int_equal(reg->stride, 2);
			assert_int_equal(reg->at_stride, 2);
		}
	}
	assert_int_equal(pci->caps.base[0].regs.base[0].count, 1);
	assert_int_equal(pci->caps.base[0].regs.base[0].stride, 4);
	assert_int_equal(pci->options.stride, sizeof(struct riser_option));
	riser_each(option, &pci->options)
		fail_msg("an empty table has '%s'", option->name);
	assert_int_equal(rows, 1);
	riser_model_close(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_other_abi),
		cmocka_unit_test(test_failing_init),
		cmocka_unit_test(test_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
