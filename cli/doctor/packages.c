/* SPDX-License-Identifier: MIT */
/* The programs that the commands call, by the Debian package that has them. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor/doctor.h"

struct need {
	const char *program, *package, *what;
	bool must; /* without it no guest is made */
};

static const struct need needs[] = {
	{ "bash", "bash", "everything that is fetched and built", true },
	{ "apt-get", "apt", "fetching a QEMU and a guest's kernel", true },
	{ "dpkg-deb", "dpkg", "unpacking them", true },
	{ "cc", "gcc", "devices and drivers", true },
	{ "make", "make", "drivers", true },
	{ "ld", "binutils", "drivers", true },
	{ "flock", "util-linux", "the cache's lock", true },
	{ "cpio", "cpio", "the guest's first file system", true },
	{ "depmod", "kmod", "the guest's kernel modules", true },
	{ "meson", "meson", "devices of your own and 'make'", false },
	{ "ninja", "ninja-build", "devices of your own and 'make'", false },
	{ "pkg-config", "pkg-config", "devices of your own and 'make'", false },
	{ "bc", "bc", "a kernel of your own (--kernel)", false },
	{ "flex", "flex", "riser run --attach qemu", false },
	{ "bison", "bison", "riser run --attach qemu", false },
	{ "dpkg-source", "dpkg-dev", "riser run --attach qemu", false },
	{ "cargo", "cargo", "devices in Rust", false },
	{ "scdoc", "scdoc", "the manual's pages", false },
};

char *program_find(const char *program)
{
	const char *path = getenv("PATH"), *place;
	char *places = text("%s:/usr/sbin:/sbin", path ? path : "/usr/bin:/bin"),
	     *rest = places;
	char *full = NULL;

	if (strchr(program, '/')) {
		free(places);
		return access(program, X_OK) ? NULL : text("%s", program);
	}
	while (!full && (place = strsep(&rest, ":"))) {
		if (!*place)
			continue;
		full = text("%s/%s", place, program);
		if (access(full, X_OK)) {
			free(full);
			full = NULL;
		}
	}
	free(places);
	return full;
}

void check_packages(struct report *report)
{
	size_t count = sizeof(needs) / sizeof(*needs);
	unsigned missing = 0;

	for (size_t i = 0; i < count; i++) {
		const struct need *need = &needs[i];
		char *path = program_find(need->program);

		if (path) {
			free(path);
			continue;
		}
		missing++;
		if (need->must)
			report_problem(report, need->program,
				       "missing, needed for %s; mend: apt-get install %s",
				       need->what, need->package);
		else
			report_warning(report, need->program,
				       "missing, needed for %s; mend: apt-get install %s",
				       need->what, need->package);
	}
	if (!missing)
		report_ok("programs", "all %zu that are called are there", count);
}
