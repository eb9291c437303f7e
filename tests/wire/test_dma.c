/* SPDX-License-Identifier: MIT */
/* Guest memory, shared and by message, in both layouts that clients have. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "wire.h"

enum { BASE = 0x100000, SIZE = 0x40000, CHUNK = 0x10000, BUS_MASTER = 6 };

enum layout { SPEC, OLD };

/* What the test, as the client, does with the server's requests. */
struct guest {
	enum layout layout;
	uint8_t memory[SIZE];
	unsigned probes, reads, writes;
	uint32_t refuse; /* answer with this error */
	bool silent;	 /* do not answer */
	/* Called once, before the first answer. */
	void (*interleave)(struct wire *w, struct guest *guest);
};

static struct guest *new_guest(enum layout layout)
{
	struct guest *guest = calloc(1, sizeof(*guest));

	assert_non_null(guest);
	guest->layout = layout;
	for (size_t i = 0; i < SIZE; i++)
		guest->memory[i] = (uint8_t)(i * 13 + (i >> 9));
	return guest;
}

static void start_dma(struct wire *w, unsigned command, uint64_t iova, uint32_t length)
{
	struct wire_access access = { DEV_COMMAND, 0, 4, { (uint8_t)command } };

	wire_write(w, WIRE_CONFIG, 4, 2, BUS_MASTER);
	wire_write(w, 0, DEV_IOVA, 8, iova);
	wire_write(w, 0, DEV_LENGTH, 4, length);
	wire_send(w, WIRE_WRITE, 0, &access, 20);
}

static void reply(struct wire *w, const struct wire_header *asked, uint32_t error,
		  const void *data, size_t size)
{
	static uint8_t bytes[16 + 16 + CHUNK];
	struct wire_header header = *asked;

	header.flags = WIRE_REPLY | (error ? WIRE_ERROR : 0);
	header.error = error;
	header.size = (uint32_t)(16 + (error ? 0 : size));
	memcpy(bytes, &header, sizeof(header));
	if (!error && size)
		memcpy(bytes + 16, data, size);
	wire_send_bytes(w->fd, bytes, header.size);
}

static void answer_read(struct wire *w, struct guest *guest, uint64_t at, uint64_t count)
{
	static uint8_t payload[16 + CHUNK];
	size_t skip = guest->layout == OLD ? 12 : 16;

	assert_int_equal(w->in.size, 16);
	guest->reads++;
	memcpy(payload, w->in.payload, skip);
	memcpy(payload + skip, guest->memory + at, count);
	reply(w, &w->in.header, guest->refuse, payload, 16 + count);
}

static void answer_write(struct wire *w, struct guest *guest, uint64_t at, uint64_t count)
{
	size_t skip = guest->layout == OLD ? 12 : 16;

	assert_int_equal(w->in.size, 16 + count);
	guest->probes += !count;
	guest->writes += !!count;
	if (!guest->refuse || !count)
		memcpy(guest->memory + at, w->in.payload + skip, count);
	reply(w, &w->in.header, count ? guest->refuse : 0, w->in.payload,
	      guest->layout == OLD ? 0 : 16);
}

static void answer(struct wire *w, struct guest *guest)
{
	uint64_t address, count = 0;

	memcpy(&address, w->in.payload, 8);
	memcpy(&count, w->in.payload + 8, guest->layout == OLD ? 4 : 8);
	assert_in_range(address, BASE, BASE + SIZE);
	assert_in_range(count, 0, CHUNK);
	if (guest->silent)
		return;
	if (w->in.header.command == WIRE_DMA_READ)
		answer_read(w, guest, address - BASE, count);
	else
		answer_write(w, guest, address - BASE, count);
}

static int32_t read_result(struct wire *w)
{
	return (int32_t)wire_read(w, 0, DEV_RESULT, 4);
}

/* Answers the server until it has answered our write, and returns what the device got. */
static int32_t finish_dma(struct wire *w, struct guest *guest)
{
	uint16_t id = w->id;

	for (;;) {
		assert_true(wire_receive(w));
		if (w->in.header.flags & WIRE_REPLY)
			break;
		if (guest->interleave) {
			struct wire_header kept = w->in.header;
			uint8_t payload[16];

			memcpy(payload, w->in.payload, 16);
			guest->interleave(w, guest);
			guest->interleave = NULL;
			w->in.header = kept;
			memcpy(w->in.payload, payload, 16);
		}
		answer(w, guest);
	}
	assert_int_equal(w->in.header.id, id);
	assert_int_equal(w->in.header.flags, WIRE_REPLY);
	return read_result(w);
}

