/* SPDX-License-Identifier: MIT */
/* Drivers that break the rules: the device needs a reset, and after it all is well. */
#include <errno.h>
#include <string.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "loop.h"

enum { SIZE = 16, RING_RESET = 40, LAYOUTS = 8 };
#define BIT(n) (UINT64_C(1) << (n))
#define OUTSIDE UINT64_C(0x123456780000)

static struct riser_driver_config layout(unsigned n)
{
	return (struct riser_driver_config){
		.size = sizeof(struct riser_driver_config),
		.features = BIT(RING_RESET) | (n & 1 ? BIT(VIRTIO_F_RING_PACKED) : 0) |
			    (n & 2 ? BIT(VIRTIO_RING_F_INDIRECT_DESC) : 0) |
			    (n & 4 ? BIT(VIRTIO_RING_F_EVENT_IDX) : 0),
		.irq = RISER_IRQ_MSIX,
	};
}

static bool needs_reset(struct loop *loop)
{
	uint8_t status;

	ok(loop->host, riser_driver_status(loop->driver, &status));
	return status & VIRTIO_CONFIG_S_NEEDS_RESET;
}

/* It has said so, by a configuration interrupt too, and does nothing any more. */
static void expect_broken(struct loop *loop)
{
	ok(loop->host, riser_driver_config_wait(loop->driver, PATIENCE));
	assert_true(needs_reset(loop));
	ok(loop->host, riser_driver_notify(loop->queues[0]));
	ok(loop->host, riser_driver_notify(loop->queues[1]));
	assert_true(needs_reset(loop));
}

/* A driver that behaves finds the device in order. */
static void expect_mended(struct riser_host *host, const struct riser_driver_config *config)
{
	struct loop loop;

	loop_open(&loop, host, config, SIZE);
	assert_false(needs_reset(&loop));
	loop_run(&loop, 2);
	loop_close(&loop);
}

/* Two parts each way, so that there is something to spoil. */
static void add_request(struct loop *loop, unsigned queue)
{
	struct loop_buffer *buffer = &loop->buffers[queue][0];
	const struct riser_driver_sg out[] = { { buffer->out_iova, 64 },
					       { buffer->out_iova + 100, 64 } };
	const struct riser_driver_sg in[] = { { buffer->in_iova, 64 },
					      { buffer->in_iova + 100, 64 } };

	ok(loop->host, riser_driver_add(loop->queues[queue], out, 2, in, 2, buffer));
}

/* Some good requests first, so that it is not the ring's first round. */
static void misbehave(struct riser_host *host, const struct riser_driver_config *config,
		      enum riser_driver_mischief mischief, unsigned queue)
{
	struct loop loop;

	loop_open(&loop, host, config, SIZE);
	loop_run(&loop, 5);
	if (riser_driver_can_misbehave(loop.queues[queue], mischief)) {
		print_message("%s, features %#llx, queue %u\n",
			      riser_driver_mischief_name(mischief),
			      (unsigned long long)config->features, queue);
		riser_driver_misbehave(loop.queues[queue], mischief);
		add_request(&loop, queue);
		ok(host, riser_driver_kick(loop.queues[queue]));
		expect_broken(&loop);
	}
	loop_close(&loop);
}

/* Queue 0 is copied, queue 1 mapped. */
static void every_mischief(struct riser_host *host)
{
	for (unsigned n = 0; n < LAYOUTS; n++) {
		struct riser_driver_config config = layout(n);

		for (unsigned m = RISER_MIS_NONE + 1; m < RISER_MIS_COUNT; m++) {
			misbehave(host, &config, m, 0);
			misbehave(host, &config, m, 1);
		}
		expect_mended(host, &config);
	}
}

static void legacy_mischief(struct riser_host *host)
{
	struct riser_driver_config config = layout(2);

	config.legacy = true;
	for (unsigned m = RISER_MIS_NONE + 1; m < RISER_MIS_COUNT; m++)
		misbehave(host, &config, m, 0);
	expect_mended(host, &config);
}

/* ---- Queues that cannot be ---- */

struct place {
	unsigned size;
	uint64_t desc, driver, device;
	bool split_only;
};

