/* SPDX-License-Identifier: MIT */
/* Saved states that somebody has changed, or made up. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

/* A true state with some of its bytes changed: a place and a value each. */
static void load_changed(struct riser_host *host, struct input *input)
{
	uint8_t *state;
	size_t size;

	if (riser_host_save(host, (void **)&state, &size))
		return;
	while (input->left) {
		size_t at = take(input, 2);

		state[at % size] = (uint8_t)take(input, 1);
	}
	riser_host_load(host, state, size);
	free(state);
}

static void use(struct riser_host *host)
{
	struct riser_host_bar bar;
	uint64_t value;

	riser_host_enable(host);
	for (unsigned i = 0; i < 6; i++) {
		riser_host_bar(host, i, &bar);
		for (uint64_t at = 0; at < bar.size && at < 4096; at += 4) {
			riser_host_read(host, i, at, 4, &value);
			riser_host_write(host, i, at, 4, value);
		}
	}
	riser_host_advance(host, 1000000000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	unsigned choice = (unsigned)take(&input, 1);
	struct riser_host *host = fuzz_bench(fuzz_model(choice & 0x7f, false));

	if (choice & 0x80)
		riser_host_load(host, input.at, input.left);
	else
		load_changed(host, &input);
	use(host);
	riser_host_destroy(host);
	return 0;
}
