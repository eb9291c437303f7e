/* SPDX-License-Identifier: MIT */
/* What a driver does in the wrong order, by the wrong interface, or in an unusual width. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>

#include "loop.h"

enum { RING_RESET = 40, SIZE = 16, SCRATCH = 4, LENGTH = 8 };
#define BIT(n) (UINT64_C(1) << (n))
#define VERSION_1 BIT(VIRTIO_F_VERSION_1)
#define PACKED BIT(VIRTIO_F_RING_PACKED)
#define WAIT (UINT64_C(60000) * MS)

enum {
	BEFORE = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER,
	AGREED = BEFORE | VIRTIO_CONFIG_S_FEATURES_OK,
	RUNNING = AGREED | VIRTIO_CONFIG_S_DRIVER_OK,
};

/* Where things are; the modern interface is there with legacy=on, too. */
enum { BAR = 4, COMMON = 0, ISR = 0x1000, CONFIG = 0x2000, NOTIFY = 0x4000 };

static uint64_t common(struct riser_host *host, unsigned offset, unsigned size)
{
	return get(host, BAR, COMMON + offset, size);
}

static void set_common(struct riser_host *host, unsigned offset, unsigned size, uint64_t value)
{
	put(host, BAR, COMMON + offset, size, value);
}

static uint8_t status(struct riser_host *host)
{
	return (uint8_t)common(host, VIRTIO_PCI_COMMON_STATUS, 1);
}

static void set_status(struct riser_host *host, uint8_t value)
{
	set_common(host, VIRTIO_PCI_COMMON_STATUS, 1, value);
}

static void ask_for(struct riser_host *host, unsigned word, uint32_t bits)
{
	set_common(host, VIRTIO_PCI_COMMON_GFSELECT, 4, word);
	set_common(host, VIRTIO_PCI_COMMON_GF, 4, bits);
}

static void select_queue(struct riser_host *host, unsigned index)
{
	set_common(host, VIRTIO_PCI_COMMON_Q_SELECT, 2, index);
}

static bool is_enabled(struct riser_host *host)
{
	return common(host, VIRTIO_PCI_COMMON_Q_ENABLE, 2);
}

