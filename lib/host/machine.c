/* SPDX-License-Identifier: MIT */
/* A host that is a QEMU machine without CPUs: every access is a QMP command. */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <linux/pci_regs.h>

#include "host/machine.h"

/* As the machine a3-pc has it: configuration space of function 0:1.0. */
#define CONFIG_AT UINT64_C(0xb0008000)
/* Where the ROM is while it is read. */
#define ROM_AT UINT32_C(0xfe000000)

enum { NS_A_LOOK = 1000000 };

static struct machine *machine_of(struct riser_host *host)
{
	return (struct machine *)host;
}

static int machine_call(struct machine *m, const char *command, struct json_object *arguments,
			struct json_object **answer)
{
	return riser__qmp_call(&m->qmp, command, arguments, answer, &m->host.error);
}

/* ---- Accesses ---- */

/* The arguments of QEMU's commands a3-read and a3-write. */
static struct json_object *access_of(bool io, uint64_t address, size_t size)
{
	struct json_object *access = json_object_new_object();

	json_object_object_add(access, "space", json_object_new_string(io ? "io" : "memory"));
	json_object_object_add(access, "address", json_object_new_uint64(address));
	json_object_object_add(access, "size", json_object_new_int((int)size));
	return access;
}

static int machine_peek(struct machine *m, bool io, uint64_t address, void *to, size_t size)
{
	struct json_object *answer, *value;
	uint64_t number;
	int ret = machine_call(m, "a3-read", access_of(io, address, size), &answer);

	if (ret)
		return ret;
	json_object_object_get_ex(answer, "value", &value);
	number = json_object_get_uint64(value);
	json_object_put(answer);
	memcpy(to, &number, size);
	return 0;
}

static int machine_poke(struct machine *m, bool io, uint64_t address, const void *from,
			size_t size)
{
	struct json_object *access = access_of(io, address, size);
	uint64_t number = 0;

	memcpy(&number, from, size);
	json_object_object_add(access, "value", json_object_new_uint64(number));
	return machine_call(m, "a3-write", access, NULL);
}

static uint64_t place_of(struct riser_host *host, unsigned region, uint64_t offset, bool *io)
{
	*io = region < HOST_BARS && host->bars[region].kind == RISER_IO;
	if (region == HOST_REGION_CONFIG)
		return CONFIG_AT + offset;
	return (region == HOST_REGION_ROM ? ROM_AT : host->bars[region].address) + offset;
}

int machine_set_rom(struct machine *m, uint32_t value)
{
	return machine_poke(m, false, CONFIG_AT + PCI_ROM_ADDRESS, &value, sizeof(value));
}

/* Reads by a command. The ROM, which may share a decoder, is enabled for the read alone. */
static int machine_read(struct riser_host *host, unsigned region, uint64_t offset, void *to,
			size_t size)
{
	struct machine *m = machine_of(host);
	bool io, rom = region == HOST_REGION_ROM;
	uint64_t at = place_of(host, region, offset, &io);
	int ret = rom ? machine_set_rom(m, ROM_AT | PCI_ROM_ADDRESS_ENABLE) : 0, off = 0;

	if (!ret)
		ret = machine_peek(m, io, at, to, size);
	if (rom)
		off = machine_set_rom(m, 0);
	return ret ? ret : off;
}

/* Writes by a command; a write to the ROM has no effect, as on a bus. */
static int machine_write(struct riser_host *host, unsigned region, uint64_t offset,
			 const void *from, size_t size)
{
	bool io;
	uint64_t at = place_of(host, region, offset, &io);

	return region == HOST_REGION_ROM ? 0
					 : machine_poke(machine_of(host), io, at, from, size);
}

static int machine_map(struct riser_host *host, unsigned bar, uint64_t offset, uint64_t length,
		       void **address)
{
	(void)offset, (void)length, (void)address;
	return riser__host_fail(host, -ENODEV, "BAR%u of a device in QEMU cannot be mapped",
				bar);
}

/* ---- Interrupts ---- */

/* Takes in the messages that have arrived, and the level of the lines. */
static int machine_look(struct machine *m)
{
	struct json_object *answer, *vectors, *pair;
	int ret = machine_call(m, "a3-messages", NULL, &answer);

	if (ret)
		return ret;
	json_object_object_get_ex(answer, "vectors", &vectors);
	for (size_t i = 0; i < json_object_array_length(vectors); i++) {
		uint64_t vector;

		pair = json_object_array_get_idx(vectors, i);
		vector = json_object_get_uint64(json_object_array_get_idx(pair, 0));
		if (vector < HOST_VECTORS_MAX)
			m->messages[vector] +=
				json_object_get_uint64(json_object_array_get_idx(pair, 1));
	}
	json_object_put(answer);
	return 0;
}

