/* SPDX-License-Identifier: MIT */
/* Timers: order, exactness, what callbacks may do to them, and what the host is told. */
#include "fake_host.h"

#include <stdlib.h>
#include <string.h>

struct state {
	char order[32];
	unsigned again;	  /* how often `a` arms itself, */
	uint64_t period;  /* for so much later */
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
		riser_timer_arm(dev, 0, s->period);
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
	/* Not what is past: a host that fires what is due until nothing is has to end, too. */
	assert_true(host.deadline == 1011);
	assert_string_equal(run_at(1010), "a");
}

/* A host that is late takes nothing off the period. */
static void test_no_drift(void **state)
{
	(void)state;
	s->again = 1000000;
	s->period = 100;
	riser_timer_arm(host.dev, 0, 100);
	for (uint64_t due = 1100; due < 9000; due += 100) {
		assert_true(host.deadline == due);
		assert_string_equal(run_at(due + due % 97), "a");
	}
	/* Of three that it missed it makes up for each, one a turn. */
	assert_true(host.deadline == 9000);
	for (unsigned i = 0; i < 3; i++) {
		assert_string_equal(run_at(9250), "a");
		assert_true(host.deadline == (i < 2 ? 9251 : 9300));
	}
}

/* What another timer's callback arms counts from there as well. */
static void test_chains_do_not_drift(void **state)
{
	(void)state;
	s->chain = true;
	s->chained = 70;
	riser_timer_arm(host.dev, 0, 10);
	assert_string_equal(run_at(1050), "a");
	assert_true(host.deadline == 1080);
	/* Outside of a timer's callback it is now that counts. */
	riser_timer_arm(host.dev, 1, 10);
	assert_true(host.deadline == 1060);
}

/* A host that was away for a minute is made up for by a second, not by a minute of turns. */
static void test_catches_up_within_bounds(void **state)
{
	const uint64_t second = 1000000000, late = 61 * second;
	unsigned turns = 0;

	(void)state;
	s->again = 1000000;
	s->period = second / 10;
	riser_timer_arm(host.dev, 0, second / 10);
	while (host.deadline <= late + 1) {
		assert_string_equal(run_at(late), "a");
		turns++;
	}
	assert_int_equal(turns, 11);
	assert_true(host.deadline > late + 1 && host.deadline <= late + second / 10);
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
		TEST(test_no_drift),
		TEST(test_chains_do_not_drift),
		TEST(test_catches_up_within_bounds),
		TEST(test_never_overflows),
		TEST(test_reset_cancels),
		TEST(test_a_timer_it_does_not_have),
		TEST(test_the_host_forgets_it_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
