/* SPDX-License-Identifier: MIT */
/*
 * DMA by message, to memory that came without a file. The device waits in the middle of its
 * callback, so that what the client asks meanwhile is set aside and served after it: callbacks
 * are never nested. Other threads hand their transfers over to the loop's.
 *
 * QEMU before 11 lays these messages out with a 32-bit count, its data right after it. A write
 * of no bytes tells: the old reply is a bare header.
 */
#include "attach/vfio_user/server.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	CHUNK = 64 << 10, /* a read of 256 KiB never completes in QEMU */
	ASIDE_MOST = 4 << 20,
	OLD_FIELDS = 12, /* address and count in the old layout */
};

/* After so long without a reply, or at once if it was so before, its client waits for us. */
#define PATIENCE_NS UINT64_C(500000000)

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
	struct vu_remote_job *next;
};

struct exchange {
	uint16_t id, command;
	uint64_t iova, deadline, early_at;
	uint8_t *buffer;
	size_t count;
	struct vu_header header;
	struct vu_dma_access fields;
	struct iovec iov[4]; /* header, fields, data, padding */
	unsigned iov_at;
	bool begun; /* a part of it was sent */
	size_t reply_size;
};

static int lose(struct riser_server *server, int why)
{
	server->link.broken = why;
	shutdown(server->link.source.fd, SHUT_RDWR); /* has the loop notice it */
	return -ENOTCONN;
}

static void prepare(struct riser_server *server, struct exchange *x)
{
	static uint8_t padding[sizeof(uint64_t) - sizeof(uint32_t)];
	bool write = x->command == VU_DMA_WRITE;
	bool old = server->remote.layout == VU_LAYOUT_OLD;
	size_t fields = old && write ? OLD_FIELDS : sizeof(x->fields);

	x->id = server->remote.next_id++;
	x->fields = (struct vu_dma_access){ x->iova, x->count };
	x->header = (struct vu_header){
		.id = x->id,
		.command = x->command,
		.size = (uint32_t)(sizeof(x->header) + sizeof(x->fields) +
				   (write ? x->count : 0)),
	};
	x->iov[0] = (struct iovec){ &x->header, sizeof(x->header) };
	x->iov[1] = (struct iovec){ &x->fields, fields };
	x->iov[2] = (struct iovec){ x->buffer, write ? x->count : 0 };
	x->iov[3] = (struct iovec){ padding, sizeof(x->fields) - fields };
}

static bool early_pending(const struct riser_server *server)
{
	return vu_output_pending(&server->remote.early) > 0;
}

static int send_early(struct riser_server *server)
{
	return early_pending(server)
		       ? vu_output_send(&server->remote.early, server->link.source.fd)
		       : 0;
}

/* Sends what replies there are and the request, each whole. 0: all sent; -EAGAIN; lost. */
static int send_request(struct riser_server *server, struct exchange *x)
{
	struct vu_link *link = &server->link;
	int ret = vu_output_send(&link->out, link->source.fd);

	if (!ret && !x->begun)
		ret = send_early(server);

	while (!ret && x->iov_at < 4) {
		struct msghdr msg = { .msg_iov = x->iov + x->iov_at,
				      .msg_iovlen = 4 - x->iov_at };
		ssize_t sent = sendmsg(link->source.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0 && errno != EINTR)
			ret = -errno;
		x->begun |= sent > 0;
		for (size_t left = sent > 0 ? (size_t)sent : 0; x->iov_at < 4;) {
			struct iovec *iov = &x->iov[x->iov_at];
			size_t part = left < iov->iov_len ? left : iov->iov_len;

			iov->iov_base = (char *)iov->iov_base + part;
			iov->iov_len -= part;
			left -= part;
			if (iov->iov_len)
				break;
			x->iov_at++;
		}
	}
	if (!ret)
		ret = send_early(server);
	return ret && ret != -EAGAIN ? lose(server, -ENOTCONN) : ret;
}

