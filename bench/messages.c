/* SPDX-License-Identifier: MIT */
/* Messages: the server against a thread that only receives and sends as many bytes. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "device.h"
#include "floor.h"
#include "parts.h"
#include "raw.h"

enum { BATCH = 32 };
static const double ROUND_SECONDS = 0.07;

struct load {
	const char *name;
	size_t request, reply; /* bytes of a message, and of its answer or 0 */
	unsigned batch;	       /* messages a send */
	unsigned each;	       /* accesses a message */
	uint16_t command;
	uint32_t flags;
	double target; /* of the floor's rate */
};

#define READ RAW_HEADER + RAW_ACCESS
#define WRITE RAW_HEADER + RAW_ACCESS + 4
#define MULTI RAW_HEADER + sizeof(uint64_t) + BATCH * sizeof(struct vu_write)

static const struct load loads[] = {
	{ "register read, round trip", READ, WRITE, 1, 1, VU_REGION_READ, 0, 0.95 },
	{ "register write with reply", WRITE, READ, 1, 1, VU_REGION_WRITE, 0, 0.95 },
	{ "posted writes, one a message", WRITE, 0, 1, 1, VU_REGION_WRITE, VU_NO_REPLY, 0.95 },
	{ "posted writes, 32 at a time", WRITE, 0, BATCH, 1, VU_REGION_WRITE, VU_NO_REPLY,
	  0.90 },
	{ "posted writes, REGION_WRITE_MULTI of 32", MULTI, 0, 1, BATCH, VU_REGION_WRITE_MULTI,
	  VU_NO_REPLY, 0.90 },
	{ "reads, 32 in flight", READ, WRITE, BATCH, 1, VU_REGION_READ, 0, 0.90 },
};

static const struct load polled = {
	"register read, both ends spin (--poll)", READ, WRITE, 1, 1, VU_REGION_READ, 0, 0.90
};

/* Accesses of the first register, 4 bytes each. */
static void fill_one(const struct load *load, uint8_t *at)
{
	const struct vu_header header = { .command = load->command,
					  .flags = load->flags,
					  .size = (uint32_t)load->request };
	const struct vu_write access = { .count = 4 };
	uint64_t count = load->each;

	memset(at, 0, load->request);
	memcpy(at, &header, sizeof(header));
	at += sizeof(header);
	if (load->command != VU_REGION_WRITE_MULTI) {
		memcpy(at, &access, RAW_ACCESS);
		return;
	}
	memcpy(at, &count, sizeof(count));
	for (unsigned i = 0; i < load->each; i++)
		memcpy(at + sizeof(count) + i * sizeof(access), &access, sizeof(access));
}

/* One message after the other in a buffer, as many as are sent at once. */
static size_t fill(const struct load *load, uint8_t *buffer)
{
	for (unsigned i = 0; i < load->batch; i++)
		fill_one(load, buffer + i * load->request);
	return load->batch * load->request;
}

static void receive_spinning(int fd, uint8_t *to, size_t size)
{
	while (size) {
		ssize_t n = recv(fd, to, size, MSG_DONTWAIT);

		if (!n || (n < 0 && errno != EAGAIN))
			die("the other end has gone");
		if (n > 0) {
			to += n;
			size -= (size_t)n;
		}
	}
}

struct rate {
	double accesses; /* a second */
	double cpu;	 /* ns an access */
};

/* Goes on for a while; ends with a round trip if `sync`, so that all of them are done. */
static struct rate run(const struct load *load, int fd, bool sync, bool spin)
{
	static uint8_t out[8192], in[8192];
	size_t size = fill(load, out), answers = load->batch * load->reply;
	double start = seconds(), cpu = cpu_seconds(), end;
	unsigned long sent = 0;

	do {
		for (int i = 0; i < 64; i++) {
			raw_send(fd, out, size);
			if (spin)
				receive_spinning(fd, in, answers);
			else if (answers)
				raw_receive(fd, in, answers);
			sent += load->batch * load->each;
		}
		end = seconds();
	} while (end - start < ROUND_SECONDS);
	if (sync) {
		raw_read(fd);
		end = seconds();
	}
	return (struct rate){ (double)sent / (end - start),
			      (cpu_seconds() - cpu) * 1e9 / (double)sent };
}

static struct rate run_floor(const struct load *load, bool spin)
{
	struct floor *floor;
	struct rate rate;
	int fd;

	pin(spin);
	floor = floor_start(load->request, load->reply, spin, &fd);
	pin(0);
	rate = run(load, fd, false, spin);
	close(fd);
	floor_stop(floor);
	return rate;
}

/* A server of its own: one that spins would take its core from the floor. */
static struct rate run_served(const struct load *load, struct riser_model *model, bool spin)
{
	struct served served = { .poll = spin };
	struct rate rate;

	pin(spin);
	served_start(&served, model, NULL);
	pin(0);
	raw_negotiate(served.fd);
	rate = run(load, served.fd, !load->reply, spin);
	close(served.fd);
	served_stop(&served);
	return rate;
}

static void measure(const struct load *load, struct riser_model *model, bool spin,
		    struct json_object *list)
{
	double ours[ROUNDS], floors[ROUNDS], cpu[ROUNDS], floor_cpu[ROUNDS];
	struct figure figure = { .name = load->name, .unit = "/s", .target = load->target };

	for (int i = 0; i < ROUNDS; i++) {
		struct rate floor = run_floor(load, spin), rate = run_served(load, model, spin);

		floors[i] = floor.accesses;
		floor_cpu[i] = floor.cpu;
		ours[i] = rate.accesses;
		cpu[i] = rate.cpu;
	}
	report_rounds(list, figure, ours, floors);
	if (spin)
		return;
	figure = (struct figure){ .name = "  processor time of one, both ends",
				  .unit = "ns",
				  .target = 1 / load->target,
				  .most = true };
	report_rounds(list, figure, cpu, floor_cpu);
}

void bench_messages(struct json_object *list)
{
	struct riser_model *model = bench_model();

	pin(0);
	for (size_t i = 0; i < sizeof(loads) / sizeof(*loads); i++)
		measure(&loads[i], model, false, list);
	riser_model_close(model);
}

void bench_polled(struct json_object *list)
{
	struct riser_model *model = bench_model();

	/* Two that spin on one core would only measure the scheduler's slices. */
	if (pin(1))
		measure(&polled, model, true, list);
	riser_model_close(model);
}
