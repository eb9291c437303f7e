/* SPDX-License-Identifier: MIT */
/* Resets of a device that has not done what it was asked for, and takes its time. */
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

enum { QUEUES = 2, LENGTH = 4, RING_RESET = 40, QUEUE_RESET = 0x3a };
enum { END = 0, STOPS = 8, DRAINS = 12, RESETS = 16 }; /* the device's configuration */
#define BIT(n) (UINT64_C(1) << (n))
#define WAIT (UINT64_C(60000) * MS)

struct stage {
	struct riser_host *host;
	struct riser_driver *driver;
	struct riser_driver_queue *queues[QUEUES];
	uint8_t *buffers[QUEUES];
	unsigned bar;
	uint64_t common, config;
};

static const struct riser_driver_config rings[] = {
	{ .size = sizeof(*rings), .irq = RISER_IRQ_MSIX, .features = BIT(RING_RESET) },
	{ .size = sizeof(*rings),
	  .irq = RISER_IRQ_MSIX,
	  .features = BIT(RING_RESET) | BIT(VIRTIO_F_RING_PACKED) },
	{ .size = sizeof(*rings),
	  .irq = RISER_IRQ_MSIX,
	  .features = BIT(RING_RESET) | BIT(VIRTIO_F_IN_ORDER) },
};
static const struct riser_driver_config legacy = { .size = sizeof(legacy),
						   .irq = RISER_IRQ_MSIX,
						   .legacy = true };

static void send(struct stage *stage, unsigned queue)
{
	struct riser_driver_sg in = { .length = LENGTH };

	stage->buffers[queue] = riser_driver_alloc(stage->driver, LENGTH, 4, &in.iova);
	ok(stage->host,
	   riser_driver_add(stage->queues[queue], NULL, 0, &in, 1, stage->buffers[queue]));
	ok(stage->host, riser_driver_kick(stage->queues[queue]));
}

/* With a request that waits in each queue. */
static void begin(struct stage *stage, struct riser_host *host,
		  const struct riser_driver_config *config)
{
	uint64_t length;

	*stage = (struct stage){ .host = host };
	ok(host, riser_driver_create(host, config, &stage->driver));
	for (unsigned i = 0; i < QUEUES; i++)
		ok(host, riser_driver_queue(stage->driver, i, 0, &stage->queues[i]));
	ok(host, riser_driver_ready(stage->driver));
	for (unsigned i = 0; i < QUEUES; i++)
		send(stage, i);
	if (config->legacy)
		return;
	ok(host, riser_driver_place(stage->driver, VIRTIO_PCI_CAP_COMMON_CFG, &stage->bar,
				    &stage->common, &length));
	ok(host, riser_driver_place(stage->driver, VIRTIO_PCI_CAP_DEVICE_CFG, &stage->bar,
				    &stage->config, &length));
}

static uint64_t common(struct stage *stage, unsigned offset, unsigned size)
{
	return get(stage->host, stage->bar, stage->common + offset, size);
}

static void set_common(struct stage *stage, unsigned offset, unsigned size, uint64_t value)
{
	put(stage->host, stage->bar, stage->common + offset, size, value);
}

static uint32_t config(struct stage *stage, unsigned offset)
{
	return (uint32_t)get(stage->host, stage->bar, stage->config + offset, 4);
}

static void let_end(struct stage *stage, uint32_t requests)
{
	put(stage->host, stage->bar, stage->config + END, 4, requests);
}

static void await_zero(struct stage *stage, unsigned offset, unsigned size)
{
	uint64_t until = riser_host_now(stage->host) + WAIT;

	while (common(stage, offset, size)) {
		assert_true(riser_host_now(stage->host) < until);
		riser_host_advance(stage->host, MS);
	}
}

