/* SPDX-License-Identifier: MIT */
/* What the parts of the descriptor's check share. Errors are -EINVAL, with the line and the
 * rule. */
#ifndef RISER_CORE_CHECK_H
#define RISER_CORE_CHECK_H

#include <riser/riser.h>

#include "core/error.h"
#include "core/model.h"

/* Saved states have room for no longer names. */
enum { RISER__NAME_MAX = 80 };

struct riser__check {
	const struct riser_pci_device *desc;
	struct riser_error *error;
	char where[32];	 /* "BAR0" or "capability 2", */
	unsigned widest; /* and the bytes of the widest access that its registers can get */
};

#define refuse(c, ...) riser__fail((c)->error, -EINVAL, __VA_ARGS__)

static inline bool riser__power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

/* check_names.c: whether [at, at + size) of the state is there for `name`, which is a `what`.
 */
int riser__check_in_state(const struct riser__check *c, const char *what, const char *name,
			  uint64_t at, uint64_t size);
/*
 * check_names.c: saved states, options and tools go by name. The name is the first member of
 * the elements of every table that has one.
 */
int riser__check_unique(const struct riser__check *c, const char *what,
			struct riser__rows table);
/* check_regs.c: the registers of what is at c->where, of `size` bytes. */
int riser__check_regs(const struct riser__check *c, const struct riser_regs *regs,
		      uint64_t size);
/* check_options.c: what users set. */
int riser__check_options(const struct riser__check *c);
/* check_options.c: what is saved besides registers. */
int riser__check_saved(const struct riser__check *c);

#endif
