/* SPDX-License-Identifier: MIT */
/* Guest memory: ranges, copies, held mappings and their end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/dma_fast.h"
#include "core/dma_table.h"

enum { PAGE = 4096, PAGES = 16, RW = RISER_DMA_READ | RISER_DMA_WRITE };

static struct riser__dma_table *table;
static int fd;
static uint8_t *memory; /* what the guest sees */

static int start(void **state)
{
	(void)state;
	fd = memfd_create("guest", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, PAGES * PAGE), 0);
	memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(memory != MAP_FAILED);
	assert_int_equal(riser__dma_table_create(1000, &table), 0);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	riser__dma_table_destroy(table);
	table = NULL;
	munmap(memory, PAGES * PAGE);
	close(fd);
	return 0;
}

static int add(uint64_t iova, uint64_t pages, uint64_t page)
{
	return riser__dma_table_add(table, iova, pages * PAGE, fd, page * PAGE, RW);
}

static void test_what_cannot_be_added(void **state)
{
	(void)state;
	assert_int_equal(riser__dma_table_add(table, 0, 0, -1, 0, RW), -EINVAL);
	assert_int_equal(riser__dma_table_add(table, 1, PAGE, -1, 0, RW), -EINVAL);
	assert_int_equal(riser__dma_table_add(table, 0, PAGE + 1, -1, 0, RW), -EINVAL);
	assert_int_equal(riser__dma_table_add(table, 0, PAGE, -1, 0, 0), -EINVAL);
	assert_int_equal(riser__dma_table_add(table, -(uint64_t)PAGE, 2 * PAGE, -1, 0, RW),
			 -EINVAL);
	assert_int_equal(riser__dma_table_add(table, 0, PAGE, fd, 512, RW), -EINVAL);
	assert_int_equal(add(0, 1, PAGES), -EINVAL); /* past the end of the file */
	assert_int_equal(add(0, PAGES, 1), -EINVAL);
	assert_int_equal(riser__dma_table_add(table, 0, PAGE, fd, INT64_MAX - PAGE + 1, RW),
			 -EINVAL);
	assert_int_equal(riser__dma_table_add(table, 0, PAGE, 9999, 0, RW), -EBADF);
	assert_int_equal(add(PAGE, 2, 0), 0);
	assert_int_equal(add(2 * PAGE, 2, 0), -EEXIST);
	assert_int_equal(add(0, 2, 0), -EEXIST);
	assert_int_equal(add(0, 4, 0), -EEXIST);
	assert_int_equal(add(0, 1, 0), 0);
	assert_int_equal(add(3 * PAGE, 1, 0), 0);
}

static void test_limit(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(riser__dma_table_add(table, i * PAGE, PAGE, -1, 0, RW), 0);
	assert_int_equal(add(1000 * PAGE, 1, 0), -ENOSPC);
	assert_int_equal(riser__dma_table_remove(table, 500 * PAGE, PAGE, NULL), 0);
	assert_int_equal(add(1000 * PAGE, 1, 0), 0);
}

static void test_remove_takes_whole_ranges(void **state)
{
	uint64_t removed = 1;
	uint32_t word = 0;

	(void)state;
	assert_int_equal(add(0, 2, 0), 0);
	assert_int_equal(add(2 * PAGE, 2, 0), 0);
	assert_int_equal(add(8 * PAGE, 2, 0), 0);
	assert_int_equal(riser__dma_table_remove(table, 0, 3 * PAGE, NULL), -EINVAL);
	assert_int_equal(riser__dma_table_remove(table, PAGE, 3 * PAGE, NULL), -EINVAL);
	assert_int_equal(riser__dma_table_remove(table, 4 * PAGE, 4 * PAGE, &removed), 0);
	assert_int_equal(removed, 0);
	assert_int_equal(riser__dma_table_remove(table, 1, 4 * PAGE, NULL), -EINVAL);
	assert_int_equal(riser__dma_table_remove(table, 0, PAGE + 1, NULL), -EINVAL);
	assert_int_equal(riser__dma_table_remove(table, 0, 0, NULL), -EINVAL);
	assert_int_equal(riser__dma_table_remove(table, PAGE, UINT64_MAX, NULL), -EINVAL);
	assert_int_equal(riser__dma_table_copy(table, 0, &word, 4, false), 0);
	assert_int_equal(riser__dma_table_remove(table, 0, 6 * PAGE, &removed), 0);
	assert_int_equal(removed, 4 * PAGE);
	assert_int_equal(riser__dma_table_copy(table, 0, &word, 4, false), -EFAULT);
	assert_int_equal(riser__dma_table_copy(table, 3 * PAGE, &word, 4, false), -EFAULT);
	assert_int_equal(riser__dma_table_copy(table, 8 * PAGE, &word, 4, false), 0);
	assert_true(riser__dma_table_clear(table) > 0);
	assert_int_equal(riser__dma_table_copy(table, 8 * PAGE, &word, 4, false), -EFAULT);
}

