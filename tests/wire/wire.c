/* SPDX-License-Identifier: MIT */
#include "wire.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

const char wire_capabilities[] =
	"{\"capabilities\":{\"migration\":{\"pgsize\":4096,\"max_bitmap_size\":268435456},"
	"\"max_msg_fds\":16,\"max_data_xfer_size\":1048576,\"pgsizes\":4096,"
	"\"max_dma_maps\":65535,\"write_multiple\":true}}";

static atomic_uint servers; /* ever; names their sockets */

static void log_line(void *arg, enum riser_log_level level, const char *device,
		     const char *line)
{
	struct wire *w = arg;

	if (getenv("WIRE_LOG"))
		fprintf(stderr, "%d %s: %s\n", (int)level, device, line);
	if (level <= RISER_WARN)
		atomic_fetch_add(&w->lines, 1);
	if (level == RISER_ERROR)
		atomic_fetch_add(&w->errors, 1);
}

static void *serve(void *arg)
{
	struct wire *w = arg;

	return (void *)(intptr_t)riser_loop_run(w->loop);
}

int wire_setup_unconnected(void **state)
{
	struct riser_export exported = { RISER_ABI, RISER_PCI, &wire_device };
	struct wire *w = calloc(1, sizeof(*w));
	struct riser_server_config config = { .size = sizeof(config),
					      .log = log_line,
					      .log_arg = w };
	struct riser_error error = { "" };

	assert_non_null(w);
	*state = w;
	w->fd = -1;
	snprintf(w->path, sizeof(w->path), "/tmp/riser-wire-%d-%u.sock", (int)getpid(),
		 atomic_fetch_add(&servers, 1));
	config.socket_path = w->path;
	config.trace = getenv("WIRE_LOG") != NULL;
	config.poll = getenv("WIRE_POLL") != NULL;
	assert_int_equal(riser_loop_create(&w->loop), 0);
	if (riser_model_from_export(exported, &w->model, &error) ||
	    riser_server_create(w->loop, w->model, &config, &w->server, &error))
		fail_msg("%s", error.text);
	assert_int_equal(pthread_create(&w->thread, NULL, serve, w), 0);
	return 0;
}

int wire_setup(void **state)
{
	wire_setup_unconnected(state);
	wire_reconnect(*state);
	return 0;
}

int wire_teardown(void **state)
{
	struct wire *w = *state;
	void *ret;

	if (w->fd >= 0)
		close(w->fd);
	riser_loop_stop(w->loop);
	pthread_join(w->thread, &ret);
	assert_null(ret);
	riser_server_destroy(w->server);
	riser_model_close(w->model);
	riser_loop_destroy(w->loop);
	assert_int_equal(access(w->path, F_OK), -1);
	free(w);
	return 0;
}

int wire_connect(const struct wire *w)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = 600 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	strcpy(address.sun_path, w->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return fd;
}

void wire_negotiate(struct wire *w)
{
	uint8_t payload[4 + sizeof(wire_capabilities)] = { 0 };

	memcpy(payload + 4, wire_capabilities, sizeof(wire_capabilities));
	assert_int_equal(wire_call(w, WIRE_VERSION, payload, sizeof(payload)), 0);
}

void wire_reconnect(struct wire *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = wire_connect(w);
	wire_negotiate(w);
}

void wire_send_bytes(int fd, const void *data, size_t size)
{
	while (size) {
		ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);

		if (sent < 0 && errno == EPIPE)
			return; /* the test sees it when it reads */
		assert_true(sent > 0);
		data = (const char *)data + sent;
		size -= (size_t)sent;
	}
}

void wire_send_fds(int fd, const void *data, size_t size, const int *fds, unsigned count)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(64 * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)data, size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	assert_true(count <= 64);
	if (count) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
	}
	assert_int_equal(sendmsg(fd, &msg, MSG_NOSIGNAL), size);
}

static uint16_t send_message(struct wire *w, unsigned command, unsigned flags,
			     const void *payload, size_t size, const int *fds, unsigned count)
{
	uint8_t *message = malloc(sizeof(struct wire_header) + size);
	struct wire_header header = { ++w->id, (uint16_t)command,
				      (uint32_t)(sizeof(header) + size), flags, 0 };

	assert_non_null(message);
	memcpy(message, &header, sizeof(header));
	if (size)
		memcpy(message + sizeof(header), payload, size);
	if (count)
		wire_send_fds(w->fd, message, sizeof(header) + size, fds, count);
	else
		wire_send_bytes(w->fd, message, sizeof(header) + size);
	free(message);
	return w->id;
}

