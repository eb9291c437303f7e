/* SPDX-License-Identifier: MIT */
/* A live device moves from one server to another; and the pages that DMA wrote are told. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "wire.h"

enum { STOP = 1, RUNNING, STOP_COPY, RESUMING };
enum { GET = 1 << 16, SET = 1 << 17, PROBE = 1 << 18 };
enum { MIGRATION = 1, STATE = 2, LOG_START = 6, LOG_STOP = 7, LOG_REPORT = 8 };
enum { EVENTFD_TRIGGER = 4 | 32, INTX = 0, MSIX = 2 };

static int set_state(struct wire *w, uint32_t state)
{
	uint32_t ask[4] = { 16, SET | STATE, state, UINT32_MAX };
	int error = wire_call(w, WIRE_FEATURE, ask, sizeof(ask));

	if (!error) {
		assert_int_equal(w->in.size, 16);
		assert_memory_equal(w->in.payload, ask, 16);
	}
	return error;
}

static uint32_t get_state(struct wire *w)
{
	uint32_t ask[2] = { 16, GET | STATE }, got[4];

	assert_int_equal(wire_call(w, WIRE_FEATURE, ask, sizeof(ask)), 0);
	assert_int_equal(w->in.size, 16);
	memcpy(got, w->in.payload, sizeof(got));
	assert_int_equal(got[3], UINT32_MAX); /* no descriptor: data goes by message */
	return got[2];
}

/* Reads the whole saved state, `step` bytes a message. */
static uint8_t *read_state(struct wire *w, uint32_t step, size_t *size)
{
	uint8_t *data = malloc(1 << 20);
	uint32_t got = step;

	assert_non_null(data);
	for (*size = 0; got == step; *size += got) {
		uint32_t ask[2] = { 8 + step, step };

		assert_int_equal(wire_call(w, WIRE_MIG_READ, ask, sizeof(ask)), 0);
		memcpy(&got, w->in.payload + 4, 4);
		assert_int_equal(w->in.size, 8 + got);
		assert_in_range(*size + got, 0, 1 << 20);
		memcpy(data + *size, w->in.payload + 8, got);
	}
	return data;
}

static int write_state(struct wire *w, const uint8_t *data, size_t size, uint32_t step)
{
	static uint8_t ask[8 + 65536];

	for (size_t at = 0; at < size; at += step) {
		uint32_t part = size - at < step ? (uint32_t)(size - at) : step;
		uint32_t head[2] = { 8 + part, part };
		int error;

		memcpy(ask, head, 8);
		memcpy(ask + 8, data + at, part);
		error = wire_call(w, WIRE_MIG_WRITE, ask, 8 + part);
		if (error)
			return error;
		assert_int_equal(w->in.size, 0);
	}
	return 0;
}

static void test_features(void **state)
{
	static const struct {
		uint32_t flags;
		int error;
	} probes[] = {
		{ PROBE | MIGRATION, 0 },
		{ PROBE | GET | MIGRATION, 0 },
		{ PROBE | STATE, 0 },
		{ PROBE | GET | SET | STATE, 0 },
		{ PROBE | SET | LOG_START, 0 },
		{ PROBE | SET | LOG_STOP, 0 },
		{ PROBE | GET | LOG_REPORT, 0 },
		{ PROBE | GET | LOG_START, EINVAL },
	};
	struct wire *w = *state;
	uint32_t ask[2] = { 16, GET | MIGRATION };
	uint64_t flags;

	assert_int_equal(wire_call(w, WIRE_FEATURE, ask, sizeof(ask)), 0);
	memcpy(&flags, w->in.payload + 8, 8);
	assert_int_equal(flags, 1); /* STOP_COPY, neither P2P nor PRE_COPY */
	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
		uint32_t probe[2] = { 8, probes[i].flags };

		assert_int_equal(wire_call(w, WIRE_FEATURE, probe, sizeof(probe)),
				 probes[i].error);
		if (!probes[i].error)
			assert_memory_equal(w->in.payload, probe, 8);
	}
}

