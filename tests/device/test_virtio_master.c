/* SPDX-License-Identifier: MIT */
/*
 * Queues without Bus Master Enable: requests wait in the ring, answers wait in the device, and
 * what was cut short needs a reset when memory is there again.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>

#include "loop.h"

enum { SIZE = 32, RELEASE = 8 /* in the configuration */ };

static void set_master(struct riser_host *host, bool on)
{
	uint32_t command;

	ok(host, riser_host_config_read(host, PCI_COMMAND, 2, &command));
	command = on ? command | PCI_COMMAND_MASTER : command & ~(uint32_t)PCI_COMMAND_MASTER;
	ok(host, riser_host_config_write(host, PCI_COMMAND, 2, command));
}

static void open_loop(struct loop *loop, struct riser_host *host, bool packed)
{
	struct riser_driver_config config = {
		.size = sizeof(config),
		.features = packed ? UINT64_C(1) << VIRTIO_F_RING_PACKED : 0,
		.irq = RISER_IRQ_MSIX,
	};

	loop_open(loop, host, &config, SIZE);
}

/* On two queues: their requests are copied, and mapped. */
static void send_some(struct loop *loop)
{
	for (unsigned q = 0; q < 2; q++) {
		assert_true(loop_send(loop, q));
		assert_true(loop_send(loop, q));
		ok(loop->host, riser_driver_notify(loop->queues[q]));
		ok(loop->host, riser_driver_kick(loop->queues[q]));
	}
}

static void expect_none(struct loop *loop)
{
	uint32_t id;

	ok(loop->host, riser_host_config_read(loop->host, 0, 4, &id));
	for (unsigned q = 0; q < 2; q++)
		assert_int_equal(riser_driver_get(loop->queues[q], NULL, NULL), -EAGAIN);
}

static void expect_all(struct loop *loop)
{
	for (unsigned q = 0; q < 2; q++) {
		loop_receive(loop, q);
		loop_receive(loop, q);
	}
}

static uint8_t status_of(struct loop *loop)
{
	uint8_t status;

	ok(loop->host, riser_driver_status(loop->driver, &status));
	return status;
}

static void release(struct loop *loop)
{
	const uint32_t one = 1;

	ok(loop->host, riser_driver_config_write(loop->driver, RELEASE, &one, sizeof(one)));
}

static void requests_wait(struct riser_host *host)
{
	for (unsigned packed = 0; packed < 2; packed++) {
		struct loop loop;

		open_loop(&loop, host, packed);
		loop_run(&loop, 2);
		set_master(host, false);
		send_some(&loop);
		expect_none(&loop);
		set_master(host, true);
		expect_all(&loop);
		loop_run(&loop, 2);
		loop_close(&loop);
	}
}

/* Set up and made ready without it: nothing is looked at before it is there. */
static void ready_without(struct riser_host *host)
{
	struct loop loop;

	set_master(host, false);
	open_loop(&loop, host, false);
	send_some(&loop);
	expect_none(&loop);
	assert_int_equal(status_of(&loop) & VIRTIO_CONFIG_S_NEEDS_RESET, 0);
	set_master(host, true);
	expect_all(&loop);
	loop_close(&loop);
}

/* All bytes are in memory, but not the news of it. */
static void answers_wait(struct riser_host *host)
{
	for (unsigned packed = 0; packed < 2; packed++) {
		struct loop loop;

		open_loop(&loop, host, packed);
		send_some(&loop);
		set_master(host, false);
		release(&loop);
		expect_none(&loop);
		set_master(host, true);
		expect_all(&loop);
		assert_int_equal(status_of(&loop) & VIRTIO_CONFIG_S_NEEDS_RESET, 0);
		loop_close(&loop);
	}
}

static void cut_short(struct riser_host *host)
{
	struct loop loop;

	open_loop(&loop, host, false);
	send_some(&loop);
	set_master(host, false);
	release(&loop);
	expect_none(&loop);
	assert_int_equal(status_of(&loop) & VIRTIO_CONFIG_S_NEEDS_RESET, 0);
	set_master(host, true);
	ok(host, riser_driver_config_wait(loop.driver, UINT64_C(5000) * MS));
	assert_int_equal(status_of(&loop) & VIRTIO_CONFIG_S_NEEDS_RESET,
			 VIRTIO_CONFIG_S_NEEDS_RESET);
	expect_none(&loop);
	loop_close(&loop);
	open_loop(&loop, host, false);
	send_some(&loop);
	release(&loop);
	expect_all(&loop);
	loop_close(&loop);
}

static const struct device_test tests[] = {
	{ "requests wait", requests_wait },
	{ "requests wait, by message", requests_wait, .message_dma = true },
	{ "requests wait, by threads", requests_wait, "mode=2" },
	{ "ready without", ready_without },
	{ "answers wait", answers_wait, "mode=4" },
	{ "answers wait, by message", answers_wait, "mode=4", .message_dma = true },
	{ "cut short", cut_short, "mode=5" },
};

int main(void)
{
	return device_tests_run(LOOP_MODEL, tests, sizeof(tests) / sizeof(*tests));
}
