/* SPDX-License-Identifier: MIT */
#include "harness.h"

#include <stdlib.h>
#include <string.h>

#include "edu/edu_regs.h"

enum { BUFFER = 0x40000 };

static void identity_and_liveness(struct riser_host *host)
{
	assert_int_equal(get(host, 0, EDU_ID, 4), 0x010000ed);
	put(host, 0, EDU_LIVENESS, 4, 0x12345678);
	assert_int_equal(get(host, 0, EDU_LIVENESS, 4), 0xedcba987);
}

static void access_sizes(struct riser_host *host)
{
	assert_int_equal(get(host, 0, EDU_ID, 2), 0xffff);
	/* Two registers: each is accessed as if alone. */
	assert_true(get(host, 0, EDU_ID, 8) == 0x010000ed);
	put(host, 0, EDU_DMA_SRC, 8, 0x1122334455667788);
	assert_int_equal(get(host, 0, EDU_DMA_SRC, 4), 0x55667788);
	assert_int_equal(get(host, 0, EDU_DMA_SRC + 4, 4), 0xffffffff);
	put(host, 0, EDU_DMA_SRC, 4, 0xaabbccdd);
	assert_true(get(host, 0, EDU_DMA_SRC, 8) == 0xaabbccdd);
	assert_int_equal(get(host, 0, EDU_DMA_SRC, 2), 0xffff);
	assert_int_equal(get(host, 0, 0xff000, 4), 0xffffffff);
}

static void compute(struct riser_host *host, uint32_t number, uint32_t expected)
{
	put(host, 0, EDU_STATUS, 4, EDU_STATUS_IRQ_ENABLE);
	put(host, 0, EDU_FACTORIAL, 4, number);
	ok(host, riser_host_irq_wait(host, 0, PATIENCE));
	assert_int_equal(get(host, 0, EDU_FACTORIAL, 4), expected);
	assert_int_equal(get(host, 0, EDU_STATUS, 4), EDU_STATUS_IRQ_ENABLE);
	assert_int_equal(get(host, 0, EDU_IRQ_STATUS, 4), 1);
	put(host, 0, EDU_IRQ_ACK, 4, 1);
	assert_int_equal(get(host, 0, EDU_IRQ_STATUS, 4), 0);
}

static void factorials_by_intx(struct riser_host *host)
{
	compute(host, 0, 1);
	compute(host, 10, 3628800);
	compute(host, 13, 1932053504);
	assert_int_equal(irqs(host, 0), 0);
}

static void factorials_by_msi(struct riser_host *host)
{
	ok(host, riser_host_irq_enable(host, RISER_IRQ_MSI, 1));
	compute(host, 5, 120);
	compute(host, 0xffffffff, 0);
}

static void raise_and_ack(struct riser_host *host)
{
	put(host, 0, EDU_IRQ_RAISE, 4, 6);
	assert_int_equal(irqs(host, 0), 1);
	put(host, 0, EDU_IRQ_ACK, 4, 2);
	assert_int_equal(irqs(host, 0), 1);
	put(host, 0, EDU_IRQ_ACK, 4, 4);
	assert_int_equal(irqs(host, 0), 0);
}

static void start_dma(struct riser_host *host, uint64_t from, uint64_t to, uint64_t count,
		      uint64_t command)
{
	put(host, 0, EDU_DMA_SRC, 8, from);
	put(host, 0, EDU_DMA_DST, 8, to);
	put(host, 0, EDU_DMA_COUNT, 8, count);
	put(host, 0, EDU_DMA_CMD, 8, command | EDU_DMA_CMD_RUN | EDU_DMA_CMD_IRQ);
}

static void end_dma(struct riser_host *host)
{
	ok(host, riser_host_irq_wait(host, 0, PATIENCE));
	assert_int_equal(get(host, 0, EDU_IRQ_STATUS, 4), 0x100);
	assert_int_equal(get(host, 0, EDU_DMA_CMD, 8) & EDU_DMA_CMD_RUN, 0);
	put(host, 0, EDU_IRQ_ACK, 4, 0x100);
}

static void dma_round_trip(struct riser_host *host)
{
	uint8_t *memory = riser_host_memory(host, NULL, NULL);

	for (unsigned i = 0; i < 4096; i++)
		memory[i] = (uint8_t)(i * 7 + 1);
	start_dma(host, 0, BUFFER, 4096, 0);
	/* While it runs its registers cannot be written. */
	put(host, 0, EDU_DMA_DST, 8, 0x1234);
	assert_true(get(host, 0, EDU_DMA_DST, 8) == BUFFER);
	end_dma(host);
	start_dma(host, BUFFER + 100, 0x8000, 50, EDU_DMA_CMD_TO_MEMORY);
	end_dma(host);
	assert_memory_equal(memory + 0x8000, memory + 100, 50);
	assert_int_equal(memory[0x8000 + 50], 0);
}

static void dma_takes_100_ms(struct riser_host *host)
{
	uint64_t before = riser_host_now(host);

	start_dma(host, 0, BUFFER, 16, 0);
	end_dma(host);
	assert_true(riser_host_now(host) - before >= 100 * (uint64_t)MS);
}

static void dma_out_of_range_does_nothing(struct riser_host *host)
{
	start_dma(host, 0, BUFFER + 4000, 97, 0);
	end_dma(host);
	start_dma(host, 0, 0, UINT64_MAX, 0);
	end_dma(host);
	start_dma(host, 0x0ffff000, BUFFER, 4096, 0); /* no memory there */
	end_dma(host);
}

static void state_in_the_middle_of_dma(struct riser_host *host)
{
	uint8_t *memory = riser_host_memory(host, NULL, NULL);
	size_t size;
	void *state;

	memset(memory, 0x5a, 64);
	start_dma(host, 0, BUFFER, 64, 0);
	end_dma(host);
	start_dma(host, BUFFER, 0x9000, 64, EDU_DMA_CMD_TO_MEMORY);
	ok(host, riser_host_save(host, &state, &size));
	ok(host, riser_host_reset(host, RISER_RESET_DEVICE));
	ok(host, riser_host_enable(host));
	ok(host, riser_host_load(host, state, size));
	free(state);
	assert_int_equal(get(host, 0, EDU_DMA_CMD, 8) & EDU_DMA_CMD_RUN, EDU_DMA_CMD_RUN);
	end_dma(host);
	assert_memory_equal(memory + 0x9000, memory, 64);
}

int main(void)
{
	static const struct device_test tests[] = {
		{ "identity_and_liveness", identity_and_liveness },
		{ "access_sizes", access_sizes },
		{ "factorials_by_intx", factorials_by_intx },
		{ "factorials_by_msi", factorials_by_msi },
		{ "raise_and_ack", raise_and_ack },
		{ "dma_round_trip", dma_round_trip },
		{ "dma_by_message", dma_round_trip, .message_dma = true },
		{ "dma_takes_100_ms", dma_takes_100_ms },
		{ "dma_out_of_range_does_nothing", dma_out_of_range_does_nothing },
		{ "state_in_the_middle_of_dma", state_in_the_middle_of_dma },
	};

	return device_tests_run("edu", tests, sizeof(tests) / sizeof(*tests));
}
