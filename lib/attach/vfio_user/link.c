/* SPDX-License-Identifier: MIT */
/* The connection to the client: what is received is served, what was replied is sent. */
#include "attach/vfio_user/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
	IN_A_ROW = 1024,	  /* receives before the loop looks at everything else, … */
	BYTES_IN_A_ROW = 1 << 20, /* … and bytes */
	A_STREAM = 1, /* from this many messages in a row on, the socket is not watched */
};

static struct riser_server *link_server(struct riser__source *source)
{
	return (struct riser_server *)((char *)source -
				       offsetof(struct riser_server, link.source));
}

static void link_forget(struct riser_server *server)
{
	struct vu_link *link = &server->link;

	vu_input_fini(&link->in);
	vu_input_fini(&link->aside);
	vu_output_fini(&link->out);
	*link = (struct vu_link){ .source.fd = -1 };
}

void vu_link_drop(struct riser_server *server, const char *why)
{
	struct vu_link *link = &server->link;
	bool negotiated = link->negotiated;

	if (link->source.fd < 0)
		return;
	vu_log(server, negotiated ? RISER_INFO : RISER_DEBUG, "client gone: %s", why);
	riser__loop_remove(server->loop, &link->source);
	close(link->source.fd);
	link_forget(server);
	if (negotiated)
		vu_server_clean(server);
}

bool vu_link_is_dead(struct riser_server *server)
{
	struct pollfd poll_fd = { .fd = server->link.source.fd };

	return poll(&poll_fd, 1, 0) == 1 && poll_fd.revents & (POLLHUP | POLLERR);
}

/* All of the current buffer is served: goes on with what came in meanwhile. */
static bool take_aside(struct riser_server *server)
{
	struct vu_link *link = &server->link;
	struct vu_input empty = link->in;

	if (link->in.start != link->in.end || link->aside.start == link->aside.end)
		return false;
	empty.start = empty.end = 0;
	link->in = link->aside;
	link->aside = empty;
	server->remote.parsed = 0;
	vu_early_forget(server);
	return true;
}

/* Nothing that an access has to be looked at twice for. */
static bool link_is_plain(const struct riser_server *server)
{
	return server->link.negotiated && !server->trace &&
	       server->migration.state == VU_STATE_RUNNING;
}

/* 0, -EAGAIN if the client does not take its replies, or why the connection is lost. */
static int serve_messages(struct riser_server *server)
{
	struct vu_link *link = &server->link;
	struct vu_message message;
	int ret = 0;

	while (!link->last && !link->broken) {
		if (link_is_plain(server))
			vu_serve_accesses(server);
		if (vu_output_pending(&link->out) > VU_REPLIES_MOST || link->out.fd >= 0) {
			ret = vu_output_send(&link->out, link->source.fd);
			if (ret)
				return ret;
		}
		ret = vu_input_peek(&link->in, &message);
		if (!ret && take_aside(server))
			continue;
		if (ret <= 0)
			break;
		vu_dispatch(server, &message);
		vu_input_consume(&link->in, &message);
	}
	if (link->broken)
		return link->broken;
	return ret < 0 ? ret : vu_output_send(&link->out, link->source.fd);
}

static bool link_serve(struct riser_server *server)
{
	struct vu_link *link = &server->link;
	int ret = link->broken;

	if (!ret) {
		link->serving = true;
		ret = serve_messages(server);
		link->serving = false;
	}
	if (!ret && link->last) {
		vu_link_drop(server, "no common protocol version");
		return false;
	}
	if (!ret)
		return true;
	if (ret == -EAGAIN) {
		/* Nothing is read until it has taken its replies: memory stays bounded. */
		link->full = true;
		riser__loop_modify(server->loop, &link->source, EPOLLOUT);
		return false;
	}
	if (ret == -EPROTO)
		vu_log(server, RISER_WARN,
		       "the client sent a message size that cannot be; closing the connection");
	vu_link_drop(server, ret == -EPROTO ? "framing lost" : strerror(-ret));
	return false;
}

void vu_link_resume(struct riser_server *server)
{
	struct vu_link *link = &server->link;

	if (link->source.fd >= 0 && !link->full && link->aside.start != link->aside.end)
		link_serve(server);
}

static ssize_t link_receive(struct riser_server *server, int flags, bool *more)
{
	struct vu_link *link = &server->link;
	ssize_t got =
		vu_input_receive(&link->in, link->source.fd, flags, 2 * VU_MAX_MESSAGE, more);

	vu_early_forget(server);
	if (got <= 0 && got != -EAGAIN && got != -EINTR)
		vu_link_drop(server, got ? strerror((int)-got) : "it closed the connection");
	return got;
}

/*
 * Serves what comes, for as long as more is there or may be waited for. A client that keeps
 * sending has the socket to itself meanwhile.
 */
static void serve_in_a_row(struct riser_server *server)
{
	struct vu_link *link = &server->link;
	int flags = MSG_DONTWAIT;
	ssize_t got, sum = 0;
	bool more;

	for (unsigned n = 0; n < IN_A_ROW && sum < BYTES_IN_A_ROW; n++) {
		got = link_receive(server, flags, &more);
		if (got <= 0 || !link_serve(server))
			return;
		sum += got;
		if (!more && (link->source.polled || !riser__loop_may_linger(server->loop)))
			return;
		if (n == A_STREAM)
			riser__loop_take(server->loop, &link->source);
		flags = more ? MSG_DONTWAIT : 0;
	}
}

static void link_ready(struct riser__source *source, uint32_t events)
{
	struct riser_server *server = link_server(source);
	struct vu_link *link = &server->link;
	int ret;

	if (link->full) {
		if (events & (EPOLLHUP | EPOLLERR)) {
			vu_link_drop(server, "it closed the connection");
			return;
		}
		link->full = false;
		if (!link_serve(server))
			return;
		riser__loop_modify(server->loop, &link->source, EPOLLIN);
	}
	serve_in_a_row(server);
	ret = riser__loop_give_back(server->loop, &link->source);
	if (ret)
		vu_link_drop(server, strerror(-ret));
}

/* Receives block, for lingering, unless told otherwise; sends never do. */
static int set_up_socket(int fd)
{
	struct timeval brief = { .tv_usec = RISER__LOOP_BRIEFLY * 1000 };
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof(brief)))
		return -errno;
	return 0;
}

int vu_link_open(struct riser_server *server, int fd)
{
	struct vu_link *link = &server->link;
	int ret = set_up_socket(fd);

	*link = (struct vu_link){
		.source = { .fd = fd, .polled = server->poll, .ready = link_ready },
		.max_fds = 1,
		.max_xfer = VU_MAX_XFER,
		.out.fd = -1
	};
	if (!ret && (vu_input_init(&link->in) || vu_input_init(&link->aside) ||
		     vu_output_init(&link->out)))
		ret = -ENOMEM;
	if (!ret)
		ret = riser__loop_add(server->loop, &link->source, EPOLLIN);
	if (ret)
		link_forget(server);
	else
		vu_log(server, RISER_DEBUG, "client connected");
	return ret;
}