static void fill_buffer(struct wire *w, uint8_t seed)
{
	static uint8_t bytes[16 + DEV_BUFFER_SIZE];
	struct wire_access access = { DEV_BUFFER, 0, DEV_BUFFER_SIZE, { 0 } };

	memcpy(bytes, &access, 16);
	for (size_t i = 0; i < DEV_BUFFER_SIZE; i++)
		bytes[16 + i] = (uint8_t)(i * 31 + seed);
	assert_int_equal(wire_call(w, WIRE_WRITE, bytes, sizeof(bytes)), 0);
}

static void expect_buffer(struct wire *w, const uint8_t *want, uint32_t size)
{
	struct wire_access access = { DEV_BUFFER, 0, size, { 0 } };

	assert_int_equal(wire_call(w, WIRE_READ, &access, 16), 0);
	assert_memory_equal(w->in.payload + 16, want, size);
}

static void check_both_ways(struct wire *w, enum layout layout)
{
	struct guest *guest = new_guest(layout);

	assert_int_equal(wire_map(w, BASE, SIZE, 3, -1, 0), 0);
	start_dma(w, CMD_READ, BASE + 5, 100001);
	assert_int_equal(finish_dma(w, guest), 0);
	expect_buffer(w, guest->memory + 5, 100001);
	fill_buffer(w, 9);
	start_dma(w, CMD_WRITE, BASE + 0x10003, DEV_BUFFER_SIZE);
	assert_int_equal(finish_dma(w, guest), 0);
	for (size_t i = 0; i < DEV_BUFFER_SIZE; i++)
		assert_int_equal(guest->memory[0x10003 + i], (uint8_t)(i * 31 + 9));
	assert_int_equal(guest->memory[0x10002], (uint8_t)(0x10002 * 13 + (0x10002 >> 9)));
	assert_int_equal(guest->probes, 1);
	assert_int_equal(guest->reads, 2);
	assert_int_equal(guest->writes, 2);
	free(guest);
}

static void test_by_message(void **state)
{
	check_both_ways(*state, SPEC);
}

static void test_by_message_old_layout(void **state)
{
	check_both_ways(*state, OLD);
}

static void test_shared(void **state)
{
	struct wire *w = *state;
	struct guest *guest = new_guest(SPEC);
	int memory = memfd_create("guest", MFD_CLOEXEC);
	unsigned before;
	uint8_t *seen;

	assert_int_equal(ftruncate(memory, SIZE + 4096), 0);
	seen = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 4096);
	assert_ptr_not_equal(seen, MAP_FAILED);
	memcpy(seen, guest->memory, SIZE);
	before = wire_count_fds();
	assert_int_equal(wire_map(w, BASE, SIZE, 3, memory, 4096), 0);
	wire_expect_fds(before);
	start_dma(w, CMD_READ, BASE + 77, 50000);
	assert_int_equal(finish_dma(w, guest), 0);
	expect_buffer(w, guest->memory + 77, 50000);
	fill_buffer(w, 3);
	start_dma(w, CMD_WRITE, BASE + 1, 50000);
	assert_int_equal(finish_dma(w, guest), 0);
	assert_int_equal(seen[1], 3);
	assert_int_equal(seen[50001], (uint8_t)(50001 * 13 + (50001 >> 9)));
	assert_int_equal(guest->reads + guest->writes + guest->probes, 0);
	munmap(seen, SIZE);
	close(memory);
	free(guest);
}

