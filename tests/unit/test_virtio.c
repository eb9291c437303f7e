/* SPDX-License-Identifier: MIT */
/* A virtio descriptor's rules, and a driver that does not keep those of the transport. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>

#include <riser/host.h>
#include <riser/virtio.h>

struct state {
	bool met; /* init()'s, which no reset clears */
	uint32_t seen;
	uint8_t bytes[4];
};

#define ONE(type, ...)                                                                         \
	{                                                                                      \
		.base = (const type[]){ { __VA_ARGS__ } }, .count = 1, .stride = sizeof(type)  \
	}
#define WITH(...)                                                                              \
	{                                                                                      \
		.size = sizeof(struct riser_virtio_device), .name = "v", .virtio_id = 4,       \
		.state_size = sizeof(struct state), __VA_ARGS__                                \
	}
#define FEATURE(...) WITH(.features = ONE(struct riser_virtio_feature, __VA_ARGS__))
#define QUEUE(...) WITH(.vqs = ONE(struct riser_vq_desc, __VA_ARGS__))

static const struct riser_virtio_feature same_bit[] = { { .name = "a", .bit = 3 },
							{ .name = "b", .bit = 3 } };

static const struct {
	struct riser_virtio_device desc;
	const char *says;
} refused_models[] = {
	{ { .size = 8 }, "size" },
	{ { .size = sizeof(struct riser_virtio_device) }, "needs a .name" },
	{ { .size = sizeof(struct riser_virtio_device), .name = "v" }, "not 1 to 63" },
	{ { .size = sizeof(struct riser_virtio_device), .name = "v", .virtio_id = 64 },
	  "not 1 to 63" },
	{ WITH(.legacy_default = true), ".legacy_default needs a .transitional_id" },
	{ WITH(.config = ONE(struct riser_reg, .name = "r", .width = 4, .offset = 1 << 20)),
	  "its configuration ends at" },
	{ WITH(.transitional_id = 0x1000,
	       .config = ONE(struct riser_reg, .name = "r", .width = 4, .offset = 240)),
	  "a transitional device's configuration" },
	{ FEATURE(.bit = 1), "feature 0 needs a name" },
	{ FEATURE(.name = "f", .bit = 28), "bit 28 is not 0 to 23 or 50 to 63" },
	{ FEATURE(.name = "f", .bit = 64), "bit 64 is not" },
	{ FEATURE(.name = "f", .bit = 2, .needs = 1), "needs one that is not in the table" },
	{ WITH(.features = RISER_VIRTIO_FEATURES(same_bit)), "bit 3 is taken" },
	{ QUEUE(.size = 8), "queue 0 needs a name" },
	{ QUEUE(.name = "q"), "size 0 is not a power of two" },
	{ QUEUE(.name = "q", .size = 12), "size 12 is not a power of two" },
	{ QUEUE(.name = "q", .size = 8, .count = 60000), "60000 queues; at most" },
};

static void test_models_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused_models) / sizeof(*refused_models); i++) {
		struct riser_export exported = { RISER_ABI, RISER_VIRTIO,
						 &refused_models[i].desc };
		struct riser_error error = { "" };
		struct riser_model *model;

		assert_int_not_equal(riser_model_from_export(exported, &model, &error), 0);
		if (!strstr(error.text, refused_models[i].says))
			fail_msg("case %zu: '%s' does not say '%s'", i, error.text,
				 refused_models[i].says);
	}
}

/* ---- A device to misuse ---- */

enum { PLAIN = 2, NEEDY = 3, FORBIDDEN = 4 };

static int init(struct riser_dev *dev)
{
	struct state *s = riser_state(dev);

	s->met = riser_virtio_offer(dev, 17, true) == -ENOENT &&
		 riser_virtio_set_queues(dev, 1, 1) == -EINVAL &&
		 riser_virtio_set_queues(dev, 0, 0) == -EINVAL &&
		 riser_virtio_set_queues(dev, 0, 3) == -EINVAL;
	return 0;
}

static void reset(struct riser_dev *dev, enum riser_reset kind)
{
	struct state *s = riser_state(dev);

	(void)kind;
	s->seen = s->met;
}

static int negotiate(struct riser_dev *dev, uint64_t features)
{
	(void)dev;
	return features & RISER_VIRTIO_BIT(FORBIDDEN) ? -EINVAL : 0;
}

static const struct riser_virtio_feature features[] = {
	{ .name = "plain", .bit = PLAIN },
	{ .name = "needy", .bit = NEEDY, .needs = RISER_VIRTIO_BIT(PLAIN) },
	{ .name = "forbidden", .bit = FORBIDDEN },
};
static const struct riser_vq_desc queues[] = { { .name = "q", .size = 16, .count = 2 } };
static const struct riser_reg config[] = {
	{ RISER_REG(0, struct state, seen) },
	{ RISER_REG(4, struct state, bytes), .rw = RISER_ALL },
};
static const struct riser_virtio_device misused =
	WITH(.transitional_id = 0x1005, .features = RISER_VIRTIO_FEATURES(features),
	     .vqs = RISER_VQS(queues), .config = RISER_REGS(config), .init = init,
	     .reset = reset, .negotiate = negotiate);
