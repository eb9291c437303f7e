/* SPDX-License-Identifier: MIT */
/* Posted work and jobs: order, threads, and the end of a device that is still busy. */
#include "fake_host.h"

#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { JOBS = 12 };

struct state {
	struct riser_work a, b;
	struct riser_job jobs[JOBS];
	char order[32];
	bool repost;
	unsigned runs_a, runs_b;
	int resubmitted; /* what submitting the next job from a `done` gave */
	unsigned done, cancelled;
	bool reset;	/* `a` resets the device */
	bool late_post; /* fini() posts and submits */
};

static struct fake_host host;
static struct state *s;
static sem_t started, go;
static atomic_uint ran, own_thread, signals_open;
static pthread_t main_thread;
static int late; /* what submitting from fini() gave */

static void note(char what)
{
	size_t used = strlen(s->order);

	if (used + 1 < sizeof(s->order))
		s->order[used] = what;
}

static void run_a(struct riser_dev *dev, struct riser_work *work)
{
	note('a');
	s->runs_a++;
	if (s->reset)
		riser__dev_reset(dev, RISER_RESET_BUS);
	if (s->repost)
		riser_post(dev, work);
}

static void run_b(struct riser_dev *dev, struct riser_work *work)
{
	(void)dev, (void)work;
	note('b');
	s->runs_b++;
}

static void fini(struct riser_dev *dev)
{
	if (!s->late_post)
		return;
	riser_post(dev, &s->a);
	late = riser_job_submit(dev, &s->jobs[0]);
}

static const struct riser_pci_device desc = {
	.size = sizeof(desc),
	.id = { .vendor = 0x1234 },
	.name = "work",
	.interrupt_pin = 1,
	.vectors = 1,
	.state_size = sizeof(struct state),
	.fini = fini,
};

static int start(void **state)
{
	(void)state;
	fake_host_start(&host, &desc, NULL);
	s = riser_state(host.dev);
	s->a.run = run_a;
	s->b.run = run_b;
	sem_init(&started, 0, 0);
	sem_init(&go, 0, 0);
	ran = own_thread = signals_open = 0;
	main_thread = pthread_self();
	return 0;
}

static int stop(void **state)
{
	(void)state;
	fake_host_stop(&host);
	sem_destroy(&started);
	sem_destroy(&go);
	return 0;
}

static void test_order_and_wake(void **state)
{
	(void)state;
	riser_post(host.dev, &s->b);
	riser_post(host.dev, &s->a);
	riser_post(host.dev, &s->b); /* queued already */
	assert_int_equal(host.wakes, 1);
	riser__dev_run_posted(host.dev);
	assert_string_equal(s->order, "ba");
	riser__dev_run_posted(host.dev);
	assert_string_equal(s->order, "ba");
	riser_post(host.dev, &s->a);
	assert_int_equal(host.wakes, 2);
}

static void test_reposting_does_not_starve(void **state)
{
	(void)state;
	s->repost = true;
	riser_post(host.dev, &s->a);
	for (unsigned i = 1; i <= 5; i++) {
		riser__dev_run_posted(host.dev);
		assert_int_equal(s->runs_a, i);
		assert_int_equal(host.wakes, i + 1);
	}
}

static void *post_often(void *arg)
{
	struct riser_work *work = arg;

	for (unsigned i = 0; i < 20000; i++)
		riser_post(host.dev, work);
	return NULL;
}

static void test_any_thread_posts(void **state)
{
	struct riser_work *const works[] = { &s->a, &s->b, &s->a, &s->b };
	pthread_t threads[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, post_often, works[i]);
	for (unsigned i = 0; i < 1000; i++)
		riser__dev_run_posted(host.dev);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	riser__dev_run_posted(host.dev);
	assert_false(s->a.queued_ || s->b.queued_);
	assert_true(s->runs_a > 0 && s->runs_b > 0);
}

static void run_job(struct riser_dev *dev, struct riser_job *job)
{
	sigset_t blocked;

	(void)dev, (void)job;
	if (pthread_equal(main_thread, pthread_self()))
		own_thread++;
	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	if (!sigismember(&blocked, SIGTERM) || !sigismember(&blocked, SIGCHLD))
		signals_open++;
	ran++;
}

