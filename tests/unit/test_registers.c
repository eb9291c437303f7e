/* SPDX-License-Identifier: MIT */
/*
 * Every bit of configuration space and of every capability against the specifications' tables:
 * what it is after power-on, who writes it, and which resets leave it alone. What no line of
 * the table names is read-only zero.
 */
#include "fake_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/pci_regs.h>

enum { HEADER = 0, EXTENDED = 0x10000, VENDOR_SIZE = 12 };

/* One register. Bits that are in none of rw and w1c are read-only. */
struct line {
	const char *name;
	unsigned cap; /* HEADER, or a capability's id, with EXTENDED or without */
	uint16_t offset;
	uint8_t size;
	uint32_t value; /* after power-on */
	uint32_t rw, w1c;
	uint32_t sticky; /* kept by any reset but power-on: RWS, RW1CS */
	uint32_t link;	 /* kept by FLR, PCIe 6.6.2 */
};

/* ---- A PCI Express function with everything ---- */

#define ERRORS_UNCORRECTABLE 0x0017f010 /* PCIe 7.8.4.2, without what is optional */
#define ERRORS_CORRECTABLE 0x000031c1	/* PCIe 7.8.4.5 */

static const struct line express[] = {
	{ "Vendor ID", HEADER, 0x00, 2, 0x1234 },
	{ "Device ID", HEADER, 0x02, 2, 0x5678 },
	/* I/O, Memory, Bus Master, Parity, SERR#, Interrupt Disable (PCIe 7.5.1.1.3). */
	{ "Command", HEADER, 0x04, 2, 0, .rw = 0x0547 },
	{ "Status", HEADER, 0x06, 2, 0x0010, .w1c = 0xf900 },
	{ "Revision ID", HEADER, 0x08, 1, 9 },
	{ "Class Code", HEADER, 0x09, 1, 3 },
	{ "Class Code", HEADER, 0x0a, 2, 0x0102 },
	{ "Cache Line Size", HEADER, 0x0c, 1, 0, .rw = 0xff },
	{ "Latency Timer", HEADER, 0x0d, 1, 0 },
	{ "Header Type", HEADER, 0x0e, 1, 0 },
	{ "BIST", HEADER, 0x0f, 1, 0 },
	{ "BAR0, 4 KiB", HEADER, 0x10, 4, 0x0, .rw = 0xfffff000 },
	{ "BAR1, I/O, 64 bytes", HEADER, 0x14, 4, 0x1, .rw = 0xffffffc0 },
	{ "BAR2, 1 MiB, prefetchable", HEADER, 0x18, 4, 0xc, .rw = 0xfff00000 },
	{ "BAR2, high half", HEADER, 0x1c, 4, 0, .rw = 0xffffffff },
	{ "Subsystem", HEADER, 0x2c, 4, 0x11001af4 },
	{ "Expansion ROM, 2 KiB", HEADER, 0x30, 4, 0, .rw = 0xfffff801 },
	{ "Capabilities Pointer", HEADER, 0x34, 1, 0x40 },
	{ "Interrupt Line", HEADER, 0x3c, 1, 0, .rw = 0xff },
	{ "Interrupt Pin", HEADER, 0x3d, 1, 1 },

	{ "PMC", PCI_CAP_ID_PM, 2, 2, 0x0003 },
	/* A state is tried by itself: not all of them are taken. */
	{ "PMCSR", PCI_CAP_ID_PM, 4, 2, 0x0008, .rw = 0x0003 },

	{ "MSI control", PCI_CAP_ID_MSI, 2, 2, 0x0184, .rw = 0x0071 },
	{ "MSI address", PCI_CAP_ID_MSI, 4, 4, 0, .rw = 0xfffffffc },
	{ "MSI upper address", PCI_CAP_ID_MSI, 8, 4, 0, .rw = 0xffffffff },
	{ "MSI data", PCI_CAP_ID_MSI, 0xc, 2, 0, .rw = 0xffff },
	{ "MSI mask bits", PCI_CAP_ID_MSI, 0x10, 4, 0, .rw = 0xf },

	{ "MSI-X control", PCI_CAP_ID_MSIX, 2, 2, 0x0002, .rw = 0xc000 },
	{ "MSI-X table", PCI_CAP_ID_MSIX, 4, 4, 0x1002 },
	{ "MSI-X PBA", PCI_CAP_ID_MSIX, 8, 4, 0x2002 },

	{ "PCIe capabilities", PCI_CAP_ID_EXP, 2, 2, 0x0002 },
	{ "Device Capabilities", PCI_CAP_ID_EXP, 4, 4, 0x10008000 },
	/* Reporting, Relaxed Ordering, No Snoop, Max_Read_Request_Size; FLR reads as 0. */
	{ "Device Control", PCI_CAP_ID_EXP, 8, 2, 0x2810, .rw = 0x781f },
	{ "Device Status", PCI_CAP_ID_EXP, 0xa, 2, 0, .w1c = 0x000f },
	{ "Link Capabilities", PCI_CAP_ID_EXP, 0xc, 4, 0x00000011 },
	/* ASPM, Common Clock, Extended Synch. */
	{ "Link Control", PCI_CAP_ID_EXP, 0x10, 2, 0, .rw = 0x00c3, .link = 0x00c3 },
	{ "Link Status", PCI_CAP_ID_EXP, 0x12, 2, 0x0011 },
	{ "Device Capabilities 2", PCI_CAP_ID_EXP, 0x24, 4, 0x00000010 },
	{ "Device Control 2", PCI_CAP_ID_EXP, 0x28, 2, 0, .rw = 0x0010 },

	{ "vendor header", PCI_CAP_ID_VNDR, 2, 1, VENDOR_SIZE },
	{ "vendor data", PCI_CAP_ID_VNDR, 3, 1, 0x55 },
	{ "vendor register", PCI_CAP_ID_VNDR, 4, 4, 0x77, .rw = 0xffff },

	{ "Serial Number", EXTENDED | PCI_EXT_CAP_ID_DSN, 4, 4, 0x55667788 },
	{ "Serial Number", EXTENDED | PCI_EXT_CAP_ID_DSN, 8, 4, 0x11223344 },

	{ "Uncorrectable Status", EXTENDED | PCI_EXT_CAP_ID_ERR, 4, 4, 0,
	  .w1c = ERRORS_UNCORRECTABLE, .sticky = ERRORS_UNCORRECTABLE },
	{ "Uncorrectable Mask", EXTENDED | PCI_EXT_CAP_ID_ERR, 8, 4, 0,
	  .rw = ERRORS_UNCORRECTABLE, .sticky = ERRORS_UNCORRECTABLE },
	{ "Uncorrectable Severity", EXTENDED | PCI_EXT_CAP_ID_ERR, 0xc, 4, 0x00062010,
	  .rw = ERRORS_UNCORRECTABLE, .sticky = ERRORS_UNCORRECTABLE },
	{ "Correctable Status", EXTENDED | PCI_EXT_CAP_ID_ERR, 0x10, 4, 0,
	  .w1c = ERRORS_CORRECTABLE, .sticky = ERRORS_CORRECTABLE },
	{ "Correctable Mask", EXTENDED | PCI_EXT_CAP_ID_ERR, 0x14, 4, 0x2000,
	  .rw = ERRORS_CORRECTABLE, .sticky = ERRORS_CORRECTABLE },
	{ "AER Control", EXTENDED | PCI_EXT_CAP_ID_ERR, 0x18, 4, 0 },

	{ "ATS Capability", EXTENDED | PCI_EXT_CAP_ID_ATS, 4, 2, 0x0020 },
	{ "ATS Control", EXTENDED | PCI_EXT_CAP_ID_ATS, 6, 2, 0, .rw = 0x801f },

	{ "PASID Capability", EXTENDED | PCI_EXT_CAP_ID_PASID, 4, 2, 0x1400 },
	{ "PASID Control", EXTENDED | PCI_EXT_CAP_ID_PASID, 6, 2, 0, .rw = 0x0001 },
};

