/* SPDX-License-Identifier: MIT */
/* Register reads in this process, through the map. */
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "parts.h"
#include "common.h"

enum { PLACES = 1024, READS = 200000 };

struct target {
	struct riser_host *host;
	uint64_t places[PLACES]; /* offsets, in no order */
};

static void target_open(struct target *target, struct riser_model *model, unsigned registers)
{
	struct riser_error error;
	unsigned seed = 1;

	if (riser_bench_create(model, NULL, &target->host, &error) ||
	    riser_host_enable(target->host))
		die("no bench");
	for (unsigned i = 0; i < PLACES; i++)
		target->places[i] = (uint64_t)rand_r(&seed) % registers * 4;
}

/* ns of a read */
static double run(const struct target *target)
{
	double start = cpu_seconds();
	uint64_t value;

	for (int n = 0; n < READS; n++) {
		if (riser_host_read(target->host, REG_BAR, target->places[n % PLACES], 4,
				    &value))
			die("a read failed");
	}
	return (cpu_seconds() - start) * 1e9 / READS;
}

void bench_access(struct json_object *list)
{
	struct figure alone = {
		.name = "register read on the bench", .unit = "ns", .target = 25, .most = true
	};
	struct figure wide = { .name = "  of 10,000 registers, against 16",
			       .unit = "ns",
			       .target = 1.05,
			       .most = true };
	struct riser_model *few = bench_model(), *many = bench_wide_model();
	static struct target small, large;
	double ours[ROUNDS], floors[ROUNDS], sorted[ROUNDS];

	pin(0);
	target_open(&small, few, FEW);
	target_open(&large, many, MANY);
	for (int i = 0; i < ROUNDS; i++) {
		floors[i] = run(&small);
		ours[i] = run(&large);
	}
	alone.ours = median_of(memcpy(sorted, floors, sizeof(sorted)), ROUNDS);
	report(list, &alone);
	report_rounds(list, wide, ours, floors);
	riser_host_destroy(small.host);
	riser_host_destroy(large.host);
	riser_model_close(few);
	riser_model_close(many);
}
