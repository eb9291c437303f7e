/* SPDX-License-Identifier: MIT */
#include "attach/vfio_user/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IN_LEAST = 64 << 10, OUT_LEAST = 64 << 10 };

int vu_connection_init(struct vu_connection *c, int fd)
{
	*c = (struct vu_connection){ .fd = fd, .out_fd = -1 };
	c->in = malloc(IN_LEAST);
	c->out = malloc(OUT_LEAST);
	c->in_capacity = IN_LEAST;
	c->out_capacity = OUT_LEAST;
	return c->in && c->out ? 0 : -ENOMEM;
}

void vu_close_fds(struct vu_fds *fds)
{
	for (unsigned i = 0; i < fds->count; i++) {
		if (fds->fds[i] >= 0)
			close(fds->fds[i]);
	}
	fds->count = 0;
}

void vu_connection_fini(struct vu_connection *c)
{
	for (unsigned i = 0; i < c->set_count; i++)
		vu_close_fds(&c->sets[i].fds);
	if (c->fd >= 0)
		close(c->fd);
	free(c->in);
	free(c->retired);
	free(c->out);
	*c = (struct vu_connection){ .fd = -1, .out_fd = -1 };
}

static int broken(struct vu_connection *c, int ret, const char *why)
{
	if (!c->broken)
		c->why = why;
	c->broken = true;
	return ret;
}

/* Room for a message of `size` bytes from in_start on. */
static int reserve(struct vu_connection *c, size_t size)
{
	size_t unread = c->in_end - c->in_start;
	uint8_t *grown;

	if (c->in_start && c->in_capacity - c->in_start < size) {
		memmove(c->in, c->in + c->in_start, unread);
		c->in_start = 0;
		c->in_end = unread;
	}
	if (c->in_capacity >= size)
		return 0;
	grown = realloc(c->in, size);
	if (!grown)
		return broken(c, -ENOMEM, "no memory for a message");
	c->in = grown;
	c->in_capacity = size;
	return 0;
}

static int keep_fds(struct vu_connection *c, const struct msghdr *header)
{
	struct vu_fd_set *set = &c->sets[c->set_count];
	bool full = c->set_count == VU_FD_SETS;
	const struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(header); cmsg;
	     cmsg = CMSG_NXTHDR((struct msghdr *)header, (struct cmsghdr *)cmsg)) {
		struct vu_fds fds;

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		fds.count = (unsigned)((cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fds.fds, CMSG_DATA(cmsg), fds.count * sizeof(int));
		if (full) {
			vu_close_fds(&fds);
			return broken(c, -EPROTO, "too many messages with descriptors at once");
		}
		set->position = c->in_position + (c->in_end - c->in_start);
		set->fds = fds;
		c->set_count++;
		full = true; /* Linux gives one set a receive */
	}
	return 0;
}

long vu_receive(struct vu_connection *c)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(VU_MAX_FDS * sizeof(int))];
	} control;
	struct iovec iov;
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (c->broken || reserve(c, c->in_end - c->in_start + 1))
		return -ENOTCONN;
	iov.iov_base = c->in + c->in_end;
	iov.iov_len = c->in_capacity - c->in_end;
	header.msg_control = &control;
	header.msg_controllen = sizeof(control);
	do
		n = recvmsg(c->fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	if (n <= 0)
		return broken(c, -ENOTCONN, n ? strerror(errno) : "the client has gone");
	if (header.msg_controllen && keep_fds(c, &header))
		return -ENOTCONN;
	c->in_end += (size_t)n;
	return n;
}

/* The descriptors that came with the message that ends at `end` in the stream. */
static void take_fds(struct vu_connection *c, uint64_t end, struct vu_fds *fds)
{
	unsigned taken = 0;

	for (; taken < c->set_count && c->sets[taken].position < end; taken++) {
		struct vu_fds *set = &c->sets[taken].fds;

		for (unsigned i = 0; i < set->count; i++) {
			if (fds->count < VU_MAX_FDS)
				fds->fds[fds->count++] = set->fds[i];
			else
				close(set->fds[i]);
		}
	}
	c->set_count -= taken;
	memmove(c->sets, c->sets + taken, c->set_count * sizeof(*c->sets));
}

int vu_next(struct vu_connection *c, struct vu_message *message)
{
	size_t unread = c->in_end - c->in_start;
	uint32_t size;

	if (c->broken)
		return -EPROTO;
	if (!unread)
		c->in_start = c->in_end = 0;
	if (unread < sizeof(struct vu_header))
		return 0;
	memcpy(&message->header, c->in + c->in_start, sizeof(message->header));
	size = message->header.size;
	if (size < sizeof(struct vu_header) || size > VU_MAX_MESSAGE)
		return broken(c, -EPROTO, "a message of an impossible size: framing is lost");
	if (unread < size) {
		reserve(c, size);
		return c->broken ? -EPROTO : 0;
	}
	message->payload = c->in + c->in_start + sizeof(struct vu_header);
	message->size = size - sizeof(struct vu_header);
	message->fds.count = 0;
	if (c->set_count)
		take_fds(c, c->in_position + size, &message->fds);
	c->in_start += size;
	c->in_position += size;
	return 1;
}

