/* SPDX-License-Identifier: MIT */
/* A device that stops, hands over what only one may have, and gets it again. */
#include "fake_host.h"

#include <errno.h>
#include <semaphore.h>
#include <string.h>

#include <riser/host.h>

#define SECOND UINT64_C(1000000000)

struct mover {
	unsigned acquired, released, saved, done;
	bool taken; /* by another */
	sem_t may_end;
	struct riser_job job;
};

static bool refuse; /* the first time */

static int acquire(struct riser_dev *dev)
{
	struct mover *m = riser_state(dev);

	if (refuse || m->taken)
		return riser_fail(dev, -EBUSY, "another has it");
	m->acquired++;
	return 0;
}

static void release(struct riser_dev *dev)
{
	struct mover *m = riser_state(dev);

	m->released++;
}

static void wait_to_end(struct riser_dev *dev, struct riser_job *job)
{
	struct mover *m = riser_state(dev);

	(void)job;
	sem_wait(&m->may_end);
}

static void ended(struct riser_dev *dev, struct riser_job *job)
{
	struct mover *m = riser_state(dev);

	(void)job;
	m->done++;
}

static int init(struct riser_dev *dev)
{
	struct mover *m = riser_state(dev);

	sem_init(&m->may_end, 0, 0);
	m->job = (struct riser_job){ .run = wait_to_end, .done = ended };
	riser_exclusive(dev, acquire, release);
	riser_unsaved(dev, "its soul");
	return 0;
}

/* Only what jobs have brought to its end is there to be saved. */
static void saving(struct riser_dev *dev)
{
	struct mover *m = riser_state(dev);

	m->saved = m->done + 1;
}

static const struct riser_pci_device desc = {
	.size = sizeof(desc),
	.name = "mover",
	.id = { .vendor = 0x1234 },
	.state_size = sizeof(struct mover),
	.init = init,
	.saving = saving,
};

static void test_one_has_it(void **state)
{
	struct riser_error error = { "" };
	struct fake_host host;
	struct mover *m;

	(void)state;
	fake_host_start(&host, &desc, NULL);
	m = riser_state(host.dev);
	assert_int_equal(m->acquired, 1);
	assert_int_equal(riser__dev_acquire(host.dev, &error), 0);
	assert_int_equal(m->acquired, 1); /* it has it already */
	riser__dev_release(host.dev);
	riser__dev_release(host.dev);
	assert_int_equal(m->released, 1);
	m->taken = true;
	assert_int_equal(riser__dev_acquire(host.dev, &error), -EBUSY);
	assert_string_equal(error.text, "mover: another has it");
	m->taken = false;
	assert_int_equal(riser__dev_acquire(host.dev, &error), 0);
	assert_int_equal(m->acquired, 2);
	assert_string_equal(host.dev->unsaved, "its soul");
	fake_host_stop(&host);
}

static void test_another_has_it(void **state)
{
	struct riser_export exported = { RISER_ABI, RISER_PCI, &desc };
	struct riser_error error = { "" };
	struct riser_host *host;
	struct riser_model *model;

	(void)state;
	refuse = true;
	assert_int_equal(riser_model_from_export(exported, &model, &error), 0);
	assert_int_equal(riser_bench_create(model, NULL, &host, &error), -EBUSY);
	assert_string_equal(error.text, "mover: another has it");
	riser_model_close(model);
	refuse = false;
}

static void test_jobs_end_first(void **state)
{
	struct fake_host host;
	struct mover *m;

	(void)state;
	fake_host_start(&host, &desc, NULL);
	m = riser_state(host.dev);
	assert_int_equal(riser_job_submit(host.dev, &m->job), 0);
	assert_int_equal(riser__dev_stop(host.dev, 1), -EBUSY);
	assert_int_equal(m->saved, 0);
	sem_post(&m->may_end);
	assert_int_equal(riser__dev_stop(host.dev, 600 * SECOND), 0);
	assert_int_equal(m->done, 1);
	assert_int_equal(m->saved, 2);
	fake_host_stop(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_has_it),
		cmocka_unit_test(test_another_has_it),
		cmocka_unit_test(test_jobs_end_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
