/* SPDX-License-Identifier: MIT */
/*
 * What a device may do that `riser serve` runs: nothing but what its options name. It is
 * contained by the kernel, by seccomp and Landlock; a second process of ours, the warden, is
 * asked about each system call that is not plainly harmless. It does what is allowed in the
 * device's stead, and says what is not.
 */
#ifndef RISER_CLI_SANDBOX_H
#define RISER_CLI_SANDBOX_H

#include "cli.h"

/*
 * enter.c: contains this process, which must have one thread, for good: it becomes the device
 * `spec`, which makes its socket at `socket`, or NULL. Complains and returns false if it
 * cannot.
 */
bool sandbox_enter(const struct device_spec *spec, const char *socket);

#endif
