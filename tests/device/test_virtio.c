/* SPDX-License-Identifier: MIT */
/* Every way to use a ring and the transport, by a driver that keeps the rules. */
#include <errno.h>
#include <stdlib.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>

#include "loop.h"

enum { SIZE = 16, ROUNDS = 12, FEW = 2, NOTIFICATION_DATA = 38, RING_RESET = 40 };
#define BIT(n) (UINT64_C(1) << (n))

/* ---- The matrix ---- */

enum { PACKED = 1, INDIRECT = 2, EVENT_IDX = 4, MSIX = 8, POLLING = 16, COMBINATIONS = 32 };

static struct riser_driver_config combination(unsigned n, bool legacy)
{
	struct riser_driver_config config = {
		.size = sizeof(config),
		.legacy = legacy,
		.irq = n & MSIX ? RISER_IRQ_MSIX : RISER_IRQ_INTX,
		.polling = n & POLLING,
	};

	config.features |= n & PACKED ? BIT(VIRTIO_F_RING_PACKED) : 0;
	config.features |= n & INDIRECT ? BIT(VIRTIO_RING_F_INDIRECT_DESC) : 0;
	config.features |= n & EVENT_IDX ? BIT(VIRTIO_RING_F_EVENT_IDX) : 0;
	return config;
}

static void run_one(struct riser_host *host, const struct riser_driver_config *config,
		    unsigned rounds)
{
	struct loop loop;

	print_message("features %#llx, %s, %s\n", (unsigned long long)config->features,
		      config->irq == RISER_IRQ_MSIX ? "MSI-X" : "INTx",
		      config->polling ? "polling" : "interrupts");
	loop_open(&loop, host, config, SIZE);
	assert_true((riser_driver_features(loop.driver) & config->features) ==
		    config->features);
	loop_run(&loop, rounds);
	loop_close(&loop);
}

static void modern_matrix(struct riser_host *host)
{
	for (unsigned n = 0; n < COMBINATIONS; n++) {
		struct riser_driver_config config = combination(n, false);

		run_one(host, &config, ROUNDS);
	}
}

/* Each access to memory is a message then. */
static void slow_matrix(struct riser_host *host)
{
	for (unsigned n = 0; n < COMBINATIONS; n++) {
		struct riser_driver_config config = combination(n, false);

		run_one(host, &config, FEW);
	}
}

/* A legacy driver knows no packed ring. */
static void legacy_matrix(struct riser_host *host)
{
	for (unsigned n = 0; n < COMBINATIONS; n += 2) {
		struct riser_driver_config config = combination(n, true);

		run_one(host, &config, ROUNDS);
	}
}

/* In order, notification data, both, on either ring. */
static void more_features(struct riser_host *host)
{
	static const uint64_t extra[] = { BIT(VIRTIO_F_IN_ORDER), BIT(NOTIFICATION_DATA),
					  BIT(VIRTIO_F_IN_ORDER) | BIT(NOTIFICATION_DATA) };

	for (unsigned n = 0; n < MSIX; n++) {
		for (unsigned i = 0; i < sizeof(extra) / sizeof(*extra); i++) {
			struct riser_driver_config config = combination(n | MSIX, false);

			config.features |= extra[i];
			run_one(host, &config, ROUNDS);
		}
	}
}

/* ---- Single things ---- */

static const struct riser_driver_config usual = {
	.size = sizeof(usual),
	.features = BIT(VIRTIO_RING_F_INDIRECT_DESC) | BIT(VIRTIO_RING_F_EVENT_IDX) |
		    BIT(RING_RESET),
	.irq = RISER_IRQ_MSIX,
};

static void largest_queues(struct riser_host *host)
{
	for (unsigned packed = 0; packed < 2; packed++) {
		struct riser_driver_config config = usual;
		struct loop loop;

		config.features |= packed ? BIT(VIRTIO_F_RING_PACKED) : 0;
		loop_open(&loop, host, &config, 0);
		assert_int_equal(riser_driver_queue_size(loop.queues[0]), 32768);
		loop_run(&loop, 200);
		loop_close(&loop);
	}
}

static void packed_of_any_size(struct riser_host *host)
{
	struct riser_driver_config config = usual;
	struct loop loop;

	config.features |= BIT(VIRTIO_F_RING_PACKED);
	loop_open(&loop, host, &config, 13);
	loop_run(&loop, 50);
	loop_close(&loop);
}

static void one_queue_reset(struct riser_host *host)
{
	for (unsigned packed = 0; packed < 2; packed++) {
		struct riser_driver_config config = usual;
		struct loop loop;

		config.features |= packed ? BIT(VIRTIO_F_RING_PACKED) : 0;
		loop_open(&loop, host, &config, SIZE);
		loop_run(&loop, 3);
		for (unsigned i = 0; i < 3; i++) {
			ok(host, riser_driver_queue_reset(loop.queues[2]));
			loop_run(&loop, 3);
		}
		loop_close(&loop);
	}
}