static void test_not_allowed(void **state)
{
	struct wire_unmap unmap = { 24, 0, BASE, 0x1000 };
	struct wire *w = *state;
	struct guest *guest = new_guest(SPEC);

	start_dma(w, CMD_READ, BASE, 16);
	assert_int_equal(finish_dma(w, guest), -EFAULT);
	assert_int_equal(wire_map(w, BASE, 0x1000, 1, -1, 0), 0);
	start_dma(w, CMD_WRITE, BASE, 16);
	assert_int_equal(finish_dma(w, guest), -EFAULT);
	start_dma(w, CMD_READ, BASE + 0xff8, 16);
	assert_int_equal(finish_dma(w, guest), -EFAULT);
	start_dma(w, CMD_READ, BASE + 0xff8, 8);
	assert_int_equal(finish_dma(w, guest), 0);
	wire_write(w, WIRE_CONFIG, 4, 2, 2);
	wire_write(w, 0, DEV_COMMAND, 4, CMD_READ);
	assert_int_equal(wire_read(w, 0, DEV_RESULT, 4), (uint32_t)-EACCES);
	assert_int_equal(wire_call(w, WIRE_DMA_UNMAP, &unmap, sizeof(unmap)), 0);
	assert_int_equal(w->in.size, 24);
	assert_memory_equal(w->in.payload, &unmap, 24);
	start_dma(w, CMD_READ, BASE + 0xff8, 8);
	assert_int_equal(finish_dma(w, guest), -EFAULT);
	free(guest);
}

static uint64_t unmapped(struct wire *w, uint32_t flags, uint64_t iova, uint64_t size)
{
	struct wire_unmap unmap = { 24, flags, iova, size };

	assert_int_equal(wire_call(w, WIRE_DMA_UNMAP, &unmap, sizeof(unmap)), 0);
	memcpy(&unmap, w->in.payload, sizeof(unmap));
	assert_int_equal(unmap.address, iova);
	assert_int_equal(unmap.flags, flags);
	return unmap.size;
}

/* As the kernel's VFIO has it: nothing there is no error, and the reply says what was. */
static void test_unmap_says_how_much(void **state)
{
	enum { ALL = 2 };
	struct wire *w = *state;

	assert_int_equal(unmapped(w, 0, BASE, 0x1000), 0);
	assert_int_equal(unmapped(w, ALL, 0, 0), 0);
	assert_int_equal(wire_map(w, BASE, 0x1000, 3, -1, 0), 0);
	assert_int_equal(wire_map(w, BASE + 0x4000, 0x2000, 3, -1, 0), 0);
	assert_int_equal(unmapped(w, 0, BASE + 0x1000, 0x3000), 0);
	assert_int_equal(unmapped(w, 0, BASE, 0x100000), 0x3000);
	assert_int_equal(wire_map(w, BASE, 0x1000, 3, -1, 0), 0);
	assert_int_equal(wire_map(w, BASE + 0x4000, 0x2000, 3, -1, 0), 0);
	assert_int_equal(unmapped(w, ALL, 0, 0), 0x3000);
	assert_int_equal(unmapped(w, ALL, 0, 0), 0);
}

static void test_refused_by_client(void **state)
{
	struct wire *w = *state;
	struct guest *guest = new_guest(SPEC);

	assert_int_equal(wire_map(w, BASE, SIZE, 3, -1, 0), 0);
	guest->refuse = ENODEV;
	start_dma(w, CMD_READ, BASE, 16);
	assert_int_equal(finish_dma(w, guest), -EFAULT);
	guest->refuse = 0;
	start_dma(w, CMD_READ, BASE, 16);
	assert_int_equal(finish_dma(w, guest), 0);
	free(guest);
}

/* Requests, one with a descriptor, and replies that are not ours, before the answer. */
static void send_meanwhile(struct wire *w, struct guest *guest)
{
	struct wire_access access = { DEV_SCRATCH, 0, 4, { 0x5a } };
	struct wire_map map = { 32, 3, 0, 0x900000, 0x1000 };
	struct wire_header stray = { 0xbeef, WIRE_DMA_READ, 16, WIRE_REPLY, 0 };
	struct wire_header header = { 0x7777, WIRE_DMA_MAP, 48, 0, 0 };
	int memory = memfd_create("more", MFD_CLOEXEC);
	uint8_t bytes[48];

	(void)guest;
	assert_int_equal(ftruncate(memory, 0x1000), 0);
	assert_int_equal(pwrite(memory, "after", 6, 0), 6);
	wire_send(w, WIRE_WRITE, 0, &access, 20);
	wire_send_bytes(w->fd, &stray, sizeof(stray));
	memcpy(bytes, &header, 16);
	memcpy(bytes + 16, &map, 32);
	wire_send_fds(w->fd, bytes, 48, &memory, 1);
	access.offset = DEV_WRITES;
	wire_send(w, WIRE_READ, 0, &access, 16);
	close(memory);
}

