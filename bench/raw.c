/* SPDX-License-Identifier: MIT */
#include "raw.h"

#include <string.h>
#include <sys/socket.h>

void raw_send(int fd, const void *data, size_t size)
{
	if (send(fd, data, size, MSG_NOSIGNAL) != (ssize_t)size)
		die("the other end has gone");
}

void raw_receive(int fd, void *to, size_t size)
{
	if (recv(fd, to, size, MSG_WAITALL) != (ssize_t)size)
		die("the other end has gone");
}

void raw_send_fd(int fd, const void *data, size_t size, int passed)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)data, size };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };

	control.header = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA(&control.header), &passed, sizeof(passed));
	if (sendmsg(fd, &msg, MSG_NOSIGNAL) != (ssize_t)size)
		die("the other end has gone");
}

size_t raw_read_request(void *message)
{
	const struct {
		struct vu_header header;
		struct vu_region_access access;
	} request = { { .command = VU_REGION_READ, .size = sizeof(request) }, { .count = 4 } };

	memcpy(message, &request, sizeof(request));
	return sizeof(request);
}

void raw_read(int fd)
{
	uint8_t message[RAW_HEADER + RAW_ACCESS + 4];

	raw_send(fd, message, raw_read_request(message));
	raw_receive(fd, message, sizeof(message));
}

void raw_negotiate(int fd)
{
	struct {
		struct vu_header header;
		struct vu_version version;
	} hello = { { .command = VU_VERSION, .size = sizeof(hello) }, { 0, 0 } };

	raw_send(fd, &hello, sizeof(hello));
	raw_receive(fd, &hello, sizeof(hello));
}