uint16_t wire_send(struct wire *w, unsigned command, unsigned flags, const void *payload,
		   size_t size)
{
	return send_message(w, command, flags, payload, size, NULL, 0);
}

static bool receive_bytes(struct wire *w, void *to, size_t size)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(8 * sizeof(int))];
	} control;

	while (size) {
		struct iovec iov = { to, size };
		struct msghdr msg = { .msg_iov = &iov,
				      .msg_iovlen = 1,
				      .msg_control = &control,
				      .msg_controllen = sizeof(control) };
		ssize_t got = recvmsg(w->fd, &msg, MSG_CMSG_CLOEXEC);
		struct cmsghdr *c = got > 0 ? CMSG_FIRSTHDR(&msg) : NULL;

		if (got < 0 && errno != ECONNRESET)
			fail_msg("no answer: %s", strerror(errno));
		if (got <= 0)
			return false;
		if (c) {
			w->in.fd_count += (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
			memcpy(&w->in.fd, CMSG_DATA(c), sizeof(int));
		}
		to = (char *)to + got;
		size -= (size_t)got;
	}
	return true;
}

bool wire_receive(struct wire *w)
{
	w->in.fd = -1;
	w->in.fd_count = 0;
	if (!receive_bytes(w, &w->in.header, sizeof(w->in.header)))
		return false;
	assert_in_range(w->in.header.size, sizeof(w->in.header), WIRE_PAYLOAD);
	w->in.size = w->in.header.size - sizeof(w->in.header);
	return receive_bytes(w, w->in.payload, w->in.size);
}

int wire_call_fds(struct wire *w, unsigned command, const void *payload, size_t size,
		  const int *fds, unsigned count)
{
	uint16_t id = send_message(w, command, 0, payload, size, fds, count);

	if (!wire_receive(w))
		return -1;
	assert_int_equal(w->in.header.id, id);
	assert_int_equal(w->in.header.command, command);
	if (w->in.header.flags & WIRE_ERROR) {
		assert_int_equal(w->in.header.flags, WIRE_REPLY | WIRE_ERROR);
		assert_int_equal(w->in.size, 0);
		assert_int_not_equal(w->in.header.error, 0);
		return (int)w->in.header.error;
	}
	assert_int_equal(w->in.header.flags, WIRE_REPLY);
	assert_int_equal(w->in.header.error, 0);
	return 0;
}

int wire_call(struct wire *w, unsigned command, const void *payload, size_t size)
{
	return wire_call_fds(w, command, payload, size, NULL, 0);
}

uint64_t wire_read(struct wire *w, unsigned region, uint64_t offset, unsigned size)
{
	struct wire_access access = { offset, region, size, { 0 } };
	uint64_t value = 0;

	assert_int_equal(wire_call(w, WIRE_READ, &access, 16), 0);
	assert_int_equal(w->in.size, 16 + size);
	assert_memory_equal(w->in.payload, &access, 16);
	memcpy(&value, w->in.payload + 16, size);
	return value;
}

void wire_write(struct wire *w, unsigned region, uint64_t offset, unsigned size, uint64_t value)
{
	struct wire_access access = { offset, region, size, { 0 } };

	memcpy(access.data, &value, size);
	assert_int_equal(wire_call(w, WIRE_WRITE, &access, 16 + size), 0);
	assert_int_equal(w->in.size, 16);
	assert_memory_equal(w->in.payload, &access, 16);
}

int wire_map(struct wire *w, uint64_t address, uint64_t size, unsigned flags, int fd,
	     uint64_t offset)
{
	struct wire_map map = { sizeof(map), flags, offset, address, size };

	return wire_call_fds(w, WIRE_DMA_MAP, &map, sizeof(map), &fd, fd >= 0);
}

int wire_set_irqs(struct wire *w, uint32_t flags, uint32_t index, uint32_t start,
		  uint32_t count, const int *fds, unsigned fd_count)
{
	struct wire_irqs irqs = { 20, flags, index, start, count, { 0 } };

	return wire_call_fds(w, WIRE_SET_IRQS, &irqs, 20, fds, fd_count);
}

int wire_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	assert_true(fd >= 0);
	return fd;
}

uint64_t wire_signals(int fd)
{
	uint64_t count = 0;

	return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

bool wire_wait(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

unsigned wire_count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

void wire_expect_fds(unsigned count)
{
	for (int i = 0; i < 600000 && wire_count_fds() != count; i++)
		usleep(1000);
	assert_int_equal(wire_count_fds(), count);
}
