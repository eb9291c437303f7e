/* SPDX-License-Identifier: MIT-0 */
/*
 * Two devices joined by a socket, as by a cable: the first one listens, the second connects. On
 * it each frame follows its length in four bytes, big-endian (QEMU's -netdev stream does so).
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net.h"

enum { LENGTH = 4, BUFFER = 512 << 10, LOCKED_OUT_MOST = 8 };
static const uint64_t LOOK_PERIOD = 200000000;

/* Bytes from `at` to `end` are what is in it. */
struct buffer {
	size_t at, end;
	uint8_t data[BUFFER];
};

struct join {
	struct sockaddr_un address;
	int listener, peer;
	ino_t inode;	     /* of the listener's file */
	bool stranger;	     /* another user was at the other end */
	unsigned locked_out; /* how often the folder was */
	struct riser_watch *arriving, *readable, *writable;
	int peer_out; /* the peer again: one watch a descriptor */
	struct buffer in, out;
};

static void take_frames(struct net *net);

/* ---- The peer ---- */

static void lose_peer(struct net *net)
{
	struct join *j = net->join;

	riser_watch_destroy(j->readable);
	riser_watch_destroy(j->writable);
	j->readable = j->writable = NULL;
	close(j->peer);
	close(j->peer_out);
	j->peer = j->peer_out = -1;
	j->in.at = j->in.end = j->out.at = j->out.end = 0;
	link_changed(net, false);
	riser_timer_arm(net->dev, TIMER_LINK, LOOK_PERIOD);
}

static void write_out(struct net *net)
{
	struct join *j = net->join;

	while (j->peer >= 0 && j->out.at < j->out.end) {
		ssize_t done = send(j->peer, j->out.data + j->out.at, j->out.end - j->out.at,
				    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (done > 0) {
			j->out.at += (size_t)done;
		} else if (errno == EAGAIN) {
			break;
		} else if (errno != EINTR) {
			lose_peer(net);
			return;
		}
	}
	if (j->out.at == j->out.end)
		j->out.at = j->out.end = 0;
	if (j->writable)
		riser_watch_modify(j->writable, j->out.end ? POLLOUT : 0);
}

static void on_writable(struct riser_dev *dev, int fd, short events, void *arg)
{
	(void)dev, (void)fd, (void)events;
	write_out(arg);
	transmit(arg);
}

static void on_readable(struct riser_dev *dev, int fd, short events, void *arg)
{
	struct net *net = arg;
	struct buffer *in = &net->join->in;
	ssize_t got;

	(void)dev, (void)events;
	if (in->at) {
		memmove(in->data, in->data + in->at, in->end - in->at);
		in->end -= in->at;
		in->at = 0;
	}
	got = recv(fd, in->data + in->end, sizeof(in->data) - in->end, MSG_DONTWAIT);
	if (!got || (got < 0 && errno != EAGAIN && errno != EINTR)) {
		lose_peer(net);
		return;
	}
	in->end += got > 0 ? (size_t)got : 0;
	take_frames(net);
}

static void have_peer(struct net *net, int fd)
{
	struct join *j = net->join;

	j->peer = fd;
	j->peer_out = dup(fd);
	if (riser_watch_create(net->dev, fd, POLLIN, on_readable, net, &j->readable) ||
	    riser_watch_create(net->dev, j->peer_out, 0, on_writable, net, &j->writable)) {
		lose_peer(net);
		return;
	}
	link_changed(net, true);
}

/* ---- Finding it ---- */

/* In a folder that others may write to anybody may be at the other end: not every user is let.
 */
static bool peer_is_own(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) &&
	       (!peer.uid || peer.uid == geteuid());
}

static void tell_stranger(struct net *net)
{
	if (!net->join->stranger)
		riser_log(net->dev, RISER_WARN,
			  "another user is at %s: frames go to root and to user %u only",
			  net->join->address.sun_path, (unsigned)geteuid());
	net->join->stranger = true;
}

static void on_arriving(struct riser_dev *dev, int fd, short events, void *arg)
{
	struct net *net = arg;
	int peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)dev, (void)events;
	if (peer < 0)
		return;
	if (!peer_is_own(peer))
		tell_stranger(net);
	else if (net->join->peer < 0) { /* a cable has two ends */
		have_peer(net, peer);
		return;
	}
	close(peer);
}

static int new_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* 0; -EACCES: somebody is there who is not to be; or why nobody is. */
static int connect_to(struct net *net)
{
	struct join *j = net->join;
	int fd = new_socket(), ret;

	if (fd < 0)
		return -errno;
	ret = connect(fd, (struct sockaddr *)&j->address, sizeof(j->address)) ? -errno : 0;
	if (!ret && !peer_is_own(fd)) {
		tell_stranger(net);
		ret = -EACCES;
	}
	if (ret)
		close(fd);
	else
		have_peer(net, fd);
	return ret;
}

