/* SPDX-License-Identifier: MIT */
/*
 * Saved states of virtio devices that are not quite this one: with other queues, the other
 * interface, features that are not offered. They are refused, and the driver that is at work
 * here goes on as if nothing had been. And what a driver may have left half done is loaded.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>

#include "loop.h"

#define BIT(n) (UINT64_C(1) << (n))

enum { SIZE = 16, BYTES = 64 };

static const struct riser_driver_config usual = {
	.size = sizeof(usual),
	.features = BIT(VIRTIO_RING_F_EVENT_IDX),
	.irq = RISER_IRQ_MSIX,
};

/* A driver at work, on however many queues there are. */
struct work {
	struct riser_host *host;
	struct riser_driver *driver;
	struct riser_driver_queue *first;
	uint8_t *out, *in;
	uint64_t out_iova, in_iova;
};

static void work_begin(struct work *work, struct riser_host *host,
		       const struct riser_driver_config *config)
{
	struct riser_driver_queue *queue;

	work->host = host;
	ok(host, riser_driver_create(host, config, &work->driver));
	for (unsigned i = 0; i < riser_driver_queues(work->driver); i++) {
		ok(host,
		   riser_driver_queue(work->driver, i, config->legacy ? 0 : SIZE, &queue));
		work->first = i ? work->first : queue;
	}
	work->out = riser_driver_alloc(work->driver, BYTES, 1, &work->out_iova);
	work->in = riser_driver_alloc(work->driver, BYTES, 1, &work->in_iova);
	ok(host, riser_driver_ready(work->driver));
}

static void work_do(struct work *work)
{
	const struct riser_driver_sg out = { work->out_iova, BYTES };
	const struct riser_driver_sg in = { work->in_iova, BYTES };

	for (unsigned i = 0; i < 3 * SIZE; i++) {
		memset(work->out, (int)i + 1, BYTES);
		ok(work->host, riser_driver_add(work->first, &out, 1, &in, 1, work));
		ok(work->host, riser_driver_kick(work->first));
		ok(work->host, riser_driver_wait(work->first, NULL, NULL, PATIENCE));
		assert_memory_equal(work->in, work->out, BYTES);
	}
}

struct saved {
	void *data;
	size_t size;
};

static struct saved save(struct riser_host *host)
{
	struct saved saved;

	ok(host, riser_host_save(host, &saved.data, &saved.size));
	return saved;
}

static void ignore(void *arg, enum riser_log_level level, const char *device, const char *line)
{
	(void)arg, (void)level, (void)device, (void)line;
}

/* The state of another device, which was made with `options`, amid its driver's work. */
static struct saved state_of(const char *options, const struct riser_driver_config *driver)
{
	struct riser_host_config config = { .size = sizeof(config),
					    .options = options,
					    .log = ignore };
	struct riser_model *model = device_model(LOOP_MODEL);
	struct riser_host *host;
	struct riser_error error;
	struct saved saved;
	struct work work;

	assert_int_equal(riser_bench_create(model, &config, &host, &error), 0);
	ok(host, riser_host_enable(host));
	work_begin(&work, host, driver);
	work_do(&work);
	saved = save(host);
	riser_driver_destroy(work.driver);
	riser_host_destroy(host);
	riser_model_close(model);
	return saved;
}

/* Nothing has changed, byte by byte, and the driver goes on. */
static void refuses(struct riser_host *host, const struct riser_driver_config *here,
		    const char *options, const struct riser_driver_config *there)
{
	struct saved other = state_of(options, there), before, after;
	struct work work;

	work_begin(&work, host, here);
	work_do(&work);
	before = save(host);
	refused(host, riser_host_load(host, other.data, other.size), -EINVAL);
	after = save(host);
	assert_int_equal(before.size, after.size);
	assert_memory_equal(before.data, after.data, before.size);
	work_do(&work);
	riser_driver_destroy(work.driver);
	free(other.data);
	free(before.data);
	free(after.data);
}

static void other_queues(struct riser_host *host)
{
	refuses(host, &usual, "queues=4", &usual);
	refuses(host, &usual, "queues=1", &usual);
	refuses(host, &usual, "queues=2,queue_size=32", &usual);
	refuses(host, &usual, "queues=2,queue_size=1024", &usual);
}

static void other_interface(struct riser_host *host)
{
	struct riser_driver_config legacy = usual;

	legacy.legacy = true;
	refuses(host, &usual, "legacy=on", &usual);
	refuses(host, &usual, "legacy=on", &legacy);
}

static void modern_only(struct riser_host *host)
{
	struct riser_driver_config legacy = usual;

	legacy.legacy = true;
	refuses(host, &legacy, NULL, &usual);
	refuses(host, &usual, NULL, &usual);
}

static void fewer_features(struct riser_host *host)
{
	struct riser_driver_config none = usual, packed = usual;

	none.features = 0;
	packed.features = BIT(VIRTIO_F_RING_PACKED);
	refuses(host, &none, NULL, &usual);
	refuses(host, &none, "event_idx=off", &packed);
}

/* A size above the most is the driver's mistake when it enables the queue, and not before. */
static void half_done(struct riser_host *host)
{
	struct riser_driver *driver;
	struct saved saved;
	unsigned bar;
	uint64_t at, length;

	ok(host, riser_driver_create(host, &usual, &driver));
	ok(host, riser_driver_place(driver, VIRTIO_PCI_CAP_COMMON_CFG, &bar, &at, &length));
	put(host, bar, at + VIRTIO_PCI_COMMON_Q_SIZE, 2, 40000);
	saved = save(host);
	put(host, bar, at + VIRTIO_PCI_COMMON_Q_SIZE, 2, 8);
	ok(host, riser_host_load(host, saved.data, saved.size));
	assert_int_equal(get(host, bar, at + VIRTIO_PCI_COMMON_Q_SIZE, 2), 40000);
	assert_int_equal(get(host, bar, at + VIRTIO_PCI_COMMON_STATUS, 1) &
				 VIRTIO_CONFIG_S_NEEDS_RESET,
			 0);
	put(host, bar, at + VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	assert_int_not_equal(get(host, bar, at + VIRTIO_PCI_COMMON_STATUS, 1) &
				     VIRTIO_CONFIG_S_NEEDS_RESET,
			     0);
	free(saved.data);
	riser_driver_destroy(driver);
}

static const struct device_test tests[] = {
	{ "other queues", other_queues, "queues=2" },
	{ "other interface", other_interface },
	{ "other interface, transitional", modern_only, "legacy=on" },
	{ "fewer features", fewer_features, "event_idx=off,packed=off" },
	{ "half done", half_done },
};

int main(void)
{
	return device_tests_run(LOOP_MODEL, tests, sizeof(tests) / sizeof(*tests));
}