static void test_the_last_page_there_is(void **state)
{
	uint64_t word = 0x1122334455667788, back = 0;

	(void)state;
	assert_int_equal(add(-(uint64_t)PAGE, 1, 3), 0);
	assert_int_equal(riser__dma_table_copy(table, UINT64_MAX - 7, &word, 8, true), 0);
	assert_memory_equal(memory + 4 * PAGE - 8, &word, 8);
	assert_int_equal(riser__dma_table_copy(table, UINT64_MAX - 7, &back, 8, false), 0);
	assert_true(back == word);
	assert_int_equal(riser__dma_table_copy(table, UINT64_MAX - 6, &back, 8, false),
			 -EFAULT);
	assert_int_equal(riser__dma_table_remove(table, -(uint64_t)PAGE, PAGE, NULL), 0);
}

/* A few hundred ranges come and go in any order; the truth is one byte a page. */
static void test_index_against_a_plain_array(void **state)
{
	enum { SPAN = 900, STEPS = 30000 };
	static uint8_t truth[SPAN];
	uint64_t removed;
	unsigned seed = 1;
	uint8_t byte;

	(void)state;
	memset(truth, 0, sizeof(truth));
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned page = (seed = seed * 1664525 + 1013904223) >> 8;
		/* Fills up, empties, and so on, so that chunks are made and joined. */
		bool want = (page >> 12) % 8 < (step / 4000 % 2 ? 2u : 6u);

		page %= SPAN;
		if (want) {
			assert_int_equal(
				riser__dma_table_add(table, page * PAGE, PAGE, -1, 0, RW),
				truth[page] ? -EEXIST : 0);
		} else {
			assert_int_equal(
				riser__dma_table_remove(table, page * PAGE, PAGE, &removed), 0);
			assert_int_equal(removed, truth[page] ? PAGE : 0);
		}
		truth[page] = want;
		if (step % 500)
			continue;
		for (unsigned i = 0; i < SPAN; i++)
			assert_int_equal(
				riser__dma_table_copy(table, i * PAGE + 7, &byte, 1, false),
				truth[i] ? -EREMOTE : -EFAULT);
	}
}

static void test_copy_over_neighbours(void **state)
{
	uint8_t out[3 * PAGE], in[3 * PAGE];

	(void)state;
	assert_int_equal(add(0, 1, 5), 0);
	assert_int_equal(add(PAGE, 1, 2), 0);
	assert_int_equal(add(2 * PAGE, 2, 9), 0);
	for (unsigned i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 7 + i / 256);
	assert_int_equal(riser__dma_table_copy(table, 100, out, sizeof(out), true), 0);
	assert_memory_equal(memory + 5 * PAGE + 100, out, PAGE - 100);
	assert_memory_equal(memory + 2 * PAGE, out + PAGE - 100, PAGE);
	assert_memory_equal(memory + 9 * PAGE, out + 2 * PAGE - 100, PAGE + 100);
	assert_int_equal(riser__dma_table_copy(table, 100, in, sizeof(in), false), 0);
	assert_memory_equal(in, out, sizeof(in));
}

static void test_all_or_nothing(void **state)
{
	uint8_t ones[2 * PAGE], zero[PAGE] = { 0 };

	(void)state;
	memset(ones, 1, sizeof(ones));
	assert_int_equal(add(0, 1, 0), 0);
	assert_int_equal(riser__dma_table_copy(table, 0, ones, sizeof(ones), true), -EFAULT);
	assert_int_equal(riser__dma_table_add(table, PAGE, PAGE, -1, 0, RW), 0);
	assert_int_equal(riser__dma_table_copy(table, 0, ones, sizeof(ones), true), -EREMOTE);
	assert_int_equal(riser__dma_table_remove(table, PAGE, PAGE, NULL), 0);
	assert_int_equal(riser__dma_table_add(table, PAGE, PAGE, fd, PAGE, RISER_DMA_READ), 0);
	assert_int_equal(riser__dma_table_copy(table, 0, ones, sizeof(ones), true), -EFAULT);
	assert_memory_equal(memory, zero, PAGE);
	assert_int_equal(riser__dma_table_copy(table, 0, ones, sizeof(ones), false), 0);
	assert_int_equal(riser__dma_table_copy(table, UINT64_MAX, ones, 2, false), -EFAULT);
	assert_int_equal(riser__dma_table_copy(table, 12345678, NULL, 0, true), 0);
	assert_int_equal(riser__dma_table_add(table, 8 * PAGE, PAGE, fd, 0, RISER_DMA_WRITE),
			 0);
	assert_int_equal(riser__dma_table_copy(table, 8 * PAGE, ones, 8, true), 0);
	assert_int_equal(riser__dma_table_copy(table, 8 * PAGE, ones, 8, false), -EFAULT);
}

