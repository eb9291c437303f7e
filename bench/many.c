/* SPDX-License-Identifier: MIT */
/* Many devices on one loop, as a process that serves a whole machine has them. */
#include <unistd.h>

#include "device.h"
#include "parts.h"
#include "raw.h"

enum { DEVICES = 64 };
static const double ROUND_SECONDS = 0.07;

struct set {
	struct served served;
	struct riser_server *more[DEVICES - 1];
	int fds[DEVICES];
	int count;
};

static void set_start(struct set *set, struct riser_model *model, int count)
{
	set->served = (struct served){ 0 };
	set->count = count;
	served_start(&set->served, model, NULL);
	set->fds[0] = set->served.fd;
	served_pause(&set->served);
	for (int i = 1; i < count; i++)
		set->fds[i] = served_add(&set->served, model, &set->more[i - 1]);
	served_run(&set->served);
	for (int i = 0; i < count; i++)
		raw_negotiate(set->fds[i]);
}

static void set_stop(struct set *set)
{
	served_pause(&set->served);
	for (int i = 1; i < set->count; i++)
		riser_server_destroy(set->more[i - 1]);
	served_run(&set->served);
	served_stop(&set->served);
	for (int i = 0; i < set->count; i++)
		close(set->fds[i]);
}

/* One read at each device after the other, each waited for. ns of one. */
static double one_by_one(const struct set *set)
{
	double start = seconds(), end;
	unsigned long count = 0;

	do {
		for (int i = 0; i < DEVICES; i++, count++)
			raw_read(set->fds[i % set->count]);
		end = seconds();
	} while (end - start < ROUND_SECONDS);
	return (end - start) * 1e9 / (double)count;
}

/* As many at once as there are devices: as the vCPUs of many machines do. ns of one. */
static double all_at_once(const struct set *set)
{
	uint8_t request[64], reply[64 * DEVICES];
	size_t size = raw_read_request(request);
	double start = seconds(), end;
	unsigned long count = 0;

	do {
		for (int i = 0; i < DEVICES; i++, count++)
			raw_send(set->fds[i % set->count], request, size);
		for (int i = 0; i < DEVICES; i++)
			raw_receive(set->fds[i % set->count], reply, size + 4);
		end = seconds();
	} while (end - start < ROUND_SECONDS);
	return (end - start) * 1e9 / (double)count;
}

static void measure(struct json_object *list, const struct set *one, const struct set *many,
		    const char *name, double (*run)(const struct set *))
{
	struct figure figure = { .name = name, .unit = "ns", .target = 1.10, .most = true };
	double ours[ROUNDS], floors[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		floors[i] = one_by_one(one);
		ours[i] = run(many);
	}
	report_rounds(list, figure, ours, floors);
}

void bench_many(struct json_object *list)
{
	struct riser_model *model = bench_model();
	static struct set one, many;

	pin(0);
	set_start(&one, model, 1);
	set_start(&many, model, DEVICES);
	measure(list, &one, &many, "read at one of 64 devices, against one's", one_by_one);
	measure(list, &one, &many, "  reads at all 64 at once, each", all_at_once);
	set_stop(&many);
	set_stop(&one);
	riser_model_close(model);
}
