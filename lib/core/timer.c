/* SPDX-License-Identifier: MIT */
/* A device's timers: few, so the next one is found by looking at all. */
#include <errno.h>
#include <stdlib.h>

#include "core/dev.h"

int riser__timers_init(struct riser_dev *dev)
{
	struct riser__timer_state *t = &dev->timers;

	t->timers = dev->desc->timers.base;
	t->count = dev->desc->timers.count;
	t->deadlines = calloc(t->count ? t->count : 1, sizeof(*t->deadlines));
	if (!t->deadlines)
		return -ENOMEM;
	for (unsigned i = 0; i < t->count; i++)
		t->deadlines[i] = UINT64_MAX;
	return 0;
}

void riser__timers_fini(struct riser_dev *dev)
{
	free(dev->timers.deadlines);
	dev->timers = (struct riser__timer_state){ 0 };
}

/* The timer that fires first; of those at the same time the first in the table. */
static unsigned first(const struct riser__timer_state *t)
{
	unsigned best = 0;

	for (unsigned i = 1; i < t->count; i++) {
		if (t->deadlines[i] < t->deadlines[best])
			best = i;
	}
	return best;
}

static void tell_host(struct riser_dev *dev)
{
	const struct riser__timer_state *t = &dev->timers;

	if (t->count)
		dev->ops->set_deadline(dev->host, t->deadlines[first(t)]);
}

void riser__timers_cancel_all(struct riser_dev *dev)
{
	for (unsigned i = 0; i < dev->timers.count; i++)
		dev->timers.deadlines[i] = UINT64_MAX;
	tell_host(dev);
}

void riser__dev_run_timers(struct riser_dev *dev)
{
	struct riser__timer_state *t = &dev->timers;
	uint64_t now = riser_now(dev);

	/* A timer that keeps arming itself for now fires once a run: the loop must go on. */
	for (unsigned fired = 0; t->count && fired < t->count; fired++) {
		unsigned i = first(t);

		if (t->deadlines[i] > now)
			break;
		t->deadlines[i] = UINT64_MAX;
		t->timers[i].fire(dev);
	}
	tell_host(dev);
}

uint64_t riser_now(struct riser_dev *dev)
{
	return dev->ops->now(dev->host);
}

void riser_timer_arm(struct riser_dev *dev, unsigned timer, uint64_t ns)
{
	uint64_t now = riser_now(dev);

	if (timer >= dev->timers.count) {
		riser_log(dev, RISER_ERROR, "timer %u armed, but the device has only %u", timer,
			  dev->timers.count);
		return;
	}
	dev->timers.deadlines[timer] = ns < UINT64_MAX - 1 - now ? now + ns : UINT64_MAX - 1;
	tell_host(dev);
}

void riser_timer_cancel(struct riser_dev *dev, unsigned timer)
{
	if (timer >= dev->timers.count)
		return;
	dev->timers.deadlines[timer] = UINT64_MAX;
	tell_host(dev);
}

bool riser_timer_pending(const struct riser_dev *dev, unsigned timer)
{
	return timer < dev->timers.count && dev->timers.deadlines[timer] != UINT64_MAX;
}
