/* SPDX-License-Identifier: MIT */
/*
 * Member by member, what a descriptor may not say: of a function's identity, its interrupts,
 * registers, capabilities, options and saved fields, and of a virtio device.
 */
#include "fake_host.h"

#include <string.h>

struct state {
	uint32_t a, b;
	uint64_t c;
	char *text;
};

static uint64_t on_read(struct riser_dev *dev, uint64_t stored)
{
	(void)dev;
	return stored;
}

static void fire(struct riser_dev *dev)
{
	(void)dev;
}

#define ONE(type, ...)                                                                         \
	{                                                                                      \
		.base = (const type[]){ { __VA_ARGS__ } }, .count = 1, .stride = sizeof(type)  \
	}
#define WITH(...)                                                                              \
	{                                                                                      \
		.size = sizeof(struct riser_pci_device), .name = "d",                          \
		.state_size = sizeof(struct state), __VA_ARGS__                                \
	}
#define BAR(...) WITH(.bars = ONE(struct riser_bar, __VA_ARGS__))
#define REG(...) BAR(.size = 64, .regs = ONE(struct riser_reg, __VA_ARGS__))
#define CAP(...) WITH(.caps = ONE(struct riser_pci_cap, __VA_ARGS__))
#define OPTION(...) WITH(.options = ONE(struct riser_option, .name = "o", __VA_ARGS__))
#define FIELD(...) WITH(.fields = ONE(struct riser_field, __VA_ARGS__))
#define R .name = "r", .width = 4

static const struct riser_reg_field twins[] = { { "f", 1, NULL }, { "f", 2, NULL } };
static const struct riser_reg wide[] = { { RISER_REG(8, struct state, c) } };
static const struct riser_reg header[] = { { .name = "r", .width = 1, .offset = 2 } };
static const struct riser_reg content[] = { { .name = "r", .width = 1, .offset = 3 } };
static const struct riser_reg at_text[] = {
	{ .name = "r", .width = 4, .at = offsetof(struct state, text) + 4 }
};
static const struct riser_window text_window[] = {
	{ .name = "w", .size = 16, .at = offsetof(struct state, c) }
};
static const struct riser_option path[] = { { RISER_OPTION(PATH, struct state, text) } };
static const struct riser_pci_cap msi[] = { RISER_MSI(4) };
static const struct riser_pci_cap both[] = { RISER_MSI(16), RISER_MSIX(8, 0, 0, 2048) };
static const struct riser_pci_cap more_msix[] = { RISER_MSI(8), RISER_MSIX(16, 0, 0, 2048) };
static const struct riser_bar big[] = { { .size = UINT64_C(1) << 34, .kind = RISER_MEM64 } };
static const struct riser_bar page[] = { { .size = 4096 } };
static const struct riser_bar large[] = { { .size = 65536 } };

