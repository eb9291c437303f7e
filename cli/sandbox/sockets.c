/* SPDX-License-Identifier: MIT */
/* Sockets: the warden binds and connects them, to addresses that it has copied. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sandbox/inside.h"

/* With room for a byte 0 behind a path that has none. */
struct address {
	union {
		struct sockaddr any;
		struct sockaddr_un local;
		struct sockaddr_storage room;
	};
	char end;
	socklen_t length;
};

static bool read_address(struct sandbox *sandbox, const struct seccomp_notif *asked,
			 struct address *address)
{
	const __u64 *args = asked->data.args;
	uint32_t length = (uint32_t)args[2];

	memset(address, 0, sizeof(*address));
	address->length = length;
	return length >= sizeof(sa_family_t) && length <= sizeof(address->room) &&
	       asker_read(sandbox, asked, args[1], &address->room, length);
}

/* 0; -EACCES; or the error of a path that leads nowhere. */
static int check(const struct sandbox *sandbox, const char *path, unsigned flags)
{
	char *place = real_place(path);
	int ret = place ? -EACCES : -ENOENT;

	if (place && grants_find(sandbox, place) & flags)
		ret = 0;
	free(place);
	return ret;
}

typedef int act_fn(int fd, const struct sockaddr *address, socklen_t length);

/*
 * In a folder that others may write to anybody may listen: what is at the other end has to be
 * root's, or of who runs the device.
 */
static int connect_to_own(int fd, const struct sockaddr *address, socklen_t length)
{
	struct ucred peer = { 0 };
	socklen_t size = sizeof(peer);

	if (connect(fd, address, length))
		return -1;
	if (address->sa_family != AF_UNIX ||
	    (!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) &&
	     (!peer.uid || peer.uid == geteuid())))
		return 0;
	shutdown(fd, SHUT_RDWR);
	errno = EACCES;
	return -1;
}

static int64_t do_it(const struct sandbox *sandbox, const struct seccomp_notif *asked,
		     const struct address *address, act_fn *act)
{
	int fd = asker_fd(sandbox, (int)asked->data.args[0]), ret;

	if (fd < 0)
		return -EBADF;
	ret = act(fd, &address->any, address->length) ? -errno : 0;
	close(fd);
	return ret;
}

static int64_t answer_path(struct sandbox *sandbox, const struct seccomp_notif *asked,
			   const char *words, const struct address *address, unsigned flags,
			   act_fn *act)
{
	const char *path = address->local.sun_path;
	int64_t ret = check(sandbox, path, flags);

	if (ret == -EACCES)
		return refuse(sandbox, "%s the socket '%s': no option names it", words, path);
	if (!ret)
		ret = do_it(sandbox, asked, address, act);
	if (ret == -EACCES)
		refuse(sandbox, "%s the socket '%s': it is another user's", words, path);
	return ret;
}

static int64_t answer_address(struct sandbox *sandbox, const struct seccomp_notif *asked,
			      const char *words, unsigned flags, act_fn *act)
{
	struct address address;
	int family;

	if (!read_address(sandbox, asked, &address))
		return -EFAULT;
	family = address.any.sa_family;
	if (family == AF_UNIX && *address.local.sun_path)
		return answer_path(sandbox, asked, words, &address, flags, act);
	if (family == AF_UNIX)
		return refuse(sandbox, "%s a socket without a path", words);
	if (sandbox->network &&
	    (family == AF_INET || family == AF_INET6 || family == AF_UNSPEC))
		return do_it(sandbox, asked, &address, act);
	return refuse(sandbox, "%s a socket of address family %d", words, family);
}

int64_t answer_bind(struct sandbox *sandbox, const struct seccomp_notif *asked)
{
	return answer_address(sandbox, asked, "listen at", GRANT_LISTEN, bind);
}

int64_t answer_connect(struct sandbox *sandbox, const struct seccomp_notif *asked)
{
	return answer_address(sandbox, asked, "connect to", GRANT_CONNECT | GRANT_LISTEN,
			      connect_to_own);
}

/* Only those that the filter does not allow come here. */
int64_t answer_socket(struct sandbox *sandbox, const struct seccomp_notif *asked)
{
	int family = (int)asked->data.args[0];

	if (family == AF_INET || family == AF_INET6)
		return refuse(sandbox, "make a socket of the Internet: %s",
			      sandbox->network ? "it is neither TCP's nor UDP's"
					       : "no option names the network");
	if (family == AF_UNIX)
		return refuse(sandbox, "make a UNIX socket that is no stream");
	return refuse(sandbox, "make a socket of address family %d", family);
}

/*
 * A socket that it may make it may remove. The folder is found once: another user who may
 * change the way to it does not lead this elsewhere.
 */
static int remove_in(struct sandbox *sandbox, int folder, const char *name)
{
	char real[PATH_MAX], *place;
	struct stat st;
	int ret = -EACCES;

	if (!found_path(folder, real) || !found_at(folder, real))
		return ret;
	place = text("%s/%s", strcmp(real, "/") ? real : "", name);
	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW))
		ret = -errno;
	else if (S_ISSOCK(st.st_mode) && grants_find(sandbox, place) & GRANT_LISTEN)
		ret = unlinkat(folder, name, 0) ? -errno : 0;
	free(place);
	return ret;
}

static int64_t remove_socket(struct sandbox *sandbox, const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX] = ".";
	struct found found;
	int ret;

	if (slash)
		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path) + 1, path);
	ret = find(sandbox, AT_FDCWD, folder, 0, &found);
	if (ret)
		return ret;
	ret = remove_in(sandbox, found.fd, slash ? slash + 1 : path);
	close(found.fd);
	if (ret == -EACCES)
		refuse(sandbox, "remove '%s'", path);
	return ret;
}

int64_t answer_unlink(struct sandbox *sandbox, const struct seccomp_notif *asked)
{
	char path[PATH_MAX];
	int ret = asker_read_path(sandbox, asked, asked->data.args[0], path);

	return ret ? ret : remove_socket(sandbox, path);
}

int64_t answer_unlinkat(struct sandbox *sandbox, const struct seccomp_notif *asked)
{
	char path[PATH_MAX];
	int ret = asker_read_path(sandbox, asked, asked->data.args[1], path);

	if (ret)
		return ret;
	if (*path == '/' || (int)asked->data.args[0] == AT_FDCWD)
		return remove_socket(sandbox, path);
	refuse(sandbox, "remove '%s'", path);
	return -EACCES;
}
