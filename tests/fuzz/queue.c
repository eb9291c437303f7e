/* SPDX-License-Identifier: MIT */
/* Rings and descriptors of a hostile driver. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { STEPS = 500, QUEUES = 4, BUFFER = 4096 };

struct fuzz {
	struct riser_host *host;
	struct riser_driver *driver;
	struct riser_driver_queue *queues[QUEUES];
	uint64_t buffer;
	bool running;
};

static struct riser_driver_queue *some_queue(struct fuzz *fuzz, unsigned choice)
{
	return fuzz->queues[choice % QUEUES];
}

/* Bytes of the guest's memory, rings included, as the input says. */
static void scribble(struct fuzz *fuzz, struct input *input)
{
	uint64_t size, at;
	uint8_t *memory = riser_host_memory(fuzz->host, &size, NULL);
	unsigned length = (unsigned)take(input, 1) % 32;

	at = take(input, 3) % (size - 32);
	for (unsigned i = 0; i < length; i++)
		memory[at + i] = (uint8_t)take(input, 1);
}

/* The same of one part of a queue's ring. */
static void scribble_ring(struct riser_driver_queue *queue, struct input *input)
{
	struct riser_driver_ring ring;
	unsigned choice = (unsigned)take(input, 1);
	uint8_t *parts[3];
	size_t lengths[3];

	if (!queue)
		return;
	riser_driver_ring(queue, &ring);
	parts[0] = ring.desc, parts[1] = ring.driver, parts[2] = ring.device;
	lengths[0] = ring.desc_length, lengths[1] = ring.driver_length;
	lengths[2] = ring.device_length;
	for (unsigned i = 0; i < (choice >> 2) % 16 + 1; i++) {
		size_t at = take(input, 2) % lengths[choice % 3];

		parts[choice % 3][at] = (uint8_t)take(input, 1);
	}
}

static void add(struct fuzz *fuzz, struct riser_driver_queue *queue, struct input *input)
{
	unsigned shape = (unsigned)take(input, 1), outs = shape & 3, ins = shape >> 2 & 3;
	struct riser_driver_sg sg[6];

	for (unsigned i = 0; i < outs + ins; i++)
		sg[i] = (struct riser_driver_sg){ fuzz->buffer + take(input, 1),
						  1 + (uint32_t)take(input, 1) * 8 };
	riser_driver_misbehave(queue, (enum riser_driver_mischief)(shape >> 4));
	riser_driver_add(queue, sg, outs, sg + outs, ins, NULL);
	riser_driver_kick(queue);
}

static void forget_memory(struct fuzz *fuzz, struct input *input)
{
	uint64_t size, base, at;

	riser_host_memory(fuzz->host, &size, &base);
	at = take(input, 1) * 4096 % size;
	riser_host_memory_unmap(fuzz->host, base + at, 4096);
	riser_driver_notify(fuzz->queues[0]);
	riser_host_memory_map(fuzz->host, base + at, 4096);
}

static void step(struct fuzz *fuzz, struct input *input)
{
	unsigned what = (unsigned)take(input, 1);
	struct riser_driver_queue *queue = some_queue(fuzz, what >> 3);
	uint32_t word = 0;

	switch (queue ? what & 7 : 0) {
	case 0:
		scribble(fuzz, input);
		break;
	case 1:
		scribble_ring(queue, input);
		break;
	case 2:
	case 3:
		add(fuzz, queue, input);
		break;
	case 4:
		riser_driver_get(queue, NULL, NULL);
		riser_driver_notify(queue);
		break;
	case 5:
		riser_host_advance(fuzz->host, take(input, 4));
		break;
	case 6:
		if (what & 0x80)
			riser_driver_queue_reset(queue);
		else
			forget_memory(fuzz, input);
		break;
	case 7:
		word = (uint32_t)take(input, 4);
		riser_driver_config_write(fuzz->driver, what >> 5 << 2, &word, 4);
		break;
	}
}

static void open_queues(struct fuzz *fuzz, struct input *input)
{
	unsigned count = riser_driver_queues(fuzz->driver);

	for (unsigned i = 0; i < QUEUES && i < count; i++)
		riser_driver_queue(fuzz->driver, i, 1u << (take(input, 1) % 8),
				   &fuzz->queues[i]);
	riser_driver_alloc(fuzz->driver, BUFFER, 16, &fuzz->buffer);
	riser_driver_ready(fuzz->driver);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	struct fuzz fuzz = { fuzz_bench(fuzz_model((unsigned)take(&input, 1), true)) };
	unsigned choice = (unsigned)take(&input, 1);
	const struct riser_driver_config config = {
		.size = sizeof(config),
		.features = (take(&input, 3) | take(&input, 2) << 28) & ~(UINT64_C(1) << 33),
		.irq = choice & 1 ? RISER_IRQ_MSIX : RISER_IRQ_INTX,
		.polling = choice & 2,
	};

	if (!riser_driver_create(fuzz.host, &config, &fuzz.driver)) {
		open_queues(&fuzz, &input);
		for (unsigned i = 0; i < STEPS && input.left; i++)
			step(&fuzz, &input);
	}
	riser_driver_destroy(fuzz.driver);
	riser_host_destroy(fuzz.host);
	return 0;
}
