/* SPDX-License-Identifier: MIT */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_config.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk.h"

enum { SECTOR = 512, DISK_SIZE = 4 << 20, REGION = 8192, QUEUES = 4 };
enum { IN = VIRTIO_BLK_T_IN, OUT = VIRTIO_BLK_T_OUT, OK = VIRTIO_BLK_S_OK };
#define F(name) (UINT64_C(1) << VIRTIO_BLK_F_##name)
#define USUAL (F(FLUSH) | F(DISCARD) | F(WRITE_ZEROES) | F(CONFIG_WCE))

static char path[64], readonly_path[64]; /* of files that a few tests use */

/* Waits for a request of any queue; io_uring and threads take real time, also on the bench. */
static unsigned await(struct disk *disk, unsigned *queue)
{
	for (int tries = 0; tries < 10000000; tries++) {
		for (*queue = 0; *queue < disk->queues; ++*queue) {
			int slot = disk_take(disk, *queue);

			if (slot >= 0)
				return (unsigned)slot;
		}
		riser_host_advance(disk->host, 1000);
		if (tries > 20)
			usleep(50);
	}
	fail_msg("a request was not answered");
	return 0;
}

static void open_disk(struct disk *disk, struct riser_host *host, uint64_t features,
		      unsigned queues)
{
	assert_int_equal(disk_open(disk, host, features, queues, false), 0);
}

/* One request, its data at the beginning of the tests' memory: its status. */
static uint8_t request(struct disk *disk, uint32_t type, uint64_t sector, uint32_t length)
{
	unsigned queue;

	disk_add(disk, 0, 0, type, sector, disk->data, length);
	disk_kick(disk, 0);
	assert_int_equal(await(disk, &queue), 0);
	return disk_answer(disk, 0, 0);
}

static uint8_t *data_of(struct disk *disk)
{
	return disk->memory + disk->data;
}

static void fill(uint8_t *to, size_t length, unsigned seed)
{
	for (size_t i = 0; i < length; i++)
		to[i] = (uint8_t)(rand_r(&seed) >> 8);
}

/* ---- What it is ---- */

static void configuration(struct riser_host *host)
{
	struct disk disk = { 0 };

	open_disk(&disk, host, 0xffff, 1);
	assert_int_equal(disk_features(&disk) & 0xffff,
			 USUAL | F(SEG_MAX) | F(GEOMETRY) | F(BLK_SIZE) | F(TOPOLOGY) | F(MQ));
	assert_int_equal(disk_config(&disk, 0, 4), DISK_SIZE / SECTOR);
	assert_int_equal(disk_config(&disk, 4, 4), 0);
	assert_int_equal(disk_config(&disk, 8, 4), 0);		     /* size_max */
	assert_int_equal(disk_config(&disk, 12, 4), 254);	     /* seg_max */
	assert_int_equal(disk_config(&disk, 16, 2), 8192 / 16 / 63); /* cylinders */
	assert_int_equal(disk_config(&disk, 18, 1), 16);	     /* heads */
	assert_int_equal(disk_config(&disk, 19, 1), 63);
	assert_int_equal(disk_config(&disk, 20, 4), SECTOR);
	assert_int_equal(disk_config(&disk, 24, 1), 3); /* physical_block_exp */
	assert_int_equal(disk_config(&disk, 26, 2), 8); /* min_io_size */
	assert_int_equal(disk_config(&disk, 32, 1), 1); /* writeback */
	assert_int_equal(disk_config(&disk, 34, 2), QUEUES);
	assert_int_equal(disk_config(&disk, 36, 4), 0x3fffff); /* max_discard_sectors */
	assert_int_equal(disk_config(&disk, 40, 4), 32);
	assert_int_equal(disk_config(&disk, 44, 4), 8); /* discard_sector_alignment */
	assert_int_equal(disk_config(&disk, 48, 4), 0xffff);
	assert_int_equal(disk_config(&disk, 52, 4), 32);
	assert_int_equal(disk_config(&disk, 56, 1), 1);
	disk_close(&disk);
}

