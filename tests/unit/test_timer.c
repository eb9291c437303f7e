/* SPDX-License-Identifier: MIT */
/* Timers: order, exactness, what callbacks may do to them, and what the host is told. */
#include "fake_host.h"

#include <stdlib.h>
#include <string.h>

struct state {
	char order[32];
	unsigned again;	  /* how often `a` arms itself for now */
	bool cancel_b;	  /* `a` does */
	bool chain;	  /* `a` arms `c` for now */
	uint64_t chained; /* `c` is armed for so much later */
};

static void note(struct riser_dev *dev, char what)
{
	struct state *s = riser_state(dev);
	size_t used = strlen(s->order);

	if (used + 1 < sizeof(s->order))
		s->order[used] = what;
}

static void fire_a(struct riser_dev *dev)
{
	struct state *s = riser_state(dev);

	note(dev, 'a');
	assert_false(riser_timer_pending(dev, 0));
	if (s->again) {
		s->again--;
		riser_timer_arm(dev, 0, 0);
	}
	if (s->cancel_b)
		riser_timer_cancel(dev, 1);
	if (s->chain)
		riser_timer_arm(dev, 2, s->chained);
}

static void fire_b(struct riser_dev *dev)
{
	note(dev, 'b');
}

static void fire_c(struct riser_dev *dev)
{
	note(dev, 'c');
}

static const struct riser_timer timers[] = { { "a", fire_a },
					     { "b", fire_b },
					     { "c", fire_c } };
static const struct riser_pci_device desc = {
	.size = sizeof(desc),
	.id = { .vendor = 0x1234 },
	.name = "timer",
	.state_size = sizeof(struct state),
	.timers = RISER_TIMERS(timers),
};

static struct fake_host host;
static struct state *s;

static int start(void **state)
{
	(void)state;
	fake_host_start(&host, &desc, NULL);
	s = riser_state(host.dev);
	host.now = 1000;
	return 0;
}

static int stop(void **state)
{
	(void)state;
	fake_host_stop(&host);
	return 0;
}

static const char *run_at(uint64_t now)
{
	memset(s->order, 0, sizeof(s->order));
	host.now = now;
	riser__dev_run_timers(host.dev);
	return s->order;
}

static void test_the_host_knows_the_next(void **state)
{
	(void)state;
	assert_true(host.deadline == UINT64_MAX);
	riser_timer_arm(host.dev, 1, 50);
	assert_true(host.deadline == 1050);
	riser_timer_arm(host.dev, 0, 20);
	assert_true(host.deadline == 1020);
	riser_timer_arm(host.dev, 0, 90); /* replaces what was set */
	assert_true(host.deadline == 1050);
	assert_string_equal(run_at(1050), "b");
	assert_true(host.deadline == 1090);
	riser_timer_cancel(host.dev, 0);
	assert_true(host.deadline == UINT64_MAX);
	assert_string_equal(run_at(5000), "");
}

static void test_fires_in_order(void **state)
{
	(void)state;
	riser_timer_arm(host.dev, 0, 30);
	riser_timer_arm(host.dev, 1, 20);
	riser_timer_arm(host.dev, 2, 10);
	assert_string_equal(run_at(1009), "");
	assert_string_equal(run_at(1030), "cba");
	for (unsigned i = 3; i-- > 0;)
		riser_timer_arm(host.dev, i, 5);
	assert_string_equal(run_at(1035), "abc");
	assert_string_equal(run_at(9999), "");
}

static void test_armed_in_a_callback(void **state)
{
	(void)state;
	s->chain = true;
	riser_timer_arm(host.dev, 0, 10);
	assert_string_equal(run_at(1010), "ac");
	s->chained = 1;
	riser_timer_arm(host.dev, 0, 0);
	assert_string_equal(run_at(1010), "a");
	assert_true(host.deadline == 1011);
	assert_string_equal(run_at(1011), "c");
}

static void test_cancelled_in_a_callback(void **state)
{
	(void)state;
	s->cancel_b = true;
	riser_timer_arm(host.dev, 0, 10);
	riser_timer_arm(host.dev, 1, 10);
	assert_string_equal(run_at(1010), "a");
	assert_false(riser_timer_pending(host.dev, 1));
}

/* One that is always due must not keep the others, nor the host, from their turn. */
static void test_no_starvation(void **state)
{
	(void)state;
	s->again = 1000000;
	riser_timer_arm(host.dev, 0, 10);
	riser_timer_arm(host.dev, 1, 10);
	riser_timer_arm(host.dev, 2, 10);
	assert_string_equal(run_at(1010), "abc");
	assert_true(host.deadline == 1010);
	assert_string_equal(run_at(1010), "a");
}

static void test_never_overflows(void **state)
{
	(void)state;
	riser_timer_arm(host.dev, 0, UINT64_MAX);
	assert_true(riser_timer_pending(host.dev, 0));
	assert_true(host.deadline == UINT64_MAX - 1);
	host.now = UINT64_MAX - 1;
	riser_timer_arm(host.dev, 1, 7);
	assert_true(riser_timer_pending(host.dev, 1));
	assert_string_equal(run_at(UINT64_MAX - 1), "ab");
}

static void test_reset_cancels(void **state)
{
	(void)state;
	riser_timer_arm(host.dev, 0, 10);
	riser__dev_reset(host.dev, RISER_RESET_BUS);
	assert_false(riser_timer_pending(host.dev, 0));
	assert_true(host.deadline == UINT64_MAX);
}

static void test_a_timer_it_does_not_have(void **state)
{
	(void)state;
	riser_timer_arm(host.dev, 3, 10);
	riser_timer_cancel(host.dev, 3);
	assert_false(riser_timer_pending(host.dev, 3));
	assert_true(host.deadline == UINT64_MAX);
	assert_non_null(strstr(host.last_log, "timer 3"));
}

static void test_the_host_forgets_it_at_the_end(void **state)
{
	(void)state;
	riser_timer_arm(host.dev, 0, 10);
	riser__timers_fini(host.dev);
	assert_true(host.deadline == UINT64_MAX);
	riser__dev_run_timers(host.dev);
	assert_false(riser_timer_pending(host.dev, 0));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(test_the_host_knows_the_next),
		TEST(test_fires_in_order),
		TEST(test_armed_in_a_callback),
		TEST(test_cancelled_in_a_callback),
		TEST(test_no_starvation),
		TEST(test_never_overflows),
		TEST(test_reset_cancels),
		TEST(test_a_timer_it_does_not_have),
		TEST(test_the_host_forgets_it_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
