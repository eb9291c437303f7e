/* SPDX-License-Identifier: MIT */
/* The output buffer: replies that are gathered, and at most one descriptor among them. */
#include "attach/vfio_user/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int vu_output_init(struct vu_output *out)
{
	*out = (struct vu_output){ .data = malloc(VU_BUFFER), .capacity = VU_BUFFER, .fd = -1 };
	return out->data ? 0 : -ENOMEM;
}

void vu_output_fini(struct vu_output *out)
{
	free(out->data);
	*out = (struct vu_output){ .fd = -1 };
}

uint8_t *vu_output_reserve(struct vu_output *out, size_t size)
{
	size_t pending = vu_output_pending(out);

	if (!pending)
		out->start = out->end = 0;
	if (out->capacity - out->end >= size)
		return out->data + out->end;
	memmove(out->data, out->data + out->start, pending);
	if (out->fd >= 0)
		out->fd_at -= out->start;
	out->start = 0;
	out->end = pending;
	if (out->capacity - out->end < size) {
		uint8_t *data = realloc(out->data, pending + size);

		if (!data)
			return NULL;
		out->data = data;
		out->capacity = pending + size;
	}
	return out->data + out->end;
}

static ssize_t send_with_fd(int socket, const void *data, size_t size, int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)data, size };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };

	control.header = (struct cmsghdr){ CMSG_LEN(sizeof(fd)), SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	return sendmsg(socket, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static ssize_t send_some(struct vu_output *out, int socket)
{
	const uint8_t *from = out->data + out->start;
	size_t size = vu_output_pending(out);
	ssize_t sent;

	if (out->fd < 0)
		return send(socket, from, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (out->fd_at > out->start)
		return send(socket, from, out->fd_at - out->start, MSG_DONTWAIT | MSG_NOSIGNAL);
	sent = send_with_fd(socket, from, size, out->fd);
	if (sent > 0)
		out->fd = -1;
	return sent;
}

int vu_output_send(struct vu_output *out, int socket)
{
	while (out->start < out->end) {
		ssize_t sent = send_some(out, socket);

		if (sent < 0 && errno != EINTR)
			return -errno;
		if (sent > 0)
			out->start += (size_t)sent;
	}
	return 0;
}
