/* SPDX-License-Identifier: MIT */
/* Options for a device that is only looked at. */
#ifndef RISER_CLI_LOOK_H
#define RISER_CLI_LOOK_H

#include "cli.h"

/* `options` with all that the device would create put into `folder`; malloc'ed. */
char *look_options(const struct riser_model *model, const char *options, const char *folder);

#endif
