/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEMORY = 1 << 20 };

uint64_t take(struct input *input, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes && input->left; i++, input->left--)
		value |= (uint64_t)*input->at++ << (8 * i);
	return value;
}

void fuzz_log(void *arg, enum riser_log_level level, const char *device, const char *line)
{
	(void)arg, (void)level, (void)device, (void)line;
}

static struct riser_model *open_model(const char *path)
{
	struct riser_model *model;
	struct riser_error error;

	if (riser_model_open(path, &model, &error)) {
		fprintf(stderr, "%s\n", error.text);
		exit(2);
	}
	return model;
}

/* Those that are virtio come last. */
static const char *const shipped[] = { "a3dev",	     "edu",	   "my_rng",
				       "testdev",    "virtio_blk", "virtio_console",
				       "virtio_net", "virtio_rng", "virtio_test" };
enum { SHIPPED = sizeof(shipped) / sizeof(*shipped), PCI_ONLY = 4 };

struct riser_model *fuzz_model(unsigned n, bool virtio)
{
	static struct riser_model *models[SHIPPED], *named;
	const char *folder = getenv("RISER_TEST_MODELS"), *path = getenv("RISER_FUZZ_MODEL");
	char full[512];

	if (path) {
		named = named ? named : open_model(path);
		return named;
	}
	n = virtio ? PCI_ONLY + n % (SHIPPED - PCI_ONLY) : n % SHIPPED;
	if (!models[n]) {
		snprintf(full, sizeof(full), "%s/%s.so", folder ? folder : "build/devices",
			 shipped[n]);
		models[n] = open_model(full);
	}
	return models[n];
}

const char *fuzz_options(struct riser_model *model)
{
	const char *name = riser_model_pci(model)->name, *given = getenv("RISER_FUZZ_OPTIONS");

	if (given)
		return given;
	if (!strcmp(name, "virtio_console"))
		return "console=null,port1=a:loop";
	return strcmp(name, "virtio_net") ? NULL : "net=none";
}

struct riser_host *fuzz_bench(struct riser_model *model)
{
	struct riser_host_config config = { .size = sizeof(config),
					    .memory = MEMORY,
					    .options = fuzz_options(model),
					    .log = fuzz_log };
	struct riser_error error;
	struct riser_host *host;

	if (riser_bench_create(model, &config, &host, &error)) {
		fprintf(stderr, "%s\n", error.text);
		exit(2);
	}
	riser_host_enable(host);
	return host;
}
