/* SPDX-License-Identifier: MIT */
/*
 * Guest memory whose file a client may truncate under our mapping: an access beyond the file's
 * end is a SIGBUS. With riser_memory_guard() (serve.h) the mapping is replaced by zeroes of our
 * own in that moment and marked as broken; the access goes on, and its caller looks at the
 * mark.
 */
#ifndef RISER_CORE_GUARD_H
#define RISER_CORE_GUARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct riser__guarded {
	void *base; /* the mapping, whole pages */
	size_t size;
	atomic_bool replaced; /* by memory of our own, here or on SIGBUS */
	atomic_bool broken;   /* … because it could not be accessed, or may not be any more */
	struct riser__guarded *next, **link;
};

/*
 * From its mapping until before it is unmapped. Nothing is kept where nothing is guarded.
 * False: there are as many as the kernel lets this process have, but for a reserve.
 */
bool riser__guard_add(struct riser__guarded *guarded);
void riser__guard_remove(struct riser__guarded *guarded);
/*
 * Puts zeroes of our own in the mapping's place, in one system call: no access falls between.
 * False: there is no memory for it, and the mapping stays.
 */
bool riser__guard_replace(struct riser__guarded *guarded);

/* How many mappings broke, ever: a holder of one looks at its mark when this has changed. */
extern atomic_uint riser__guard_breaks;

#endif
