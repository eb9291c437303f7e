/* SPDX-License-Identifier: MIT */
/* Descriptors of the model's own that the device's thread watches for it. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "core/dev.h"

struct riser_watch {
	struct riser_dev *dev;
	int fd;
	short events; /* 0: the host does not know it */
	void (*ready)(struct riser_dev *dev, int fd, short events, void *arg);
	void *arg;
	struct riser_watch *next;
};

int riser_watch_create(struct riser_dev *dev, int fd, short events,
		       void (*ready)(struct riser_dev *dev, int fd, short events, void *arg),
		       void *arg, struct riser_watch **watch)
{
	struct riser_watch *made = calloc(1, sizeof(*made));
	int ret;

	*watch = NULL;
	if (!made)
		return -ENOMEM;
	*made = (struct riser_watch){ dev, fd, 0, ready, arg, dev->watches };
	ret = riser_watch_modify(made, events);
	if (ret) {
		free(made);
		return ret;
	}
	dev->watches = made;
	*watch = made;
	return 0;
}

int riser_watch_modify(struct riser_watch *watch, short events)
{
	int ret = 0;

	if (events || watch->events)
		ret = watch->dev->ops->watch(watch->dev->host, watch, watch->fd, events);
	if (!ret)
		watch->events = events;
	return ret;
}

void riser_watch_destroy(struct riser_watch *watch)
{
	struct riser_watch **link;

	if (!watch)
		return;
	if (watch->events)
		watch->dev->ops->watch(watch->dev->host, watch, watch->fd, 0);
	for (link = &watch->dev->watches; *link != watch;)
		link = &(*link)->next;
	*link = watch->next;
	free(watch);
}

void riser__watches_fini(struct riser_dev *dev)
{
	while (dev->watches)
		riser_watch_destroy(dev->watches);
}

/* The callback may destroy the watch, so it is not looked at afterwards. */
void riser__watch_ready(struct riser_watch *watch, short events)
{
	struct riser_dev *dev = watch->dev;

	events &= (short)(watch->events | POLLERR | POLLHUP | POLLNVAL);
	if (!watch->events || !events || !riser__dev_enter(dev))
		return;
	watch->ready(dev, watch->fd, events, watch->arg);
	riser__dev_leave(dev);
}
