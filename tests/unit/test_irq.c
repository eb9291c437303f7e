/* SPDX-License-Identifier: MIT */
/* Interrupts: what is raised, masked, pending and lost (nothing) in each mode. */
#include "fake_host.h"

#include <stdlib.h>
#include <linux/pci_regs.h>

enum { TABLE = 0x0, PBA = 0x800, PM = 0x70 };

static const struct riser_pci_cap caps[] = {
	{ .kind = RISER_CAP_MSI, .vectors = 4, .offset = 0x40 },
	{ .kind = RISER_CAP_MSIX, .vectors = 70, .bar = 0, .pba = PBA, .offset = 0x60 },
	{ .kind = RISER_CAP_PM, .offset = PM },
};
static const struct riser_bar bars[] = { { .index = 0, .size = 4096 } };
static const struct riser_pci_device desc = {
	.size = sizeof(desc),
	.id = { .vendor = 0x1234 },
	.name = "irq",
	.interrupt_pin = 1,
	.bars = RISER_BARS(bars),
	.caps = RISER_CAPS(caps),
};

static void config(struct fake_host *host, unsigned offset, unsigned size, uint32_t value)
{
	fake_host_write(host, RISER__REGION_CONFIG, offset, size, value);
}

static int start(void **state)
{
	*state = calloc(1, sizeof(struct fake_host));
	fake_host_start(*state, &desc, NULL);
	config(*state, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	return 0;
}

static int stop(void **state)
{
	fake_host_stop(*state);
	free(*state);
	return 0;
}

static void test_intx_is_a_level(void **state)
{
	struct fake_host *host = *state;

	riser_irq_raise(host->dev, 0);
	riser_irq_raise(host->dev, 5);
	assert_true(host->intx);
	assert_int_equal(host->intx_changes, 1);
	riser_irq_lower(host->dev, 0);
	assert_true(host->intx);
	riser_irq_lower(host->dev, 5);
	assert_false(host->intx);
	assert_int_equal(riser_irq_raise(host->dev, 70), -22);
	assert_int_equal(riser_irq_lower(host->dev, 70), -22);
}

static void test_intx_disable_hides_the_level(void **state)
{
	struct fake_host *host = *state;

	riser_irq_raise(host->dev, 0);
	config(host, PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE);
	assert_false(host->intx);
	assert_int_equal(fake_host_read(host, RISER__REGION_CONFIG, PCI_STATUS, 1) &
				 PCI_STATUS_INTERRUPT,
			 PCI_STATUS_INTERRUPT);
	config(host, PCI_COMMAND, 2, 0);
	assert_true(host->intx);
	riser__dev_reset(host->dev, RISER_RESET_DEVICE);
	assert_false(host->intx);
}

static void enable_msi(struct fake_host *host, unsigned log2)
{
	config(host, 0x40 + PCI_MSI_ADDRESS_LO, 4, 0xfee00000);
	config(host, 0x40 + PCI_MSI_ADDRESS_HI, 4, 0x1);
	config(host, 0x40 + PCI_MSI_DATA_64, 2, 0x4340);
	config(host, 0x40 + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE | log2 << 4);
}

static void test_msi(void **state)
{
	struct fake_host *host = *state;

	enable_msi(host, 1);
	assert_int_equal(riser_irq_mode(host->dev), RISER_IRQ_MSI);
	riser_irq_raise(host->dev, 3); /* two messages: 3 modulo 2 */
	assert_int_equal(host->last_vector, 1);
	assert_int_equal(host->last_data, 0x4341);
	assert_true(host->last_address == 0x1fee00000);
	assert_false(host->intx);
}

static void test_msi_more_than_it_has(void **state)
{
	struct fake_host *host = *state;

	enable_msi(host, 7);
	riser_irq_raise(host->dev, 7);
	assert_int_equal(host->last_vector, 3);
}

static void test_msi_mask(void **state)
{
	struct fake_host *host = *state;

	enable_msi(host, 2);
	config(host, 0x40 + PCI_MSI_MASK_64, 4, 0x4);
	riser_irq_raise(host->dev, 2);
	assert_int_equal(host->messages, 0);
	assert_int_equal(
		fake_host_read(host, RISER__REGION_CONFIG, 0x40 + PCI_MSI_PENDING_64, 4), 4);
	config(host, 0x40 + PCI_MSI_MASK_64, 4, 0);
	assert_int_equal(host->messages, 1);
	assert_int_equal(host->last_vector, 2);
	assert_int_equal(
		fake_host_read(host, RISER__REGION_CONFIG, 0x40 + PCI_MSI_PENDING_64, 4), 0);
}

static void test_msix(void **state)
{
	struct fake_host *host = *state;

	fake_host_write(host, 0, TABLE + 69 * 16, 8, 0x1fee01003);
	fake_host_write(host, 0, TABLE + 69 * 16 + 8, 4, 0x77);
	config(host, 0x60 + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(riser_irq_mode(host->dev), RISER_IRQ_MSIX);
	riser_irq_raise(host->dev, 69); /* entries are masked after a reset */
	assert_int_equal(host->messages, 0);
	assert_int_equal(fake_host_read(host, 0, PBA + 8, 8), 1 << 5);
	fake_host_write(host, 0, TABLE + 69 * 16 + 12, 4, 0);
	assert_int_equal(host->messages, 1);
	assert_int_equal(host->last_vector, 69);
	assert_int_equal(host->last_data, 0x77);
	assert_true(host->last_address == 0x1fee01000);
	assert_int_equal(fake_host_read(host, 0, PBA + 8, 4), 0);
}

static void test_msix_function_mask(void **state)
{
	struct fake_host *host = *state;

	fake_host_write(host, 0, TABLE + 12, 4, 0);
	config(host, 0x60 + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	riser_irq_raise(host->dev, 0);
	riser_irq_raise(host->dev, 0);
	assert_int_equal(host->messages, 0);
	config(host, 0x60 + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(host->messages, 1);
}

static void test_msix_bad_access(void **state)
{
	struct fake_host *host = *state;

	assert_int_equal(fake_host_read(host, 0, TABLE, 2), 0xffff);
	fake_host_write(host, 0, PBA, 8, 1);
	assert_int_equal(fake_host_read(host, 0, PBA, 8), 0);
	assert_int_equal(host->dev->mistakes[RISER__READ_ONLY], 1);
	assert_int_equal(host->dev->mistakes[RISER__WIDTH], 1);
}

static void enable_msix(struct fake_host *host, unsigned vector, bool masked)
{
	fake_host_write(host, 0, TABLE + vector * 16, 4, 0xfee00000);
	fake_host_write(host, 0, TABLE + vector * 16 + 8, 4, vector);
	fake_host_write(host, 0, TABLE + vector * 16 + 12, 4, masked);
	config(host, 0x60 + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
}

static uint64_t msi_pending(struct fake_host *host)
{
	return fake_host_read(host, RISER__REGION_CONFIG, 0x40 + PCI_MSI_PENDING_64, 4);
}

static bool status(struct fake_host *host)
{
	return fake_host_read(host, RISER__REGION_CONFIG, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT;
}

/* What was pending is sent as one of the messages that are enabled now. */
static void test_msi_fewer_than_pending(void **state)
{
	struct fake_host *host = *state;

	enable_msi(host, 2);
	config(host, 0x40 + PCI_MSI_MASK_64, 4, 0xf);
	riser_irq_raise(host->dev, 3);
	riser_irq_raise(host->dev, 65);
	assert_int_equal(msi_pending(host), 0xa);
	enable_msi(host, 1);
	assert_int_equal(msi_pending(host), 0x2);
	enable_msi(host, 0);
	assert_int_equal(msi_pending(host), 0x1);
	config(host, 0x40 + PCI_MSI_DATA_64, 2, 0x30);
	config(host, 0x40 + PCI_MSI_MASK_64, 4, 0xe);
	assert_int_equal(host->messages, 1);
	assert_int_equal(host->last_vector, 0);
	assert_int_equal(host->last_data, 0x30);
	assert_int_equal(msi_pending(host), 0);
}

/* Each vector that shares a message keeps it pending. */
static void test_lowered_while_pending(void **state)
{
	struct fake_host *host = *state;

	enable_msi(host, 1);
	config(host, 0x40 + PCI_MSI_MASK_64, 4, 0x3);
	riser_irq_raise(host->dev, 1);
	riser_irq_raise(host->dev, 3);
	riser_irq_lower(host->dev, 1);
	assert_int_equal(msi_pending(host), 0x2);
	riser_irq_lower(host->dev, 3);
	assert_int_equal(msi_pending(host), 0);
	config(host, 0x40 + PCI_MSI_MASK_64, 4, 0);
	enable_msix(host, 69, true);
	riser_irq_raise(host->dev, 69);
	assert_int_equal(fake_host_read(host, 0, PBA + 8, 8), 1 << 5);
	riser_irq_lower(host->dev, 69);
	assert_int_equal(fake_host_read(host, 0, PBA + 8, 8), 0);
	fake_host_write(host, 0, TABLE + 69 * 16 + 12, 4, 0);
	assert_int_equal(host->messages, 0);
}

/* A vector that waits is sent as what the driver has enabled then, and by INTx not at all. */
static void test_pending_in_another_mode(void **state)
{
	struct fake_host *host = *state;

	enable_msi(host, 2);
	config(host, 0x40 + PCI_MSI_MASK_64, 4, 0xf);
	riser_irq_raise(host->dev, 5);
	config(host, 0x40 + PCI_MSI_FLAGS, 2, 0);
	assert_false(host->intx);
	assert_false(status(host));
	enable_msix(host, 5, true);
	assert_int_equal(msi_pending(host), 0);
	assert_int_equal(fake_host_read(host, 0, PBA, 8), 1 << 5);
	fake_host_write(host, 0, TABLE + 5 * 16 + 12, 4, 0);
	assert_int_equal(host->messages, 1);
	assert_int_equal(host->last_vector, 5);
}

/* Messages are memory writes of a master's; they wait for it. */
static void test_without_bus_master(void **state)
{
	struct fake_host *host = *state;

	enable_msi(host, 2);
	config(host, PCI_COMMAND, 2, 0);
	riser_irq_raise(host->dev, 2);
	riser_irq_raise(host->dev, 2);
	assert_int_equal(host->messages, 0);
	assert_int_equal(msi_pending(host), 4);
	assert_int_equal(host->dev->mistakes[RISER__DISABLED], 2);
	config(host, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	assert_int_equal(host->messages, 1);
	assert_int_equal(msi_pending(host), 0);
	enable_msix(host, 7, false);
	config(host, PCI_COMMAND, 2, 0);
	riser_irq_raise(host->dev, 7);
	assert_int_equal(fake_host_read(host, 0, PBA, 8), 1 << 7);
	config(host, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	assert_int_equal(host->messages, 2);
	assert_int_equal(fake_host_read(host, 0, PBA, 8), 0);
}

static void test_intx_without_bus_master(void **state)
{
	struct fake_host *host = *state;

	config(host, PCI_COMMAND, 2, 0);
	riser_irq_raise(host->dev, 0);
	assert_true(host->intx);
	assert_true(status(host));
}

static void test_d3hot_sends_nothing(void **state)
{
	struct fake_host *host = *state;

	riser_irq_raise(host->dev, 0);
	config(host, PM + PCI_PM_CTRL, 2, 3);
	assert_false(host->intx);
	assert_false(status(host));
	riser_irq_lower(host->dev, 0);
	riser_irq_raise(host->dev, 1);
	assert_false(host->intx);
	config(host, PM + PCI_PM_CTRL, 2, 0);
	assert_true(host->intx);
	riser_irq_lower(host->dev, 1);
	enable_msi(host, 2);
	config(host, PM + PCI_PM_CTRL, 2, 3);
	riser_irq_raise(host->dev, 3);
	assert_int_equal(host->messages, 0);
	config(host, PM + PCI_PM_CTRL, 2, 0);
	assert_int_equal(host->messages, 1);
	assert_int_equal(host->last_vector, 3);
}

/* What a reset found waiting is not sent after it. */
static void test_reset_forgets(void **state)
{
	struct fake_host *host = *state;

	enable_msi(host, 2);
	config(host, PCI_COMMAND, 2, 0);
	riser_irq_raise(host->dev, 2);
	riser__dev_reset(host->dev, RISER_RESET_FUNCTION);
	enable_msi(host, 2);
	config(host, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	assert_int_equal(host->messages, 0);
}

static const struct riser_pci_device pinless = {
	.size = sizeof(pinless),
	.id = { .vendor = 0x1234 },
	.name = "pinless",
	.bars = RISER_BARS(bars),
	.caps = RISER_CAPS(caps),
};

static void test_no_pin_no_status(void **state)
{
	struct fake_host *host = calloc(1, sizeof(*host));

	(void)state;
	fake_host_start(host, &pinless, NULL);
	riser_irq_raise(host->dev, 0);
	assert_false(host->intx);
	assert_false(status(host));
	fake_host_stop(host);
	free(host);
}

/* The capability is not in the list, and its place in the BAR is a hole. */
static void test_msix_withheld(void **state)
{
	struct fake_host *host = *state;
	unsigned at = PCI_CAPABILITY_LIST;

	fake_host_stop(host);
	fake_host_start(host, &desc, "msix=off");
	while ((at = (unsigned)fake_host_read(host, RISER__REGION_CONFIG, at, 1))) {
		assert_int_not_equal(fake_host_read(host, RISER__REGION_CONFIG, at, 1),
				     PCI_CAP_ID_MSIX);
		at++;
	}
	assert_int_equal(riser__irq_vectors(host->dev, RISER_IRQ_MSIX), 0);
	assert_int_equal(fake_host_read(host, 0, TABLE, 4), 0xffffffff);
	assert_int_equal(host->dev->mistakes[RISER__UNCLAIMED], 1);
	config(host, 0x60 + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(riser_irq_mode(host->dev), RISER_IRQ_INTX);
	config(host, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	enable_msi(host, 1);
	assert_int_equal(riser_irq_raise(host->dev, 69), 0);
	assert_int_equal(host->messages, 1);
	assert_int_equal(host->last_vector, 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(test_intx_is_a_level),
		TEST(test_intx_disable_hides_the_level),
		TEST(test_msi),
		TEST(test_msi_more_than_it_has),
		TEST(test_msi_mask),
		TEST(test_msix),
		TEST(test_msix_function_mask),
		TEST(test_msix_bad_access),
		TEST(test_msi_fewer_than_pending),
		TEST(test_lowered_while_pending),
		TEST(test_pending_in_another_mode),
		TEST(test_without_bus_master),
		TEST(test_intx_without_bus_master),
		TEST(test_d3hot_sends_nothing),
		TEST(test_reset_forgets),
		TEST(test_msix_withheld),
		cmocka_unit_test(test_no_pin_no_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
