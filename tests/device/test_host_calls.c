/* SPDX-License-Identifier: MIT */
/*
 * Every call of host.h and driver.h with what it must not take: refused in words, and device
 * and host side as they were. And a load: refused, it changes nothing; taken, the host side
 * knows the interrupts, the BARs and the command register of the state.
 */
#include "harness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/pci_regs.h>

#include "testdev/testdev_regs.h"

enum { SECOND = 1000000000, CONFIG = 4096, MEMORY = 16 << 20 };

/* ---- What must stay ---- */

struct picture {
	uint32_t config[CONFIG / 4];
	struct riser_host_bar bars[6];
	uint64_t scratch;
};

static void picture_take(struct riser_host *host, struct picture *p)
{
	memset(p, 0, sizeof(*p));
	for (unsigned at = 0; at < CONFIG; at += 4)
		ok(host, riser_host_config_read(host, at, 4, &p->config[at / 4]));
	for (unsigned i = 0; i < 6; i++)
		ok(host, riser_host_bar(host, i, &p->bars[i]));
	p->scratch = get(host, 0, TESTDEV_SCRATCH, 4);
}

/* An interrupt of the vector comes, once. */
static void arrives(struct riser_host *host, unsigned vector)
{
	uint64_t before = irqs(host, vector);

	put(host, 0, TESTDEV_IRQ_RAISE, 4, vector);
	ok(host, riser_host_irq_wait(host, vector, SECOND));
	put(host, 0, TESTDEV_IRQ_LOWER, 4, vector);
	assert_true(irqs(host, vector) == before);
}

/* ---- Calls ---- */

static int enable_irq(struct riser_host *host, uint64_t mode, uint64_t vectors)
{
	return riser_host_irq_enable(host, (enum riser_irq_mode)mode, (unsigned)vectors);
}

static int mask(struct riser_host *host, uint64_t vector, uint64_t masked)
{
	return riser_host_irq_mask(host, (unsigned)vector, masked);
}

static int wait_irq(struct riser_host *host, uint64_t vector, uint64_t timeout)
{
	return riser_host_irq_wait(host, (unsigned)vector, timeout);
}

static int count_irq(struct riser_host *host, uint64_t vector, uint64_t null)
{
	uint64_t count;

	return riser_host_irq_count(host, (unsigned)vector, null ? NULL : &count);
}

static int reset(struct riser_host *host, uint64_t kind, uint64_t unused)
{
	(void)unused;
	return riser_host_reset(host, (enum riser_reset)kind);
}

static int config_read(struct riser_host *host, uint64_t offset, uint64_t size)
{
	uint32_t value;

	return riser_host_config_read(host, (unsigned)offset, (unsigned)size,
				      size == 4 && !offset ? NULL : &value);
}

static int config_write(struct riser_host *host, uint64_t offset, uint64_t size)
{
	return riser_host_config_write(host, (unsigned)offset, (unsigned)size, UINT32_MAX);
}

static int read_bar0(struct riser_host *host, uint64_t offset, uint64_t size)
{
	uint64_t value;

	return riser_host_read(host, 0, offset, (unsigned)size,
			       size == 4 && !offset ? NULL : &value);
}

static int write_bar0(struct riser_host *host, uint64_t offset, uint64_t size)
{
	return riser_host_write(host, 0, offset, (unsigned)size, UINT64_MAX);
}

static int read_bar(struct riser_host *host, uint64_t bar, uint64_t size)
{
	uint64_t value;

	return riser_host_read(host, (unsigned)bar, 0, (unsigned)size, &value);
}

static int bar_info(struct riser_host *host, uint64_t bar, uint64_t null)
{
	struct riser_host_bar info;

	return riser_host_bar(host, (unsigned)bar, null ? NULL : &info);
}

static int map(struct riser_host *host, uint64_t offset, uint64_t length)
{
	void *address;

	return riser_host_map(host, 2, offset, length, &address);
}

static int map_bar(struct riser_host *host, uint64_t bar, uint64_t null)
{
	void *address;

	return riser_host_map(host, (unsigned)bar, 0, 4096, null ? NULL : &address);
}

static int take(struct riser_host *host, uint64_t iova, uint64_t length)
{
	return riser_host_memory_unmap(host, iova, length);
}

static int give(struct riser_host *host, uint64_t iova, uint64_t length)
{
	return riser_host_memory_map(host, iova, length);
}

