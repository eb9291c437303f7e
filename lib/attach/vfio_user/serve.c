/* SPDX-License-Identifier: MIT */
/* Serving one device until a signal ends it. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "core/error.h"
#include "core/loop.h"

/* How long a device may take to end once it is told to, a slow disk's included. */
enum { ENDING_MS = 10000 };

/*
 * The signals that end it are read from a descriptor: no handler is installed. A thread looks
 * at it too, for a device whose callback does not return.
 */
struct ending {
	struct riser__source source;
	struct riser_loop *loop;
	sigset_t before;
	pthread_t thread;
	int ended; /* an eventfd */
};

static bool becomes_readable(int fd, int milliseconds)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	int ret;

	do {
		ret = poll(&poll_fd, 1, milliseconds);
	} while (ret < 0 && errno == EINTR);
	return ret == 1;
}

static void *end_at_last(void *arg)
{
	const struct ending *ending = arg;
	struct pollfd fds[] = { { .fd = ending->source.fd, .events = POLLIN },
				{ .fd = ending->ended, .events = POLLIN } };

	while (poll(fds, 2, -1) < 0 && errno == EINTR)
		continue;
	if (!becomes_readable(ending->ended, ENDING_MS)) {
		fprintf(stderr, "the device does not return from what it does: it is ended\n");
		_exit(EXIT_FAILURE);
	}
	return NULL;
}

static int ending_start_thread(struct ending *ending)
{
	sigset_t all, before;
	int ret;

	ending->ended = eventfd(0, EFD_CLOEXEC);
	if (ending->ended < 0)
		return -errno;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = -pthread_create(&ending->thread, NULL, end_at_last, ending);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (ret)
		close(ending->ended);
	return ret;
}

static void ending_signalled(struct riser__source *source, uint32_t events)
{
	struct ending *ending =
		(struct ending *)((char *)source - offsetof(struct ending, source));

	(void)events;
	riser_loop_stop(ending->loop);
}

static int ending_open(struct ending *ending, struct riser_loop *loop,
		       struct riser_error *error)
{
	sigset_t wanted;
	int ret;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGHUP);
	ending->loop = loop;
	ending->source = (struct riser__source){ .patient = true, .ready = ending_signalled };
	ending->source.fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	if (ending->source.fd < 0)
		return riser__fail(error, -errno, "cannot wait for signals: %s",
				   strerror(errno));
	ret = riser__loop_add(loop, &ending->source, EPOLLIN);
	if (!ret) {
		ret = ending_start_thread(ending);
		if (ret)
			riser__loop_remove(loop, &ending->source);
	}
	if (ret) {
		close(ending->source.fd);
		return riser__fail(error, ret, "cannot wait for signals: %s", strerror(-ret));
	}
	pthread_sigmask(SIG_BLOCK, &wanted, &ending->before);
	return 0;
}

/* Takes the signal that ended it: restoring the mask would deliver it. */
static void ending_close(struct ending *ending)
{
	struct signalfd_siginfo info;

	eventfd_write(ending->ended, 1);
	pthread_join(ending->thread, NULL);
	close(ending->ended);
	while (read(ending->source.fd, &info, sizeof(info)) > 0)
		continue;
	riser__loop_remove(ending->loop, &ending->source);
	close(ending->source.fd);
	pthread_sigmask(SIG_SETMASK, &ending->before, NULL);
}

/* systemd's protocol, sd_listen_fds(3): one socket, as descriptor 3. Or -1. */
static int inherited_socket(void)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	bool ours = pid && count && atol(pid) == (long)getpid() && atoi(count) == 1;

	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return ours ? 3 : -1;
}

static void print_arguments(const char *socket)
{
	char real[PATH_MAX];

	printf("Serving on %s. For the VM, with any size of memory:\n"
	       "  -object memory-backend-memfd,id=ram,size=1G,share=on -m 1G \\\n"
	       "  -machine q35,memory-backend=ram \\\n"
	       "  -device '{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\","
	       "\"path\":\"%s\"}}'\n",
	       socket, realpath(socket, real) ? real : socket);
}

static int serve_run(struct riser_loop *loop, struct riser_model *model,
		     const struct riser_server_config *config, struct riser_error *error)
{
	struct riser_server *server;
	int ret = riser_server_create(loop, model, config, &server, error);

	if (ret)
		return ret;
	if (config->socket_path)
		print_arguments(config->socket_path);
	else
		puts("ready");
	fflush(stdout);
	ret = riser_loop_run(loop);
	riser_server_destroy(server);
	return ret ? riser__fail(error, ret, "cannot wait: %s", strerror(-ret)) : 0;
}

int riser_serve(struct riser_model *model, const struct riser_server_config *config,
		struct riser_error *error)
{
	struct riser_server_config given = *config;
	struct riser_loop *loop;
	struct ending ending;
	int inherited = inherited_socket(), ret;

	given.socket_fd = inherited;
	if (!given.socket_path && inherited < 0)
		return riser__fail(error, -EDESTADDRREQ, "where? give --socket PATH");
	ret = riser_loop_create(&loop);
	if (ret)
		return riser__fail(error, ret, "cannot wait: %s", strerror(-ret));
	/* Before the socket is made, so that it is removed whenever a signal comes. */
	ret = ending_open(&ending, loop, error);
	if (!ret) {
		ret = serve_run(loop, model, &given, error);
		ending_close(&ending);
	}
	riser_loop_destroy(loop);
	return ret;
}
