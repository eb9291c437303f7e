/* SPDX-License-Identifier: MIT */
/*
 * Register maps and options that an author may have got wrong, and options as users write them.
 * A description that the library takes has to stand every access.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include <riser/pci.h>

enum { STATE = 4096, MOST_REGS = 12, MOST_OPTIONS = 6, MOST_TEXT = 256, BAR = 4096 };

static const char *const names[] = { "a",  "b",	 "c",  "mode", "size", "seed", "file", "rate",
				     "x0", "x1", "x2", "x3",   "y",    "no,",  "",     NULL };
static const char *const values[] = { NULL, "0", "1", "on", "0x10", "4K", "5ms", "-1", "zz" };

struct made {
	struct riser_reg regs[MOST_REGS];
	struct riser_option options[MOST_OPTIONS];
	struct riser_bar bar;
	struct riser_pci_device desc;
	char text[MOST_TEXT];
};

static const char *name(struct input *input)
{
	return names[take(input, 1) % (sizeof(names) / sizeof(*names))];
}

/* Mostly what fits the first half of the state; options have the second. */
static uint32_t place(struct input *input, uint32_t base)
{
	uint32_t at = (uint32_t)take(input, 2);

	return at >= 0xf000 ? at << 16 : base + at % (STATE / 2);
}

static void make_reg(struct input *input, struct riser_reg *reg)
{
	unsigned how = (unsigned)take(input, 1);

	*reg = (struct riser_reg){ .name = name(input),
				   .offset = take(input, 2),
				   .at = place(input, 0),
				   .width = (uint8_t)(1 << (how & 3)),
				   .part = (uint8_t)(how >> 2 & 7),
				   .flags = (uint16_t)(how >> 5),
				   .rw = take(input, 4),
				   .w1c = take(input, 1),
				   .rc = take(input, 1) };
	if (how & 0x80) {
		reg->count = (uint32_t)take(input, 4);
		reg->stride = (uint32_t)take(input, 2);
		reg->once = take(input, 1);
		reg->w1s = take(input, 1);
		reg->reset = take(input, 8);
	}
}

static void make_option(struct input *input, struct riser_option *option)
{
	*option = (struct riser_option){
		.name = name(input),
		.type = (enum riser_option_type)(take(input, 1) % 7),
		.at = place(input, STATE / 2),
		.value = values[take(input, 1) % (sizeof(values) / sizeof(*values))],
		.min = take(input, 1),
		.max = take(input, 2),
		.required = take(input, 1) & 1
	};
}

static void make(struct input *input, struct made *made)
{
	unsigned counts = (unsigned)take(input, 1);
	unsigned regs = counts % (MOST_REGS + 1), options = (counts >> 4) % (MOST_OPTIONS + 1);
	size_t length = take(input, 1);

	for (unsigned i = 0; i < regs; i++)
		make_reg(input, &made->regs[i]);
	for (unsigned i = 0; i < options; i++)
		make_option(input, &made->options[i]);
	for (size_t i = 0; i < length; i++)
		made->text[i] = (char)take(input, 1);
	made->bar = (struct riser_bar){ .kind = RISER_MEM32,
					.size = BAR,
					.regs = RISER_REGS(made->regs) };
	made->bar.regs.count = regs;
	made->desc = (struct riser_pci_device){
		.size = sizeof(made->desc),
		.name = "made",
		.id = { .vendor = 0x1234, .device = 1 },
		.state_size = STATE,
		.bars = { .base = &made->bar, .count = 1, .stride = sizeof(made->bar) },
		.options = RISER_OPTIONS(made->options),
	};
	made->desc.options.count = options;
}

static void use(struct riser_host *host, struct input *input)
{
	uint64_t value;
	size_t size;
	void *state;

	riser_host_enable(host);
	while (input->left) {
		unsigned how = (unsigned)take(input, 1), width = 1u << (how & 3);
		uint64_t offset = take(input, 2) % (BAR + 16);

		if (how & 4)
			riser_host_write(host, 0, offset, width, take(input, width));
		else
			riser_host_read(host, 0, offset, width, &value);
	}
	if (riser_host_save(host, &state, &size))
		return;
	riser_host_reset(host, RISER_RESET_DEVICE);
	if (riser_host_load(host, state, size))
		abort(); /* what it saved it has to take */
	free(state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	struct made *made = calloc(1, sizeof(*made));
	struct riser_export exported = { RISER_ABI, RISER_PCI, &made->desc };
	struct riser_host_config config = { .size = sizeof(config),
					    .memory = 1 << 16,
					    .options = made->text,
					    .log = fuzz_log };
	struct riser_model *model = NULL;
	struct riser_host *host;
	struct riser_error error;

	make(&input, made);
	if (!riser_model_from_export(exported, &model, &error) &&
	    !riser_bench_create(model, &config, &host, &error)) {
		use(host, &input);
		riser_host_destroy(host);
	}
	riser_model_close(model);
	free(made);
	return 0;
}