static const struct riser_virtio_device modern = WITH(.vqs = RISER_VQS(queues));

struct stage {
	struct riser_model *model;
	struct riser_host *host;
	unsigned bar;
	uint64_t common, device;
	unsigned access; /* of the capability, in configuration space */
};

static void ignore(void *arg, enum riser_log_level level, const char *device, const char *line)
{
	(void)arg, (void)level, (void)device, (void)line;
}

static int open_stage(struct stage *stage, const struct riser_virtio_device *desc,
		      const char *options, struct riser_error *error)
{
	struct riser_export exported = { RISER_ABI, RISER_VIRTIO, desc };
	struct riser_host_config host = { .size = sizeof(host),
					  .options = options,
					  .log = ignore };

	*stage = (struct stage){ 0 };
	assert_int_equal(riser_model_from_export(exported, &stage->model, error), 0);
	return riser_bench_create(stage->model, &host, &stage->host, error);
}

static void close_stage(struct stage *stage)
{
	riser_host_destroy(stage->host);
	riser_model_close(stage->model);
}

static uint32_t config_get(struct stage *stage, unsigned at, unsigned size)
{
	uint32_t value = 0;

	assert_int_equal(riser_host_config_read(stage->host, at, size, &value), 0);
	return value;
}

static void config_put(struct stage *stage, unsigned at, unsigned size, uint32_t value)
{
	assert_int_equal(riser_host_config_write(stage->host, at, size, value), 0);
}

/* Where the virtio capabilities (virtio 4.1.4) say that things are. */
static void find_places(struct stage *stage)
{
	for (unsigned at = config_get(stage, 0x34, 1); at; at = config_get(stage, at + 1, 1)) {
		unsigned kind = config_get(stage, at + 3, 1);

		if (config_get(stage, at, 1) != 9)
			continue;
		if (kind == VIRTIO_PCI_CAP_COMMON_CFG) {
			stage->bar = config_get(stage, at + 4, 1);
			stage->common = config_get(stage, at + 8, 4);
		}
		if (kind == VIRTIO_PCI_CAP_DEVICE_CFG)
			stage->device = config_get(stage, at + 8, 4);
		if (kind == VIRTIO_PCI_CAP_PCI_CFG)
			stage->access = at;
	}
	assert_int_not_equal(stage->access, 0);
}

static void start_stage(struct stage *stage, const char *options)
{
	struct riser_error error = { "" };

	if (open_stage(stage, &misused, options, &error))
		fail_msg("%s", error.text);
	assert_int_equal(riser_host_enable(stage->host), 0);
	if (!options)
		find_places(stage);
}

static uint64_t get(struct stage *stage, unsigned offset, unsigned size)
{
	uint64_t value = 0;

	assert_int_equal(
		riser_host_read(stage->host, stage->bar, stage->common + offset, size, &value),
		0);
	return value;
}

static void put(struct stage *stage, unsigned offset, unsigned size, uint64_t value)
{
	assert_int_equal(
		riser_host_write(stage->host, stage->bar, stage->common + offset, size, value),
		0);
}

enum {
	BEFORE = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER,
	AGREED = BEFORE | VIRTIO_CONFIG_S_FEATURES_OK
};

