/* SPDX-License-Identifier: MIT */
/* Every message as a well-behaved client sends it. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire.h"

static void test_device_info(void **state)
{
	uint32_t info[4] = { 16 };
	struct wire *w = *state;

	assert_int_equal(wire_call(w, WIRE_GET_INFO, info, sizeof(info)), 0);
	assert_int_equal(w->in.size, 16);
	memcpy(info, w->in.payload, 16);
	assert_int_equal(info[0], 16);
	assert_int_equal(info[1], 3); /* PCI, can be reset */
	assert_int_equal(info[2], 9);
	assert_int_equal(info[3], 5);
}

static void test_region_info(void **state)
{
	static const uint64_t sizes[9] = { DEV_BAR_SIZE, 0, 0x8000, 0, 0, 0, 0, 256, 0 };
	struct wire *w = *state;

	for (uint32_t i = 0; i < 9; i++) {
		struct wire_region_info info = { .argsz = 32, .index = i };

		assert_int_equal(wire_call(w, WIRE_REGION_INFO, &info, sizeof(info)), 0);
		assert_int_equal(w->in.size, 32);
		assert_int_equal(w->in.fd_count, 0);
		memcpy(&info, w->in.payload, sizeof(info));
		assert_int_equal(info.index, i);
		assert_int_equal(info.size, sizes[i]);
		assert_int_equal(info.argsz, i == 2 ? 32 + 16 + 2 * 16 : 32);
		assert_int_equal(info.flags & 3, sizes[i] ? 3 : 0);
		/* Capabilities are told of with their place: QEMU refuses a region otherwise.
		 */
		assert_int_equal(info.flags & 8, 0);
	}
}

/* The second, full look has the areas and one descriptor, and the memory is the device's. */
static void test_region_mmap(void **state)
{
	struct wire_region_info info = { .argsz = 80, .index = 2 };
	struct wire *w = *state;
	uint64_t areas[4];
	uint32_t cap[4];
	uint8_t *memory;

	assert_int_equal(wire_call(w, WIRE_REGION_INFO, &info, sizeof(info)), 0);
	assert_int_equal(w->in.size, 80);
	assert_int_equal(w->in.fd_count, 1);
	memcpy(&info, w->in.payload, sizeof(info));
	assert_int_equal(info.flags, 15);
	assert_int_equal(info.cap, 32);
	memcpy(cap, w->in.payload + 32, sizeof(cap));
	assert_int_equal(cap[0], 1 | 1 << 16);
	assert_int_equal(cap[1], 0);
	assert_int_equal(cap[2], 2);
	memcpy(areas, w->in.payload + 48, sizeof(areas));
	assert_int_equal(areas[0], 0x1000);
	assert_int_equal(areas[1], 0x1000);
	assert_int_equal(areas[2], 0x4000);
	assert_int_equal(areas[3], 0x2000);
	memory = mmap(NULL, 0x2000, PROT_READ | PROT_WRITE, MAP_SHARED, w->in.fd,
		      (off_t)(info.offset + 0x4000));
	assert_ptr_not_equal(memory, MAP_FAILED);
	close(w->in.fd);
	wire_write(w, 2, 0x4123, 4, 0xfeedf00d);
	assert_memory_equal(memory + 0x123, "\x0d\xf0\xed\xfe", 4);
	memory[0x1fff] = 0x77;
	assert_int_equal(wire_read(w, 2, 0x5fff, 1), 0x77);
	munmap(memory, 0x2000);
}

static void test_io_fds(void **state)
{
	uint32_t ask[4] = { 4096, 0, 0, 0 };
	struct wire *w = *state;

	assert_int_equal(wire_call(w, WIRE_IO_FDS, ask, sizeof(ask)), 0);
	assert_int_equal(w->in.size, 16);
	ask[0] = 16;
	assert_memory_equal(w->in.payload, ask, 16);
}

static void test_irq_info(void **state)
{
	static const uint32_t counts[5] = { 1, DEV_MSI, DEV_MSIX, 0, 0 };
	struct wire *w = *state;

	for (uint32_t i = 0; i < 5; i++) {
		uint32_t info[4] = { 16, 0, i, 0 };

		assert_int_equal(wire_call(w, WIRE_IRQ_INFO, info, sizeof(info)), 0);
		memcpy(info, w->in.payload, sizeof(info));
		assert_int_equal(info[2], i);
		assert_int_equal(info[3], counts[i]);
		assert_int_equal(info[1] & 1, counts[i] ? 1 : 0);
		assert_int_equal(!!(info[1] & 4), i == 0);
	}
}

