/* SPDX-License-Identifier: MIT */
/*
 * What a card would not do, on every attachment: DMA and messages without Bus Master Enable or
 * in D3hot, also by memory that is held mapped; answers to what is not decoded.
 */
#include <errno.h>
#include <linux/pci_regs.h>

#include "harness.h"

enum {
	ADDRESS = 0x00,
	COPY = 0x08,
	MAP = 0x0c,
	USE = 0x10,
	UNMAP = 0x14,
	RAISE = 0x18,
	LOWER = 0x1c,
	LATER = 0x20, /* us */
	RESULT = 0x24,
	AT = 0x3000, /* in the guest's memory */
};

static uint32_t config(struct riser_host *host, unsigned offset, unsigned size)
{
	uint32_t value;

	ok(host, riser_host_config_read(host, offset, size, &value));
	return value;
}

static void set_command(struct riser_host *host, uint32_t command)
{
	ok(host, riser_host_config_write(host, PCI_COMMAND, 2, command));
}

static void set_master(struct riser_host *host, bool on)
{
	set_command(host, PCI_COMMAND_MEMORY | (on ? PCI_COMMAND_MASTER : 0));
}

static void set_power(struct riser_host *host, unsigned state)
{
	unsigned at = riser_host_find_cap(host, PCI_CAP_ID_PM, false);

	ok(host, riser_host_config_write(host, at + PCI_PM_CTRL, 2, state));
	assert_int_equal(config(host, at + PCI_PM_CTRL, 2) & PCI_PM_CTRL_STATE_MASK, state);
}

/* The word that the device writes to. */
static volatile uint32_t *target(struct riser_host *host)
{
	uint64_t size, iova;
	char *memory = riser_host_memory(host, &size, &iova);

	put(host, 0, ADDRESS, 8, iova + AT);
	return (volatile uint32_t *)(memory + AT);
}

static void use(struct riser_host *host, uint32_t value)
{
	put(host, 0, USE, 4, value);
	get(host, 0, RESULT, 4); /* it is done */
}

static void hold(struct riser_host *host)
{
	put(host, 0, MAP, 4, 1);
	assert_int_equal(get(host, 0, RESULT, 4), 0);
}

static void expect_revoked(struct riser_host *host)
{
	put(host, 0, UNMAP, 4, 1);
	assert_int_equal(get(host, 0, RESULT, 4), ESTALE);
}

static void copies(struct riser_host *host)
{
	volatile uint32_t *word = target(host);

	put(host, 0, COPY, 4, 1);
	assert_int_equal(get(host, 0, RESULT, 4), 0);
	set_master(host, false);
	put(host, 0, COPY, 4, 2);
	assert_int_equal(get(host, 0, RESULT, 4), EACCES);
	assert_int_equal(*word, 1);
	set_master(host, true);
	put(host, 0, COPY, 4, 3);
	assert_int_equal(get(host, 0, RESULT, 4), 0);
	assert_int_equal(*word, 3);
}

static void no_new_mapping(struct riser_host *host)
{
	target(host);
	set_master(host, false);
	put(host, 0, MAP, 4, 1);
	assert_int_equal(get(host, 0, RESULT, 4), EACCES);
}

/* Revoked once is revoked: memory that is there again is mapped anew. */
static void held_mapping(struct riser_host *host)
{
	volatile uint32_t *word = target(host);

	hold(host);
	use(host, 0x11);
	assert_int_equal(*word, 0x11);
	set_master(host, false);
	use(host, 0x22);
	assert_int_equal(*word, 0x11);
	set_master(host, true);
	use(host, 0x33);
	assert_int_equal(*word, 0x11);
	expect_revoked(host);
	hold(host);
	use(host, 0x44);
	assert_int_equal(*word, 0x44);
	put(host, 0, UNMAP, 4, 1);
	assert_int_equal(get(host, 0, RESULT, 4), 0);
}

static void held_mapping_in_d3hot(struct riser_host *host)
{
	volatile uint32_t *word = target(host);

	hold(host);
	set_power(host, 3);
	set_power(host, 0);
	use(host, 0x55);
	assert_int_equal(*word, 0);
	expect_revoked(host);
	put(host, 0, COPY, 4, 7);
	assert_int_equal(get(host, 0, RESULT, 4), 0);
	assert_int_equal(*word, 7);
}

static void held_mapping_after_resets(struct riser_host *host)
{
	static const enum riser_reset kinds[] = { RISER_RESET_DEVICE, RISER_RESET_FUNCTION };
	volatile uint32_t *word = target(host);

	for (unsigned i = 0; i < 2; i++) {
		put(host, 0, ADDRESS, 8, AT);
		hold(host);
		ok(host, riser_host_reset(host, kinds[i]));
		ok(host, riser_host_enable(host));
		use(host, 0x66);
		assert_int_equal(*word, 0);
		expect_revoked(host);
	}
}

static uint32_t msi_pending(struct riser_host *host)
{
	return config(host,
		      riser_host_find_cap(host, PCI_CAP_ID_MSI, false) + PCI_MSI_PENDING_64, 4);
}

