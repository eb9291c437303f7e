/* SPDX-License-Identifier: MIT */
/* What of a device is saved: every place in its memory that has a name. */
#ifndef RISER_CORE_STATE_H
#define RISER_CORE_STATE_H

#include "core/dev.h"

/* The kinds of record in a saved state; docs/saved-state.md has the format. */
#define RISER__STATE_MAGIC "RISERST1"

enum riser__record {
	RISER__RECORD_END = 0,
	RISER__RECORD_REGISTER = 1,
	RISER__RECORD_FIELD = 2,
	RISER__RECORD_WINDOW = 3,
	RISER__RECORD_TIMER = 4,
	RISER__RECORD_PCI = 5,
};

/* `count` values of `width` bytes, host-endian, at `at`. */
struct riser__item {
	enum riser__record kind;
	char name[96]; /* "bar0.NAME", "cap2.NAME", or a field's own */
	uint8_t width;
	uint64_t count;
	void *at;
};

/*
 * Calls `visit` for every register, field and window of the device until it returns other than
 * 0, and returns that.
 */
int riser__state_each(struct riser_dev *dev,
		      int (*visit)(void *arg, const struct riser__item *item), void *arg);

#endif
