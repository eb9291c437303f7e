/* SPDX-License-Identifier: MIT */
/* Where riser_host_enable() puts BARs: where their kind may be, and nothing else is. */
#include "fake_host.h"

#include <errno.h>
#include <string.h>

#include <riser/host.h>

#define K(n) (UINT64_C(n) << 10)
#define M(n) (UINT64_C(n) << 20)
#define G(n) (UINT64_C(n) << 30)

static const struct {
	struct riser_bar bars[6];
	uint64_t memory, memory_at;
	const char *refused; /* NULL: there is room */
} cases[] = {
	{ { { 0, .size = K(4) } }, 0, 0, NULL },
	{ { { 0, .size = 16 }, { 1, .size = M(1) }, { 2, .size = 16 } }, 0, 0, NULL },
	{ { { 0, RISER_IO, .size = 4 }, { 1, RISER_IO, .size = 256 } }, 0, 0, NULL },
	{ { { 0, .size = K(4) }, { 1, .size = G(1) }, { 2, .size = K(4) } }, 0, 0, NULL },
	{ { { 0, .size = K(4) }, { 1, .size = G(1) }, { 2, .size = G(1) } }, 0, 0, NULL },
	{ { { 0, .size = G(2) } }, 0, 0, NULL },
	{ { { 0, .size = G(2) }, { 1, .size = G(1) }, { 2, .size = M(512) } }, 0, 0, NULL },
	{ { { 0, .size = G(2) }, { 1, .size = G(2) } }, 0, 0, "BAR1: there is no room" },
	{ { { 0, .size = K(4) }, { 1, .size = G(2) } }, M(16), G(3), "BAR1: there is no room" },
	{ { { 0, .size = K(4) } }, M(16), G(3), NULL },
	{ { { 0, .size = M(256) } }, M(16), G(3), NULL },
	{ { { 0, .size = M(1) } }, M(64), G(4) - M(64), NULL },
	{ { { 0, .size = K(4) } }, G(4), 0, "0x1000 bytes of memory below 4 GiB" },
	{ { { 0, RISER_MEM64, .size = K(4) } }, G(4), 0, NULL },
	{ { { 0, RISER_MEM64, .size = K(4) } }, M(16), G(64), NULL },
	{ { { 0, RISER_MEM64, .size = G(1) }, { 2, RISER_MEM64, .size = G(256) } },
	  M(16),
	  G(64),
	  NULL },
	{ { { 0, RISER_MEM64, .size = K(4) } }, M(16), -M(16), NULL },
	{ { { 0, RISER_MEM64, .size = UINT64_C(1) << 62 },
	    { 2, RISER_MEM64, .size = UINT64_C(1) << 62 },
	    { 4, RISER_MEM64, .size = UINT64_C(1) << 62 } },
	  0,
	  0,
	  NULL },
	{ { { 0, RISER_MEM64, .size = UINT64_C(1) << 62 },
	    { 2, RISER_MEM64, .size = UINT64_C(1) << 62 },
	    { 4, RISER_MEM64, .size = UINT64_C(1) << 62 } },
	  M(16),
	  UINT64_C(1) << 63,
	  "BAR4: there is no room" },
	{ { { 0, .prefetchable = true, .size = M(16) },
	    { 1, RISER_IO, .size = 64 },
	    { 2, RISER_MEM64, true, .size = M(16) },
	    { 4, RISER_MEM64, .size = K(16) } },
	  0,
	  0,
	  NULL },
};

static void check_place(const struct riser_host_bar *bar, const struct riser_host_bar *all,
			uint64_t memory, uint64_t memory_at)
{
	uint64_t last = bar->address + bar->size - 1;

	assert_true(bar->address && bar->address % bar->size == 0 && last > bar->address);
	if (bar->kind == RISER_IO)
		assert_true(last <= 0xffff);
	if (bar->kind == RISER_MEM32)
		assert_true(last <= UINT32_MAX);
	if (bar->kind != RISER_IO)
		assert_true(last < memory_at || bar->address > memory_at + memory - 1);
	for (unsigned i = 0; i < 6; i++) {
		bool same = (all[i].kind == RISER_IO) == (bar->kind == RISER_IO);

		if (&all[i] != bar && all[i].size && same)
			assert_true(last < all[i].address ||
				    bar->address > all[i].address + all[i].size - 1);
	}
}