static void identity(struct riser_host *host)
{
	struct disk disk = { 0 };

	open_disk(&disk, host, USUAL, 1);
	memset(data_of(&disk), 0x55, 32);
	assert_int_equal(request(&disk, VIRTIO_BLK_T_GET_ID, 0, VIRTIO_BLK_ID_BYTES), OK);
	assert_memory_equal(data_of(&disk), "abcdefghij0123456789\x55", 21);
	memset(data_of(&disk), 0x55, 32);
	assert_int_equal(request(&disk, VIRTIO_BLK_T_GET_ID, 0, 4), OK);
	assert_memory_equal(data_of(&disk), "abcd\x55", 5);
	/* The rest of the room is zeroes. */
	assert_int_equal(request(&disk, VIRTIO_BLK_T_GET_ID, 0, 24), OK);
	assert_memory_equal(data_of(&disk) + 16, "6789\0\0\0\0\x55", 9);
	disk_close(&disk);
}

/* ---- Reads and writes ---- */

/* Each slot has a part of the disk of its own, so what is under way at once does not meet. */
struct traffic {
	struct disk disk;
	uint8_t *shadow;
	unsigned seed;
	struct {
		bool write;
		uint32_t offset, length; /* of the disk */
	} slot[QUEUES][DISK_SLOTS];
};

static uint32_t buffer_of(const struct traffic *t, unsigned queue, unsigned slot)
{
	return t->disk.data + (queue * DISK_SLOTS + slot) * REGION;
}

static void send(struct traffic *t, unsigned queue, unsigned slot)
{
	uint32_t first = (unsigned)rand_r(&t->seed) % (REGION / SECTOR);
	uint32_t most = REGION / SECTOR - first;
	uint32_t length = (1 + (unsigned)rand_r(&t->seed) % most) * SECTOR;
	uint32_t offset = (queue * DISK_SLOTS + slot) * REGION + first * SECTOR;
	bool write = rand_r(&t->seed) & 0x100;
	uint8_t *buffer = t->disk.memory + buffer_of(t, queue, slot);

	if (write) {
		fill(buffer, length, (unsigned)rand_r(&t->seed));
		memcpy(t->shadow + offset, buffer, length);
	} else {
		memset(buffer, 0x11, length);
	}
	t->slot[queue][slot].write = write;
	t->slot[queue][slot].offset = offset;
	t->slot[queue][slot].length = length;
	disk_add(&t->disk, queue, slot, write ? OUT : IN, offset / SECTOR,
		 buffer_of(t, queue, slot), length);
	disk_kick(&t->disk, queue);
}

static void check(struct traffic *t, unsigned queue, unsigned slot)
{
	uint32_t length = t->slot[queue][slot].length;
	bool write = t->slot[queue][slot].write;

	assert_int_equal(disk_answer(&t->disk, queue, slot), OK);
	assert_int_equal(t->disk.queue[queue].lengths[slot], write ? 1 : length + 1);
	if (!write)
		assert_memory_equal(t->disk.memory + buffer_of(t, queue, slot),
				    t->shadow + t->slot[queue][slot].offset, length);
}

static void traffic(struct riser_host *host)
{
	static uint8_t shadow[DISK_SIZE];
	static struct traffic t;
	unsigned queue, slot, under_way = 0;

	memset(shadow, 0, sizeof(shadow));
	t = (struct traffic){ .shadow = shadow, .seed = 7 };
	open_disk(&t.disk, host, USUAL | F(MQ), QUEUES);
	for (queue = 0; queue < QUEUES; queue++) {
		for (slot = 0; slot < DISK_SLOTS; slot++, under_way++)
			send(&t, queue, slot);
	}
	for (int i = 0; under_way; i++) {
		slot = await(&t.disk, &queue);
		check(&t, queue, slot);
		if (i < 1500)
			send(&t, queue, slot);
		else
			under_way--;
	}
	disk_close(&t.disk);
}

