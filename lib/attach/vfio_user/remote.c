/* SPDX-License-Identifier: MIT */
/*
 * DMA by message, to memory that came without a file. The device waits in the middle of its
 * callback, so that what the client asks meanwhile is set aside and served after it: callbacks
 * are never nested. Other threads hand their transfers over to the loop's.
 */
#include <errno.h>
#include <time.h>

#include "attach/vfio_user/exchange.h"
#include "core/jobs.h"
#include "pci/function.h"

enum { CHUNK = 64 << 10 /* a read of 256 KiB never completes in QEMU */ };

/* Less than the five seconds in which QEMU wants its own answer. */
#define ANSWER_NS UINT64_C(4000000000)
#define HANDOVER_S 6

struct vu_remote_job {
	uint64_t iova;
	void *buffer;
	size_t length;
	bool write;
	enum { QUEUED, RUNNING, DONE } phase;
	int ret;
	const atomic_bool *cancelled; /* the device's job that wants it; NULL: none does */
	struct vu_remote_job *next;
};

static int find_layout(struct riser_server *server, uint64_t iova, uint64_t deadline)
{
	struct vu_exchange x = { .command = VU_DMA_WRITE, .iova = iova, .deadline = deadline };
	int ret = vu_exchange(server, &x);

	if (ret)
		return ret;
	server->remote.layout = x.reply_size >= sizeof(x.header) + VU_OLD_FIELDS
					? VU_LAYOUT_SPEC
					: VU_LAYOUT_OLD;
	vu_log(server, RISER_DEBUG, "the client lays DMA messages out as %s",
	       server->remote.layout == VU_LAYOUT_SPEC ? "specified" : "QEMU 10 does");
	return 0;
}

/* What came after the message being served, if it is not whole, goes on in `aside`. */
static int begin_aside(struct riser_server *server)
{
	struct vu_link *link = &server->link;
	struct vu_header header;
	size_t at = link->in.start;

	if (link->aside.start != link->aside.end)
		return 0;
	link->aside.start = link->aside.end = 0;
	server->remote.parsed = 0;
	vu_early_forget(server);
	while (vu_input_header(&link->in, at, &header) == 1)
		at += header.size;
	return vu_input_move_tail(&link->in, at, &link->aside);
}

static int remote_transfer(struct riser_server *server, uint64_t iova, void *buffer,
			   size_t length, bool write)
{
	struct vu_link *link = &server->link;
	uint64_t deadline = riser__loop_now() + ANSWER_NS;
	size_t chunk = link->max_xfer < CHUNK ? link->max_xfer : CHUNK;
	int ret = 0;

	if (!link->negotiated || link->broken)
		return -ENOTCONN;
	/* Asked again: Bus Master Enable may have gone while the job waited for its turn. */
	if (!riser__dev_reaches_memory(server->dev))
		return -EACCES;
	if (server->remote.stuck)
		return -ETIMEDOUT;
	ret = begin_aside(server);
	if (!ret && server->remote.layout == VU_LAYOUT_UNKNOWN)
		ret = find_layout(server, iova, deadline);
	for (size_t done = 0; !ret && done < length;) {
		struct vu_exchange x = { .command = write ? VU_DMA_WRITE : VU_DMA_READ,
					 .iova = iova + done,
					 .deadline = deadline,
					 .buffer = (uint8_t *)buffer + done,
					 .count = length - done < chunk ? length - done
									: chunk };

		ret = vu_exchange(server, &x);
		done += x.count;
	}
	riser__loop_wake(server->loop, &server->task); /* serves what was set aside */
	return ret;
}

/* Takes the job out of the queue, if it is in it. Lock held. */
static void remote_unqueue(struct vu_remote *remote, struct vu_remote_job *job)
{
	struct vu_remote_job **at = &remote->jobs;

	while (*at && *at != job)
		at = &(*at)->next;
	if (*at)
		*at = job->next;
	for (remote->last = &remote->jobs; *remote->last; remote->last = &(*remote->last)->next)
		;
}

