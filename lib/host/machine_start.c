/* SPDX-License-Identifier: MIT */
/* Starts the QEMU of a machine, and finds out what the device in it has. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/pci_regs.h>

#include "core/error.h"
#include "host/machine.h"

/* As large as the device says that they are; the host finds them again when it enables it. */
static int machine_learn_regions(struct machine *m)
{
	struct riser_host *host = &m->host;
	uint32_t rom = 0xffffffff & PCI_ROM_ADDRESS_MASK;
	int ret;

	host->region_size[HOST_REGION_CONFIG] = 256;
	if (riser_host_find_cap(host, PCI_CAP_ID_EXP, false))
		host->region_size[HOST_REGION_CONFIG] = 4096;
	ret = riser_host_enable(host);
	for (unsigned i = 0; i < HOST_BARS && !ret; i++)
		host->region_size[i] = host->bars[i].size;
	if (!ret)
		ret = machine_set_rom(m, rom);
	if (!ret)
		ret = riser_host_config_read(host, PCI_ROM_ADDRESS, 4, &rom);
	if (!ret && rom)
		host->region_size[HOST_REGION_ROM] = -(rom & (uint32_t)PCI_ROM_ADDRESS_MASK);
	if (!ret)
		ret = machine_set_rom(m, 0);
	if (!ret)
		ret = riser_host_config_write(host, PCI_COMMAND, 2, 0);
	return ret;
}

/* Starts QEMU with the caller's words and then ours. */
static int run_qemu(struct machine *m, char *const *qemu, char *const *more, size_t more_count)
{
	size_t count = 0;
	char **all;
	int ret;

	while (qemu[count])
		count++;
	all = calloc(count + more_count + 1, sizeof(*all));
	if (!all)
		return riser__host_fail(&m->host, -ENOMEM, "no memory for QEMU's arguments");
	memcpy(all, qemu, count * sizeof(*all));
	memcpy(all + count, more, more_count * sizeof(*all));
	ret = riser__qmp_start(&m->qmp, all, m->host.memory_fd, &m->host.error);
	free(all);
	return ret;
}

/* A machine a3-pc without CPUs, its memory the host's file, the device at 0:1.0. */
static int machine_start(struct machine *m, char *const *qemu, const char *device)
{
	char *memory = NULL, *backend = NULL, *plugged = NULL;
	uint64_t size = m->host.memory_size;
	int ret = -ENOMEM;

	if (asprintf(&memory, "%" PRIu64 "b", size) >= 0 &&
	    asprintf(&backend,
		     "memory-backend-file,id=ram,mem-path=/proc/self/fd/%d,share=on,"
		     "size=%" PRIu64,
		     QMP_MEMORY_FD, size) >= 0 &&
	    asprintf(&plugged, "%s,bus=a3-pcie0,addr=1.0", device) >= 0) {
		char *const more[] = { "-nodefaults",
				       "-display",
				       "none",
				       "-accel",
				       "a3acl",
				       "-machine",
				       "a3-pc,memory-backend=ram",
				       "-m",
				       memory,
				       "-object",
				       backend,
				       "-device",
				       plugged };

		ret = run_qemu(m, qemu, more, sizeof(more) / sizeof(*more));
	}
	free(memory);
	free(backend);
	free(plugged);
	if (!ret)
		ret = machine_learn_regions(m);
	return ret ? ret : riser__host_start(&m->host);
}

int riser_machine_create(char *const *qemu, const char *device,
			 const struct riser_host_config *config, struct riser_host **host,
			 struct riser_error *error)
{
	struct riser_host_config full = riser__host_config(config);
	struct machine *m = calloc(1, sizeof(*m));
	int ret;

	*host = NULL;
	if (!m)
		return riser__fail(error, -ENOMEM, "no memory for a machine");
	ret = riser__host_init(&m->host, &machine_impl, &full);
	if (ret)
		riser__host_fail(&m->host, ret, "no memory for the guest: %s", strerror(-ret));
	else if (full.memory_at)
		ret = riser__host_fail(&m->host, -EINVAL, "a machine's memory begins at 0");
	if (!ret)
		ret = machine_start(m, qemu, device);
	if (ret) {
		riser__fail(error, ret, "%s", m->host.error.text);
		machine_destroy(&m->host);
		return ret;
	}
	*host = &m->host;
	return 0;
}
