/* SPDX-License-Identifier: MIT */
/*
 * DMA by message, for memory that the client gave without a descriptor. The connection's thread
 * asks and waits for the reply; requests of the client that arrive meanwhile are handled after.
 * Other threads hand their access over to it.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "attach/vfio_user/server.h"

/* Clients lose larger ones; and they give up on a message of their own after 5 s. */
enum { CHUNK = 64 << 10, PATIENCE_MS = 4000 };

/* An access of another thread's. */
struct vu_dma_job {
	struct vu_dma_job *next;
	uint64_t iova;
	void *buffer;
	size_t length;
	bool write, done;
	int ret;
};

struct request {
	struct vu_header header;
	struct vu_dma_access access;
	uint8_t data[CHUNK + 4];
} __attribute__((packed));

struct reply {
	struct vu_header header;
	size_t size;
	uint8_t payload[CHUNK + sizeof(struct vu_dma_access)];
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int wait_for(struct vu_connection *c, short events, int64_t until)
{
	struct pollfd p = { .fd = c->fd, .events = events };
	int64_t left = until - now_ms();
	int n = left > 0 ? poll(&p, 1, (int)left) : 0;

	return n > 0 || (n < 0 && errno == EINTR) ? 0 : -ETIMEDOUT;
}

static int send_all(struct vu_connection *c, int64_t until)
{
	while (vu_unsent(c)) {
		if (vu_flush(c) < 0)
			return -ENOTCONN;
		if (vu_unsent(c) && wait_for(c, POLLOUT, until))
			return -ETIMEDOUT;
	}
	return 0;
}

/* Sends a whole request past the replies that are being gathered. */
static int send_request(struct vu_connection *c, const struct request *request, int64_t until)
{
	struct vu_connection direct = { .fd = c->fd, .out_fd = -1 };
	int ret = send_all(c, until);

	if (ret)
		return ret;
	direct.out = (uint8_t *)request;
	direct.out_ready = request->header.size;
	ret = send_all(&direct, until);
	if (ret) {
		c->broken = true;
		c->why = "the client does not take a DMA request";
	}
	return ret;
}

static int await_reply(struct vu_connection *c, uint16_t id, struct reply *reply, int64_t until)
{
	for (;;) {
		int got;

		reply->size = sizeof(reply->payload);
		got = vu_take_reply(c, id, &reply->header, reply->payload, &reply->size);
		if (got < 0)
			return -ENOTCONN;
		if (got)
			break;
		if (wait_for(c, POLLIN, until))
			return -ETIMEDOUT;
		if (vu_receive_more(c))
			return -ENOTCONN;
	}
	if (reply->header.flags & VU_ERROR)
		return reply->header.error == ENODEV ? -EFAULT : -EIO;
	return 0;
}

static int exchange(struct riser_server *s, struct request *request, size_t size,
		    struct reply *reply)
{
	int64_t until = now_ms() + PATIENCE_MS;
	int ret = vu_begin_exchange(&s->connection);

	if (ret)
		return ret;
	request->header.id = s->next_id++;
	request->header.size = (uint32_t)size;
	request->header.flags = 0;
	request->header.error = 0;
	ret = send_request(&s->connection, request, until);
	if (!ret)
		ret = await_reply(&s->connection, request->header.id, reply, until);
	if (ret == -ETIMEDOUT)
		vu_log(s, RISER_WARN, "client: no answer to a DMA request within %d ms",
		       PATIENCE_MS);
	return ret;
}

/* QEMU 10.2 has a 32-bit count and data right after it; it answers an empty write briefly. */
static int find_layout(struct riser_server *s, uint64_t iova, struct request *request,
		       struct reply *reply)
{
	const size_t size = sizeof(request->header) + sizeof(request->access);
	int ret;

	request->header.command = VU_DMA_WRITE;
	request->access = (struct vu_dma_access){ iova, 0 };
	ret = exchange(s, request, size, reply);
	if (ret)
		return ret;
	s->dma_layout = reply->size ? VU_LAYOUT_SPEC : VU_LAYOUT_OLD;
	if (s->dma_layout == VU_LAYOUT_OLD)
		vu_log(s, RISER_INFO, "client: uses the DMA message layout of QEMU 10.2");
	return 0;
}

static int write_chunk(struct riser_server *s, uint64_t iova, const void *from, size_t length,
		       struct request *request, struct reply *reply)
{
	size_t at = s->dma_layout == VU_LAYOUT_OLD ? sizeof(uint64_t) + sizeof(uint32_t)
						   : sizeof(request->access);
	uint8_t *payload = (uint8_t *)request + sizeof(request->header);

