/* SPDX-License-Identifier: MIT */
/* The event loop: epoll, deadlines, tasks woken by other threads, sources that are polled. */
#include "core/loop.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
	BATCH = 64,
	SPINS = 64, /* rounds of those that are polled, before all others have theirs */
};

/* A deadline this near is waited for by the loop alone. */
#define SOON UINT64_C(20000000)
#define NS_PER_S UINT64_C(1000000000)

struct riser_loop {
	int epoll, wakeup;
	pthread_t thread;
	atomic_bool running, stop;
	atomic_bool woken;  /* some task is */
	atomic_bool kicked; /* was once woken by another thread while running */
	unsigned hurried;   /* sources that are not patient */
	struct riser__task *tasks;
	struct riser__alarm *alarms; /* by deadline */
	struct riser__source wakeup_source;
	struct riser__source *polled, *poll_next; /* the next one in a round */
	struct epoll_event batch[BATCH]; /* being dispatched: from batch_at to batch_end */
	int batch_at, batch_end;
};

uint64_t riser__loop_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static void drain_wakeup(struct riser__source *source, uint32_t events)
{
	uint64_t count;

	(void)events;
	/* Nothing is lost if it fails: it is level-triggered. */
	if (read(source->fd, &count, sizeof(count)) < 0)
		return;
}

int riser_loop_create(struct riser_loop **loop)
{
	struct riser_loop *made = calloc(1, sizeof(*made));
	int ret;

	*loop = NULL;
	if (!made)
		return -ENOMEM;
	made->epoll = epoll_create1(EPOLL_CLOEXEC);
	made->wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	made->wakeup_source = (struct riser__source){ .fd = made->wakeup,
						      .patient = true,
						      .ready = drain_wakeup };
	ret = made->epoll < 0 || made->wakeup < 0
		      ? -errno
		      : riser__loop_add(made, &made->wakeup_source, EPOLLIN);
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
	if (loop->wakeup >= 0)
		close(loop->wakeup);
	free(loop);
}

static int control(struct riser_loop *loop, int op, struct riser__source *source)
{
	struct epoll_event event = { .events = source->events, .data.ptr = source };

	return epoll_ctl(loop->epoll, op, source->fd, &event) ? -errno : 0;
}

int riser__loop_add(struct riser_loop *loop, struct riser__source *source, uint32_t events)
{
	int ret = 0;

	source->events = events;
	source->taken = false;
	if (!source->polled) {
		ret = control(loop, EPOLL_CTL_ADD, source);
	} else {
		source->next = loop->polled;
		loop->polled = source;
	}
	if (!ret && !source->patient)
		loop->hurried++;
	return ret;
}

int riser__loop_modify(struct riser_loop *loop, struct riser__source *source, uint32_t events)
{
	source->events = events;
	return source->taken || source->polled ? 0 : control(loop, EPOLL_CTL_MOD, source);
}

static void remove_polled(struct riser_loop *loop, struct riser__source *source)
{
	struct riser__source **at = &loop->polled;

	while (*at != source)
		at = &(*at)->next;
	*at = source->next;
	if (loop->poll_next == source)
		loop->poll_next = source->next;
}

void riser__loop_remove(struct riser_loop *loop, struct riser__source *source)
{
	if (source->polled)
		remove_polled(loop, source);
	else if (!source->taken && control(loop, EPOLL_CTL_DEL, source))
		return;
	source->taken = false;
	if (!source->patient)
		loop->hurried--;
	for (int i = loop->batch_at; i < loop->batch_end; i++) {
		if (loop->batch[i].data.ptr == source)
			loop->batch[i].data.ptr = NULL;
	}
}

void riser__loop_take(struct riser_loop *loop, struct riser__source *source)
{
	source->taken = source->taken || !control(loop, EPOLL_CTL_DEL, source);
}

int riser__loop_give_back(struct riser_loop *loop, struct riser__source *source)
{
	int ret = source->taken ? control(loop, EPOLL_CTL_ADD, source) : 0;

	if (!ret)
		source->taken = false;
	return ret;
}

void riser__loop_set_alarm(struct riser_loop *loop, struct riser__alarm *alarm,
			   uint64_t deadline)
{
	struct riser__alarm **at;

	if (alarm->link) {
		*alarm->link = alarm->next;
		if (alarm->next)
			alarm->next->link = alarm->link;
		alarm->link = NULL;
	}
	if (deadline == UINT64_MAX)
		return;
	for (at = &loop->alarms; *at && (*at)->deadline <= deadline; at = &(*at)->next)
		;
	alarm->deadline = deadline;
	alarm->next = *at;
	alarm->link = at;
	if (alarm->next)
		alarm->next->link = &alarm->next;
	*at = alarm;
}

void riser__loop_add_task(struct riser_loop *loop, struct riser__task *task)
{
	task->next = loop->tasks;
	task->link = &loop->tasks;
	if (task->next)
		task->next->link = &task->next;
	loop->tasks = task;
}

void riser__loop_remove_task(struct riser_loop *loop, struct riser__task *task)
{
	(void)loop;
	if (!task->link)
		return;
	*task->link = task->next;
	if (task->next)
		task->next->link = task->link;
	task->link = NULL;
}

