/* SPDX-License-Identifier: MIT */
#ifndef RISER_VFIO_USER_SOCKET_H
#define RISER_VFIO_USER_SOCKET_H

#include "core/error.h"

/*
 * Listens on a new UNIX stream socket at `path`, mode 0600. One that a server left behind is
 * replaced, one with a live server behind it is not. Returns the fd, or -errno.
 */
int vu_listen(const char *path, struct riser_error *error);
/* Connects to the socket at `path`. Returns the fd, or -errno. */
int vu_connect(const char *path, struct riser_error *error);

#endif