	request->header.command = VU_DMA_WRITE;
	request->access = (struct vu_dma_access){ iova, length };
	memcpy(payload + at, from, length);
	/* The old layout's struct is padded to 16 bytes, behind the data as it is sent. */
	if (s->dma_layout == VU_LAYOUT_OLD)
		memset(payload + at + length, 0, 4);
	return exchange(s, request, sizeof(request->header) + sizeof(request->access) + length,
			reply);
}

static int read_chunk(struct riser_server *s, uint64_t iova, void *to, size_t length,
		      struct request *request, struct reply *reply)
{
	size_t at = s->dma_layout == VU_LAYOUT_OLD ? sizeof(uint64_t) + sizeof(uint32_t)
						   : sizeof(request->access);
	int ret;

	request->header.command = VU_DMA_READ;
	request->access = (struct vu_dma_access){ iova, length };
	ret = exchange(s, request, sizeof(request->header) + sizeof(request->access), reply);
	if (ret)
		return ret;
	if (reply->size < at + length)
		return -EIO;
	memcpy(to, reply->payload + at, length);
	return 0;
}

static int by_message(struct riser_server *s, uint64_t iova, char *buffer, size_t length,
		      bool write)
{
	size_t most = s->client_max_data < CHUNK ? s->client_max_data : CHUNK;
	struct request request;
	struct reply reply;
	int ret = 0;

	if (!s->connected || s->connection.broken)
		return -ENOTCONN;
	if (s->dma_layout == VU_LAYOUT_UNKNOWN)
		ret = find_layout(s, iova, &request, &reply);
	while (!ret && length) {
		size_t n = length < most ? length : most;

		if (write)
			ret = write_chunk(s, iova, buffer, n, &request, &reply);
		else
			ret = read_chunk(s, iova, buffer, n, &request, &reply);
		iova += n;
		buffer += n;
		length -= n;
	}
	return ret;
}

/* Has the connection's thread do it, and waits. */
static int hand_over(struct riser_server *s, struct vu_dma_job *job)
{
	pthread_mutex_lock(&s->dma_lock);
	if (s->closing) {
		pthread_mutex_unlock(&s->dma_lock);
		return -ENOTCONN;
	}
	job->next = s->dma_jobs;
	s->dma_jobs = job;
	vu_host_ops.wake(s);
	while (!job->done)
		pthread_cond_wait(&s->dma_done, &s->dma_lock);
	pthread_mutex_unlock(&s->dma_lock);
	return job->ret;
}

static void answer_jobs(struct riser_server *s, bool run)
{
	struct vu_dma_job *jobs, *next;

	pthread_mutex_lock(&s->dma_lock);
	jobs = s->dma_jobs;
	s->dma_jobs = NULL;
	pthread_mutex_unlock(&s->dma_lock);
	for (; jobs; jobs = next) {
		int ret =
			run ? by_message(s, jobs->iova, jobs->buffer, jobs->length, jobs->write)
			    : -ENOTCONN;

		next = jobs->next;
		pthread_mutex_lock(&s->dma_lock);
		jobs->ret = ret;
		jobs->done = true;
		pthread_cond_broadcast(&s->dma_done);
		pthread_mutex_unlock(&s->dma_lock);
	}
}

void vu_run_dma_jobs(struct riser_server *s)
{
	answer_jobs(s, true);
}

void vu_fail_dma_jobs(struct riser_server *s)
{
	pthread_mutex_lock(&s->dma_lock);
	s->closing = true;
	pthread_mutex_unlock(&s->dma_lock);
	answer_jobs(s, false);
}

int vu_host_dma(void *host, uint64_t iova, void *buffer, size_t length, bool write)
{
	struct riser_server *s = host;
	struct vu_dma_job job = {
		.iova = iova, .buffer = buffer, .length = length, .write = write
	};
	int ret = riser__dma_table_copy(s->dma, iova, buffer, length, write);

	if (ret != -EREMOTE)
		return ret;
	if (pthread_equal(pthread_self(), s->thread))
		return by_message(s, iova, buffer, length, write);
	return hand_over(s, &job);
}