/* What is asked in the middle of a DMA is done after it, in order. */
static void test_interleaved(void **state)
{
	static const uint16_t commands[4] = { WIRE_WRITE, WIRE_WRITE, WIRE_DMA_MAP, WIRE_READ };
	struct wire *w = *state;
	struct guest *guest = new_guest(SPEC);
	unsigned answered = 0;

	assert_int_equal(wire_map(w, BASE, SIZE, 3, -1, 0), 0);
	start_dma(w, CMD_READ, BASE, 100000);
	guest->interleave = send_meanwhile;
	while (answered < 4) {
		assert_true(wire_receive(w));
		if (w->in.header.flags & WIRE_REPLY) {
			assert_int_equal(w->in.header.flags, WIRE_REPLY);
			assert_int_equal(w->in.header.command, commands[answered]);
			answered++;
			continue;
		}
		if (guest->interleave) {
			struct wire_message *kept = malloc(sizeof(*kept));

			memcpy(kept, &w->in, sizeof(*kept));
			guest->interleave(w, guest);
			guest->interleave = NULL;
			memcpy(&w->in, kept, sizeof(*kept));
			free(kept);
		}
		answer(w, guest);
	}
	assert_int_equal(w->in.payload[16], 1);
	assert_int_equal(wire_read(w, 0, DEV_SCRATCH, 4), 0x5a);
	expect_buffer(w, guest->memory, 100000);
	start_dma(w, CMD_READ, 0x900000, 6);
	assert_int_equal(finish_dma(w, guest), 0);
	expect_buffer(w, (const uint8_t *)"after", 6);
	free(guest);
}

/* The request after the one that does DMA is cut; its rest comes with the DMA's answer. */
static void test_cut_around_dma(void **state)
{
	struct wire *w = *state;
	struct guest *guest = new_guest(SPEC);

	assert_int_equal(wire_map(w, BASE, SIZE, 3, -1, 0), 0);
	start_dma(w, CMD_READ, BASE, 16);
	assert_int_equal(finish_dma(w, guest), 0); /* the layout is known from here on */
	for (size_t cut = 0; cut <= 32; cut++) {
		struct wire_access command = { DEV_COMMAND, 0, 4, { CMD_READ } };
		struct wire_access read = { DEV_RESULT, 0, 4, { 0 } };
		struct wire_header headers[2] = { { 1, WIRE_WRITE, 36, 0, 0 },
						  { 2, WIRE_READ, 32, 0, 0 } };
		uint8_t bytes[68];

		memcpy(bytes, &headers[0], 16);
		memcpy(bytes + 16, &command, 20);
		memcpy(bytes + 36, &headers[1], 16);
		memcpy(bytes + 52, &read, 16);
		wire_send_bytes(w->fd, bytes, 36 + cut);
		assert_true(wire_receive(w));
		assert_int_equal(w->in.header.command, WIRE_DMA_READ);
		wire_send_bytes(w->fd, bytes + 36 + cut, 32 - cut);
		answer(w, guest);
		for (unsigned id = 1; id <= 2; id++) {
			assert_true(wire_receive(w));
			assert_int_equal(w->in.header.id, id);
			assert_int_equal(w->in.header.flags, WIRE_REPLY);
		}
	}
	free(guest);
}

/* No answer: the device is told in time, and what comes late is not taken for something else.
 */
static void test_no_answer(void **state)
{
	struct wire *w = *state;
	struct guest *guest = new_guest(SPEC);
	struct wire_header late;

	assert_int_equal(wire_map(w, BASE, SIZE, 3, -1, 0), 0);
	guest->silent = true;
	start_dma(w, CMD_READ, BASE, 16);
	assert_true(wire_receive(w));
	late = w->in.header;
	/* The write is answered before the device has given up. */
	for (int32_t result = finish_dma(w, guest); !result; result = read_result(w))
		continue;
	assert_int_equal(read_result(w), -ETIMEDOUT);
	start_dma(w, CMD_READ, BASE, 16); /* at once, this time */
	assert_int_equal(finish_dma(w, guest), -ETIMEDOUT);
	assert_int_equal(atomic_load(&w->errors), 1);
	reply(w, &late, 0, "................", 16);
	guest->silent = false;
	start_dma(w, CMD_READ, BASE, 16);
	assert_int_equal(finish_dma(w, guest), 0);
	expect_buffer(w, guest->memory, 16);
	free(guest);
}

