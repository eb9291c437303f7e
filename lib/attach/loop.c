/* SPDX-License-Identifier: MIT */
#include "attach/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { BATCH = 64 };

struct riser_loop {
	int epoll;
	struct riser__source stop; /* an eventfd */
	bool stopped;
	struct epoll_event events[BATCH];
	int count, at; /* the batch being worked on */
};

static void stop_ready(struct riser__source *source, uint32_t events)
{
	struct riser_loop *loop =
		(struct riser_loop *)((char *)source - offsetof(struct riser_loop, stop));
	uint64_t count;

	(void)events;
	loop->stopped = read(source->fd, &count, sizeof(count)) == sizeof(count);
}

int riser_loop_create(struct riser_loop **loop)
{
	struct riser_loop *made = calloc(1, sizeof(*made));
	int ret = 0;

	*loop = NULL;
	if (!made)
		return -ENOMEM;
	made->epoll = epoll_create1(EPOLL_CLOEXEC);
	made->stop.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	made->stop.ready = stop_ready;
	if (made->epoll < 0 || made->stop.fd < 0)
		ret = -errno;
	if (!ret)
		ret = riser__loop_add(made, &made->stop, EPOLLIN);
	if (ret) {
		riser_loop_destroy(made);
		return ret;
	}
	*loop = made;
	return 0;
}

void riser_loop_destroy(struct riser_loop *loop)
{
	if (!loop)
		return;
	if (loop->epoll >= 0)
		close(loop->epoll);
	if (loop->stop.fd >= 0)
		close(loop->stop.fd);
	free(loop);
}

int riser_loop_run(struct riser_loop *loop)
{
	while (!loop->stopped) {
		loop->count = epoll_wait(loop->epoll, loop->events, BATCH, -1);
		if (loop->count < 0 && errno != EINTR)
			return -errno;
		for (loop->at = 0; loop->at < loop->count; loop->at++) {
			struct riser__source *source = loop->events[loop->at].data.ptr;

			if (source)
				source->ready(source, loop->events[loop->at].events);
		}
		loop->count = 0;
	}
	loop->stopped = false;
	return 0;
}

void riser_loop_stop(struct riser_loop *loop)
{
	uint64_t one = 1;
	int saved = errno;
	ssize_t n = write(loop->stop.fd, &one, sizeof(one));

	(void)n; /* it only fails when it is set already */
	errno = saved;
}

int riser__loop_add(struct riser_loop *loop, struct riser__source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	source->events = events;
	return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, source->fd, &event) ? -errno : 0;
}

int riser__loop_modify(struct riser_loop *loop, struct riser__source *source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	if (source->events == events)
		return 0;
	source->events = events;
	return epoll_ctl(loop->epoll, EPOLL_CTL_MOD, source->fd, &event) ? -errno : 0;
}

void riser__loop_remove(struct riser_loop *loop, struct riser__source *source)
{
	epoll_ctl(loop->epoll, EPOLL_CTL_DEL, source->fd, NULL);
	for (int i = loop->at + 1; i < loop->count; i++) {
		if (loop->events[i].data.ptr == source)
			loop->events[i].data.ptr = NULL;
	}
}