/* NULL: it is taken. */
static const struct {
	struct riser_pci_device desc;
	const char *says;
} rules[] = {
	/* Identity (PCI 6.2.1). */
	{ WITH(.id = { .device = 1 }), ".id.vendor 0 is nobody's" },
	{ WITH(.id = { .vendor = 0xffff }), ".id.vendor 0xffff" },
	{ WITH(.id = { 1, 1, 0xffff, 1 }), ".id.subvendor 0xffff" },
	{ WITH(.id = { 1, 1, 0, 1 }), ".id.subvendor 0 " },
	{ WITH(.id = { 1, .class_code = 0x060400 }), "a bridge's" },
	{ WITH(.id = { 1, .class_code = 0x060401 }), "a bridge's" },
	{ WITH(.id = { 1, .class_code = 0x060700 }), "a bridge's" },
	{ WITH(.id = { 1, .class_code = 0x060980 }), "a bridge's" },
	{ WITH(.id = { 1, .class_code = 0x060000 }), NULL },
	{ WITH(.id = { 1, .class_code = 0x060100 }), NULL },
	/* Sizes. */
	{ WITH(.dma_mask = 0x1234), ".dma_mask 0x1234" },
	{ WITH(.dma_mask = ~UINT64_C(1)), "no mask of low bits" },
	{ WITH(.dma_mask = 1), NULL },
	{ WITH(.dma_mask = 0xfffffff), NULL },
	{ { .size = sizeof(struct riser_pci_device),
	    .name = "d",
	    .state_size = (size_t)3 << 30 },
	  ".state_size 3221225472" },
	/* Interrupts. */
	{ WITH(.vectors = 1), NULL },
	{ WITH(.vectors = 2), ".vectors is 2, but it has 1 at most" },
	{ WITH(.vectors = 5000, .interrupt_pin = 1), ".vectors is 5000" },
	{ WITH(.vectors = 4, .caps = RISER_CAPS(msi)), NULL },
	{ WITH(.vectors = 5, .caps = RISER_CAPS(msi)), "it has 4 at most" },
	/* A vector past MSI-X's table has no message there, whatever MSI has. */
	{ WITH(.vectors = 8, .caps = RISER_CAPS(both), .bars = RISER_BARS(page)), NULL },
	{ WITH(.vectors = 9, .caps = RISER_CAPS(both), .bars = RISER_BARS(page)),
	  "it has 8 at most: those of its MSI-X" },
	{ WITH(.vectors = 16, .caps = RISER_CAPS(more_msix), .bars = RISER_BARS(page)), NULL },
	/* BARs. */
	{ BAR(.size = 4096, .kind = 7), "kind 7" },
	{ BAR(.size = 4096, .kind = -1), "kind -1" },
	{ BAR(.size = 0), "size 0" },
	{ BAR(.size = UINT64_C(1) << 32), "size 4294967296" },
	{ BAR(.size = UINT64_C(1) << 63, .kind = RISER_MEM64), "not a power of two from 16" },
	{ BAR(.size = UINT64_C(1) << 31), NULL },
	{ BAR(.size = UINT64_C(1) << 62, .kind = RISER_MEM64), NULL },
	{ BAR(.size = 64, .kind = RISER_IO, .prefetchable = true), "only memory is prefetch" },
	{ BAR(.size = 64, .split = 16), "split 16" },
	{ BAR(.size = 64, .windows = ONE(struct riser_window, .size = 4)), "without a name" },
	{ BAR(.size = 64, .windows = ONE(struct riser_window, .name = "w")),
	  "'w' does not lie inside" },
	{ BAR(.size = 64, .windows = ONE(struct riser_window, .name = "w", .size = 8,
					 .offset = UINT64_MAX - 4)),
	  "'w' does not lie inside" },
	{ BAR(.size = 64,
	      .windows = ONE(struct riser_window, .name = "w", .size = 64, .at = 8)),
	  "'w' lies outside the state" },
	{ BAR(.size = 64, .kind = RISER_IO,
	      .windows = ONE(struct riser_window, .name = "w", .size = 64, .shared = true)),
	  "only memory is shared" },
	/* Registers. */
	{ REG(R, .flags = 8), ".flags 0x8" },
	{ REG(R, .flags = RISER_WRITE_ONLY, .on_read = on_read), "RISER_WRITE_ONLY, but" },
	{ REG(R, .flags = RISER_WRITE_ONLY, .rc = 1), "RISER_WRITE_ONLY, but" },
	{ REG(R, .flags = RISER_PURE_READ, .rc = 1), "RISER_PURE_READ, but" },
	{ REG(R, .rc = UINT64_C(1) << 32), ".rc has bits above its 4 bytes" },
	{ REG(R, .rc = RISER_ALL), NULL },
	{ REG(R, .w1s = UINT64_C(1) << 32), "bits above its 4 bytes" },
	{ REG(R, .once = UINT64_C(1) << 32), "bits above its 4 bytes" },
	{ REG(R, .stride = 8), "a .stride needs a .count" },
	{ REG(R, .stride = 6, .count = 2), "stride 6 is not a multiple" },
	{ REG(R, .offset = 2), "offset 0x2 is not a multiple" },
	{ REG(R, .offset = UINT64_MAX - 3), "ends past" },
	{ REG(R, .count = UINT32_MAX), "outside the state" },
	{ REG(R, .at = UINT32_MAX), "outside the state" },
	{ REG(R, .fields = RISER_REG_FIELDS(twins)), "two fields are named 'f'" },
	{ REG(R, .fields = ONE(struct riser_reg_field, .mask = 1)), "field 0 needs a name" },
	{ REG(R, .fields = ONE(struct riser_reg_field, .name = "f")), "mask 0 is not" },
	{ REG(.name = "a.b", .width = 4), "needs a name of letters" },
	{ BAR(.size = 64, .split = 4, .regs = RISER_REGS(wide)), "it needs a .part" },
	{ BAR(.size = 64, .kind = RISER_IO, .regs = RISER_REGS(wide)), "more than 4 bytes" },
	{ BAR(.size = 64, .regs = RISER_REGS(wide)), NULL },
	/* Capabilities (PCI 6.7 and 6.8). */
	{ CAP(.kind = RISER_CAP_PM, .vectors = 7), ".vectors says nothing of PM" },
	{ CAP(.kind = RISER_CAP_MSI, .vectors = 1, .bar = 3), ".bar says nothing of MSI" },
	{ CAP(.kind = RISER_CAP_PM, .integrated = true), ".integrated says nothing" },
	{ CAP(.kind = RISER_CAP_PM, .mapped_only = true), ".mapped_only says nothing" },
	{ CAP(.kind = RISER_CAP_PM, .size = 9), ".size says nothing" },
	{ CAP(.kind = RISER_CAP_PM, .table = 8), ".table says nothing" },
	{ CAP(.kind = RISER_CAP_PM, .pba = 8), ".pba says nothing" },
	{ CAP(.kind = RISER_CAP_PM, .serial = 8), ".serial says nothing" },
	{ CAP(.kind = RISER_CAP_PM, .data = "x"), ".data says nothing" },
	{ CAP(.kind = RISER_CAP_PM, .regs = RISER_REGS(content)), ".regs says nothing" },
	{ CAP(.kind = -1), "no known kind" },
	{ CAP(.kind = RISER_CAP_VENDOR, .size = 8, .offset = 0x41), ".offset 0x41" },
	{ CAP(.kind = RISER_CAP_VENDOR, .size = 8, .offset = 0xfc), "at its offset" },
	{ CAP(.kind = RISER_CAP_VENDOR, .size = 3), "not 3" },
	{ CAP(.kind = RISER_CAP_VENDOR, .size = 8, .regs = RISER_REGS(header)),
	  "register 'r' is in the capability's header" },
	{ CAP(.kind = RISER_CAP_VENDOR, .size = 8, .regs = RISER_REGS(content)), NULL },
	{ WITH(.bars = RISER_BARS(page),
	       .caps = ONE(struct riser_pci_cap, RISER_CAP_MSIX, .vectors = 1, .table = 4)),
	  "at a multiple of 8" },
	{ WITH(.bars = RISER_BARS(large), .caps = ONE(struct riser_pci_cap, RISER_CAP_MSIX,
						      .vectors = 2049, .pba = 0x9000)),
	  "1 to 2048" },
	{ WITH(.bars = RISER_BARS(page),
	       .caps = ONE(struct riser_pci_cap, RISER_CAP_MSIX, .vectors = 1, .bar = 200)),
	  "BAR200" },
	{ WITH(.bars = RISER_BARS(big), .caps = ONE(struct riser_pci_cap, RISER_CAP_MSIX,
						    .vectors = 1, .pba = UINT64_C(1) << 32)),
	  "at most 32 bits" },
	/* Options. */
	{ OPTION(.type = 99), ".type 99" },
	{ OPTION(.type = RISER_OPTION_U32, .value = "x"), "its own default, 'x'" },
	{ OPTION(.type = RISER_OPTION_U32, .value = "5", .max = 4), "its own default, '5'" },
	{ OPTION(.type = RISER_OPTION_U32, .value = "4294967296"), "its own default" },
	{ OPTION(.type = RISER_OPTION_BOOL, .value = "maybe"), "its own default" },
	{ OPTION(.type = RISER_OPTION_TIME, .value = "5"), "its own default" },
	{ OPTION(.type = RISER_OPTION_TIME, .value = "5ms"), NULL },
	{ OPTION(.type = RISER_OPTION_U32, .max = UINT64_C(1) << 32), "more than 32 bits" },
	{ OPTION(.type = RISER_OPTION_BOOL, .max = 1), "only a number has" },
	{ OPTION(.type = RISER_OPTION_STRING, .min = 1, .max = 1), "only a number has" },
	{ OPTION(.type = RISER_OPTION_U32, .value = "1", .required = true), "is required and" },
	{ OPTION(.type = RISER_OPTION_U64, .at = sizeof(struct state) - 4),
	  "outside the state" },
	{ WITH(.options = RISER_OPTIONS(path)), NULL },
	{ WITH(.options = RISER_OPTIONS(path),
	       .bars = ONE(struct riser_bar, .size = 64, .regs = RISER_REGS(at_text))),
	  "option 'text' and 'r' are in the same place" },
	{ WITH(.options = RISER_OPTIONS(path),
	       .bars = ONE(struct riser_bar, .size = 64,
			   .windows = RISER_WINDOWS(text_window))),
	  "option 'text' and 'w' are in the same place" },
	{ WITH(.options = RISER_OPTIONS(path),
	       .fields = ONE(struct riser_field, .name = "f", .width = 8, .count = 4)),
	  "option 'text' and 'f' are in the same place" },
	/* What is saved. */
	{ FIELD(.width = 4, .count = 1), "field 0 needs a name" },
	{ FIELD(.name = "f", .width = 3, .count = 1), "field 'f': width 3" },
	{ FIELD(.name = "f", .width = 4), "field 'f' needs a .count" },
	{ FIELD(.name = "f", .width = 4, .count = UINT32_MAX), "outside the state" },
	{ FIELD(.name = "f", .width = 4, .count = 1, .since = 2), ".since 2, but" },
	{ WITH(.timers = ONE(struct riser_timer, NULL, fire)), "timer 0 needs a name" },
};

