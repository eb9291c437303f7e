/* SPDX-License-Identifier: MIT */
#include "harness.h"

#include <stdlib.h>

enum { RNG = 0, SEED = 4 };

static const uint32_t expected[] = { 286129175, 1594929109, 971802288, 222134722, 1335014133 };

static void numbers(struct riser_host *host)
{
	for (int round = 0; round < 2; round++) {
		put(host, 0, SEED, 4, 0x42);
		for (int i = 0; i < 5; i++)
			assert_int_equal(get(host, 0, RNG, 4), expected[i]);
	}
}

static void power_on_is_seed_one(struct riser_host *host)
{
	assert_int_equal(get(host, 0, RNG, 4), 1804289383);
}

/* The C library is the reference. */
static void as_rand(struct riser_host *host)
{
	static const unsigned seeds[] = { 0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff };

	for (size_t s = 0; s < sizeof(seeds) / sizeof(*seeds); s++) {
		srand(seeds[s]);
		put(host, 0, SEED, 4, seeds[s]);
		for (int i = 0; i < 100; i++)
			assert_int_equal(get(host, 0, RNG, 4), rand());
	}
}

static void sequence_goes_on_after_load(struct riser_host *host)
{
	size_t size;
	void *state;

	put(host, 0, SEED, 4, 0x42);
	assert_int_equal(get(host, 0, RNG, 4), expected[0]);
	assert_int_equal(get(host, 0, RNG, 4), expected[1]);
	ok(host, riser_host_save(host, &state, &size));
	put(host, 0, SEED, 4, 7);
	ok(host, riser_host_load(host, state, size));
	free(state);
	for (int i = 2; i < 5; i++)
		assert_int_equal(get(host, 0, RNG, 4), expected[i]);
}

static void mistakes_read_as_ones(struct riser_host *host)
{
	assert_int_equal(get(host, 0, SEED, 4), 0xffffffff);
	assert_int_equal(get(host, 0, RNG, 2), 0xffff);
	assert_int_equal(get(host, 0, 8, 4), 0xffffffff);
	put(host, 0, RNG, 4, 5);
	put(host, 0, SEED, 4, 0x42);
	assert_int_equal(get(host, 0, RNG, 4), expected[0]);
}

int main(void)
{
	static const struct device_test tests[] = {
		{ "numbers", numbers },
		{ "power_on_is_seed_one", power_on_is_seed_one },
		{ "as_rand", as_rand },
		{ "sequence_goes_on_after_load", sequence_goes_on_after_load },
		{ "mistakes_read_as_ones", mistakes_read_as_ones },
	};

	return device_tests_run("my_rng", tests, sizeof(tests) / sizeof(*tests));
}
