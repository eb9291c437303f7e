/* SPDX-License-Identifier: MIT */
/* A device that stops, and goes on here or in another process. */
#include <errno.h>
#include <time.h>

#include "core/dev.h"
#include "core/loop.h"

void riser_exclusive(struct riser_dev *dev, int (*acquire)(struct riser_dev *dev),
		     void (*release)(struct riser_dev *dev))
{
	dev->exclusive.acquire = acquire;
	dev->exclusive.release = release;
}

void riser_unsaved(struct riser_dev *dev, const char *what)
{
	dev->unsaved = what;
}

int riser__dev_acquire(struct riser_dev *dev, struct riser_error *error)
{
	struct riser_error why = { "acquire() failed" };
	int ret = 0;

	if (dev->exclusive.held)
		return 0;
	dev->failure = &why;
	if (dev->exclusive.acquire)
		ret = dev->exclusive.acquire(dev);
	dev->failure = NULL;
	dev->exclusive.held = !ret;
	return ret ? riser__fail(error, ret < 0 ? ret : -EIO, "%s: %s", dev->desc->name,
				 why.text)
		   : 0;
}

void riser__dev_release(struct riser_dev *dev)
{
	if (dev->exclusive.held && dev->exclusive.release)
		dev->exclusive.release(dev);
	dev->exclusive.held = false;
}

int riser__dev_end_jobs(struct riser_dev *dev, uint64_t ns)
{
	static const struct timespec moment = { .tv_nsec = 1000000 };
	uint64_t until = riser__loop_now() + ns;

	while (riser__work_busy(dev)) {
		if (riser__loop_now() > until) {
			riser_log(dev, RISER_ERROR,
				  "a job does not end: it goes on while it should not");
			return -EBUSY;
		}
		if (dev->ops->help_jobs)
			dev->ops->help_jobs(dev->host);
		riser__dev_run_posted(dev);
		nanosleep(&moment, NULL);
	}
	riser__dev_run_posted(dev);
	return 0;
}

int riser__dev_stop(struct riser_dev *dev, uint64_t ns)
{
	int ret = riser__dev_end_jobs(dev, ns);

	if (ret || !riser__dev_enter(dev))
		return ret ? ret : -EBUSY;
	if (dev->desc->saving)
		dev->desc->saving(dev);
	riser__dev_leave(dev);
	return 0;
}
