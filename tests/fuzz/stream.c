/* SPDX-License-Identifier: MIT */
/*
 * What comes in on the socket, from the first byte on, with descriptors. The input is records:
 * how many bytes go out in one send, whether a descriptor goes with them and which, the bytes.
 * A record may be a true VERSION message, so that what follows it is looked at.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"

enum { HELLO = 0xff, PATIENCE = 15000 };

static int some_descriptor(unsigned kind)
{
	int fd;

	if (kind == 1)
		return eventfd(0, EFD_NONBLOCK);
	fd = memfd_create("fuzz", 0);
	if (ftruncate(fd, 1 << 16))
		abort();
	return fd;
}

static void send_with(int to, const void *bytes, size_t length, unsigned kind)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)bytes, length };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fd = kind ? some_descriptor(kind) : -1;

	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		control.header =
			(struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	sendmsg(to, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (fd >= 0)
		close(fd);
}

/* Replies are not looked at, but may not stop the server either. */
static void drain(int fd)
{
	char bytes[4096];

	while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
}

static void feed(int fd, struct input *input)
{
	static const uint8_t hello[20] = { [2] = 1, [4] = sizeof(hello) };
	uint8_t bytes[255];

	while (input->left) {
		unsigned length = (unsigned)take(input, 1), kind;

		if (length == HELLO) {
			send_with(fd, hello, sizeof(hello), 0);
			continue;
		}
		kind = (unsigned)take(input, 1) % 3;
		for (unsigned i = 0; i < length; i++)
			bytes[i] = (uint8_t)take(input, 1);
		if (length)
			send_with(fd, bytes, length, kind);
		drain(fd);
	}
}

static void wait_for_end(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };
	char bytes[4096];
	int ready;

	shutdown(fd, SHUT_WR);
	/* The fuzzer's own alarm may interrupt it. */
	while ((ready = poll(&p, 1, PATIENCE)) > 0 || (ready < 0 && errno == EINTR)) {
		if (ready > 0 && recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) <= 0)
			return;
	}
	abort(); /* it hangs */
}

static void *run_loop(void *loop)
{
	riser_loop_run(loop);
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct riser_server_config config = { .size = sizeof(config), .log = fuzz_log };
	struct input input = { data, size };
	struct riser_model *model = fuzz_model((unsigned)take(&input, 1) % 4, false);
	struct riser_server *server;
	struct riser_error error;
	struct riser_loop *loop;
	pthread_t thread;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) ||
	    riser_loop_create(&loop))
		abort();
	config.socket_fd = ends[0];
	config.options = fuzz_options(model);
	if (riser_server_create(loop, model, &config, &server, &error))
		abort();
	pthread_create(&thread, NULL, run_loop, loop);
	feed(ends[1], &input);
	wait_for_end(ends[1]);
	riser_loop_stop(loop);
	pthread_join(thread, NULL);
	riser_server_destroy(server);
	riser_loop_destroy(loop);
	close(ends[1]);
	return 0;
}
