/* SPDX-License-Identifier: MIT */
/* Everything the kit offers, through one device that uses it all. */
#include "harness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/pci_regs.h>

#include "testdev/testdev_regs.h"

enum { DMA_COPY = 1, DMA_MAPPED, DMA_SCATTER, DMA_HOLD, DMA_USE, DMA_RELEASE };

static uint32_t reg(struct riser_host *host, uint64_t offset)
{
	return (uint32_t)get(host, 0, offset, 4);
}

static void set(struct riser_host *host, uint64_t offset, uint32_t value)
{
	put(host, 0, offset, 4, value);
}

/* ---- BARs ---- */

static void bar_kinds(struct riser_host *host)
{
	struct riser_host_bar bar;

	ok(host, riser_host_bar(host, 0, &bar));
	assert_true(bar.kind == RISER_MEM32 && bar.size == 8192 && !bar.prefetchable);
	ok(host, riser_host_bar(host, 1, &bar));
	assert_true(bar.kind == RISER_IO && bar.size == 64);
	ok(host, riser_host_bar(host, 2, &bar));
	assert_true(bar.kind == RISER_MEM64 && bar.size == 16 << 20 && bar.prefetchable);
	ok(host, riser_host_bar(host, 3, &bar));
	assert_true(!bar.size);
	put(host, 1, 60, 4, 0x11223344);
	assert_int_equal(get(host, 1, 62, 1), 0x22);
}

static void register_kinds(struct riser_host *host)
{
	put(host, 0, TESTDEV_SCRATCH + 1, 1, 0xab);
	assert_int_equal(reg(host, TESTDEV_SCRATCH), 0xab00);
	set(host, TESTDEV_CLEAR, 0x0f);
	assert_int_equal(reg(host, TESTDEV_CLEAR), 0xf0);
	set(host, TESTDEV_SET, 1);
	set(host, TESTDEV_SET, 8);
	assert_int_equal(reg(host, TESTDEV_SET), 9);
	assert_int_equal(reg(host, TESTDEV_READ_CLEARS), 0xff);
	assert_int_equal(reg(host, TESTDEV_READ_CLEARS), 0xf0);
	set(host, TESTDEV_ONCE, 5);
	set(host, TESTDEV_ONCE, 6);
	assert_int_equal(reg(host, TESTDEV_ONCE), 5);
	put(host, 0, TESTDEV_WIDE, 8, 0x1122334455667788);
	assert_int_equal(get(host, 0, TESTDEV_WIDE + 4, 4), 0x11223344);
	put(host, 0, TESTDEV_TABLE(7), 4, 77);
	assert_int_equal(reg(host, TESTDEV_TABLE(7)), 77);
	assert_int_equal(reg(host, TESTDEV_TABLE(0)), 0);
}

static void shared_window(struct riser_host *host)
{
	volatile uint32_t *shared;
	void *at;

	ok(host, riser_host_map(host, 2, 0, 65536, &at));
	shared = at;
	shared[100] = 0xcafe;
	assert_int_equal(get(host, 2, 400, 4), 0xcafe);
	put(host, 2, 404, 4, 0xbabe);
	/* A posted write is done once a read behind it is. */
	reg(host, TESTDEV_ID);
	assert_int_equal(shared[101], 0xbabe);
	refused(host, riser_host_map(host, 2, 65536, 4096, &at), -ENODEV);
	refused(host, riser_host_map(host, 0, 0, 4096, &at), -ENODEV);
}

static void raw_accesses(struct riser_host *host)
{
	put(host, 2, 0x100008, 8, 0x5500);
	assert_int_equal(get(host, 2, 0x100010, 2), (0x5500 ^ 0x100010 ^ 2) & 0xffff);
	assert_int_equal(get(host, 2, 0x80000, 4), 0xffffffff);
}

/* ---- Configuration space ---- */

static void capabilities(struct riser_host *host)
{
	static const struct {
		unsigned id;
		bool extended;
	} wanted[] = { { PCI_CAP_ID_PM, false },      { PCI_CAP_ID_MSI, false },
		       { PCI_CAP_ID_MSIX, false },    { PCI_CAP_ID_EXP, false },
		       { PCI_CAP_ID_VNDR, false },    { PCI_EXT_CAP_ID_DSN, true },
		       { PCI_EXT_CAP_ID_ERR, true },  { PCI_EXT_CAP_ID_ATS, true },
		       { PCI_EXT_CAP_ID_PASID, true } };

	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		assert_int_not_equal(
			riser_host_find_cap(host, wanted[i].id, wanted[i].extended), 0);
	assert_int_equal(riser_host_find_cap(host, PCI_CAP_ID_VPD, false), 0);
	assert_int_equal(riser_host_config_size(host), 4096);
}

