/* SPDX-License-Identifier: MIT */
/* What the fuzzers share: an input taken apart, the models that it may choose from. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include <riser/host.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *at;
	size_t left;
};

/* The next bytes, as a number; zeroes past the end. */
uint64_t take(struct input *input, unsigned bytes);

/*
 * RISER_FUZZ_MODEL, a path, or the n-th of the shipped models below RISER_TEST_MODELS; with
 * `virtio` only those that are. Opened once.
 */
struct riser_model *fuzz_model(unsigned n, bool virtio);
/* RISER_FUZZ_OPTIONS; else, of the shipped ones, nothing that reaches out of this process. */
const char *fuzz_options(struct riser_model *model);
/* A bench with 1 MiB of memory, enabled; its log goes nowhere. */
struct riser_host *fuzz_bench(struct riser_model *model);
void fuzz_log(void *arg, enum riser_log_level level, const char *device, const char *line);

#endif