static void configuration(struct riser_host *host)
{
	struct riser_driver_config config = usual;
	uint32_t value = 0x12345678;
	uint64_t wide = 0;
	struct loop loop;

	for (unsigned msix = 0; msix < 2; msix++) {
		config.irq = msix ? RISER_IRQ_MSIX : RISER_IRQ_INTX;
		loop_open(&loop, host, &config, SIZE);
		ok(host, riser_driver_config_write(loop.driver, 4, &value, 4));
		ok(host, riser_driver_config_wait(loop.driver, PATIENCE));
		ok(host, riser_driver_config_read(loop.driver, 0, &wide, 8));
		assert_int_equal(wide >> 32, value);
		refused(host, riser_driver_config_wait(loop.driver, 10 * MS), -ETIMEDOUT);
		refused(host, riser_driver_config_read(loop.driver, 1 << 20, &value, 4),
			-ERANGE);
		loop_close(&loop);
	}
}

static void features_refused(struct riser_host *host)
{
	struct riser_driver_config config = usual;
	struct riser_driver *driver;

	config.force = true;
	config.features |= BIT(20);
	refused(host, riser_driver_create(host, &config, &driver), -EPROTO);
	config = usual;
	config.legacy = true;
	refused(host, riser_driver_create(host, &config, &driver), -ENOTSUP);
}

/* No vector is taken, and INTx is what is left (virtio 4.1.4.3). */
static void without_msix(struct riser_host *host)
{
	struct riser_driver_config config = usual;
	struct loop loop;
	uint64_t at, length;
	unsigned bar;

	refused(host, riser_host_irq_enable(host, RISER_IRQ_MSIX, 1), -ENOTSUP);
	config.irq = RISER_IRQ_INTX;
	loop_open(&loop, host, &config, SIZE);
	ok(host,
	   riser_driver_place(loop.driver, VIRTIO_PCI_CAP_COMMON_CFG, &bar, &at, &length));
	put(host, bar, at + VIRTIO_PCI_COMMON_Q_MSIX, 2, 0);
	put(host, bar, at + VIRTIO_PCI_COMMON_MSIX, 2, 0);
	assert_int_equal(get(host, bar, at + VIRTIO_PCI_COMMON_Q_MSIX, 2), 0xffff);
	assert_int_equal(get(host, bar, at + VIRTIO_PCI_COMMON_MSIX, 2), 0xffff);
	loop_run(&loop, 20);
	loop_close(&loop);
}

/* One interrupt for a batch: the kick's. */
static void coalesced(struct riser_host *host)
{
	struct riser_driver_config config = usual;
	struct loop loop;

	config.features = 0;
	loop_open(&loop, host, &config, 256);
	for (unsigned i = 0; i < 8; i++)
		assert_true(loop_send(&loop, 0));
	ok(host, riser_driver_kick(loop.queues[0]));
	for (unsigned i = 0; i < 8; i++)
		loop_receive(&loop, 0);
	assert_in_range(irqs(host, 1), 0, 1);
	loop_close(&loop);
}

/* ---- Saved and restored with requests in the rings ---- */

static void saved(struct riser_host *host)
{
	for (unsigned packed = 0; packed < 2; packed++) {
		struct riser_driver_config config = usual;
		struct loop loop;
		size_t size;
		void *data;

		config.features |= packed ? BIT(VIRTIO_F_RING_PACKED) : 0;
		loop_open(&loop, host, &config, SIZE);
		for (unsigned i = 0; i < 20; i++) {
			loop_run(&loop, 1);
			ok(host, riser_host_save(host, &data, &size));
			ok(host, riser_host_load(host, data, size));
			free(data);
		}
		loop_run(&loop, 3);
		loop_close(&loop);
	}
}

static const struct device_test tests[] = {
	{ "modern", modern_matrix },
	{ "transitional, modern", modern_matrix, "legacy=on" },
	{ "legacy", legacy_matrix, "legacy=on" },
	{ "modern, reversed", modern_matrix, "mode=1" },
	{ "modern, threads", modern_matrix, "mode=2" },
	{ "legacy, threads", legacy_matrix, "legacy=on,mode=2" },
	{ "modern, DMA by message", slow_matrix, NULL, true },
	{ "threads, DMA by message", slow_matrix, "mode=2", true },
	{ "more features", more_features },
	{ "more features, reversed", more_features, "mode=1" },
	{ "more features, threads", more_features, "mode=2" },
	{ "largest queues", largest_queues, "queue_size=32768" },
	{ "packed of any size", packed_of_any_size },
	{ "queue reset", one_queue_reset },
	{ "queue reset, threads", one_queue_reset, "mode=2" },
	{ "configuration", configuration },
	{ "configuration, transitional", configuration, "legacy=on" },
	{ "without MSI-X", without_msix, "msix=off" },
	{ "without MSI-X, transitional", without_msix, "msix=off,legacy=on" },
	{ "features refused", features_refused },
	{ "coalesced", coalesced },
	{ "saved", saved },
	{ "saved, threads", saved, "mode=2" },
};

int main(void)
{
	return device_tests_run(LOOP_MODEL, tests, sizeof(tests) / sizeof(*tests));
}
