/* SPDX-License-Identifier: MIT */
/* A loaded model: its descriptor, copied into this library's element sizes and checked. */
#ifndef RISER_CORE_MODEL_H
#define RISER_CORE_MODEL_H

#include "core/error.h"
#include "core/kind.h"

struct riser__virtio_model;
struct riser__chunk; /* an allocation that lives as long as the model */

struct riser_model {
	void *handle; /* dlopen's, or NULL */
	const struct riser__kind *kind;
	const void *exported; /* the descriptor as the author wrote it */
	struct riser_pci_device pci;
	struct riser__virtio_model *virtio; /* NULL: a plain PCI function */
	struct riser__chunk *chunks;
};

/* Zeroed memory that is freed with the model; NULL without memory. */
void *riser__model_alloc(struct riser_model *model, size_t size);

/* A table whatever its rows are; its members are those of every table. */
struct riser__rows {
	const void *base;
	uint32_t count, stride;
};
#define RISER__ROWS(table)                                                                     \
	((struct riser__rows){ (table)->base, (table)->count, (table)->stride })

/*
 * Copies a table's rows to ones of `size` bytes, zero-filled or cut as the model's differ. NULL
 * where there are none, or without memory.
 */
void *riser__rows_copy(struct riser_model *model, struct riser__rows rows, size_t size);

/* Makes the rows of a table of any type this library's own, and returns them, to be changed. */
#define riser__table_copy(model, table)                                                        \
	((table)->base = riser__rows_copy(model, RISER__ROWS(table), sizeof(*(table)->base)),  \
	 (table)->stride = sizeof(*(table)->base), (void *)(table)->base)

/* The same for a table whose rows have nothing to be filled in. -ENOMEM. */
#define riser__table_normalise(model, table)                                                   \
	(riser__table_copy(model, table) || !(table)->count ? 0 : -ENOMEM)

/*
 * The same for registers, with the tables of their fields. Count and strides are filled in, so
 * that 0 means its default in the author's tables only. -ENOMEM.
 */
int riser__regs_normalise(struct riser_model *model, struct riser_regs *table);

/* The same for options, with the tables of what they reach. -ENOMEM. */
int riser__options_normalise(struct riser_model *model, struct riser_options *table);

/* The model and its memory; not the library that it is from. */
void riser__model_free(struct riser_model *model);

/*
 * A descriptor may be as short as in the first revision of the ABI, where `last` was its last
 * member. One that is longer than ours says what we do not know. -EINVAL.
 */
int riser__model_check_size(size_t size, size_t least, size_t most, struct riser_error *error);
#define RISER__CHECK_SIZE(desc, type, last, error)                                             \
	riser__model_check_size((desc)->size, offsetof(type, last) + sizeof((desc)->last),     \
				sizeof(type), error)

/*
 * Whether the tables and texts of a descriptor are what their members say, as far as that can
 * be told; the first look at it. -EINVAL, naming the member.
 */
int riser__tables_check_pci(const struct riser_pci_device *desc, struct riser_error *error);
int riser__tables_check_virtio(const struct riser_virtio_device *desc,
			       struct riser_error *error);

/* Places in the state are of 32 bits, and a transport adds to it. */
#define RISER__STATE_MAX (UINT64_C(1) << 31)

/* Letters, digits, '_' and '-'. */
bool riser__good_name(const char *name);

#endif