/* Whether any of the root's four INTx lines is asserted. */
static int look_at_lines(struct machine *m, bool *asserted)
{
	struct json_object *property = json_object_new_object(), *lines;
	int ret;

	json_object_object_add(property, "path", json_object_new_string("/machine/pcie"));
	json_object_object_add(property, "property", json_object_new_string("lines"));
	ret = machine_call(m, "qom-get", property, &lines);
	if (!ret)
		*asserted = json_object_get_int(lines) != 0;
	json_object_put(lines);
	return ret;
}

/* Drops messages of the mode before; programs MSI-X's table, which is the device's own. */
static int machine_irq_bind(struct riser_host *host, enum riser_irq_mode mode, unsigned count)
{
	struct machine *m = machine_of(host);
	int ret = machine_look(m);

	memset(m->messages, 0, sizeof(m->messages));
	return ret || mode != RISER_IRQ_MSIX ? ret : riser__host_msix_fill(host, count);
}

/* Takes what has arrived of the vector; for INTx it is the level. */
static int machine_irq_collect(struct riser_host *host, unsigned vector, bool settle)
{
	struct machine *m = machine_of(host);
	bool asserted = false;
	int ret;

	(void)settle; /* an access is over when it is answered */
	if (host->mode == RISER_IRQ_INTX) {
		ret = look_at_lines(m, &asserted);
		host->arrived[0] = asserted;
		return ret;
	}
	ret = machine_look(m);
	host->arrived[vector] += m->messages[vector];
	m->messages[vector] = 0;
	return ret;
}

/* ---- Time, memory, reset, state ---- */

static uint64_t machine_now(struct riser_host *host)
{
	struct timespec t;

	(void)host;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Returns early where an interrupt is waited for, so that the caller can look for it. */
static int machine_pass(struct riser_host *host, uint64_t ns, unsigned vector)
{
	struct timespec t;

	(void)host;
	if (vector != HOST_NO_VECTOR && ns > NS_A_LOOK)
		ns = NS_A_LOOK;
	t = (struct timespec){ (time_t)(ns / 1000000000), (long)(ns % 1000000000) };
	while (nanosleep(&t, &t) && errno == EINTR)
		;
	return 0;
}

static int machine_memory_map(struct riser_host *host, uint64_t iova, uint64_t length)
{
	if (iova == host->memory_at && length == host->memory_size)
		return 0;
	return riser__host_fail(host, -ENOTSUP, "a machine's memory cannot be given in parts");
}

static int machine_memory_unmap(struct riser_host *host, uint64_t iova, uint64_t length)
{
	(void)iova, (void)length;
	return riser__host_fail(host, -ENOTSUP, "a machine's memory cannot be taken away");
}

/* The machine's own: a device alone has no reset that the guest could not do itself. */
static int machine_reset(struct riser_host *host, enum riser_reset kind)
{
	(void)kind;
	return riser__qmp_call_until(&machine_of(host)->qmp, "system_reset", "RESET",
				     &host->error);
}

static int machine_save(struct riser_host *host, void **data, size_t *size)
{
	(void)data, (void)size;
	return riser__host_fail(host, -ENOTSUP,
				"the state of a device in QEMU is saved with its machine");
}

static int machine_load(struct riser_host *host, const void *data, size_t size)
{
	(void)data, (void)size;
	return riser__host_fail(host, -ENOTSUP,
				"the state of a device in QEMU is loaded with its machine");
}

void machine_destroy(struct riser_host *host)
{
	riser__qmp_end(&machine_of(host)->qmp);
	riser__host_fini(host);
	free(host);
}

const struct riser__host_impl machine_impl = {
	.read = machine_read,
	.write = machine_write,
	.map = machine_map,
	.irq_bind = machine_irq_bind,
	.msix_mask = riser__host_msix_mask,
	.irq_collect = machine_irq_collect,
	.pass = machine_pass,
	.now = machine_now,
	.memory_map = machine_memory_map,
	.memory_unmap = machine_memory_unmap,
	.reset = machine_reset,
	.save = machine_save,
	.load = machine_load,
	.destroy = machine_destroy,
};
