/* SPDX-License-Identifier: MIT */
/* The commands that read and write: registers, configuration space, the guest's memory. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "poke/poke.h"

bool poke_failed(struct poke_command *command, int ret)
{
	if (ret)
		snprintf(command->why, 256, "%s", riser_host_error(command->session->host));
	return ret != 0;
}

static void *access_memory(struct poke_command *command, uint64_t offset, uint64_t size)
{
	uint64_t total;
	char *memory = riser_host_memory(command->session->host, &total, NULL);

	if (offset < total && size <= total - offset)
		return memory + offset;
	snprintf(command->why, 256, "the guest has only %#" PRIx64 " bytes of memory", total);
	return NULL;
}

/* Configuration space is said to end here, before an offset is cut to what its calls take. */
static bool access_in_config(struct poke_command *command, const struct poke_target *t)
{
	unsigned size = riser_host_config_size(command->session->host);

	if (t->offset < size)
		return true;
	snprintf(command->why, 256, "configuration space has only %#x bytes, not %#" PRIx64,
		 size, t->offset);
	return false;
}

static bool access_get(struct poke_command *command, const struct poke_target *t,
		       uint64_t *value)
{
	struct riser_host *host = command->session->host;
	uint32_t word = 0;
	void *at;

	*value = 0;
	switch (t->space) {
	case POKE_BAR:
		return !poke_failed(command,
				    riser_host_read(host, t->bar, t->offset, t->size, value));
	case POKE_CONFIG:
		if (!access_in_config(command, t) ||
		    poke_failed(command, riser_host_config_read(host, (unsigned)t->offset,
								t->size, &word)))
			return false;
		*value = word;
		return true;
	default:
		at = access_memory(command, t->offset, t->size);
		if (at)
			memcpy(value, at, t->size);
		return at;
	}
}

static bool access_put(struct poke_command *command, const struct poke_target *t,
		       uint64_t value)
{
	struct riser_host *host = command->session->host;
	void *at;

	switch (t->space) {
	case POKE_BAR:
		return !poke_failed(command,
				    riser_host_write(host, t->bar, t->offset, t->size, value));
	case POKE_CONFIG:
		return access_in_config(command, t) &&
		       !poke_failed(command, riser_host_config_write(host, (unsigned)t->offset,
								     t->size, (uint32_t)value));
	default:
		at = access_memory(command, t->offset, t->size);
		if (at)
			memcpy(at, &value, t->size);
		return at;
	}
}

/* The target in word 1, its size from word `n` if there is one. */
static bool access_target(struct poke_command *command, unsigned n, struct poke_target *target)
{
	uint64_t size;

	if (!poke_target(command->session, command->words[1], target, command->why))
		return false;
	if (command->count <= n)
		return true;
	if (!poke_number(command->words[n], &size, command->why))
		return false;
	target->size = (unsigned)size;
	if (size == 1 || size == 2 || size == 4 || size == 8)
		return true;
	snprintf(command->why, 256, "an access has 1, 2, 4 or 8 bytes, not %s",
		 command->words[n]);
	return false;
}

bool poke_read(struct poke_command *command)
{
	struct poke_target target;
	uint64_t value;

	if (!access_target(command, 2, &target) || !access_get(command, &target, &value))
		return false;
	printf("%s = 0x%0*" PRIx64 "\n", command->words[1], (int)target.size * 2, value);
	return true;
}

bool poke_write(struct poke_command *command)
{
	struct poke_target target;
	uint64_t value;

	return access_target(command, 3, &target) &&
	       poke_value(command->words[2], target.size, &value, command->why) &&
	       access_put(command, &target, value);
}

bool poke_expect(struct poke_command *command)
{
	struct poke_target target;
	uint64_t value, expected;

	if (!access_target(command, 3, &target) ||
	    !poke_value(command->words[2], target.size, &expected, command->why) ||
	    !access_get(command, &target, &value))
		return false;
	if (value == expected)
		return true;
	snprintf(command->why, 256, "%s is 0x%" PRIx64 ", expected 0x%" PRIx64,
		 command->words[1], value, expected);
	return false;
}

bool poke_fill(struct poke_command *command)
{
	struct poke_target target;
	uint64_t length, byte;
	void *at;

	if (!access_target(command, 4, &target) ||
	    !poke_number(command->words[2], &length, command->why) ||
	    !poke_value(command->words[3], 1, &byte, command->why))
		return false;
	if (target.space != POKE_MEMORY) {
		snprintf(command->why, 256, "only memory can be filled: fill mem+0 4096 0xff");
		return false;
	}
	at = access_memory(command, target.offset, length);
	if (at)
		memset(at, (int)byte, length);
	return at;
}