static void msi(struct riser_host *host)
{
	ok(host, riser_host_irq_enable(host, RISER_IRQ_MSI, 4));
	set_master(host, false);
	put(host, 0, RAISE, 4, 3);
	put(host, 0, RAISE, 4, 2);
	put(host, 0, LOWER, 4, 2);
	assert_int_equal(msi_pending(host), 1 << 3);
	assert_int_equal(irqs(host, 3), 0);
	set_master(host, true);
	assert_int_equal(msi_pending(host), 0);
	assert_int_equal(irqs(host, 3), 1);
	assert_int_equal(irqs(host, 2), 0);
}

static void msix(struct riser_host *host)
{
	ok(host, riser_host_irq_enable(host, RISER_IRQ_MSIX, 4));
	set_master(host, false);
	put(host, 0, RAISE, 4, 1);
	assert_int_equal(get(host, 0, 0x1800, 8), 1 << 1);
	assert_int_equal(irqs(host, 1), 0);
	set_master(host, true);
	assert_int_equal(get(host, 0, 0x1800, 8), 0);
	assert_int_equal(irqs(host, 1), 1);
}

static void intx(struct riser_host *host)
{
	ok(host, riser_host_irq_enable(host, RISER_IRQ_INTX, 1));
	set_master(host, false);
	put(host, 0, RAISE, 4, 0);
	assert_int_equal(irqs(host, 0), 1);
	set_power(host, 3);
	assert_int_equal(config(host, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT, 0);
	assert_int_equal(irqs(host, 0), 0);
	set_power(host, 0);
	assert_int_equal(config(host, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT,
			 PCI_STATUS_INTERRUPT);
	assert_int_equal(irqs(host, 0), 1);
}

/* A driver that wants fewer messages than are pending gets one that it has. */
static void fewer_messages(struct riser_host *host)
{
	ok(host, riser_host_irq_enable(host, RISER_IRQ_MSI, 4));
	ok(host, riser_host_irq_mask(host, 1, true));
	ok(host, riser_host_irq_mask(host, 3, true));
	put(host, 0, RAISE, 4, 3);
	assert_int_equal(msi_pending(host), 1 << 3);
	ok(host, riser_host_irq_enable(host, RISER_IRQ_MSI, 2));
	assert_int_equal(msi_pending(host), 1 << 1);
	ok(host, riser_host_irq_mask(host, 1, false));
	assert_int_equal(irqs(host, 1), 1);
	assert_int_equal(irqs(host, 0), 0);
	assert_int_equal(msi_pending(host), 0);
}

/* A timer goes on in D3hot; what it does stays inside, and its message comes in D0. */
static void life_in_d3hot(struct riser_host *host)
{
	volatile uint32_t *word = target(host);

	ok(host, riser_host_irq_enable(host, RISER_IRQ_MSI, 4));
	put(host, 0, LATER, 4, 1000);
	set_power(host, 3);
	while (!msi_pending(host))
		ok(host, riser_host_advance(host, MS));
	assert_int_equal(get(host, 0, RESULT, 4), 0xffffffff);
	assert_int_equal(irqs(host, 0), 0);
	set_power(host, 0);
	assert_int_equal(irqs(host, 0), 1);
	assert_int_equal(get(host, 0, RESULT, 4), EACCES);
	assert_int_equal(*word, 0);
}

static void not_decoded(struct riser_host *host)
{
	void *window;
	uint64_t value;

	put(host, 1, 8, 4, 0x1234);
	ok(host, riser_host_map(host, 1, 0, 4096, &window));
	set_command(host, PCI_COMMAND_IO | PCI_COMMAND_MASTER);
	refused(host, riser_host_read(host, 1, 8, 4, &value), -EACCES);
	refused(host, riser_host_write(host, 1, 8, 4, 0), -EACCES);
	refused(host, riser_host_read(host, 0, 0, 4, &value), -EACCES);
	refused(host, riser_host_map(host, 1, 0, 4096, &window), -EACCES);
	set_command(host, PCI_COMMAND_MEMORY);
	assert_int_equal(get(host, 1, 8, 4), 0x1234);
	/* A reset by the guest's own hand switches it off, too. */
	ok(host, riser_host_config_write(host,
					 riser_host_find_cap(host, PCI_CAP_ID_EXP, false) +
						 PCI_EXP_DEVCTL,
					 2, PCI_EXP_DEVCTL_BCR_FLR));
	refused(host, riser_host_read(host, 1, 8, 4, &value), -EACCES);
}

static const struct device_test tests[] = {
	{ "copies", copies },
	{ "copies by message", copies, .message_dma = true },
	{ "no new mapping", no_new_mapping },
	{ "held mapping", held_mapping },
	{ "held mapping in D3hot", held_mapping_in_d3hot },
	{ "held mapping after resets", held_mapping_after_resets },
	{ "MSI", msi },
	{ "MSI-X", msix },
	{ "INTx", intx },
	{ "fewer messages than pending", fewer_messages },
	{ "life in D3hot", life_in_d3hot },
	{ "not decoded", not_decoded },
};

int main(void)
{
	return device_tests_run("../tests/device/strict", tests,
				sizeof(tests) / sizeof(*tests));
}