struct state {
	uint32_t vendor;
};

static const struct riser_reg vendor_regs[] = {
	{ RISER_REG(4, struct state, vendor), .rw = 0xffff, .reset = 0x77 },
};
static const struct riser_pci_cap express_caps[] = {
	RISER_PM,
	RISER_MSI(4),
	RISER_MSIX(3, 2, 0x1000, 0x2000),
	RISER_EXPRESS,
	{ .kind = RISER_CAP_VENDOR,
	  .size = VENDOR_SIZE,
	  .data = "\x55\0\0\0\0\0\0\0",
	  .regs = RISER_REGS(vendor_regs) },
	RISER_SERIAL(0x1122334455667788),
	RISER_AER,
	RISER_ATS,
	RISER_PASID,
};
static const struct riser_bar express_bars[] = {
	{ .index = 0, .size = 4096 },
	{ .index = 1, .size = 64, .kind = RISER_IO },
	{ .index = 2, .size = 1 << 20, .kind = RISER_MEM64, .prefetchable = true },
};
static const struct riser_pci_device express_desc = {
	.size = sizeof(express_desc),
	.name = "express",
	.id = { .vendor = 0x1234, .device = 0x5678, .class_code = 0x010203, .revision = 9 },
	.interrupt_pin = 1,
	.state_size = sizeof(struct state),
	.bars = RISER_BARS(express_bars),
	.caps = RISER_CAPS(express_caps),
};