static atomic_bool over;

static void *flip(void *arg)
{
	const size_t size = *(size_t *)arg;
	uint64_t value = 0;

	while (!atomic_load(&over)) {
		value = ~value;
		if (riser__dma_table_copy(table, 64, &value, size, true))
			abort();
	}
	return NULL;
}

static void test_aligned_accesses_are_never_torn(void **state)
{
	(void)state;
	assert_int_equal(add(0, 1, 0), 0);
	for (size_t size = 2; size <= 8; size *= 2) {
		uint64_t all = UINT64_MAX >> (64 - 8 * size), seen;
		pthread_t thread;

		memset(memory, 0, PAGE);
		atomic_store(&over, false);
		pthread_create(&thread, NULL, flip, &size);
		for (unsigned i = 0; i < 20000; i++) {
			seen = 0;
			assert_int_equal(riser__dma_table_copy(table, 64, &seen, size, false),
					 0);
			assert_true(!seen || seen == all);
		}
		atomic_store(&over, true);
		pthread_join(thread, NULL);
	}
}

static void test_map(void **state)
{
	struct riser_dma dma, moved;

	(void)state;
	assert_int_equal(add(0, 2, 1), 0);
	assert_int_equal(add(2 * PAGE, 1, 3), 0);
	assert_int_equal(riser__dma_table_add(table, 4 * PAGE, PAGE, -1, 0, RW), 0);
	assert_int_equal(riser__dma_table_add(table, 6 * PAGE, PAGE, fd, 0, RISER_DMA_READ), 0);
	assert_int_equal(riser__dma_table_map(table, PAGE, 2 * PAGE, RW, &dma), -EFAULT);
	assert_int_equal(riser__dma_table_map(table, 3 * PAGE, 1, RW, &dma), -EFAULT);
	assert_int_equal(riser__dma_table_map(table, 4 * PAGE, 1, RW, &dma), -EFAULT);
	assert_int_equal(riser__dma_table_map(table, 6 * PAGE, 1, RISER_DMA_WRITE, &dma),
			 -EFAULT);
	assert_int_equal(riser__dma_table_map(table, 0, 0, RW, &dma), -EINVAL);
	assert_int_equal(riser__dma_table_map(table, 0, 1, 0, &dma), -EINVAL);
	assert_null(dma.data);
	assert_int_equal(riser__dma_table_map(table, 16, 2 * PAGE - 16, RW, &dma), 0);
	assert_int_equal(dma.length, 2 * PAGE - 16);
	assert_int_equal(dma.iova, 16);
	strcpy(dma.data, "hello");
	assert_string_equal((char *)memory + PAGE + 16, "hello");
	moved = dma; /* it may be kept anywhere */
	memset(&dma, 0xff, sizeof(dma));
	assert_int_equal(riser__dma_unmap(&moved), 0);
	assert_null(moved.data);
	assert_int_equal(riser__dma_unmap(&moved), -EINVAL);
	assert_int_equal(riser__dma_table_map(table, 6 * PAGE, 1, RISER_DMA_READ, &dma), 0);
	assert_int_equal(riser__dma_unmap(&dma), 0);
}

static void test_revoked(void **state)
{
	struct riser_dma first, second;
	char *seen;

	(void)state;
	assert_int_equal(add(0, 4, 0), 0);
	assert_int_equal(riser__dma_table_map(table, 0, PAGE, RW, &first), 0);
	assert_int_equal(riser__dma_table_map(table, 3 * PAGE, PAGE, RISER_DMA_READ, &second),
			 0);
	strcpy(first.data, "before");
	assert_int_equal(riser__dma_table_remove(table, 0, 4 * PAGE, NULL), 0);
	seen = first.data;
	strcpy(seen, "after");
	assert_string_equal((char *)memory, "before");
	memory[3 * PAGE] = 99;
	assert_int_equal(*(char *)second.data, 0);
	assert_int_equal(add(0, 4, 0), 0); /* the same again is another range */
	assert_string_equal(seen, "after");
	assert_int_equal(riser__dma_unmap(&first), -ESTALE);
	riser__dma_table_destroy(table);
	table = NULL;
	assert_int_equal(*(char *)second.data, 0);
	assert_int_equal(riser__dma_unmap(&second), -ESTALE);
}

