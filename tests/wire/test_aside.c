/* SPDX-License-Identifier: MIT */
/*
 * What a client sends while the server waits for its answer to a DMA is set aside, descriptors
 * too: they find their messages afterwards; and too many of them end the DMA, not the server.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "wire.h"

enum { BASE = 0x100000, MAPS = 0x4000000, PAGE = 4096, LENGTH = 16, FDS = 16, MSIX = 17 };

/* The client's answer to a DMA_READ or to a probe: as specified, all bytes 0x77. */
static void answer(struct wire *w)
{
	uint8_t bytes[16 + 16 + LENGTH];
	struct wire_header header = w->in.header;
	size_t data = header.command == WIRE_DMA_READ ? LENGTH : 0;

	header.flags = WIRE_REPLY;
	header.size = (uint32_t)(32 + data);
	memcpy(bytes, &header, 16);
	memcpy(bytes + 16, w->in.payload, 16);
	memset(bytes + 32, 0x77, data);
	wire_send_bytes(w->fd, bytes, header.size);
}

/* Has the device read memory that only the client can give, and takes the request for it. */
static void begin_dma(struct wire *w)
{
	struct wire_access access = { DEV_COMMAND, 0, 4, { CMD_READ } };

	assert_int_equal(wire_map(w, BASE, PAGE, 3, -1, 0), 0);
	wire_write(w, WIRE_CONFIG, 4, 2, 6);
	wire_write(w, 0, DEV_IOVA, 8, BASE);
	wire_write(w, 0, DEV_LENGTH, 4, LENGTH);
	wire_send(w, WIRE_WRITE, 0, &access, 20);
	do {
		assert_true(wire_receive(w));
		if (w->in.header.command == WIRE_DMA_WRITE)
			answer(w); /* which layout the client has */
	} while (w->in.header.command != WIRE_DMA_READ);
}

static void send_with(struct wire *w, uint16_t command, const void *payload, size_t size,
		      const int *fds, unsigned count)
{
	struct wire_header header = { ++w->id, command, (uint32_t)(16 + size), 0, 0 };
	uint8_t bytes[64];

	memcpy(bytes, &header, 16);
	memcpy(bytes + 16, payload, size);
	wire_send_fds(w->fd, bytes, 16 + size, fds, count);
}

/* A page of memory that begins with `mark`. */
static void send_map(struct wire *w, unsigned number, uint32_t mark)
{
	struct wire_map map = { 32, 3, 0, MAPS + number * PAGE, PAGE };
	int memory = memfd_create("guest", MFD_CLOEXEC);

	assert_int_equal(ftruncate(memory, PAGE), 0);
	assert_int_equal(pwrite(memory, &mark, sizeof(mark), 0), sizeof(mark));
	send_with(w, WIRE_DMA_MAP, &map, sizeof(map), &memory, 1);
	close(memory);
}

static void send_irqs(struct wire *w, const int eventfds[FDS])
{
	struct wire_irqs irqs = { 20, 4 | 32, 2, 0, FDS, { 0 } };

	send_with(w, WIRE_SET_IRQS, &irqs, 20, eventfds, FDS);
}

static void make_eventfds(int eventfds[FDS])
{
	for (unsigned i = 0; i < FDS; i++)
		eventfds[i] = wire_eventfd();
}

static void close_all(const int eventfds[FDS])
{
	for (unsigned i = 0; i < FDS; i++)
		close(eventfds[i]);
}

static uint32_t read_mark(struct wire *w, uint64_t iova)
{
	wire_write(w, 0, DEV_IOVA, 8, iova);
	wire_write(w, 0, DEV_COMMAND, 4, CMD_READ);
	assert_int_equal(wire_read(w, 0, DEV_RESULT, 4), 0);
	return (uint32_t)wire_read(w, 0, DEV_BUFFER, 4);
}

static void expect_interrupt(struct wire *w, const int eventfds[FDS])
{
	unsigned at = (unsigned)wire_read(w, WIRE_CONFIG, 0x34, 1);

	while (wire_read(w, WIRE_CONFIG, at, 1) != MSIX)
		at = (unsigned)wire_read(w, WIRE_CONFIG, at + 1, 1);
	wire_write(w, WIRE_CONFIG, at + 2, 2, 0x8000); /* on */
	wire_write(w, 0, DEV_RAISE, 4, 7);
	for (unsigned i = 0; i < FDS; i++)
		assert_int_equal(wire_signals(eventfds[i]), i == 7);
}

/* The replies to the `count` messages before the last one, all done. */
static void take_replies(struct wire *w, uint16_t first, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		assert_true(wire_receive(w));
		assert_int_equal(w->in.header.id, first + i);
		assert_int_equal(w->in.header.flags, WIRE_REPLY);
	}
}

static void test_descriptors_set_aside(void **state)
{
	enum { ROUNDS = 30 };
	struct wire *w = *state;
	unsigned open;
	int eventfds[FDS];
	uint16_t first;

	wire_reconnect(w);
	open = wire_count_fds();
	make_eventfds(eventfds);
	begin_dma(w);
	first = w->id;
	for (unsigned i = 0; i < ROUNDS; i++) {
		send_irqs(w, eventfds);
		send_map(w, i, 1000 + i);
	}
	answer(w);
	take_replies(w, first, 1 + 2 * ROUNDS);
	assert_int_equal(wire_read(w, 0, DEV_RESULT, 4), 0);
	assert_int_equal(wire_read(w, 0, DEV_BUFFER, 4), 0x77777777);
	wire_write(w, 0, DEV_LENGTH, 4, 4);
	for (unsigned i = 0; i < ROUNDS; i++)
		assert_int_equal(read_mark(w, MAPS + i * PAGE), 1000 + i);
	expect_interrupt(w, eventfds);
	close_all(eventfds);
	wire_reconnect(w);
	wire_expect_fds(open);
}

/* Room for what the client of the test can make the server hold. */
static bool allow_descriptors(rlim_t count)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_max < count)
		return false;
	limit.rlim_cur = limit.rlim_cur < count ? count : limit.rlim_cur;
	return !setrlimit(RLIMIT_NOFILE, &limit);
}

static void test_too_many_set_aside(void **state)
{
	enum { MESSAGES = 100 };
	struct wire *w = *state;
	int eventfds[FDS];
	unsigned open;
	uint16_t first;

	if (!allow_descriptors(4096))
		skip();
	wire_reconnect(w);
	open = wire_count_fds();
	make_eventfds(eventfds);
	begin_dma(w);
	first = w->id;
	for (unsigned i = 0; i < MESSAGES; i++)
		send_irqs(w, eventfds);
	take_replies(w, first, 1 + MESSAGES); /* none of them is lost */
	assert_int_equal(wire_read(w, 0, DEV_RESULT, 4), (uint32_t)-ENOBUFS);
	expect_interrupt(w, eventfds);
	close_all(eventfds);
	wire_reconnect(w);
	wire_expect_fds(open);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_descriptors_set_aside, wire_setup,
						wire_teardown),
		cmocka_unit_test_setup_teardown(test_too_many_set_aside, wire_setup,
						wire_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