/* ---- A conventional one with next to nothing: no INTx, no I/O, no PCI Express ---- */

static const struct line conventional[] = {
	{ "Vendor ID", HEADER, 0x00, 2, 0x1234 },
	{ "Command", HEADER, 0x04, 2, 0, .rw = 0x0146 },
	{ "Status", HEADER, 0x06, 2, 0x0010, .w1c = 0xf900 },
	{ "Cache Line Size", HEADER, 0x0c, 1, 0, .rw = 0xff },
	/* A master's, in units of 8 clocks (PCI 6.2.4). */
	{ "Latency Timer", HEADER, 0x0d, 1, 0, .rw = 0xf8 },
	{ "BAR0", HEADER, 0x10, 4, 0, .rw = 0xfffff000 },
	{ "Subsystem", HEADER, 0x2c, 4, 0x11001af4 },
	{ "Capabilities Pointer", HEADER, 0x34, 1, 0x40 },
	{ "PMC", PCI_CAP_ID_PM, 2, 2, 0x0003 },
	{ "PMCSR", PCI_CAP_ID_PM, 4, 2, 0, .rw = 0x0003 },
	/* One message that cannot be masked. */
	{ "MSI control", PCI_CAP_ID_MSI, 2, 2, 0x0080, .rw = 0x0071 },
	{ "MSI address", PCI_CAP_ID_MSI, 4, 4, 0, .rw = 0xfffffffc },
	{ "MSI upper address", PCI_CAP_ID_MSI, 8, 4, 0, .rw = 0xffffffff },
	{ "MSI data", PCI_CAP_ID_MSI, 0xc, 2, 0, .rw = 0xffff },
};
static const struct riser_pci_cap conventional_caps[] = {
	{ .kind = RISER_CAP_PM, .soft_reset = true },
	{ .kind = RISER_CAP_MSI, .vectors = 1, .mapped_only = true },
};
static const struct riser_bar conventional_bars[] = { { .index = 0, .size = 4096 } };
static const struct riser_pci_device conventional_desc = {
	.size = sizeof(conventional_desc),
	.name = "conventional",
	.id = { .vendor = 0x1234 },
	.bars = RISER_BARS(conventional_bars),
	.caps = RISER_CAPS(conventional_caps),
};

/* ---- */

struct subject {
	struct fake_host host;
	const struct line *lines;
	unsigned count;
	char rom[32]; /* a file */
};

static int start(void **state, const struct riser_pci_device *desc, const struct line *lines,
		 unsigned count, bool with_rom)
{
	struct subject *s = calloc(1, sizeof(*s));
	char options[64] = "";

	*s = (struct subject){ .lines = lines, .count = count };
	if (with_rom) {
		FILE *file;

		strcpy(s->rom, "/tmp/riser-rom-XXXXXX");
		file = fdopen(mkstemp(s->rom), "w");
		assert_non_null(file);
		fputs("rom", file);
		fclose(file);
		snprintf(options, sizeof(options), "romfile=%s", s->rom);
	}
	fake_host_start(&s->host, desc, options);
	*state = s;
	return 0;
}

static int start_express(void **state)
{
	return start(state, &express_desc, express, sizeof(express) / sizeof(*express), true);
}

static int start_conventional(void **state)
{
	return start(state, &conventional_desc, conventional,
		     sizeof(conventional) / sizeof(*conventional), false);
}

