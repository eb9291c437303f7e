/* SPDX-License-Identifier: MIT */
/* The input buffer: receives, cuts messages, and keeps descriptors with their messages. */
#include "attach/vfio_user/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	FEW_FDS = 2 * (VU_MAX_FDS + 1), /* a message's that waits, and a receive's */
	MANY_FDS = 1024,
};

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

int vu_input_init(struct vu_input *in)
{
	*in = (struct vu_input){ .data = malloc(VU_BUFFER), .capacity = VU_BUFFER };
	in->fds = calloc(FEW_FDS, sizeof(*in->fds));
	in->fd_capacity = FEW_FDS;
	if (in->data && in->fds)
		return 0;
	vu_input_fini(in);
	return -ENOMEM;
}

void vu_input_fini(struct vu_input *in)
{
	for (unsigned i = 0; i < in->fd_count; i++)
		close_fd(in->fds[i].fd);
	free(in->fds);
	free(in->data);
	*in = (struct vu_input){ 0 };
}

/* Moves what is not consumed to the front of the buffer. */
static void input_compact(struct vu_input *in)
{
	if (!in->start)
		return;
	memmove(in->data, in->data + in->start, in->end - in->start);
	for (unsigned i = 0; i < in->fd_count; i++)
		in->fds[i].at -= in->start;
	in->end -= in->start;
	in->start = 0;
}

static int input_grow(struct vu_input *in, size_t capacity)
{
	uint8_t *data = realloc(in->data, capacity);

	if (!data)
		return -ENOMEM;
	in->data = data;
	in->capacity = capacity;
	return 0;
}

static int make_fd_room(struct vu_input *in, unsigned count)
{
	struct vu_passed *fds;
	unsigned capacity = 2 * in->fd_capacity;

	if (in->fd_capacity - in->fd_count >= count)
		return 0;
	if (in->fd_capacity >= MANY_FDS)
		return -ENOBUFS;
	fds = realloc(in->fds, capacity * sizeof(*fds));
	if (!fds)
		return -ENOMEM;
	in->fds = fds;
	in->fd_capacity = capacity;
	return 0;
}

/* Makes room for at least a byte more, and for the whole of a message that has begun. */
static int input_make_room(struct vu_input *in, size_t most)
{
	size_t need = in->end - in->start + 1;
	struct vu_header header;

	if (in->start == in->end) {
		in->start = in->end = 0;
		return 0;
	}
	if (in->end - in->start >= sizeof(header)) {
		memcpy(&header, in->data + in->start, sizeof(header));
		if (header.size > need && header.size <= VU_MAX_MESSAGE)
			need = header.size;
	}
	if (in->capacity - in->start >= need && in->capacity - in->end >= VU_BUFFER / 4)
		return 0;
	input_compact(in);
	if (need <= in->capacity)
		return 0;
	if (need < 2 * in->capacity)
		need = 2 * in->capacity;
	if (in->end + 1 > most)
		return -ENOBUFS;
	return input_grow(in, need < most ? need : most);
}

static bool takes_fds(unsigned command)
{
	return command == VU_DMA_MAP || command == VU_SET_IRQS;
}

/*
 * Which message the fds of a receive belong to. Linux ends a receive after the bytes that were
 * sent with fds, but begins it with whatever was queued before them. So they came with the last
 * message in it that can have any; or with the one that goes on in it.
 */
static size_t fd_owner(const struct vu_input *in, size_t from)
{
	size_t at = in->start, owner = from;
	struct vu_header header;

	while (in->end - at >= sizeof(header)) {
		memcpy(&header, in->data + at, sizeof(header));
		if (at < from ? header.size > from - at : takes_fds(header.command))
			owner = at;
		if (header.size < sizeof(header) || header.size > in->end - at)
			return owner;
		at += header.size;
	}
	return at < in->end ? at : owner; /* part of a header: its type is not known yet */
}

static void input_take_fds(struct vu_input *in, struct msghdr *msg, size_t from)
{
	size_t owner = fd_owner(in, from);

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			struct vu_passed *passed = &in->fds[in->fd_count++];

			memcpy(&passed->fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			passed->at = owner;
		}
	}
	if (msg->msg_flags & MSG_CTRUNC)
		in->fds[in->fd_count++] = (struct vu_passed){ -1, owner };
}

