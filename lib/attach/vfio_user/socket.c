/* SPDX-License-Identifier: MIT */
#include "attach/vfio_user/socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int fill(const char *path, struct sockaddr_un *address, struct riser_error *error)
{
	if (!*path || strlen(path) >= sizeof(address->sun_path))
		return riser__fail(
			error, -ENAMETOOLONG,
			"socket '%s': the path must have 1 to %zu bytes; use a shorter one",
			path, sizeof(address->sun_path) - 1);
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	strcpy(address->sun_path, path);
	return 0;
}

static int connect_to(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int ret;

	if (fd < 0)
		return -errno;
	if (!connect(fd, (const struct sockaddr *)address, sizeof(*address)))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

int vu_connect(const char *path, struct riser_error *error)
{
	struct sockaddr_un address;
	int ret = fill(path, &address, error);

	if (ret)
		return ret;
	ret = connect_to(&address);
	if (ret < 0)
		return riser__fail(error, ret, "cannot connect to socket '%s': %s", path,
				   strerror(-ret));
	return ret;
}

/* Removes a socket that nobody serves any more. */
static int clear_stale(const struct sockaddr_un *address, struct riser_error *error)
{
	const char *path = address->sun_path;
	struct stat st;
	int fd;

	if (lstat(path, &st))
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return riser__fail(
			error, -EEXIST,
			"socket '%s': there is a file of that name that is no socket", path);
	fd = connect_to(address);
	if (fd >= 0) {
		close(fd);
		return riser__fail(
			error, -EADDRINUSE,
			"socket '%s' is in use by another server; stop it or use another path",
			path);
	}
	if (fd == -ECONNREFUSED)
		unlink(path);
	return 0;
}

static int listen_at(int fd, const struct sockaddr_un *address)
{
	int ret = 0;

	/* Linux gives the file the mode of the socket: it never stands open to others. */
	if (fchmod(fd, 0600) || bind(fd, (const struct sockaddr *)address, sizeof(*address)))
		ret = -errno;
	if (!ret && listen(fd, 8)) {
		ret = -errno;
		unlink(address->sun_path);
	}
	return ret;
}

int vu_listen(const char *path, struct riser_error *error)
{
	struct sockaddr_un address;
	int fd, ret = fill(path, &address, error);

	if (!ret)
		ret = clear_stale(&address, error);
	if (ret)
		return ret;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ret = fd < 0 ? -errno : listen_at(fd, &address);
	if (!ret)
		return fd;
	if (fd >= 0)
		close(fd);
	return riser__fail(error, ret, "cannot listen on socket '%s': %s", path,
			   strerror(-ret));
}
