/* SPDX-License-Identifier: MIT */
/* make bench: the vfio-user server against the floor of its socket, and the bench's own access.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <riser/host.h>

#include "attach/vfio_user/proto.h"
#include "common.h"
#include "floor.h"

enum { BATCH = 32 };
static const double ROUND_SECONDS = 0.15;

struct load {
	const char *name;
	size_t request, reply; /* bytes of a message, and of its answer or 0 */
	unsigned batch;	       /* messages a send */
	uint16_t command;
	uint32_t flags;
	double target; /* of the floor's rate */
};

#define HEADER sizeof(struct vu_header)
#define ACCESS sizeof(struct vu_region_access)

static const struct load loads[] = {
	{ "register read, round trip", HEADER + ACCESS, HEADER + ACCESS + 4, 1, VU_REGION_READ,
	  0, 0.95 },
	{ "register write with reply", HEADER + ACCESS + 4, HEADER + ACCESS, 1, VU_REGION_WRITE,
	  0, 0.95 },
	{ "posted writes, one a message", HEADER + ACCESS + 4, 0, 1, VU_REGION_WRITE,
	  VU_NO_REPLY, 0.95 },
	{ "posted writes, 32 at a time", HEADER + ACCESS + 4, 0, BATCH, VU_REGION_WRITE,
	  VU_NO_REPLY, 0.90 },
	{ "reads, 32 in flight", HEADER + ACCESS, HEADER + ACCESS + 4, BATCH, VU_REGION_READ, 0,
	  0.90 },
};

static void send_all(int fd, const void *data, size_t size)
{
	if (send(fd, data, size, MSG_NOSIGNAL) != (ssize_t)size)
		die("the other end has gone");
}

static void receive_all(int fd, void *to, size_t size)
{
	if (recv(fd, to, size, MSG_WAITALL) != (ssize_t)size)
		die("the other end has gone");
}

/* One message after the other in a buffer, as many as are sent at once. */
static size_t fill(const struct load *load, uint8_t *buffer)
{
	const struct vu_header header = { .command = load->command,
					  .flags = load->flags,
					  .size = (uint32_t)load->request };
	const struct vu_region_access access = { .count = 4 };

	for (unsigned i = 0; i < load->batch; i++) {
		uint8_t *at = buffer + i * load->request;

		memset(at, 0, load->request);
		memcpy(at, &header, sizeof(header));
		memcpy(at + sizeof(header), &access, sizeof(access));
	}
	return load->batch * load->request;
}

/* Messages a second for a while; ends with a round trip, so that all of them are done. */
static double rate(const struct load *load, int fd, const uint8_t *sync, size_t sync_size)
{
	static uint8_t out[8192], in[8192];
	size_t size = fill(load, out), answers = load->batch * load->reply;
	double start = seconds(), end;
	unsigned long sent = 0;

	do {
		for (int i = 0; i < 64; i++) {
			send_all(fd, out, size);
			if (answers)
				receive_all(fd, in, answers);
			sent += load->batch;
		}
		end = seconds();
	} while (end - start < ROUND_SECONDS);
	if (sync_size) {
		send_all(fd, sync, sync_size);
		receive_all(fd, in, HEADER + ACCESS + 4);
		end = seconds();
	}
	return (double)sent / (end - start);
}

static void connect_to(struct served *served, struct riser_model *model)
{
	struct {
		struct vu_header header;
		struct vu_version version;
	} hello = { { .command = VU_VERSION, .size = sizeof(hello) }, { 0, 0 } };

	served_start(served, model, NULL);
	send_all(served->fd, &hello, sizeof(hello));
	receive_all(served->fd, &hello, sizeof(hello));
}

static void measure(const struct load *load, int fd, struct json_object *list)
{
	static const struct load read_load = { .request = HEADER + ACCESS,
					       .batch = 1,
					       .command = VU_REGION_READ };
	double ours[ROUNDS], floors[ROUNDS], ratios[ROUNDS];
	struct json_object *entry = json_object_new_object();
	uint8_t sync[HEADER + ACCESS];
	size_t sync_size = load->reply ? 0 : fill(&read_load, sync);

	for (int i = 0; i < ROUNDS; i++) {
		int floor_fd;
		struct floor *floor = floor_start(load->request, load->reply, &floor_fd);

		floors[i] = rate(load, floor_fd, NULL, 0);
		close(floor_fd);
		floor_stop(floor);
		ours[i] = rate(load, fd, sync, sync_size);
		ratios[i] = ours[i] / floors[i];
	}
	json_object_object_add(entry, "name", json_object_new_string(load->name));
	json_object_object_add(entry, "rate", json_object_new_double(median(ours)));
	json_object_object_add(entry, "floor", json_object_new_double(median(floors)));
	json_object_object_add(entry, "ratio", json_object_new_double(median(ratios)));
	json_object_array_add(list, entry);
	printf("%-30s %12.0f/s  %12.0f/s  %5.2f  (target %.2f)\n", load->name, median(ours),
	       median(floors), median(ratios), load->target);
	fflush(stdout);
}

/* A register read in this process, through the map. */
static void measure_access(struct riser_model *model, struct json_object *list)
{
	struct json_object *entry = json_object_new_object();
	struct riser_host *host;
	struct riser_error error;
	double times[ROUNDS];
	uint64_t value;

	if (riser_bench_create(model, NULL, &host, &error) || riser_host_enable(host))
		die("no bench");
	for (int i = 0; i < ROUNDS; i++) {
		double start = seconds();

		for (int n = 0; n < 1000000; n++)
			riser_host_read(host, 0, 0, 4, &value);
		times[i] = (seconds() - start) * 1000;
	}
	riser_host_destroy(host);
	json_object_object_add(entry, "name",
			       json_object_new_string("register read on the bench"));
	json_object_object_add(entry, "ns", json_object_new_double(median(times)));
	json_object_array_add(list, entry);
	printf("%-30s %12.1f ns\n", "register read on the bench", median(times));
}

int main(int argc, char **argv)
{
	struct json_object *list = json_object_new_array();
	struct riser_model *model, *mapped;
	struct served served;
	struct riser_error error;

	if (argc < 4)
		die("usage: bench-server SERVED.so MAPPED.so OUT.json");
	if (riser_model_open(argv[1], &model, &error) ||
	    riser_model_open(argv[2], &mapped, &error))
		die(error.text);
	pin(true);
	printf("%-30s %14s  %14s  %5s\n", "medians of interleaved runs", "riser", "the floor",
	       "ratio");
	for (size_t i = 0; i < sizeof(loads) / sizeof(*loads); i++) {
		connect_to(&served, model);
		measure(&loads[i], served.fd, list);
		close(served.fd);
		served_stop(&served);
	}
	measure_access(mapped, list);
	if (json_object_to_file_ext(argv[3], list, JSON_C_TO_STRING_PRETTY))
		die("cannot write the JSON");
	json_object_put(list);
	riser_model_close(model);
	riser_model_close(mapped);
	return 0;
}