static void job_done(struct riser_dev *dev, struct riser_job *job)
{
	(void)dev, (void)job;
	assert_true(pthread_equal(main_thread, pthread_self()));
	s->done++;
}

/* What an attachment does: runs what is posted until nothing is under way. */
static void settle(void)
{
	for (unsigned i = 0; i < 600000 && riser__work_busy(host.dev); i++)
		usleep(1000);
	assert_false(riser__work_busy(host.dev));
	riser__dev_run_posted(host.dev);
}

static void test_jobs(void **state)
{
	(void)state;
	for (unsigned i = 0; i < JOBS; i++) {
		s->jobs[i] = (struct riser_job){ .run = run_job, .done = job_done };
		assert_int_equal(riser_job_submit(host.dev, &s->jobs[i]), 0);
		assert_int_equal(riser_job_submit(host.dev, &s->jobs[i]), -EBUSY);
	}
	settle();
	assert_int_equal(ran, JOBS);
	assert_int_equal(s->done, JOBS);
	assert_int_equal(own_thread, 0);
	assert_int_equal(signals_open, 0);
	assert_true(host.wakes >= 1);
	s->jobs[0].done = NULL;
	assert_int_equal(riser_job_submit(host.dev, &s->jobs[0]), 0);
	settle();
	assert_int_equal(ran, JOBS + 1);
}

static void wait_job(struct riser_dev *dev, struct riser_job *job)
{
	(void)dev, (void)job;
	sem_post(&started);
	sem_wait(&go);
	ran++;
}

static void post_go(struct riser_dev *dev, struct riser_job *job)
{
	(void)dev, (void)job;
	sem_post(&go);
	ran++;
}

/* A job that waits for another one must not be queued on the same thread with it. */
static void test_jobs_wait_for_each_other(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		s->jobs[0] = (struct riser_job){ .run = wait_job };
		s->jobs[1] = (struct riser_job){ .run = post_go };
		assert_int_equal(riser_job_submit(host.dev, &s->jobs[0]), 0);
		assert_int_equal(riser_job_submit(host.dev, &s->jobs[1]), 0);
		sem_wait(&started);
		settle();
		assert_int_equal(ran, 2 * (round + 1));
	}
}

static void submit_the_other(struct riser_dev *dev, struct riser_job *job)
{
	job_done(dev, job);
	if (s->done > 1)
		return;
	s->resubmitted = riser_job_submit(dev, job == &s->jobs[0] ? &s->jobs[1] : &s->jobs[0]);
	assert_int_equal(riser_job_submit(dev, job), 0); /* itself: it has ended */
}

/* Of two that have ended the second is still taken until its own `done`. */
static void test_ended_but_not_done(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		s->jobs[i] = (struct riser_job){ .run = run_job, .done = submit_the_other };
		assert_int_equal(riser_job_submit(host.dev, &s->jobs[i]), 0);
	}
	settle();
	assert_int_equal(s->resubmitted, -EBUSY);
	assert_int_equal(s->done, 2);
	settle();
	assert_int_equal(s->done, 3);
}

static void job_told(struct riser_dev *dev, struct riser_job *job)
{
	s->cancelled += riser_job_cancelled(dev, job);
	assert_int_equal(riser_irq_raise(dev, 0),
			 riser_job_cancelled(dev, job) ? -ECANCELED : 0);
	job_done(dev, job);
}

/* Until each that was submitted has been told that it has ended. */
static void await_done(unsigned count)
{
	for (unsigned i = 0; i < 60000 && s->done < count; i++) {
		riser__dev_run_posted(host.dev);
		usleep(1000);
	}
	assert_int_equal(s->done, count);
}

static void test_reset_drops_what_is_posted(void **state)
{
	(void)state;
	riser_post(host.dev, &s->a);
	riser__dev_reset(host.dev, RISER_RESET_BUS);
	riser__dev_run_posted(host.dev);
	assert_string_equal(s->order, "");
	/* Also what is next to it in the run that is under way. */
	s->reset = true;
	riser_post(host.dev, &s->a);
	riser_post(host.dev, &s->b);
	riser__dev_run_posted(host.dev);
	assert_string_equal(s->order, "a");
	s->reset = false;
	riser_post(host.dev, &s->b);
	riser__dev_run_posted(host.dev);
	assert_string_equal(s->order, "ab");
}