static int remote_hand_over(struct riser_server *server, struct vu_remote_job *job)
{
	struct vu_remote *remote = &server->remote;
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += HANDOVER_S;
	pthread_mutex_lock(&remote->lock);
	if (remote->closed) {
		pthread_mutex_unlock(&remote->lock);
		return -ENOTCONN;
	}
	*remote->last = job;
	remote->last = &job->next;
	riser__loop_wake(server->loop, &server->task);
	while (job->phase != DONE) {
		/* The loop works on the caller's buffer while RUNNING: not to be left then. */
		if (job->phase == RUNNING) {
			pthread_cond_wait(&remote->done, &remote->lock);
		} else if (pthread_cond_timedwait(&remote->done, &remote->lock, &until) ==
				   ETIMEDOUT &&
			   job->phase == QUEUED) {
			remote_unqueue(remote, job);
			job->ret = -ETIMEDOUT;
			break;
		}
	}
	pthread_mutex_unlock(&remote->lock);
	return job->ret;
}

int vu_remote_dma(struct riser_server *server, uint64_t iova, void *buffer, size_t length,
		  bool write)
{
	int ret = 0;

	if (riser__loop_is_own_thread(server->loop))
		return remote_transfer(server, iova, buffer, length, write);
	/* In pieces, so that the loop serves its clients in between. */
	for (size_t done = 0; !ret && done < length; done += CHUNK) {
		struct vu_remote_job job = {
			.iova = iova + done,
			.buffer = (uint8_t *)buffer + done,
			.length = length - done < CHUNK ? length - done : CHUNK,
			.write = write,
			.cancelled = riser__job_is_cancelled(server->dev),
		};

		ret = remote_hand_over(server, &job);
	}
	return ret;
}

void vu_remote_run_jobs(struct riser_server *server)
{
	struct vu_remote *remote = &server->remote;
	struct vu_remote_job *job;

	pthread_mutex_lock(&remote->lock);
	while ((job = remote->jobs)) {
		remote_unqueue(remote, job);
		job->phase = RUNNING;
		pthread_mutex_unlock(&remote->lock);
		job->ret = job->cancelled && atomic_load(job->cancelled)
				   ? -ECANCELED
				   : remote_transfer(server, job->iova, job->buffer,
						     job->length, job->write);
		pthread_mutex_lock(&remote->lock);
		job->phase = DONE;
		pthread_cond_broadcast(&remote->done);
	}
	pthread_mutex_unlock(&remote->lock);
}

static void fail_jobs(struct vu_remote *remote, bool close)
{
	pthread_mutex_lock(&remote->lock);
	remote->closed |= close;
	for (struct vu_remote_job *job = remote->jobs; job; job = job->next) {
		job->ret = -ENOTCONN;
		job->phase = DONE;
	}
	remote->jobs = NULL;
	remote->last = &remote->jobs;
	pthread_cond_broadcast(&remote->done);
	pthread_mutex_unlock(&remote->lock);
}

void vu_remote_close(struct riser_server *server)
{
	fail_jobs(&server->remote, true);
}

void vu_remote_forget_client(struct riser_server *server)
{
	server->remote.layout = VU_LAYOUT_UNKNOWN;
	server->remote.stuck = server->remote.waits = false;
	server->remote.parsed = 0;
	vu_early_forget(server);
	vu_output_fini(&server->remote.early);
	fail_jobs(&server->remote, false);
}

int vu_remote_init(struct riser_server *server)
{
	struct vu_remote *remote = &server->remote;
	pthread_condattr_t attr;
	int ret = pthread_condattr_init(&attr);

	if (ret)
		return -ret;
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&remote->lock, NULL);
	ret = pthread_cond_init(&remote->done, &attr);
	pthread_condattr_destroy(&attr);
	remote->last = &remote->jobs;
	return -ret;
}

void vu_remote_fini(struct riser_server *server)
{
	pthread_cond_destroy(&server->remote.done);
	pthread_mutex_destroy(&server->remote.lock);
	vu_output_fini(&server->remote.early);
}
