/* SPDX-License-Identifier: MIT */
/* The client's end, as bare as it gets: the same for what is measured and for the floor. */
#ifndef BENCH_RAW_H
#define BENCH_RAW_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/vfio_user.h"
#include "common.h"

#define RAW_HEADER sizeof(struct vu_header)
#define RAW_ACCESS sizeof(struct vu_region_access)

/* They end the benchmark if the other end has gone. */
void raw_send(int fd, const void *data, size_t size);
void raw_receive(int fd, void *to, size_t size);
void raw_send_fd(int fd, const void *data, size_t size, int passed);

/* A 4-byte read of BAR0's first register into `message`. Returns the message's size. */
size_t raw_read_request(void *message);
/* The same as a call. */
void raw_read(int fd);
/* Agrees on a version. */
void raw_negotiate(int fd);
#endif