/* Data in parts that are no sectors, and more of them than one system call takes. */
static void scattered(struct riser_host *host)
{
	struct virtio_blk_outhdr header = { .type = OUT, .sector = 3 };
	struct disk disk = { 0 };
	unsigned queue;

	open_disk(&disk, host, USUAL, 1);
	fill(data_of(&disk), 4096, 1);
	memcpy(disk.memory + disk_header_at(&disk, 0, 0), &header, sizeof(header));
	disk_add_parts(&disk, 0, 0,
		       (struct disk_part[]){ { disk_header_at(&disk, 0, 0), 7, false },
					     { disk_header_at(&disk, 0, 0) + 7, 9, false },
					     { disk.data, 1, false },
					     { disk.data + 1, 1000, false },
					     { disk.data + 1001, 535, false },
					     { disk_status_at(&disk, 0, 0), 1, true } },
		       6);
	disk_kick(&disk, 0);
	await(&disk, &queue);
	assert_int_equal(disk_answer(&disk, 0, 0), OK);
	memset(data_of(&disk) + 4096, 0, 2048);
	header.type = IN;
	memcpy(disk.memory + disk_header_at(&disk, 0, 0), &header, sizeof(header));
	disk_add_parts(&disk, 0, 0,
		       (struct disk_part[]){ { disk_header_at(&disk, 0, 0), 16, false },
					     { disk.data + 4096, 513, true },
					     { disk.data + 4609, 1022, true },
					     /* The status is the last byte of its part. */
					     { disk.data + 5631, 2, true } },
		       4);
	disk_kick(&disk, 0);
	await(&disk, &queue);
	assert_int_equal(data_of(&disk)[4096 + 1536], OK);
	assert_memory_equal(data_of(&disk), data_of(&disk) + 4096, 1536);
	disk_close(&disk);
}

static void bounds(struct riser_host *host)
{
	const uint64_t end = DISK_SIZE / SECTOR;
	struct disk disk = { 0 };

	open_disk(&disk, host, USUAL, 1);
	for (uint32_t type = IN; type <= OUT; type++) {
		assert_int_equal(request(&disk, type, end - 8, 4096), OK);
		assert_int_equal(request(&disk, type, end - 7, 4096), VIRTIO_BLK_S_IOERR);
		assert_int_equal(request(&disk, type, end, 512), VIRTIO_BLK_S_IOERR);
		assert_int_equal(request(&disk, type, end, 0), OK);
		assert_int_equal(request(&disk, type, end + 1, 0), VIRTIO_BLK_S_IOERR);
		assert_int_equal(request(&disk, type, UINT64_MAX, 512), VIRTIO_BLK_S_IOERR);
		assert_int_equal(request(&disk, type, UINT64_MAX / SECTOR, 512),
				 VIRTIO_BLK_S_IOERR);
		assert_int_equal(request(&disk, type, UINT64_MAX / SECTOR + 1, 512),
				 VIRTIO_BLK_S_IOERR);
		assert_int_equal(request(&disk, type, 0, 511), VIRTIO_BLK_S_IOERR);
		assert_int_equal(request(&disk, type, 0, 513), VIRTIO_BLK_S_IOERR);
		assert_int_equal(request(&disk, type, 0, 1), VIRTIO_BLK_S_IOERR);
	}
	/* What an error kept away is zeroes. */
	memset(data_of(&disk), 0x77, 512);
	assert_int_equal(request(&disk, IN, end, 512), VIRTIO_BLK_S_IOERR);
	assert_int_equal(data_of(&disk)[0] | data_of(&disk)[511], 0);
	assert_int_equal(disk.queue[0].lengths[0], 513);
	assert_int_equal(request(&disk, 77, 0, 512), VIRTIO_BLK_S_UNSUPP);
	assert_int_equal(request(&disk, VIRTIO_BLK_T_FLUSH, 0, 0), OK);
	disk_close(&disk);
}

/* ---- Ranges ---- */

static uint8_t ranges(struct disk *disk, uint32_t type, uint64_t sector, uint32_t sectors,
		      uint32_t flags, unsigned count, uint32_t more)
{
	struct virtio_blk_discard_write_zeroes range = { .sector = sector,
							 .num_sectors = sectors,
							 .flags = flags };

	for (unsigned i = 0; i < count; i++) {
		memcpy(data_of(disk) + i * sizeof(range), &range, sizeof(range));
		range.sector += 2 * sectors;
	}
	return request(disk, type, 0, count * (uint32_t)sizeof(range) + more);
}

/* Whether `count` ranges, each followed by a gap of its length, are zero and nothing else. */
static void expect_zeroes(struct disk *disk, uint64_t sector, uint32_t sectors, unsigned count)
{
	uint32_t length = sectors * SECTOR;

	for (unsigned i = 0; i < 2 * count; i++) {
		assert_int_equal(request(disk, IN, sector + i * sectors, length), OK);
		for (uint32_t at = 0; at < length; at++)
			assert_int_equal(data_of(disk)[at], i % 2 ? 0xee : 0);
	}
}

