/* SPDX-License-Identifier: MIT */
/* Configuration space: identity, sizing, masks, capabilities, reset. */
#include "fake_host.h"

#include <stdlib.h>
#include <string.h>
#include <linux/pci_regs.h>

struct state {
	uint32_t doorbell;
	uint16_t version;
	unsigned resets, rings;
	enum riser_reset last;
};

static void on_reset(struct riser_dev *dev, enum riser_reset kind)
{
	struct state *s = riser_state(dev);

	s->resets++;
	s->last = kind;
}

static void rung(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct state *s = riser_state(dev);

	(void)now, (void)was;
	s->rings++;
}

static const struct riser_reg vendor_regs[] = {
	{ RISER_REG(4, struct state, doorbell), .rw = RISER_ALL, .on_write = rung },
	{ RISER_REG(8, struct state, version), .reset = 0x0102 },
};
static const struct riser_pci_cap caps[] = {
	RISER_PM,
	RISER_MSI(4),
	RISER_MSIX(3, 2, 0x1000, 0x2000),
	RISER_EXPRESS,
	{ .kind = RISER_CAP_VENDOR,
	  .size = 12,
	  .data = "\x55\0\0\0\0\0\0\0",
	  .regs = RISER_REGS(vendor_regs) },
	RISER_SERIAL(0x1122334455667788),
	RISER_AER,
	RISER_ATS,
	RISER_PASID,
};
static const struct riser_window far_window[] = {
	{ .name = "far", .offset = UINT64_C(1) << 39, .size = 1 << 16, .shared = true },
};
static const struct riser_bar bars[] = {
	{ .index = 0, .size = 4096 },
	{ .index = 1, .size = 64, .kind = RISER_IO },
	{ .index = 2, .size = 1 << 20, .kind = RISER_MEM64, .prefetchable = true },
	{ .index = 4,
	  .size = UINT64_C(1) << 40,
	  .kind = RISER_MEM64,
	  .windows = RISER_WINDOWS(far_window) },
};
static const struct riser_pci_device desc = {
	.size = sizeof(desc),
	.name = "config",
	.id = { .vendor = 0x1234, .device = 0x5678, .class_code = 0x010203, .revision = 9 },
	.interrupt_pin = 1,
	.state_size = sizeof(struct state),
	.bars = RISER_BARS(bars),
	.caps = RISER_CAPS(caps),
	.reset = on_reset,
};

static int start(void **state)
{
	*state = calloc(1, sizeof(struct fake_host));
	fake_host_start(*state, &desc, NULL);
	return 0;
}

static int stop(void **state)
{
	fake_host_stop(*state);
	free(*state);
	return 0;
}

static uint32_t get(void **state, unsigned offset, unsigned size)
{
	return (uint32_t)fake_host_read(*state, RISER__REGION_CONFIG, offset, size);
}

static void put(void **state, unsigned offset, unsigned size, uint32_t value)
{
	fake_host_write(*state, RISER__REGION_CONFIG, offset, size, value);
}

static unsigned find(void **state, unsigned id)
{
	unsigned at = get(state, PCI_CAPABILITY_LIST, 1);

	for (unsigned i = 0; at && i < 48; i++, at = get(state, at + 1, 1)) {
		if (get(state, at, 1) == id)
			return at;
	}
	return 0;
}

static unsigned find_extended(void **state, unsigned id)
{
	for (unsigned at = 0x100; at; at = get(state, at, 4) >> 20) {
		if ((get(state, at, 4) & 0xffff) == id)
			return at;
	}
	return 0;
}

static void test_identity(void **state)
{
	assert_int_equal(get(state, PCI_VENDOR_ID, 4), 0x56781234);
	assert_int_equal(get(state, PCI_CLASS_REVISION, 4), 0x01020309);
	assert_int_equal(get(state, PCI_SUBSYSTEM_VENDOR_ID, 4), 0x11001af4);
	assert_int_equal(get(state, PCI_HEADER_TYPE, 1), 0);
	assert_int_equal(get(state, PCI_INTERRUPT_PIN, 1), 1);
	put(state, PCI_VENDOR_ID, 4, 0);
	assert_int_equal(get(state, PCI_VENDOR_ID, 4), 0x56781234);
	put(state, PCI_INTERRUPT_LINE, 1, 11);
	assert_int_equal(get(state, PCI_INTERRUPT_LINE, 1), 11);
}

static void test_sizing(void **state)
{
	static const uint32_t sized[6] = { 0xfffff000, 0xffffffc1, 0xfff0000c,
					   0xffffffff, 0x00000004, 0xffffff00 };

	for (unsigned i = 0; i < 6; i++) {
		put(state, PCI_BASE_ADDRESS_0 + 4 * i, 4, 0xffffffff);
		assert_int_equal(get(state, PCI_BASE_ADDRESS_0 + 4 * i, 4), sized[i]);
	}
	put(state, PCI_BASE_ADDRESS_0, 4, 0xfebf1234);
	assert_int_equal(get(state, PCI_BASE_ADDRESS_0, 4), 0xfebf1000);
	put(state, PCI_ROM_ADDRESS, 4, 0xffffffff);
	assert_int_equal(get(state, PCI_ROM_ADDRESS, 4), 0);
}

