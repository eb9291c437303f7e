/* SPDX-License-Identifier: MIT */
/*
 * The floor: two ends of a socket that do nothing but send and receive. What the server reaches
 * of it is the measure; both are run in turn, in the same process, so that a noisy machine is
 * noisy for both.
 */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct floor; /* a thread at the other end */

/*
 * The other end answers every `request` bytes with `reply` bytes (0: it only drains), receiving
 * and sending as much at once as there is. With `spin` it does not sleep.
 */
struct floor *floor_start(size_t request, size_t reply, bool spin, int *fd);
void floor_stop(struct floor *floor);

#endif