static const struct place places[] = {
	{ 0, 0x10000, 0x20000, 0x30000 },	   { 257, 0x10000, 0x20000, 0x30000 },
	{ 65535, 0x10000, 0x20000, 0x30000 },	   { 12, 0x10000, 0x20000, 0x30000, true },
	{ 16, 0x10008, 0x20000, 0x30000 },	   { 16, 0x10000, 0x20001, 0x30000 },
	{ 16, 0x10000, 0x20000, 0x30002 },	   { 16, 0x10000, 0x10010, 0x30000 },
	{ 16, 0x10000, 0x20000, 0x10080 },	   { 16, 0x10000, 0x20000, 0x20000 },
	{ 16, UINT64_MAX - 15, 0x20000, 0x30000 }, { 16, 0x10000, UINT64_MAX - 3, 0x30000 },
};

static void impossible_queues(struct riser_host *host)
{
	for (unsigned n = 0; n < 2 * sizeof(places) / sizeof(*places); n++) {
		const struct place *place = &places[n / 2];
		struct riser_driver_config config = layout(n % 2);
		struct riser_driver *driver;
		uint8_t status;

		if (place->split_only && n % 2)
			continue;
		ok(host, riser_driver_create(host, &config, &driver));
		ok(host, riser_driver_queue_raw(driver, 0, place->size, place->desc,
						place->driver, place->device));
		ok(host, riser_driver_status(driver, &status));
		if (!(status & VIRTIO_CONFIG_S_NEEDS_RESET))
			fail_msg("size %u, %#llx, %#llx, %#llx was taken", place->size,
				 (unsigned long long)place->desc,
				 (unsigned long long)place->driver,
				 (unsigned long long)place->device);
		riser_driver_destroy(driver);
	}
}

/* Rings outside memory: known when they are used (the memory begins at 0). */
static void rings_outside(struct riser_host *host)
{
	const struct vring_desc desc = { .addr = 0x40000, .len = 16 };
	uint8_t *memory = riser_host_memory(host, NULL, NULL);

	for (unsigned n = 0; n < 6; n++) {
		struct riser_driver_config config = layout(n % 2);
		uint64_t at[3] = { 0x10000, 0x20000, 0x30000 };
		struct riser_driver_queue *other;
		struct riser_driver *driver;
		uint8_t status;

		print_message("part %u of a %s ring\n", n / 2, n % 2 ? "packed" : "split");
		at[n / 2] = OUTSIDE;
		/* Some parts matter once there is a request. */
		memcpy(memory + 0x10000, &desc, sizeof(desc));
		memory[0x1000e] = (uint8_t)(n % 2 << VRING_PACKED_DESC_F_AVAIL);
		memory[0x20002] = 1;
		ok(host, riser_driver_create(host, &config, &driver));
		ok(host, riser_driver_queue_raw(driver, 0, SIZE, at[0], at[1], at[2]));
		ok(host, riser_driver_queue(driver, 1, SIZE, &other));
		ok(host, riser_driver_ready(driver));
		ok(host, riser_driver_config_wait(driver, PATIENCE));
		ok(host, riser_driver_status(driver, &status));
		assert_true(status & VIRTIO_CONFIG_S_NEEDS_RESET);
		riser_driver_destroy(driver);
	}
}

/* Two queues with the same ring. */
static void shared_ring(struct riser_host *host)
{
	struct riser_driver_config config = layout(0);
	struct riser_driver_ring ring;
	struct riser_driver_queue *queue;
	struct riser_driver *driver;
	uint8_t status;

	ok(host, riser_driver_create(host, &config, &driver));
	ok(host, riser_driver_queue(driver, 0, SIZE, &queue));
	riser_driver_ring(queue, &ring);
	ok(host, riser_driver_queue_raw(driver, 1, SIZE, 0x80000, ring.driver_iova, 0x90000));
	ok(host, riser_driver_status(driver, &status));
	assert_true(status & VIRTIO_CONFIG_S_NEEDS_RESET);
	riser_driver_destroy(driver);
}

/* ---- In the middle of requests ---- */

static void send_all(struct loop *loop)
{
	for (unsigned q = 0; q < LOOP_QUEUES; q++) {
		while (loop_send(loop, q))
			;
		ok(loop->host, riser_driver_kick(loop->queues[q]));
	}
}

