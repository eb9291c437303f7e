/* SPDX-License-Identifier: MIT */
/*
 * How fast the host's time-stamp counter is, which without hardware help is the guest's as
 * well: for a machine that has no clock besides the PIT to measure it against. Linux gives up
 * doing so when the host is busy, and then never starts.
 */
#include "run/run.h"

#ifdef __x86_64__

#include <stdint.h>
#include <time.h>
#include <x86intrin.h>

struct reading {
	uint64_t ticks, ns;
};

/* Both clocks at once: of many tries the one in which least time passed. */
static struct reading read_clocks(void)
{
	struct reading best = { 0 };
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < 100; i++) {
		uint64_t before = __rdtsc(), after;
		struct timespec ts;

		clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
		after = __rdtsc();
		if (after - before >= least)
			continue;
		least = after - before;
		best.ticks = before + least / 2;
		best.ns = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
	}
	return best;
}

unsigned host_tsc_khz(void)
{
	struct timespec a_while = { .tv_nsec = 20000000 };
	struct reading first = read_clocks(), last;

	nanosleep(&a_while, NULL);
	last = read_clocks();
	return (unsigned)((last.ticks - first.ticks) * 1000000 / (last.ns - first.ns));
}

#else

unsigned host_tsc_khz(void)
{
	return 0;
}

#endif
