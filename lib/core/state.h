/* SPDX-License-Identifier: MIT */
/* What of a device is saved: everything of it that has a name. */
#ifndef RISER_CORE_STATE_H
#define RISER_CORE_STATE_H

#include "core/buffer.h"
#include "core/regmap.h"

/* The kinds of record in a saved state; docs/saved-state.md has the format. */
#define RISER__STATE_MAGIC "RISERST2"

enum riser__record {
	RISER__RECORD_END = 0,
	RISER__RECORD_REGISTER = 1,
	RISER__RECORD_FIELD = 2,
	RISER__RECORD_WINDOW = 3,
	RISER__RECORD_TIMER = 4,
	RISER__RECORD_PCI = 5,
	RISER__RECORD_ONCE = 6,
	RISER__RECORD_SHAPE = 7,
};

/* `count` values of `width` bytes. */
struct riser__item {
	enum riser__record kind;
	char name[96]; /* "bar0.NAME", "cap2.NAME", or the field's or timer's own */
	uint8_t width;
	uint64_t count;
	uint32_t stride;	   /* bytes from one to the next in the state */
	uint64_t offset;	   /* REGISTER, WINDOW: the guest's, */
	uint32_t apart;		   /* and from one to the next; 0: there is one */
	bool seen;		   /* by the one who loads */
	void *at;		   /* REGISTER, FIELD, WINDOW: host-endian */
	int fd;			   /* WINDOW: where its memory is; -1: in the state */
	uint64_t fd_offset;	   /* and where in it */
	struct riser__regmap *map; /* ONCE: which elements of a register were written */
	const struct riser_reg *reg;
	unsigned timer; /* TIMER: its index */
};

struct riser__items {
	struct riser__item *list; /* sorted */
	size_t count;
};

/* All of the device's, its kind's own record apart. -ENOMEM. */
int riser__items_create(struct riser_dev *dev, struct riser__items *items);
void riser__items_free(struct riser__items *items);
/*
 * For the device's kind: registers that a map has, and a window with its memory, which is at
 * window->offset in `fd` or, -1, in the state. They are named "PLACEindex.NAME". -ENOMEM.
 */
int riser__items_add_regs(struct riser__items *items, struct riser_dev *dev, const char *place,
			  unsigned index, const struct riser_regs *regs,
			  struct riser__regmap *map);
int riser__items_add_window(struct riser__items *items, const char *place, unsigned index,
			    const struct riser_window *window, void *memory, int fd);
/* NULL: it has no such thing. */
struct riser__item *riser__items_find(const struct riser__items *items, enum riser__record kind,
				      const char *name);

/*
 * Value `i`. A timer's is the time left in ns, UINT64_MAX if it is not pending; a write-once
 * register's is whether it was written.
 */
uint64_t riser__item_get(struct riser_dev *dev, const struct riser__item *item, uint64_t i);
void riser__item_set(struct riser_dev *dev, const struct riser__item *item, uint64_t i,
		     uint64_t value);
/* Makes all of a window zero. */
void riser__item_clear(const struct riser__item *item);

/*
 * What a state must not be moved across (state_shape.c): lines of text, of the function always,
 * of registers and windows between states of the same version.
 */
struct riser__shape {
	struct riser__buffer function, registers;
};
#define RISER__SHAPE_FUNCTION "function"
#define RISER__SHAPE_REGISTERS "registers"

/* -ENOMEM. To be freed in any case. */
int riser__shape_create(struct riser_dev *dev, const struct riser__items *items,
			struct riser__shape *shape);
void riser__shape_free(struct riser__shape *shape);
/* -EINVAL, with the first line that differs, unless the bytes are those of the shape. */
int riser__shape_compare(const struct riser_dev *dev, const struct riser__buffer *ours,
			 const uint8_t *theirs, size_t size, struct riser_error *error);

#endif