/* From the reset to FEATURES_OK; the status that the device shows then. */
static uint8_t ask_for(struct stage *stage, uint64_t bits)
{
	put(stage, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	put(stage, VIRTIO_PCI_COMMON_STATUS, 1, BEFORE);
	for (unsigned word = 0; word < 2; word++) {
		put(stage, VIRTIO_PCI_COMMON_GFSELECT, 4, word);
		put(stage, VIRTIO_PCI_COMMON_GF, 4, bits >> (32 * word) & 0xffffffff);
	}
	put(stage, VIRTIO_PCI_COMMON_STATUS, 1, AGREED);
	return (uint8_t)get(stage, VIRTIO_PCI_COMMON_STATUS, 1);
}

static void test_features_refused(void **state)
{
	const uint64_t version_1 = RISER_VIRTIO_BIT(VIRTIO_F_VERSION_1);
	struct stage stage;

	(void)state;
	start_stage(&stage, NULL);
	assert_int_equal(ask_for(&stage, version_1), AGREED);
	assert_int_equal(ask_for(&stage, 0), BEFORE);
	assert_int_equal(ask_for(&stage, version_1 | RISER_VIRTIO_BIT(20)), BEFORE);
	assert_int_equal(ask_for(&stage, version_1 | RISER_VIRTIO_BIT(NEEDY)), BEFORE);
	assert_int_equal(ask_for(&stage, version_1 | RISER_VIRTIO_BIT(FORBIDDEN)), BEFORE);
	assert_int_equal(
		ask_for(&stage, version_1 | RISER_VIRTIO_BIT(NEEDY) | RISER_VIRTIO_BIT(PLAIN)),
		AGREED);
	/* What was agreed stands. */
	put(&stage, VIRTIO_PCI_COMMON_GFSELECT, 4, 0);
	put(&stage, VIRTIO_PCI_COMMON_GF, 4, 0);
	put(&stage, VIRTIO_PCI_COMMON_GFSELECT, 4, 0);
	assert_int_equal(get(&stage, VIRTIO_PCI_COMMON_GF, 4), 1 << NEEDY | 1 << PLAIN);
	/* There are no more than 64. */
	put(&stage, VIRTIO_PCI_COMMON_DFSELECT, 4, 2);
	assert_int_equal(get(&stage, VIRTIO_PCI_COMMON_DF, 4), 0);
	close_stage(&stage);
}

static void test_running_too_early(void **state)
{
	struct stage stage;

	(void)state;
	start_stage(&stage, NULL);
	put(&stage, VIRTIO_PCI_COMMON_STATUS, 1, BEFORE | VIRTIO_CONFIG_S_DRIVER_OK);
	assert_true(get(&stage, VIRTIO_PCI_COMMON_STATUS, 1) & VIRTIO_CONFIG_S_NEEDS_RESET);
	/* The device's own registers tell what init() met. */
	stage.common = stage.device;
	assert_int_equal(get(&stage, 0, 4), 1);
	close_stage(&stage);
}

static void test_queue_changed_while_enabled(void **state)
{
	struct stage stage;

	(void)state;
	start_stage(&stage, NULL);
	assert_int_equal(ask_for(&stage, RISER_VIRTIO_BIT(VIRTIO_F_VERSION_1)), AGREED);
	put(&stage, VIRTIO_PCI_COMMON_Q_SELECT, 2, 0);
	assert_int_equal(get(&stage, VIRTIO_PCI_COMMON_Q_SIZE, 2), 16);
	put(&stage, VIRTIO_PCI_COMMON_Q_SIZE, 2, 8);
	put(&stage, VIRTIO_PCI_COMMON_Q_DESCLO, 4, 0x1000);
	put(&stage, VIRTIO_PCI_COMMON_Q_AVAILLO, 4, 0x2000);
	put(&stage, VIRTIO_PCI_COMMON_Q_USEDLO, 4, 0x3000);
	put(&stage, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	assert_int_equal(get(&stage, VIRTIO_PCI_COMMON_Q_ENABLE, 2), 1);
	put(&stage, VIRTIO_PCI_COMMON_Q_SIZE, 2, 4);
	put(&stage, VIRTIO_PCI_COMMON_Q_DESCLO, 4, 0x9000);
	assert_int_equal(get(&stage, VIRTIO_PCI_COMMON_Q_SIZE, 2), 8);
	assert_int_equal(get(&stage, VIRTIO_PCI_COMMON_Q_DESCLO, 4), 0x1000);
	put(&stage, VIRTIO_PCI_COMMON_Q_SELECT, 2, 77);
	assert_int_equal(get(&stage, VIRTIO_PCI_COMMON_Q_SIZE, 2), 0);
	close_stage(&stage);
}

static void point(struct stage *stage, uint32_t bar, uint32_t offset, uint32_t length)
{
	config_put(stage, stage->access + 4, 1, bar);
	config_put(stage, stage->access + 8, 4, offset);
	config_put(stage, stage->access + 12, 4, length);
}

/* BARs through configuration space (virtio 4.1.4.9). */
static void test_access_capability(void **state)
{
	uint32_t data;
	struct stage stage;

	(void)state;
	start_stage(&stage, NULL);
	data = stage.access + 16;
	point(&stage, stage.bar, (uint32_t)stage.common + VIRTIO_PCI_COMMON_STATUS, 1);
	config_put(&stage, data, 1, BEFORE);
	assert_int_equal(config_get(&stage, data, 4) & 0xff, BEFORE);
	assert_int_equal(get(&stage, VIRTIO_PCI_COMMON_STATUS, 1), BEFORE);
	point(&stage, stage.bar, (uint32_t)stage.common + VIRTIO_PCI_COMMON_NUMQ, 2);
	assert_int_equal(config_get(&stage, data, 4), 2);
	point(&stage, stage.bar, (uint32_t)stage.common, 4);
	config_put(&stage, data, 4, 1);
	assert_int_equal(get(&stage, VIRTIO_PCI_COMMON_DFSELECT, 4), 1);
	/* Nothing is behind these. */
	point(&stage, 6, 0, 4);
	assert_int_equal(config_get(&stage, data, 4), 0xffffffff);
	point(&stage, stage.bar, (uint32_t)stage.common, 3);
	assert_int_equal(config_get(&stage, data, 4), 0xffffffff);
	point(&stage, stage.bar, (uint32_t)stage.common + 2, 4);
	config_put(&stage, data, 4, 0);
	assert_int_equal(config_get(&stage, data, 4), 0xffffffff);
	point(&stage, stage.bar, 0xfffffffc, 4);
	assert_int_equal(config_get(&stage, data, 4), 0xffffffff);
	config_put(&stage, data, 4, 0);
	assert_int_equal(get(&stage, VIRTIO_PCI_COMMON_DFSELECT, 4), 1);
	close_stage(&stage);
}

/* The header of a legacy device (virtio 4.1.4.10), read back; and what it has no room for. */
static void test_legacy_header(void **state)
{
	struct stage stage;

	(void)state;
	start_stage(&stage, "legacy=on");
	put(&stage, VIRTIO_PCI_STATUS, 1, BEFORE);
	put(&stage, VIRTIO_PCI_QUEUE_SEL, 2, 1);
	assert_int_equal(get(&stage, VIRTIO_PCI_QUEUE_SEL, 2), 1);
	assert_int_equal(get(&stage, VIRTIO_PCI_QUEUE_NUM, 2), 16);
	put(&stage, VIRTIO_PCI_GUEST_FEATURES, 4, 0xffffffff);
	assert_int_equal(get(&stage, VIRTIO_PCI_GUEST_FEATURES, 4),
			 get(&stage, VIRTIO_PCI_HOST_FEATURES, 4));
	put(&stage, VIRTIO_PCI_QUEUE_PFN, 4, 5);
	assert_int_equal(get(&stage, VIRTIO_PCI_QUEUE_PFN, 4), 5);
	put(&stage, VIRTIO_PCI_STATUS, 1, BEFORE | VIRTIO_CONFIG_S_DRIVER_OK);
	assert_int_equal(get(&stage, VIRTIO_PCI_STATUS, 1), BEFORE | VIRTIO_CONFIG_S_DRIVER_OK);
	put(&stage, VIRTIO_PCI_QUEUE_PFN, 4, 0);
	assert_int_equal(get(&stage, VIRTIO_PCI_QUEUE_PFN, 4), 0);
	put(&stage, VIRTIO_PCI_QUEUE_SEL, 2, 9);
	assert_int_equal(get(&stage, VIRTIO_PCI_QUEUE_NUM, 2), 0);
	put(&stage, VIRTIO_PCI_QUEUE_PFN, 4, 7);
	assert_int_equal(get(&stage, VIRTIO_PCI_QUEUE_PFN, 4), 0);
	assert_int_equal(get(&stage, VIRTIO_PCI_HOST_FEATURES, 2), 0xffff);
	/* Its vectors are there only once MSI-X is on; until then the configuration is. */
	assert_int_equal(get(&stage, VIRTIO_PCI_CONFIG_OFF(false), 4), 1);
	assert_int_equal(riser_host_irq_enable(stage.host, RISER_IRQ_MSIX, 2), 0);
	put(&stage, VIRTIO_MSI_CONFIG_VECTOR, 2, 1);
	assert_int_equal(get(&stage, VIRTIO_MSI_CONFIG_VECTOR, 2), 1);
	put(&stage, VIRTIO_MSI_CONFIG_VECTOR, 2, 99);
	assert_int_equal(get(&stage, VIRTIO_MSI_CONFIG_VECTOR, 2), VIRTIO_MSI_NO_VECTOR);
	assert_int_equal(get(&stage, VIRTIO_MSI_QUEUE_VECTOR, 2), VIRTIO_MSI_NO_VECTOR);
	assert_int_equal(get(&stage, VIRTIO_PCI_CONFIG_OFF(true), 4), 1);
	close_stage(&stage);
}

static void test_options_refused(void **state)
{
	struct riser_error error = { "" };
	struct stage stage;

	(void)state;
	assert_int_equal(open_stage(&stage, &misused, "queue_size=12", &error), -EINVAL);
	assert_non_null(strstr(error.text, "12 is not a power of two"));
	close_stage(&stage);
	assert_int_equal(open_stage(&stage, &modern, "legacy=on", &error), -EINVAL);
	assert_non_null(strstr(error.text, "leave it off"));
	close_stage(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_models_refused),
		cmocka_unit_test(test_features_refused),
		cmocka_unit_test(test_running_too_early),
		cmocka_unit_test(test_queue_changed_while_enabled),
		cmocka_unit_test(test_access_capability),
		cmocka_unit_test(test_legacy_header),
		cmocka_unit_test(test_options_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
