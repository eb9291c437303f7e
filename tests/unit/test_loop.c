/* SPDX-License-Identifier: MIT */
/* The event loop and the thread that runs it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <pthread.h>

#include "core/loop.h"

struct look {
	struct riser__task task;
	struct riser_loop *loop;
	int state, type;
	int state_after, type_after;
};

/* As a task of the loop: how the thread is cancelled, which is asked for meanwhile. */
static void look_inside(struct riser__task *task)
{
	struct look *look = (struct look *)task;

	pthread_cancel(pthread_self());
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &look->state);
	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &look->type);
	riser_loop_stop(look->loop);
}

static void *run_loop(void *arg)
{
	struct look *look = arg;

	riser__loop_wake(look->loop, &look->task);
	riser_loop_run(look->loop);
	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &look->type_after);
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &look->state_after);
	pthread_testcancel();
	return NULL;
}

/* The thread cannot be cancelled while it runs the loop, and how it is cancelled stays. */
static void test_cancellation(void **state)
{
	struct look look = { .task.run = look_inside };
	pthread_t thread;
	void *end;

	(void)state;
	assert_int_equal(riser_loop_create(&look.loop), 0);
	riser__loop_add_task(look.loop, &look.task);
	assert_int_equal(pthread_create(&thread, NULL, run_loop, &look), 0);
	assert_int_equal(pthread_join(thread, &end), 0);
	assert_true(end == PTHREAD_CANCELED);
	assert_int_equal(look.state, PTHREAD_CANCEL_DISABLE);
	assert_int_equal(look.type, PTHREAD_CANCEL_DEFERRED);
	assert_int_equal(look.state_after, PTHREAD_CANCEL_ENABLE);
	assert_int_equal(look.type_after, PTHREAD_CANCEL_DEFERRED);
	riser__loop_remove_task(look.loop, &look.task);
	riser_loop_destroy(look.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cancellation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
