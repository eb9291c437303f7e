/* SPDX-License-Identifier: MIT */
/* The same as scenario.c with a disk: what a virtio driver does. */
#include "scenario.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ring.h>

enum { LENGTH = 4096, PARTS = 2 };
static uint64_t patience_ns = UINT64_C(120000000000);

void scenario_be_patient(enum patience patience)
{
	patience_ns = patience == LONG ? UINT64_C(120000000000) : UINT64_C(400000000);
}

const char scenario_options[] = "size=1M,aio=threads";

struct run {
	struct riser_host *host;
	struct outcome *outcome;
	struct riser_driver *driver;
	struct riser_driver_queue *queue;
	/* In the guest's memory, and where the device sees it. */
	struct virtio_blk_outhdr *header;
	uint8_t *data, *status;
	uint64_t header_at, data_at, status_at;
};

static bool ok(struct run *run, int ret)
{
	if (!ret)
		return true;
	run->outcome->ret = ret;
	run->outcome->wrong |= ret == -ETIMEDOUT;
	snprintf(run->outcome->text, sizeof(run->outcome->text), "%s",
		 riser_host_error(run->host));
	return false;
}

static bool expect(struct run *run, const char *what, unsigned got, unsigned wanted)
{
	if (got == wanted)
		return true;
	run->outcome->ret = -EBADMSG;
	run->outcome->wrong = true;
	snprintf(run->outcome->text, sizeof(run->outcome->text), "%s: %u instead of %u", what,
		 got, wanted);
	return false;
}

static bool begin(struct run *run)
{
	const struct riser_driver_config config = {
		.size = sizeof(config),
		.features = UINT64_C(1) << VIRTIO_BLK_F_FLUSH |
			    UINT64_C(1) << VIRTIO_RING_F_INDIRECT_DESC,
		.irq = RISER_IRQ_MSIX,
	};

	if (!ok(run, riser_host_enable(run->host)) ||
	    !ok(run, riser_driver_create(run->host, &config, &run->driver)))
		return false;
	run->header =
		riser_driver_alloc(run->driver, sizeof(*run->header), 16, &run->header_at);
	run->data = riser_driver_alloc(run->driver, LENGTH, 4096, &run->data_at);
	run->status = riser_driver_alloc(run->driver, 1, 1, &run->status_at);
	return ok(run, riser_driver_queue(run->driver, 0, 64, &run->queue)) &&
	       ok(run, riser_driver_ready(run->driver));
}

static bool request(struct run *run, uint32_t type, uint32_t length)
{
	bool in = type == VIRTIO_BLK_T_IN;
	struct riser_driver_sg header = { run->header_at, sizeof(*run->header) };
	struct riser_driver_sg data = { run->data_at, length };
	struct riser_driver_sg status = { run->status_at, 1 };
	struct riser_driver_sg out[PARTS] = { header, data }, both[PARTS] = { data, status };
	bool reads = in && length, writes = !in && length;

	*run->header = (struct virtio_blk_outhdr){ .type = type, .sector = 8 };
	*run->status = 0xff;
	return ok(run, riser_driver_add(run->queue, out, writes ? 2 : 1, reads ? both : &status,
					reads ? 2 : 1, run)) &&
	       ok(run, riser_driver_kick(run->queue)) &&
	       ok(run, riser_driver_wait(run->queue, NULL, NULL, patience_ns)) &&
	       expect(run, "the request's status", *run->status, VIRTIO_BLK_S_OK);
}

static bool move(struct run *run)
{
	memset(run->data, 0x5c, LENGTH);
	if (!request(run, VIRTIO_BLK_T_OUT, LENGTH) || !request(run, VIRTIO_BLK_T_FLUSH, 0))
		return false;
	memset(run->data, 0, LENGTH);
	return request(run, VIRTIO_BLK_T_IN, LENGTH) &&
	       expect(run, "what was written", run->data[LENGTH - 1], 0x5c);
}

static bool configuration(struct run *run)
{
	uint64_t sectors;

	return ok(run, riser_driver_config_read(run->driver, 0, &sectors, sizeof(sectors))) &&
	       expect(run, "sectors", (unsigned)sectors, 2048);
}

static bool migration(struct run *run)
{
	void *state;
	size_t size;
	bool good = ok(run, riser_host_save(run->host, &state, &size)) &&
		    ok(run, riser_host_load(run->host, state, size)) && move(run);

	free(state);
	return good;
}

struct outcome scenario_run(struct riser_host *host, bool by_copy)
{
	struct outcome outcome = { 0 };
	struct run run = { .host = host, .outcome = &outcome };

	(void)by_copy;
	if (begin(&run) && configuration(&run) && move(&run))
		migration(&run);
	riser_driver_destroy(run.driver);
	return outcome;
}