static void test_pci(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		struct riser_pci_device desc = rules[i].desc;
		struct riser_error error = { "" };
		struct fake_host host;

		if (!desc.id.vendor && !desc.id.device)
			desc.id.vendor = 0x1234;
		if (rules[i].says)
			fake_host_refusal(&desc, &error);
		else
			fake_host_start(&host, &desc, NULL);
		if (!rules[i].says)
			fake_host_stop(&host);
		else if (!strstr(error.text, rules[i].says))
			fail_msg("case %zu: '%s' does not say '%s'", i, error.text,
				 rules[i].says);
	}
}

#define VIRTIO(...)                                                                            \
	{                                                                                      \
		.size = sizeof(struct riser_virtio_device), .name = "v", .virtio_id = 42,      \
		.state_size = sizeof(struct state), __VA_ARGS__                                \
	}
#define CONFIG(...) VIRTIO(.config = ONE(struct riser_reg, __VA_ARGS__))
#define QUEUE(...) VIRTIO(.vqs = ONE(struct riser_vq_desc, __VA_ARGS__))

static const struct riser_virtio_feature same_features[] = { { "f", 1 }, { "f", 2 } };
static const struct riser_vq_desc same_queues[] = { { "q", 8 }, { "q", 8 } };
static const struct riser_vq_desc many_queues[] = { { "p", 8, 1000 }, { "q", 8, 25 } };

