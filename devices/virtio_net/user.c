/* SPDX-License-Identifier: MIT-0 */
/*
 * The host's network without privileges: libslirp's 10.0.2.0/24, with a router and a DHCP
 * server at 10.0.2.2 and a name server at 10.0.2.3.
 */
#include <errno.h>
#include <poll.h>
#include <slirp/libslirp.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"

enum { SOCKETS = 1024, BACKLOG = 1 << 20 };

struct socket {
	int fd;
	short events;
	bool wanted;
	struct riser_watch *watch;
};

/* Frames that came while the driver had no room, each after its length. */
struct backlog {
	size_t at, end;
	uint8_t data[BACKLOG];
};

struct user {
	Slirp *slirp;
	struct pollfd polled[SOCKETS];
	unsigned count;
	struct socket sockets[SOCKETS];
	unsigned socket_count;
	struct backlog backlog;
};

/* ---- Frames ---- */

static void keep(struct net *net, const void *frame, size_t length)
{
	struct backlog *b = &net->user->backlog;

	if (sizeof(length) + length > BACKLOG - b->end) {
		net->dropped++; /* TCP sends it again */
		return;
	}
	memcpy(b->data + b->end, &length, sizeof(length));
	memcpy(b->data + b->end + sizeof(length), frame, length);
	b->end += sizeof(length) + length;
}

static void user_room(struct net *net)
{
	struct backlog *b = &net->user->backlog;

	while (b->at < b->end) {
		size_t length;

		memcpy(&length, b->data + b->at, sizeof(length));
		if (!receive(net, b->data + b->at + sizeof(length), length))
			return;
		b->at += sizeof(length) + length;
	}
	b->at = b->end = 0;
}

static ssize_t from_slirp(const void *frame, size_t length, void *opaque)
{
	struct net *net = opaque;

	if (length <= FRAME_MAX && (net->user->backlog.end || !receive(net, frame, length)))
		keep(net, frame, length);
	return (ssize_t)length;
}

/* ---- Its sockets ---- */

static int add_poll(int fd, int events, void *opaque)
{
	struct user *u = ((struct net *)opaque)->user;
	int poll_events = (events & SLIRP_POLL_IN ? POLLIN : 0) |
			  (events & SLIRP_POLL_OUT ? POLLOUT : 0) |
			  (events & SLIRP_POLL_PRI ? POLLPRI : 0);

	if (u->count == SOCKETS)
		return -1;
	u->polled[u->count] = (struct pollfd){ fd, (short)poll_events, 0 };
	return (int)u->count++;
}

static int get_events(int index, void *opaque)
{
	struct user *u = ((struct net *)opaque)->user;
	short events = index >= 0 ? u->polled[index].revents : 0;

	return (events & POLLIN ? SLIRP_POLL_IN : 0) | (events & POLLOUT ? SLIRP_POLL_OUT : 0) |
	       (events & POLLPRI ? SLIRP_POLL_PRI : 0) |
	       (events & POLLERR ? SLIRP_POLL_ERR : 0) |
	       (events & POLLHUP ? SLIRP_POLL_HUP : 0);
}

static void serve(struct net *net);

static void on_ready(struct riser_dev *dev, int fd, short events, void *arg)
{
	(void)dev, (void)fd, (void)events;
	serve(arg);
}

static struct socket *find(struct user *u, int fd)
{
	for (unsigned i = 0; i < u->socket_count; i++) {
		if (u->sockets[i].fd == fd)
			return &u->sockets[i];
	}
	return NULL;
}

static void forget(struct user *u, struct socket *socket)
{
	riser_watch_destroy(socket->watch);
	*socket = u->sockets[--u->socket_count];
}

static void watch(struct net *net, int fd, short events)
{
	struct user *u = net->user;
	struct socket *socket = find(u, fd);

	if (!socket) {
		if (u->socket_count == SOCKETS)
			return;
		socket = &u->sockets[u->socket_count];
		*socket = (struct socket){ .fd = fd };
		if (riser_watch_create(net->dev, fd, events, on_ready, net, &socket->watch))
			return;
		u->socket_count++;
	} else if (socket->events != events) {
		riser_watch_modify(socket->watch, events);
	}
	socket->events = events;
	socket->wanted = true;
}

