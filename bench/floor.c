/* SPDX-License-Identifier: MIT */
#include "floor.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 64 << 10 };

struct floor {
	pthread_t thread;
	int fd;
	size_t request, reply;
	bool spin;
};

static void *answer(void *opaque)
{
	const struct floor *floor = opaque;
	static _Thread_local char in[BUFFER], out[BUFFER];
	int flags = floor->spin ? MSG_DONTWAIT : 0;
	size_t have = 0;

	for (;;) {
		ssize_t n = recv(floor->fd, in, sizeof(in), flags);
		size_t size;

		if (n < 0 && errno == EAGAIN)
			continue;
		if (n <= 0)
			return NULL;
		have += (size_t)n;
		size = have / floor->request * floor->reply;
		have %= floor->request;
		if (size && send(floor->fd, out, size, MSG_NOSIGNAL) != (ssize_t)size)
			return NULL;
	}
}

struct floor *floor_start(size_t request, size_t reply, bool spin, int *fd)
{
	struct floor *floor = calloc(1, sizeof(*floor));
	int ends[2];

	if (!floor || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
		perror("bench");
		exit(1);
	}
	*floor = (struct floor){
		.fd = ends[0], .request = request, .reply = reply, .spin = spin
	};
	*fd = ends[1];
	pthread_create(&floor->thread, NULL, answer, floor);
	return floor;
}

void floor_stop(struct floor *floor)
{
	shutdown(floor->fd, SHUT_RDWR);
	pthread_join(floor->thread, NULL);
	close(floor->fd);
	free(floor);
}
