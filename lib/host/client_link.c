/* SPDX-License-Identifier: MIT */
/* Requests and replies over the socket, and the DMA that the server asks for meanwhile. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "host/client.h"

enum { PATIENCE_MS = 20000 };

uint64_t client_now(struct riser_host *host)
{
	struct timespec t;

	(void)host;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The stream may stand within a message now: nothing more is sent or received. */
static int client_lost(struct client *c, const char *why)
{
	c->lost = true;
	return riser__host_fail(&c->host, -ENOTCONN, "the vfio-user server %s", why);
}

/* The connection has failed with errno: no further call reaches the server. */
static int client_broken(struct client *c)
{
	c->lost = true;
	return errno == EPIPE || errno == ECONNRESET
		       ? client_lost(c, "has gone")
		       : riser__host_fail(&c->host, -ENOTCONN, "lost the vfio-user server: %s",
					  strerror(errno));
}

/* Waits for bytes; a server that stays silent for PATIENCE_MS is given up. */
static int wait_readable(struct client *c)
{
	struct pollfd p = { c->fd, POLLIN, 0 };
	int n;

	do
		n = poll(&p, 1, PATIENCE_MS);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return client_broken(c);
	return n ? 0 : client_lost(c, "does not answer");
}

/* Sends all, descriptors with the first byte. */
static int client_send(struct client *c, struct iovec *iov, int count, const int *fds,
		       unsigned fd_count)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(CLIENT_MAX_FDS * sizeof(int))];
	} control = { 0 };
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = (size_t)count };

	if (fd_count) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, fd_count * sizeof(int));
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
	}
	while (message.msg_iovlen) {
		ssize_t n = sendmsg(c->fd, &message, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return client_broken(c);
		message.msg_control = NULL;
		message.msg_controllen = 0;
		while (message.msg_iovlen && (size_t)n >= message.msg_iov->iov_len) {
			n -= (ssize_t)message.msg_iov->iov_len;
			message.msg_iov++;
			message.msg_iovlen--;
		}
		if (message.msg_iovlen) {
			message.msg_iov->iov_base = (char *)message.msg_iov->iov_base + n;
			message.msg_iov->iov_len -= (size_t)n;
		}
	}
	return 0;
}

/* Keeps the first descriptor, closes others. */
static void client_take_fd(struct msghdr *message, int *fd)
{
	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(message); cmsg;
	     cmsg = CMSG_NXTHDR(message, cmsg)) {
		size_t count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int got;

			memcpy(&got, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(int));
			if (fd && *fd < 0)
				*fd = got;
			else
				close(got);
		}
	}
}