/* Its parts where nothing else is. */
static void set_up(struct riser_host *host, unsigned index)
{
	uint64_t size, base, at;

	riser_host_memory(host, &size, &base);
	at = base + 0x10000 + 0x4000 * (uint64_t)index;
	select_queue(host, index);
	set_common(host, VIRTIO_PCI_COMMON_Q_SIZE, 2, SIZE);
	set_common(host, VIRTIO_PCI_COMMON_Q_DESCLO, 4, (uint32_t)at);
	set_common(host, VIRTIO_PCI_COMMON_Q_DESCHI, 4, at >> 32);
	set_common(host, VIRTIO_PCI_COMMON_Q_AVAILLO, 4, (uint32_t)(at + 0x1000));
	set_common(host, VIRTIO_PCI_COMMON_Q_AVAILHI, 4, (at + 0x1000) >> 32);
	set_common(host, VIRTIO_PCI_COMMON_Q_USEDLO, 4, (uint32_t)(at + 0x2000));
	set_common(host, VIRTIO_PCI_COMMON_Q_USEDHI, 4, (at + 0x2000) >> 32);
	set_common(host, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
}

static void agree(struct riser_host *host, uint64_t bits)
{
	set_status(host, 0);
	set_status(host, BEFORE);
	ask_for(host, 0, (uint32_t)bits);
	ask_for(host, 1, (uint32_t)(bits >> 32));
	set_status(host, AGREED);
}

static const uint64_t kinds[] = { VERSION_1, VERSION_1 | PACKED };
enum { KINDS = 2 };

/* ---- Order ---- */

static void enabled_too_early(struct riser_host *host)
{
	for (unsigned i = 0; i < KINDS; i++) {
		set_status(host, 0);
		set_up(host, 0);
		assert_false(is_enabled(host));
		set_status(host, BEFORE);
		set_common(host, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
		assert_false(is_enabled(host));
		agree(host, kinds[i]);
		set_up(host, 0);
		assert_true(is_enabled(host));
		assert_int_equal(status(host), AGREED);
	}
}

/* What is made available and notified of before DRIVER_OK waits for it. */
static void notified_too_early(struct riser_host *host)
{
	for (unsigned i = 0; i < KINDS; i++) {
		struct riser_driver_config config = { .size = sizeof(config),
						      .features = kinds[i],
						      .irq = RISER_IRQ_MSIX };
		struct riser_driver_sg parts[2] = { { .length = LENGTH },
						    { .length = LENGTH } };
		struct riser_driver_queue *queue;
		struct riser_driver *driver;
		uint8_t *out, *in;

		ok(host, riser_driver_create(host, &config, &driver));
		ok(host, riser_driver_queue(driver, 0, 0, &queue));
		out = riser_driver_alloc(driver, LENGTH, 8, &parts[0].iova);
		in = riser_driver_alloc(driver, LENGTH, 8, &parts[1].iova);
		memset(out, 0x5a, LENGTH);
		ok(host, riser_driver_add(queue, parts, 1, parts + 1, 1, NULL));
		ok(host, riser_driver_kick(queue));
		ok(host, riser_driver_notify(queue));
		assert_int_equal(status(host), AGREED);
		refused(host, riser_driver_get(queue, NULL, NULL), -EAGAIN);
		assert_int_equal(get(host, BAR, CONFIG, 4), 0);
		ok(host, riser_driver_ready(driver));
		ok(host, riser_driver_wait(queue, NULL, NULL, WAIT));
		assert_memory_equal(in, out, LENGTH);
		riser_driver_destroy(driver);
	}
}

static void agreed_for_good(struct riser_host *host)
{
	agree(host, VERSION_1);
	ask_for(host, 1, (uint32_t)((VERSION_1 | PACKED) >> 32));
	assert_int_equal(common(host, VIRTIO_PCI_COMMON_GF, 4), VERSION_1 >> 32);
	/* Bits of the status are not taken back one by one. */
	set_status(host, BEFORE);
	assert_int_equal(status(host), AGREED);
	ask_for(host, 1, (uint32_t)((VERSION_1 | PACKED) >> 32));
	set_status(host, AGREED);
	assert_int_equal(common(host, VIRTIO_PCI_COMMON_GF, 4), VERSION_1 >> 32);
	set_status(host, VIRTIO_CONFIG_S_DRIVER_OK);
	assert_int_equal(status(host), RUNNING);
	set_status(host, VIRTIO_CONFIG_S_FAILED);
	assert_int_equal(status(host), RUNNING | VIRTIO_CONFIG_S_FAILED);
	/* Nor can a driver say that the device needs a reset. */
	set_status(host, VIRTIO_CONFIG_S_NEEDS_RESET);
	assert_int_equal(status(host), RUNNING | VIRTIO_CONFIG_S_FAILED);
}

static void past_all_features(struct riser_host *host)
{
	agree(host, VERSION_1);
	assert_int_equal(status(host), AGREED);
	for (unsigned word = 2; word < 5; word++) {
		set_status(host, 0);
		set_status(host, BEFORE);
		ask_for(host, 1, (uint32_t)(VERSION_1 >> 32));
		ask_for(host, word, 0);
		ask_for(host, word, 1);
		assert_int_equal(common(host, VIRTIO_PCI_COMMON_GF, 4), 0);
		set_status(host, AGREED);
		assert_int_equal(status(host), BEFORE);
	}
}

static void ready_too_early(struct riser_host *host)
{
	set_status(host, BEFORE);
	set_status(host, BEFORE | VIRTIO_CONFIG_S_DRIVER_OK);
	assert_true(status(host) & VIRTIO_CONFIG_S_NEEDS_RESET);
	assert_int_equal(get(host, BAR, ISR, 1), VIRTIO_PCI_ISR_CONFIG);
	/* It was broken before, which nobody was told of: now it is said. */
	agree(host, VERSION_1);
	select_queue(host, 0);
	set_common(host, VIRTIO_PCI_COMMON_Q_SIZE, 2, 3);
	set_common(host, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	assert_true(status(host) & VIRTIO_CONFIG_S_NEEDS_RESET);
	assert_int_equal(get(host, BAR, ISR, 1), 0);
	set_status(host, RUNNING);
	assert_int_equal(get(host, BAR, ISR, 1), VIRTIO_PCI_ISR_CONFIG);
}

static void strange_queues(struct riser_host *host)
{
	agree(host, VERSION_1);
	select_queue(host, 0);
	for (unsigned value = 2; value < 5; value++)
		set_common(host, VIRTIO_PCI_COMMON_Q_ENABLE, 2, value);
	assert_false(is_enabled(host));
	set_up(host, 0);
	set_common(host, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 0);
	set_common(host, VIRTIO_PCI_COMMON_Q_SIZE, 2, 4);
	set_common(host, VIRTIO_PCI_COMMON_Q_USEDLO, 4, 0x40000);
	assert_true(is_enabled(host));
	assert_int_equal(common(host, VIRTIO_PCI_COMMON_Q_SIZE, 2), SIZE);
	/* The reset of a queue was not agreed on. */
	set_common(host, 0x3a, 2, 1);
	assert_int_equal(common(host, 0x3a, 2), 0);
	assert_true(is_enabled(host));
	/* There is no such queue. */
	select_queue(host, LOOP_QUEUES);
	set_common(host, VIRTIO_PCI_COMMON_Q_SIZE, 2, 4);
	set_common(host, VIRTIO_PCI_COMMON_Q_MSIX, 2, 1);
	set_common(host, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	assert_int_equal(common(host, VIRTIO_PCI_COMMON_Q_SIZE, 2), 0);
	assert_int_equal(common(host, VIRTIO_PCI_COMMON_Q_MSIX, 2), VIRTIO_MSI_NO_VECTOR);
	assert_false(is_enabled(host));
	assert_int_equal(status(host), AGREED);
}

static void vectors(struct riser_host *host)
{
	static const unsigned registers[] = { VIRTIO_PCI_COMMON_MSIX,
					      VIRTIO_PCI_COMMON_Q_MSIX };

	agree(host, VERSION_1);
	select_queue(host, 1);
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned vector = 0; vector <= LOOP_QUEUES; vector++) {
			set_common(host, registers[i], 2, vector);
			assert_int_equal(common(host, registers[i], 2), vector);
		}
		set_common(host, registers[i], 2, LOOP_QUEUES + 1);
		assert_int_equal(common(host, registers[i], 2), VIRTIO_MSI_NO_VECTOR);
		/* By bytes, which are no vector before both are there. */
		set_common(host, registers[i], 1, 2);
		set_common(host, registers[i] + 1, 1, 0);
		assert_int_equal(common(host, registers[i], 2), 2);
	}
}

/* Nothing forbids it: a console takes bytes before anything is agreed on (virtio 5.3.4). */
static void configured_at_any_time(struct riser_host *host)
{
	set_status(host, 0);
	put(host, BAR, CONFIG + SCRATCH, 4, 0x1234);
	assert_int_equal(get(host, BAR, CONFIG + SCRATCH, 4), 0x1234);
	assert_int_equal(get(host, BAR, ISR, 1), 0);
}

/* ---- Two interfaces ---- */

static void modern_meets_legacy(struct riser_host *host)
{
	for (unsigned i = 0; i < KINDS; i++) {
		agree(host, kinds[i]);
		set_up(host, 0);
		set_status(host, RUNNING);
		put(host, 0, VIRTIO_PCI_GUEST_FEATURES, 4, UINT32_MAX);
		put(host, 0, VIRTIO_PCI_QUEUE_SEL, 2, 0);
		put(host, 0, VIRTIO_PCI_QUEUE_PFN, 4, 0x40);
		put(host, 0, VIRTIO_PCI_QUEUE_NOTIFY, 2, 0);
		put(host, 0, VIRTIO_PCI_STATUS, 1, VIRTIO_CONFIG_S_FAILED);
		assert_int_equal(status(host), RUNNING);
		assert_true(is_enabled(host));
		assert_int_equal(common(host, VIRTIO_PCI_COMMON_Q_DESCLO, 4), 0x10000);
		put(host, 0, VIRTIO_PCI_STATUS, 1, 0);
		assert_int_equal(status(host), 0);
	}
}

static void legacy_meets_modern(struct riser_host *host)
{
	put(host, 0, VIRTIO_PCI_STATUS, 1, BEFORE);
	put(host, 0, VIRTIO_PCI_QUEUE_SEL, 2, 1);
	put(host, 0, VIRTIO_PCI_QUEUE_PFN, 4, 0x40);
	set_status(host, AGREED);
	ask_for(host, 1, (uint32_t)(PACKED >> 32));
	select_queue(host, 0);
	assert_int_equal(get(host, 0, VIRTIO_PCI_QUEUE_SEL, 2), 1);
	set_common(host, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	put(host, BAR, NOTIFY + 4, 2, 1);
	assert_int_equal(status(host), BEFORE);
	assert_int_equal(common(host, VIRTIO_PCI_COMMON_GF, 4), 0);
	assert_int_equal(get(host, 0, VIRTIO_PCI_QUEUE_PFN, 4), 0x40);
	set_status(host, 0);
	assert_int_equal(status(host), 0);
	assert_int_equal(get(host, 0, VIRTIO_PCI_QUEUE_PFN, 4), 0);
	agree(host, VERSION_1 | PACKED);
	assert_int_equal(status(host), AGREED);
}

/* Its features are settled once it uses a queue (virtio 3.1.2). */
static void legacy_features_late(struct riser_host *host)
{
	put(host, 0, VIRTIO_PCI_STATUS, 1, BEFORE);
	put(host, 0, VIRTIO_PCI_GUEST_FEATURES, 4, BIT(VIRTIO_RING_F_INDIRECT_DESC));
	put(host, 0, VIRTIO_PCI_QUEUE_SEL, 2, 0);
	put(host, 0, VIRTIO_PCI_QUEUE_PFN, 4, 0x40);
	put(host, 0, VIRTIO_PCI_QUEUE_NOTIFY, 2, 0);
	put(host, 0, VIRTIO_PCI_GUEST_FEATURES, 4, BIT(VIRTIO_RING_F_EVENT_IDX));
	assert_int_equal(get(host, 0, VIRTIO_PCI_GUEST_FEATURES, 4),
			 BIT(VIRTIO_RING_F_INDIRECT_DESC));
}

/* One register and all of it, or nothing happens: it does not even become a legacy device. */
static void legacy_access_whole(struct riser_host *host)
{
	static const struct {
		unsigned offset, size;
	} wrong[] = {
		{ VIRTIO_PCI_GUEST_FEATURES, 1 },
		{ VIRTIO_PCI_GUEST_FEATURES + 2, 2 },
		{ VIRTIO_PCI_QUEUE_PFN, 2 },
		{ VIRTIO_PCI_QUEUE_PFN, 8 },
		{ VIRTIO_PCI_QUEUE_NUM, 4 },
		{ VIRTIO_PCI_QUEUE_SEL, 1 },
		{ VIRTIO_PCI_QUEUE_NOTIFY, 1 },
		{ VIRTIO_PCI_QUEUE_NOTIFY, 4 },
		{ VIRTIO_PCI_QUEUE_NOTIFY, 8 },
		{ VIRTIO_PCI_STATUS, 2 },
		{ VIRTIO_PCI_CONFIG_OFF(false) + 8, 4 },
		{ 0, 8 },
	};

	for (unsigned i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		put(host, 0, wrong[i].offset, wrong[i].size, UINT64_C(0x0101010101010101));
	assert_int_equal(get(host, 0, VIRTIO_PCI_GUEST_FEATURES, 4), 0);
	assert_int_equal(get(host, 0, VIRTIO_PCI_QUEUE_SEL, 2), 0);
	assert_int_equal(get(host, 0, VIRTIO_PCI_QUEUE_PFN, 4), 0);
	assert_int_equal(status(host), 0);
	agree(host, VERSION_1);
	assert_int_equal(status(host), AGREED);
	/* A read that is refused takes nothing from the ISR. */
	set_status(host, RUNNING);
	put(host, BAR, CONFIG + SCRATCH, 4, 1);
	assert_int_equal(get(host, 0, VIRTIO_PCI_STATUS, 2), 0xffff);
	assert_int_equal(get(host, 0, VIRTIO_PCI_QUEUE_NOTIFY, 4), 0xffffffff);
	assert_int_equal(get(host, 0, VIRTIO_PCI_ISR, 1), VIRTIO_PCI_ISR_CONFIG);
	/* The device's own is in any width there, too. */
	put(host, BAR, CONFIG + SCRATCH, 4, 0x44332211);
	assert_int_equal(get(host, 0, VIRTIO_PCI_CONFIG_OFF(false) + SCRATCH + 2, 2), 0x4433);
	assert_int_equal(get(host, 0, VIRTIO_PCI_CONFIG_OFF(false) + SCRATCH, 4), 0x44332211);
}

/* ---- Interrupts (virtio 4.1.4.5) ---- */

static void isr(struct riser_host *host)
{
	static const struct {
		enum riser_irq_mode mode;
		uint16_t vector;
		uint8_t queue;
	} modes[] = { { RISER_IRQ_INTX, 0, 1 },
		      { RISER_IRQ_MSIX, 0, 0 },
		      { RISER_IRQ_MSIX, VIRTIO_MSI_NO_VECTOR, 0 } };

	for (unsigned i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		struct riser_driver_config config = { .size = sizeof(config),
						      .irq = modes[i].mode };
		struct loop loop;

		loop_open(&loop, host, &config, SIZE);
		set_common(host, VIRTIO_PCI_COMMON_MSIX, 2, modes[i].vector);
		assert_int_equal(get(host, BAR, ISR, 1), 0);
		put(host, BAR, CONFIG + SCRATCH, 4, 1);
		put(host, BAR, CONFIG + SCRATCH, 4, 2);
		assert_int_equal(get(host, BAR, ISR, 1), VIRTIO_PCI_ISR_CONFIG);
		assert_int_equal(get(host, BAR, ISR, 1), 0);
		/* Nobody looks at the queue's vector: what is in the ISR stays there. */
		assert_true(loop_send(&loop, 0));
		ok(host, riser_driver_kick(loop.queues[0]));
		assert_int_equal(get(host, BAR, ISR, 1), modes[i].queue);
		riser_driver_misbehave(loop.queues[1], RISER_MIS_EMPTY);
		assert_true(loop_send(&loop, 1));
		ok(host, riser_driver_kick(loop.queues[1]));
		assert_int_equal(status(host), RUNNING | VIRTIO_CONFIG_S_NEEDS_RESET);
		assert_int_equal(get(host, BAR, ISR, 1), VIRTIO_PCI_ISR_CONFIG);
		assert_int_equal(get(host, BAR, ISR, 1), 0);
		loop_close(&loop);
	}
}

static bool interrupt_status(struct riser_host *host)
{
	uint32_t value;

	ok(host, riser_host_config_read(host, PCI_STATUS, 2, &value));
	return value & PCI_STATUS_INTERRUPT;
}

/* Without MSI-X INTx shows what is in the ISR, whenever that came there. */
static void isr_after_msix(struct riser_host *host)
{
	struct riser_driver_config config = { .size = sizeof(config), .irq = RISER_IRQ_MSIX };
	struct loop loop;

	loop_open(&loop, host, &config, SIZE);
	put(host, BAR, CONFIG + SCRATCH, 4, 1);
	assert_false(interrupt_status(host));
	ok(host, riser_host_irq_enable(host, RISER_IRQ_INTX, 1));
	assert_true(interrupt_status(host));
	assert_int_equal(get(host, BAR, ISR, 1), VIRTIO_PCI_ISR_CONFIG);
	assert_false(interrupt_status(host));
	loop_close(&loop);
}

static void generation(struct riser_host *host)
{
	static const unsigned changes[] = { 1, 2, 255, 256, 257, 512 };
	struct riser_driver_config config = { .size = sizeof(config), .irq = RISER_IRQ_MSIX };
	struct loop loop;
	uint64_t was, now;

	loop_open(&loop, host, &config, SIZE);
	was = common(host, VIRTIO_PCI_COMMON_CFGGENERATION, 1);
	for (unsigned i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		assert_int_equal(common(host, VIRTIO_PCI_COMMON_CFGGENERATION, 1), was);
		for (unsigned n = 0; n < changes[i]; n++)
			put(host, BAR, CONFIG + SCRATCH, 4, n);
		now = common(host, VIRTIO_PCI_COMMON_CFGGENERATION, 1);
		assert_int_not_equal(now, was);
		was = now;
	}
	loop_close(&loop);
}

/* ---- Widths ---- */

/* Bytes, words and double words of [offset, offset + size) are all the same. */
static void same_in_parts(struct riser_host *host, uint64_t offset, unsigned size)
{
	uint64_t whole = get(host, BAR, offset, size);

	for (unsigned part = 1; part < size; part *= 2) {
		for (unsigned at = 0; at < size; at += part) {
			uint64_t expected = whole >> (8 * at) & (UINT64_MAX >> (64 - 8 * part));

			assert_int_equal(get(host, BAR, offset + at, part), expected);
		}
	}
}

static void read_in_parts(struct riser_host *host)
{
	for (unsigned word = 0; word < 3; word++) {
		set_common(host, VIRTIO_PCI_COMMON_DFSELECT, 4, word);
		same_in_parts(host, COMMON + VIRTIO_PCI_COMMON_DF, 4);
	}
	agree(host, VERSION_1);
	set_up(host, 1);
	for (unsigned at = 0; at < 0x10; at += 4)
		same_in_parts(host, COMMON + at, 4);
	for (unsigned at = 0x10; at < 0x20; at += 2)
		same_in_parts(host, COMMON + at, at == VIRTIO_PCI_COMMON_STATUS ? 1 : 2);
	for (unsigned at = 0x20; at < 0x38; at += 8)
		same_in_parts(host, COMMON + at, 8);
	put(host, BAR, CONFIG + SCRATCH, 4, 0x87654321);
	same_in_parts(host, CONFIG, 8);
}

static void written_in_parts(struct riser_host *host)
{
	set_status(host, BEFORE);
	for (unsigned word = 0; word < 2; word++) {
		set_common(host, VIRTIO_PCI_COMMON_GFSELECT, 2, word);
		set_common(host, VIRTIO_PCI_COMMON_GF, 2, 0);
		set_common(host, VIRTIO_PCI_COMMON_GF + 2, 2, 0);
	}
	for (unsigned at = 0; at < 4; at++)
		set_common(host, VIRTIO_PCI_COMMON_GF + at, 1,
			   (VERSION_1 | PACKED) >> (32 + 8 * at) & 0xff);
	assert_int_equal(common(host, VIRTIO_PCI_COMMON_GF, 4), (VERSION_1 | PACKED) >> 32);
	set_status(host, AGREED);
	assert_int_equal(status(host), AGREED);
	set_common(host, VIRTIO_PCI_COMMON_Q_SELECT, 1, 1);
	set_common(host, VIRTIO_PCI_COMMON_Q_SIZE, 1, SIZE);
	set_common(host, VIRTIO_PCI_COMMON_Q_SIZE + 1, 1, 0);
	set_common(host, VIRTIO_PCI_COMMON_Q_DESCLO, 8, 0x1122334455667700);
	set_common(host, VIRTIO_PCI_COMMON_Q_AVAILLO + 2, 2, 0x8899);
	assert_int_equal(common(host, VIRTIO_PCI_COMMON_Q_SIZE, 2), SIZE);
	assert_int_equal(common(host, VIRTIO_PCI_COMMON_Q_DESCHI, 4), 0x11223344);
	assert_int_equal(common(host, VIRTIO_PCI_COMMON_Q_DESCLO, 4), 0x55667700);
	assert_int_equal(common(host, VIRTIO_PCI_COMMON_Q_AVAILLO, 4), 0x88990000);
}

static const struct device_test tests[] = {
	{ "a queue is enabled too early", enabled_too_early },
	{ "a queue is notified too early", notified_too_early },
	{ "what is agreed on stays", agreed_for_good },
	{ "features past all", past_all_features },
	{ "DRIVER_OK too early", ready_too_early },
	{ "strange queues", strange_queues },
	{ "vectors", vectors },
	{ "configured at any time", configured_at_any_time },
	{ "modern, then legacy", modern_meets_legacy, "legacy=on" },
	{ "legacy, then modern", legacy_meets_modern, "legacy=on" },
	{ "legacy features late", legacy_features_late, "legacy=on" },
	{ "a legacy access is whole", legacy_access_whole, "legacy=on" },
	{ "ISR", isr },
	{ "ISR, transitional", isr, "legacy=on" },
	{ "ISR after MSI-X", isr_after_msix },
	{ "generation", generation },
	{ "read in parts", read_in_parts },
	{ "read in parts, transitional", read_in_parts, "legacy=on" },
	{ "written in parts", written_in_parts },
};

int main(void)
{
	return device_tests_run(LOOP_MODEL, tests, sizeof(tests) / sizeof(*tests));
}