/* From each state to each, by the arcs there are. */
static void test_states(void **state)
{
	struct wire *w = *state;
	size_t size;
	uint8_t *data;

	assert_int_equal(get_state(w), RUNNING);
	assert_int_equal(set_state(w, STOP_COPY), 0);
	data = read_state(w, 4096, &size);
	for (uint32_t from = STOP; from <= RESUMING; from++) {
		for (uint32_t to = STOP; to <= RESUMING; to++) {
			assert_int_equal(set_state(w, from), 0);
			if (from == RESUMING && to != RESUMING)
				assert_int_equal(write_state(w, data, size, 1000), 0);
			assert_int_equal(set_state(w, to), 0);
			assert_int_equal(get_state(w), to);
			if (to == RESUMING) {
				assert_int_equal(write_state(w, data, size, 1000), 0);
				assert_int_equal(set_state(w, STOP), 0);
			}
		}
	}
	free(data);
}

/* Stops the device with a timer under way. False: it was slower than the timer, and was too
 * late. */
static bool stop_in_time(struct wire *w, int fd)
{
	assert_int_equal(wire_set_irqs(w, EVENTFD_TRIGGER, INTX, 0, 1, &fd, 1), 0);
	wire_write(w, 0, DEV_SCRATCH, 4, 4711);
	wire_write(w, 0, DEV_DELAY, 4, 20);
	wire_write(w, 0, DEV_COMMAND, 4, CMD_TIMER);
	assert_int_equal(set_state(w, STOP), 0);
	return !wire_signals(fd);
}

static void test_stopped(void **state)
{
	struct wire *w = *state;
	int fd = wire_eventfd();
	struct wire_access access = { DEV_SCRATCH, 0, 4, { 0 } };

	while (!stop_in_time(w, fd))
		wire_reconnect(w);
	/* No timer, no access to what it could change; configuration space answers. */
	assert_false(wire_wait(fd, 60));
	assert_int_equal(wire_call(w, WIRE_READ, &access, 16), EBUSY);
	assert_int_equal(wire_call(w, WIRE_WRITE, &access, 20), EBUSY);
	assert_int_equal(wire_read(w, WIRE_CONFIG, 0, 2), 0x1234);
	wire_write(w, WIRE_CONFIG, 4, 2, 6);
	assert_int_equal(set_state(w, RUNNING), 0);
	assert_true(wire_wait(fd, 600000));
	assert_int_equal(wire_read(w, 0, DEV_SCRATCH, 4), 4711);
	close(fd);
}

/* A job that runs is brought to its end before the device stops: its interrupt is not lost. */
static void test_job_while_stopping(void **state)
{
	struct wire *w = *state;
	int fd = wire_eventfd();

	assert_int_equal(wire_set_irqs(w, EVENTFD_TRIGGER, INTX, 0, 1, &fd, 1), 0);
	for (unsigned i = 0; i < 20; i++) {
		wire_write(w, 0, DEV_COMMAND, 4, CMD_JOB_READ);
		assert_int_equal(set_state(w, STOP), 0);
		assert_int_equal(wire_signals(fd), 1);
		assert_int_equal(set_state(w, RUNNING), 0);
		wire_write(w, 0, DEV_LOWER, 4, 1);
		assert_int_equal(wire_set_irqs(w, 1 | 16, INTX, 0, 1, NULL, 0), 0);
	}
	close(fd);
}

/*
 * The move: registers, buffer, an asserted interrupt, a pending MSI-X vector and a timer that
 * is under way arrive, and the timer fires at the destination only.
 */
static void test_move(void **state)
{
	struct wire *from = *state, *to;
	int before = wire_eventfd(), after = wire_eventfd();
	size_t size;
	uint8_t *data;

	wire_setup((void **)&to);
	assert_int_equal(wire_set_irqs(from, EVENTFD_TRIGGER, INTX, 0, 1, &before, 1), 0);
	wire_write(from, WIRE_CONFIG, 4, 2, 6);
	wire_write(from, 0, DEV_SCRATCH, 4, 0xabcd0123);
	wire_write(from, 0, DEV_IOVA, 8, UINT64_C(0x1122334455667788));
	wire_write(from, 0, DEV_RAISE, 4, 2);
	assert_int_equal(wire_signals(before), 1);
	wire_write(from, 0, DEV_DELAY, 4, 100);
	wire_write(from, 0, DEV_COMMAND, 4, CMD_TIMER);

	assert_int_equal(set_state(from, STOP_COPY), 0);
	data = read_state(from, 77, &size);
	assert_int_equal(set_state(to, RESUMING), 0);
	assert_int_equal(write_state(to, data, size, 131), 0);
	assert_int_equal(set_state(to, STOP), 0);
	assert_int_equal(wire_set_irqs(to, EVENTFD_TRIGGER, INTX, 0, 1, &after, 1), 0);
	assert_int_equal(wire_signals(after), 0);
	assert_int_equal(set_state(to, RUNNING), 0);
	assert_int_equal(wire_signals(after), 1); /* still asserted */

	assert_int_equal(wire_read(to, WIRE_CONFIG, 4, 2), 6);
	assert_int_equal(wire_read(to, 0, DEV_SCRATCH, 4), 0xabcd0123);
	assert_true(wire_read(to, 0, DEV_IOVA, 8) == UINT64_C(0x1122334455667788));
	for (unsigned i = 0; i < 60000 && !wire_read(to, 0, DEV_FIRED, 4); i++)
		usleep(10000);
	assert_int_equal(wire_read(to, 0, DEV_FIRED, 4), 1);
	assert_int_equal(set_state(from, STOP), 0);
	assert_int_equal(wire_call(from, WIRE_RESET, NULL, 0), 0);
	assert_int_equal(get_state(from), RUNNING);
	assert_int_equal(wire_read(from, 0, DEV_FIRED, 4), 0);
	free(data);
	close(before);
	close(after);
	wire_teardown((void **)&to);
}

