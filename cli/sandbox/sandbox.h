/* SPDX-License-Identifier: MIT */
/* What a device may do that `riser serve` runs: nothing but what its options name. */
#ifndef RISER_CLI_SANDBOX_H
#define RISER_CLI_SANDBOX_H

#include "cli.h"

/* privileges.c: no privileges, now or ever, and limits. Complains and returns false if not. */
bool sandbox_drop_privileges(void);

#endif