static void zeroing(struct riser_host *host)
{
	struct disk disk = { 0 };
	const uint32_t kinds[][2] = { { VIRTIO_BLK_T_DISCARD, 0 },
				      { VIRTIO_BLK_T_WRITE_ZEROES, 0 },
				      { VIRTIO_BLK_T_WRITE_ZEROES, 1 } };

	open_disk(&disk, host, USUAL, 1);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		memset(data_of(&disk), 0xee, 2 << 20);
		assert_int_equal(request(&disk, OUT, 0, 2 << 20), OK);
		assert_int_equal(ranges(&disk, kinds[i][0], 16, 8, kinds[i][1], 32, 0), OK);
		expect_zeroes(&disk, 16, 8, 32);
		assert_int_equal(ranges(&disk, kinds[i][0], 1024, 313, kinds[i][1], 4, 0), OK);
		if (kinds[i][0] != VIRTIO_BLK_T_DISCARD)
			expect_zeroes(&disk, 1024, 313, 4);
		assert_int_equal(ranges(&disk, kinds[i][0], 0, 0, 0, 3, 0), OK);
	}
	disk_close(&disk);
}

static void bad_ranges(struct riser_host *host)
{
	const uint32_t kinds[] = { VIRTIO_BLK_T_DISCARD, VIRTIO_BLK_T_WRITE_ZEROES };
	const uint64_t end = DISK_SIZE / SECTOR;
	struct disk disk = { 0 };

	open_disk(&disk, host, USUAL, 1);
	for (size_t i = 0; i < 2; i++) {
		uint32_t type = kinds[i];

		assert_int_equal(ranges(&disk, type, end - 1, 1, 0, 1, 0), OK);
		assert_int_equal(ranges(&disk, type, end - 1, 2, 0, 1, 0), VIRTIO_BLK_S_IOERR);
		assert_int_equal(ranges(&disk, type, UINT64_MAX, 1, 0, 1, 0),
				 VIRTIO_BLK_S_IOERR);
		assert_int_equal(ranges(&disk, type, 0, UINT32_MAX, 0, 1, 0),
				 VIRTIO_BLK_S_IOERR);
		assert_int_equal(ranges(&disk, type, 0, 1, 2, 1, 0), VIRTIO_BLK_S_UNSUPP);
		assert_int_equal(ranges(&disk, type, 0, 1, 0, 33, 0), VIRTIO_BLK_S_IOERR);
		assert_int_equal(ranges(&disk, type, 0, 1, 0, 1, 8), VIRTIO_BLK_S_IOERR);
		assert_int_equal(ranges(&disk, type, 0, 1, 0, 0, 0), VIRTIO_BLK_S_IOERR);
	}
	assert_int_equal(ranges(&disk, VIRTIO_BLK_T_DISCARD, 0, 1, 1, 1, 0),
			 VIRTIO_BLK_S_UNSUPP);
	/* Not taken, not done. */
	open_disk(&disk, host, F(FLUSH), 1);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(ranges(&disk, kinds[i], 0, 1, 0, 1, 0), VIRTIO_BLK_S_UNSUPP);
	disk_close(&disk);
}

/* ---- Drivers that go wrong, and resets ---- */

static void no_header(struct riser_host *host)
{
	struct disk_part header, status;
	struct disk disk = { 0 };

	for (int lacks = 0; lacks < 3; lacks++) {
		open_disk(&disk, host, USUAL, 1);
		header = (struct disk_part){ disk_header_at(&disk, 0, 0), 16, false };
		status = (struct disk_part){ disk_status_at(&disk, 0, 0), 1, true };
		header.length -= lacks == 2;
		disk_add_parts(&disk, 0, 0,
			       (struct disk_part[]){ lacks == 1 ? status : header, status },
			       lacks == 2 ? 2 : 1);
		disk_kick(&disk, 0);
		assert_true(disk_status(&disk) & VIRTIO_CONFIG_S_NEEDS_RESET);
	}
	open_disk(&disk, host, USUAL, 1);
	assert_int_equal(request(&disk, IN, 0, 4096), OK);
	disk_close(&disk);
}

/* Requests that are under way when the driver takes the queues back touch nothing afterwards.
 */
