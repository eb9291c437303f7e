/* SPDX-License-Identifier: MIT */
/* The bench as the device sees it: clock, work, interrupts, guest memory. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attach/bench/bench.h"

/* A job that takes longer than this, or work that never ends, does not hold the bench for ever.
 */
enum { JOB_SECONDS = 10, ROUNDS_MOST = 10000 };

static uint64_t now(void *host)
{
	return ((struct bench *)host)->now;
}

static void set_deadline(void *host, uint64_t deadline)
{
	((struct bench *)host)->deadline = deadline;
}

static void wake(void *host)
{
	struct bench *b = host;

	pthread_mutex_lock(&b->lock);
	b->woken = true;
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
}

static int add_watch(struct bench *b, struct riser_watch *watch, int fd, short events)
{
	struct bench_watch *grown = realloc(b->watches, (b->watch_count + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	b->watches = grown;
	b->watches[b->watch_count++] = (struct bench_watch){ watch, fd, events };
	return 0;
}

static int watch(void *host, struct riser_watch *watch, int fd, short events)
{
	struct bench *b = host;

	for (size_t i = 0; i < b->watch_count; i++) {
		if (b->watches[i].watch != watch)
			continue;
		b->watches[i].events = events;
		if (!events)
			b->watches[i].watch = NULL;
		return 0;
	}
	return events ? add_watch(b, watch, fd, events) : 0;
}

static void intx(void *host, bool level)
{
	struct bench *b = host;

	pthread_mutex_lock(&b->lock);
	b->intx = level;
	pthread_mutex_unlock(&b->lock);
}

/* Vectors are told apart by what the message carries, as a CPU tells them. */
static void message(void *host, enum riser_irq_mode mode, unsigned vector, uint64_t address,
		    uint32_t data)
{
	struct bench *b = host;

	(void)mode, (void)vector, (void)address;
	pthread_mutex_lock(&b->lock);
	if (data < HOST_VECTORS_MAX)
		b->messages[data]++;
	pthread_mutex_unlock(&b->lock);
}

static int dma(void *host, uint64_t iova, void *buffer, size_t length, bool write)
{
	return riser__dma_table_copy(((struct bench *)host)->dma, iova, buffer, length, write);
}

static int dma_map(void *host, uint64_t iova, size_t length, unsigned access,
		   struct riser_dma *mapping)
{
	return riser__dma_table_map(((struct bench *)host)->dma, iova, length, access, mapping);
}

static int dma_unmap(void *host, struct riser_dma *mapping)
{
	(void)host;
	return riser__dma_unmap(mapping);
}

static size_t dma_enable(void *host, bool on)
{
	return riser__dma_table_enable(((struct bench *)host)->dma, on);
}

static void log_line(void *host, enum riser_log_level level, const char *line)
{
	struct bench *b = host;
	const char *name = b->dev ? b->dev->desc->name : "device";

	if (b->log)
		b->log(b->log_arg, level, name, line);
	else
		fprintf(stderr, "%s: %s\n", name, line);
}

const struct riser__host_ops bench_host_ops = {
	.now = now,
	.set_deadline = set_deadline,
	.wake = wake,
	.watch = watch,
	.intx = intx,
	.message = message,
	.dma = dma,
	.dma_map = dma_map,
	.dma_unmap = dma_unmap,
	.dma_enable = dma_enable,
	.log = log_line,
};

/* Until something is posted or ended; at most once for long if a job does not end. */
static void wait_for_jobs(struct bench *b)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += JOB_SECONDS;
	while (!atomic_load(&b->woken) && riser__work_busy(b->dev) && !b->job_is_late) {
		pthread_mutex_lock(&b->lock);
		if (!b->woken && pthread_cond_timedwait(&b->changed, &b->lock, &until)) {
			log_line(b, RISER_WARN, "a job does not end: time goes on beside it");
			b->job_is_late = true;
		}
		pthread_mutex_unlock(&b->lock);
	}
	if (!riser__work_busy(b->dev))
		b->job_is_late = false;
}

static bool run_watches(struct bench *b)
{
	bool any = false;
	size_t kept = 0;

	for (size_t i = 0; i < b->watch_count; i++) {
		struct pollfd p = { b->watches[i].fd, b->watches[i].events, 0 };

		if (!b->watches[i].watch || poll(&p, 1, 0) <= 0)
			continue;
		any = true;
		riser__watch_ready(b->watches[i].watch, p.revents);
	}
	for (size_t i = 0; i < b->watch_count; i++) {
		if (b->watches[i].watch)
			b->watches[kept++] = b->watches[i];
	}
	b->watch_count = kept;
	return any;
}

static void settle(struct bench *b, bool jobs)
{
	for (unsigned round = 0; round < ROUNDS_MOST; round++) {
		bool any;

		if (jobs)
			wait_for_jobs(b);
		any = atomic_exchange(&b->woken, false);
		if (any)
			riser__dev_run_posted(b->dev);
		if (!run_watches(b) && !any)
			return;
	}
	log_line(b, RISER_WARN, "the device's posted work or watches do not come to an end");
}

void bench_settle(struct bench *b)
{
	settle(b, false);
}

void bench_settle_jobs(struct bench *b)
{
	settle(b, true);
}