static int load(struct riser_host *host, uint64_t size, uint64_t null)
{
	static const char zeroes[4096];

	return riser_host_load(host, null ? NULL : zeroes, size);
}

static int save(struct riser_host *host, uint64_t null, uint64_t unused)
{
	void *data;
	size_t size;

	(void)unused;
	return riser_host_save(host, null ? NULL : &data, null ? &size : NULL);
}

static int driver(struct riser_host *host, uint64_t irq, uint64_t legacy)
{
	const struct riser_driver_config config = { .size = sizeof(config),
						    .irq = (enum riser_irq_mode)irq,
						    .legacy = legacy };
	struct riser_driver *made;

	return riser_driver_create(host, &config, &made);
}

static int driver_of_nothing(struct riser_host *host, uint64_t a, uint64_t b)
{
	struct riser_driver *made;

	(void)a, (void)b;
	return riser_driver_create(host, NULL, &made);
}

#define CALL(f, a, b, error)                                                                   \
	{                                                                                      \
#f "(" #a ", " #b ")", f, a, b, error                                          \
	}
static const struct {
	const char *name;
	int (*call)(struct riser_host *host, uint64_t a, uint64_t b);
	uint64_t a, b;
	int error; /* 0: any */
} calls[] = {
	CALL(enable_irq, RISER_IRQ_MSIX, 0, -EINVAL),
	CALL(enable_irq, RISER_IRQ_MSIX, 9, -EINVAL),
	CALL(enable_irq, RISER_IRQ_MSIX, 2048, -EINVAL),
	CALL(enable_irq, RISER_IRQ_MSIX, UINT32_MAX, -EINVAL),
	CALL(enable_irq, RISER_IRQ_MSI, 0, -EINVAL),
	CALL(enable_irq, RISER_IRQ_MSI, 3, -EINVAL),
	CALL(enable_irq, RISER_IRQ_MSI, 8, -EINVAL),
	CALL(enable_irq, RISER_IRQ_MSI, UINT32_MAX, -EINVAL),
	CALL(enable_irq, RISER_IRQ_MSI, 1u << 31, -EINVAL),
	CALL(enable_irq, 3, 1, -EINVAL),
	CALL(enable_irq, UINT32_MAX, 1, -EINVAL),
	CALL(mask, 2, 1, -EINVAL),
	CALL(mask, 8, 1, -EINVAL),
	CALL(mask, UINT32_MAX, 1, -EINVAL),
	CALL(wait_irq, 1, 0, -ETIMEDOUT),
	CALL(wait_irq, 2, 0, -EINVAL),
	CALL(wait_irq, 0xf0000000, UINT64_MAX, -EINVAL),
	CALL(count_irq, 2, 0, -EINVAL),
	CALL(count_irq, 2048, 0, -EINVAL),
	CALL(count_irq, 0xf0000000, 0, -EINVAL),
	CALL(count_irq, 0, 1, -EINVAL),
	CALL(reset, RISER_RESET_POWER_ON, 0, -EINVAL),
	CALL(reset, RISER_RESET_DRIVER, 0, -EINVAL),
	CALL(reset, 77, 0, -EINVAL),
	CALL(config_read, 0, 4, -EINVAL),
	CALL(config_read, 4, 3, -EINVAL),
	CALL(config_read, 4, 0, -EINVAL),
	CALL(config_read, 4, 8, -EINVAL),
	CALL(config_read, 2, 4, -EINVAL),
	CALL(config_read, CONFIG, 1, -EINVAL),
	CALL(config_read, UINT32_MAX - 3, 4, -EINVAL),
	CALL(config_write, CONFIG, 4, -EINVAL),
	CALL(config_write, 5, 2, -EINVAL),
	CALL(config_write, 4, 16, -EINVAL),
	CALL(read_bar0, 0, 4, -EINVAL),
	CALL(read_bar0, 8192, 1, -EINVAL),
	CALL(read_bar0, 8190, 4, -EINVAL),
	CALL(read_bar0, UINT64_MAX, 4, -EINVAL),
	CALL(read_bar0, 4, 3, -EINVAL),
	CALL(read_bar0, 4, 0, -EINVAL),
	CALL(read_bar0, 4, UINT32_MAX, -EINVAL),
	CALL(write_bar0, 8192, 4, -EINVAL),
	CALL(write_bar0, UINT64_MAX - 3, 8, -EINVAL),
	CALL(write_bar0, 4, 16, -EINVAL),
	CALL(read_bar, 3, 4, -EINVAL),
	CALL(read_bar, 7, 4, -EINVAL),
	CALL(read_bar, UINT32_MAX, 4, -EINVAL),
	CALL(bar_info, 6, 0, -EINVAL),
	CALL(bar_info, UINT32_MAX, 0, -EINVAL),
	CALL(bar_info, 0, 1, -EINVAL),
	CALL(map, 0, 0, -EINVAL),
	CALL(map, 0, UINT64_MAX, -ENODEV),
	CALL(map, UINT64_MAX, 4096, -ENODEV),
	CALL(map, 4096, UINT64_MAX - 4095, -ENODEV),
	CALL(map_bar, 0, 0, -ENODEV),
	CALL(map_bar, 6, 0, -EINVAL),
	CALL(map_bar, UINT32_MAX, 0, -EINVAL),
	CALL(map_bar, 2, 1, -EINVAL),
	CALL(take, 0, 0, -EINVAL),
	CALL(take, 1, 4096, -EINVAL),
	CALL(take, 0, 4095, -EINVAL),
	CALL(take, MEMORY, 4096, -EINVAL),
	CALL(take, 4096, UINT64_MAX - 4095, -EINVAL),
	CALL(take, UINT64_MAX - 4095, 8192, -EINVAL),
	CALL(give, 0, 4096, -EEXIST),
	CALL(give, 0, 2 * MEMORY, -EINVAL),
	CALL(give, UINT64_MAX - 4095, 4096, -EINVAL),
	CALL(load, 0, 0, -EINVAL),
	CALL(load, 4096, 0, -EINVAL),
	CALL(load, 0, 1, -EINVAL),
	CALL(load, 4096, 1, -EINVAL),
	CALL(save, 0, 0, -EINVAL),
	CALL(save, 1, 0, -EINVAL),
	CALL(driver, RISER_IRQ_MSI, 0, -EINVAL),
	CALL(driver, 99, 0, -EINVAL),
	CALL(driver, RISER_IRQ_MSIX, 0, 0), /* it is no virtio device */
	CALL(driver, RISER_IRQ_INTX, 1, 0),
	CALL(driver_of_nothing, 0, 0, -EINVAL),
};