/* The device is as good as new. */
static void use_again(struct riser_host *host, const struct riser_driver_config *config)
{
	struct stage stage;

	begin(&stage, host, config);
	if (!config->legacy) {
		let_end(&stage, QUEUES);
		for (unsigned i = 0; i < QUEUES; i++) {
			void *cookie;

			ok(host, riser_driver_wait(stage.queues[i], &cookie, NULL, WAIT));
			assert_memory_equal(cookie, "\xaa\xaa\xaa\xaa", LENGTH);
		}
	}
	riser_driver_destroy(stage.driver);
}

/* ---- By the modern interface: the driver asks whether it is over (virtio 4.1.4.3.2) ---- */

static void still_resetting(struct stage *stage)
{
	assert_int_not_equal(common(stage, VIRTIO_PCI_COMMON_STATUS, 1), 0);
	/* All else is answered, and not taken. */
	assert_int_equal(common(stage, VIRTIO_PCI_COMMON_NUMQ, 2), QUEUES);
	set_common(stage, VIRTIO_PCI_COMMON_STATUS, 1, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	set_common(stage, VIRTIO_PCI_COMMON_Q_SELECT, 2, 1);
	assert_int_equal(common(stage, VIRTIO_PCI_COMMON_Q_SELECT, 2), 0);
	assert_int_equal(common(stage, VIRTIO_PCI_COMMON_Q_ENABLE, 2), 1);
	/* To ask again changes nothing. */
	set_common(stage, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	assert_int_not_equal(common(stage, VIRTIO_PCI_COMMON_STATUS, 1), 0);
}

static void device_reset(struct riser_host *host)
{
	for (unsigned i = 0; i < sizeof(rings) / sizeof(*rings); i++) {
		uint32_t resets, drains;
		struct stage stage;

		begin(&stage, host, &rings[i]);
		resets = config(&stage, RESETS);
		drains = config(&stage, DRAINS);
		set_common(&stage, VIRTIO_PCI_COMMON_Q_SELECT, 2, 0);
		set_common(&stage, VIRTIO_PCI_COMMON_STATUS, 1, 0);
		still_resetting(&stage);
		let_end(&stage, 1);
		still_resetting(&stage);
		assert_int_equal(config(&stage, RESETS), resets);
		let_end(&stage, 1);
		await_zero(&stage, VIRTIO_PCI_COMMON_STATUS, 1);
		/* That was before the reset was over, and no longer in the ring. */
		assert_memory_equal(stage.buffers[0], "\xaa\xaa\xaa\xaa", LENGTH);
		refused(host, riser_driver_get(stage.queues[0], NULL, NULL), -EAGAIN);
		assert_int_equal(config(&stage, RESETS), resets + 1);
		assert_int_equal(config(&stage, DRAINS), drains + QUEUES);
		assert_int_equal(config(&stage, STOPS), 0);
		assert_int_equal(common(&stage, VIRTIO_PCI_COMMON_Q_ENABLE, 2), 0);
		riser_driver_destroy(stage.driver);
		use_again(host, &rings[i]);
	}
}

static void queue_reset(struct riser_host *host)
{
	for (unsigned i = 0; i < sizeof(rings) / sizeof(*rings); i++) {
		struct stage stage;

		begin(&stage, host, &rings[i]);
		set_common(&stage, VIRTIO_PCI_COMMON_Q_SELECT, 2, 0);
		set_common(&stage, QUEUE_RESET, 2, 1);
		assert_int_equal(common(&stage, QUEUE_RESET, 2), 1);
		set_common(&stage, VIRTIO_PCI_COMMON_Q_DESCLO, 4, 0x100000);
		set_common(&stage, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
		set_common(&stage, QUEUE_RESET, 2, 1);
		assert_int_equal(common(&stage, QUEUE_RESET, 2), 1);
		/* The other queue is at work meanwhile. */
		let_end(&stage, 1);
		set_common(&stage, VIRTIO_PCI_COMMON_Q_SELECT, 2, 1);
		assert_int_equal(common(&stage, QUEUE_RESET, 2), 0);
		let_end(&stage, 1);
		ok(host, riser_driver_wait(stage.queues[1], NULL, NULL, WAIT));
		set_common(&stage, VIRTIO_PCI_COMMON_Q_SELECT, 2, 0);
		await_zero(&stage, QUEUE_RESET, 2);
		assert_int_equal(common(&stage, VIRTIO_PCI_COMMON_Q_ENABLE, 2), 0);
		assert_int_equal(common(&stage, VIRTIO_PCI_COMMON_Q_DESCLO, 4), 0);
		refused(host, riser_driver_get(stage.queues[0], NULL, NULL), -EAGAIN);
		ok(host, riser_driver_queue_reset(stage.queues[0]));
		send(&stage, 0);
		let_end(&stage, 1);
		ok(host, riser_driver_wait(stage.queues[0], NULL, NULL, WAIT));
		riser_driver_destroy(stage.driver);
	}
}

/* A queue's reset, and the device's before that one is over. */
static void one_after_another(struct riser_host *host)
{
	struct stage stage;

	begin(&stage, host, &rings[0]);
	set_common(&stage, VIRTIO_PCI_COMMON_Q_SELECT, 2, 0);
	set_common(&stage, QUEUE_RESET, 2, 1);
	set_common(&stage, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	assert_int_not_equal(common(&stage, VIRTIO_PCI_COMMON_STATUS, 1), 0);
	let_end(&stage, QUEUES);
	await_zero(&stage, VIRTIO_PCI_COMMON_STATUS, 1);
	assert_int_equal(common(&stage, QUEUE_RESET, 2), 0);
	riser_driver_destroy(stage.driver);
	use_again(host, &rings[0]);
}

static void not_saved(struct riser_host *host)
{
	struct stage stage;
	size_t size;
	void *data;

	begin(&stage, host, &rings[0]);
	set_common(&stage, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	assert_int_not_equal(riser_host_save(host, &data, &size), 0);
	let_end(&stage, QUEUES);
	riser_driver_destroy(stage.driver);
}

/* ---- Nobody asks: it is over at once ---- */

static void function_reset(struct riser_host *host)
{
	struct stage stage;

	for (unsigned i = 0; i < 4; i++) {
		begin(&stage, host, &rings[0]);
		if (i & 1) /* the driver's own is under way */
			set_common(&stage, VIRTIO_PCI_COMMON_STATUS, 1, 0);
		ok(host,
		   riser_host_reset(host, i & 2 ? RISER_RESET_FUNCTION : RISER_RESET_DEVICE));
		ok(host, riser_host_enable(host));
		assert_int_equal(common(&stage, VIRTIO_PCI_COMMON_STATUS, 1), 0);
		assert_memory_equal(stage.buffers[0], "\0\0\0\0", LENGTH);
		riser_driver_destroy(stage.driver);
		use_again(host, &rings[0]);
	}
}

static void legacy_reset(struct riser_host *host)
{
	struct stage stage;

	begin(&stage, host, &legacy);
	put(host, 0, VIRTIO_PCI_STATUS, 1, 0);
	assert_int_equal(get(host, 0, VIRTIO_PCI_STATUS, 1), 0);
	assert_memory_equal(stage.buffers[0], "\0\0\0\0", LENGTH);
	riser_driver_destroy(stage.driver);
	use_again(host, &legacy);
	use_again(host, &rings[0]);
}

static const struct device_test tests[] = {
	{ "of the device", device_reset },
	{ "of the device, DMA by message", device_reset, NULL, true },
	{ "of a queue", queue_reset },
	{ "of both", one_after_another },
	{ "not saved meanwhile", not_saved },
	{ "of the function", function_reset },
	{ "by a legacy driver", legacy_reset, "legacy=on" },
};

int main(void)
{
	return device_tests_run("../tests/device/virtio_slow", tests,
				sizeof(tests) / sizeof(*tests));
}