static void hooked_capability(struct riser_host *host)
{
	unsigned at = riser_host_find_cap(host, PCI_CAP_ID_VNDR, false);
	uint32_t value;

	ok(host, riser_host_config_write(host, at + 4, 4, 1));
	ok(host, riser_host_config_write(host, at + 4, 2, 2));
	ok(host, riser_host_config_read(host, at + 8, 4, &value));
	assert_int_equal(value, 2);
}

/* ---- Interrupts ---- */

static void intx_is_a_level(struct riser_host *host)
{
	set(host, TESTDEV_IRQ_RAISE, 0);
	set(host, TESTDEV_IRQ_RAISE, 3);
	assert_int_equal(irqs(host, 0), 1);
	assert_int_equal(irqs(host, 0), 1);
	set(host, TESTDEV_IRQ_LOWER, 0);
	assert_int_equal(irqs(host, 0), 1);
	ok(host, riser_host_irq_mask(host, 0, true));
	assert_int_equal(irqs(host, 0), 0);
	ok(host, riser_host_irq_mask(host, 0, false));
	assert_int_equal(irqs(host, 0), 1);
	set(host, TESTDEV_IRQ_LOWER, 3);
	assert_int_equal(irqs(host, 0), 0);
}

static void messages(struct riser_host *host, enum riser_irq_mode mode, unsigned vectors)
{
	ok(host, riser_host_irq_enable(host, mode, vectors));
	for (unsigned v = 0; v < vectors; v++) {
		set(host, TESTDEV_IRQ_RAISE, v);
		set(host, TESTDEV_IRQ_RAISE, v);
		assert_int_equal(irqs(host, v), 2);
	}
	ok(host, riser_host_irq_enable(host, mode, vectors));
	ok(host, riser_host_irq_mask(host, 1, true));
	set(host, TESTDEV_IRQ_RAISE, 1);
	set(host, TESTDEV_IRQ_RAISE, 0);
	assert_int_equal(irqs(host, 1), 0);
	assert_int_equal(irqs(host, 0), 1);
	ok(host, riser_host_irq_mask(host, 1, false));
	assert_int_equal(irqs(host, 1), 1);
}

static void msi(struct riser_host *host)
{
	messages(host, RISER_IRQ_MSI, 4);
	ok(host, riser_host_irq_enable(host, RISER_IRQ_MSI, 2));
	set(host, TESTDEV_IRQ_RAISE, 7); /* fewer messages than vectors */
	assert_int_equal(irqs(host, 1), 1);
}

static void msix(struct riser_host *host)
{
	messages(host, RISER_IRQ_MSIX, 8);
}

static void interrupts_beyond(struct riser_host *host)
{
	set(host, TESTDEV_IRQ_RAISE, 8);
	assert_int_equal(irqs(host, 0), 0);
	refused(host, riser_host_irq_enable(host, RISER_IRQ_MSIX, 9), -EINVAL);
	refused(host, riser_host_irq_enable(host, RISER_IRQ_MSI, 3), -EINVAL);
}

/* ---- DMA ---- */

static uint32_t dma(struct riser_host *host, uint32_t command, uint64_t from, uint64_t to,
		    uint32_t length)
{
	put(host, 0, TESTDEV_DMA_SRC, 8, from);
	put(host, 0, TESTDEV_DMA_DST, 8, to);
	set(host, TESTDEV_DMA_LENGTH, length);
	set(host, TESTDEV_DMA_COMMAND, command);
	return reg(host, TESTDEV_DMA_RESULT);
}

static uint8_t *pattern(struct riser_host *host)
{
	uint8_t *memory = riser_host_memory(host, NULL, NULL);

	for (unsigned i = 0; i < 65536; i++)
		memory[i] = (uint8_t)(i * 13 + (i >> 8));
	return memory;
}

static void dma_copy(struct riser_host *host)
{
	static const uint32_t lengths[] = { 0, 1, 2, 4, 8, 13, 4096, 65536 };
	uint8_t *memory = pattern(host);

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		memset(memory + 0x40000, 0, 65537);
		assert_int_equal(dma(host, DMA_COPY, 0, 0x40000, lengths[i]), 0);
		assert_memory_equal(memory + 0x40000, memory, lengths[i]);
		assert_int_equal(memory[0x40000 + lengths[i]], 0);
	}
	assert_int_equal(dma(host, DMA_COPY, 3, 0x50001, 4), 0);
	assert_memory_equal(memory + 0x50001, memory + 3, 4);
}

static void dma_mapped(struct riser_host *host)
{
	uint8_t *memory = pattern(host);

	assert_int_equal(dma(host, DMA_MAPPED, 0x100, 0x40000, 5000), 0);
	assert_memory_equal(memory + 0x40000, memory + 0x100, 5000);
}