static void reset_in_the_middle(struct riser_host *host)
{
	for (unsigned n = 0; n < 100; n++) {
		struct riser_driver_config config = layout(n % LAYOUTS);
		struct loop loop;

		loop_open(&loop, host, &config, SIZE);
		send_all(&loop);
		if (n % 3 == 1)
			ok(host, riser_driver_queue_reset(loop.queues[n % LOOP_QUEUES]));
		if (n % 3 == 2)
			ok(host, riser_host_reset(host, RISER_RESET_DEVICE));
		loop_close(&loop);
		if (n % 3 == 2)
			ok(host, riser_host_enable(host));
	}
}

/* What it holds of the driver's is not written after the driver has it back. */
static void nothing_after_the_reset(struct riser_host *host)
{
	struct riser_driver_config config = layout(0);
	struct loop_buffer *buffer;
	struct loop loop;

	for (unsigned n = 0; n < 50; n++) {
		loop_open(&loop, host, &config, SIZE);
		send_all(&loop);
		loop_close(&loop);
		for (unsigned q = 0; q < LOOP_QUEUES; q++) {
			buffer = loop.buffers[q];
			memset(buffer->in, 0x55, LOOP_BYTES);
		}
		ok(host, riser_host_advance(host, MS / 10));
		for (unsigned q = 0; q < LOOP_QUEUES; q++) {
			for (unsigned i = 0; i < LOOP_BYTES; i++)
				assert_int_equal(loop.buffers[q]->in[i], 0x55);
		}
	}
}

/* Memory goes while the device holds requests in it, and comes back. */
static void memory_taken_away(struct riser_host *host)
{
	struct riser_driver_config config = layout(0);
	uint64_t size, iova;
	struct loop loop;

	for (unsigned n = 0; n < 20; n++) {
		loop_open(&loop, host, &config, SIZE);
		send_all(&loop);
		riser_host_memory(host, &size, &iova);
		ok(host, riser_host_memory_unmap(host, iova, size));
		riser_driver_notify(loop.queues[0]);
		riser_driver_notify(loop.queues[1]);
		ok(host, riser_host_memory_map(host, iova, size));
		loop_close(&loop);
		expect_mended(host, &config);
	}
}

/* DRIVER_OK before FEATURES_OK, notifications of queues there are not, and the like. */
static void out_of_turn(struct riser_host *host)
{
	struct riser_driver_config config = layout(0);
	unsigned bar = 0;
	uint64_t at = 0, length = 0;
	struct loop loop;

	loop_open(&loop, host, &config, SIZE);
	ok(host, riser_driver_place(loop.driver, 2, &bar, &at, &length));
	for (unsigned queue = 0; queue < 2000; queue += 7)
		ok(host, riser_host_write(host, bar, at + queue * 4 % length, 2, queue));
	loop_run(&loop, 2);
	ok(host, riser_driver_place(loop.driver, 1, &bar, &at, &length));
	ok(host, riser_host_write(host, bar, at + 0x14, 1, 0));
	ok(host, riser_host_write(host, bar, at + 0x14, 1, VIRTIO_CONFIG_S_DRIVER_OK));
	assert_true(needs_reset(&loop));
	ok(host, riser_driver_kick(loop.queues[0]));
	loop_close(&loop);
	expect_mended(host, &config);
}

static const struct device_test tests[] = {
	{ "every mischief", every_mischief },
	{ "every mischief, threads", every_mischief, "mode=2" },
	{ "every mischief, transitional", every_mischief, "legacy=on" },
	{ "legacy mischief, DMA by message", legacy_mischief, "legacy=on", true },
	{ "legacy mischief", legacy_mischief, "legacy=on" },
	{ "impossible queues", impossible_queues },
	{ "rings outside memory", rings_outside },
	{ "shared ring", shared_ring },
	{ "reset in the middle", reset_in_the_middle },
	{ "reset in the middle, threads", reset_in_the_middle, "mode=2" },
	{ "reset in the middle, held", reset_in_the_middle, "mode=3" },
	{ "nothing after the reset", nothing_after_the_reset, "mode=2" },
	{ "memory taken away", memory_taken_away },
	{ "memory taken away, threads", memory_taken_away, "mode=2" },
	{ "out of turn", out_of_turn },
};

int main(void)
{
	return device_tests_run(LOOP_MODEL, tests, sizeof(tests) / sizeof(*tests));
}