/* Watches exactly what it asks for now. */
static void arrange(struct net *net)
{
	struct user *u = net->user;
	uint32_t timeout = UINT32_MAX;

	u->count = 0;
	slirp_pollfds_fill(u->slirp, &timeout, add_poll, net);
	for (unsigned i = 0; i < u->socket_count; i++)
		u->sockets[i].wanted = false;
	for (unsigned i = 0; i < u->count; i++)
		watch(net, u->polled[i].fd, u->polled[i].events);
	for (unsigned i = u->socket_count; i--;) {
		if (!u->sockets[i].wanted)
			forget(u, &u->sockets[i]);
	}
	if (timeout != UINT32_MAX)
		riser_timer_arm(net->dev, TIMER_USER, UINT64_C(1000000) * timeout);
}

static void serve(struct net *net)
{
	struct user *u = net->user;
	uint32_t timeout = UINT32_MAX;
	int ret;

	u->count = 0;
	slirp_pollfds_fill(u->slirp, &timeout, add_poll, net);
	ret = poll(u->polled, u->count, 0);
	slirp_pollfds_poll(u->slirp, ret < 0, get_events, net);
	arrange(net);
}

/* ---- What it asks of us ---- */

static void guest_error(const char *message, void *opaque)
{
	struct net *net = opaque;

	riser_log(net->dev, RISER_WARN, "guest: %s", message);
}

static int64_t clock_ns(void *opaque)
{
	struct net *net = opaque;

	return (int64_t)riser_now(net->dev);
}

/* Timers are IPv6's, which is off. */
static void *timer_new(SlirpTimerCb ring, void *ring_opaque, void *opaque)
{
	(void)ring, (void)ring_opaque;
	return opaque;
}

static void timer_free(void *timer, void *opaque)
{
	(void)timer, (void)opaque;
}

static void timer_mod(void *timer, int64_t expire, void *opaque)
{
	(void)timer, (void)expire, (void)opaque;
}

/* Every socket is asked for before each wait. */
static void poll_fd(int fd, void *opaque)
{
	struct net *net = opaque;
	struct socket *socket = find(net->user, fd);

	if (socket)
		forget(net->user, socket);
}

static void notify(void *opaque)
{
	struct net *net = opaque;

	riser_timer_arm(net->dev, TIMER_USER, 0);
}

/* ---- The network ---- */

static bool user_ready(struct net *net)
{
	(void)net;
	return true;
}

static void user_send(struct net *net, const uint8_t *frame, size_t length)
{
	slirp_input(net->user->slirp, frame, (int)length);
}

static void user_timer(struct net *net, unsigned timer)
{
	if (timer == TIMER_USER)
		serve(net);
}

static void user_close(struct net *net)
{
	struct user *u = net->user;

	if (u->slirp)
		slirp_cleanup(u->slirp);
	while (u->socket_count)
		forget(u, &u->sockets[0]);
	free(u);
	net->user = NULL;
}

static int user_open(struct net *net, const char *path)
{
	static const SlirpCb callbacks = {
		.send_packet = from_slirp,
		.guest_error = guest_error,
		.clock_get_ns = clock_ns,
		.timer_new = timer_new,
		.timer_free = timer_free,
		.timer_mod = timer_mod,
		.register_poll_fd = poll_fd,
		.unregister_poll_fd = poll_fd,
		.notify = notify,
	};
	const SlirpConfig config = {
		.version = 1,
		.in_enabled = true,
		.vnetwork.s_addr = htonl(0x0a000200),
		.vnetmask.s_addr = htonl(0xffffff00),
		.vhost.s_addr = htonl(0x0a000202),
		.vdhcp_start.s_addr = htonl(0x0a00020f),
		.vnameserver.s_addr = htonl(0x0a000203),
		.if_mtu = net->mtu_option,
		.if_mru = net->mtu_option,
	};

	(void)path;
	net->user = calloc(1, sizeof(*net->user));
	if (!net->user)
		return riser_fail(net->dev, -ENOMEM, "no memory");
	net->user->slirp = slirp_new(&config, &callbacks, net);
	if (!net->user->slirp) {
		user_close(net);
		return riser_fail(net->dev, -EINVAL, "libslirp refuses to start");
	}
	link_changed(net, true);
	return 0;
}

const struct network network_user = {
	.open = user_open,
	.close = user_close,
	.ready = user_ready,
	.send = user_send,
	.flush = arrange,
	.room = user_room,
	.timer = user_timer,
};
