/* SPDX-License-Identifier: MIT */
/* Descriptors that run out, in whatever is done then; and ten thousand clients. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inject.h"
#include "session.h"

enum { ROUNDS = 10000, SETTLED = 1000, DESCRIPTORS = 40 };

static int lowest_free(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

/* Ours is the server's; a client's process has its own. */
static void limit_descriptors(rlim_t most)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = most < limit.rlim_max ? most : limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		die("setrlimit: %m");
}

static int client_process(struct stage *stage)
{
	struct outcome outcome;

	inject_be(CLIENT);
	limit_descriptors(RLIM_INFINITY);
	outcome = session_client(stage, false);
	if (outcome.ret && !outcome.text[0])
		return 2;
	return outcome.ret ? 1 : 0;
}

/* A client in a process of its own. */
static pid_t start_client(struct stage *stage)
{
	pid_t child = fork();

	if (!child)
		_exit(client_process(stage));
	if (child < 0)
		die("fork: %m");
	return child;
}

/* What it got: 0; 1: an error; 2: one without words. Or -1: it waits still. */
static int end_client(pid_t child, int flags)
{
	int status;
	pid_t ended = waitpid(child, &status, flags);

	if (!ended)
		return -1;
	if (ended != child)
		die("waitpid: %m");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}

/* One that is not even let in is served as soon as there are descriptors again. */
static int try_limited(struct stage *stage, rlim_t left)
{
	pid_t child;
	int got = -1;

	limit_descriptors((rlim_t)lowest_free() + left);
	child = start_client(stage);
	for (unsigned ms = 0; ms < 300 && got < 0; ms++) {
		usleep(1000);
		got = end_client(child, WNOHANG);
	}
	limit_descriptors(RLIM_INFINITY);
	return got < 0 ? end_client(child, 0) : got;
}

/*
 * What is held while a client is served: it is not before the one before it is forgotten.
 */
static struct holdings stay(struct stage *stage)
{
	struct riser_host_config config = { .size = sizeof(config), .memory = 1 << 20 };
	struct riser_error error;
	struct riser_host *host;
	struct holdings held;
	uint64_t value;

	if (riser_client_create(stage->path, &config, &host, &error))
		die("%s", error.text);
	if (riser_host_enable(host) || riser_host_read(host, 0, 0, 4, &value))
		die("%s", riser_host_error(host));
	held = inject_holdings();
	riser_host_destroy(host);
	return held;
}

static void run_out_of_descriptors(struct stage *stage)
{
	struct holdings before, after;
	unsigned refused = 0;

	stage_serve(stage);
	end_client(start_client(stage), 0);
	before = stay(stage);
	for (rlim_t left = 0; left < DESCRIPTORS; left++) {
		int got;

		alarm(1200);
		stage_forget_lines(stage);
		got = try_limited(stage, left);
		if (got > 1)
			die("%lu descriptors left: the client ends with %d",
			    (unsigned long)left, got);
		refused += got == 1;
		if (got && !stage_lines(stage))
			die("%lu descriptors left: nothing is logged", (unsigned long)left);
		if (end_client(start_client(stage), 0))
			die("%lu descriptors left: the next client fails", (unsigned long)left);
	}
	after = stay(stage);
	inject_compare(&before, &after, "out of descriptors");
	stage_stop(stage);
	if (!refused || refused == DESCRIPTORS)
		die("%u of %d clients ran out of descriptors", refused, DESCRIPTORS);
	printf("%u clients failed for want of descriptors, and %d others did not\n", refused,
	       2 * DESCRIPTORS - refused);
}

/* Comes and goes, with so many bytes of a message said. */
static void visit(struct stage *stage, size_t bytes)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	static const char message[64] = { 1, 0, 1, 0, 64 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, stage->path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)))
		die("connect: %m");
	if (bytes && send(fd, message, bytes, MSG_NOSIGNAL) < 0 && errno != EPIPE)
		die("send: %m");
	close(fd);
}

/* Pages that the process has in memory. */
static long resident(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long pages = 0;

	if (!file || fscanf(file, "%*d %ld", &pages) != 1)
		die("/proc/self/statm: %m");
	fclose(file);
	return pages;
}

static void come_and_go(struct stage *stage)
{
	struct holdings before = { 0 }, after;
	long pages = 0;

	stage_serve(stage);
	for (unsigned round = 0; round < ROUNDS; round++) {
		alarm(1200);
		if (round % 4)
			visit(stage, round % 65);
		else
			stay(stage);
		if (round == SETTLED) {
			before = stay(stage);
			pages = resident();
		}
	}
	after = stay(stage);
	inject_compare(&before, &after, "come and go");
	pages = resident() - pages;
	printf("%d clients have come and gone; %+ld pages since the %dth\n", ROUNDS, pages,
	       SETTLED);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	if (pages > 64)
		die("the process grows");
#endif
	stage_stop(stage);
}

int main(void)
{
	struct stage stage;

	inject_be(CLIENT);
	setvbuf(stdout, NULL, _IOLBF, 0);
	stage_begin(&stage);
	run_out_of_descriptors(&stage);
	come_and_go(&stage);
	stage_end(&stage);
	return 0;
}
