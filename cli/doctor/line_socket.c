/* SPDX-License-Identifier: MIT */
/* The sockets that a command line's devices name, and who is behind them. */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "doctor/doctor.h"
#include "inspect/inspect.h"

enum { PATH_MOST = sizeof(((struct sockaddr_un *)0)->sun_path) - 1 };

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

/* Whether a `riser serve` of this host says that it serves it: other servers may end with a
 * client. */
static bool is_ours(const char *path)
{
	glob_t found = { 0 };
	bool ours = false;

	glob("/proc/[0-9]*/cmdline", 0, NULL, &found);
	for (size_t i = 0; i < found.gl_pathc && !ours; i++) {
		char words[4096] = "";
		FILE *file = fopen(found.gl_pathv[i], "re");
		size_t size = file ? fread(words, 1, sizeof(words) - 1, file) : 0;
		const char *name = strrchr(words, '/'), *end = words + size;
		bool serves = !strcmp(name ? name + 1 : words, "riser");

		for (const char *word = words; serves && word < end; word += strlen(word) + 1)
			ours |= !strcmp(word, path);
		if (file)
			fclose(file);
	}
	globfree(&found);
	return ours;
}

struct behind {
	struct report *report;
	const char *path;
};

static void report_note(void *arg, const char *words)
{
	const struct behind *behind = arg;

	report_warning(behind->report, behind->path, "%s", words);
}

/* What QEMU's client will do slowly with the device that is there, or not at all. */
static void check_behind(struct report *report, const char *path)
{
	const struct session_target target = { .socket = path };
	struct behind behind = { report, path };
	struct session session;

	if (!session_open(&session, &target, false))
		return;
	notes_each(&session, report_note, &behind);
	session_close(&session);
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
	if (!error && !bound.connected && is_ours(path))
		check_behind(report, path);
}

void check_socket(struct report *report, const char *path)
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