/* Where nobody answers a socket file is one that was left behind. */
static int listen_at(struct net *net)
{
	struct join *j = net->join;
	struct stat st;
	int fd = new_socket();

	if (fd < 0)
		return -errno;
	if (!lstat(j->address.sun_path, &st) && S_ISSOCK(st.st_mode))
		unlink(j->address.sun_path);
	if (fchmod(fd, 0600) || bind(fd, (struct sockaddr *)&j->address, sizeof(j->address)) ||
	    listen(fd, 1) || lstat(j->address.sun_path, &st)) {
		int error = -errno;

		close(fd);
		return error;
	}
	j->listener = fd;
	j->inode = st.st_ino;
	return riser_watch_create(net->dev, fd, POLLIN, on_arriving, net, &j->arriving);
}

static void stop_listening(struct join *j)
{
	riser_watch_destroy(j->arriving);
	close(j->listener);
	j->arriving = NULL;
	j->listener = -1;
}

/* Somebody has removed its file, or put another there. */
static bool was_replaced(const struct join *j)
{
	struct stat st;

	return j->listener >= 0 && (lstat(j->address.sun_path, &st) || st.st_ino != j->inode);
}

/*
 * One device at a time: else two that begin at once take each other's file for one left behind,
 * and find that out later. A lock that stays is held by somebody else, who is not waited for.
 */
static int connect_or_listen(struct net *net)
{
	struct join *j = net->join;
	char folder[sizeof(j->address.sun_path)];
	int lock, ret = 0;

	strcpy(folder, j->address.sun_path);
	lock = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) && j->locked_out++ < LOCKED_OUT_MOST)
		ret = -EAGAIN;
	if (!ret)
		ret = connect_to(net);
	if (ret && ret != -EAGAIN && ret != -EACCES)
		ret = listen_at(net);
	if (lock >= 0)
		close(lock);
	return ret;
}

static void find_peer(struct net *net)
{
	struct join *j = net->join;

	if (j->peer >= 0)
		return;
	if (was_replaced(j))
		stop_listening(j);
	if (j->listener < 0)
		connect_or_listen(net);
	if (j->peer < 0)
		riser_timer_arm(net->dev, TIMER_LINK, LOOK_PERIOD);
}

static void join_timer(struct net *net, unsigned timer)
{
	if (timer == TIMER_LINK)
		find_peer(net);
}

/* ---- Frames ---- */

/* What the driver has no room for stays, and the peer has to wait. */
static void take_frames(struct net *net)
{
	struct join *j = net->join;
	struct buffer *in = &j->in;
	bool room = true;

	while (in->end - in->at >= LENGTH) {
		uint32_t length;

		memcpy(&length, in->data + in->at, LENGTH);
		length = be32toh(length);
		if (length > FRAME_MAX) {
			riser_log(net->dev, RISER_WARN,
				  "the peer sent a frame of %u bytes: it is no network device",
				  length);
			lose_peer(net);
			return;
		}
		if (in->end - in->at < LENGTH + length)
			break;
		room = receive(net, in->data + in->at + LENGTH, length);
		if (!room)
			break;
		in->at += LENGTH + length;
	}
	if (j->readable)
		riser_watch_modify(j->readable, room ? POLLIN : 0);
}

static bool join_ready(struct net *net)
{
	struct join *j = net->join;

	return BUFFER - j->out.end >= LENGTH + FRAME_MAX;
}

static void join_send(struct net *net, const uint8_t *frame, size_t length)
{
	struct buffer *out = &net->join->out;
	uint32_t prefix = htobe32((uint32_t)length);

	if (net->join->peer < 0)
		return;
	memcpy(out->data + out->end, &prefix, LENGTH);
	memcpy(out->data + out->end + LENGTH, frame, length);
	out->end += LENGTH + length;
}

static void join_room(struct net *net)
{
	take_frames(net);
}

static void join_close(struct net *net)
{
	struct join *j = net->join;

	riser_watch_destroy(j->readable);
	riser_watch_destroy(j->writable);
	if (j->peer >= 0)
		close(j->peer);
	if (j->peer_out >= 0)
		close(j->peer_out);
	if (j->listener >= 0) {
		if (!was_replaced(j))
			unlink(j->address.sun_path);
		stop_listening(j);
	}
	free(j);
	net->join = NULL;
}

static int join_open(struct net *net, const char *path)
{
	struct join *j = calloc(1, sizeof(*j));
	struct stat st;
	int ret;

	if (!j)
		return riser_fail(net->dev, -ENOMEM, "no memory");
	net->join = j;
	j->listener = j->peer = j->peer_out = -1;
	j->address.sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(j->address.sun_path)) {
		join_close(net);
		return riser_fail(net->dev, -ENAMETOOLONG, "option 'net': %s is too long",
				  path);
	}
	strcpy(j->address.sun_path, path);
	if (!stat(path, &st) && !S_ISSOCK(st.st_mode)) {
		join_close(net);
		return riser_fail(
			net->dev, -ENOTSOCK,
			"option 'net': %s is there already and is no socket; name another",
			path);
	}
	/* Somebody else who begins just now is found later, from reset() on. */
	ret = connect_or_listen(net);
	if (!ret || ret == -EADDRINUSE || ret == -EAGAIN)
		return 0;
	join_close(net);
	return riser_fail(net->dev, ret,
			  "option 'net': can neither connect to %s nor listen there: %s", path,
			  strerror(-ret));
}

const struct network network_join = {
	.open = join_open,
	.close = join_close,
	.ready = join_ready,
	.send = join_send,
	.flush = write_out,
	.room = join_room,
	.timer = join_timer,
};
