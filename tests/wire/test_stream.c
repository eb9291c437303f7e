/* SPDX-License-Identifier: MIT */
/* Messages cut anywhere, connections lost anywhere, descriptors that must not leak. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire.h"

static size_t put(uint8_t *to, uint16_t id, uint16_t command, const void *payload, size_t size)
{
	struct wire_header header = { id, command, (uint32_t)(sizeof(header) + size), 0, 0 };

	memcpy(to, &header, sizeof(header));
	if (size)
		memcpy(to + sizeof(header), payload, size);
	return sizeof(header) + size;
}

/* A session from the first byte on: VERSION, a write, two reads. */
static size_t put_session(uint8_t *to)
{
	struct wire_access access = { DEV_SCRATCH, 0, 4, { 1, 2, 3, 4 } };
	uint8_t version[4 + 512] = { 0 };
	size_t size = strlen(wire_capabilities) + 1, at;

	memcpy(version + 4, wire_capabilities, size);
	at = put(to, 1, WIRE_VERSION, version, 4 + size);
	at += put(to + at, 2, WIRE_WRITE, &access, 20);
	at += put(to + at, 3, WIRE_READ, &access, 16);
	access.region = WIRE_CONFIG;
	at += put(to + at, 4, WIRE_READ, &access, 16);
	return at;
}

static void expect_session(struct wire *w)
{
	for (unsigned id = 1; id <= 4; id++) {
		assert_true(wire_receive(w));
		assert_int_equal(w->in.header.id, id);
		assert_int_equal(w->in.header.flags, WIRE_REPLY);
	}
}

static void test_byte_at_a_time(void **state)
{
	struct wire *w = *state;
	uint8_t bytes[1024];
	size_t size = put_session(bytes);

	w->fd = wire_connect(w);
	for (size_t i = 0; i < size; i++) {
		wire_send_bytes(w->fd, bytes + i, 1);
		if (i % 7 == 0)
			usleep(300); /* and so received alone */
	}
	expect_session(w);
}

static void test_cut_anywhere(void **state)
{
	struct wire *w = *state;
	uint8_t bytes[1024];
	size_t size = put_session(bytes);

	for (size_t cut = 1; cut < size; cut++) {
		w->fd = wire_connect(w);
		wire_send_bytes(w->fd, bytes, cut);
		if (cut % 5 == 0)
			usleep(200);
		wire_send_bytes(w->fd, bytes + cut, size - cut);
		expect_session(w);
		close(w->fd);
		w->fd = -1;
	}
}

/* The client goes at every byte of the stream; the next one is served, nothing is left open. */
static void test_gone_at_every_byte(void **state)
{
	struct wire *w = *state;
	uint8_t bytes[1024];
	size_t size = put_session(bytes);
	unsigned fds = wire_count_fds();

	for (size_t cut = 0; cut <= size; cut++) {
		int fd = wire_connect(w);

		wire_send_bytes(fd, bytes, cut);
		if (cut % 2)
			shutdown(fd, SHUT_WR);
		close(fd);
	}
	wire_reconnect(w);
	assert_int_equal(wire_read(w, 0, DEV_SCRATCH, 4), 0);
	close(w->fd);
	w->fd = -1;
	wire_expect_fds(fds);
}

/* The same in the middle of a message that brings descriptors. */
static void test_gone_with_fds(void **state)
{
	struct wire_irqs irqs = { 20, 4 | 32, 2, 0, 4, { 0 } };
	struct wire *w = *state;
	unsigned fds = wire_count_fds();
	uint8_t bytes[64];
	size_t size = put(bytes, 9, WIRE_SET_IRQS, &irqs, 20);

	for (size_t cut = 1; cut <= size; cut++) {
		int eventfds[4];

		wire_reconnect(w);
		for (unsigned i = 0; i < 4; i++)
			eventfds[i] = wire_eventfd();
		wire_send_fds(w->fd, bytes, cut, eventfds, 4);
		for (unsigned i = 0; i < 4; i++)
			close(eventfds[i]);
		close(w->fd);
		w->fd = -1;
	}
	wire_expect_fds(fds);
}

/*
 * Pipelined maps, with and without memory behind them: each message has its own descriptor,
 * though one receive may bring several and descriptors only with the last.
 */