/*
 * A state that is cut, altered or too much is refused, and leaves the device stopped and as it
 * was.
 */
static void test_bad_state(void **state)
{
	static uint8_t much[65536];
	struct wire *w = *state;
	size_t size;
	uint8_t *data;
	int error = 0;

	wire_write(w, 0, DEV_SCRATCH, 4, 4711);
	assert_int_equal(set_state(w, STOP_COPY), 0);
	data = read_state(w, 65536, &size);
	for (unsigned i = 0; i < 4; i++) {
		size_t cut = size * i / 4;

		assert_int_equal(set_state(w, RESUMING), 0);
		assert_int_equal(write_state(w, data, cut, 65536), 0);
		assert_int_not_equal(set_state(w, STOP), 0);
		assert_int_equal(get_state(w), STOP);
		assert_int_equal(set_state(w, RUNNING), 0);
		assert_int_equal(get_state(w), RUNNING);
		assert_int_equal(wire_read(w, 0, DEV_SCRATCH, 4), 4711);
	}
	assert_int_equal(set_state(w, RESUMING), 0);
	for (unsigned i = 0; i < 1000 && !error; i++)
		error = write_state(w, much, sizeof(much), 65536);
	assert_int_equal(error, EFBIG);
	assert_int_equal(wire_call(w, WIRE_RESET, NULL, 0), 0);
	free(data);
}

/* A client that goes away in the middle leaves a device that runs. */
static void test_gone_while_stopped(void **state)
{
	struct wire *w = *state;

	for (uint32_t s = STOP; s <= RESUMING; s++) {
		assert_int_equal(set_state(w, s), 0);
		wire_reconnect(w);
		assert_int_equal(get_state(w), RUNNING);
		assert_int_equal(wire_read(w, 0, DEV_SCRATCH, 4), 0);
	}
}

/* ---- Dirty pages ---- */

enum { BASE = 0x100000, PAGES = 100, PAGE = 4096 };

static void dma_write(struct wire *w, uint64_t iova, uint32_t length)
{
	wire_write(w, 0, DEV_IOVA, 8, iova);
	wire_write(w, 0, DEV_LENGTH, 4, length);
	wire_write(w, 0, DEV_COMMAND, 4, CMD_WRITE);
	assert_int_equal(wire_read(w, 0, DEV_RESULT, 4), 0);
}

static int report(struct wire *w, uint64_t page_size, uint64_t bitmap[2])
{
	uint64_t ask[4] = { 0, BASE, PAGES * PAGE, page_size };
	uint32_t head[2] = { 8 + 24 + 16, GET | LOG_REPORT };
	int error;

	memcpy(ask, head, 8);
	error = wire_call(w, WIRE_FEATURE, ask, sizeof(ask));
	if (!error) {
		assert_memory_equal(w->in.payload + 8, &ask[1], 24);
		memset(bitmap, 0, 16);
		memcpy(bitmap, w->in.payload + 32, w->in.size - 32);
	}
	return error;
}

static void map_guest(struct wire *w)
{
	int memory = memfd_create("guest", MFD_CLOEXEC);

	assert_int_equal(ftruncate(memory, PAGES * PAGE), 0);
	assert_int_equal(wire_map(w, BASE, PAGES * PAGE, 3, memory, 0), 0);
	close(memory);
	wire_write(w, WIRE_CONFIG, 4, 2, 6);
}

