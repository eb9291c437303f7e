/* SPDX-License-Identifier: MIT */
/* Waiting for the device, by its interrupts or by looking. */
#include <errno.h>
#include <time.h>

#include "host/driver.h"

enum {
	/*
	 * On the bench, what a device leaves to threads or to the kernel takes real time,
	 * which a wait of the bench's own clock does not give it.
	 */
	BENCH_STEP = 100000,
	BENCH_REST = 20000,
	RESET_REST = 1000000, /* ns between two looks at a reset that takes long */
	RESETS_MOST = 60000,  /* looks at a reset before it is given up */
	LOOKS = 64, /* in a row, before the host does other work, such as DMA by message */
};

static void bench_rest(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = BENCH_REST }, NULL);
}

bool driver_look_again(struct riser_driver *driver, unsigned looks)
{
	if (looks < LOOKS)
		return true;
	if (driver->host->impl->simulated)
		riser_host_advance(driver->host, BENCH_STEP);
	nanosleep(&(struct timespec){ .tv_nsec = RESET_REST }, NULL);
	return looks < RESETS_MOST;
}

/* One step of waiting without interrupts: looks at the used ring, and lets time pass. */
static int queue_look(struct riser_driver_queue *queue, uint64_t left)
{
	struct riser_host *host = queue->driver->host;
	int ret;

	if (host->impl->simulated) {
		ret = riser_host_advance(host, left < BENCH_STEP ? left : BENCH_STEP);
		bench_rest();
		return ret;
	}
	for (unsigned i = 0; i < LOOKS; i++) {
		uint32_t slot, written;

		if (queue->ring->used(queue, &slot, &written))
			return 0;
		atomic_signal_fence(memory_order_seq_cst);
	}
	return host->impl->pass(host, 0, HOST_NO_VECTOR);
}

/* -ETIMEDOUT is no error yet: the caller looks at the clock. */
static int sleep_till_irq(struct riser_driver_queue *queue, uint64_t left)
{
	bool simulated = queue->driver->host->impl->simulated;
	int ret = driver_irq_wait(queue->driver, queue->vector,
				  simulated && left > BENCH_STEP ? BENCH_STEP : left);

	if (ret == -ETIMEDOUT && simulated)
		bench_rest();
	return ret == -ETIMEDOUT ? 0 : ret;
}

int riser_driver_wait(struct riser_driver_queue *queue, void **cookie, uint32_t *written,
		      uint64_t timeout)
{
	struct riser_host *host = queue->driver->host;
	uint64_t now = riser_host_now(host);
	uint64_t until = timeout < UINT64_MAX - now ? now + timeout : UINT64_MAX;
	int ret = riser_driver_get(queue, cookie, written);

	while (ret == -EAGAIN) {
		if (!queue->driver->polling) {
			queue->ring->interrupts(queue, true);
			ret = riser_driver_get(queue, cookie, written);
			if (ret != -EAGAIN)
				break;
		}
		now = riser_host_now(host);
		if (now >= until)
			return riser__host_fail(host, -ETIMEDOUT,
						"queue %u: nothing used within %llu ns",
						queue->index, (unsigned long long)timeout);
		ret = queue->driver->polling ? queue_look(queue, until - now)
					     : sleep_till_irq(queue, until - now);
		if (!ret)
			ret = riser_driver_get(queue, cookie, written);
	}
	return ret;
}