/* The reply's verdict; data of a read is copied out. */
static int take_reply(struct riser_server *server, struct exchange *x, const uint8_t *message)
{
	bool old = server->remote.layout == VU_LAYOUT_OLD;
	size_t skip = sizeof(x->header) + (old ? OLD_FIELDS : sizeof(x->fields));
	struct vu_header header;

	memcpy(&header, message, sizeof(header));
	x->reply_size = header.size;
	if (header.flags & VU_ERROR) {
		vu_complain(server, "the client refused %s of %zu bytes at %#" PRIx64 ": %s",
			    vu_command_name(x->command), x->count, x->iova,
			    strerror((int)header.error));
		return -EFAULT;
	}
	if (x->command == VU_DMA_WRITE)
		return 0;
	if (header.size < skip + x->count) {
		vu_complain(server, "the client's DMA_READ reply is too short: %u bytes",
			    header.size);
		return -EIO;
	}
	memcpy(x->buffer, message + skip, x->count);
	return 0;
}

/* 1 and *ret: the reply was among what came in; 0: it was not; or the connection is lost. */
static int find_reply(struct riser_server *server, struct exchange *x, int *ret)
{
	struct vu_input *aside = &server->link.aside;
	struct vu_remote *remote = &server->remote;
	struct vu_header header;
	int have, found = 0;

	while ((have = vu_input_header(aside, remote->parsed, &header)) == 1) {
		if ((header.flags & VU_TYPE_MASK) != VU_TYPE_REPLY) {
			remote->parsed += header.size;
			continue;
		}
		remote->stuck = false;
		if (header.id == x->id && header.command == x->command) {
			*ret = take_reply(server, x, aside->data + remote->parsed);
			found = 1;
		}
		vu_input_remove(aside, remote->parsed, header.size);
	}
	return have < 0 ? lose(server, -EPROTO) : found;
}

/* Answers what does not need the device, once this seems to be what the client waits for. */
static void answer_early(struct riser_server *server, struct exchange *x, uint64_t now)
{
	if (now < x->early_at)
		return;
	vu_early_begin(server);
	vu_early_serve(server);
}

/* Waits until there is something to do; -ETIMEDOUT. */
static int wait_socket(struct riser_server *server, const struct exchange *x)
{
	uint64_t now = riser__loop_now();
	uint64_t until = now < x->early_at ? x->early_at : x->deadline;
	struct pollfd poll_fd = {
		.fd = server->link.source.fd,
		.events = (short)(POLLIN |
				  (x->iov_at < 4 || early_pending(server) ? POLLOUT : 0)),
	};
	int ret;

	if (now >= x->deadline)
		return -ETIMEDOUT;
	ret = poll(&poll_fd, 1, (int)((until - now) / 1000000 + 1));
	return ret < 0 && errno != EINTR ? lose(server, -ENOTCONN) : 0;
}

/* Takes in what there is. 1 and *result: the reply was among it; 0: not yet; or lost. */
static int receive(struct riser_server *server, struct exchange *x, int *result)
{
	struct vu_link *link = &server->link;
	bool more;
	ssize_t got = vu_input_receive(&link->aside, link->source.fd, MSG_DONTWAIT, ASIDE_MOST,
				       &more);

	if (got == -EAGAIN || got == -EINTR)
		return 0;
	if (got == -ENOBUFS || got == -ENOMEM)
		return (int)got;
	return got <= 0 ? lose(server, -ENOTCONN) : find_reply(server, x, result);
}

static int await_reply(struct riser_server *server, struct exchange *x)
{
	int ret, result = 0, found = 0;

	for (;;) {
		answer_early(server, x, riser__loop_now());
		ret = send_request(server, x);
		if (ret && ret != -EAGAIN)
			return ret;
		if (found && !early_pending(server))
			return result;
		ret = wait_socket(server, x);
		if (!ret && !found)
			ret = found = receive(server, x, &result);
		if (ret < 0)
			return ret;
	}
}

/* A client that answers only after it was answered will do so again. */
static void note_waiting(struct riser_server *server)
{
	if (!server->remote.waits)
		vu_log(server, RISER_DEBUG,
		       "the client answers no DMA message while it waits for a register "
		       "access: "
		       "those are answered first from now on");
	server->remote.waits = true;
}