/* Those that run, those that have not begun, and those that have ended and were not told. */
static void test_reset_cancels_jobs(void **state)
{
	enum { RUNNING = 4, ALL = 6 };

	(void)state;
	s->jobs[0] = (struct riser_job){ .run = run_job, .done = job_told };
	assert_int_equal(riser_job_submit(host.dev, &s->jobs[0]), 0);
	riser_job_wait(host.dev, &s->jobs[0]);
	for (unsigned i = 1; i <= ALL; i++) {
		s->jobs[i] = (struct riser_job){ .run = wait_job, .done = job_told };
		assert_int_equal(riser_job_submit(host.dev, &s->jobs[i]), 0);
	}
	for (unsigned i = 0; i < RUNNING; i++)
		sem_wait(&started);
	riser__dev_reset(host.dev, RISER_RESET_FUNCTION);
	assert_false(riser__work_busy(host.dev));
	for (unsigned i = 0; i < RUNNING; i++)
		sem_post(&go);
	await_done(ALL + 1);
	assert_int_equal(ran, RUNNING + 1);
	assert_int_equal(s->cancelled, ALL + 1);
	assert_false(host.intx);
	/* The next one is not. */
	assert_int_equal(riser_job_submit(host.dev, &s->jobs[0]), 0);
	await_done(ALL + 2);
	assert_int_equal(s->cancelled, ALL + 1);
	assert_true(host.intx);
}

static void test_one_is_cancelled(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		s->jobs[i] = (struct riser_job){ .run = wait_job, .done = job_told };
		riser_job_cancel(host.dev, &s->jobs[i]); /* not yet there */
		assert_int_equal(riser_job_submit(host.dev, &s->jobs[i]), 0);
		sem_wait(&started);
	}
	riser_job_cancel(host.dev, &s->jobs[1]);
	assert_false(riser_job_cancelled(host.dev, &s->jobs[0]));
	assert_true(riser_job_cancelled(host.dev, &s->jobs[1]));
	sem_post(&go);
	sem_post(&go);
	riser_job_wait(host.dev, &s->jobs[0]);
	riser_job_wait(host.dev, &s->jobs[1]);
	assert_int_equal(ran, 2);
	await_done(2);
	assert_int_equal(s->cancelled, 1);
}

static void *release_later(void *arg)
{
	(void)arg;
	usleep(20000);
	sem_post(&go);
	return NULL;
}

static void test_end_waits_for_running_jobs(void **state)
{
	pthread_t helper;

	(void)state;
	s->jobs[0] = (struct riser_job){ .run = wait_job, .done = job_done };
	assert_int_equal(riser_job_submit(host.dev, &s->jobs[0]), 0);
	riser_post(host.dev, &s->a);
	sem_wait(&started);
	pthread_create(&helper, NULL, release_later, NULL);
	riser__work_fini(host.dev);
	assert_int_equal(ran, 1);
	pthread_join(helper, NULL);
	riser__dev_run_posted(host.dev);
	assert_int_equal(s->done, 0);
	assert_string_equal(s->order, "");
}

/* fini() of a device may still post: its own threads do until they are joined there. */
static void test_post_at_the_end_is_dropped(void **state)
{
	unsigned wakes = host.wakes;

	s->late_post = true;
	s->jobs[0].run = run_job;
	fake_host_stop(&host);
	assert_int_equal(late, -EAGAIN);
	assert_int_equal(host.wakes, wakes);
	start(state);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(test_order_and_wake),
		TEST(test_reposting_does_not_starve),
		TEST(test_any_thread_posts),
		TEST(test_jobs),
		TEST(test_jobs_wait_for_each_other),
		TEST(test_ended_but_not_done),
		TEST(test_reset_drops_what_is_posted),
		TEST(test_reset_cancels_jobs),
		TEST(test_one_is_cancelled),
		TEST(test_end_waits_for_running_jobs),
		TEST(test_post_at_the_end_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