static void test_command_and_status(void **state)
{
	struct fake_host *host = *state;
	uint32_t word;

	assert_int_equal(riser_dma_read(host->dev, 0x1000, &word, 4), -13);
	put(state, PCI_COMMAND, 2, 0xffff);
	assert_int_equal(get(state, PCI_COMMAND, 2), 0x547);
	assert_int_equal(riser_dma_read(host->dev, 0x1000, &word, 4), 0);
	assert_int_equal(riser_dma_read(host->dev, 0x10000, &word, 4), -14);
	assert_int_equal(get(state, PCI_STATUS, 2), PCI_STATUS_CAP_LIST);
}

static void test_every_capability(void **state)
{
	assert_int_not_equal(find(state, PCI_CAP_ID_PM), 0);
	assert_int_not_equal(find(state, PCI_CAP_ID_MSI), 0);
	assert_int_not_equal(find(state, PCI_CAP_ID_EXP), 0);
	assert_int_equal(get(state, find(state, PCI_CAP_ID_MSIX) + PCI_MSIX_FLAGS, 2), 2);
	assert_int_equal(get(state, find(state, PCI_CAP_ID_MSIX) + PCI_MSIX_TABLE, 4), 0x1002);
	assert_int_equal(find_extended(state, PCI_EXT_CAP_ID_DSN), 0x100);
	assert_int_equal(get(state, 0x104, 4), 0x55667788);
	assert_int_equal(get(state, 0x108, 4), 0x11223344);
	assert_int_not_equal(find_extended(state, PCI_EXT_CAP_ID_ERR), 0);
	assert_int_not_equal(find_extended(state, PCI_EXT_CAP_ID_ATS), 0);
	assert_int_not_equal(find_extended(state, PCI_EXT_CAP_ID_PASID), 0);
}

static void test_vendor_registers(void **state)
{
	struct fake_host *host = *state;
	struct state *s = riser_state(host->dev);
	unsigned at = find(state, PCI_CAP_ID_VNDR);

	assert_int_equal(get(state, at, 4) >> 16, 0x550c);
	put(state, at + 4, 4, 0x11223344);
	assert_int_equal(s->rings, 1);
	put(state, at + 6, 1, 0x99);
	assert_int_equal(s->doorbell, 0x11993344);
	assert_int_equal(get(state, at + 7, 1), 0x11);
	/* A register of two bytes and what is behind it, in one access. */
	assert_int_equal(get(state, at + 8, 4), 0x0102);
}

static void test_function_level_reset(void **state)
{
	struct fake_host *host = *state;
	struct state *s = riser_state(host->dev);
	unsigned at = find(state, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL;

	assert_int_equal(s->resets, 1);
	assert_int_equal(s->last, RISER_RESET_POWER_ON);
	put(state, PCI_BASE_ADDRESS_0, 4, 0xfebf1000);
	put(state, at, 2, get(state, at, 2) | PCI_EXP_DEVCTL_BCR_FLR);
	assert_int_equal(s->resets, 2);
	assert_int_equal(s->last, RISER_RESET_FUNCTION);
	assert_int_equal(get(state, PCI_BASE_ADDRESS_0, 4), 0);
	assert_int_equal(get(state, at, 2) & PCI_EXP_DEVCTL_BCR_FLR, 0);
}

/* A terabyte of address space costs the pages that are used. */
static void test_huge_bar(void **state)
{
	struct fake_host *host = *state;
	uint64_t far = UINT64_C(1) << 39;
	uint32_t *memory = riser_window(host->dev, 4, 0);

	fake_host_write(host, 4, far + 8, 4, 0x12345678);
	assert_int_equal(memory[2], 0x12345678);
	assert_int_equal(fake_host_read(host, 4, far + (1 << 16), 4), 0xffffffff);
	assert_int_equal(fake_host_read(host, 4, 2 * far - 4, 4), 0xffffffff);
	assert_null(riser_window(host->dev, 4, 1));
}

static void test_d3hot(void **state)
{
	struct fake_host *host = *state;
	unsigned at = find(state, PCI_CAP_ID_PM) + PCI_PM_CTRL;

	put(state, at, 2, 3);
	assert_int_equal(fake_host_read(host, 0, 0, 4), 0xffffffff);
	assert_int_equal(host->dev->mistakes[RISER__DISABLED], 1);
	assert_int_equal(get(state, PCI_VENDOR_ID, 2), 0x1234);
	put(state, at, 2, 0);
	fake_host_read(host, 2, 0x1000, 4);
	assert_int_equal(host->dev->mistakes[RISER__DISABLED], 1);
}

static void test_whole_space_at_once(void **state)
{
	struct fake_host *host = *state;
	uint8_t space[4096];

	assert_int_equal(riser__pci_read(host->dev, RISER__REGION_CONFIG, 0, space, 4096), 0);
	for (unsigned i = 0; i < 4096; i++)
		assert_int_equal(get(state, i, 1), space[i]);
	assert_int_equal(riser__pci_read(host->dev, RISER__REGION_CONFIG, 1, space, 4096), -22);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(test_identity),
		TEST(test_sizing),
		TEST(test_command_and_status),
		TEST(test_every_capability),
		TEST(test_vendor_registers),
		TEST(test_function_level_reset),
		TEST(test_huge_bar),
		TEST(test_d3hot),
		TEST(test_whole_space_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