/* To the thread sanitizer new pages are a write; that they are none is what is tested. */
__attribute__((no_sanitize("thread"))) static void *write_on(void *arg)
{
	const struct riser_dma *dma = arg;

	while (!atomic_load(&over))
		__atomic_fetch_add((uint32_t *)dma->data, 1, __ATOMIC_RELAXED);
	return NULL;
}

/* The pages change under a thread that uses them, and it does not notice. */
static void test_revoked_while_in_use(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		struct riser_dma dma;
		pthread_t thread;
		uint32_t seen;

		assert_int_equal(add(0, 4, 0), 0);
		assert_int_equal(riser__dma_table_map(table, PAGE, PAGE, RW, &dma), 0);
		atomic_store(&over, false);
		pthread_create(&thread, NULL, write_on, &dma);
		usleep(200);
		assert_int_equal(riser__dma_table_remove(table, 0, 4 * PAGE, NULL), 0);
		seen = __atomic_load_n((uint32_t *)(memory + PAGE), __ATOMIC_RELAXED);
		usleep(200);
		assert_int_equal(__atomic_load_n((uint32_t *)(memory + PAGE), __ATOMIC_RELAXED),
				 seen);
		atomic_store(&over, true);
		pthread_join(thread, NULL);
		assert_int_equal(riser__dma_unmap(&dma), -ESTALE);
	}
}

static atomic_uint copies, misses;

static void *use(void *arg)
{
	uint64_t at = (uintptr_t)arg * 64;

	while (!atomic_load(&over)) {
		struct riser_dma dma;
		uint8_t bytes[48];
		int ret = riser__dma_table_copy(table, at, bytes, sizeof(bytes), at & 64);

		if (ret && ret != -EFAULT)
			abort();
		atomic_fetch_add(ret ? &misses : &copies, 1);
		if (riser__dma_table_map(table, at, 8, RW, &dma))
			continue;
		ret = riser__dma_unmap(&dma);
		if (ret && ret != -ESTALE)
			abort();
	}
	return NULL;
}

/* Memory goes and comes while others use it; nobody waits for ever. */
static void test_any_thread(void **state)
{
	pthread_t threads[3];

	(void)state;
	atomic_store(&over, false);
	copies = misses = 0;
	for (uintptr_t i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, use, (void *)i);
	for (unsigned i = 0; i < 300 || !copies || !misses; i++) {
		assert_int_equal(riser__dma_table_log(table, i % 3, PAGE), 0);
		assert_int_equal(add(0, 1, 0), 0);
		usleep(100);
		assert_int_equal(riser__dma_table_log(table, i % 2, PAGE), 0);
		assert_int_equal(riser__dma_table_remove(table, 0, PAGE, NULL), 0);
	}
	atomic_store(&over, true);
	for (unsigned i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}

static void *fill(void *arg)
{
	uint8_t page[PAGE];

	(void)arg;
	for (unsigned n = 0; !atomic_load(&over); n++) {
		int ret;

		memset(page, (int)n, sizeof(page));
		ret = riser__dma_table_copy(table, 0, page, sizeof(page), true);
		if (ret && ret != -EFAULT)
			abort();
		atomic_fetch_add(ret ? &misses : &copies, 1);
	}
	return NULL;
}

/* Once memory was taken away nothing is written to it, however fast somebody writes. */
static void test_nothing_is_written_after(void **state)
{
	uint8_t *before = malloc(PAGE);
	pthread_t thread;

	(void)state;
	assert_non_null(before);
	atomic_store(&over, false);
	copies = misses = 0;
	pthread_create(&thread, NULL, fill, NULL);
	for (unsigned i = 0; i < 300 || !copies || !misses; i++) {
		unsigned seen = copies;

		assert_int_equal(add(0, 1, 0), 0);
		for (unsigned n = 0; n < 1000 && copies < seen + 5; n++)
			usleep(10);
		assert_int_equal(riser__dma_table_remove(table, 0, PAGE, NULL), 0);
		memcpy(before, memory, PAGE);
		usleep(50);
		assert_memory_equal(before, memory, PAGE);
	}
	atomic_store(&over, true);
	pthread_join(thread, NULL);
	free(before);
}

/* QEMU's memory in huge pages is announced in pieces that are not whole ones. */
static void test_huge_pages(void **state)
{
	int huge = memfd_create("huge", MFD_CLOEXEC | MFD_HUGETLB);
	uint32_t word = 0x11223344, back = 0;
	struct riser_dma dma;
	void *probe = MAP_FAILED;

	(void)state;
	if (huge >= 0 && !ftruncate(huge, 2 << 20))
		probe = mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, huge, 0);
	if (probe == MAP_FAILED) {
		if (huge >= 0)
			close(huge);
		skip();
	}
	assert_int_equal(riser__dma_table_add(table, 0, 640 << 10, huge, 0, RW), 0);
	assert_int_equal(riser__dma_table_add(table, 1 << 20, PAGE, huge, 1 << 20, RW), 0);
	assert_int_equal(riser__dma_table_copy(table, 1 << 20, &word, 4, true), 0);
	memcpy(&back, (char *)probe + (1 << 20), 4);
	assert_int_equal(back, word);
	assert_int_equal(riser__dma_table_map(table, 1 << 20, PAGE, RW, &dma), 0);
	assert_int_equal(riser__dma_table_remove(table, 1 << 20, PAGE, NULL), 0);
	assert_int_equal(*(uint32_t *)dma.data, 0);
	assert_int_equal(riser__dma_unmap(&dma), -ESTALE);
	munmap(probe, 2 << 20);
	close(huge);
}

