/* SPDX-License-Identifier: MIT */
#include "disk.h"

#include <errno.h>
#include <string.h>
#include <linux/virtio_config.h>

/* Where the device has its parts; `riser inspect virtio_blk` shows them. */
enum { BAR = 4, CONFIG = 0x2000, NOTIFY = 0x4000, NOTIFY_STEP = 4 };
/* The common configuration, virtio 4.1.4.3. */
enum {
	DEVICE_FEATURE_SELECT = 0x00,
	DEVICE_FEATURE = 0x04,
	DRIVER_FEATURE_SELECT = 0x08,
	DRIVER_FEATURE = 0x0c,
	STATUS = 0x14,
	QUEUE_SELECT = 0x16,
	QUEUE_SIZE = 0x18,
	QUEUE_VECTOR = 0x1a,
	QUEUE_ENABLE = 0x1c,
	QUEUE_DESC = 0x20,
	QUEUE_DRIVER = 0x28,
	QUEUE_DEVICE = 0x30,
};
/* Of a queue's memory: its rings, then a header and a status for each slot. */
enum { AVAIL = 0x1000, USED = 0x1400, REQUESTS = 0x2000, QUEUE_MEMORY = 0x3000, REQUEST = 32 };

static void put(struct riser_host *host, uint64_t offset, unsigned size, uint64_t value)
{
	riser_host_write(host, BAR, offset, size, value);
}

static uint64_t get(struct riser_host *host, uint64_t offset, unsigned size)
{
	uint64_t value = 0;

	riser_host_read(host, BAR, offset, size, &value);
	return value;
}

uint64_t disk_features(struct riser_host *host)
{
	uint64_t features = 0;

	for (unsigned word = 0; word < 2; word++) {
		put(host, DEVICE_FEATURE_SELECT, 4, word);
		features |= get(host, DEVICE_FEATURE, 4) << (32 * word);
	}
	return features;
}

uint8_t disk_status(struct riser_host *host)
{
	return (uint8_t)get(host, STATUS, 1);
}

uint64_t disk_config(struct riser_host *host, uint64_t offset, unsigned size)
{
	return get(host, CONFIG + offset, size);
}

static void put_address(struct riser_host *host, uint64_t offset, uint64_t iova)
{
	put(host, offset, 4, iova & UINT32_MAX);
	put(host, offset + 4, 4, iova >> 32);
}

static void open_queue(struct disk *disk, unsigned index, bool interrupts)
{
	struct disk_queue *queue = &disk->queue[index];
	uint32_t at = index * QUEUE_MEMORY;
	uint64_t iova = disk->iova + at;

	memset(disk->memory + at, 0, QUEUE_MEMORY);
	*queue = (struct disk_queue){ .desc = (void *)(disk->memory + at),
				      .avail = (void *)(disk->memory + at + AVAIL),
				      .used = (void *)(disk->memory + at + USED),
				      .requests = at + REQUESTS };
	queue->avail->flags = interrupts ? 0 : VRING_AVAIL_F_NO_INTERRUPT;
	put(disk->host, QUEUE_SELECT, 2, index);
	put(disk->host, QUEUE_SIZE, 2, DISK_RING);
	put(disk->host, QUEUE_VECTOR, 2, interrupts ? index + 1 : 0xffff);
	put_address(disk->host, QUEUE_DESC, iova);
	put_address(disk->host, QUEUE_DRIVER, iova + AVAIL);
	put_address(disk->host, QUEUE_DEVICE, iova + USED);
	put(disk->host, QUEUE_ENABLE, 2, 1);
}

int disk_open(struct disk *disk, struct riser_host *host, uint64_t features, unsigned queues,
	      bool interrupts)
{
	uint8_t status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;

	*disk = (struct disk){ .host = host,
			       .queues = queues,
			       .data = DISK_QUEUES * QUEUE_MEMORY };
	disk->memory = riser_host_memory(host, &disk->size, &disk->iova);
	features |= UINT64_C(1) << VIRTIO_F_VERSION_1;
	put(host, STATUS, 1, 0);
	put(host, STATUS, 1, status);
	for (unsigned word = 0; word < 2; word++) {
		put(host, DRIVER_FEATURE_SELECT, 4, word);
		put(host, DRIVER_FEATURE, 4, features >> (32 * word) & UINT32_MAX);
	}
	status |= VIRTIO_CONFIG_S_FEATURES_OK;
	put(host, STATUS, 1, status);
	if (disk_status(host) != status)
		return -EPROTO;
	if (interrupts)
		riser_host_irq_enable(host, RISER_IRQ_MSIX, queues + 1);
	for (unsigned i = 0; i < queues; i++)
		open_queue(disk, i, interrupts);
	put(host, STATUS, 1, status | VIRTIO_CONFIG_S_DRIVER_OK);
	return 0;
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
	struct disk_queue *q = &disk->queue[queue];
	uint16_t head = (uint16_t)(slot * DISK_PARTS);

	for (uint16_t i = 0; i < count; i++) {
		q->desc[head + i] = (struct vring_desc){
			.addr = disk->iova + parts[i].at,
			.len = parts[i].length,
			.flags = (uint16_t)((parts[i].in ? VRING_DESC_F_WRITE : 0) |
					    (i + 1u < count ? VRING_DESC_F_NEXT : 0)),
			.next = (uint16_t)(head + i + 1),
		};
	}
	q->avail->ring[q->next++ % DISK_RING] = head;
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
	struct disk_queue *q = &disk->queue[queue];

	__atomic_store_n(&q->avail->idx, q->next, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!(__atomic_load_n(&q->used->flags, __ATOMIC_RELAXED) & VRING_USED_F_NO_NOTIFY))
		put(disk->host, NOTIFY + queue * NOTIFY_STEP, 2, queue);
}

int disk_take(struct disk *disk, unsigned queue)
{
	struct disk_queue *q = &disk->queue[queue];
	const struct vring_used_elem *used = &q->used->ring[q->seen % DISK_RING];
	unsigned slot;

	if (__atomic_load_n(&q->used->idx, __ATOMIC_ACQUIRE) == q->seen)
		return -1;
	q->seen++;
	slot = used->id / DISK_PARTS;
	q->lengths[slot] = used->len;
	return (int)slot;
}
