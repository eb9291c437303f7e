/* SPDX-License-Identifier: MIT */
/* One DMA message to the client: sending it, and receiving until its reply is here. */
#include "attach/vfio_user/exchange.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum { ASIDE_MOST = 4 << 20 };

/* After this long without a reply, the client is taken to wait for an answer of ours. */
#define PATIENCE_NS UINT64_C(500000000)

static int exchange_lose(struct riser_server *server, int why)
{
	server->link.broken = why;
	shutdown(server->link.source.fd, SHUT_RDWR); /* which the loop sees */
	return -ENOTCONN;
}

static void exchange_prepare(struct riser_server *server, struct vu_exchange *x)
{
	static uint8_t padding[sizeof(uint64_t) - sizeof(uint32_t)];
	bool write = x->command == VU_DMA_WRITE;
	bool old = server->remote.layout == VU_LAYOUT_OLD;
	size_t fields = old && write ? VU_OLD_FIELDS : sizeof(x->fields);

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
static int send_request(struct riser_server *server, struct vu_exchange *x)
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
	return ret && ret != -EAGAIN ? exchange_lose(server, -ENOTCONN) : ret;
}

/* The reply's verdict; data of a read is copied out. */
static int exchange_take_reply(struct riser_server *server, struct vu_exchange *x,
			       const uint8_t *message)
{
	bool old = server->remote.layout == VU_LAYOUT_OLD;
	size_t skip = sizeof(x->header) + (old ? VU_OLD_FIELDS : sizeof(x->fields));
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
static int find_reply(struct riser_server *server, struct vu_exchange *x, int *ret)
{
	struct vu_input *aside = &server->link.aside;
	struct vu_remote *remote = &server->remote;
	struct vu_header header;
	struct vu_sweep sweep;
	int have, found = 0;

	vu_sweep_begin(aside, remote->parsed, &sweep);
	while ((have = vu_input_header(aside, sweep.from, &header)) == 1) {
		if ((header.flags & VU_TYPE_MASK) != VU_TYPE_REPLY) {
			vu_sweep_keep(aside, &sweep, header.size);
			continue;
		}
		remote->stuck = false;
		if (header.id == x->id && header.command == x->command) {
			*ret = exchange_take_reply(server, x, aside->data + sweep.from);
			found = 1;
		}
		vu_sweep_drop(aside, &sweep, header.size);
	}
	remote->parsed = sweep.to;
	vu_sweep_end(aside, &sweep);
	return have < 0 ? exchange_lose(server, -EPROTO) : found;
}

/* Answers what does not need the device, if the client seems to wait for that. */
static void answer_early(struct riser_server *server, struct vu_exchange *x, uint64_t now)
{
	if (now < x->early_at)
		return;
	vu_early_begin(server);
	vu_early_serve(server);
}

/* Waits until there is something to do; -ETIMEDOUT. */
static int wait_socket(struct riser_server *server, const struct vu_exchange *x)
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
	return ret < 0 && errno != EINTR ? exchange_lose(server, -ENOTCONN) : 0;
}

/* Takes in what there is. 1 and *result: the reply was among it; 0: not yet; or lost. */
static int exchange_receive(struct riser_server *server, struct vu_exchange *x, int *result)
{
	struct vu_link *link = &server->link;
	bool more;
	ssize_t got = vu_input_receive(&link->aside, link->source.fd, MSG_DONTWAIT, ASIDE_MOST,
				       &more);

	if (got == -EAGAIN || got == -EINTR)
		return 0;
	if (got == -ENOBUFS || got == -ENOMEM)
		return (int)got;
	return got <= 0 ? exchange_lose(server, -ENOTCONN) : find_reply(server, x, result);
}

static int await_reply(struct riser_server *server, struct vu_exchange *x)
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
			ret = found = exchange_receive(server, x, &result);
		if (ret < 0)
			return ret;
	}
}

/* The next exchange answers early at once: this client replies only when it has its answer. */
static void note_waiting(struct riser_server *server)
{
	if (!server->remote.waits)
		vu_log(server, RISER_DEBUG,
		       "the client answers no DMA message while it waits for a register "
		       "access: "
		       "those are answered first from now on");
	server->remote.waits = true;
}

int vu_exchange(struct riser_server *server, struct vu_exchange *x)
{
	unsigned answers = server->remote.answers;
	int ret;

	exchange_prepare(server, x);
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
		ret = exchange_lose(server, -ENOTCONN);
	return ret;
}
