/* SPDX-License-Identifier: MIT */
/* The vfio-user devices of a command line, and the sockets that they name. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "doctor/doctor.h"

enum { PATH_MOST = sizeof(((struct sockaddr_un *)0)->sun_path) - 1 };
enum { TIMEOUT_DEFAULT = 5000, TIMEOUT_LEAST = 1000 }; /* ms */

static const char driver[] = "vfio-user-pci";

/* What QEMU takes, with this path. */
static char *right_form(const char *path)
{
	return text("-device '{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\","
		    "\"path\":\"%s\"}}'",
		    path ? path : "/tmp/device.sock");
}

/* What the kernel knows of sockets bound to the path. */
struct bound {
	bool listening, connected;
};

static struct bound look_up(const char *path)
{
	FILE *table = fopen("/proc/net/unix", "re");
	struct bound bound = { 0 };
	char line[512], name[256];
	unsigned flags, state;

	while (table && fgets(line, sizeof(line), table)) {
		if (sscanf(line, "%*s %*s %*s %x %*s %x %*s %255[^\n]", &flags, &state, name) !=
			    3 ||
		    strcmp(name, path))
			continue;
		bound.listening |= flags >> 16 & 1;
		bound.connected |= state == 3;
	}
	if (table)
		fclose(table);
	return bound;
}

/* For one that was bound by another name, or elsewhere: the error of a connection, or 0. */
static int try_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error = 0;

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
		error = errno;
	if (fd >= 0)
		close(fd);
	return error;
}

static void check_served(struct report *report, const char *path)
{
	struct bound bound = look_up(path);
	int error = bound.listening ? 0 : try_connect(path);

	if (error == ECONNREFUSED)
		report_problem(
			report, path,
			"nobody serves it: the server has ended; mend: riser serve DEVICE "
			"--socket %s",
			path);
	else if (error && error != EAGAIN)
		report_problem(report, path, "cannot be connected to: %s", strerror(error));
	else if (bound.connected)
		report_warning(report, path,
			       "a client is connected already, and a device has one at a time; "
			       "end that VM first, or serve another device");
	else
		report_ok(path, "is served");
}

static void check_socket(struct report *report, const char *path)
{
	struct stat st;

	if (strlen(path) > PATH_MOST)
		report_problem(
			report, path,
			"has %zu characters, and a socket's path at most %d; mend: put it "
			"into /tmp",
			strlen(path), PATH_MOST);
	else if (stat(path, &st) && errno == ENOENT)
		report_problem(report, path,
			       "not there: a device has to be served before QEMU starts; mend: "
			       "riser serve DEVICE --socket %s",
			       path);
	else if (stat(path, &st))
		report_problem(report, path, "cannot be looked at: %s", strerror(errno));
	else if (!S_ISSOCK(st.st_mode))
		report_problem(report, path, "is no socket; mend: name another path");
	else if (access(path, R_OK | W_OK))
		report_problem(report, path,
			       "belongs to user %u and is not open to you, user %u; mend: run "
			       "both as the same user",
			       (unsigned)st.st_uid, (unsigned)geteuid());
	else
		check_served(report, path);
}

/* The path, or NULL: QEMU does not take it, which was reported. */
static const char *check_form(struct report *report, struct json_object *device, bool json)
{
	const char *path = object_word(device, "socket.path");
	char *right = right_form(path);
	struct json_object *socket;
	const char *type;

	if (!json) {
		report_problem(report, driver,
			       "QEMU takes 'socket' in JSON only, not as %s; mend: %s",
			       path ? "dotted keys" : "words", right);
		path = NULL;
	} else if (!json_object_object_get_ex(device, "socket", &socket)) {
		report_problem(report, driver, "names no socket; mend: %s", right);
	} else if (!json_object_is_type(socket, json_type_object)) {
		report_problem(report, driver, "its 'socket' is no object; mend: %s", right);
	} else {
		type = object_word(socket, "type");
		path = object_word(socket, "path");
		if (!type || strcmp(type, "unix") != 0) {
			report_problem(report, driver,
				       "its socket is of type '%s', and QEMU takes 'unix' only",
				       type ? type : "");
			path = NULL;
		} else if (!path) {
			report_problem(report, driver, "its socket has no path; mend: %s",
				       right);
		}
	}
	free(right);
	return path;
}

static void check_settings(struct report *report, struct json_object *device)
{
	const char *word = object_word(device, "x-msg-timeout");
	long timeout = word ? atol(word) : TIMEOUT_DEFAULT;

	if (timeout < TIMEOUT_LEAST)
		report_warning(report, "x-msg-timeout",
			       "%ld ms: an answer that comes later ends the device for good; "
			       "mend: leave it at %d, or more for a device that is debugged",
			       timeout, TIMEOUT_DEFAULT);
	else if (timeout != TIMEOUT_DEFAULT)
		report_ok("x-msg-timeout", "%ld ms", timeout);
	if (object_switch(device, "x-no-posted-writes") == 1)
		report_warning(
			report, "x-no-posted-writes",
			"every write to a register waits for its answer: slow; mend: leave "
			"it out unless you look for an ordering mistake");
	if (object_switch(device, "x-send-queued") == 1)
		report_warning(report, "x-send-queued",
			       "writes of several CPUs are held back and sent together; mend: "
			       "leave it out unless you measure that");
}

static void check_twice(struct report *report, struct json_object *seen, const char *path)
{
	if (json_object_object_get_ex(seen, path, NULL))
		report_problem(report, path,
			       "two devices name it, and a server has one client; mend: serve "
			       "another device at a path of its own");
	json_object_object_add(seen, path, NULL);
}

/* Something that was meant to be one. */
static void check_name(struct report *report, const char *name)
{
	const char *words[] = { driver, NULL };

	if (name && strcmp(name, driver) != 0 &&
	    (nearest(name, words) || !strncmp(name, "vfio-user", strlen("vfio-user")) ||
	     !strncmp(name, "vfio_user", strlen("vfio_user"))))
		report_problem(report, name, "QEMU has no such device; mend: %s", driver);
}

/* Whether it is one of ours. */
static bool check_device(struct report *report, const char *value, struct json_object *seen)
{
	const char *why, *name, *path;
	struct json_object *device = line_object(value, "driver", &why);
	bool ours;

	if (!device) {
		report_problem(report, "-device",
			       "'%.40s…' is no JSON: %s; mend: mind the shell, and put single "
			       "quotes around it",
			       value, why);
		return strstr(value, "vfio-user") != NULL;
	}
	name = object_word(device, "driver");
	ours = name && !strcmp(name, driver);
	check_name(report, name);
	if (ours) {
		path = check_form(report, device, *value == '{');
		check_settings(report, device);
		if (path) {
			check_twice(report, seen, path);
			check_socket(report, path);
		}
	}
	json_object_put(device);
	return ours;
}

void check_line_devices(struct report *report, const struct line *line)
{
	struct json_object *seen = json_object_new_object();
	unsigned count = 0;

	for (size_t i = 0; i < line->count; i++) {
		if (!strcmp(line->options[i].name, "device"))
			count += check_device(report, line->options[i].value, seen);
	}
	if (!count) {
		char *right = right_form(NULL);

		report_warning(report, driver, "the command line has no such device; mend: %s",
			       right);
		free(right);
	}
	json_object_put(seen);
}
