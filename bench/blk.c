/* SPDX-License-Identifier: MIT */
/*
 * make bench: virtio_blk on a file in memory, 4 KiB at random places, driven over the socket;
 * against the same done by pread and pwrite on that file.
 */
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common.h"
#include "disk.h"

enum { BLOCK = 4096, SECTORS = BLOCK / 512, FILE_SIZE = 64 << 20, AT_ONCE = 64 };
static const double ROUND_SECONDS = 0.07;

struct load {
	const char *name;
	bool write, polling;
	unsigned depth;
};

static const struct load loads[] = {
	{ "reads, 1 in flight, interrupts", false, false, 1 },
	{ "reads, 32 in flight, interrupts", false, false, 32 },
	{ "writes, 1 in flight, interrupts", true, false, 1 },
	{ "writes, 32 in flight, interrupts", true, false, 32 },
	{ "reads, 1 in flight, polling", false, true, 1 },
	{ "reads, 32 in flight, polling", false, true, 32 },
	{ "writes, 1 in flight, polling", true, true, 1 },
	{ "writes, 32 in flight, polling", true, true, 32 },
};

static uint32_t any_block(unsigned *seed)
{
	return (uint32_t)rand_r(seed) % (FILE_SIZE / BLOCK);
}

static double plain_rate(const struct load *load, int fd)
{
	static uint8_t buffer[BLOCK];
	double start = seconds(), end;
	unsigned long count = 0;
	unsigned seed = 1;

	do {
		for (int i = 0; i < AT_ONCE; i++, count++) {
			off_t at = (off_t)any_block(&seed) * BLOCK;
			ssize_t done = load->write ? pwrite(fd, buffer, BLOCK, at)
						   : pread(fd, buffer, BLOCK, at);

			if (done != BLOCK)
				die("the file cannot be read or written");
		}
		end = seconds();
	} while (end - start < ROUND_SECONDS);
	return (double)count / (end - start);
}

static void send(struct disk *disk, const struct load *load, unsigned slot, unsigned *seed)
{
	disk_add(disk, 0, slot, load->write ? VIRTIO_BLK_T_OUT : VIRTIO_BLK_T_IN,
		 (uint64_t)any_block(seed) * SECTORS, disk->data + slot * BLOCK, BLOCK);
}

/* Waits for one, takes what else is there, and sends as many again. */
static unsigned turn(struct disk *disk, const struct load *load, unsigned *seed)
{
	int slot = disk_wait(disk, 0);
	unsigned count = 0;

	for (; slot >= 0; slot = disk_take(disk, 0)) {
		if (disk_answer(disk, 0, (unsigned)slot) != VIRTIO_BLK_S_OK)
			die("the device failed a request");
		send(disk, load, (unsigned)slot, seed);
		count++;
	}
	if (!count)
		die("the device does not answer");
	disk_kick(disk, 0);
	return count;
}

static double disk_rate(const struct load *load, struct riser_host *host)
{
	uint64_t features = UINT64_C(1) << 28 | UINT64_C(1) << 29; /* indirect, event index */
	struct disk disk = { 0 };
	unsigned long count = 0;
	double start, end;
	unsigned seed = 1;

	if (disk_open(&disk, host, features, 1, !load->polling))
		die(riser_host_error(host));
	for (unsigned slot = 0; slot < load->depth; slot++)
		send(&disk, load, slot, &seed);
	disk_kick(&disk, 0);
	start = seconds();
	do {
		for (int i = 0; i < AT_ONCE; i++)
			count += turn(&disk, load, &seed);
		end = seconds();
	} while (end - start < ROUND_SECONDS);
	disk_close(&disk);
	return (double)count / (end - start);
}

static void measure(const struct load *load, int fd, struct riser_host *host,
		    struct json_object *list)
{
	struct json_object *entry = json_object_new_object();
	double ours[ROUNDS], plain[ROUNDS], ratios[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		plain[i] = plain_rate(load, fd);
		ours[i] = disk_rate(load, host);
		ratios[i] = ours[i] / plain[i];
	}
	json_object_object_add(entry, "name", json_object_new_string(load->name));
	json_object_object_add(entry, "unit", json_object_new_string("/s"));
	json_object_object_add(entry, "ours", json_object_new_double(median(ours)));
	json_object_object_add(entry, "floor", json_object_new_double(median(plain)));
	json_object_object_add(entry, "ratio", json_object_new_double(median(ratios)));
	json_object_array_add(list, entry);
	printf("%-34s %10.0f/s  %12.0f/s  %6.3f\n", load->name, median(ours), median(plain),
	       median(ratios));
	fflush(stdout);
}

/* A driver that polls has a core of its own, one that sleeps shares the device's. */
static void measure_served(const struct load *load, struct riser_model *model, int fd,
			   const char *options, struct json_object *list)
{
	struct riser_host *host;
	struct riser_error error;
	struct served served = { 0 };

	if (load->polling)
		unpin();
	else
		pin(0);
	served_start(&served, model, options);
	if (riser_client_from_fd(served.fd, NULL, &host, &error) || riser_host_enable(host))
		die("the device cannot be reached");
	measure(load, fd, host, list);
	riser_host_destroy(host);
	served_stop(&served);
}

static int make_file(char *options, size_t size)
{
	int fd = memfd_create("disk", MFD_CLOEXEC);

	if (fd < 0 || posix_fallocate(fd, 0, FILE_SIZE))
		die("no memory for the disk");
	snprintf(options, size, "file=/proc/self/fd/%d", fd);
	return fd;
}

int main(int argc, char **argv)
{
	struct json_object *root = json_object_new_object();
	struct json_object *list = json_object_new_array();
	struct riser_model *model;
	struct riser_error error;
	char options[64];
	int fd;

	if (argc < 3)
		die("usage: bench-blk virtio_blk.so OUT.json");
	if (riser_model_open(argv[1], &model, &error))
		die(error.text);
	json_object_object_add(root, "machine", machine());
	json_object_object_add(root, "figures", list);
	fd = make_file(options, sizeof(options));
	printf("%-34s %12s  %14s  %6s\n", "virtio_blk, 4 KiB at random", "riser", "plain calls",
	       "ratio");
	for (size_t i = 0; i < sizeof(loads) / sizeof(*loads); i++)
		measure_served(&loads[i], model, fd, options, list);
	if (json_object_to_file_ext(argv[2], root, JSON_C_TO_STRING_PRETTY))
		die("cannot write the JSON");
	json_object_put(root);
	riser_model_close(model);
	close(fd);
	return 0;
}