static void dma_scatter(struct riser_host *host)
{
	uint8_t *memory = pattern(host);

	assert_int_equal(dma(host, DMA_SCATTER, 0, 0x40000, 200), 0);
	assert_memory_equal(memory + 0x40000, memory + 100, 100);
	assert_memory_equal(memory + 0x40000 + 100, memory, 100);
}

static void dma_errors(struct riser_host *host)
{
	uint32_t command;
	uint64_t size;

	riser_host_memory(host, &size, NULL);
	assert_int_equal(dma(host, DMA_COPY, size - 4, 0, 8), EFAULT);
	assert_int_equal(dma(host, DMA_COPY, 0, size - 4, 8), EFAULT);
	assert_int_equal(dma(host, DMA_COPY, UINT64_MAX - 3, 0, 8), EFAULT);
	assert_int_equal(dma(host, DMA_COPY, UINT64_C(1) << 40, 0, 8), EFAULT);
	assert_int_equal(dma(host, DMA_MAPPED, size - 4, 0, 8), EFAULT);
	ok(host, riser_host_config_read(host, PCI_COMMAND, 2, &command));
	ok(host, riser_host_config_write(host, PCI_COMMAND, 2,
					 command & ~(uint32_t)PCI_COMMAND_MASTER));
	assert_int_equal(dma(host, DMA_COPY, 0, 0x1000, 8), EACCES);
}

static void dma_revoked(struct riser_host *host)
{
	uint8_t *memory = pattern(host);

	assert_int_equal(dma(host, DMA_HOLD, 0, 0x40000, 4096), 0);
	assert_int_equal(dma(host, DMA_USE, 0, 0, 0), 0);
	assert_int_equal(memory[0x40000], 0x77);
	ok(host, riser_host_memory_unmap(host, 0x40000, 4096));
	memory[0x40000] = 1;
	/* The device still has its pointer; what it writes there reaches nobody. */
	assert_int_equal(dma(host, DMA_USE, 0, 0, 0), 0);
	assert_int_equal(memory[0x40000], 1);
	assert_int_equal(dma(host, DMA_RELEASE, 0, 0, 0), ESTALE);
	assert_int_equal(dma(host, DMA_COPY, 0, 0x40000, 8), EFAULT);
	ok(host, riser_host_memory_map(host, 0x40000, 4096));
	assert_int_equal(dma(host, DMA_COPY, 0, 0x40000, 8), 0);
}

/* A range in two pieces is one for copies, and none for a mapping. */
static void dma_across_ranges(struct riser_host *host)
{
	uint8_t *memory = pattern(host);

	ok(host, riser_host_memory_unmap(host, 0x40000, 0x1000));
	ok(host, riser_host_memory_map(host, 0x40000, 0x1000));
	assert_int_equal(dma(host, DMA_COPY, 0, 0x3f000, 0x3000), 0);
	assert_memory_equal(memory + 0x3f000, memory, 0x3000);
	assert_int_equal(dma(host, DMA_MAPPED, 0, 0x3f000, 0x3000), EFAULT);
}

static void dma_by_message(struct riser_host *host)
{
	dma_copy(host);
	dma_scatter(host);
	dma_errors(host);
}

/* ---- Time and work ---- */

static void timers_in_order(struct riser_host *host)
{
	ok(host, riser_host_irq_enable(host, RISER_IRQ_MSIX, 8));
	set(host, TESTDEV_TIMER_US, 5000);
	ok(host, riser_host_irq_wait(host, 1, PATIENCE));
	assert_int_equal(reg(host, TESTDEV_TIMER_COUNT), 2);
	assert_int_equal(reg(host, TESTDEV_TIMER_ORDER), 0x12);
	assert_int_equal(irqs(host, 0), 1);
}

static void timers_cancelled(struct riser_host *host)
{
	uint64_t before;

	set(host, TESTDEV_TIMER_US, 20000);
	set(host, TESTDEV_TIMER_US, 0);
	before = reg(host, TESTDEV_TIMER_COUNT); /* they may have been faster */
	ok(host, riser_host_advance(host, 60 * (uint64_t)MS));
	assert_int_equal(reg(host, TESTDEV_TIMER_COUNT), before);
	set(host, TESTDEV_TIMER_US, 20000);
	ok(host, riser_host_reset(host, RISER_RESET_FUNCTION));
	ok(host, riser_host_enable(host));
	ok(host, riser_host_advance(host, 60 * (uint64_t)MS));
	assert_int_equal(reg(host, TESTDEV_TIMER_COUNT), 0);
}

static void posts_and_watches(struct riser_host *host)
{
	ok(host, riser_host_irq_enable(host, RISER_IRQ_MSIX, 8));
	set(host, TESTDEV_POST, 1);
	set(host, TESTDEV_WATCH, 5);
	ok(host, riser_host_irq_wait(host, 4, PATIENCE));
	assert_int_equal(reg(host, TESTDEV_WATCH_COUNT), 5);
	assert_int_equal(reg(host, TESTDEV_POST_COUNT), 1);
}

