/* SPDX-License-Identifier: MIT */
/*
 * Bytes of a connection: messages cut out of what one large receive brought, and replies
 * gathered for one send. Nothing is allocated for a message that fits the buffers.
 */
#ifndef RISER_VFIO_USER_STREAM_H
#define RISER_VFIO_USER_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "protocol/vfio_user.h"

enum {
	VU_MAX_FDS = 16,       /* in a message; more abort QEMU's start */
	VU_MAX_XFER = 1 << 20, /* bytes of data in a message */
	VU_MAX_MESSAGE = VU_MAX_XFER + 128,
	VU_BUFFER = 64 << 10,
	VU_REPLIES_MOST = VU_BUFFER / 2, /* gathered before they are sent */
};

struct vu_message {
	struct vu_header header;
	const uint8_t *payload; /* in the input buffer, unaligned */
	uint32_t size;		/* of the payload */
	unsigned fd_count;
	int fds[VU_MAX_FDS]; /* a handler that keeps one puts -1 in its place */
	bool fds_lost;	     /* there were more, or none could be had */
};

struct vu_passed {
	int fd;	   /* -1: one was lost */
	size_t at; /* where the message starts that it came with */
};

struct vu_input {
	uint8_t *data;
	size_t start, end, capacity;
	struct vu_passed *fds;
	unsigned fd_count, fd_capacity;
};

int vu_input_init(struct vu_input *in);
void vu_input_fini(struct vu_input *in); /* closes what fds are left */
/*
 * One receive. Returns the bytes (0: end of stream) or a negative errno; -ENOBUFS: the buffer
 * holds `most` already. *more: it was filled, so the socket probably has more.
 */
ssize_t vu_input_receive(struct vu_input *in, int socket, int flags, size_t most, bool *more);
/* 1: *message is the first one; 0: not all of it is here; -EPROTO: framing is lost. */
int vu_input_peek(struct vu_input *in, struct vu_message *message);
/* Done with the message just peeked: closes the fds that were not kept. */
void vu_input_consume(struct vu_input *in, struct vu_message *message);
/* The header at `at`, and whether the whole message is there. -EPROTO: framing is lost. */
int vu_input_header(const struct vu_input *in, size_t at, struct vu_header *header);
/*
 * Goes over the whole messages from one on, keeps some and drops others, which takes no more
 * steps than there are bytes. Between begin and end the bytes from `to` to `from` are nothing.
 */
struct vu_sweep {
	size_t from, to; /* the next message, and where it goes if it is kept */
	unsigned fd, fds_kept;
};
void vu_sweep_begin(const struct vu_input *in, size_t from, struct vu_sweep *sweep);
void vu_sweep_keep(struct vu_input *in, struct vu_sweep *sweep, size_t size);
void vu_sweep_drop(struct vu_input *in, struct vu_sweep *sweep, size_t size);
void vu_sweep_end(struct vu_input *in, struct vu_sweep *sweep);
/* Moves what follows `at` to the end of `to`; -ENOMEM. */
int vu_input_move_tail(struct vu_input *in, size_t at, struct vu_input *to);

struct vu_output {
	uint8_t *data;
	size_t start, end, capacity;
	int fd; /* goes with the byte at fd_at; -1: none. Borrowed. */
	size_t fd_at;
};

int vu_output_init(struct vu_output *out);
void vu_output_fini(struct vu_output *out);
/* Room for `size` bytes at out->end, or NULL; they are sent once out->end is moved past. */
uint8_t *vu_output_reserve(struct vu_output *out, size_t size);
/* 0: all is sent; -EAGAIN: the socket takes no more now; or another error. */
int vu_output_send(struct vu_output *out, int socket);

static inline size_t vu_output_pending(const struct vu_output *out)
{
	return out->end - out->start;
}

#endif