static int exchange(struct riser_server *server, struct exchange *x)
{
	unsigned answers = server->remote.answers;
	int ret;

	prepare(server, x);
	x->early_at = server->remote.waits ? 0 : riser__loop_now() + PATIENCE_NS;
	ret = await_reply(server, x);
	if (!ret && answers != server->remote.answers)
		note_waiting(server);
	if (ret == -ETIMEDOUT) {
		server->remote.stuck = true;
		vu_log(server, RISER_ERROR,
		       "the client did not answer %s of %zu bytes at %#" PRIx64
		       " in time; its memory should be shared instead (share=on)",
		       vu_command_name(x->command), x->count, x->iova);
	}
	/* Half a request in the stream cannot be taken back, nor half an answer. */
	if (ret && ret != -ENOTCONN && (x->iov_at < 4 || early_pending(server)))
		ret = lose(server, -ENOTCONN);
	return ret;
}

static int find_layout(struct riser_server *server, uint64_t iova, uint64_t deadline)
{
	struct exchange x = { .command = VU_DMA_WRITE, .iova = iova, .deadline = deadline };
	int ret = exchange(server, &x);

	if (ret)
		return ret;
	server->remote.layout =
		x.reply_size >= sizeof(x.header) + OLD_FIELDS ? VU_LAYOUT_SPEC : VU_LAYOUT_OLD;
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
	while (vu_input_header(&link->in, at, &header) == 1)
		at += header.size;
	return vu_input_move_tail(&link->in, at, &link->aside);
}

static int transfer(struct riser_server *server, uint64_t iova, void *buffer, size_t length,
		    bool write)
{
	struct vu_link *link = &server->link;
	uint64_t deadline = riser__loop_now() + ANSWER_NS;
	size_t chunk = link->max_xfer < CHUNK ? link->max_xfer : CHUNK;
	int ret = 0;

	if (!link->negotiated || link->broken)
		return -ENOTCONN;
	if (server->remote.stuck)
		return -ETIMEDOUT;
	ret = begin_aside(server);
	if (!ret && server->remote.layout == VU_LAYOUT_UNKNOWN)
		ret = find_layout(server, iova, deadline);
	for (size_t done = 0; !ret && done < length;) {
		struct exchange x = { .command = write ? VU_DMA_WRITE : VU_DMA_READ,
				      .iova = iova + done,
				      .deadline = deadline,
				      .buffer = (uint8_t *)buffer + done,
				      .count = length - done < chunk ? length - done : chunk };

		ret = exchange(server, &x);
		done += x.count;
	}
	riser__loop_wake(server->loop, &server->task); /* serves what was set aside */
	return ret;
}

/* Takes the job out of the queue, if it is in it. Lock held. */
static void unqueue(struct vu_remote *remote, struct vu_remote_job *job)
{
	struct vu_remote_job **at = &remote->jobs;

	while (*at && *at != job)
		at = &(*at)->next;
	if (*at)
		*at = job->next;
	for (remote->last = &remote->jobs; *remote->last; remote->last = &(*remote->last)->next)
		;
}

static int hand_over(struct riser_server *server, struct vu_remote_job *job)
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
			unqueue(remote, job);
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
		return transfer(server, iova, buffer, length, write);
	/* In pieces, so that the loop serves its clients in between. */
	for (size_t done = 0; !ret && done < length; done += CHUNK) {
		struct vu_remote_job job = {
			.iova = iova + done,
			.buffer = (uint8_t *)buffer + done,
			.length = length - done < CHUNK ? length - done : CHUNK,
			.write = write,
		};

		ret = hand_over(server, &job);
	}
	return ret;
}

void vu_remote_run_jobs(struct riser_server *server)
{
	struct vu_remote *remote = &server->remote;
	struct vu_remote_job *job;

	pthread_mutex_lock(&remote->lock);
	while ((job = remote->jobs)) {
		unqueue(remote, job);
		job->phase = RUNNING;
		pthread_mutex_unlock(&remote->lock);
		job->ret = transfer(server, job->iova, job->buffer, job->length, job->write);
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
