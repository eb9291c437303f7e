/* SPDX-License-Identifier: MIT */
/* What runs the guest's CPUs: KVM where it really does, or QEMU's emulation, TCG. */
#include <stdbool.h>
#include <string.h>

#include "run/run.h"

static bool is_said(const struct run_options *options, const char *first, const char *second)
{
	for (char **word = options->extra; word && *word; word++) {
		if (!strcmp(*word, first) || !strcmp(*word, second))
			return true;
	}
	return false;
}

enum accelerator accelerator_choose(const struct run_options *options)
{
	if (is_said(options, "-accel", "-enable-kvm"))
		return ACCELERATOR_NAMED;
	/* -icount counts TCG's instructions, and a3-pc's code was written for TCG. */
	if (is_said(options, "-icount", "--icount") || options->board->of_adapter)
		return ACCELERATOR_TCG;
	return kvm_trouble() ? ACCELERATOR_TCG : ACCELERATOR_KVM;
}

const char *accelerator_name(enum accelerator accelerator)
{
	static const char *const names[] = { "TCG", "KVM", "an accelerator of the user's" };

	return names[accelerator];
}
