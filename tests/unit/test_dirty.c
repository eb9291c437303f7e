/* SPDX-License-Identifier: MIT */
/* Dirty pages: every write is in exactly one report, or in each while it may go on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/dma_table.h"

enum { PAGE = 4096, PAGES = 256, AT = 0x100000, RW = RISER_DMA_READ | RISER_DMA_WRITE };

static struct riser__dma_table *table;
static int fd;
static uint8_t bitmap[PAGES / 8];

static int start(void **state)
{
	(void)state;
	fd = memfd_create("guest", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, PAGES * PAGE), 0);
	assert_int_equal(riser__dma_table_create(1000, &table), 0);
	assert_int_equal(riser__dma_table_add(table, AT, PAGES * PAGE, fd, 0, RW), 0);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	riser__dma_table_destroy(table);
	close(fd);
	return 0;
}

static void put(uint64_t iova, size_t length)
{
	static uint8_t bytes[8 * PAGE];

	assert_int_equal(riser__dma_table_copy(table, iova, bytes, length, true), 0);
}

/* How many pages a report of [iova, iova + pages) has. */
static unsigned report(uint64_t iova, uint64_t pages, uint64_t page_size)
{
	unsigned count = 0;

	memset(bitmap, 0xff, sizeof(bitmap));
	assert_int_equal(riser__dma_table_dirty(table, iova, pages * page_size, page_size,
						bitmap, sizeof(bitmap)),
			 0);
	for (unsigned i = 0; i < sizeof(bitmap); i++)
		count += (unsigned)__builtin_popcount(bitmap[i]);
	return count;
}

static bool bit(unsigned page)
{
	return bitmap[page / 8] >> page % 8 & 1;
}

static void test_copies(void **state)
{
	uint32_t word;

	(void)state;
	put(AT, 4); /* before it is recorded */
	assert_int_equal(riser__dma_table_log(table, true, PAGE), 0);
	assert_int_equal(report(AT, PAGES, PAGE), 0);
	put(AT + 3 * PAGE + 8, 4);
	put(AT + 70 * PAGE - 1, 2 * PAGE);
	assert_int_equal(riser__dma_table_copy(table, AT, &word, 4, false), 0);
	assert_int_equal(report(AT, PAGES, PAGE), 4);
	assert_true(bit(3) && bit(69) && bit(70) && bit(71));
	assert_int_equal(report(AT, PAGES, PAGE), 0);
	put(AT + 3 * PAGE, 1);
	assert_int_equal(riser__dma_table_log(table, false, 0), 0);
	assert_int_equal(riser__dma_table_dirty(table, AT, PAGE, PAGE, bitmap, 1), -EINVAL);
	assert_int_equal(riser__dma_table_log(table, true, PAGE), 0);
	assert_int_equal(report(AT, PAGES, PAGE), 0);
}

/* What a report does not cover is still there for the next one, in the same word too. */
static void test_part_by_part(void **state)
{
	(void)state;
	assert_int_equal(riser__dma_table_log(table, true, PAGE), 0);
	for (unsigned page = 0; page < PAGES; page++)
		put(AT + page * PAGE, 1);
	for (unsigned page = 0; page < PAGES; page += 5) {
		unsigned rest = PAGES - page < 5 ? PAGES - page : 5;

		assert_int_equal(report(AT + page * PAGE, rest, PAGE), rest);
		assert_true(bit(0) && bit(rest - 1));
		assert_int_equal(report(AT + page * PAGE, rest, PAGE), 0);
	}
	assert_int_equal(report(AT, PAGES, PAGE), 0);
}

static void test_coarser_pages(void **state)
{
	(void)state;
	assert_int_equal(riser__dma_table_log(table, true, PAGE), 0);
	put(AT + 5 * PAGE, 1);
	put(AT + 17 * PAGE, 1);
	assert_int_equal(report(AT, PAGES / 16, 16 * PAGE), 2);
	assert_true(bit(0) && bit(1));
	/* Recorded coarser than the memory is laid out: its pages lie on their own grid. */
	riser__dma_table_clear(table);
	assert_int_equal(riser__dma_table_log(table, true, 16 * PAGE), 0);
	assert_int_equal(riser__dma_table_add(table, AT + 15 * PAGE, 3 * PAGE, fd, 0, RW), 0);
	put(AT + 16 * PAGE, 1);
	assert_int_equal(report(AT, 4, 16 * PAGE), 1);
	assert_true(bit(1));
	assert_int_equal(riser__dma_table_dirty(table, AT, 16 * PAGE, PAGE, bitmap, 2),
			 -EINVAL);
	assert_int_equal(
		riser__dma_table_dirty(table, AT + PAGE, 16 * PAGE, 16 * PAGE, bitmap, 2),
		-EINVAL);
}

static void test_held_mappings(void **state)
{
	struct riser_dma dma, reader;

	(void)state;
	assert_int_equal(riser__dma_table_map(table, AT + PAGE + 5, PAGE, RW, &dma), 0);
	assert_int_equal(riser__dma_table_map(table, AT, PAGE, RISER_DMA_READ, &reader), 0);
	assert_int_equal(riser__dma_table_log(table, true, PAGE), 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(report(AT, PAGES, PAGE), 2);
		assert_true(bit(1) && bit(2));
	}
	assert_int_equal(report(AT + 2 * PAGE, 1, PAGE), 1);
	assert_int_equal(report(AT + 3 * PAGE, 1, PAGE), 0);
	assert_int_equal(riser__dma_unmap(&dma), 0);
	assert_int_equal(riser__dma_unmap(&reader), 0);
	assert_int_equal(report(AT, PAGES, PAGE), 2); /* the last time */
	assert_int_equal(report(AT, PAGES, PAGE), 0);
}

