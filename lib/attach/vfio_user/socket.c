/* SPDX-License-Identifier: MIT */
/* Listening: at a path of its own, or at a socket that was given. */
#include "attach/vfio_user/server.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 8 };

#define RETRY_NS UINT64_C(500000000)

static struct riser_server *listener_server(struct riser__source *source)
{
	return (struct riser_server *)((char *)source -
				       offsetof(struct riser_server, listener.source));
}

/* Serves root and the server's own user only, whatever the socket's mode lets in. */
static bool may_use(struct riser_server *server, int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size)) {
		vu_log(server, RISER_ERROR, "cannot tell who a client is: %s", strerror(errno));
		return false;
	}
	if (!peer.uid || peer.uid == geteuid())
		return true;
	vu_log(server, RISER_WARN,
	       "refused a client of user %u (process %d): only root and user %u are served; "
	       "start the VM as one of them",
	       (unsigned)peer.uid, (int)peer.pid, (unsigned)geteuid());
	return false;
}

static void refuse_or_replace(struct riser_server *server, int fd)
{
	int ret;

	if (!may_use(server, fd)) {
		close(fd);
		return;
	}
	if (server->link.source.fd >= 0 && vu_link_is_dead(server))
		vu_link_drop(server, "it closed the connection");
	if (server->link.source.fd >= 0) {
		vu_log(server, RISER_WARN,
		       "refused a second client: the device is in use, by one at a time");
		close(fd);
		return;
	}
	ret = vu_link_open(server, fd);
	if (!ret)
		return;
	vu_log(server, RISER_ERROR, "cannot serve a new client: %s", strerror(-ret));
	close(fd);
}

static void listener_ready(struct riser__source *source, uint32_t events)
{
	struct riser_server *server = listener_server(source);
	int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC);

	(void)events;
	if (fd >= 0) {
		refuse_or_replace(server, fd);
		return;
	}
	if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
		return;
	/* Out of descriptors or memory: it stays ready, so look again only after a while. */
	vu_log(server, RISER_ERROR, "cannot accept a client: %s", strerror(errno));
	riser__loop_modify(server->loop, source, 0);
	riser__loop_set_alarm(server->loop, &server->listener.retry,
			      riser__loop_now() + RETRY_NS);
}

static void listener_retry(struct riser__alarm *alarm)
{
	struct riser_server *server =
		(struct riser_server *)((char *)alarm -
					offsetof(struct riser_server, listener.retry));

	riser__loop_modify(server->loop, &server->listener.source, EPOLLIN);
}

/* Whether a server listens at the path; else the socket was left behind by one that ended. */
static bool is_alive(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool alive = true;

	if (fd < 0)
		return true;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)))
		alive = errno != ECONNREFUSED && errno != ENOENT;
	close(fd);
	return alive;
}

static int replace_stale(int fd, const struct sockaddr_un *address, struct riser_error *error)
{
	const char *path = address->sun_path;
	struct stat st;

	if (!lstat(path, &st) && !S_ISSOCK(st.st_mode))
		return riser__fail(error, -EEXIST,
				   "%s: exists and is not a socket; name another path", path);
	if (is_alive(address))
		return riser__fail(error, -EADDRINUSE,
				   "%s: in use by another server; stop it or name another path",
				   path);
	unlink(path);
	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)))
		return riser__fail(error, -errno, "%s: cannot create the socket: %s", path,
				   strerror(errno));
	return 0;
}

static int bind_path(int fd, const char *path, struct riser_error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (!*path)
		return riser__fail(error, -EINVAL, "the socket's path is empty");
	if (strlen(path) >= sizeof(address.sun_path))
		return riser__fail(error, -ENAMETOOLONG,
				   "%s: longer than the %zu characters of a socket's path",
				   path, sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, path);
	/* Linux makes the file with the socket's own mode: it is never open to others. */
	if (fchmod(fd, 0600))
		return riser__fail(error, -errno, "%s: cannot set its mode: %s", path,
				   strerror(errno));
	if (!bind(fd, (const struct sockaddr *)&address, sizeof(address)))
		return 0;
	if (errno == EADDRINUSE)
		return replace_stale(fd, &address, error);
	return riser__fail(error, -errno, "%s: cannot create the socket: %s", path,
			   strerror(errno));
}

/* So that only the file made here is removed at the end. */
static int listener_remember(struct vu_listener *listener, const char *path,
			     struct riser_error *error)
{
	struct stat st;

	if (lstat(path, &st))
		return riser__fail(error, -errno, "%s: vanished: %s", path, strerror(errno));
	listener->device = st.st_dev;
	listener->inode = st.st_ino;
	listener->path = strdup(path);
	if (!listener->path) {
		unlink(path);
		return riser__fail(error, -ENOMEM, "%s: no memory", path);
	}
	return 0;
}

static int listen_at(struct riser_server *server, const char *path, struct riser_error *error)
{
	struct vu_listener *listener = &server->listener;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), ret;

	if (fd < 0)
		return riser__fail(error, -errno, "%s: cannot make a socket: %s", path,
				   strerror(errno));
	listener->source.fd = fd;
	ret = bind_path(fd, path, error);
	if (!ret)
		ret = listener_remember(listener, path, error);
	if (!ret && listen(fd, BACKLOG))
		ret = riser__fail(error, -errno, "%s: cannot listen: %s", path,
				  strerror(errno));
	return ret;
}

static int get_option(int fd, int option)
{
	int value;
	socklen_t size = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &size) ? -1 : value;
}

/* As systemd gives it: a listening socket, or one connection. */
static int use_given(struct riser_server *server, int fd, struct riser_error *error)
{
	int ret;

	if (get_option(fd, SO_DOMAIN) != AF_UNIX || get_option(fd, SO_TYPE) != SOCK_STREAM)
		return riser__fail(error, -EINVAL,
				   "descriptor %d: not a UNIX stream socket; give one", fd);
	if (get_option(fd, SO_ACCEPTCONN) == 1) {
		server->listener.source.fd = fd;
		return 0;
	}
	ret = vu_link_open(server, fd);
	return ret ? riser__fail(error, ret, "descriptor %d: %s", fd, strerror(-ret)) : 0;
}

int vu_listener_open(struct riser_server *server, const char *path, int fd,
		     struct riser_error *error)
{
	struct vu_listener *listener = &server->listener;
	int ret = path ? listen_at(server, path, error) : use_given(server, fd, error);

	listener->retry.fire = listener_retry;
	listener->source.patient = true;
	listener->source.ready = listener_ready;
	if (!ret && listener->source.fd >= 0) {
		ret = riser__loop_add(server->loop, &listener->source, EPOLLIN);
		if (ret) {
			riser__fail(error, ret, "cannot watch the socket: %s", strerror(-ret));
			if (!path)
				listener->source.fd = -1; /* the caller's still */
		}
	}
	return ret;
}

void vu_listener_close(struct riser_server *server)
{
	struct vu_listener *listener = &server->listener;
	struct stat st;

	riser__loop_set_alarm(server->loop, &listener->retry, UINT64_MAX);
	if (listener->source.fd >= 0) {
		riser__loop_remove(server->loop, &listener->source);
		close(listener->source.fd);
		listener->source.fd = -1;
	}
	if (listener->path && !lstat(listener->path, &st) && st.st_dev == listener->device &&
	    st.st_ino == listener->inode)
		unlink(listener->path);
	free(listener->path);
	listener->path = NULL;
}
