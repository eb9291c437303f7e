/* SPDX-License-Identifier: MIT-0 */
/* The other end of a port: a descriptor or two, and who is there. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "console.h"

static void set_open(struct port *port, bool open)
{
	if (port->end.open == open)
		return;
	port->end.open = open;
	control_tell(port, TELL_OPEN);
}

/* ---- Watches ---- */

static void on_readable(struct riser_dev *dev, int fd, short events, void *arg)
{
	(void)dev, (void)fd, (void)events;
	port_receive(arg);
}

static void on_writable(struct riser_dev *dev, int fd, short events, void *arg)
{
	(void)dev, (void)fd, (void)events;
	port_transmit(arg);
}

/* A descriptor that cannot be waited for, a file or /dev/null, has nothing to say. */
static void want(struct port *port, int fd, bool wanted, short events,
		 void (*ready)(struct riser_dev *, int, short, void *),
		 struct riser_watch **watch)
{
	if (*watch)
		riser_watch_modify(*watch, wanted ? events : 0);
	else if (wanted && fd >= 0)
		riser_watch_create(port->dev, fd, events, ready, port, watch);
}

void end_want(struct port *port, bool readable, bool writable)
{
	struct end *end = &port->end;

	want(port, end->in, readable && end->open, POLLIN, on_readable, &end->readable);
	want(port, end->out, writable && end->open, POLLOUT, on_writable, &end->writable);
}

/* ---- The peer of a socket ---- */

static void drop_peer(struct port *port)
{
	struct end *end = &port->end;

	riser_watch_destroy(end->readable);
	riser_watch_destroy(end->writable);
	end->readable = end->writable = NULL;
	if (end->in >= 0)
		close(end->in);
	if (end->out >= 0)
		close(end->out);
	end->in = end->out = -1;
	set_open(port, false);
}

bool end_is_own(struct port *port, int peer)
{
	struct ucred user;
	socklen_t size = sizeof(user);

	if (!getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &user, &size) &&
	    (!user.uid || user.uid == geteuid()))
		return true;
	if (!port->end.stranger)
		riser_log(port->dev, RISER_WARN,
			  "port %u: another user is at the other end: only root and user %u "
			  "are let in",
			  port->index, (unsigned)geteuid());
	port->end.stranger = true;
	return false;
}

static void on_arriving(struct riser_dev *dev, int fd, short events, void *arg)
{
	struct port *port = arg;
	struct end *end = &port->end;
	int peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)dev, (void)events;
	if (peer < 0)
		return;
	if (end->open || !end_is_own(port, peer)) {
		close(peer);
		return;
	}
	end->in = peer;
	end->out = fcntl(peer, F_DUPFD_CLOEXEC, 0);
	end->socket = true;
	set_open(port, true);
	port_receive(port);
}

/* Nobody reads any more, or nobody writes: a pty comes back, a socket's peer does not. */
static void gone(struct port *port)
{
	struct end *end = &port->end;

	if (end->pty) {
		end_want(port, false, false);
		set_open(port, false);
	} else {
		drop_peer(port);
	}
}

void end_look(struct port *port)
{
	struct pollfd fd = { port->end.in, POLLIN, 0 };

	if (poll(&fd, 1, 0) < 0 || fd.revents & POLLHUP) {
		set_open(port, false);
		return;
	}
	set_open(port, true);
	port_receive(port);
}

/* ---- Data ---- */

static void log_bytes(struct port *port, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		char byte = bytes[i];

		if (byte != '\n' && byte != '\r' && port->line_length < LINE - 1)
			port->line[port->line_length++] = byte;
		if ((byte == '\n' || port->line_length == LINE - 1) && port->line_length) {
			riser_log(port->dev, RISER_INFO, "%s: %.*s",
				  port->name[0] ? port->name : "console",
				  (int)port->line_length, port->line);
			port->line_length = 0;
		}
	}
}

size_t end_write(struct port *port, const void *from, size_t length)
{
	struct end *end = &port->end;
	ssize_t done;

	if (end->log)
		log_bytes(port, from, length);
	if (end->out < 0 || !end->open)
		return length;
	do {
		done = end->socket ? send(end->out, from, length, MSG_NOSIGNAL)
				   : write(end->out, from, length);
	} while (done < 0 && errno == EINTR);
	if (done >= 0)
		return (size_t)done;
	if (errno == EAGAIN)
		return 0;
	riser_log(port->dev, RISER_DEBUG, "port %u: %m", port->index);
	gone(port);
	return length;
}

size_t end_available(struct port *port)
{
	struct end *end = &port->end;
	struct pollfd fd = { end->in, POLLIN, 0 };
	int available = 0;

	if (end->in < 0 || !end->open || poll(&fd, 1, 0) <= 0)
		return 0;
	if (!ioctl(end->in, FIONREAD, &available) && available > 0)
		return (size_t)available;
	if (fd.revents)
		gone(port);
	return 0;
}

size_t end_read(struct port *port, void *to, size_t length)
{
	ssize_t got = read(port->end.in, to, length);

	return got > 0 ? (size_t)got : 0;
}

void end_listen(struct port *port)
{
	riser_watch_create(port->dev, port->end.listener, POLLIN, on_arriving, port,
			   &port->end.arriving);
}