bool riser__loop_is_own_thread(struct riser_loop *loop)
{
	return atomic_load(&loop->running) && pthread_equal(loop->thread, pthread_self());
}

static void interrupt_wait(struct riser_loop *loop)
{
	static const uint64_t one = 1;
	int saved = errno; /* riser_loop_stop() may be in a signal handler */

	/* Full would do as well: it is readable then. A wake that is lost is never made up for.
	 */
	for (int tries = 0; tries < 8; tries++) {
		if (write(loop->wakeup, &one, sizeof(one)) > 0 || errno == EAGAIN)
			break;
	}
	errno = saved;
}

void riser__loop_wake(struct riser_loop *loop, struct riser__task *task)
{
	if (atomic_exchange(&task->woken, true))
		return;
	if (atomic_exchange(&loop->woken, true) || riser__loop_is_own_thread(loop))
		return;
	if (atomic_load(&loop->running))
		atomic_store(&loop->kicked, true);
	interrupt_wait(loop);
}

void riser_loop_stop(struct riser_loop *loop)
{
	atomic_store(&loop->stop, true);
	interrupt_wait(loop);
}

bool riser__loop_may_linger(struct riser_loop *loop)
{
	if (loop->hurried != 1 || atomic_load_explicit(&loop->kicked, memory_order_relaxed) ||
	    atomic_load(&loop->woken) || atomic_load(&loop->stop))
		return false;
	return !loop->alarms || loop->alarms->deadline > riser__loop_now() + SOON;
}

static void run_tasks(struct riser_loop *loop)
{
	struct riser__task *task, *next;

	if (!atomic_load_explicit(&loop->woken, memory_order_relaxed) ||
	    !atomic_exchange(&loop->woken, false))
		return;
	for (task = loop->tasks; task; task = next) {
		next = task->next;
		if (atomic_exchange(&task->woken, false))
			task->run(task);
	}
}

static void run_alarms(struct riser_loop *loop)
{
	uint64_t now;

	if (!loop->alarms)
		return;
	now = riser__loop_now();
	while (loop->alarms && loop->alarms->deadline <= now) {
		struct riser__alarm *alarm = loop->alarms;

		riser__loop_set_alarm(loop, alarm, UINT64_MAX);
		alarm->fire(alarm);
	}
}

/* How long to wait at most; NULL: for ever. */
static const struct timespec *timeout(struct riser_loop *loop, struct timespec *ts)
{
	uint64_t now, left = 0;

	if (!loop->alarms && !loop->polled && !atomic_load(&loop->woken))
		return NULL;
	if (!loop->polled && !atomic_load(&loop->woken)) {
		now = riser__loop_now();
		left = loop->alarms->deadline > now ? loop->alarms->deadline - now : 0;
	}
	*ts = (struct timespec){ (time_t)(left / NS_PER_S), (long)(left % NS_PER_S) };
	return ts;
}

/* Kernels before 5.11, and valgrind, know milliseconds only: then rather too late than early.
 */
static int wait_ms(struct riser_loop *loop, const struct timespec *ts)
{
	int64_t ms = ts ? (int64_t)ts->tv_sec * 1000 + (ts->tv_nsec + 999999) / 1000000 : -1;

	return epoll_wait(loop->epoll, loop->batch, BATCH, ms < INT_MAX ? (int)ms : INT_MAX);
}

static int wait_and_dispatch(struct riser_loop *loop)
{
	struct timespec space;
	const struct timespec *ts = timeout(loop, &space);
	int count = epoll_pwait2(loop->epoll, loop->batch, BATCH, ts, NULL);

	if (count < 0 && errno == ENOSYS)
		count = wait_ms(loop, ts);

	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	loop->batch_end = count;
	for (loop->batch_at = 0; loop->batch_at < loop->batch_end;) {
		const struct epoll_event *event = &loop->batch[loop->batch_at++];
		struct riser__source *source = event->data.ptr;

		if (source)
			source->ready(source, event->events);
	}
	return 0;
}

static void poll_sources(struct riser_loop *loop)
{
	struct riser__source *source;

	for (loop->poll_next = loop->polled; (source = loop->poll_next);) {
		loop->poll_next = source->next;
		source->ready(source, source->events);
	}
}

static int run(struct riser_loop *loop)
{
	unsigned round = 0;
	int ret = 0;

	while (!ret && !atomic_load(&loop->stop)) {
		run_tasks(loop);
		run_alarms(loop);
		poll_sources(loop);
		if (!loop->polled || !(++round % SPINS))
			ret = wait_and_dispatch(loop);
	}
	return ret;
}

int riser_loop_run(struct riser_loop *loop)
{
	int state, ret;

	/* To be cancelled amid a device's callback would leave the device broken. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	loop->thread = pthread_self();
	atomic_store(&loop->running, true);
	ret = run(loop);
	atomic_store(&loop->running, false);
	atomic_store(&loop->stop, false);
	pthread_setcancelstate(state, NULL);
	return ret;
}