static void try_calls(struct riser_host *host, unsigned vectors)
{
	static struct picture before, after;

	put(host, 0, TESTDEV_SCRATCH, 4, 0x1234);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		int ret;

		if (calls[i].call == wait_irq && calls[i].a == 1 && vectors < 2)
			continue;
		picture_take(host, &before);
		ret = calls[i].call(host, calls[i].a, calls[i].b);
		if (!ret || (calls[i].error && ret != calls[i].error))
			fail_msg("%s: %d, not %d: %s", calls[i].name, ret, calls[i].error,
				 riser_host_error(host));
		if (!*riser_host_error(host))
			fail_msg("%s: no words", calls[i].name);
		picture_take(host, &after);
		if (memcmp(&before, &after, sizeof(before)))
			fail_msg("%s: not all is as it was", calls[i].name);
		arrives(host, vectors - 1);
	}
}

static void with_msix(struct riser_host *host)
{
	ok(host, riser_host_irq_enable(host, RISER_IRQ_MSIX, 2));
	try_calls(host, 2);
}

static void with_msi(struct riser_host *host)
{
	ok(host, riser_host_irq_enable(host, RISER_IRQ_MSI, 2));
	try_calls(host, 2);
}

static void with_intx(struct riser_host *host)
{
	uint64_t count;

	ok(host, riser_host_irq_enable(host, RISER_IRQ_INTX, UINT32_MAX));
	put(host, 0, TESTDEV_IRQ_RAISE, 4, 0);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (calls[i].call == driver || (calls[i].call == wait_irq && !calls[i].b))
			continue;
		assert_int_not_equal(calls[i].call(host, calls[i].a, calls[i].b), 0);
		assert_int_equal(irqs(host, 0), 1);
	}
	refused(host, riser_host_irq_count(host, 1, &count), -EINVAL);
	ok(host, riser_host_irq_enable(host, RISER_IRQ_MSIX, 8));
	arrives(host, 7);
}

