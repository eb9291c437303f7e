/* SPDX-License-Identifier: MIT */
/* What follows from a register's description, and the words for it. */
#include "registers.h"

bool register_is_pure(const struct riser_reg *reg)
{
	if (reg->flags & RISER_WRITE_ONLY || reg->rc)
		return false;
	return !reg->on_read || reg->flags & RISER_PURE_READ;
}

bool register_is_computed(const struct riser_reg *reg)
{
	uint64_t changed = reg->rw | reg->w1c | reg->w1s | reg->once | reg->rc;

	return reg->on_read && !changed && !reg->reset;
}

const char *register_access(const struct riser_reg *reg)
{
	uint64_t kinds[] = { reg->rw, reg->w1c, reg->w1s, reg->once, reg->rc };
	static const char *const words[] = { "read-write", "write 1 to clear", "write 1 to set",
					     "write once", "read clears" };
	const char *found = NULL;

	if (reg->flags & RISER_WRITE_ONLY)
		return "write only";
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (!kinds[i])
			continue;
		if (found)
			return "mixed";
		found = words[i];
	}
	return found ? found : "read only";
}