static int stop(void **state)
{
	struct subject *s = *state;

	fake_host_stop(&s->host);
	if (*s->rom)
		remove(s->rom);
	free(s);
	return 0;
}

static uint32_t get(struct subject *s, unsigned offset, unsigned size)
{
	return (uint32_t)fake_host_read(&s->host, RISER__REGION_CONFIG, offset, size);
}

static void put(struct subject *s, unsigned offset, unsigned size, uint32_t value)
{
	fake_host_write(&s->host, RISER__REGION_CONFIG, offset, size, value);
}

static unsigned find(struct subject *s, unsigned id)
{
	unsigned at = id & EXTENDED ? 0x100 : get(s, PCI_CAPABILITY_LIST, 1);

	while (at && (id & EXTENDED ? get(s, at, 2) | EXTENDED : get(s, at, 1)) != id)
		at = id & EXTENDED ? get(s, at, 4) >> 20 : get(s, at + 1, 1);
	if (!at)
		fail_msg("there is no capability %#x", id);
	return at;
}

static unsigned place(struct subject *s, const struct line *line)
{
	return (line->cap == HEADER ? 0 : find(s, line->cap)) + line->offset;
}

static void expect(struct subject *s, const struct line *line, const char *when, uint32_t value)
{
	uint32_t is = get(s, place(s, line), line->size);

	if (is != value)
		fail_msg("%s (%#x+%#x) %s is %#x, not %#x", line->name, line->cap, line->offset,
			 when, is, value);
}

static uint32_t ones(unsigned size)
{
	return UINT32_MAX >> (32 - 8 * size);
}

static bool starts_reset(const struct line *line)
{
	return line->cap == PCI_CAP_ID_EXP && line->offset == PCI_EXP_DEVCTL;
}

static void test_power_on(void **state)
{
	struct subject *s = *state;

	for (unsigned i = 0; i < s->count; i++)
		expect(s, &s->lines[i], "after power-on", s->lines[i].value);
}

/* As the hardware would set them. */
static void raise_w1c(struct subject *s, const struct line *line)
{
	uint8_t *config = s->host.dev->pci->config + place(s, line);

	for (unsigned i = 0; i < line->size; i++)
		config[i] |= (uint8_t)(line->w1c >> 8 * i);
}

static void test_written(void **state)
{
	struct subject *s = *state;

	for (unsigned i = 0; i < s->count; i++) {
		const struct line *line = &s->lines[i];
		uint32_t flr = starts_reset(line) ? PCI_EXP_DEVCTL_BCR_FLR : 0;
		uint32_t fixed = line->value & ~(line->rw | line->w1c);
		unsigned at = place(s, line);

		raise_w1c(s, line);
		put(s, at, line->size, 0);
		expect(s, line, "with zeroes written", fixed | line->w1c);
		put(s, at, line->size, ones(line->size) & ~flr);
		expect(s, line, "with ones written", fixed | line->rw);
		put(s, at, line->size, line->value & ~line->w1c);
		expect(s, line, "with its value written", line->value);
	}
}

/* What the table does not name, ones change nothing of. */
static void test_the_rest(void **state)
{
	struct subject *s = *state;
	unsigned size = s->host.dev->pci->config_size;
	uint8_t *named = calloc(1, size);

	for (unsigned i = 0; i < s->count; i++)
		memset(named + place(s, &s->lines[i]), 1, s->lines[i].size);
	for (unsigned at = 0; at < size; at++) {
		uint32_t was = get(s, at, 1);

		if (named[at])
			continue;
		put(s, at, 1, 0xff);
		if (get(s, at, 1) != was)
			fail_msg("byte %#x is written, and in no register", at);
	}
	free(named);
}

static void set_all(struct subject *s)
{
	for (unsigned i = 0; i < s->count; i++) {
		const struct line *line = &s->lines[i];

		/* In D3hot, or with FLR under way, there would be nothing to set. */
		if (line->cap == PCI_CAP_ID_PM)
			continue;
		put(s, place(s, line), line->size,
		    line->value ^ (line->rw & ~(starts_reset(line) ? 0x8000u : 0)));
		raise_w1c(s, line);
	}
}

