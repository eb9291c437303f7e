/* SPDX-License-Identifier: MIT */
#include "disk.h"

#include <string.h>

enum { REQUEST = 32, PARTS = 8 };   /* bytes of a slot's header and status */
#define WAIT UINT64_C(600000000000) /* ns; ends what hangs */

static int open_queue(struct disk *disk, unsigned index)
{
	struct disk_queue *queue = &disk->queue[index];
	uint64_t iova;
	int ret = riser_driver_queue(disk->driver, index, DISK_RING, &queue->ring);

	if (ret || !riser_driver_alloc(disk->driver, DISK_SLOTS * REQUEST, 4096, &iova))
		return ret ? ret : -1;
	queue->requests = (uint32_t)(iova - disk->iova);
	return 0;
}

int disk_open(struct disk *disk, struct riser_host *host, uint64_t features, unsigned queues,
	      bool interrupts)
{
	const struct riser_driver_config config = { .size = sizeof(config),
						    .features = features,
						    .irq = interrupts ? RISER_IRQ_MSIX
								      : RISER_IRQ_INTX,
						    .polling = !interrupts };
	uint64_t iova;
	int ret;

	disk_close(disk);
	*disk = (struct disk){ .host = host, .queues = queues };
	disk->memory = riser_host_memory(host, &disk->size, &disk->iova);
	ret = riser_driver_create(host, &config, &disk->driver);
	for (unsigned i = 0; i < queues && !ret; i++)
		ret = open_queue(disk, i);
	if (!ret)
		ret = riser_driver_alloc(disk->driver, 1, 4096, &iova) ? 0 : -1;
	if (ret)
		return ret;
	disk->data = (uint32_t)(iova - disk->iova);
	return riser_driver_ready(disk->driver);
}

void disk_close(struct disk *disk)
{
	riser_driver_destroy(disk->driver);
	disk->driver = NULL;
}

uint64_t disk_features(const struct disk *disk)
{
	return riser_driver_offered(disk->driver);
}

uint8_t disk_status(struct disk *disk)
{
	uint8_t status = 0xff;

	riser_driver_status(disk->driver, &status);
	return status;
}

uint64_t disk_config(struct disk *disk, unsigned offset, unsigned size)
{
	uint64_t value = 0;

	riser_driver_config_read(disk->driver, offset, &value, size);
	return value;
}

uint32_t disk_header_at(const struct disk *disk, unsigned queue, unsigned slot)
{
	return disk->queue[queue].requests + slot * REQUEST;
}

uint32_t disk_status_at(const struct disk *disk, unsigned queue, unsigned slot)
{
	return disk_header_at(disk, queue, slot) + (uint32_t)sizeof(struct virtio_blk_outhdr);
}

uint8_t disk_answer(const struct disk *disk, unsigned queue, unsigned slot)
{
	return disk->memory[disk_status_at(disk, queue, slot)];
}

void disk_add_parts(struct disk *disk, unsigned queue, unsigned slot,
		    const struct disk_part *parts, unsigned count)
{
	struct riser_driver_sg sg[PARTS];
	unsigned outs = 0;

	for (unsigned i = 0; i < count; i++) {
		sg[i] = (struct riser_driver_sg){ disk->iova + parts[i].at, parts[i].length };
		outs += !parts[i].in;
	}
	riser_driver_add(disk->queue[queue].ring, sg, outs, sg + outs, count - outs,
			 &disk->queue[queue].lengths[slot]);
}

void disk_add(struct disk *disk, unsigned queue, unsigned slot, uint32_t type, uint64_t sector,
	      uint32_t at, uint32_t length)
{
	struct virtio_blk_outhdr header = { .type = type, .sector = sector };
	struct disk_part parts[3] = { { disk_header_at(disk, queue, slot), sizeof(header),
					false } };
	unsigned count = 1;

	memcpy(disk->memory + parts[0].at, &header, sizeof(header));
	if (length)
		parts[count++] = (struct disk_part){
			at, length, type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID
		};
	parts[count++] = (struct disk_part){ disk_status_at(disk, queue, slot), 1, true };
	disk->memory[disk_status_at(disk, queue, slot)] = 0xff;
	disk_add_parts(disk, queue, slot, parts, count);
}

void disk_kick(struct disk *disk, unsigned queue)
{
	riser_driver_kick(disk->queue[queue].ring);
}

/* A slot's cookie is where its length goes. */
static int taken(struct disk *disk, unsigned queue, int ret, void *cookie, uint32_t written)
{
	uint32_t *length = cookie;

	if (ret)
		return -1;
	*length = written;
	return (int)(length - disk->queue[queue].lengths);
}

int disk_take(struct disk *disk, unsigned queue)
{
	void *cookie = NULL;
	uint32_t written = 0;
	int ret = riser_driver_get(disk->queue[queue].ring, &cookie, &written);

	return taken(disk, queue, ret, cookie, written);
}

int disk_wait(struct disk *disk, unsigned queue)
{
	void *cookie = NULL;
	uint32_t written = 0;
	int ret = riser_driver_wait(disk->queue[queue].ring, &cookie, &written, WAIT);

	return taken(disk, queue, ret, cookie, written);
}