static void reset_amid(struct riser_host *host)
{
	struct disk disk = { 0 };

	for (int round = 0; round < 20; round++) {
		open_disk(&disk, host, USUAL, 1);
		memset(data_of(&disk), 0x33, DISK_SLOTS * 65536);
		for (unsigned slot = 0; slot < DISK_SLOTS; slot++)
			disk_add(&disk, 0, slot, slot % 2 ? IN : OUT, slot * 128,
				 disk.data + slot * 65536, 65536);
		disk_kick(&disk, 0);
		open_disk(&disk, host, USUAL, 1);
		memset(data_of(&disk), 0x44, DISK_SLOTS * 65536);
		usleep(1000);
		riser_host_advance(host, MS);
		for (unsigned i = 0; i < DISK_SLOTS * 65536; i++) {
			if (data_of(&disk)[i] != 0x44)
				fail_msg("byte %#x was written after the reset", i);
		}
	}
	assert_int_equal(request(&disk, IN, 0, 65536), OK);
	assert_int_equal(data_of(&disk)[0], 0x33);
	disk_close(&disk);
}

static void interrupts(struct riser_host *host)
{
	struct disk disk = { 0 };
	uint64_t count;

	assert_int_equal(disk_open(&disk, host, USUAL | F(MQ), 2, true), 0);
	for (unsigned queue = 0; queue < 2; queue++) {
		disk_add(&disk, queue, 5, IN, 0, disk.data, 4096);
		disk_kick(&disk, queue);
		ok(host, riser_host_irq_wait(host, queue + 1, PATIENCE));
		assert_int_equal(disk_take(&disk, queue), 5);
		ok(host, riser_host_irq_count(host, 2 - queue, &count));
		assert_int_equal(count, 0);
	}
	disk_close(&disk);
}

/* ---- Files ---- */

static void read_file(void *to, size_t length, off_t offset)
{
	int fd = open(path, O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, to, length, offset), length);
	close(fd);
}

static void in_the_file(struct riser_host *host)
{
	static uint8_t content[65536];
	struct disk disk = { 0 };

	/* With the cache, without, and with a driver that knows of none. */
	for (int round = 0; round < 3; round++) {
		open_disk(&disk, host, round == 2 ? 0 : USUAL, 1);
		if (round == 1)
			put(host, 4, 0x2020, 1, 0);
		assert_int_equal(disk_config(&disk, 0x20, 1), round == 0);
		fill(data_of(&disk), sizeof(content), (unsigned)round);
		assert_int_equal(request(&disk, OUT, 128, sizeof(content)), OK);
		if (!round)
			assert_int_equal(request(&disk, VIRTIO_BLK_T_FLUSH, 0, 0), OK);
		read_file(content, sizeof(content), 65536);
		assert_memory_equal(content, data_of(&disk), sizeof(content));
	}
	disk_close(&disk);
}

static void cannot_write(struct riser_host *host)
{
	struct disk disk = { 0 };

	open_disk(&disk, host, F(RO) | F(FLUSH), 1);
	assert_true(disk_features(&disk) & F(RO));
	assert_int_equal(disk_features(&disk) & (F(DISCARD) | F(WRITE_ZEROES)), 0);
	assert_int_equal(request(&disk, IN, 0, 4096), OK);
	assert_int_equal(data_of(&disk)[5], 'x');
	assert_int_equal(request(&disk, OUT, 0, 4096), VIRTIO_BLK_S_IOERR);
	assert_int_equal(ranges(&disk, VIRTIO_BLK_T_DISCARD, 0, 1, 0, 1, 0),
			 VIRTIO_BLK_S_UNSUPP);
	assert_int_equal(request(&disk, IN, 0, 4096), OK);
	assert_int_equal(data_of(&disk)[5], 'x');
	disk_close(&disk);
}

/* Somebody cuts the file off: what is gone is an error, not zeroes and not a wait. */
static void cut_short(struct riser_host *host)
{
	struct disk disk = { 0 };

	open_disk(&disk, host, USUAL, 1);
	assert_int_equal(truncate(path, 1 << 20), 0);
	assert_int_equal(request(&disk, IN, 2040, 4096), OK);
	assert_int_equal(request(&disk, IN, 2044, 4096), VIRTIO_BLK_S_IOERR);
	assert_int_equal(request(&disk, IN, 4096, 4096), VIRTIO_BLK_S_IOERR);
	assert_int_equal(truncate(path, DISK_SIZE), 0);
	disk_close(&disk);
}

