/* SPDX-License-Identifier: MIT */
/* The machines of QEMU's that a guest may have, and what each takes. */
#include <inttypes.h>
#include <string.h>

#include "run/run.h"

static const struct board boards[] = {
	{ .name = "q35", .options = "q35", .cpus_max = 255, .takes_iommu = true },
	{ .name = "pc", .options = "pc", .cpus_max = 255 },
	{ .name = "microvm",
	  .options = "microvm,acpi=on,pcie=on,rtc=on,pit=on,pic=on,isa-serial=on",
	  .cpus_max = 255,
	  .no_ports = true,
	  .no_reference = true },
	{ .name = "a3-pc",
	  .options = "a3-pc",
	  .cpus_max = 64,
	  .memory_max = UINT64_C(512) << 30,
	  .of_adapter = true },
};

const struct board *board_find(const char *name)
{
	for (size_t i = 0; i < sizeof(boards) / sizeof(*boards); i++) {
		if (!strcmp(boards[i].name, name))
			return &boards[i];
	}
	return NULL;
}

bool board_check(const struct run_options *options)
{
	const struct board *board = options->board;

	if (options->smp > board->cpus_max) {
		complain("machine %s takes at most %u CPUs, not %u; give less with --smp",
			 board->name, board->cpus_max, options->smp);
		return false;
	}
	if (board->memory_max && options->memory > board->memory_max) {
		complain("machine %s takes at most %" PRIu64 " GiB of memory, not %" PRIu64
			 "; give less with --memory",
			 board->name, board->memory_max >> 30, options->memory >> 30);
		return false;
	}
	if (options->iommu && !board->takes_iommu) {
		complain("machine %s takes no intel-iommu: leave --iommu out, or take q35",
			 board->name);
		return false;
	}
	if (board->of_adapter && options->attach == ATTACH_VFIO_USER) {
		complain("machine %s runs on QEMU 10.0, which has no vfio-user-pci (10.1 and "
			 "newer have): give --attach qemu, or leave --machine out",
			 board->name);
		return false;
	}
	return true;
}
