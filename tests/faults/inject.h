/* SPDX-License-Identifier: MIT */
/*
 * Makes allocations and system calls of the library and of a device fail. They are wrapped by
 * the linker (--wrap, see meson.build), so only what is linked into the test is: the static
 * objects of the library, the device, and the test itself.
 */
#ifndef TESTS_FAULTS_INJECT_H
#define TESTS_FAULTS_INJECT_H

#include <stdbool.h>

/* Whose calls fail: a thread is the server's unless it says otherwise. */
enum side { SERVER, CLIENT };
void inject_be(enum side side);

/* The `nth` call of that side, from 1 on, fails; 0: it is counted only. */
void inject_fail(enum side side, unsigned nth);
/* Every call of both sides is interrupted first, and moves `most` bytes of a stream at a time.
 */
void inject_interrupt(unsigned most);
void inject_stop(void);

/* The name of the call that failed since inject_fail(), or NULL if there were not as many. */
const char *inject_fired(void);
/* Calls that were interrupted since inject_interrupt(). */
unsigned long inject_interrupted(void);

/* What is held: blocks allocated, mappings, descriptors of the process. */
struct holdings {
	long blocks, mappings, fds;
};
struct holdings inject_holdings(void);
/* End the program if they differ. */
void inject_compare(const struct holdings *before, const struct holdings *after,
		    const char *what);
void inject_expect(const struct holdings *before, const char *what);

#endif
