/* SPDX-License-Identifier: MIT */
/* The vfio-user devices of a command line. */
#include <stdlib.h>
#include <string.h>

#include "doctor/doctor.h"

enum { TIMEOUT_DEFAULT = 5000, TIMEOUT_LEAST = 1000 }; /* ms */

static const char driver[] = "vfio-user-pci";

/* What QEMU takes, with this path. */
static char *right_form(const char *path)
{
	return text("-device '{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\","
		    "\"path\":\"%s\"}}'",
		    path ? path : "/tmp/device.sock");
}

/* The path, or NULL: QEMU does not take it, which was reported. */
static const char *check_form(struct report *report, struct json_object *device, bool json)
{
	const char *path = object_word(device, "socket.path");
	char *right = right_form(path);
	struct json_object *socket;
	const char *type;

	if (!json) {
		report_problem(report, driver,
			       "QEMU takes 'socket' in JSON only, not as %s; mend: %s",
			       path ? "dotted keys" : "words", right);
		path = NULL;
	} else if (!json_object_object_get_ex(device, "socket", &socket)) {
		report_problem(report, driver, "names no socket; mend: %s", right);
	} else if (!json_object_is_type(socket, json_type_object)) {
		report_problem(report, driver, "its 'socket' is no object; mend: %s", right);
	} else {
		type = object_word(socket, "type");
		path = object_word(socket, "path");
		if (!type || strcmp(type, "unix") != 0) {
			report_problem(report, driver,
				       "its socket is of type '%s', and QEMU takes 'unix' only",
				       type ? type : "");
			path = NULL;
		} else if (!path) {
			report_problem(report, driver, "its socket has no path; mend: %s",
				       right);
		}
	}
	free(right);
	return path;
}

static void check_settings(struct report *report, struct json_object *device)
{
	const char *word = object_word(device, "x-msg-timeout");
	long timeout = word ? atol(word) : TIMEOUT_DEFAULT;

	if (timeout < TIMEOUT_LEAST)
		report_warning(report, "x-msg-timeout",
			       "%ld ms: an answer that comes later ends the device for good; "
			       "mend: leave it at %d, or more for a device that is debugged",
			       timeout, TIMEOUT_DEFAULT);
	else if (timeout != TIMEOUT_DEFAULT)
		report_ok("x-msg-timeout", "%ld ms", timeout);
	if (object_switch(device, "x-no-posted-writes") == 1)
		report_warning(
			report, "x-no-posted-writes",
			"every write to a register waits for its answer: slow; mend: leave "
			"it out unless you look for an ordering mistake");
	if (object_switch(device, "x-send-queued") == 1)
		report_warning(report, "x-send-queued",
			       "writes of several CPUs are held back and sent together; mend: "
			       "leave it out unless you measure that");
}

static void check_twice(struct report *report, struct json_object *seen, const char *path)
{
	if (json_object_object_get_ex(seen, path, NULL))
		report_problem(report, path,
			       "two devices name it, and a server has one client; mend: serve "
			       "another device at a path of its own");
	json_object_object_add(seen, path, NULL);
}

/* Something that was meant to be one. */
static void check_name(struct report *report, const char *name)
{
	const char *words[] = { driver, NULL };

	if (name && strcmp(name, driver) != 0 &&
	    (nearest(name, words) || !strncmp(name, "vfio-user", strlen("vfio-user")) ||
	     !strncmp(name, "vfio_user", strlen("vfio_user"))))
		report_problem(report, name, "QEMU has no such device; mend: %s", driver);
}

/*
 * QEMU makes devices that are given as words before those in JSON, each kind in its order. A
 * device that is there before the IOMMU has its DMA go past it, to whatever is at that address.
 */
static bool is_iommu(const char *name)
{
	static const char *const names[] = { "intel-iommu", "amd-iommu", "virtio-iommu",
					     "virtio-iommu-pci" };

	for (size_t i = 0; name && i < sizeof(names) / sizeof(*names); i++) {
		if (!strcmp(name, names[i]))
			return true;
	}
	return false;
}

static void check_iommu(struct report *report, struct json_object *device, bool json,
			unsigned before)
{
	const char *name = object_word(device, "driver");

	if (!is_iommu(name))
		return;
	if (json && before)
		report_problem(report, name,
			       "comes after a vfio-user-pci: the guest's DMA addresses reach "
			       "that device untranslated, and it writes to the wrong memory; "
			       "mend: put it before all vfio-user-pci, or write -device %s,…, "
			       "since QEMU makes those first",
			       name);
	else
		report_ok(name, "is there before the devices behind it");
	if (!strcmp(name, "intel-iommu") && object_switch(device, "caching-mode") != 1)
		report_problem(report, name,
			       "without caching-mode=on the device is not told what is mapped, "
			       "and QEMU ends; mend: caching-mode=on");
}

/* Whether it is one of ours. */
static bool check_device(struct report *report, const char *value, struct json_object *seen,
			 unsigned before)
{
	const char *why, *name, *path;
	struct json_object *device = line_object(value, "driver", &why);
	bool ours;

	if (!device) {
		report_problem(report, "-device",
			       "'%.40s…' is no JSON: %s; mend: mind the shell, and put single "
			       "quotes around it",
			       value, why);
		return strstr(value, "vfio-user") != NULL;
	}
	name = object_word(device, "driver");
	ours = name && !strcmp(name, driver);
	check_name(report, name);
	check_iommu(report, device, *value == '{', before);
	if (ours) {
		path = check_form(report, device, *value == '{');
		check_settings(report, device);
		if (path) {
			check_twice(report, seen, path);
			check_socket(report, path);
		}
	}
	json_object_put(device);
	return ours;
}

void check_line_devices(struct report *report, const struct line *line)
{
	struct json_object *seen = json_object_new_object();
	unsigned count = 0;

	for (size_t i = 0; i < line->count; i++) {
		if (!strcmp(line->options[i].name, "device"))
			count += check_device(report, line->options[i].value, seen, count);
	}
	if (!count) {
		char *right = right_form(NULL);

		report_warning(report, driver, "the command line has no such device; mend: %s",
			       right);
		free(right);
	}
	json_object_put(seen);
}
