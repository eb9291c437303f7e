/* SPDX-License-Identifier: MIT-0 */
/*
 * virtio_test - the classic first virtio device: now and then it tells the driver that its
 * configuration has changed, and the driver sends the next number through the queue.
 */
#include <endian.h>

#include <riser/riser.h>

enum { VIRTIO_TEST_F_CAN_PRINT = 0, TIMER_EVENT = 0 };

struct virtio_test {
	uint64_t period, delay;		   /* options, ns */
	uint32_t num_pages, actual, event; /* configuration */
	uint32_t numbers, last, events;	   /* what it shows, which a driver's reset keeps */
};

static void print(struct riser_dev *dev, struct riser_vq *vq)
{
	struct virtio_test *t = riser_state(dev);
	struct riser_chain *chain;

	while ((chain = riser_vq_pop(vq))) {
		uint32_t number;

		if (riser_chain_read(chain, &number, sizeof(number)) == sizeof(number)) {
			t->num_pages = ++t->numbers;
			t->actual = t->last = le32toh(number);
			riser_log(dev, RISER_INFO, "get virtio num:%u", t->last);
		}
		riser_vq_push(vq, chain);
	}
}

static void event(struct riser_dev *dev)
{
	struct virtio_test *t = riser_state(dev);

	t->event = ++t->events;
	riser_virtio_config_changed(dev);
	riser_timer_arm(dev, TIMER_EVENT, t->period);
}

static void ready(struct riser_dev *dev)
{
	struct virtio_test *t = riser_state(dev);

	riser_timer_arm(dev, TIMER_EVENT, t->delay);
}

static void reset(struct riser_dev *dev, enum riser_reset kind)
{
	struct virtio_test *t = riser_state(dev);

	if (kind != RISER_RESET_DRIVER)
		t->numbers = t->last = t->events = 0;
	t->num_pages = t->numbers;
	t->actual = t->last;
	t->event = t->events;
}

static const struct riser_virtio_feature features[] = {
	{ "can_print", VIRTIO_TEST_F_CAN_PRINT, .help = "numbers are taken on the queue" },
};

static const struct riser_reg config[] = {
	{ RISER_REG(0x0, struct virtio_test, num_pages), .help = "numbers received" },
	{ RISER_REG(0x4, struct virtio_test, actual), .help = "the last of them" },
	{ RISER_REG(0x8, struct virtio_test, event),
	  .help = "configuration changes announced" },
};

static const struct riser_vq_desc vqs[] = {
	{ .name = "print", .size = 128, .kick = print },
};

static const struct riser_option options[] = {
	{ RISER_OPTION(TIME, struct virtio_test, period), .value = "5s", .min = 1000,
	  .max = UINT64_MAX, .help = "from one configuration change to the next" },
	{ RISER_OPTION(TIME, struct virtio_test, delay), .value = "5s",
	  .help = "from DRIVER_OK to the first one" },
};

static const struct riser_field fields[] = {
	{ RISER_FIELD(struct virtio_test, numbers) },
	{ RISER_FIELD(struct virtio_test, last) },
	{ RISER_FIELD(struct virtio_test, events) },
};

static const struct riser_timer timers[] = { [TIMER_EVENT] = { "event", event } };

static const struct riser_virtio_device virtio_test = {
	.size = sizeof(virtio_test),
	.name = "virtio_test",
	.summary = "virtio from scratch: a queue and configuration changes",
	.virtio_id = 21,
	.transitional_id = 0x1013,
	.legacy_default = true,
	.state_size = sizeof(struct virtio_test),
	.features = RISER_VIRTIO_FEATURES(features),
	.config = RISER_REGS(config),
	.vqs = RISER_VQS(vqs),
	.options = RISER_OPTIONS(options),
	.fields = RISER_FIELDS(fields),
	.timers = RISER_TIMERS(timers),
	.reset = reset,
	.ready = ready,
};

RISER_EXPORT(virtio_test);
