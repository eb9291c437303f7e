/* SPDX-License-Identifier: MIT-0 */
/* virtio_blk - a disk for Linux's own driver (virtio 5.2): a raw file, or memory. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "blk.h"

static void kick(struct riser_dev *dev, struct riser_vq *vq)
{
	requests_take(riser_state(dev), vq);
}

/* The disk may take its time: the driver sees that the reset is not over yet. */
static void drain(struct riser_dev *dev, struct riser_vq *vq)
{
	requests_cancel(riser_state(dev), vq);
}

/*
 * Nobody waits for a slow disk here: what it still reads goes nowhere. What is being written is
 * waited for, so that it is the driver's.
 */
static void stop(struct riser_dev *dev, struct riser_vq *vq)
{
	struct virtio_blk *b = riser_state(dev);

	requests_cancel(b, vq);
	requests_finish_writes(b);
	if (b->under_way && riser_virtio_detach(dev))
		requests_finish(b);
}

static void saving(struct riser_dev *dev)
{
	requests_finish(riser_state(dev));
}

static void fini(struct riser_dev *dev)
{
	struct virtio_blk *b = riser_state(dev);

	requests_finish(b);
	b->engine->destroy(b);
	close(b->fd);
}

/* ---- Whose it is ---- */

static int acquire(struct riser_dev *dev)
{
	struct virtio_blk *b = riser_state(dev);
	int ret = disk_lock(b);

	for (unsigned i = 0; i < b->queues && !ret; i++)
		requests_take(b, riser_virtio_vq(dev, i));
	return ret;
}

static void release(struct riser_dev *dev)
{
	disk_unlock(riser_state(dev));
}

/* ---- What it is like ---- */

static void reset(struct riser_dev *dev, enum riser_reset kind)
{
	struct virtio_blk *b = riser_state(dev);
	unsigned queue_size = riser_vq_size(riser_virtio_vq(dev, 0));
	uint64_t cylinders;

	(void)kind;
	b->capacity = b->length / SECTOR;
	cylinders = b->capacity / (b->heads * b->sectors);
	b->cylinders = cylinders < UINT16_MAX ? (uint16_t)cylinders : UINT16_MAX;
	/* A header and a status go with the data. */
	b->seg_max = queue_size > 2 ? queue_size - 2 : 1;
	b->num_queues = (uint16_t)b->queues;
	/* What is called a block below may be as large as what it likes to be given at once. */
	b->opt_io_size = b->block_size / SECTOR;
	b->physical_block_exp = 0;
	while (b->physical_block_exp < 3 && b->opt_io_size >> (b->physical_block_exp + 1))
		b->physical_block_exp++;
	b->min_io_size = (uint16_t)(1u << b->physical_block_exp);
	b->discard_sector_alignment = b->min_io_size;
}

/* With CONFIG_WCE the driver chooses; it begins with a cache if it can flush (5.2.5.2). */
static int negotiate(struct riser_dev *dev, uint64_t features)
{
	struct virtio_blk *b = riser_state(dev);

	b->writeback = features >> VIRTIO_BLK_F_FLUSH & 1;
	return 0;
}

static int loaded(struct riser_dev *dev, uint32_t version)
{
	struct virtio_blk *b = riser_state(dev);

	(void)version;
	if (b->capacity == b->length / SECTOR)
		return 0;
	return riser_fail(
		dev, -EINVAL, "the saved state's disk has %llu sectors, this one %llu",
		(unsigned long long)b->capacity, (unsigned long long)(b->length / SECTOR));
}

/* ---- Making one ---- */

static int choose_engine(struct virtio_blk *b)
{
	bool threads = b->aio && !strcmp(b->aio, "threads");
	int ret = 0;

	if (!b->aio && b->in_memory) {
		direct_create(b);
		return 0;
	}
	if (!threads)
		ret = uring_create(b);
	if (ret && b->aio)
		return riser_fail(
			b->dev, ret,
			"io_uring is refused: %s; leave aio= off, or give aio=threads",
			strerror(-ret));
	if (ret)
		riser_log(b->dev, RISER_INFO, "io_uring is refused (%s): threads do its work",
			  strerror(-ret));
	if (ret || threads)
		threads_create(b);
	return 0;
}

static int check_options(struct virtio_blk *b)
{
	if (b->aio && strcmp(b->aio, "io_uring") && strcmp(b->aio, "threads"))
		return riser_fail(b->dev, -EINVAL,
				  "option 'aio' takes io_uring or threads, not '%s'", b->aio);
	if (b->serial && strlen(b->serial) > VIRTIO_BLK_ID_BYTES)
		return riser_fail(b->dev, -EINVAL,
				  "option 'serial' takes %d characters at most, not %zu",
				  VIRTIO_BLK_ID_BYTES, strlen(b->serial));
	return 0;
}

static void offer(struct virtio_blk *b)
{
	riser_virtio_offer(b->dev, VIRTIO_BLK_F_MQ, b->queues > 1);
	riser_virtio_offer(b->dev, VIRTIO_BLK_F_RO, b->readonly);
	riser_virtio_offer(b->dev, VIRTIO_BLK_F_DISCARD, !b->readonly);
	riser_virtio_offer(b->dev, VIRTIO_BLK_F_WRITE_ZEROES, !b->readonly);
	riser_virtio_set_queues(b->dev, 0, b->queues);
}