static void state_goes_over(struct riser_host *host)
{
	struct disk disk = { 0 };
	size_t size;
	void *state;

	open_disk(&disk, host, USUAL, 1);
	put(host, 4, 0x2020, 1, 0);
	for (unsigned slot = 0; slot < DISK_SLOTS; slot++)
		disk_add(&disk, 0, slot, OUT, slot * 8, disk.data, 4096);
	disk_kick(&disk, 0);
	ok(host, riser_host_save(host, &state, &size));
	/* What was under way is answered, not saved. */
	for (unsigned slot = 0; slot < DISK_SLOTS; slot++)
		assert_true(disk_take(&disk, 0) >= 0);
	ok(host, riser_host_reset(host, RISER_RESET_DEVICE));
	ok(host, riser_host_load(host, state, size));
	assert_int_equal(disk_config(&disk, 0x20, 1), 0);
	assert_int_equal(request(&disk, IN, 0, 4096), OK);
	free(state);
	disk_close(&disk);
}

static void make_file(char *name, size_t size, char content, mode_t mode)
{
	int fd;

	strcpy(name, "virtio_blk.XXXXXX");
	fd = mkstemp(name);
	if (fd < 0 || ftruncate(fd, (off_t)size) || pwrite(fd, &content, 1, 5) != 1 ||
	    fchmod(fd, mode)) {
		perror("a file for the disk");
		exit(1);
	}
	close(fd);
}

int main(void)
{
	static char file[3][128], fixed[128];
	static const char *const engines[] = { ",aio=io_uring", ",aio=threads", "" };
	int failed;

	make_file(path, DISK_SIZE, 'x', 0600);
	make_file(readonly_path, DISK_SIZE, 'x', 0400);
	for (int i = 0; i < 3; i++)
		snprintf(file[i], sizeof(file[i]), "file=%s%s", path, engines[i]);
	snprintf(fixed, sizeof(fixed), "file=%s,readonly=on", readonly_path);
	const struct device_test tests[] = {
		{ "configuration", configuration, "size=4M,queues=4" },
		{ "identity", identity, "serial=abcdefghij0123456789" },
		{ "traffic in memory", traffic, "size=4M,queues=4" },
		{ "traffic by io_uring", traffic, "size=4M,queues=4,aio=io_uring" },
		{ "traffic by threads", traffic, "size=4M,queues=4,aio=threads" },
		{ "traffic, DMA by message", traffic, "size=4M,queues=4", .message_dma = true },
		{ "traffic by io_uring, DMA by message", traffic,
		  "size=4M,queues=4,aio=io_uring", .message_dma = true },
		{ "scattered", scattered, "size=4M" },
		{ "scattered, by threads", scattered, "size=4M,aio=threads" },
		{ "bounds", bounds, "size=4M" },
		{ "bounds by io_uring", bounds, file[0] },
		{ "zeroing in memory", zeroing, "size=4M" },
		{ "zeroing by io_uring", zeroing, file[0] },
		{ "zeroing by threads", zeroing, file[1] },
		{ "bad ranges", bad_ranges, "size=4M" },
		{ "no header", no_header, NULL },
		{ "reset amid requests, memory", reset_amid, "size=4M" },
		{ "reset amid requests, io_uring", reset_amid, file[0] },
		{ "reset amid requests, threads", reset_amid, file[1] },
		{ "interrupts", interrupts, "queues=2" },
		{ "file by io_uring", in_the_file, file[0] },
		{ "file by threads", in_the_file, file[1] },
		{ "file by what there is", in_the_file, file[2] },
		{ "read-only file", cannot_write, fixed },
		{ "file cut short, io_uring", cut_short, file[0] },
		{ "file cut short, threads", cut_short, file[1] },
		{ "state, memory", state_goes_over, "size=4M" },
		{ "state, io_uring", state_goes_over, file[0] },
		{ "state, threads", state_goes_over, file[1] },
	};

	failed = device_tests_run("virtio_blk", tests, sizeof(tests) / sizeof(*tests));
	unlink(path);
	unlink(readonly_path);
	return failed;
}
