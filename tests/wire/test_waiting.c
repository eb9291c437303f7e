/* SPDX-License-Identifier: MIT */
/*
 * A client as QEMU is: it answers no DMA message while it waits for the answer to an access.
 * What needs nothing of the device is answered first; what does, and what comes after it,
 * waits.
 */
#include <string.h>

#include "wire.h"

enum { BASE = 0x100000, SIZE = 0x1000, LENGTH = 16, BUS_MASTER = 6 };

static uint16_t send_access(struct wire *w, unsigned command, uint64_t offset, uint8_t value)
{
	struct wire_access access = { offset, 0, 4, { value } };

	return wire_send(w, command, 0, &access, command == WIRE_READ ? 16 : 20);
}

/* The next message is the answer to that one; the value read. */
static uint8_t expect_answer(struct wire *w, uint16_t id)
{
	assert_true(wire_receive(w));
	assert_int_equal(w->in.header.flags, WIRE_REPLY);
	assert_int_equal(w->in.header.id, id);
	return w->in.size > 16 ? w->in.payload[16] : 0;
}

static struct wire_message *expect_request(struct wire *w, unsigned command)
{
	assert_true(wire_receive(w));
	assert_int_equal(w->in.header.flags, 0);
	assert_int_equal(w->in.header.command, command);
	return &w->in;
}

/* Answers the request with these bytes after its address and count. */
static void answer(struct wire *w, const struct wire_header *asked, size_t size)
{
	uint8_t bytes[16 + 16 + LENGTH] = { 0 };
	struct wire_header header = *asked;

	header.flags = WIRE_REPLY;
	header.size = (uint32_t)(16 + 16 + size);
	memcpy(bytes, &header, sizeof(header));
	memset(bytes + 32, 0x77, size);
	wire_send_bytes(w->fd, bytes, header.size);
}

/* Has the device read memory, by message, in the callback of a write whose answer is awaited.
 */
static uint16_t start(struct wire *w)
{
	wire_write(w, WIRE_CONFIG, 4, 2, BUS_MASTER);
	wire_write(w, 0, DEV_IOVA, 8, BASE);
	wire_write(w, 0, DEV_LENGTH, 4, LENGTH);
	return send_access(w, WIRE_WRITE, DEV_COMMAND, CMD_READ);
}

static void test_waits(void **state)
{
	struct wire *w = *state;
	struct wire_header probe, read;
	uint16_t id, write, late;

	assert_int_equal(wire_map(w, BASE, SIZE, 3, -1, 0), 0);
	id = start(w);
	probe = expect_request(w, WIRE_DMA_WRITE)->header;
	expect_answer(w, id); /* though the device is not done */
	id = send_access(w, WIRE_READ, DEV_LENGTH, 0);
	assert_int_equal(expect_answer(w, id), LENGTH);
	answer(w, &probe, 0);
	read = expect_request(w, WIRE_DMA_READ)->header;
	/* A write is answered and done later; a read after it waits for it. */
	write = send_access(w, WIRE_WRITE, DEV_SCRATCH, 0x5a);
	late = send_access(w, WIRE_READ, DEV_SCRATCH, 0);
	expect_answer(w, write);
	assert_false(wire_wait(w->fd, 300));
	answer(w, &read, LENGTH);
	assert_int_equal(expect_answer(w, late), 0x5a);
	assert_int_equal(wire_read(w, 0, DEV_WRITES, 4), 1);
	assert_int_equal(wire_read(w, 0, DEV_RESULT, 4), 0);
	assert_int_equal(wire_read(w, 0, DEV_BUFFER, 4), 0x77777777);
}

/* Every access is answered once and in order, whether before the device is done or after. */
static void test_many(void **state)
{
	struct wire *w = *state;

	assert_int_equal(wire_map(w, BASE, SIZE, 3, -1, 0), 0);
	for (unsigned round = 0; round < 20; round++) {
		uint16_t next = start(w), last = 0;
		bool done = false; /* the device has what it asked for */

		for (unsigned i = 0; i < 50; i++)
			last = send_access(w, WIRE_READ, i % 2 ? DEV_LENGTH : DEV_IOVA, 0);
		while (next != (uint16_t)(last + 1) || !done) {
			assert_true(wire_receive(w));
			if (w->in.header.flags & WIRE_REPLY) {
				assert_int_equal(w->in.header.id, next++);
				continue;
			}
			if (round == 10)
				wire_wait(w->fd, 1000); /* from here on it waits */
			done = w->in.header.command == WIRE_DMA_READ;
			answer(w, &w->in.header, done ? LENGTH : 0);
		}
	}
	assert_false(wire_wait(w->fd, 100));
}

enum { FLOOD = 100000, EACH = 1000 };

/* Reads of `count` in one send; returns the first one's id. */
static uint16_t send_reads(struct wire *w, unsigned count, bool junk)
{
	static uint8_t bytes[EACH * (32 + 16)];
	uint16_t first = (uint16_t)(w->id + 1);
	size_t size = 0;

	for (unsigned i = 0; i < count; i++) {
		struct wire_header header = { ++w->id, WIRE_READ, 32, 0, 0 };
		struct wire_access access = { DEV_LENGTH, 0, 4, { 0 } };
		struct wire_header reply = { 0x7777, WIRE_DMA_WRITE, 16, WIRE_REPLY, 0 };

		memcpy(bytes + size, &header, 16);
		memcpy(bytes + size + 16, &access, 16);
		size += 32;
		if (junk)
			memcpy(bytes + size, &reply, 16);
		size += junk ? 16 : 0;
	}
	wire_send_bytes(w->fd, bytes, size);
	return first;
}

/*
 * What a client asks in a heap while it is waited for, with answers among it that nobody waits
 * for: all of it is answered, once and in order.
 */
static void test_flood(void **state)
{
	struct wire *w = *state;
	struct wire_header probe, read;
	uint16_t id, write, next;

	assert_int_equal(wire_map(w, BASE, SIZE, 3, -1, 0), 0);
	id = start(w);
	probe = expect_request(w, WIRE_DMA_WRITE)->header;
	expect_answer(w, id);
	for (unsigned done = 0; done < FLOOD; done += EACH) {
		next = send_reads(w, EACH, true);
		for (unsigned i = 0; i < EACH; i++)
			assert_int_equal(expect_answer(w, next++), LENGTH);
	}
	answer(w, &probe, 0);
	read = expect_request(w, WIRE_DMA_READ)->header;
	/* Behind a write they wait, and what is not whole too. */
	write = send_access(w, WIRE_WRITE, DEV_LENGTH, 8);
	expect_answer(w, write);
	next = send_reads(w, EACH, true);
	for (unsigned i = 1; i < 20; i++)
		send_reads(w, EACH, i % 2);
	answer(w, &read, LENGTH);
	for (unsigned i = 0; i < 20 * EACH; i++)
		assert_int_equal(expect_answer(w, next++), 8);
	assert_int_equal(wire_read(w, 0, DEV_RESULT, 4), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_waits, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_many, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_flood, wire_setup, wire_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
