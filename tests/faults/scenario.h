/* SPDX-License-Identifier: MIT */
/* What a guest does with the device that is linked into the test: all of the kit, once. */
#ifndef TESTS_FAULTS_SCENARIO_H
#define TESTS_FAULTS_SCENARIO_H

#include <riser/host.h>

struct outcome {
	int ret;	/* 0, or why it was given up */
	bool wrong;	/* the device did something else than it was asked to */
	char text[512]; /* what the host said, or what was wrong */
};

/* The device's. */
extern const char scenario_options[];

/* How long an interrupt is waited for: nothing may depend on it but how long a test takes. */
enum patience { BRIEF, LONG };
void scenario_be_patient(enum patience patience); /* LONG, unless told otherwise */

/* Runs it on a host that was just made; `by_copy`: what needs memory mapped is left out. */
struct outcome scenario_run(struct riser_host *host, bool by_copy);

#endif
