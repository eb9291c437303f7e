/* SPDX-License-Identifier: MIT */
/* A QEMU of our own: started with a monitor, called over it, and ended. */
#include "host/qmp.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/error.h"

/* The descriptors in the child, by the numbers that its command line has. */
enum { QMP_FD = 3, PATIENCE_SECONDS = 20 };

/* In the child, between fork and exec: nothing but system calls. */
static void child_become(char *const *arguments, int socket, int memory)
{
	int high = fcntl(socket, F_DUPFD, 10), memory_high = fcntl(memory, F_DUPFD, 10);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(high, QMP_FD);
	dup2(memory_high, QMP_MEMORY_FD);
	close(high);
	close(memory_high);
	execv(arguments[0], arguments);
	_exit(127);
}

/* Says how QEMU has ended, if it has. -ENOTCONN. */
static int qmp_gone(struct qmp *qmp, struct riser_error *error)
{
	int status;

	if (qmp->pid > 0 && waitpid(qmp->pid, &status, WNOHANG) == qmp->pid) {
		qmp->pid = 0;
		if (WIFSIGNALED(status))
			return riser__fail(error, -ENOTCONN,
					   "QEMU was killed by signal %d (%s)",
					   WTERMSIG(status), strsignal(WTERMSIG(status)));
		return riser__fail(error, -ENOTCONN, "QEMU ended with status %d",
				   WEXITSTATUS(status));
	}
	return riser__fail(error, -ENOTCONN, "QEMU does not answer");
}

/* The next JSON object from QEMU, which the caller puts. */
static int qmp_hear(struct qmp *qmp, struct json_object **said, struct riser_error *error)
{
	ssize_t n;

	*said = NULL;
	n = getline(&qmp->line, &qmp->line_size, qmp->file);
	if (n <= 0) {
		usleep(50000); /* the socket's end comes a little before the exit status */
		return qmp_gone(qmp, error);
	}
	*said = json_tokener_parse(qmp->line);
	if (!*said)
		return riser__fail(error, -EPROTO, "QEMU said what is no JSON");
	return 0;
}

/* -EPROTO, with the words of QEMU's error. */
static int qmp_refused(struct json_object *why, const char *command, struct riser_error *error)
{
	struct json_object *words;

	if (!json_object_object_get_ex(why, "desc", &words))
		return riser__fail(error, -EPROTO, "QEMU refused %s", command);
	return riser__fail(error, -EPROTO, "QEMU refused %s: %s", command,
			   json_object_get_string(words));
}

static void qmp_note(struct qmp *qmp, const char *event)
{
	if (qmp->awaited && !strcmp(event, qmp->awaited))
		qmp->awaited = NULL;
}

/* Receives until QEMU sends an object with the member `key`. */
static int hear_of(struct qmp *qmp, const char *key, const char *command,
		   struct json_object **member, struct riser_error *error)
{
	struct json_object *said, *found = NULL;
	int ret;

	do {
		ret = qmp_hear(qmp, &said, error);
		if (ret)
			return ret;
		if (json_object_object_get_ex(said, "error", &found))
			ret = qmp_refused(found, command, error);
		else if (json_object_object_get_ex(said, key, &found))
			*member = json_object_get(found);
		else if (json_object_object_get_ex(said, "event", &found))
			qmp_note(qmp, json_object_get_string(found));
		json_object_put(said);
	} while (!ret && !*member);
	return ret;
}

int riser__qmp_call(struct qmp *qmp, const char *command, struct json_object *arguments,
		    struct json_object **answer, struct riser_error *error)
{
	struct json_object *request = json_object_new_object(), *got = NULL;
	int ret;

	json_object_object_add(request, "execute", json_object_new_string(command));
	if (arguments)
		json_object_object_add(request, "arguments", arguments);
	fprintf(qmp->file, "%s\n", json_object_to_json_string_ext(request, 0));
	json_object_put(request);
	if (fflush(qmp->file))
		return qmp_gone(qmp, error);
	ret = hear_of(qmp, "return", command, &got, error);
	if (answer)
		*answer = got;
	else
		json_object_put(got);
	return ret;
}

int riser__qmp_call_until(struct qmp *qmp, const char *command, const char *event,
			  struct riser_error *error)
{
	struct json_object *name;
	int ret;

	qmp->awaited = event;
	ret = riser__qmp_call(qmp, command, NULL, NULL, error);
	while (!ret && qmp->awaited) {
		name = NULL;
		ret = hear_of(qmp, "event", command, &name, error);
		if (name)
			qmp_note(qmp, json_object_get_string(name));
		json_object_put(name);
	}
	return ret;
}

/* The arguments and those of a QMP monitor at descriptor QMP_FD; the array is malloc'ed. */
static char **with_monitor(char *const *arguments)
{
	static char *const monitor[] = { "-chardev", "socket,id=qmp,fd=3", "-mon",
					 "chardev=qmp,mode=control" };
	size_t count = 0;
	char **all;

	while (arguments[count])
		count++;
	all = calloc(count + 5, sizeof(*all));
	if (!all)
		return NULL;
	memcpy(all, arguments, count * sizeof(*all));
	memcpy(all + count, monitor, sizeof(monitor));
	return all;
}

/* Starts QEMU with one end of a socket pair as its monitor, and keeps the other end. */
static int qmp_start(struct qmp *qmp, char *const *arguments, int memory_fd,
		     struct riser_error *error)
{
	const struct timeval patience = { .tv_sec = PATIENCE_SECONDS };
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return riser__fail(error, -errno, "no socket pair: %s", strerror(errno));
	setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	qmp->pid = fork();
	if (!qmp->pid)
		child_become(arguments, ends[1], memory_fd);
	close(ends[1]);
	qmp->file = fdopen(ends[0], "r+");
	if (!qmp->file)
		close(ends[0]);
	if (qmp->pid < 0 || !qmp->file)
		return riser__fail(error, -errno, "cannot start %s: %s", arguments[0],
				   strerror(errno));
	return 0;
}

int riser__qmp_start(struct qmp *qmp, char *const *arguments, int memory_fd,
		     struct riser_error *error)
{
	char **all = with_monitor(arguments);
	struct json_object *greeting = NULL;
	int ret = all ? qmp_start(qmp, all, memory_fd, error) : -ENOMEM;

	free(all);
	if (!ret)
		ret = hear_of(qmp, "QMP", "its greeting", &greeting, error);
	json_object_put(greeting);
	return ret ? ret : riser__qmp_call(qmp, "qmp_capabilities", NULL, NULL, error);
}

void riser__qmp_end(struct qmp *qmp)
{
	if (qmp->pid > 0) {
		kill(qmp->pid, SIGKILL);
		waitpid(qmp->pid, NULL, 0);
	}
	if (qmp->file)
		fclose(qmp->file);
	free(qmp->line);
}