static void expect_reset(struct subject *s, const char *when, enum riser_reset kind)
{
	for (unsigned i = 0; i < s->count; i++) {
		const struct line *line = &s->lines[i];
		uint32_t kept = line->sticky | (kind == RISER_RESET_FUNCTION ? line->link : 0);
		uint32_t set = (line->value ^ line->rw) | line->w1c;

		expect(s, line, when, (line->value & ~kept) | (set & kept));
	}
}

static void test_resets(void **state)
{
	struct subject *s = *state;

	set_all(s);
	riser__dev_reset(s->host.dev, RISER_RESET_DEVICE);
	expect_reset(s, "after a device reset", RISER_RESET_DEVICE);
	set_all(s);
	riser__dev_reset(s->host.dev, RISER_RESET_BUS);
	expect_reset(s, "after a bus reset", RISER_RESET_BUS);
	set_all(s);
	riser__dev_reset(s->host.dev, RISER_RESET_FUNCTION);
	expect_reset(s, "after FLR", RISER_RESET_FUNCTION);
	set_all(s);
	riser__pci_forget(s->host.dev);
	riser__dev_reset(s->host.dev, RISER_RESET_DEVICE);
	for (unsigned i = 0; i < s->count; i++)
		expect(s, &s->lines[i], "for another client", s->lines[i].value);
}

static void test_flr_by_the_guest(void **state)
{
	struct subject *s = *state;

	set_all(s);
	put(s, find(s, PCI_CAP_ID_EXP) + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR);
	expect_reset(s, "after FLR", RISER_RESET_FUNCTION);
}

static void test_power_states(void **state)
{
	struct subject *s = *state;
	unsigned at = find(s, PCI_CAP_ID_PM) + PCI_PM_CTRL;
	uint32_t fixed = get(s, at, 2);

	for (unsigned wanted = 1; wanted <= 2; wanted++) {
		put(s, at, 2, wanted);
		assert_int_equal(get(s, at, 2), fixed);
	}
	put(s, at, 2, 3);
	put(s, at, 2, 1);
	assert_int_equal(get(s, at, 2), fixed | 3);
}

/* No_Soft_Reset: nothing is lost. */
static void test_d3hot_keeps(void **state)
{
	struct subject *s = *state;
	unsigned at = find(s, PCI_CAP_ID_PM) + PCI_PM_CTRL;

	put(s, PCI_BASE_ADDRESS_0, 4, 0xfebf1000);
	put(s, at, 2, 3);
	put(s, at, 2, 0);
	assert_int_equal(get(s, PCI_BASE_ADDRESS_0, 4), 0xfebf1000);
}

/* Without it the way to D0 is a reset. */
static void test_d3hot_resets(void **state)
{
	struct subject *s = *state;
	unsigned at = find(s, PCI_CAP_ID_PM) + PCI_PM_CTRL;

	set_all(s);
	put(s, at, 2, 3);
	assert_int_equal(get(s, PCI_BASE_ADDRESS_0, 4), 0xfffff000);
	put(s, at, 2, 0);
	expect_reset(s, "after D3hot", RISER_RESET_FUNCTION);
}

/* On a root complex's own bus there is no link. */
static void test_integrated(void **state)
{
	struct subject *s = *state;
	unsigned at = find(s, PCI_CAP_ID_EXP);

	riser__config_integrate(s->host.dev);
	assert_int_equal(get(s, at + PCI_EXP_FLAGS, 2), 0x0092);
	put(s, at + PCI_EXP_LNKCTL, 2, 0xffff);
	for (unsigned i = PCI_EXP_LNKCAP; i < PCI_EXP_DEVCAP2; i++)
		assert_int_equal(get(s, at + i, 1), 0);
	riser__dev_reset(s->host.dev, RISER_RESET_FUNCTION);
	assert_int_equal(get(s, at + PCI_EXP_LNKCTL, 2), 0);
}

int main(void)
{
#define ON(kind, f) cmocka_unit_test_setup_teardown(f, start_##kind, stop)
#define BOTH(f) ON(express, f), ON(conventional, f)
	const struct CMUnitTest tests[] = {
		BOTH(test_power_on),
		BOTH(test_written),
		BOTH(test_the_rest),
		BOTH(test_resets),
		BOTH(test_power_states),
		ON(express, test_flr_by_the_guest),
		ON(express, test_d3hot_keeps),
		ON(express, test_integrated),
		ON(conventional, test_d3hot_resets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
