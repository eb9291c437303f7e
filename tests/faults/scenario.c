/* SPDX-License-Identifier: MIT */
#include "scenario.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/pci_regs.h>

#include "testdev/testdev_regs.h"

enum { DMA_COPY = 1, DMA_MAPPED, DMA_SCATTER, DMA_HOLD, DMA_USE, DMA_RELEASE };
enum { FROM = 0x1000, TO = 0x40000, LENGTH = 5000 };

static uint64_t patience_ns = UINT64_C(120000000000);

void scenario_be_patient(enum patience patience)
{
	patience_ns = patience == LONG ? UINT64_C(120000000000) : UINT64_C(400000000);
}

const char scenario_options[] = "";

struct run {
	struct riser_host *host;
	struct outcome *outcome;
	bool by_copy;
};

/* Each step returns whether to go on. */
static bool ok(struct run *run, int ret)
{
	if (!ret)
		return true;
	run->outcome->ret = ret;
	snprintf(run->outcome->text, sizeof(run->outcome->text), "%s",
		 riser_host_error(run->host));
	return false;
}

static bool expect(struct run *run, const char *what, uint64_t got, uint64_t wanted)
{
	if (got == wanted)
		return true;
	run->outcome->ret = -EBADMSG;
	run->outcome->wrong = true;
	snprintf(run->outcome->text, sizeof(run->outcome->text),
		 "%s: %#" PRIx64 " instead of %#" PRIx64, what, got, wanted);
	return false;
}

static bool put(struct run *run, uint64_t offset, unsigned size, uint64_t value)
{
	return ok(run, riser_host_write(run->host, 0, offset, size, value));
}

static bool reads(struct run *run, const char *what, uint64_t offset, uint64_t wanted)
{
	uint64_t value;

	return ok(run, riser_host_read(run->host, 0, offset, 4, &value)) &&
	       expect(run, what, value, wanted);
}

static bool arrives(struct run *run, unsigned vector)
{
	int ret = riser_host_irq_wait(run->host, vector, patience_ns);

	run->outcome->wrong |= ret == -ETIMEDOUT;
	return ok(run, ret);
}

static bool registers(struct run *run)
{
	uint32_t id;

	return ok(run, riser_host_config_read(run->host, PCI_VENDOR_ID, 4, &id)) &&
	       expect(run, "vendor and device", id, 0x7e571234) &&
	       ok(run, riser_host_enable(run->host)) &&
	       put(run, TESTDEV_SCRATCH, 4, 0x12345678) &&
	       reads(run, "scratch", TESTDEV_SCRATCH, 0x12345678) &&
	       ok(run, riser_host_write(run->host, 1, 8, 4, 7)) &&
	       ok(run, riser_host_write(run->host, 2, 0x100008, 8, 0x5500)) &&
	       reads(run, "id", TESTDEV_ID, 0x7e57de70);
}

static bool window(struct run *run)
{
	uint32_t value = 0xcafe;
	uint64_t got;
	void *at;

	if (!ok(run, riser_host_map(run->host, 2, 0, 4096, &at)))
		return false;
	memcpy((char *)at + 400, &value, sizeof(value));
	return ok(run, riser_host_read(run->host, 2, 400, 4, &got)) &&
	       expect(run, "window", got, value);
}

static bool interrupts(struct run *run)
{
	return put(run, TESTDEV_IRQ_RAISE, 4, 3) && arrives(run, 0) &&
	       put(run, TESTDEV_IRQ_LOWER, 4, 3) &&
	       ok(run, riser_host_irq_enable(run->host, RISER_IRQ_MSI, 4)) &&
	       put(run, TESTDEV_IRQ_RAISE, 4, 2) && arrives(run, 2) &&
	       ok(run, riser_host_irq_enable(run->host, RISER_IRQ_MSIX, 8)) &&
	       ok(run, riser_host_irq_mask(run->host, 1, true)) &&
	       put(run, TESTDEV_IRQ_RAISE, 4, 1) &&
	       ok(run, riser_host_irq_mask(run->host, 1, false)) && arrives(run, 1);
}

static bool dma(struct run *run, uint32_t command, uint32_t result)
{
	return put(run, TESTDEV_DMA_SRC, 8, FROM) && put(run, TESTDEV_DMA_DST, 8, TO) &&
	       put(run, TESTDEV_DMA_LENGTH, 4, LENGTH) &&
	       put(run, TESTDEV_DMA_COMMAND, 4, command) &&
	       reads(run, "DMA's result", TESTDEV_DMA_RESULT, result);
}

static bool copies(struct run *run, uint32_t command)
{
	uint8_t *memory = riser_host_memory(run->host, NULL, NULL);

	memset(memory + TO, 0, LENGTH);
	for (unsigned i = 0; i < LENGTH; i++)
		memory[FROM + i] = (uint8_t)(i * 13 + command);
	return dma(run, command, 0) && expect(run, "bytes copied right",
					      !memcmp(memory + FROM, memory + TO, LENGTH), 1);
}

static bool direct_memory_access(struct run *run)
{
	if (run->by_copy)
		return copies(run, DMA_COPY);
	return copies(run, DMA_COPY) && copies(run, DMA_MAPPED) && dma(run, DMA_HOLD, 0) &&
	       ok(run, riser_host_memory_unmap(run->host, 0x40000, 0x2000)) &&
	       dma(run, DMA_USE, 0) && dma(run, DMA_RELEASE, ESTALE) &&
	       ok(run, riser_host_memory_map(run->host, 0x40000, 0x2000)) &&
	       copies(run, DMA_COPY);
}

static bool work(struct run *run)
{
	return put(run, TESTDEV_TIMER_US, 4, 500) && arrives(run, 1) &&
	       put(run, TESTDEV_WATCH, 4, 5) && arrives(run, 4) &&
	       put(run, TESTDEV_POST, 4, 1) && put(run, TESTDEV_JOB, 4, 5) && arrives(run, 3) &&
	       reads(run, "watched", TESTDEV_WATCH_COUNT, 5);
}

static bool loads(struct run *run, const void *state, size_t size)
{
	return ok(run, riser_host_reset(run->host, RISER_RESET_DEVICE)) &&
	       ok(run, riser_host_enable(run->host)) &&
	       reads(run, "scratch after a reset", TESTDEV_SCRATCH, 0) &&
	       ok(run, riser_host_load(run->host, state, size)) &&
	       reads(run, "scratch after a load", TESTDEV_SCRATCH, 0x12345678);
}

static bool migration(struct run *run)
{
	void *state;
	size_t size;
	bool good =
		ok(run, riser_host_save(run->host, &state, &size)) && loads(run, state, size);

	free(state);
	return good;
}

struct outcome scenario_run(struct riser_host *host, bool by_copy)
{
	struct outcome outcome = { 0 };
	struct run run = { host, &outcome, by_copy };

	if (registers(&run) && window(&run) && interrupts(&run) && direct_memory_access(&run) &&
	    work(&run))
		migration(&run);
	return outcome;
}
