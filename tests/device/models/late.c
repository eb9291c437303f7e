/* SPDX-License-Identifier: MIT */
/*
 * late - a device whose job does nothing until it is let go, and then all that a job may do:
 * for what a reset, a cancellation or a loaded state has to keep from the guest.
 */
#include <semaphore.h>
#include <stdatomic.h>

#include <riser/riser.h>

#include "late.h"

struct late {
	uint32_t job, go, post, cancel, wait; /* written, to do it */
	uint32_t counts[LATE_COUNTS];
	uint32_t period_ns, fires;

	sem_t let_go;
	struct riser_job worker;
	struct riser_work work;
	atomic_uint count[LATE_COUNTS]; /* begun and so on, as resets leave them alone */
};

static atomic_uint *count_of(struct riser_dev *dev, unsigned which)
{
	return &((struct late *)riser_state(dev))->count[which];
}

static void run(struct riser_dev *dev, struct riser_job *job)
{
	struct late *late = riser_state(dev);
	uint32_t word = LATE_WORD;

	(void)job;
	atomic_fetch_add(count_of(dev, LATE_BEGUN), 1);
	while (sem_wait(&late->let_go))
		continue;
	atomic_store(count_of(dev, LATE_DMA_ERROR),
		     (unsigned)-riser_dma_write(dev, LATE_IOVA, &word, sizeof(word)));
	atomic_store(count_of(dev, LATE_IRQ_ERROR), (unsigned)-riser_irq_raise(dev, 0));
	riser_post(dev, &late->work);
}

static void done(struct riser_dev *dev, struct riser_job *job)
{
	atomic_store(count_of(dev, LATE_TOLD), riser_job_cancelled(dev, job));
	riser_irq_raise(dev, 1);
	atomic_fetch_add(count_of(dev, LATE_ENDED), 1);
}

static void posted(struct riser_dev *dev, struct riser_work *work)
{
	(void)work;
	atomic_fetch_add(count_of(dev, LATE_POSTED), 1);
	riser_irq_raise(dev, 1);
}

static uint64_t count_read(struct riser_dev *dev, uint64_t stored)
{
	(void)stored;
	return atomic_load(count_of(dev, riser_reg_index(dev)));
}

static void job_written(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct late *late = riser_state(dev);

	(void)now, (void)was;
	late->job = (uint32_t)-riser_job_submit(dev, &late->worker);
}

static void go_written(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	(void)was;
	for (; now; now--)
		sem_post(&((struct late *)riser_state(dev))->let_go);
}

static void post_written(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	(void)now, (void)was;
	riser_post(dev, &((struct late *)riser_state(dev))->work);
}

static void cancel_written(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	(void)now, (void)was;
	riser_job_cancel(dev, &((struct late *)riser_state(dev))->worker);
}

static void wait_written(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	(void)now, (void)was;
	riser_job_wait(dev, &((struct late *)riser_state(dev))->worker);
}

static void fire(struct riser_dev *dev)
{
	struct late *late = riser_state(dev);

	late->fires++;
	riser_timer_arm(dev, 0, late->period_ns);
}

static void period_written(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	(void)was;
	riser_timer_arm(dev, 0, now);
}

static int init(struct riser_dev *dev)
{
	struct late *late = riser_state(dev);

	late->worker = (struct riser_job){ .run = run, .done = done };
	late->work.run = posted;
	return sem_init(&late->let_go, 0, 0);
}

static void fini(struct riser_dev *dev)
{
	sem_destroy(&((struct late *)riser_state(dev))->let_go);
}

#define REG(offset, member) RISER_REG(offset, struct late, member)
static const struct riser_reg regs[] = {
	{ REG(LATE_JOB, job), .rw = RISER_ALL, .on_write = job_written },
	{ REG(LATE_GO, go), .rw = RISER_ALL, .on_write = go_written },
	{ REG(LATE_POST, post), .rw = RISER_ALL, .on_write = post_written },
	{ REG(LATE_CANCEL, cancel), .rw = RISER_ALL, .on_write = cancel_written },
	{ REG(LATE_WAIT, wait), .rw = RISER_ALL, .on_write = wait_written },
	{ RISER_REG_ARRAY(LATE_COUNT(0), struct late, counts), .on_read = count_read },
	{ REG(LATE_PERIOD, period_ns), .rw = RISER_ALL, .on_write = period_written },
	{ REG(LATE_FIRES, fires) },
};
static const struct riser_bar bars[] = { { .size = 4096, .regs = RISER_REGS(regs) } };
static const struct riser_pci_cap caps[] = { RISER_PM, RISER_MSI(2), RISER_EXPRESS };
static const struct riser_timer timers[] = { { "again", fire } };
static const struct riser_pci_device late = {
	.size = sizeof(late),
	.name = "late",
	.id = { .vendor = 0x1234, .device = 0x1a7e },
	.interrupt_pin = 1,
	.state_size = sizeof(struct late),
	.bars = RISER_BARS(bars),
	.caps = RISER_CAPS(caps),
	.timers = RISER_TIMERS(timers),
	.init = init,
	.fini = fini,
};

RISER_EXPORT(late);