/* A reset that a transport does not have leaves the function as it is. */
static void bus_reset(struct riser_host *host)
{
	int ret;

	ok(host, riser_host_irq_enable(host, RISER_IRQ_MSIX, 2));
	put(host, 0, TESTDEV_SCRATCH, 4, 0x1234);
	ret = riser_host_reset(host, RISER_RESET_BUS);
	if (!ret) {
		refused(host, riser_host_irq_mask(host, 1, true), -EINVAL);
		return;
	}
	assert_int_equal(ret, -ENOTSUP);
	assert_int_equal(get(host, 0, TESTDEV_SCRATCH, 4), 0x1234);
	arrives(host, 1);
}

/* ---- Loading ---- */

static uint32_t command(struct riser_host *host)
{
	uint32_t value;

	ok(host, riser_host_config_read(host, PCI_COMMAND, 2, &value));
	return value;
}

static void loaded_mode(struct riser_host *host, enum riser_irq_mode mode, unsigned vectors)
{
	struct riser_host_bar was, now;
	uint64_t count;
	size_t size;
	void *state;

	ok(host, riser_host_irq_enable(host, mode, vectors));
	put(host, 0, TESTDEV_SCRATCH, 4, mode);
	ok(host, riser_host_bar(host, 2, &was));
	ok(host, riser_host_save(host, &state, &size));
	ok(host, riser_host_reset(host, RISER_RESET_DEVICE));
	assert_int_equal(command(host), 0);
	ok(host, riser_host_load(host, state, size));
	assert_int_equal(command(host), 7);
	assert_int_equal(get(host, 0, TESTDEV_SCRATCH, 4), mode);
	ok(host, riser_host_bar(host, 2, &now));
	assert_memory_equal(&was, &now, sizeof(was));
	arrives(host, vectors - 1);
	arrives(host, 0);
	refused(host, riser_host_irq_count(host, 8, &count), -EINVAL);
	free(state);
}

static void load_msix(struct riser_host *host)
{
	loaded_mode(host, RISER_IRQ_MSIX, 5);
}

static void load_msi(struct riser_host *host)
{
	loaded_mode(host, RISER_IRQ_MSI, 4);
}

static void load_intx(struct riser_host *host)
{
	loaded_mode(host, RISER_IRQ_INTX, 1);
}

/* What came before it is not of the state that is loaded. */
static void load_forgets(struct riser_host *host)
{
	size_t size;
	void *state;

	ok(host, riser_host_irq_enable(host, RISER_IRQ_MSIX, 2));
	ok(host, riser_host_save(host, &state, &size));
	put(host, 0, TESTDEV_IRQ_RAISE, 4, 1);
	assert_int_equal(irqs(host, 1), 1);
	put(host, 0, TESTDEV_IRQ_RAISE, 4, 1);
	refused(host, riser_host_load(host, state, size - 1), -EINVAL);
	assert_int_equal(irqs(host, 1), 2);
	ok(host, riser_host_load(host, state, size));
	assert_int_equal(irqs(host, 1), 0);
	arrives(host, 1);
	free(state);
}

/* Refused again and again, then taken. */
static void load_refused(struct riser_host *host)
{
	static struct picture before, after;
	size_t size;
	char *state;

	ok(host, riser_host_irq_enable(host, RISER_IRQ_MSI, 4));
	ok(host, riser_host_save(host, (void **)&state, &size));
	put(host, 0, TESTDEV_SCRATCH, 4, 0x77);
	picture_take(host, &before);
	for (size_t cut = 0; cut < size; cut += size / 7) {
		refused(host, riser_host_load(host, state, cut), -EINVAL);
		picture_take(host, &after);
		assert_memory_equal(&before, &after, sizeof(before));
		arrives(host, 3);
	}
	state[0] ^= 1;
	refused(host, riser_host_load(host, state, size), -EINVAL);
	state[0] ^= 1;
	assert_int_equal(get(host, 0, TESTDEV_SCRATCH, 4), 0x77);
	ok(host, riser_host_load(host, state, size));
	assert_int_equal(get(host, 0, TESTDEV_SCRATCH, 4), 0);
	arrives(host, 3);
	free(state);
}

int main(void)
{
	const struct device_test tests[] = {
		{ "calls, MSI-X", with_msix },	  { "calls, MSI", with_msi },
		{ "calls, INTx", with_intx },	  { "bus reset", bus_reset },
		{ "load with MSI-X", load_msix }, { "load with MSI", load_msi },
		{ "load with INTx", load_intx },  { "load forgets", load_forgets },
		{ "load refused", load_refused },
	};

	return device_tests_run("testdev", tests, sizeof(tests) / sizeof(tests[0]));
}
