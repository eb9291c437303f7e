/* SPDX-License-Identifier: MIT */
/*
 * Resets while a disk keeps its reader waiting: preadv() of this program stands still until the
 * test lets it go on.
 */
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "harness.h"

enum { LENGTH = 4096, FILLED = 0x77 };
#define WAIT (UINT64_C(60000) * MS)

/* ---- The slow disk ---- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool closed;
	unsigned inside, left; /* reads that wait, or that have been made since it was closed */
} gate = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0, 0 };

__attribute__((visibility("default"))) ssize_t preadv64(int fd, const struct iovec *iov,
							int count, off64_t offset);

ssize_t preadv64(int fd, const struct iovec *iov, int count, off64_t offset)
{
	ssize_t ret;

	pthread_mutex_lock(&gate.lock);
	gate.inside++;
	pthread_cond_broadcast(&gate.changed);
	while (gate.closed)
		pthread_cond_wait(&gate.changed, &gate.lock);
	pthread_mutex_unlock(&gate.lock);
	ret = syscall(SYS_preadv, fd, iov, count, offset, 0);
	pthread_mutex_lock(&gate.lock);
	gate.left++;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.lock);
	return ret;
}

static void set_gate(bool closed)
{
	pthread_mutex_lock(&gate.lock);
	gate.closed = closed;
	if (closed)
		gate.inside = gate.left = 0;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.lock);
}

static void await_one(const unsigned *count)
{
	pthread_mutex_lock(&gate.lock);
	while (!*count)
		pthread_cond_wait(&gate.changed, &gate.lock);
	pthread_mutex_unlock(&gate.lock);
}

/* ---- The driver ---- */

struct reader {
	struct riser_host *host;
	struct riser_driver *driver;
	struct riser_driver_queue *queue;
	uint8_t *data, *status;
};

/* The disk is all zeroes, memory is not. */
static void start_read(struct reader *r, struct riser_host *host, bool legacy)
{
	const struct riser_driver_config config = { .size = sizeof(config),
						    .irq = RISER_IRQ_MSIX,
						    .legacy = legacy };
	struct riser_driver_sg parts[] = { { .length = sizeof(struct virtio_blk_outhdr) },
					   { .length = LENGTH },
					   { .length = 1 } };

	*r = (struct reader){ .host = host };
	ok(host, riser_driver_create(host, &config, &r->driver));
	ok(host, riser_driver_queue(r->driver, 0, 0, &r->queue));
	ok(host, riser_driver_ready(r->driver));
	/* Zeroes: a read from the first sector on. */
	riser_driver_alloc(r->driver, parts[0].length, 16, &parts[0].iova);
	r->data = riser_driver_alloc(r->driver, LENGTH, LENGTH, &parts[1].iova);
	r->status = riser_driver_alloc(r->driver, 1, 1, &parts[2].iova);
	memset(r->data, FILLED, LENGTH);
	ok(host, riser_driver_add(r->queue, parts, 1, parts + 1, 2, NULL));
	ok(host, riser_driver_kick(r->queue));
}

/* One that the disk has begun with and does not answer. */
static void begin_read(struct reader *r, struct riser_host *host, bool legacy)
{
	set_gate(true);
	start_read(r, host, legacy);
	await_one(&gate.inside);
}

static void is_filled_with(const struct reader *r, uint8_t byte)
{
	for (unsigned i = 0; i < LENGTH; i++)
		assert_int_equal(r->data[i], byte);
}

static void read_again(struct riser_host *host, bool legacy)
{
	struct reader r;

	start_read(&r, host, legacy);
	ok(host, riser_driver_wait(r.queue, NULL, NULL, WAIT));
	assert_int_equal(*r.status, VIRTIO_BLK_S_OK);
	is_filled_with(&r, 0);
	riser_driver_destroy(r.driver);
}

/* It is over when the disk has answered, and each access is answered at once. */
static void driver_reset(struct riser_host *host)
{
	uint64_t at, length;
	struct reader r;
	unsigned bar;

	begin_read(&r, host, false);
	ok(host, riser_driver_place(r.driver, VIRTIO_PCI_CAP_COMMON_CFG, &bar, &at, &length));
	put(host, bar, at + VIRTIO_PCI_COMMON_STATUS, 1, 0);
	for (unsigned i = 0; i < 100; i++)
		assert_int_not_equal(get(host, bar, at + VIRTIO_PCI_COMMON_STATUS, 1), 0);
	set_gate(false);
	riser_driver_destroy(r.driver); /* which waits for the end */
	assert_int_equal(get(host, bar, at + VIRTIO_PCI_COMMON_STATUS, 1), 0);
	is_filled_with(&r, 0);
	read_again(host, false);
}

static void host_reset(struct riser_host *host)
{
	for (unsigned i = 0; i < 2; i++) {
		struct reader r;

		begin_read(&r, host, false);
		ok(host, riser_host_reset(host, i ? RISER_RESET_FUNCTION : RISER_RESET_DEVICE));
		ok(host, riser_host_enable(host));
		set_gate(false);
		await_one(&gate.left);
		is_filled_with(&r, FILLED);
		riser_driver_destroy(r.driver);
		read_again(host, false);
	}
}

static void legacy_reset(struct riser_host *host)
{
	struct reader r;

	begin_read(&r, host, true);
	put(host, 0, VIRTIO_PCI_STATUS, 1, 0);
	assert_int_equal(get(host, 0, VIRTIO_PCI_STATUS, 1), 0);
	set_gate(false);
	await_one(&gate.left);
	is_filled_with(&r, FILLED);
	riser_driver_destroy(r.driver);
	read_again(host, true);
}

static const struct device_test tests[] = {
	{ "by the driver", driver_reset, "size=1M,aio=threads", .socket_only = true },
	{ "by the host", host_reset, "size=1M,aio=threads", .socket_only = true },
	{ "by a legacy driver", legacy_reset, "size=1M,aio=threads,legacy=on",
	  .socket_only = true },
};

int main(void)
{
	return device_tests_run("virtio_blk", tests, sizeof(tests) / sizeof(*tests));
}
