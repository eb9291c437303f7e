/* SPDX-License-Identifier: MIT */
/* Accesses of a hostile guest to configuration space and BARs, in any order, with time passing.
 */
#include <stdlib.h>

#include "fuzz.h"

enum { STEPS = 2000 };

static void access_bar(struct riser_host *host, struct input *input, bool write)
{
	unsigned place = (unsigned)take(input, 1), bar = place & 7;
	unsigned size = 1u << (place >> 3 & 3);
	uint64_t offset = take(input, place & 0x80 ? 4 : 2), value;
	struct riser_host_bar info;

	/* Else a small BAR would hardly ever be hit. */
	if (!(place & 0x80) && !riser_host_bar(host, bar, &info) && info.size)
		offset %= info.size;
	offset = offset / size * size;
	if (write)
		riser_host_write(host, bar, offset, size, take(input, size));
	else
		riser_host_read(host, bar, offset, size, &value);
}

static void access_config(struct riser_host *host, struct input *input, bool write)
{
	unsigned place = (unsigned)take(input, 2);
	unsigned size = 1u << (place >> 12 & 3), offset = (place & 0xfff) / size * size;
	uint32_t value;

	if (write)
		riser_host_config_write(host, offset, size, (uint32_t)take(input, size));
	else
		riser_host_config_read(host, offset, size, &value);
}

static void save_and_load(struct riser_host *host)
{
	size_t size;
	void *state;

	if (riser_host_save(host, &state, &size))
		return;
	/* What a device says of itself it must take back. */
	if (riser_host_load(host, state, size))
		abort();
	free(state);
}

static void step(struct riser_host *host, struct input *input)
{
	unsigned what = (unsigned)take(input, 1);

	switch (what & 7) {
	case 0:
	case 1:
		access_bar(host, input, false);
		break;
	case 2:
	case 3:
	case 4:
		access_bar(host, input, true);
		break;
	case 5:
		access_config(host, input, what & 8);
		break;
	case 6:
		riser_host_advance(host, take(input, 4));
		break;
	case 7:
		if (what & 8)
			save_and_load(host);
		else
			riser_host_reset(host, (enum riser_reset)(what >> 4 & 3));
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	struct riser_host *host = fuzz_bench(fuzz_model((unsigned)take(&input, 1), false));

	for (unsigned i = 0; i < STEPS && input.left; i++)
		step(host, &input);
	riser_host_destroy(host);
	return 0;
}