static void test_fds_find_their_message(void **state)
{
	enum { N = 64, PAGE = 4096 };
	struct wire *w = *state;
	unsigned fds = wire_count_fds();

	for (unsigned round = 0; round < 20; round++) {
		int memory = memfd_create("guest", MFD_CLOEXEC);
		uint8_t *seen;

		assert_int_equal(ftruncate(memory, N * PAGE), 0);
		seen = mmap(NULL, N * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
		assert_ptr_not_equal(seen, MAP_FAILED);
		wire_reconnect(w);
		for (unsigned i = 0; i < N; i++) {
			struct wire_map map = { 32, 3, i * PAGE, 0x100000 + i * PAGE, PAGE };
			uint8_t bytes[64];
			size_t size = put(bytes, (uint16_t)i, WIRE_DMA_MAP, &map, sizeof(map));

			wire_send_fds(w->fd, bytes, size, &memory, i % (round + 2) == 0);
		}
		for (unsigned i = 0; i < N; i++) {
			assert_true(wire_receive(w));
			assert_int_equal(w->in.header.id, i);
			assert_int_equal(w->in.header.flags, WIRE_REPLY);
		}
		wire_write(w, WIRE_CONFIG, 4, 2, 6);
		wire_write(w, 0, DEV_LENGTH, 4, 4);
		for (unsigned i = 0; i < N; i += round + 2) {
			wire_write(w, 0, DEV_BUFFER, 4, i + 1000);
			wire_write(w, 0, DEV_IOVA, 8, 0x100000 + i * PAGE);
			wire_write(w, 0, DEV_COMMAND, 4, CMD_WRITE);
			assert_int_equal(wire_read(w, 0, DEV_RESULT, 4), 0);
			assert_int_equal(*(uint32_t *)(seen + i * PAGE), i + 1000);
		}
		munmap(seen, N * PAGE);
		close(memory);
		close(w->fd);
		w->fd = -1;
	}
	wire_expect_fds(fds);
}

/* Descriptors on a message that takes none are closed, and the message is done. */
static void test_surplus_fds(void **state)
{
	uint32_t info[4] = { 16 };
	struct wire *w = *state;
	unsigned fds = wire_count_fds();
	int eventfds[16];

	for (unsigned i = 0; i < 16; i++)
		eventfds[i] = wire_eventfd();
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(wire_call_fds(w, WIRE_GET_INFO, info, 16, eventfds, 16), 0);
	for (unsigned i = 0; i < 16; i++)
		close(eventfds[i]);
	wire_expect_fds(fds);
}

/* More than fit in a message, and more than the kernel gives at once. */
static void test_too_many_fds(void **state)
{
	struct wire_irqs irqs = { 20, 4 | 32, 2, 0, 20, { 0 } };
	uint32_t info[4] = { 16 };
	struct wire *w = *state;
	unsigned fds = wire_count_fds();
	int eventfds[20];

	for (unsigned i = 0; i < 20; i++)
		eventfds[i] = wire_eventfd();
	assert_int_equal(wire_call_fds(w, WIRE_SET_IRQS, &irqs, 20, eventfds, 20), EINVAL);
	assert_int_equal(wire_call(w, WIRE_GET_INFO, info, 16), 0);
	for (unsigned i = 0; i < 20; i++)
		close(eventfds[i]);
	wire_expect_fds(fds);
}

/* A client that sends and does not read: nothing is read from it any more; then all is there.
 */
static void test_back_pressure(void **state)
{
	struct wire_access access = { DEV_BUFFER, 0, 60000, { 0 } };
	struct wire *w = *state;
	uint8_t bytes[64];
	unsigned sent = 0;
	size_t size = put(bytes, 7, WIRE_READ, &access, 16), at = 0;

	for (;;) {
		struct pollfd p = { .fd = w->fd, .events = POLLOUT };
		ssize_t n;

		if (poll(&p, 1, 200) != 1)
			break;
		n = send(w->fd, bytes + at, size - at, MSG_DONTWAIT);
		assert_true(n > 0 || errno == EAGAIN);
		at += n > 0 ? (size_t)n : 0;
		sent += at == size;
		at = at == size ? 0 : at;
		assert_in_range(sent, 0, 100000);
	}
	assert_in_range(sent, 2, 100000);
	for (unsigned i = 0; i < sent; i++) {
		assert_true(wire_receive(w));
		assert_int_equal(w->in.size, 60016);
	}
	wire_send_bytes(w->fd, bytes + at, size - at);
	assert_true(wire_receive(w));
	assert_int_equal(w->in.size, 60016);
	assert_int_equal(wire_read(w, WIRE_CONFIG, 0, 2), 0x1234);
}

/* It hangs up with its replies still unread. */
static void test_gone_backed_up(void **state)
{
	struct wire_access access = { DEV_BUFFER, 0, 100000, { 0 } };
	struct wire *w = *state;
	unsigned fds = wire_count_fds();

	for (unsigned i = 0; i < 100; i++)
		wire_send(w, WIRE_READ, 0, &access, 16);
	usleep(10000);
	wire_reconnect(w);
	assert_int_equal(wire_read(w, WIRE_CONFIG, 0, 2), 0x1234);
	wire_expect_fds(fds);
}

static void test_second_client(void **state)
{
	struct wire *w = *state;
	int second = wire_connect(w);
	char byte;

	assert_int_equal(recv(second, &byte, 1, 0), 0);
	close(second);
	assert_int_equal(atomic_load(&w->lines), 1);
	assert_int_equal(wire_read(w, WIRE_CONFIG, 0, 2), 0x1234);
}

/* What a client leaves is not there for the next one. */
static void test_clean_for_next(void **state)
{
	struct wire *w = *state;

	wire_write(w, 0, DEV_SCRATCH, 4, 77);
	wire_write(w, WIRE_CONFIG, 4, 2, 6);
	assert_int_equal(wire_map(w, 0x1000, 0x1000, 3, -1, 0), 0);
	wire_reconnect(w);
	assert_int_equal(wire_read(w, 0, DEV_SCRATCH, 4), 0);
	assert_int_equal(wire_read(w, WIRE_CONFIG, 4, 2), 0);
	assert_int_equal(wire_map(w, 0x1000, 0x1000, 3, -1, 0), 0);
}

static void test_many_clients(void **state)
{
	struct wire *w = *state;
	unsigned fds = wire_count_fds();

	for (unsigned i = 0; i < 500; i++)
		wire_reconnect(w);
	wire_expect_fds(fds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_byte_at_a_time, wire_setup_unconnected,
						wire_teardown),
		cmocka_unit_test_setup_teardown(test_cut_anywhere, wire_setup_unconnected,
						wire_teardown),
		cmocka_unit_test_setup_teardown(test_gone_at_every_byte, wire_setup_unconnected,
						wire_teardown),
		cmocka_unit_test_setup_teardown(test_gone_with_fds, wire_setup_unconnected,
						wire_teardown),
		cmocka_unit_test_setup_teardown(test_fds_find_their_message,
						wire_setup_unconnected, wire_teardown),
		cmocka_unit_test_setup_teardown(test_surplus_fds, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_too_many_fds, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_back_pressure, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_gone_backed_up, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_second_client, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_clean_for_next, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_many_clients, wire_setup, wire_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
