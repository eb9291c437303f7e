/* SPDX-License-Identifier: MIT */
/* Posted work; jobs are in jobs.c. */
#include <errno.h>

#include "core/jobs.h"

int riser__work_init(struct riser_dev *dev)
{
	struct riser__work_state *w = &dev->work;

	w->last = &w->first;
	w->ended_last = &w->ended;
	w->made = !pthread_mutex_init(&w->lock, NULL);
	return w->made ? 0 : -ENOMEM;
}

/* Lock held. */
static void drop_list(struct riser_work **list)
{
	while (*list) {
		(*list)->queued_ = false;
		*list = (*list)->next_;
	}
}

static void drop_works(struct riser__work_state *w)
{
	pthread_mutex_lock(&w->lock);
	drop_list(&w->first);
	drop_list(&w->being_run);
	w->last = &w->first;
	pthread_mutex_unlock(&w->lock);
}

/*
 * The lock stays: threads of the device's own may post until the device's fini() has waited for
 * them. What they post is dropped.
 */
void riser__work_fini(struct riser_dev *dev)
{
	struct riser__work_state *w = &dev->work;

	if (!w->made)
		return;
	riser__jobs_cancel(dev, NULL);
	riser__jobs_fini(dev);
	drop_works(w);
	w->ended = NULL;
	w->ended_last = &w->ended;
}

void riser__work_free(struct riser_dev *dev)
{
	if (dev->work.made)
		riser__jobs_free(dev);
}

void riser__work_cancel(struct riser_dev *dev)
{
	riser__jobs_cancel(dev, NULL);
	drop_works(&dev->work);
}

void riser_post(struct riser_dev *dev, struct riser_work *work)
{
	struct riser__work_state *w = &dev->work;
	const atomic_bool *cancelled = riser__job_is_cancelled(dev);
	bool taken, was_empty = false;

	pthread_mutex_lock(&w->lock);
	/* What a job posts after it was cancelled was begun before, too. */
	taken = !work->queued_ && !w->closed && !(cancelled && atomic_load(cancelled));
	if (taken) {
		was_empty = !w->first;
		work->queued_ = true;
		work->next_ = NULL;
		*w->last = work;
		w->last = &work->next_;
	}
	pthread_mutex_unlock(&w->lock);
	if (taken && was_empty)
		dev->ops->wake(dev->host);
}

/* Takes what was posted before now; what a work posts again waits for the next run. */
static void run_works(struct riser_dev *dev)
{
	struct riser__work_state *w = &dev->work;
	struct riser_work *work;

	pthread_mutex_lock(&w->lock);
	w->being_run = w->first;
	w->first = NULL;
	w->last = &w->first;
	while ((work = w->being_run)) {
		w->being_run = work->next_;
		work->queued_ = false;
		pthread_mutex_unlock(&w->lock);
		work->run(dev, work);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
}

void riser__dev_run_posted(struct riser_dev *dev)
{
	if (!riser__dev_enter(dev)) {
		dev->ops->wake(dev->host);
		return;
	}
	run_works(dev);
	riser__jobs_end(dev);
	riser__dev_leave(dev);
}
