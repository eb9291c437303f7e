/* SPDX-License-Identifier: MIT */
/*
 * 65,535 mappings with an fd each. The ranges are the pages of one file, the last one first:
 * the kernel puts each mapping below the one before, so that it can join them. It allows a
 * process fewer mappings than that otherwise (vm.max_map_count), the floor too.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/dma_table.h"
#include "device.h"
#include "parts.h"
#include "raw.h"

enum { MAPS = 65535, PAGE = 4096, TIMES = 7, LOOKUPS = 500000 };

static int file; /* of MAPS pages */

/* ---- The client ---- */

static void expect_reply(int fd, size_t size)
{
	struct {
		struct vu_header header;
		struct vu_dma_unmap echoed;
	} reply;

	raw_receive(fd, &reply, size);
	if (reply.header.flags & VU_ERROR)
		die("a mapping was refused");
}

/* Mappings a second of processor time: one of the two ends is always at work. */
static double map_all(int fd)
{
	double start = cpu_seconds();

	for (uint64_t i = 0; i < MAPS; i++) {
		uint64_t at = (MAPS - 1 - i) * PAGE;
		struct {
			struct vu_header header;
			struct vu_dma_map map;
		} request = { { .command = VU_DMA_MAP, .size = sizeof(request) },
			      { sizeof(struct vu_dma_map), VU_DMA_READABLE | VU_DMA_WRITABLE,
				at, at, PAGE } };

		raw_send_fd(fd, &request, sizeof(request), file);
		expect_reply(fd, RAW_HEADER);
	}
	return MAPS / (cpu_seconds() - start);
}

static double unmap_all(int fd)
{
	double start = cpu_seconds();

	for (uint64_t i = 0; i < MAPS; i++) {
		struct {
			struct vu_header header;
			struct vu_dma_unmap unmap;
		} request = { { .command = VU_DMA_UNMAP, .size = sizeof(request) },
			      { sizeof(struct vu_dma_unmap), 0, i * PAGE, PAGE } };

		raw_send(fd, &request, sizeof(request));
		expect_reply(fd, sizeof(request));
	}
	return MAPS / (cpu_seconds() - start);
}

/* ---- The floor: it maps what it is given an fd for, and unmaps for any other message ---- */

static ssize_t receive_request(int fd, void *to, size_t size, int *passed)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { to, size };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);

	*passed = -1;
	if (n > 0 && msg.msg_controllen)
		memcpy(passed, CMSG_DATA(&control.header), sizeof(*passed));
	return n;
}

static void *map_bare(void *opaque)
{
	static void *at[MAPS];
	int fd = *(int *)opaque, passed;
	struct {
		struct vu_header header;
		struct vu_dma_map map;
	} request;
	ssize_t n;

	while ((n = receive_request(fd, &request, sizeof(request), &passed)) > 0) {
		uint64_t index = request.map.address / PAGE; /* an unmap's has other places */

		if (passed >= 0) {
			at[index] = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, passed,
					 (off_t)request.map.offset);
			close(passed);
			if (at[index] == MAP_FAILED)
				die("the floor cannot map");
			raw_send(fd, &request, RAW_HEADER);
		} else {
			munmap(at[request.map.offset / PAGE], PAGE);
			raw_send(fd, &request, (size_t)n);
		}
	}
	return NULL;
}

/* ---- Lookups, in a table of its own: of ranges without memory, which would be measured too
 * ---- */

static struct riser__dma_table *fill_table(void)
{
	struct riser__dma_table *table;

	if (riser__dma_table_create(MAPS, &table))
		die("no memory for a table");
	for (uint64_t i = 0; i < MAPS; i++) {
		if (riser__dma_table_add(table, i * 2 * PAGE, PAGE, -1, 0, RISER_DMA_READ))
			die("no memory for a table");
	}
	return table;
}

static double look_up(struct riser__dma_table *table)
{
	double start = cpu_seconds();
	uint64_t at = 1;
	uint32_t value;

	for (int i = 0; i < LOOKUPS; i++) {
		at = at * 6364136223846793005u + 1442695040888963407u;
		if (riser__dma_table_copy(table, (at >> 33) % MAPS * 2 * PAGE, &value,
					  sizeof(value), false) != -EREMOTE)
			die("a mapping is not found");
	}
	return LOOKUPS / (cpu_seconds() - start);
}

static void measure_lookups(struct json_object *list)
{
	struct figure figure = { .name = "lookups among 65,535 mappings",
				 .unit = "/s",
				 .target = 10e6 };
	struct riser__dma_table *table = fill_table();
	double rates[ROUNDS];

	for (int i = 0; i < ROUNDS; i++)
		rates[i] = look_up(table);
	figure.ours = median(rates);
	report(list, &figure);
	riser__dma_table_destroy(table);
}

/* ---- What is left ---- */

static double count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	while (dir && readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static double resident(void)
{
	FILE *status = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	if (!status || fscanf(status, "%*u %lu", &pages) != 1)
		die("cannot read /proc/self/statm");
	fclose(status);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

/* Descriptors and bytes that three rounds of it have left behind, after a first one. */
static void report_left(struct json_object *list, double fds, double memory)
{
	report(list, &(struct figure){ .name = "  descriptors that are left after it",
				       .unit = "",
				       .ours = count_fds() - fds,
				       .target = 0,
				       .most = true });
	report(list, &(struct figure){ .name = "  bytes that are left after it",
				       .unit = "B",
				       .ours = resident() - memory,
				       .target = 256 << 10,
				       .most = true });
}

static void measure(struct json_object *list, int fd, int floor_fd)
{
	double ours[2][TIMES], floors[2][TIMES], ratios[TIMES], fds = 0, memory = 0;
	static const char *const names[] = { "65,535 DMA maps with an fd each",
					     "  and unmaps" };

	for (int i = 0; i < TIMES; i++) {
		floors[0][i] = map_all(floor_fd);
		floors[1][i] = unmap_all(floor_fd);
		ours[0][i] = map_all(fd);
		ours[1][i] = unmap_all(fd);
		if (!i) {
			fds = count_fds();
			memory = resident();
		}
	}
	for (int n = 0; n < 2; n++) {
		for (int i = 0; i < TIMES; i++)
			ratios[i] = ours[n][i] / floors[n][i];
		report(list, &(struct figure){ .name = names[n],
					       .unit = "/s",
					       .ours = median_of(ours[n], TIMES),
					       .floor = median_of(floors[n], TIMES),
					       .ratio = median_of(ratios, TIMES),
					       .target = 0.90 });
	}
	report_left(list, fds, memory);
}

void bench_maps(struct json_object *list)
{
	struct riser_model *model = bench_model();
	struct served served = { 0 };
	pthread_t bare;
	int ends[2];

	file = memfd_create("guest", MFD_CLOEXEC);
	if (file < 0 || ftruncate(file, (off_t)MAPS * PAGE) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		die("no guest memory");
	pin(0);
	pthread_create(&bare, NULL, map_bare, &ends[0]);
	served_start(&served, model, NULL);
	raw_negotiate(served.fd);
	measure_lookups(list);
	measure(list, served.fd, ends[1]);
	close(served.fd);
	served_stop(&served);
	close(ends[1]);
	pthread_join(bare, NULL);
	close(ends[0]);
	close(file);
	riser_model_close(model);
}
