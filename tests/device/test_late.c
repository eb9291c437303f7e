/* SPDX-License-Identifier: MIT */
/*
 * What was begun before a reset, and of timers what their periods are: on a device whose job
 * does not end by itself.
 */
#include "harness.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "models/late.h"

static uint32_t count(struct riser_host *host, unsigned which)
{
	return (uint32_t)get(host, 0, LATE_COUNT(which), 4);
}

/* It happens on a thread of its own, in no time that could be told. */
static void await(struct riser_host *host, unsigned which, uint32_t value)
{
	while (count(host, which) != value)
		sched_yield();
}

static volatile uint32_t *memory(struct riser_host *host)
{
	uint64_t size, iova;
	char *base = riser_host_memory(host, &size, &iova);

	return (volatile uint32_t *)(base + (LATE_IOVA - iova));
}

static void set_up(struct riser_host *host)
{
	ok(host, riser_host_enable(host));
	ok(host, riser_host_irq_enable(host, RISER_IRQ_MSI, 2));
}

static void begin(struct riser_host *host, uint32_t runs_before)
{
	put(host, 0, LATE_JOB, 4, 1);
	assert_int_equal(get(host, 0, LATE_JOB, 4), 0);
	await(host, LATE_BEGUN, runs_before + 1);
}

/* The job that was cancelled goes on, and nothing comes of it. */
static void expect_nothing(struct riser_host *host, uint32_t ended_before)
{
	*memory(host) = 0;
	put(host, 0, LATE_GO, 4, 1);
	await(host, LATE_ENDED, ended_before + 1);
	assert_int_equal(count(host, LATE_TOLD), 1);
	assert_int_equal(count(host, LATE_DMA_ERROR), ECANCELED);
	assert_int_equal(count(host, LATE_IRQ_ERROR), ECANCELED);
	assert_int_equal(count(host, LATE_POSTED), 0);
	assert_int_equal(*memory(host), 0);
	assert_int_equal(irqs(host, 0) + irqs(host, 1), 0);
}

static void expect_all(struct riser_host *host, uint32_t ended_before)
{
	await(host, LATE_ENDED, ended_before + 1);
	await(host, LATE_POSTED, 1);
	assert_int_equal(count(host, LATE_TOLD), 0);
	assert_int_equal(*memory(host), LATE_WORD);
	assert_int_equal(irqs(host, 0), 1);
	assert_int_equal(irqs(host, 1), 2);
}

static void nothing_outlives_a_reset(struct riser_host *host)
{
	static const enum riser_reset kinds[] = { RISER_RESET_DEVICE, RISER_RESET_FUNCTION };
	uint32_t n = 0;

	for (; n < 2; n++) {
		begin(host, n);
		ok(host, riser_host_reset(host, kinds[n]));
		set_up(host);
		expect_nothing(host, n);
	}
	/* It is as good as new. */
	begin(host, n);
	put(host, 0, LATE_GO, 4, 1);
	expect_all(host, n);
}

/* The guest need not wait for what it has reset. */
static void submitted_again_at_once(struct riser_host *host)
{
	set_up(host);
	begin(host, 0);
	ok(host, riser_host_reset(host, RISER_RESET_FUNCTION));
	set_up(host);
	put(host, 0, LATE_JOB, 4, 1);
	assert_int_equal(get(host, 0, LATE_JOB, 4), 0);
	put(host, 0, LATE_JOB, 4, 1);
	assert_int_equal(get(host, 0, LATE_JOB, 4), EBUSY);
	expect_nothing(host, 0);
	await(host, LATE_BEGUN, 2);
	put(host, 0, LATE_GO, 4, 1);
	expect_all(host, 1);
}

static void nothing_outlives_a_load(struct riser_host *host)
{
	size_t size;
	void *state;

	set_up(host);
	ok(host, riser_host_save(host, &state, &size));
	begin(host, 0);
	/* Over a socket a device is stopped first, which waits for jobs: not for this one. */
	put(host, 0, LATE_CANCEL, 4, 1);
	ok(host, riser_host_load(host, state, size));
	free(state);
	expect_nothing(host, 0);
}

static void cancelled_by_its_author(struct riser_host *host)
{
	set_up(host);
	put(host, 0, LATE_CANCEL, 4, 1); /* nothing is there to be cancelled */
	put(host, 0, LATE_WAIT, 4, 1);
	begin(host, 0);
	put(host, 0, LATE_CANCEL, 4, 1);
	expect_nothing(host, 0);
}

/* Also for one whose DMA is the waiting thread's to do. */
static void waited_for(struct riser_host *host)
{
	set_up(host);
	begin(host, 0);
	put(host, 0, LATE_GO, 4, 1);
	put(host, 0, LATE_WAIT, 4, 1);
	expect_all(host, 0);
}

/* Runs beside the accesses, but time does not go on without it. */
static void time_waits_for_jobs(struct riser_host *host)
{
	set_up(host);
	put(host, 0, LATE_JOB, 4, 1);
	put(host, 0, LATE_GO, 4, 1);
	ok(host, riser_host_irq_wait(host, 0, 1000 * (uint64_t)MS));
	ok(host, riser_host_irq_wait(host, 1, 1000 * (uint64_t)MS));
}

/* Neither the host's clock nor its other work stands still for it. */
static void always_due(struct riser_host *host)
{
	static const uint32_t periods[] = { 0, 1, 100 };

	for (unsigned i = 0; i < 3; i++) {
		put(host, 0, LATE_PERIOD, 4, periods[i]);
		ok(host, riser_host_advance(host, 2 * MS));
		assert_true(get(host, 0, LATE_FIRES, 4) > 1);
		ok(host, riser_host_reset(host, RISER_RESET_DEVICE));
		ok(host, riser_host_enable(host));
	}
}

int main(void)
{
	static const struct device_test tests[] = {
		{ "nothing_outlives_a_reset", nothing_outlives_a_reset },
		{ "nothing_outlives_a_reset, by message", nothing_outlives_a_reset,
		  .message_dma = true },
		{ "submitted_again_at_once", submitted_again_at_once },
		{ "nothing_outlives_a_load", nothing_outlives_a_load },
		{ "cancelled_by_its_author", cancelled_by_its_author },
		{ "waited_for", waited_for },
		{ "waited_for, by message", waited_for, .message_dma = true },
		{ "time_waits_for_jobs", time_waits_for_jobs },
		{ "always_due", always_due },
	};

	return device_tests_run("../tests/device/late", tests, sizeof(tests) / sizeof(*tests));
}
