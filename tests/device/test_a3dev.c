/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void one_buffer_in_two_windows(struct riser_host *host)
{
	for (uint32_t i = 0; i < 64; i++) {
		put(host, 0, 4 * i, 4, i);
		assert_int_equal(get(host, 1, 4 * i, 4), i);
		put(host, 1, 4 * i, 4, ~i);
		assert_int_equal(get(host, 0, 4 * i, 4), ~i);
	}
}

static void any_width_and_alignment(struct riser_host *host)
{
	put(host, 0, 0, 8, 0x8877665544332211);
	assert_int_equal(get(host, 0, 1, 1), 0x22);
	assert_int_equal(get(host, 1, 1, 2), 0x3322);
	assert_int_equal(get(host, 0, 3, 4), 0x77665544);
	put(host, 1, 5, 2, 0xabcd);
	assert_true(get(host, 0, 0, 8) == 0x88abcd5544332211);
}

static void identity(struct riser_host *host)
{
	struct riser_host_bar bar;
	uint32_t value;

	ok(host, riser_host_config_read(host, 0, 4, &value));
	assert_int_equal(value, 0x19191234);
	ok(host, riser_host_config_read(host, 8, 4, &value));
	assert_int_equal(value, 0x00ff0081);
	ok(host, riser_host_bar(host, 0, &bar));
	assert_true(bar.size == 256 && bar.kind == RISER_MEM32 && !bar.prefetchable);
	ok(host, riser_host_bar(host, 1, &bar));
	assert_true(bar.size == 256 && bar.kind == RISER_IO);
	refused(host, riser_host_read(host, 0, 256, 1, &(uint64_t){ 0 }), -22);
}

int main(void)
{
	static const struct device_test tests[] = {
		{ "one_buffer_in_two_windows", one_buffer_in_two_windows },
		{ "any_width_and_alignment", any_width_and_alignment },
		{ "identity", identity },
	};

	return device_tests_run("a3dev", tests, sizeof(tests) / sizeof(*tests));
}