static void test_access(void **state)
{
	struct wire *w = *state;

	assert_int_equal(wire_read(w, WIRE_CONFIG, 0, 4), 0x56781234);
	wire_write(w, 0, DEV_SCRATCH, 4, 0xcafe1234);
	assert_int_equal(wire_read(w, 0, DEV_SCRATCH, 4), 0xcafe1234);
	wire_write(w, 0, DEV_IOVA, 8, UINT64_C(0x123456789abcdef0));
	assert_true(wire_read(w, 0, DEV_IOVA, 8) == UINT64_C(0x123456789abcdef0));
	assert_int_equal(wire_read(w, 0, DEV_IOVA + 4, 4), 0x12345678);
}

/* A megabyte at once, the most there is; here in the 128 KiB of a window and config space. */
static void test_large_access(void **state)
{
	static uint8_t message[16 + DEV_BUFFER_SIZE];
	struct wire_access access = { DEV_BUFFER, 0, DEV_BUFFER_SIZE, { 0 } };
	struct wire *w = *state;

	memcpy(message, &access, 16);
	for (size_t i = 0; i < DEV_BUFFER_SIZE; i++)
		message[16 + i] = (uint8_t)(i * 7 + (i >> 8));
	assert_int_equal(wire_call(w, WIRE_WRITE, message, sizeof(message)), 0);
	assert_int_equal(wire_call(w, WIRE_READ, &access, 16), 0);
	assert_int_equal(w->in.size, sizeof(message));
	assert_memory_equal(w->in.payload, message, sizeof(message));
}

static void test_posted(void **state)
{
	struct wire_access access = { DEV_SCRATCH, 0, 4, { 0 } };
	struct wire *w = *state;

	for (unsigned i = 0; i < 1000; i++) {
		memcpy(access.data, &i, 4);
		wire_send(w, WIRE_WRITE, WIRE_NO_REPLY, &access, 20);
	}
	access.offset = DEV_BAR_SIZE; /* outside: logged only */
	wire_send(w, WIRE_WRITE, WIRE_NO_REPLY, &access, 20);
	assert_int_equal(wire_read(w, 0, DEV_WRITES, 4), 1000);
	assert_int_equal(wire_read(w, 0, DEV_SCRATCH, 4), 999);
	assert_int_equal(atomic_load(&w->lines), 1);
}

static void test_write_multi(void **state)
{
	struct {
		uint64_t count;
		struct wire_access writes[200];
	} __attribute__((packed)) multi = { .count = 200 };
	struct wire *w = *state;
	uint64_t done;

	for (uint32_t i = 0; i < 200; i++) {
		multi.writes[i] = (struct wire_access){ DEV_SCRATCH, 0, 4, { 0 } };
		memcpy(multi.writes[i].data, &i, 4);
	}
	assert_int_equal(wire_call(w, WIRE_MULTI, &multi, sizeof(multi)), 0);
	assert_int_equal(w->in.size, 8);
	memcpy(&done, w->in.payload, 8);
	assert_int_equal(done, 200);
	wire_send(w, WIRE_MULTI, WIRE_NO_REPLY, &multi, sizeof(multi));
	assert_int_equal(wire_read(w, 0, DEV_WRITES, 4), 400);
	assert_int_equal(wire_read(w, 0, DEV_SCRATCH, 4), 199);
}

static void test_reset(void **state)
{
	struct wire *w = *state;
	uint64_t before;

	wire_write(w, 0, DEV_SCRATCH, 4, 5);
	before = wire_read(w, 0, DEV_RESETS, 4);
	assert_int_equal(wire_call(w, WIRE_RESET, NULL, 0), 0);
	assert_int_equal(w->in.size, 0);
	assert_int_equal(wire_read(w, 0, DEV_SCRATCH, 4), 0);
	assert_int_equal(wire_read(w, 0, DEV_RESETS, 4), before + 1);
}

/* Thirty-two reads in flight: answered in order, whatever the buffers hold. */
static void test_pipelined(void **state)
{
	struct wire_access access = { DEV_BUFFER, 0, 3000, { 0 } };
	struct wire *w = *state;
	uint16_t first = (uint16_t)(w->id + 1);

	for (unsigned i = 0; i < 32; i++)
		wire_send(w, WIRE_READ, 0, &access, 16);
	for (unsigned i = 0; i < 32; i++) {
		assert_true(wire_receive(w));
		assert_int_equal(w->in.header.id, (uint16_t)(first + i));
		assert_int_equal(w->in.size, 3016);
	}
}

/* The server's socket is for its user alone. */
static void test_socket_mode(void **state)
{
	struct wire *w = *state;
	struct stat st;

	assert_int_equal(stat(w->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_device_info, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_region_info, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_region_mmap, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_io_fds, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_irq_info, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_access, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_large_access, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_posted, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_write_multi, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_reset, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_pipelined, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_socket_mode, wire_setup, wire_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