/* Off and on again: what was held is private for good, the memory is the guest's as before. */
static void test_off_and_on(void **state)
{
	uint32_t word = 0x11223344, back;
	struct riser_dma first, second;

	(void)state;
	assert_int_equal(add(0, 4, 0), 0);
	assert_int_equal(add(8 * PAGE, 4, 4), 0);
	assert_int_equal(riser__dma_table_enable(table, false), 0);
	assert_int_equal(riser__dma_table_enable(table, true), 0);
	assert_int_equal(riser__dma_table_map(table, PAGE + 8, 8, RW, &first), 0);
	assert_int_equal(riser__dma_table_map(table, 2 * PAGE, PAGE, RW, &second), 0);
	memory[2 * PAGE] = 5;
	assert_int_equal(riser__dma_table_enable(table, false), 1);
	assert_int_equal(riser__dma_table_copy(table, PAGE, &word, 4, true), -EACCES);
	assert_int_equal(riser__dma_table_copy(table, 8 * PAGE, &word, 4, false), -EACCES);
	memcpy(first.data, &word, sizeof(word));
	*(uint8_t *)second.data = 6;
	assert_int_equal(memory[PAGE + 8], 0);
	assert_int_equal(memory[2 * PAGE], 5);
	assert_int_equal(riser__dma_unmap(&first), -ESTALE);
	assert_int_equal(riser__dma_table_map(table, PAGE + 8, 8, RW, &first), -EACCES);
	assert_int_equal(riser__dma_table_enable(table, true), 0);
	assert_int_equal(riser__dma_table_copy(table, 2 * PAGE - 4, &word, 8, true), 0);
	assert_int_equal(riser__dma_table_copy(table, 2 * PAGE - 4, &back, 4, false), 0);
	assert_int_equal(back, word);
	assert_memory_equal(memory + 2 * PAGE - 4, &word, 4);
	assert_int_equal(riser__dma_unmap(&second), -ESTALE);
	assert_int_equal(riser__dma_table_map(table, PAGE + 8, 8, RW, &first), 0);
	assert_int_equal(riser__dma_table_remove(table, 0, 4 * PAGE, NULL), 0);
	assert_int_equal(riser__dma_unmap(&first), -ESTALE);
}

/* ---- Where the kernel refuses the fence ---- */

enum { NO_FILTER = 77 };

/* The calling thread, and those that it starts, have no membarrier(2) from here on. */
static bool refuse_membarrier(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { sizeof(filter) / sizeof(*filter), filter };

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* In a process of its own, which the filter ends with; a table made before it. */
static void run_refused(int (*run)(void))
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (!child)
		_exit(refuse_membarrier() ? run() : NO_FILTER);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == NO_FILTER)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

struct inside {
	struct riser__dma_fast fast;
	struct riser__dma_range *range;
	sem_t entered, go_on;
	bool lost; /* the range could be entered again, or was not marked */
};

