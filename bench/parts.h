/* SPDX-License-Identifier: MIT */
/* The parts of the benchmark, each of which adds its lines to the table. */
#ifndef BENCH_PARTS_H
#define BENCH_PARTS_H

struct json_object;

void bench_messages(struct json_object *list); /* messages.c: one core for both ends */
void bench_polled(struct json_object *list);   /* messages.c: a core each, both spin */
void bench_costs(struct json_object *list);    /* costs.c: system calls and allocations */
void bench_many(struct json_object *list);     /* many.c: 64 devices on a loop */
void bench_irq(struct json_object *list);      /* irq.c */
void bench_copies(struct json_object *list);   /* dma.c */
void bench_maps(struct json_object *list);     /* maps.c */
void bench_access(struct json_object *list);   /* access.c: in this process */
/* idle.c: of a process that `riser` makes */
void bench_idle(struct json_object *list, const char *riser, const char *device);

#endif
