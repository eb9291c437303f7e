/* SPDX-License-Identifier: MIT */
/* Register maps put into words: shared by the commands that show them. */
#ifndef RISER_CLI_REGISTERS_H
#define RISER_CLI_REGISTERS_H

#include <riser/riser.h>

/* "read only", "write 1 to clear" and the like; "mixed" where bits differ. */
const char *register_access(const struct riser_reg *reg);
/* Whether tools may read it: nothing happens by it. */
bool register_is_pure(const struct riser_reg *reg);
/* Whether nothing is stored in it: what it reads as is the model's to say, after a reset too.
 */
bool register_is_computed(const struct riser_reg *reg);

#endif