/* Receives exactly `size` bytes; of descriptors that come with them, the first, into *fd. */
static int client_receive(struct client *c, void *to, size_t size, int *fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(CLIENT_MAX_FDS * sizeof(int))];
	} control;
	char *at = to;

	while (size) {
		struct iovec iov = { at, size };
		struct msghdr message = { .msg_iov = &iov,
					  .msg_iovlen = 1,
					  .msg_control = &control,
					  .msg_controllen = sizeof(control) };
		ssize_t n;
		int ret = wait_readable(c);

		if (ret)
			return ret;
		n = recvmsg(c->fd, &message, MSG_CMSG_CLOEXEC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return client_broken(c);
		if (!n)
			return client_lost(c, "has closed the connection");
		client_take_fd(&message, fd);
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

/* Receives a message into the buffer; its descriptor, if one came, into *fd. */
static int receive_message(struct client *c, struct vu_header *header, size_t *size, int *fd)
{
	int ret = client_receive(c, header, sizeof(*header), fd);

	if (ret)
		return ret;
	if (header->size < sizeof(*header) || header->size - sizeof(*header) > CLIENT_BUFFER)
		return client_lost(c, "sent a message of an impossible size");
	*size = header->size - sizeof(*header);
	return client_receive(c, c->buffer, *size, fd);
}

/* The guest's memory at a bus address, if the device may reach all of it. */
static void *memory_reach(struct client *c, uint64_t iova, uint64_t length)
{
	for (size_t i = 0; i < c->host.extent_count; i++) {
		const struct riser__extent *e = &c->host.extents[i];

		if (iova >= e->iova && iova - e->iova < e->length &&
		    length <= e->length - (iova - e->iova))
			return c->host.memory + (iova - c->host.memory_at);
	}
	return NULL;
}

/* DMA_READ or DMA_WRITE of the server's. */
static int answer_dma(struct client *c, struct vu_header *header, size_t size)
{
	struct vu_dma_access access = { 0 };
	bool write = header->command == VU_DMA_WRITE;
	struct iovec iov[3] = { { header, sizeof(*header) }, { &access, sizeof(access) } };
	void *memory = NULL;

	if (size >= sizeof(access)) {
		memcpy(&access, c->buffer, sizeof(access));
		if (access.count <= CLIENT_MAX_DATA &&
		    (!write || size == sizeof(access) + access.count))
			memory = memory_reach(c, access.address, access.count);
	}
	header->flags = VU_TYPE_REPLY | (memory ? 0 : VU_ERROR);
	header->error = memory ? 0 : ENODEV;
	if (memory && write)
		memcpy(memory, c->buffer + sizeof(access), access.count);
	if (memory && !write)
		iov[2] = (struct iovec){ memory, access.count };
	header->size = (uint32_t)sizeof(*header);
	if (memory)
		header->size += (uint32_t)(sizeof(access) + iov[2].iov_len);
	return client_send(c, iov, memory ? 3 : 1, NULL, 0);
}

/* A request of the server's. */
static int client_answer(struct client *c, struct vu_header *header, size_t size)
{
	struct iovec iov = { header, sizeof(*header) };

	if (header->command == VU_DMA_READ || header->command == VU_DMA_WRITE)
		return answer_dma(c, header, size);
	header->flags = VU_TYPE_REPLY | VU_ERROR;
	header->error = EOPNOTSUPP;
	header->size = sizeof(*header);
	return client_send(c, &iov, 1, NULL, 0);
}

/* Copies a reply out: its fixed part, then the rest, as far as the request has room. */
static int client_take_reply(struct client *c, const struct vu_header *header, size_t size,
			     struct client_request *request)
{
	size_t rest;

	if (header->flags & VU_ERROR) {
		int error = header->error && header->error < 4096 ? (int)header->error : EIO;

		return riser__host_fail(&c->host, -error, "the vfio-user server refused: %s",
					strerror(error));
	}
	if (size < request->reply_size)
		return client_lost(c, "sent a reply that is too short");
	memcpy(request->reply ? request->reply : c->buffer, c->buffer, request->reply_size);
	rest = size - request->reply_size;
	if (rest < request->rest_size)
		request->rest_size = rest;
	if (request->rest)
		memcpy(request->rest, c->buffer + request->reply_size, request->rest_size);
	return 0;
}

static int client_await(struct client *c, uint16_t id, struct client_request *request)
{
	uint64_t until = client_now(&c->host) + PATIENCE_MS * UINT64_C(1000000);
	struct vu_header header;
	size_t size = 0;
	int ret;

	for (;;) {
		int fd = -1;

		/* Answers the server's requests meanwhile, up to the time limit of ours. */
		ret = client_now(&c->host) < until
			      ? receive_message(c, &header, &size, &fd)
			      : client_lost(c, "asks and asks, and does not answer");
		if (!ret && (header.flags & VU_TYPE_MASK) == VU_TYPE_REPLY && header.id == id &&
		    header.command == request->command) {
			c->posted = false;
			if (request->reply_fd)
				*request->reply_fd = fd;
			else if (fd >= 0)
				close(fd);
			return client_take_reply(c, &header, size, request);
		}
		if (fd >= 0)
			close(fd);
		if (!ret && (header.flags & VU_TYPE_MASK) == VU_TYPE_COMMAND)
			ret = client_answer(c, &header, size);
		else if (!ret)
			ret = client_lost(c, "sent a reply to nothing");
		if (ret)
			return ret;
	}
}

int client_call(struct client *c, struct client_request *request)
{
	struct vu_header header = {
		.id = c->next_id++,
		.command = request->command,
		.size = (uint32_t)(sizeof(header) + request->head_size + request->tail_size),
		.flags = request->posted ? VU_NO_REPLY : 0,
	};
	struct iovec iov[] = { { &header, sizeof(header) },
			       { (void *)request->head, request->head_size },
			       { (void *)request->tail, request->tail_size } };
	int ret;

	if (request->reply_fd)
		*request->reply_fd = -1;
	if (c->lost)
		return -ENOTCONN; /* the host's error says why still */
	ret = client_send(c, iov, 3, request->fds, request->fd_count);
	c->posted |= request->posted;
	if (ret || request->posted)
		return ret;
	return client_await(c, header.id, request);
}

/* Receives one message and answers it if it is a request; a stray reply is dropped. */
static int serve_one(struct client *c)
{
	struct vu_header header;
	size_t size = 0;
	int ret = receive_message(c, &header, &size, NULL);

	if (!ret && (header.flags & VU_TYPE_MASK) == VU_TYPE_COMMAND)
		ret = client_answer(c, &header, size);
	return ret;
}

int client_serve(struct client *c, uint64_t ns, unsigned vector)
{
	uint64_t now = client_now(&c->host);
	uint64_t until = ns < UINT64_MAX - now ? now + ns : UINT64_MAX;
	struct pollfd fds[2] = {
		{ c->fd, POLLIN, 0 },
		{ vector < c->event_count ? c->events[vector] : -1, POLLIN, 0 },
	};
	int n, ret = c->lost ? -ENOTCONN : 0;

	if (ret)
		return ret;
	do {
		uint64_t left = now < until ? until - now : 0;
		struct timespec wait = { (time_t)(left / 1000000000),
					 (long)(left % 1000000000) };

		n = ppoll(fds, 2, &wait, NULL);
		if (n < 0 && errno != EINTR)
			return riser__host_fail(&c->host, -errno, "cannot wait: %s",
						strerror(errno));
		if (n > 0 && fds[0].revents)
			ret = serve_one(c);
		else if (n > 0)
			break;
		now = client_now(&c->host);
	} while (!ret && (n > 0 || now < until));
	return ret;
}
