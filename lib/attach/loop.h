/* SPDX-License-Identifier: MIT */
/* The event loop behind riser_loop_*: descriptors and what to do when they are ready. */
#ifndef RISER_ATTACH_LOOP_H
#define RISER_ATTACH_LOOP_H

#include <stdint.h>

#include <riser/serve.h>

struct riser__source {
	int fd;
	uint32_t events; /* epoll's; kept by the loop */
	void (*ready)(struct riser__source *source, uint32_t events);
};

/* `source` must stay in place until it is removed. Returns 0 or -errno. */
int riser__loop_add(struct riser_loop *loop, struct riser__source *source, uint32_t events);
int riser__loop_modify(struct riser_loop *loop, struct riser__source *source, uint32_t events);
/* Its ready() is not called any more, even if it was about to be. The fd stays open. */
void riser__loop_remove(struct riser_loop *loop, struct riser__source *source);

#endif
