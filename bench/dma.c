/* SPDX-License-Identifier: MIT */
/* DMA by copy in mapped guest memory, against memcpy() in the same memory. */
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "parts.h"
#include "common.h"

enum { MEMORY = 64 << 20, AT_ONCE = 32 };
static const double ROUND_SECONDS = 0.05;

struct copy {
	const char *name;
	size_t size;
	bool write; /* into the guest's memory */
};

static const struct copy copies[] = {
	{ "DMA reads of 4 KiB", 4 << 10, false },
	{ "DMA writes of 4 KiB", 4 << 10, true },
	{ "DMA reads of 1 MiB", 1 << 20, false },
	{ "DMA writes of 1 MiB", 1 << 20, true },
};

static uint8_t buffer[1 << 20];

/* Bytes a second, at places all over the memory. `dev` NULL: the floor. */
static double run(const struct copy *copy, struct riser_dev *dev, uint8_t *memory,
		  uint64_t iova)
{
	double start = cpu_seconds(), end;
	unsigned seed = 1;
	uint64_t sum = 0;

	do {
		for (int i = 0; i < AT_ONCE; i++, sum += copy->size) {
			uint64_t at =
				(uint64_t)rand_r(&seed) % (MEMORY / copy->size) * copy->size;
			int ret = 0;

			if (dev && copy->write)
				ret = riser_dma_write(dev, iova + at, buffer, copy->size);
			else if (dev)
				ret = riser_dma_read(dev, iova + at, buffer, copy->size);
			else if (copy->write)
				memcpy(memory + at, buffer, copy->size);
			else
				memcpy(buffer, memory + at, copy->size);
			if (ret)
				die("the device cannot reach memory");
			__asm__ volatile("" ::: "memory");
		}
		end = cpu_seconds();
	} while (end - start < ROUND_SECONDS);
	return (double)sum / (end - start);
}

static void measure(struct json_object *list, struct riser_host *host)
{
	double ours[ROUNDS], floors[ROUNDS];
	uint64_t size, iova;
	uint8_t *memory = riser_host_memory(host, &size, &iova);

	memset(memory, 1, size);
	for (size_t n = 0; n < sizeof(copies) / sizeof(*copies); n++) {
		struct figure figure = { .name = copies[n].name,
					 .unit = "B/s",
					 .target = 0.95 };

		for (int i = 0; i < ROUNDS; i++) {
			floors[i] = run(&copies[n], NULL, memory, iova);
			ours[i] = run(&copies[n], bench_device(), memory, iova);
		}
		report_rounds(list, figure, ours, floors);
	}
}

void bench_copies(struct json_object *list)
{
	struct riser_host_config config = { .size = sizeof(config), .memory = MEMORY };
	struct riser_model *model = bench_model();
	struct served served = { 0 };
	struct riser_host *host;
	struct riser_error error;

	pin(0);
	served_start(&served, model, NULL);
	if (riser_client_from_fd(served.fd, &config, &host, &error) || riser_host_enable(host))
		die("the device cannot be reached");
	measure(list, host);
	riser_host_destroy(host);
	served_stop(&served);
	riser_model_close(model);
}
