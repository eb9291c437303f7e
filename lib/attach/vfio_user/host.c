/* SPDX-License-Identifier: MIT */
/* The device's host when a vfio-user client is behind it: clock, work, watches, log. */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "attach/vfio_user/server.h"

#define server_of(source_, member)                                                             \
	((struct riser_server *)((char *)(source_)-offsetof(struct riser_server, member)))

/* A descriptor the device watches. */
struct vu_watch {
	struct riser__source source;
	struct riser_server *server;
	struct riser_watch *watch;
	struct vu_watch *next;
};

static uint64_t monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static bool running(const struct riser_server *s)
{
	return s->migration.state == VU_STATE_RUNNING;
}

static uint64_t host_now(void *host)
{
	const struct riser_server *s = host;

	return (running(s) ? monotonic() : s->stopped_at) - s->clock_lag;
}

static void set_timer(struct riser_server *s)
{
	struct itimerspec at = { 0 };
	uint64_t when = s->deadline + s->clock_lag;

	if (running(s) && s->deadline != UINT64_MAX && when >= s->clock_lag) {
		at.it_value.tv_sec = (time_t)(when / 1000000000);
		at.it_value.tv_nsec = (long)(when % 1000000000);
		if (!when)
			at.it_value.tv_nsec = 1;
	}
	timerfd_settime(s->timer.fd, TFD_TIMER_ABSTIME, &at, NULL);
}

static void host_set_deadline(void *host, uint64_t deadline)
{
	struct riser_server *s = host;

	if (deadline == s->deadline)
		return;
	s->deadline = deadline;
	set_timer(s);
}

void vu_set_running(struct riser_server *s, bool run)
{
	if (run)
		s->clock_lag += monotonic() - s->stopped_at;
	else
		s->stopped_at = monotonic();
	set_timer(s);
}

static void timer_ready(struct riser__source *source, uint32_t events)
{
	struct riser_server *s = server_of(source, timer);
	uint64_t count;
	ssize_t n = read(source->fd, &count, sizeof(count));

	(void)events, (void)n;
	s->deadline = UINT64_MAX;
	if (running(s))
		riser__dev_run_timers(s->dev);
	vu_pump(s);
}

static void host_wake(void *host)
{
	struct riser_server *s = host;
	uint64_t one = 1;
	ssize_t n = write(s->wake.fd, &one, sizeof(one));

	(void)n;
}

static void wake_ready(struct riser__source *source, uint32_t events)
{
	struct riser_server *s = server_of(source, wake);
	uint64_t count;
	ssize_t n = read(source->fd, &count, sizeof(count));

	(void)events, (void)n;
	vu_run_dma_jobs(s);
	if (running(s))
		riser__dev_run_posted(s->dev);
	vu_pump(s);
}

static uint32_t to_epoll(short events)
{
	return (events & POLLIN ? EPOLLIN : 0u) | (events & POLLOUT ? EPOLLOUT : 0u) |
	       (events & POLLPRI ? EPOLLPRI : 0u);
}

static short from_epoll(uint32_t events)
{
	return (short)((events & EPOLLIN ? POLLIN : 0) | (events & EPOLLOUT ? POLLOUT : 0) |
		       (events & EPOLLPRI ? POLLPRI : 0) | (events & EPOLLERR ? POLLERR : 0) |
		       (events & EPOLLHUP ? POLLHUP : 0));
}

static void watch_ready(struct riser__source *source, uint32_t events)
{
	struct vu_watch *w = (struct vu_watch *)source;
	struct riser_server *s = w->server;

	/* The callback may destroy the watch. */
	riser__watch_ready(w->watch, from_epoll(events));
	vu_pump(s);
}

static int add_watch(struct riser_server *s, struct riser_watch *watch, int fd, short events)
{
	struct vu_watch *w = calloc(1, sizeof(*w));
	int ret;

	if (!w)
		return -ENOMEM;
	*w = (struct vu_watch){ { .fd = fd, .ready = watch_ready }, s, watch, s->watches };
	ret = riser__loop_add(s->loop, &w->source, to_epoll(events));
	if (ret)
		free(w);
	else
		s->watches = w;
	return ret;
}

static int host_watch(void *host, struct riser_watch *watch, int fd, short events)
{
	struct riser_server *s = host;
	struct vu_watch **link = &s->watches, *w;

	while (*link && (*link)->watch != watch)
		link = &(*link)->next;
	w = *link;
	if (!w)
		return events ? add_watch(s, watch, fd, events) : 0;
	if (events)
		return riser__loop_modify(s->loop, &w->source, to_epoll(events));
	riser__loop_remove(s->loop, &w->source);
	*link = w->next;
	free(w);
	return 0;
}

static int host_dma_map(void *host, uint64_t iova, size_t length, unsigned access,
			struct riser_dma *dma)
{
	struct riser_server *s = host;

	return riser__dma_table_map(s->dma, iova, length, access, dma);
}

static int host_dma_unmap(void *host, struct riser_dma *dma)
{
	(void)host;
	return riser__dma_unmap(dma);
}

static void host_log(void *host, enum riser_log_level level, const char *line)
{
	struct riser_server *s = host;
	const char *name = s->dev ? s->dev->desc->name : "device";

	if (s->log)
		s->log(s->log_arg, level, name, line);
	else
		fprintf(stderr, "%s: %s\n", name, line);
}

void vu_log(struct riser_server *s, enum riser_log_level level, const char *format, ...)
{
	char line[384];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	host_log(s, level, line);
}

const struct riser__host_ops vu_host_ops = {
	.keeps_msix_table = true,
	.now = host_now,
	.set_deadline = host_set_deadline,
	.wake = host_wake,
	.watch = host_watch,
	.intx = vu_host_intx,
	.message = vu_host_message,
	.dma = vu_host_dma,
	.dma_map = host_dma_map,
	.dma_unmap = host_dma_unmap,
	.log = host_log,
};

int vu_host_init(struct riser_server *s)
{
	int ret;

	s->deadline = UINT64_MAX;
	s->timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	s->timer.ready = timer_ready;
	s->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->wake.ready = wake_ready;
	if (s->timer.fd < 0 || s->wake.fd < 0)
		return -errno;
	ret = riser__loop_add(s->loop, &s->timer, EPOLLIN);
	return ret ? ret : riser__loop_add(s->loop, &s->wake, EPOLLIN);
}

void vu_host_fini(struct riser_server *s)
{
	struct riser__source *sources[] = { &s->timer, &s->wake };

	for (size_t i = 0; i < 2; i++) {
		if (sources[i]->fd < 0)
			continue;
		riser__loop_remove(s->loop, sources[i]);
		close(sources[i]->fd);
	}
}