/* It hangs up instead of answering. */
static void test_gone_in_dma(void **state)
{
	struct wire *w = *state;
	unsigned fds = wire_count_fds();

	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(wire_map(w, BASE, SIZE, 3, -1, 0), 0);
		start_dma(w, i % 2 ? CMD_READ : CMD_JOB_READ, BASE, 16);
		if (i % 3)
			assert_true(wire_receive(w));
		wire_reconnect(w);
	}
	assert_int_equal(wire_read(w, WIRE_CONFIG, 0, 2), 0x1234);
	wire_expect_fds(fds);
}

/* It sends requests without end and no answer. */
static void test_flood_in_dma(void **state)
{
	static uint8_t flood[16 + 16 + 100000];
	struct wire_header header = { 5, WIRE_WRITE, sizeof(flood), 0, 0 };
	struct wire_access access = { DEV_BUFFER, 0, 100000, { 0 } };
	struct wire *w = *state;

	memcpy(flood, &header, 16);
	memcpy(flood + 16, &access, 16);
	assert_int_equal(wire_map(w, BASE, SIZE, 3, -1, 0), 0);
	start_dma(w, CMD_READ, BASE, 16);
	for (unsigned i = 0; i < 60; i++)
		wire_send_bytes(w->fd, flood, sizeof(flood));
	for (unsigned i = 0; i < 61;) {
		assert_true(wire_receive(w));
		i += w->in.header.flags & WIRE_REPLY;
	}
	assert_int_equal(wire_read(w, 0, DEV_RESULT, 4), (uint32_t)-ENOBUFS);
}

/* A worker thread's DMA goes by the loop's thread, while that serves the client. */
static void test_worker(void **state)
{
	struct wire_access access = { DEV_SCRATCH, 0, 4, { 0 } };
	struct wire *w = *state;
	struct guest *guest = new_guest(SPEC);
	int fd = wire_eventfd();

	assert_int_equal(wire_map(w, BASE, SIZE, 3, -1, 0), 0);
	wire_write(w, WIRE_CONFIG, 4, 2, BUS_MASTER);
	assert_int_equal(wire_set_irqs(w, 4 | 32, 0, 0, 1, &fd, 1), 0);
	fill_buffer(w, 1);
	for (unsigned round = 0; round < 10; round++) {
		unsigned expected = 16;

		start_dma(w, round % 2 ? CMD_JOB_READ : CMD_JOB_WRITE, BASE, 100000);
		for (unsigned i = 0; i < 15; i++)
			wire_send(w, WIRE_READ, 0, &access, 16);
		while (expected || !wire_wait(fd, 0)) {
			if (!expected && !wire_wait(w->fd, 1))
				continue;
			assert_true(wire_receive(w));
			if (w->in.header.flags & WIRE_REPLY)
				expected--;
			else
				answer(w, guest);
		}
		assert_int_equal(wire_signals(fd), 1);
		assert_int_equal(wire_read(w, 0, DEV_RESULT, 4), 0);
		wire_write(w, 0, DEV_LOWER, 4, 1);
		assert_int_equal(wire_set_irqs(w, 1 | 16, 0, 0, 1, NULL, 0), 0);
	}
	assert_int_equal(guest->memory[99999], (uint8_t)(99999 * 31 + 1));
	expect_buffer(w, guest->memory, 100000);
	close(fd);
	free(guest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_shared, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_by_message, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_by_message_old_layout, wire_setup,
						wire_teardown),
		cmocka_unit_test_setup_teardown(test_not_allowed, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_unmap_says_how_much, wire_setup,
						wire_teardown),
		cmocka_unit_test_setup_teardown(test_refused_by_client, wire_setup,
						wire_teardown),
		cmocka_unit_test_setup_teardown(test_interleaved, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_cut_around_dma, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_gone_in_dma, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_flood_in_dma, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_worker, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_no_answer, wire_setup, wire_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