static void jobs_on_worker_threads(struct riser_host *host)
{
	uint32_t word = 1000;

	memcpy(riser_host_memory(host, NULL, NULL), &word, sizeof(word));
	ok(host, riser_host_irq_enable(host, RISER_IRQ_MSIX, 8));
	for (uint32_t i = 1; i <= 10; i++) {
		set(host, TESTDEV_JOB, i);
		ok(host, riser_host_irq_wait(host, 3, PATIENCE));
		assert_int_equal(reg(host, TESTDEV_JOB_RESULT), 1000 + i);
	}
	assert_int_equal(irqs(host, 2), 10);
	assert_int_equal(reg(host, TESTDEV_POST_COUNT), 10);
}

/* ---- Reset and state ---- */

static void resets_told_apart(struct riser_host *host)
{
	set(host, TESTDEV_SCRATCH, 5);
	ok(host, riser_host_reset(host, RISER_RESET_DEVICE));
	ok(host, riser_host_enable(host));
	assert_int_equal(reg(host, TESTDEV_SCRATCH), 0);
	ok(host, riser_host_reset(host, RISER_RESET_FUNCTION));
	ok(host, riser_host_enable(host));
	assert_int_equal(reg(host, TESTDEV_RESETS(RISER_RESET_POWER_ON)), 1);
	assert_int_equal(reg(host, TESTDEV_RESETS(RISER_RESET_DEVICE)), 1);
	assert_int_equal(reg(host, TESTDEV_RESETS(RISER_RESET_FUNCTION)), 1);
	assert_int_equal(reg(host, TESTDEV_RESETS(RISER_RESET_BUS)), 0);
}

static void state_with_all_in_it(struct riser_host *host)
{
	uint32_t command;
	size_t size;
	void *state;

	set(host, TESTDEV_SCRATCH, 0x1234);
	set(host, TESTDEV_ONCE, 7);
	put(host, 2, 0x1000, 4, 0xfeed);
	put(host, 1, 8, 4, 0xbeef);
	set(host, TESTDEV_IRQ_RAISE, 6);
	set(host, TESTDEV_TIMER_US, 30000);
	ok(host, riser_host_save(host, &state, &size));
	ok(host, riser_host_reset(host, RISER_RESET_DEVICE));
	ok(host, riser_host_load(host, state, size));
	assert_int_equal(reg(host, TESTDEV_SCRATCH), 0x1234);
	set(host, TESTDEV_ONCE, 8);
	assert_int_equal(reg(host, TESTDEV_ONCE), 7);
	assert_int_equal(get(host, 2, 0x1000, 4), 0xfeed);
	assert_int_equal(get(host, 1, 8, 4), 0xbeef);
	ok(host, riser_host_config_read(host, PCI_COMMAND, 2, &command));
	assert_int_equal(command & 7, 7);
	assert_int_equal(irqs(host, 0), 1);
	while (reg(host, TESTDEV_TIMER_COUNT) < 2) /* both, which were on their way */
		ok(host, riser_host_advance(host, MS));
	/* Cut anywhere it is refused, and the device stays as it is. */
	for (size_t cut = 0; cut < size; cut += 1 + size / 37)
		assert_int_not_equal(riser_host_load(host, state, cut), 0);
	free(state);
}

int main(void)
{
	static const struct device_test tests[] = {
		{ "bar_kinds", bar_kinds },
		{ "register_kinds", register_kinds },
		{ "shared_window", shared_window },
		{ "raw_accesses", raw_accesses },
		{ "capabilities", capabilities },
		{ "hooked_capability", hooked_capability },
		{ "intx_is_a_level", intx_is_a_level },
		{ "msi", msi },
		{ "msix", msix },
		{ "interrupts_beyond", interrupts_beyond },
		{ "dma_copy", dma_copy },
		{ "dma_mapped", dma_mapped },
		{ "dma_scatter", dma_scatter },
		{ "dma_errors", dma_errors },
		{ "dma_revoked", dma_revoked },
		{ "dma_across_ranges", dma_across_ranges },
		{ "dma_by_message", dma_by_message, .message_dma = true },
		{ "timers_in_order", timers_in_order },
		{ "timers_cancelled", timers_cancelled },
		{ "posts_and_watches", posts_and_watches },
		{ "jobs_on_worker_threads", jobs_on_worker_threads },
		{ "jobs_with_dma_by_message", jobs_on_worker_threads, .message_dma = true },
		{ "resets_told_apart", resets_told_apart },
		{ "state_with_all_in_it", state_with_all_in_it },
	};

	return device_tests_run("testdev", tests, sizeof(tests) / sizeof(*tests));
}