static const struct {
	struct riser_virtio_device desc;
	const char *says;
} virtio_rules[] = {
	{ VIRTIO(.version = 0), NULL },
	{ VIRTIO(.transitional_id = 0xfff), ".transitional_id 0xfff" },
	{ VIRTIO(.transitional_id = 0x1040), ".transitional_id 0x1040" },
	{ VIRTIO(.class_code = 0x1000000), "24 bits" },
	{ { .size = sizeof(struct riser_virtio_device),
	    .name = "v",
	    .virtio_id = 1,
	    .state_size = UINT32_MAX },
	  ".state_size 4294967295" },
	{ VIRTIO(.features = ONE(struct riser_virtio_feature, .name = "a b")),
	  "feature 0 needs a name" },
	{ VIRTIO(.features = ONE(struct riser_virtio_feature, .name = "f", .bit = 49)),
	  "bit 49" },
	{ VIRTIO(.features = ONE(struct riser_virtio_feature, .name = "f", .needs = 1)),
	  "'f' needs itself" },
	{ VIRTIO(.features = RISER_VIRTIO_FEATURES(same_features)), "two features are named" },
	{ QUEUE(.name = "a b", .size = 8), "queue 0 needs a name" },
	{ QUEUE(.name = "q", .size = 32769), "size 32769" },
	{ QUEUE(.name = "q", .size = 8, .request_size = UINT32_MAX), ".request_size" },
	{ VIRTIO(.vqs = RISER_VQS(same_queues)), "two queues are named 'q'" },
	{ VIRTIO(.vqs = RISER_VQS(many_queues)), "1025 queues; at most" },
	{ CONFIG(R, .offset = UINT64_MAX - 0x1fff), "its configuration ends at" },
	{ CONFIG(R, .offset = UINT64_MAX - 3, .count = 2), "ends past" },
	{ CONFIG(R, .at = sizeof(struct state)), "outside the state" },
	{ CONFIG(R, .offset = 8188), NULL },
	{ CONFIG(R, .offset = 8192), "its configuration ends at" },
	{ VIRTIO(.fields = ONE(struct riser_field, .name = "f", .width = 4, .count = 1,
			       .at = sizeof(struct state) + 64)),
	  "'f' lies outside the state" },
	{ VIRTIO(.options = ONE(struct riser_option, .name = "o", .type = RISER_OPTION_U32,
				.at = sizeof(struct state) + 64)),
	  "'o' lies outside the state" },
	{ VIRTIO(.options =
			 ONE(struct riser_option, .name = "packed", .type = RISER_OPTION_BOOL)),
	  "two options are named 'packed'" },
};

static void test_virtio(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(virtio_rules) / sizeof(*virtio_rules); i++) {
		struct riser_export exported = { RISER_ABI, RISER_VIRTIO,
						 &virtio_rules[i].desc };
		const char *says = virtio_rules[i].says;
		struct riser_error error = { "" };
		struct riser_model *model;
		int ret = riser_model_from_export(exported, &model, &error);

		riser_model_close(model);
		if (!ret != !says)
			fail_msg("case %zu: %s", i, ret ? error.text : "taken");
		if (says && !strstr(error.text, says))
			fail_msg("case %zu: '%s' does not say '%s'", i, error.text, says);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pci),
		cmocka_unit_test(test_virtio),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