/* As configuration space has it, too. */
static void check_register(struct riser_host *host, unsigned index,
			   const struct riser_host_bar *bar)
{
	uint32_t low, high = 0;

	assert_int_equal(riser_host_config_read(host, 16 + 4 * index, 4, &low), 0);
	if (bar->kind == RISER_MEM64)
		riser_host_config_read(host, 20 + 4 * index, 4, &high);
	low &= bar->kind == RISER_IO ? ~3u : ~15u;
	assert_true(bar->address == (low | (uint64_t)high << 32));
}

static void check_case(struct riser_host *host, uint64_t memory, uint64_t memory_at,
		       const char *says)
{
	struct riser_host_bar bars[6];
	uint32_t command;
	int ret = riser_host_enable(host);

	if (ret != (says ? -ENOSPC : 0))
		fail_msg("%d: %s", ret, riser_host_error(host));
	if (says && !strstr(riser_host_error(host), says))
		fail_msg("'%s' does not say '%s'", riser_host_error(host), says);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(riser_host_bar(host, i, &bars[i]), 0);
	riser_host_config_read(host, 4, 2, &command);
	assert_int_equal(!command, ret != 0);
	for (unsigned i = 0; i < 6; i++) {
		if (ret)
			assert_true(!bars[i].size && !bars[i].address);
		if (!bars[i].size)
			continue;
		check_place(&bars[i], bars, memory, memory_at);
		check_register(host, i, &bars[i]);
	}
}

static void test_places(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct riser_pci_device desc = { .size = sizeof(desc),
						 .name = "bars",
						 .id = { .vendor = 0x1234 },
						 .bars = RISER_BARS(cases[i].bars) };
		struct riser_host_config config = { .size = sizeof(config),
						    .memory = cases[i].memory,
						    .memory_at = cases[i].memory_at };
		struct riser_export exported = { RISER_ABI, RISER_PCI, &desc };
		struct riser_model *model;
		struct riser_error error;
		struct riser_host *host;

		for (desc.bars.count = 0; cases[i].bars[desc.bars.count].size;)
			desc.bars.count++;
		if (riser_model_from_export(exported, &model, &error) ||
		    riser_bench_create(model, &config, &host, &error))
			fail_msg("case %zu: %s", i, error.text);
		/* A second time nothing is different. */
		for (unsigned times = 0; times < 2; times++)
			check_case(host, config.memory ? config.memory : M(16),
				   config.memory_at, cases[i].refused);
		riser_host_destroy(host);
		riser_model_close(model);
	}
}

/* Memory that would go round, or is no whole pages, is refused when the host is made. */
static void test_memory(void **state)
{
	static const uint64_t bad[][2] = { { 4095, 0 },
					   { 4096, 1 },
					   { M(16), -M(8) },
					   { UINT64_MAX - 4095, 0 },
					   { G(1) << 33, 0 } };
	const struct riser_pci_device desc = { .size = sizeof(desc),
					       .name = "memory",
					       .id = { .vendor = 0x1234 } };
	struct riser_model *model;
	struct riser_error error;

	(void)state;
	assert_int_equal(
		riser_model_from_export((struct riser_export){ RISER_ABI, RISER_PCI, &desc },
					&model, &error),
		0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct riser_host_config config = { .size = sizeof(config),
						    .memory = bad[i][0],
						    .memory_at = bad[i][1] };
		struct riser_host *host;

		error.text[0] = '\0';
		assert_int_not_equal(riser_bench_create(model, &config, &host, &error), 0);
		assert_null(host);
		assert_string_not_equal(error.text, "");
	}
	riser_model_close(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
