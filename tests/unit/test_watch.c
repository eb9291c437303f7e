/* SPDX-License-Identifier: MIT */
/* Watches: what the host is told, and watches that end in the middle of a callback. */
#include "fake_host.h"

#include <errno.h>
#include <poll.h>

static const struct riser_pci_device desc = { .size = sizeof(desc),
					      .id = { .vendor = 0x1234 },
					      .name = "watch" };
static struct fake_host host;
static struct riser_watch *watches[3];
static unsigned calls;
static short last_events;
static bool end_own, end_others;

static int start(void **state)
{
	(void)state;
	fake_host_start(&host, &desc, NULL);
	calls = 0;
	end_own = end_others = false;
	return 0;
}

static int stop(void **state)
{
	(void)state;
	fake_host_stop(&host);
	return 0;
}

static void ready(struct riser_dev *dev, int fd, short events, void *arg)
{
	struct riser_watch **own = arg;

	assert_ptr_equal(dev, host.dev);
	assert_int_equal(fd, 10 + (own - watches));
	calls++;
	last_events = events;
	for (struct riser_watch **w = watches; w < watches + 3; w++) {
		if (w == own ? end_own : end_others) {
			riser_watch_destroy(*w);
			*w = NULL;
		}
	}
}

static void create_all(void)
{
	for (int i = 0; i < 3; i++)
		assert_int_equal(riser_watch_create(host.dev, 10 + i, POLLIN, ready,
						    &watches[i], &watches[i]),
				 0);
}

static void test_life(void **state)
{
	(void)state;
	create_all();
	assert_ptr_equal(host.watch, watches[2]);
	assert_int_equal(host.watched, POLLIN);
	riser__watch_ready(watches[1], POLLIN | POLLOUT);
	assert_int_equal(last_events, POLLIN);
	riser__watch_ready(watches[1], POLLHUP);
	assert_int_equal(last_events, POLLHUP);
	riser__watch_ready(watches[1], POLLOUT);
	assert_int_equal(calls, 2);
	assert_int_equal(riser_watch_modify(watches[1], POLLOUT), 0);
	assert_ptr_equal(host.watch, watches[1]);
	assert_int_equal(host.watched, POLLOUT);
	riser__watch_ready(watches[1], POLLIN | POLLOUT);
	assert_int_equal(last_events, POLLOUT);
	riser_watch_destroy(watches[1]);
	assert_int_equal(host.watched, 0);
	riser_watch_destroy(NULL);
	riser__watches_fini(host.dev);
	assert_null(host.dev->watches);
	assert_int_equal(host.watch_calls, 7);
}

static void test_paused(void **state)
{
	unsigned told;

	(void)state;
	create_all();
	assert_int_equal(riser_watch_modify(watches[0], 0), 0);
	assert_int_equal(host.watched, 0);
	told = host.watch_calls;
	riser__watch_ready(watches[0], POLLIN | POLLHUP);
	assert_int_equal(calls, 0);
	assert_int_equal(riser_watch_modify(watches[0], POLLIN), 0);
	assert_int_equal(host.watch_calls, told + 1);
	riser__watch_ready(watches[0], POLLIN);
	assert_int_equal(calls, 1);
	assert_int_equal(riser_watch_modify(watches[0], 0), 0);
	told = host.watch_calls;
	riser_watch_destroy(watches[0]); /* the host has forgotten it already */
	assert_int_equal(host.watch_calls, told);
}

static void test_the_host_refuses(void **state)
{
	struct riser_watch *watch = (void *)&calls;

	(void)state;
	assert_int_equal(riser_watch_create(host.dev, -1, POLLIN, ready, NULL, &watch), -EBADF);
	assert_null(watch);
	assert_null(host.dev->watches);
}

static void test_ends_itself(void **state)
{
	(void)state;
	create_all();
	end_own = true;
	riser__watch_ready(watches[1], POLLIN);
	assert_null(watches[1]);
	riser__watch_ready(watches[0], POLLIN);
	riser__watch_ready(watches[2], POLLIN);
	assert_int_equal(calls, 3);
	assert_null(host.dev->watches);
}

static void test_ends_the_others(void **state)
{
	(void)state;
	create_all();
	end_others = true;
	riser__watch_ready(watches[1], POLLIN);
	assert_null(watches[0]);
	assert_null(watches[2]);
	end_others = false;
	riser__watch_ready(watches[1], POLLIN);
	assert_int_equal(calls, 2);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(test_life),	TEST(test_paused),	    TEST(test_the_host_refuses),
		TEST(test_ends_itself), TEST(test_ends_the_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
