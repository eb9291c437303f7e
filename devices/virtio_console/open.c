/* SPDX-License-Identifier: MIT-0 */
/* What a port can be connected to. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "console.h"

/* ---- One function a kind: 0, or the errno ---- */

static int open_nothing(struct port *port, const char *path)
{
	(void)path;
	port->end.open = true;
	return 0;
}

static int open_log(struct port *port, const char *path)
{
	port->end.log = true;
	return open_nothing(port, path);
}

/* What the guest writes comes back. */
static int open_loop(struct port *port, const char *path)
{
	int ends[2];

	(void)path;
	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC))
		return errno;
	port->end.in = ends[0];
	port->end.out = ends[1];
	port->end.open = true;
	return 0;
}

/* Opened anew, so that whoever shares it is not made non-blocking too. */
static int own(int fd, int flags)
{
	char path[32];
	int mine;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	mine = open(path, flags | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	return mine >= 0 ? mine : fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

static void make_raw(struct end *end)
{
	struct termios mode;

	if (tcgetattr(end->in, &end->terminal))
		return;
	mode = end->terminal;
	cfmakeraw(&mode);
	mode.c_oflag |= OPOST;
	mode.c_lflag |= ISIG; /* Ctrl-C is the tool's */
	end->terminal_changed = !tcsetattr(end->in, TCSANOW, &mode);
}

static int open_stdio(struct port *port, const char *path)
{
	(void)path;
	port->end.in = own(STDIN_FILENO, O_RDONLY);
	port->end.out = own(STDOUT_FILENO, O_WRONLY);
	port->end.open = true;
	if (port->end.in < 0 || port->end.out < 0)
		return errno;
	make_raw(&port->end);
	return 0;
}

static int open_pty(struct port *port, const char *path)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	struct termios mode;
	char name[64];
	int slave;

	(void)path;
	port->end.in = fd;
	if (fd < 0 || grantpt(fd) || unlockpt(fd) || ptsname_r(fd, name, sizeof(name)))
		return errno;
	slave = ioctl(fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0 || tcgetattr(slave, &mode))
		return errno;
	cfmakeraw(&mode);
	tcsetattr(slave, TCSANOW, &mode);
	close(slave);
	port->end.out = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	port->end.pty = true;
	riser_log(port->dev, RISER_INFO, "%s is at %s",
		  port->name[0] ? port->name : "the console", name);
	return port->end.out < 0 ? errno : 0;
}

static int open_file(struct port *port, const char *path)
{
	port->end.out = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	port->end.open = true;
	return port->end.out < 0 ? errno : 0;
}

/* Both ways are opened for both, so that neither end waits for the other. */
static int open_fifo(const char *path, const char *suffix)
{
	char full[512];
	struct stat st;
	int fd;

	if (snprintf(full, sizeof(full), "%s%s", path, suffix) >= (int)sizeof(full)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open(full, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && (fstat(fd, &st) || !S_ISFIFO(st.st_mode))) {
		close(fd);
		errno = ESPIPE;
		return -1;
	}
	return fd;
}

static int open_pipe(struct port *port, const char *path)
{
	port->end.in = open_fifo(path, ".in");
	if (port->end.in < 0)
		return errno;
	port->end.out = open_fifo(path, ".out");
	port->end.open = true;
	return port->end.out < 0 ? errno : 0;
}

static int open_socket(const char *path, struct sockaddr_un *address)
{
	address->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(address->sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address->sun_path, path);
	return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static int open_unix(struct port *port, const char *path)
{
	struct sockaddr_un address = { 0 };
	int fd = open_socket(path, &address);

	port->end.in = fd;
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return errno;
	if (!end_is_own(port, fd))
		return EACCES;
	port->end.out = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	port->end.socket = port->end.open = true;
	return port->end.out < 0 ? errno : 0;
}

static int open_listen(struct port *port, const char *path)
{
	struct sockaddr_un address = { 0 };
	int fd = open_socket(path, &address);

	port->end.listener = fd;
	if (fd < 0 || fchmod(fd, 0600) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return errno;
	port->end.unlink = path;
	if (listen(fd, 4))
		return errno;
	end_listen(port);
	return 0;
}

/* ---- Which ---- */

static const struct kind {
	const char *name; /* with ':' if a path follows */
	int (*open)(struct port *port, const char *path);
} kinds[] = {
	{ "log", open_log },	  { "stdio", open_stdio }, { "pty", open_pty },
	{ "null", open_nothing }, { "loop", open_loop },   { "file:", open_file },
	{ "pipe:", open_pipe },	  { "unix:", open_unix },  { "listen:", open_listen },
};

static const struct kind *find_kind(const char *where, const char **path)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		size_t length = strlen(kinds[i].name);
		bool takes_path = kinds[i].name[length - 1] == ':';

		*path = where + length;
		if (takes_path ? !strncmp(where, kinds[i].name, length) && **path
			       : !strcmp(where, kinds[i].name))
			return &kinds[i];
	}
	return NULL;
}

int end_open(struct port *port, const char *option, const char *where)
{
	const struct kind *kind;
	const char *path;
	int error;

	port->end.in = port->end.out = port->end.listener = -1;
	kind = find_kind(where, &path);
	if (!kind)
		return riser_fail(port->dev, -EINVAL,
				  "option '%s': '%s' is none of log, stdio, pty, null, loop, "
				  "file:PATH, pipe:PATH, unix:PATH, listen:PATH",
				  option, where);
	error = kind->open(port, path);
	if (!error) {
		port->exists = true;
		return 0;
	}
	end_close(port);
	if (error == EADDRINUSE)
		return riser_fail(port->dev, -error,
				  "option '%s': %s is there already; remove it or name another",
				  option, path);
	return riser_fail(port->dev, -error, "option '%s': cannot open %s: %s", option, where,
			  strerror(error));
}

void end_close(struct port *port)
{
	struct end *end = &port->end;

	riser_watch_destroy(end->readable);
	riser_watch_destroy(end->writable);
	riser_watch_destroy(end->arriving);
	if (end->terminal_changed)
		tcsetattr(end->in, TCSANOW, &end->terminal);
	if (end->unlink)
		unlink(end->unlink);
	if (end->in >= 0)
		close(end->in);
	if (end->out >= 0)
		close(end->out);
	if (end->listener >= 0)
		close(end->listener);
	memset(end, 0, sizeof(*end));
}