ssize_t vu_input_receive(struct vu_input *in, int socket, int flags, size_t most, bool *more)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(VU_MAX_FDS * sizeof(int))];
	} control;
	struct iovec iov;
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	int ret = input_make_room(in, most);
	ssize_t got;

	*more = false;
	if (!ret)
		ret = make_fd_room(in, VU_MAX_FDS + 1);
	if (ret)
		return ret;
	iov = (struct iovec){ in->data + in->end, in->capacity - in->end };
	got = recvmsg(socket, &msg, flags | MSG_CMSG_CLOEXEC);
	if (got <= 0)
		return got ? -errno : 0;
	in->end += (size_t)got;
	*more = (size_t)got == iov.iov_len;
	if (__builtin_expect(msg.msg_controllen || msg.msg_flags & MSG_CTRUNC, 0))
		input_take_fds(in, &msg, in->end - (size_t)got);
	return got;
}

int vu_input_header(const struct vu_input *in, size_t at, struct vu_header *header)
{
	if (in->end - at < sizeof(*header))
		return 0;
	memcpy(header, in->data + at, sizeof(*header));
	if (header->size < sizeof(*header) || header->size > VU_MAX_MESSAGE)
		return -EPROTO;
	return header->size <= in->end - at;
}

static void attach_fds(struct vu_input *in, struct vu_message *message)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < in->fd_count; i++) {
		if (in->fds[i].at != in->start) {
			in->fds[kept++] = in->fds[i];
		} else if (in->fds[i].fd >= 0 && message->fd_count < VU_MAX_FDS) {
			message->fds[message->fd_count++] = in->fds[i].fd;
		} else {
			close_fd(in->fds[i].fd);
			message->fds_lost = true;
		}
	}
	in->fd_count = kept;
}

int vu_input_peek(struct vu_input *in, struct vu_message *message)
{
	int ret = vu_input_header(in, in->start, &message->header);

	if (ret <= 0)
		return ret;
	message->payload = in->data + in->start + sizeof(message->header);
	message->size = message->header.size - (uint32_t)sizeof(message->header);
	message->fd_count = 0;
	message->fds_lost = false;
	if (__builtin_expect(in->fd_count, 0))
		attach_fds(in, message);
	return 1;
}

void vu_input_consume(struct vu_input *in, struct vu_message *message)
{
	for (unsigned i = 0; i < message->fd_count; i++)
		close_fd(message->fds[i]);
	in->start += message->header.size;
}

void vu_sweep_begin(const struct vu_input *in, size_t from, struct vu_sweep *sweep)
{
	*sweep = (struct vu_sweep){ from, from, 0, 0 };
	while (sweep->fd < in->fd_count && in->fds[sweep->fd].at < from)
		sweep->fd++;
	sweep->fds_kept = sweep->fd;
}

/* The descriptors that came with the message at sweep->from: they are in the messages' order.
 */
static void sweep_fds(struct vu_input *in, struct vu_sweep *sweep, bool keep)
{
	for (; sweep->fd < in->fd_count && in->fds[sweep->fd].at == sweep->from; sweep->fd++) {
		int fd = in->fds[sweep->fd].fd;

		if (keep)
			in->fds[sweep->fds_kept++] = (struct vu_passed){ fd, sweep->to };
		else
			close_fd(fd);
	}
}

void vu_sweep_keep(struct vu_input *in, struct vu_sweep *sweep, size_t size)
{
	sweep_fds(in, sweep, true);
	if (sweep->from != sweep->to)
		memmove(in->data + sweep->to, in->data + sweep->from, size);
	sweep->from += size;
	sweep->to += size;
}

void vu_sweep_drop(struct vu_input *in, struct vu_sweep *sweep, size_t size)
{
	sweep_fds(in, sweep, false);
	sweep->from += size;
}

void vu_sweep_end(struct vu_input *in, struct vu_sweep *sweep)
{
	size_t gap = sweep->from - sweep->to;

	if (!gap)
		return;
	memmove(in->data + sweep->to, in->data + sweep->from, in->end - sweep->from);
	in->end -= gap;
	for (; sweep->fd < in->fd_count; sweep->fd++) {
		in->fds[sweep->fds_kept] = in->fds[sweep->fd];
		in->fds[sweep->fds_kept++].at -= gap;
	}
	in->fd_count = sweep->fds_kept;
}

int vu_input_move_tail(struct vu_input *in, size_t at, struct vu_input *to)
{
	size_t size = in->end - at;
	unsigned kept = 0;

	if (to->capacity - to->end < size && input_grow(to, to->end + size))
		return -ENOMEM;
	if (make_fd_room(to, in->fd_count))
		return -ENOMEM;
	memcpy(to->data + to->end, in->data + at, size);
	for (unsigned i = 0; i < in->fd_count; i++) {
		if (in->fds[i].at < at) {
			in->fds[kept++] = in->fds[i];
			continue;
		}
		to->fds[to->fd_count].fd = in->fds[i].fd;
		to->fds[to->fd_count++].at = in->fds[i].at - at + to->end;
	}
	in->fd_count = kept;
	in->end = at;
	to->end += size;
	return 0;
}
