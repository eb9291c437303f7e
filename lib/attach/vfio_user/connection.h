/* SPDX-License-Identifier: MIT */
/*
 * The byte stream of one client: cuts it into messages, keeps track of the descriptors that
 * came with them, gathers replies. One receive brings in whatever there is and one send answers
 * it.
 */
#ifndef RISER_VFIO_USER_CONNECTION_H
#define RISER_VFIO_USER_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>

#include "attach/vfio_user/proto.h"

enum {
	VU_MAX_FDS = 16,       /* a message */
	VU_MAX_DATA = 1 << 20, /* of an access */
	VU_MAX_MESSAGE = (1 << 20) + (64 << 10),
};

struct vu_fds {
	int fds[VU_MAX_FDS];
	unsigned count;
};

/* Descriptors that came in with the byte at `position` of the stream. */
struct vu_fd_set {
	uint64_t position;
	struct vu_fds fds;
};

enum { VU_FD_SETS = 64 };

struct vu_connection {
	int fd;
	bool broken;	 /* the client has gone, or framing is lost */
	const char *why; /* then: in words */

	uint8_t *in;
	size_t in_capacity, in_start, in_end; /* unread bytes are in[in_start..in_end) */
	uint64_t in_position;		      /* of in[in_start] in the stream */
	uint8_t *retired;		      /* holds the current message during an exchange */
	struct vu_fd_set sets[VU_FD_SETS];
	unsigned set_count;

	uint8_t *out;
	/*
	 * Replies to be sent are out[out_start..out_ready); one being made goes on to out_end.
	 * An exchange sends the former without moving the latter.
	 */
	size_t out_capacity, out_start, out_ready, out_end;
	int out_fd; /* to go with the byte at out_fd_at; -1: none */
	size_t out_fd_at;
};

struct vu_message {
	struct vu_header header;
	const uint8_t *payload; /* in the connection's buffer; unaligned */
	size_t size;		/* of the payload */
	struct vu_fds fds;	/* the receiver's to close; taken ones are set to -1 */
};

/* `fd` becomes the connection's. -ENOMEM. */
int vu_connection_init(struct vu_connection *c, int fd);
void vu_connection_fini(struct vu_connection *c);

/*
 * Receives once, without waiting. Returns how many bytes came, 0 if there are none now, or
 * -ENOTCONN, and then the connection is broken.
 */
long vu_receive(struct vu_connection *c);

/*
 * The next complete message: 1, and it is valid until the next call; 0: there is none yet;
 * -EPROTO: the stream cannot be cut into messages any more, and the connection is broken.
 */
int vu_next(struct vu_connection *c, struct vu_message *message);

/*
 * An exchange in the middle of a message: the server asks the client and waits for the reply.
 * From begin on, until end, the current message stays where it is while more is received.
 */
int vu_begin_exchange(struct vu_connection *c);
void vu_end_exchange(struct vu_connection *c);
/* Receives once for an exchange; bounded. 0 or -ENOTCONN. */
int vu_receive_more(struct vu_connection *c);
/*
 * Takes the reply to `id` from among what is unread: 1, with at most *size bytes of its
 * payload; 0: it is not there yet; -EPROTO. Requests stay for vu_next().
 */
int vu_take_reply(struct vu_connection *c, uint16_t id, struct vu_header *header, void *payload,
		  size_t *size);

/* Room for `size` bytes at the end of the reply being made, or NULL without memory. */
void *vu_append(struct vu_connection *c, size_t size);
/* The descriptor, borrowed, goes with the reply being made. False: one is still to be sent. */
bool vu_append_fd(struct vu_connection *c, int fd);
/* Sends what is ready, as far as it can without waiting. Returns what is left, or -ENOTCONN. */
long vu_flush(struct vu_connection *c);

static inline size_t vu_unsent(const struct vu_connection *c)
{
	return c->out_ready - c->out_start;
}

void vu_close_fds(struct vu_fds *fds);

#endif
