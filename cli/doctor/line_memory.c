/* SPDX-License-Identifier: MIT */
/*
 * Whether the guest's memory is shared with devices in other processes. A private mapping of a
 * file is the worst of it: the client passes the file, and neither side sees what the other
 * writes.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "doctor/doctor.h"

#define MIB (UINT64_C(1) << 20)
#define DEFAULT_SIZE (128 * MIB)

static const char mend[] = "-object memory-backend-memfd,id=ram,size=%s,share=on "
			   "-machine memory-backend=ram";

/* The object of that id among -object, or NULL. */
static struct json_object *find_backend(const struct line *line, const char *id)
{
	for (size_t i = 0; i < line->count; i++) {
		struct json_object *object;
		const char *why, *own;

		if (strcmp(line->options[i].name, "object"))
			continue;
		object = line_object(line->options[i].value, "qom-type", &why);
		own = object ? object_word(object, "id") : NULL;
		if (own && !strcmp(own, id))
			return object;
		json_object_put(object);
	}
	return NULL;
}

/* QEMU's defaults differ by type. */
static bool is_shared(struct json_object *backend, const char *type)
{
	int share = object_switch(backend, "share");

	if (share >= 0)
		return share;
	return !strcmp(type, "memory-backend-memfd") || !strcmp(type, "memory-backend-shm");
}

/* Whether so much fits where it is to be. */
static void check_room(struct report *report, struct json_object *backend, const char *type,
		       uint64_t size)
{
	const char *path = object_word(backend, "mem-path");
	uint64_t left = memory_available();
	const char *where = "this host's memory";
	struct statvfs fs;

	if (!strcmp(type, "memory-backend-shm"))
		path = "/dev/shm";
	if (path && !statvfs(path, &fs)) {
		uint64_t room = (uint64_t)fs.f_bavail * fs.f_frsize;

		where = room < left ? path : where;
		left = room < left ? room : left;
	}
	if (size <= left)
		return;
	report_problem(report, "memory size",
		       "%s, but %s has %s left: the guest dies of SIGBUS when it touches more; "
		       "mend: a smaller -m%s",
		       size_of(size).text, where, size_of(left).text,
		       where == path ? ", or memory-backend-memfd" : "");
}

static void check_backend(struct report *report, const struct line *line, const char *id,
			  uint64_t wanted)
{
	struct json_object *backend = find_backend(line, id);
	const char *type = backend ? object_word(backend, "qom-type") : NULL;
	const char *size = backend ? object_word(backend, "size") : NULL;
	uint64_t bytes = size ? line_size(size, 1) : 0;

	if (!type) {
		report_problem(report, "memory",
			       "there is no -object of id '%s'; mend: -object "
			       "memory-backend-memfd,id=%s,size=…,share=on",
			       id, id);
	} else if (strncmp(type, "memory-backend-", strlen("memory-backend-"))) {
		report_problem(report, "memory",
			       "the -object '%s' is a %s, not a memory-backend", id, type);
	} else if (!is_shared(backend, type)) {
		report_problem(
			report, "memory",
			"the %s '%s' is not shared: a device in another process %s; mend: "
			"add share=on to it",
			type, id,
			!strcmp(type, "memory-backend-ram")
				? "reaches it by messages only, slowly"
				: "gets the file, but not what the guest writes");
	} else if (!bytes) {
		report_problem(report, "memory",
			       "the %s '%s' has no size that counts: '%s'; mend: "
			       "size=1G",
			       type, id, size ? size : "");
	} else if (wanted && bytes != wanted) {
		report_problem(
			report, "memory",
			"the %s '%s' has %s and -m says %s: QEMU refuses that; mend: make "
			"them the same",
			type, id, size_of(bytes).text, size_of(wanted).text);
	} else {
		report_ok("memory", "%s '%s' of %s is shared", type, id, size_of(bytes).text);
		check_room(report, backend, type, bytes);
	}
	json_object_put(backend);
}

/* NUMA nodes have a backend each. */
static unsigned check_nodes(struct report *report, const struct line *line)
{
	unsigned count = 0;

	for (size_t i = 0; i < line->count; i++) {
		struct json_object *node;
		const char *why, *id;

		if (strcmp(line->options[i].name, "numa"))
			continue;
		node = line_object(line->options[i].value, "type", &why);
		id = node ? object_word(node, "memdev") : NULL;
		if (id)
			check_backend(report, line, id, 0);
		count += id != NULL;
		json_object_put(node);
	}
	return count;
}

static void say_not_shared(struct report *report, const struct line *line, const char *size)
{
	char *right = text(mend, size);
	bool named = false, backend = false;

	for (size_t i = 0; i < line->count; i++) {
		named |= !strcmp(line->options[i].name, "mem-path");
		backend |= !strcmp(line->options[i].name, "object") &&
			   strstr(line->options[i].value, "memory-backend-");
	}
	if (backend)
		report_problem(report, "memory",
			       "there is a memory-backend, but nothing uses it as the guest's "
			       "memory; mend: -machine memory-backend=ID");
	else if (named)
		report_problem(
			report, "memory",
			"-mem-path is mapped privately: a device in another process gets "
			"the file, but not what the guest writes; mend: %s",
			right);
	else
		report_problem(report, "memory",
			       "not shared: every DMA is a message through QEMU, and a device "
			       "that maps memory fails; mend: %s",
			       right);
	free(right);
}

void check_line_memory(struct report *report, const struct line *line)
{
	struct json_object *machine = line_merged(line, "machine", "M", "type");
	struct json_object *memory = line_merged(line, "m", NULL, "size");
	const char *size = memory ? object_word(memory, "size") : NULL;
	const char *id = machine ? object_word(machine, "memory-backend") : NULL;
	uint64_t wanted = size ? line_size(size, MIB) : DEFAULT_SIZE;

	if (!wanted)
		report_problem(report, "-m", "'%s' is no size; mend: -m 1G", size);
	else if (id)
		check_backend(report, line, id, size ? wanted : 0);
	else if (!check_nodes(report, line) &&
		 !(machine && object_switch(machine, "aux-ram-share") == 1))
		say_not_shared(report, line, size ? size : "128M");
	else if (!id && machine && object_switch(machine, "aux-ram-share") == 1)
		report_ok("memory", "shared, by aux-ram-share=on");
	json_object_put(memory);
	json_object_put(machine);
}