/* What was written before it was taken back is told once, what is written after it never. */
static void test_held_and_taken_back(void **state)
{
	struct riser_dma dma;

	(void)state;
	assert_int_equal(riser__dma_table_log(table, true, PAGE), 0);
	put(AT + 9 * PAGE, 1);
	assert_int_equal(riser__dma_table_map(table, AT + PAGE, PAGE, RW, &dma), 0);
	assert_int_equal(riser__dma_table_enable(table, false), 1);
	assert_int_equal(report(AT, PAGES, PAGE), 2);
	assert_true(bit(1) && bit(9));
	assert_int_equal(riser__dma_unmap(&dma), -ESTALE);
	assert_int_equal(report(AT, PAGES, PAGE), 0);
	assert_int_equal(riser__dma_table_enable(table, true), 0);
	put(AT + 2 * PAGE, 1);
	assert_int_equal(report(AT, PAGES, PAGE), 1);
	assert_true(bit(2));
}

static void test_ends_of_the_address_space(void **state)
{
	(void)state;
	assert_int_equal(riser__dma_table_log(table, true, PAGE), 0);
	assert_int_equal(riser__dma_table_add(table, -(uint64_t)PAGE, PAGE, fd, 0, RW), 0);
	assert_int_equal(riser__dma_table_add(table, 0, PAGE, fd, 0, RW), 0);
	put(UINT64_MAX, 1);
	put(0, 1);
	assert_int_equal(report(0, 8, PAGE), 1);
	assert_int_equal(report(-(uint64_t)PAGE * 4, 4, PAGE), 1);
	assert_true(bit(3));
}

/* Memory that only messages reach has no pages to record, however large a host says it is. */
static void test_what_is_announced_later(void **state)
{
	(void)state;
	assert_int_equal(riser__dma_table_log(table, true, PAGE), 0);
	assert_int_equal(riser__dma_table_add(table, UINT64_C(1) << 63,
					      (UINT64_C(1) << 63) - PAGE, -1, 0, RW),
			 0);
	assert_int_equal(riser__dma_table_log(table, true, PAGE), 0);
	riser__dma_table_clear(table);
	assert_int_equal(riser__dma_table_add(table, AT, 2 * PAGE, fd, 0, RW), 0);
	put(AT + PAGE, 1);
	assert_int_equal(report(AT, 2, PAGE), 1);
	assert_true(bit(1));
}

static void test_bad_requests(void **state)
{
	(void)state;
	assert_int_equal(riser__dma_table_log(table, true, 1024), -EINVAL);
	assert_int_equal(riser__dma_table_log(table, true, 3 * PAGE), -EINVAL);
	assert_int_equal(riser__dma_table_log(table, true, PAGE), 0);
	assert_int_equal(riser__dma_table_dirty(table, AT, 9 * PAGE, PAGE, bitmap, 1), -EINVAL);
	assert_int_equal(riser__dma_table_dirty(table, AT, 0, PAGE, bitmap, 1), -EINVAL);
	assert_int_equal(riser__dma_table_dirty(table, AT, PAGE, 0, bitmap, 1), -EINVAL);
	assert_int_equal(
		riser__dma_table_dirty(table, -(uint64_t)PAGE, 2 * PAGE, PAGE, bitmap, 1),
		-EINVAL);
}

static atomic_bool over;
static atomic_uint newest;

/* Writes number after number, each to the next page. */
static void *write_numbers(void *arg)
{
	(void)arg;
	for (uint32_t n = 1; !atomic_load(&over); n++) {
		if (riser__dma_table_copy(table, AT + n % PAGES * PAGE, &n, 4, true))
			break;
		atomic_store(&newest, n);
	}
	return NULL;
}

/* Copies what is reported while it is being written, as a migration does; nothing is missed. */
static void test_no_write_is_lost(void **state)
{
	const uint8_t *memory = mmap(NULL, PAGES * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	uint32_t copied[PAGES] = { 0 };
	pthread_t thread;

	(void)state;
	assert_true(memory != MAP_FAILED);
	assert_int_equal(riser__dma_table_log(table, true, PAGE), 0);
	atomic_store(&over, false);
	atomic_store(&newest, 0);
	pthread_create(&thread, NULL, write_numbers, NULL);
	for (unsigned round = 0; round < 2000 || atomic_load(&newest) < PAGES; round++) {
		if (round == 2000)
			usleep(1000);
		report(AT, PAGES, PAGE);
		for (unsigned page = 0; page < PAGES; page++) {
			if (bit(page))
				copied[page] = __atomic_load_n(
					(const uint32_t *)(memory + page * PAGE),
					__ATOMIC_ACQUIRE);
		}
	}
	atomic_store(&over, true);
	pthread_join(thread, NULL);
	report(AT, PAGES, PAGE);
	for (unsigned page = 0; page < PAGES; page++) {
		if (bit(page))
			copied[page] = *(const uint32_t *)(memory + page * PAGE);
		assert_int_equal(copied[page], *(const uint32_t *)(memory + page * PAGE));
	}
	munmap((void *)memory, PAGES * PAGE);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(test_copies),
		TEST(test_part_by_part),
		TEST(test_coarser_pages),
		TEST(test_held_mappings),
		TEST(test_held_and_taken_back),
		TEST(test_ends_of_the_address_space),
		TEST(test_what_is_announced_later),
		TEST(test_bad_requests),
		TEST(test_no_write_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