int vu_begin_exchange(struct vu_connection *c)
{
	size_t unread = c->in_end - c->in_start;
	size_t capacity = unread > IN_LEAST ? unread : IN_LEAST;
	uint8_t *fresh;

	if (c->retired)
		return 0;
	fresh = malloc(capacity);
	if (!fresh)
		return -ENOMEM;
	memcpy(fresh, c->in + c->in_start, unread);
	c->retired = c->in;
	c->in = fresh;
	c->in_capacity = capacity;
	c->in_start = 0;
	c->in_end = unread;
	return 0;
}

void vu_end_exchange(struct vu_connection *c)
{
	free(c->retired);
	c->retired = NULL;
}

/* Takes in[at, at + size) out of the stream, with any descriptors that came in it. */
static void cut_out(struct vu_connection *c, size_t at, size_t size)
{
	uint64_t position = c->in_position + (at - c->in_start);
	unsigned kept = 0;

	memmove(c->in + at, c->in + at + size, c->in_end - at - size);
	c->in_end -= size;
	for (unsigned i = 0; i < c->set_count; i++) {
		struct vu_fd_set *set = &c->sets[i];

		if (set->position >= position && set->position - position < size) {
			vu_close_fds(&set->fds);
			continue;
		}
		if (set->position >= position)
			set->position -= size;
		c->sets[kept++] = *set;
	}
	c->set_count = kept;
}

int vu_take_reply(struct vu_connection *c, uint16_t id, struct vu_header *header, void *payload,
		  size_t *size)
{
	for (size_t at = c->in_start; c->in_end - at >= sizeof(*header); at += header->size) {
		size_t length;

		memcpy(header, c->in + at, sizeof(*header));
		if (header->size < sizeof(*header) || header->size > VU_MAX_MESSAGE)
			return broken(c, -EPROTO,
				      "a message of an impossible size: framing is lost");
		if (c->in_end - at < header->size)
			break;
		if ((header->flags & VU_TYPE_MASK) != VU_TYPE_REPLY || header->id != id)
			continue;
		length = header->size - sizeof(*header);
		*size = length < *size ? length : *size;
		memcpy(payload, c->in + at + sizeof(*header), *size);
		cut_out(c, at, header->size);
		return 1;
	}
	return 0;
}

int vu_receive_more(struct vu_connection *c)
{
	size_t unread = c->in_end - c->in_start;

	if (unread > 4 * (size_t)VU_MAX_MESSAGE)
		return broken(c, -ENOTCONN,
			      "the client sends requests without end and no reply");
	if (reserve(c, unread + IN_LEAST))
		return -ENOTCONN;
	return vu_receive(c) < 0 ? -ENOTCONN : 0;
}

void *vu_append(struct vu_connection *c, size_t size)
{
	void *at;

	if (c->out_start == c->out_end)
		c->out_start = c->out_ready = c->out_end = 0;
	if (size > c->out_capacity - c->out_end) {
		size_t capacity = c->out_capacity;
		uint8_t *grown;

		while (capacity - c->out_end < size)
			capacity *= 2;
		grown = realloc(c->out, capacity);
		if (!grown)
			return NULL;
		c->out = grown;
		c->out_capacity = capacity;
	}
	at = c->out + c->out_end;
	c->out_end += size;
	return at;
}

bool vu_append_fd(struct vu_connection *c, int fd)
{
	if (c->out_fd >= 0)
		return false;
	c->out_fd = fd;
	c->out_fd_at = c->out_ready;
	return true;
}

/* Sends up to where the descriptor belongs, or from there on with it. */
static ssize_t send_once(struct vu_connection *c)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	bool with_fd = c->out_fd >= 0 && c->out_start == c->out_fd_at;
	size_t end = c->out_fd >= 0 && !with_fd ? c->out_fd_at : c->out_ready;
	struct iovec iov = { c->out + c->out_start, end - c->out_start };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (!with_fd)
		return send(c->fd, iov.iov_base, iov.iov_len, MSG_DONTWAIT | MSG_NOSIGNAL);
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &c->out_fd, sizeof(int));
	header.msg_control = &control;
	header.msg_controllen = sizeof(control);
	n = sendmsg(c->fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0)
		c->out_fd = -1;
	return n;
}

long vu_flush(struct vu_connection *c)
{
	while (vu_unsent(c) && !c->broken) {
		ssize_t n = send_once(c);

		if (n > 0)
			c->out_start += (size_t)n;
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			return (long)vu_unsent(c);
		else if (errno != EINTR)
			broken(c, 0, "the client has gone");
	}
	return c->broken ? -ENOTCONN : 0;
}