static void start_log(struct wire *w)
{
	uint32_t start[10] = {
		40, SET | LOG_START, 1 << 20, 0, 1, 0, BASE, 0, PAGES * PAGE, 0
	};

	assert_int_equal(wire_call(w, WIRE_FEATURE, start, sizeof(start)), 0);
	assert_int_equal(w->in.size, sizeof(start));
	start[2] = PAGE; /* what was chosen */
	assert_memory_equal(w->in.payload, start, sizeof(start));
	assert_int_equal(wire_call(w, WIRE_FEATURE, start, sizeof(start)), EINVAL); /* twice */
}

static void test_dirty(void **state)
{
	uint32_t stop[2] = { 8, SET | LOG_STOP };
	struct wire *w = *state;
	uint64_t bitmap[2];

	map_guest(w);
	dma_write(w, BASE + 10 * PAGE, PAGE); /* before: not told */
	start_log(w);
	assert_int_equal(report(w, PAGE, bitmap), 0);
	assert_true(!bitmap[0] && !bitmap[1]);
	dma_write(w, BASE + 3 * PAGE + 5, 1);
	dma_write(w, BASE + 64 * PAGE - 1, 2);
	dma_write(w, BASE + 99 * PAGE, PAGE);
	assert_int_equal(report(w, PAGE, bitmap), 0);
	assert_true(bitmap[0] == (UINT64_C(1) << 3 | UINT64_C(1) << 63));
	assert_true(bitmap[1] == (UINT64_C(1) | UINT64_C(1) << 35));
	assert_int_equal(report(w, PAGE, bitmap), 0);
	assert_true(!bitmap[0] && !bitmap[1]);
	dma_write(w, BASE + 17 * PAGE, 8);
	assert_int_equal(report(w, 16 * PAGE, bitmap), 0);
	assert_true(bitmap[0] == 2 && !bitmap[1]);
	assert_int_equal(report(w, 2048, bitmap), EINVAL);
	assert_int_equal(wire_call(w, WIRE_FEATURE, stop, sizeof(stop)), 0);
	assert_int_equal(report(w, PAGE, bitmap), EINVAL);
}

/* With too little room the size is told, and nothing is cleared. */
static void test_dirty_too_small(void **state)
{
	uint64_t ask[4] = { 0, BASE, PAGES * PAGE, PAGE }, bitmap[2];
	uint32_t head[2] = { 8 + 24 + 8, GET | LOG_REPORT }, size;
	struct wire *w = *state;

	map_guest(w);
	start_log(w);
	dma_write(w, BASE, 1);
	memcpy(ask, head, 8);
	assert_int_equal(wire_call(w, WIRE_FEATURE, ask, sizeof(ask)), 0);
	assert_int_equal(w->in.size, 32);
	memcpy(&size, w->in.payload, 4);
	assert_int_equal(size, 8 + 24 + 16);
	assert_int_equal(report(w, PAGE, bitmap), 0);
	assert_int_equal(bitmap[0], 1);
}

/* An unmap brings the last of it. */
static void test_dirty_unmap(void **state)
{
	uint64_t ask[5] = { 0, BASE, PAGES * PAGE, PAGE, 16 }, bitmap[2];
	uint32_t head[2] = { 24 + 16 + 16, 1 };
	struct wire *w = *state;

	map_guest(w);
	start_log(w);
	dma_write(w, BASE + 65 * PAGE, 1);
	memcpy(ask, head, 8);
	assert_int_equal(wire_call(w, WIRE_DMA_UNMAP, ask, sizeof(ask)), 0);
	assert_int_equal(w->in.size, 24 + 16 + 16);
	assert_memory_equal(w->in.payload, ask, 40);
	memcpy(bitmap, w->in.payload + 40, 16);
	assert_true(!bitmap[0] && bitmap[1] == 2);
	assert_int_equal(wire_call(w, WIRE_DMA_UNMAP, ask, sizeof(ask)), 0);
	assert_int_equal(((uint64_t *)(void *)w->in.payload)[2], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_features, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_states, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_stopped, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_job_while_stopping, wire_setup,
						wire_teardown),
		cmocka_unit_test_setup_teardown(test_move, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_bad_state, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_gone_while_stopped, wire_setup,
						wire_teardown),
		cmocka_unit_test_setup_teardown(test_dirty, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_dirty_too_small, wire_setup,
						wire_teardown),
		cmocka_unit_test_setup_teardown(test_dirty_unmap, wire_setup, wire_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