static int init(struct riser_dev *dev)
{
	struct virtio_blk *b = riser_state(dev);
	int ret;

	b->dev = dev;
	b->fd = -1;
	io_list_init(&b->todo);
	io_list_init(&b->done);
	riser_exclusive(dev, acquire, release);
	if (!b->file)
		riser_unsaved(dev, "what is on the disk in memory: give it a file=");
	ret = check_options(b);
	if (!ret)
		ret = disk_open(b);
	if (!ret)
		ret = choose_engine(b);
	if (!ret)
		offer(b);
	else if (b->fd >= 0)
		close(b->fd);
	return ret;
}

/* ---- The tables ---- */

#define BIT(name) RISER_VIRTIO_BIT(VIRTIO_BLK_F_##name)
static const struct riser_virtio_feature features[] = {
	{ "seg_max", VIRTIO_BLK_F_SEG_MAX, .help = "the most buffers of a request" },
	{ "geometry", VIRTIO_BLK_F_GEOMETRY, .help = "cylinders, heads, sectors" },
	{ "ro", VIRTIO_BLK_F_RO, .off = true, .help = "it cannot be written" },
	{ "blk_size", VIRTIO_BLK_F_BLK_SIZE, .help = "bytes of a block" },
	{ "flush", VIRTIO_BLK_F_FLUSH, .help = "it has a write cache" },
	{ "topology", VIRTIO_BLK_F_TOPOLOGY, .help = "sizes that suit it" },
	{ "config_wce", VIRTIO_BLK_F_CONFIG_WCE, .help = "the cache can be switched" },
	{ "mq", VIRTIO_BLK_F_MQ, .off = true, .help = "several queues" },
	{ "discard", VIRTIO_BLK_F_DISCARD, .help = "space is given back" },
	{ "write_zeroes", VIRTIO_BLK_F_WRITE_ZEROES, .help = "zeroes need no data" },
};

#define REG(offset, member) RISER_REG(offset, struct virtio_blk, member)
static const struct riser_reg config[] = {
	{ REG(0x00, capacity), .help = "sectors of 512 bytes" },
	{ REG(0x08, size_max), .help = "bytes of a data buffer; 0: any" },
	{ REG(0x0c, seg_max), .help = "data buffers of a request" },
	{ REG(0x10, cylinders) },
	{ REG(0x12, heads), .reset = 16 },
	{ REG(0x13, sectors), .reset = 63 },
	{ REG(0x14, blk_size), .reset = SECTOR, .help = "bytes of a logical block" },
	{ REG(0x18, physical_block_exp), .help = "logical blocks of a physical one, log2" },
	{ REG(0x19, alignment_offset), .help = "of the first physical block" },
	{ REG(0x1a, min_io_size), .help = "logical blocks" },
	{ REG(0x1c, opt_io_size), .help = "logical blocks; 0: any" },
	{ REG(0x20, writeback), .reset = 1, .rw = 1, .help = "0: writes go through" },
	{ REG(0x22, num_queues) },
	{ REG(0x24, max_discard_sectors), .reset = DISCARD_MAX },
	{ REG(0x28, max_discard_seg), .reset = RANGES_MAX },
	{ REG(0x2c, discard_sector_alignment), .help = "sectors" },
	{ REG(0x30, max_write_zeroes_sectors), .reset = WRITE_ZEROES_MAX },
	{ REG(0x34, max_write_zeroes_seg), .reset = RANGES_MAX },
	{ REG(0x38, write_zeroes_may_unmap), .reset = 1 },
};

static const struct riser_option options[] = {
	{ RISER_OPTION(PATH, struct virtio_blk, file), .help = "a raw disk image, or a disk" },
	{ RISER_OPTION(U64, struct virtio_blk, size),
	  .help = "bytes of a disk in memory instead (64M)" },
	{ RISER_OPTION(BOOL, struct virtio_blk, readonly), .help = "the guest cannot write" },
	{ RISER_OPTION(U32, struct virtio_blk, queues), .value = "1", .min = 1,
	  .max = QUEUES_MAX, .help = "request queues" },
	{ RISER_OPTION(STRING, struct virtio_blk, serial), .help = "up to 20 characters" },
	{ RISER_OPTION(STRING, struct virtio_blk, aio),
	  .help = "io_uring or threads; by itself: what there is" },
};

static const struct riser_vq_desc vqs[] = {
	{ .name = "requestq",
	  .size = QUEUE_SIZE,
	  .count = QUEUES_MAX,
	  .request_size = sizeof(struct request),
	  .kick = kick,
	  .stop = stop },
};

static const struct riser_virtio_device virtio_blk = {
	.size = sizeof(virtio_blk),
	.name = "virtio_blk",
	.summary = "disk: a raw file, or memory",
	.virtio_id = 2,
	.transitional_id = 0x1001,
	.class_code = 0x010000,
	.state_size = sizeof(struct virtio_blk),
	.features = RISER_VIRTIO_FEATURES(features),
	.config = RISER_REGS(config),
	.vqs = RISER_VQS(vqs),
	.options = RISER_OPTIONS(options),
	.init = init,
	.reset = reset,
	.negotiate = negotiate,
	.saving = saving,
	.loaded = loaded,
	.fini = fini,
	.drain = drain,
};

RISER_EXPORT(virtio_blk);
