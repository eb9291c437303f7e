/* SPDX-License-Identifier: MIT */
/*
 * A device's timers: few, so the next one is found by looking at all.
 *
 * What a timer's callback arms counts from when that timer was due, not from when the host came
 * round to it: a period does not drift. A host that was away for long is not made up for
 * without end: what is more than LATE_MOST ago is given up.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/dev.h"

#define LATE_MOST UINT64_C(1000000000) /* ns */

int riser__timers_init(struct riser_dev *dev)
{
	struct riser__timer_state *t = &dev->timers;
	unsigned count = dev->desc->timers.count;

	t->timers = dev->desc->timers.base;
	t->deadlines = calloc(count ? count : 1, sizeof(*t->deadlines));
	t->fired = calloc(count ? count : 1, sizeof(*t->fired));
	if (!t->deadlines || !t->fired)
		return -ENOMEM;
	for (unsigned i = 0; i < count; i++)
		t->deadlines[i] = UINT64_MAX;
	t->count = count;
	return 0;
}

void riser__timers_fini(struct riser_dev *dev)
{
	if (dev->timers.deadlines)
		riser__timers_cancel_all(dev);
	free(dev->timers.deadlines);
	free(dev->timers.fired);
	dev->timers = (struct riser__timer_state){ 0 };
}

/*
 * The timer that fires first; of those at the same time the first in the table. Those that have
 * fired in this run are left out. `count`: none.
 */
static unsigned first(const struct riser__timer_state *t)
{
	unsigned best = t->count;
	uint64_t deadline = UINT64_MAX;

	for (unsigned i = 0; i < t->count; i++) {
		if (t->deadlines[i] < deadline && !t->fired[i]) {
			best = i;
			deadline = t->deadlines[i];
		}
	}
	return best;
}

/* The next deadline, but not before `earliest`. */
static void tell_host_from(struct riser_dev *dev, uint64_t earliest)
{
	const struct riser__timer_state *t = &dev->timers;
	unsigned i = first(t);
	uint64_t deadline = i < t->count ? t->deadlines[i] : UINT64_MAX;

	if (t->count)
		dev->ops->set_deadline(dev->host, deadline < earliest ? earliest : deadline);
}

static void tell_host(struct riser_dev *dev)
{
	tell_host_from(dev, 0);
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
	uint64_t now = riser_now(dev), late = now > LATE_MOST ? now - LATE_MOST : 0;

	if (!riser__dev_enter(dev)) {
		tell_host(dev);
		return;
	}
	/*
	 * Each fires at most once a run: one that arms itself for now keeps neither the others
	 * nor the loop from their turn.
	 */
	t->firing = true;
	for (unsigned i; (i = first(t)) < t->count && t->deadlines[i] <= now;) {
		t->due = t->deadlines[i] > late ? t->deadlines[i] : late;
		t->deadlines[i] = UINT64_MAX;
		t->fired[i] = true;
		t->timers[i].fire(dev);
	}
	t->firing = false;
	if (t->count)
		memset(t->fired, 0, t->count * sizeof(*t->fired));
	riser__dev_leave(dev);
	/* A host that fires what is due until nothing is would never come to an end. */
	tell_host_from(dev, now + 1);
}

uint64_t riser_now(struct riser_dev *dev)
{
	return dev->ops->now(dev->host);
}

void riser_timer_arm(struct riser_dev *dev, unsigned timer, uint64_t ns)
{
	uint64_t from = dev->timers.firing ? dev->timers.due : riser_now(dev);

	if (timer >= dev->timers.count) {
		riser_log(dev, RISER_ERROR, "timer %u armed, but the device has only %u", timer,
			  dev->timers.count);
		return;
	}
	dev->timers.deadlines[timer] = ns < UINT64_MAX - 1 - from ? from + ns : UINT64_MAX - 1;
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
