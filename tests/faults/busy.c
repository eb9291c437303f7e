/* SPDX-License-Identifier: MIT */
#include "busy.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { AREA = 1 << 18, MOST = 8192 };

struct busy {
	uint32_t run, live, posted, done, wrong, moves, raise; /* registers */

	atomic_bool wanted;
	atomic_uint working, works, jobs, good, number;
	atomic_int bad;
	pthread_t threads[BUSY_THREADS];
	unsigned started;
	struct riser_work work;
	struct riser_job job;
};

/* What a host may do meanwhile explains these; nothing explains others. */
static void judge(struct busy *b, int ret)
{
	if (!ret)
		atomic_fetch_add(&b->good, 1);
	else if (ret != -EFAULT && ret != -EACCES && ret != -ENOTCONN && ret != -ESTALE &&
		 ret != -ECANCELED && ret != -ETIMEDOUT)
		atomic_store(&b->bad, -ret);
}

static void map(struct riser_dev *dev, struct busy *b, uint64_t iova, size_t length)
{
	struct riser_dma dma;
	int ret = riser_dma_map(dev, iova, length, RISER_DMA_WRITE, &dma);

	if (!ret) {
		memset(dma.data, 0x55, length);
		ret = riser_dma_unmap(dev, &dma);
	}
	judge(b, ret);
}

/*
 * One thing of those that any thread may do. Whoever does it has memory of its own, as threads
 * that write the same would race.
 */
static void act(struct riser_dev *dev, struct busy *b, uint32_t random, unsigned area)
{
	unsigned vector = random >> 4 & (BUSY_VECTORS - 1);
	uint64_t iova = area * AREA + (random >> 8) % (AREA - MOST);
	size_t length = random >> 20 & (MOST - 1);
	uint8_t buffer[MOST] = { 0 };

	switch (random & 7) {
	case 0:
	case 1:
		judge(b, riser_irq_raise(dev, vector));
		break;
	case 2:
		judge(b, riser_irq_lower(dev, vector));
		break;
	case 3:
		judge(b, riser_dma_read(dev, iova, buffer, length));
		break;
	case 4:
		judge(b, riser_dma_write(dev, iova, buffer, length));
		break;
	case 5:
		map(dev, b, iova, length + 1);
		break;
	case 6:
		riser_post(dev, &b->work);
		break;
	default:
		(void)riser_irq_mode(dev);
		usleep(50);
	}
}

static void *thread(void *arg)
{
	struct riser_dev *dev = arg;
	struct busy *b = riser_state(dev);
	unsigned area = atomic_fetch_add(&b->number, 1) % BUSY_THREADS;
	uint32_t random = area + 1;

	while (atomic_load(&b->wanted)) {
		random ^= random << 13;
		random ^= random >> 17;
		random ^= random << 5;
		act(dev, b, random, area);
	}
	atomic_fetch_sub(&b->working, 1);
	return NULL;
}

static void join(struct busy *b)
{
	while (b->started)
		pthread_join(b->threads[--b->started], NULL);
}

static void posted(struct riser_dev *dev, struct riser_work *work)
{
	struct busy *b = riser_state(dev);

	(void)work;
	atomic_fetch_add(&b->works, 1);
}

static void run_job(struct riser_dev *dev, struct riser_job *job)
{
	struct busy *b = riser_state(dev);

	(void)job;
	for (uint32_t i = 0; i < 8; i++)
		act(dev, b, i | i << 4 | i << 16, BUSY_THREADS);
}

static void job_done(struct riser_dev *dev, struct riser_job *job)
{
	struct busy *b = riser_state(dev);

	(void)job;
	atomic_fetch_add(&b->jobs, 1);
}

static void run_written(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct busy *b = riser_state(dev);

	(void)was;
	atomic_store(&b->wanted, now != 0);
	if (!now)
		return;
	riser_job_submit(dev, &b->job); /* or it is still under way */
	if (atomic_load(&b->working))
		return;
	join(b);
	while (b->started < BUSY_THREADS) {
		atomic_fetch_add(&b->working, 1);
		if (pthread_create(&b->threads[b->started], NULL, thread, dev)) {
			atomic_fetch_sub(&b->working, 1);
			riser_log(dev, RISER_ERROR, "no thread to be had");
			return;
		}
		b->started++;
	}
}

static void raise_written(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	(void)was;
	riser_irq_raise(dev, (unsigned)now);
}

#define COUNTER(name, value)                                                                   \
	static uint64_t name(struct riser_dev *dev, uint64_t stored)                           \
	{                                                                                      \
		struct busy *b = riser_state(dev);                                             \
                                                                                               \
		(void)stored;                                                                  \
		return (uint32_t)atomic_load(&b->value);                                       \
	}

COUNTER(read_live, working)
COUNTER(read_posted, works)
COUNTER(read_done, jobs)
COUNTER(read_wrong, bad)
COUNTER(read_moves, good)

static int init(struct riser_dev *dev)
{
	struct busy *b = riser_state(dev);

	b->work.run = posted;
	b->job = (struct riser_job){ .run = run_job, .done = job_done };
	return 0;
}

static void fini(struct riser_dev *dev)
{
	struct busy *b = riser_state(dev);

	atomic_store(&b->wanted, false);
	join(b);
}

#define REG(offset, member) RISER_REG(offset, struct busy, member)

static const struct riser_reg regs[] = {
	{ REG(BUSY_RUN, run), .rw = RISER_ALL, .on_write = run_written },
	{ REG(BUSY_LIVE, live), .on_read = read_live },
	{ REG(BUSY_POSTED, posted), .on_read = read_posted },
	{ REG(BUSY_DONE, done), .on_read = read_done },
	{ REG(BUSY_WRONG, wrong), .on_read = read_wrong },
	{ REG(BUSY_MOVES, moves), .on_read = read_moves },
	{ REG(BUSY_RAISE, raise), .rw = RISER_ALL, .on_write = raise_written },
};

static const struct riser_bar bars[] = {
	{ .index = 0, .size = 8192, .regs = RISER_REGS(regs) },
};

static const struct riser_pci_cap caps[] = {
	RISER_PM,
	RISER_MSI(4),
	RISER_MSIX(BUSY_VECTORS, 0, 0x1000, 0x1800),
	RISER_EXPRESS,
};

const struct riser_pci_device busy_device = {
	.size = sizeof(busy_device),
	.name = "busy",
	.id = { .vendor = 0x1234, .device = 0xb5b5, .class_code = 0x00ff00 },
	.interrupt_pin = 1,
	.vectors = BUSY_VECTORS,
	.state_size = sizeof(struct busy),
	.bars = RISER_BARS(bars),
	.caps = RISER_CAPS(caps),
	.init = init,
	.fini = fini,
};
