/* SPDX-License-Identifier: MIT */
/*
 * One DMA message to the client, and its reply. What the client asks meanwhile is set aside.
 *
 * QEMU before 11 lays these messages out with a 32-bit count, its data right after it. Which of
 * the two a client has is found out by a write of no bytes: the old reply is a bare header.
 */
#ifndef RISER_VFIO_USER_EXCHANGE_H
#define RISER_VFIO_USER_EXCHANGE_H

#include <sys/uio.h>

#include "attach/vfio_user/server.h"

enum { VU_OLD_FIELDS = 12 /* address and count in the old layout */ };

struct vu_exchange {
	/* What is to be done, and until when (riser__loop_now()). */
	uint16_t command;
	uint64_t iova, deadline;
	uint8_t *buffer;
	size_t count;

	size_t reply_size; /* after it */

	/* private */
	uint16_t id;
	uint64_t early_at;
	struct vu_header header;
	struct vu_dma_access fields;
	struct iovec iov[4]; /* header, fields, data, padding */
	unsigned iov_at;
	bool begun; /* a part of it was sent */
};

/*
 * On the loop's thread. 0; -EFAULT: refused; -EIO: its reply is too short; -ETIMEDOUT; -ENOBUFS
 * or -ENOMEM: too much to set aside; -ENOTCONN: the connection is lost.
 */
int vu_exchange(struct riser_server *server, struct vu_exchange *x);

#endif
