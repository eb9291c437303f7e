/* SPDX-License-Identifier: MIT */
/* Requests for virtio_loop, made at random and verified. */
#ifndef TESTS_DEVICE_LOOP_H
#define TESTS_DEVICE_LOOP_H

#include "harness.h"

#define LOOP_MODEL "../tests/device/virtio_loop"

enum { LOOP_QUEUES = 4, LOOP_BUFFERS = 32, LOOP_BYTES = 4096 };

struct loop_buffer {
	uint8_t *out, *in;
	uint64_t out_iova, in_iova;
	uint32_t out_length, in_length;
	bool busy;
};

struct loop {
	struct riser_host *host;
	struct riser_driver *driver;
	struct riser_driver_queue *queues[LOOP_QUEUES];
	struct loop_buffer buffers[LOOP_QUEUES][LOOP_BUFFERS];
	unsigned seed;
};

/* From the reset to DRIVER_OK, each queue with `size` descriptors. */
void loop_open(struct loop *loop, struct riser_host *host,
	       const struct riser_driver_config *config, unsigned size);
void loop_close(struct loop *loop);
unsigned loop_random(struct loop *loop, unsigned below);
/* Adds a request of random parts; false: the queue is full. */
bool loop_send(struct loop *loop, unsigned queue);
/* Waits for one and compares what came. */
void loop_receive(struct loop *loop, unsigned queue);
/* `rounds` times requests on all queues, until all are answered. */
void loop_run(struct loop *loop, unsigned rounds);

#endif