/* Amid a copy, the range is taken away. */
static void *copy_inside(void *arg)
{
	struct inside *inside = arg;
	struct riser__dma_range *range;

	riser__dma_fast_remember(&inside->fast, inside->range);
	range = riser__dma_fast_enter(&inside->fast, 0, PAGE, RW);
	sem_post(&inside->entered);
	sem_wait(&inside->go_on);
	if (!range)
		return NULL;
	memset(range->memory, 0x5a, PAGE);
	inside->lost = !atomic_load(&range->mapping.broken);
	riser__dma_fast_leave(&inside->fast);
	inside->lost |= !!riser__dma_fast_enter(&inside->fast, 0, PAGE, RW);
	riser__dma_fast_pass(&inside->fast);
	return range;
}

static int take_from_inside(void)
{
	struct inside inside = { .lost = false };
	void *entered;
	pthread_t thread;
	int wrong = 0;

	/* The kernel was asked for its help before the filter came. */
	inside.fast.able = true;
	sem_init(&inside.entered, 0, 0);
	sem_init(&inside.go_on, 0, 0);
	if (riser__dma_range_create(0, PAGE, fd, 0, RW, &inside.range) ||
	    pthread_create(&thread, NULL, copy_inside, &inside))
		return 1;
	sem_wait(&inside.entered);
	memset(memory, 0x11, PAGE);
	wrong |= riser__dma_fast_forget(&inside.fast) << 1;
	riser__dma_range_revoke(inside.range);
	sem_post(&inside.go_on);
	pthread_join(thread, &entered);
	wrong |= (!entered || inside.lost) << 2;
	wrong |= (memory[0] != 0x11 || memory[PAGE - 1] != 0x11) << 3;
	/* The owner has come by. */
	wrong |= !riser__dma_fast_forget(&inside.fast) << 4;
	return wrong;
}

/* No fence, and no time: who is in a range keeps it, but not the guest's memory. */
static void test_refused_amid_a_copy(void **state)
{
	(void)state;
	run_refused(take_from_inside);
}

static sem_t turn[2];

static void *copy_by_turns(void *arg)
{
	uint8_t byte = 1;

	(void)arg;
	for (unsigned i = 0; i < 2; i++) {
		sem_wait(&turn[0]);
		if (riser__dma_table_copy(table, 0, &byte, 1, true))
			byte = 0;
		sem_post(&turn[1]);
	}
	return byte ? table : NULL;
}

static int record_refused(void)
{
	pthread_t thread;
	void *copied;
	int wrong = 0;

	sem_init(&turn[0], 0, 1);
	sem_init(&turn[1], 0, 0);
	if (add(0, 1, 0) || pthread_create(&thread, NULL, copy_by_turns, NULL))
		return 1;
	sem_wait(&turn[1]);
	for (unsigned i = 0; i < 2; i++)
		wrong |= (riser__dma_table_log(table, true, PAGE) != -EBUSY) << 1;
	sem_post(&turn[0]);
	sem_wait(&turn[1]);
	pthread_join(thread, &copied);
	wrong |= !copied << 2;
	wrong |= !!riser__dma_table_log(table, true, PAGE) << 3;
	wrong |= !!riser__dma_table_remove(table, 0, PAGE, NULL) << 4;
	riser__dma_table_destroy(table);
	return wrong;
}

/* Recording begins when the thread that may be copying unrecorded has been seen to have ended.
 */
static void test_refused_before_recording(void **state)
{
	(void)state;
	run_refused(record_refused);
}

static int write_refused(void)
{
	test_nothing_is_written_after(NULL);
	riser__dma_table_destroy(table);
	return 0;
}

static void test_refused_while_in_use(void **state)
{
	(void)state;
	run_refused(write_refused);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(test_what_cannot_be_added),
		TEST(test_limit),
		TEST(test_remove_takes_whole_ranges),
		TEST(test_the_last_page_there_is),
		TEST(test_index_against_a_plain_array),
		TEST(test_copy_over_neighbours),
		TEST(test_all_or_nothing),
		TEST(test_aligned_accesses_are_never_torn),
		TEST(test_map),
		TEST(test_revoked),
		TEST(test_revoked_while_in_use),
		TEST(test_any_thread),
		TEST(test_nothing_is_written_after),
		TEST(test_huge_pages),
		TEST(test_off_and_on),
		TEST(test_refused_amid_a_copy),
		TEST(test_refused_before_recording),
		TEST(test_refused_while_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
