/* SPDX-License-Identifier: MIT */
/* How much of things this user may have. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

#include "doctor/doctor.h"

enum {
	FDS_LEAST = 64,	   /* a device with its files, and what a client passes */
	FDS_ENOUGH = 1024, /* vectors of several devices and mappings */
	PLACE_MOST = 70,   /* scratch.c's */
	MIB = 1 << 20,
};

#define GUEST_MEMORY ((uint64_t)512 * MIB) /* of 'riser run' */
#define CACHE_SIZE ((uint64_t)3072 * MIB)
#define MEMLOCK_ENOUGH ((uint64_t)8 * MIB)

static void check_fds(struct report *report)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	if (limit.rlim_cur < FDS_LEAST)
		report_problem(report, "open files",
			       "at most %llu; mend: ulimit -n 1024 (the hard limit is %llu)",
			       (unsigned long long)limit.rlim_cur,
			       (unsigned long long)limit.rlim_max);
	else if (limit.rlim_cur < FDS_ENOUGH)
		report_warning(report, "open files",
			       "at most %llu, few for interrupt vectors and memory mappings; "
			       "mend: ulimit -n 1024",
			       (unsigned long long)limit.rlim_cur);
	else
		report_ok("open files", "at most %llu", (unsigned long long)limit.rlim_cur);
}

static void check_memlock(struct report *report)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit))
		return;
	if (limit.rlim_cur == RLIM_INFINITY)
		report_ok("locked memory", "without limit");
	else if (limit.rlim_cur < MEMLOCK_ENOUGH)
		report_warning(report, "locked memory",
			       "at most %s: io_uring may be refused on old kernels "
			       "(virtio_blk then takes threads), and -overcommit mem-lock=on "
			       "fails; mend: ulimit -l unlimited, or memlock in "
			       "/etc/security/limits.conf",
			       size_of(limit.rlim_cur).text);
	else
		report_ok("locked memory", "at most %s", size_of(limit.rlim_cur).text);
}

/* A number in a file of one, or UINT64_MAX. */
static uint64_t number_in(const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned long long number;
	bool ok = file && fscanf(file, "%llu", &number) == 1;

	if (file)
		fclose(file);
	return ok ? number : UINT64_MAX;
}

uint64_t memory_available(void)
{
	FILE *info = fopen("/proc/meminfo", "re");
	uint64_t group = number_in("/sys/fs/cgroup/memory.max");
	uint64_t used = number_in("/sys/fs/cgroup/memory.current");
	uint64_t available = UINT64_MAX;
	unsigned long long kib;
	char line[128];

	while (info && fgets(line, sizeof(line), info)) {
		if (sscanf(line, "MemAvailable: %llu", &kib) == 1)
			available = (uint64_t)kib << 10;
	}
	if (info)
		fclose(info);
	if (group != UINT64_MAX && used < group && group - used < available)
		available = group - used;
	return available;
}

static void check_memory(struct report *report)
{
	uint64_t available = memory_available();

	if (available == UINT64_MAX)
		report_warning(report, "memory", "cannot tell how much is free");
	else if (available < GUEST_MEMORY)
		report_problem(report, "memory",
			       "only %s free; a guest of 'riser run' takes %s unless --memory "
			       "says less",
			       size_of(available).text, size_of(GUEST_MEMORY).text);
	else
		report_ok("memory", "%s free", size_of(available).text);
}

static void check_shm(struct report *report)
{
	struct statvfs fs;
	uint64_t left;

	if (statvfs("/dev/shm", &fs)) {
		report_warning(
			report, "/dev/shm",
			"not there: %s; use memory-backend-memfd, which does not need it",
			strerror(errno));
		return;
	}
	left = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (left < GUEST_MEMORY)
		report_warning(report, "/dev/shm",
			       "only %s left, too little for a guest's memory-backend-file or "
			       "-shm there; use memory-backend-memfd, or: mount -o "
			       "remount,size=4G /dev/shm (docker: --shm-size)",
			       size_of(left).text);
	else
		report_ok("/dev/shm", "%s left", size_of(left).text);
}

/* The error of a socket made in a folder of its own there, as 'riser run' does; or 0. */
static int try_socket(const char *place)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char *folder = text("%s/riser-XXXXXX", place);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), error = 0;

	if (fd < 0 || !mkdtemp(folder)) {
		error = errno;
	} else {
		snprintf(address.sun_path, sizeof(address.sun_path), "%s/0.sock", folder);
		if (bind(fd, (struct sockaddr *)&address, sizeof(address)))
			error = errno;
		unlink(address.sun_path);
		rmdir(folder);
	}
	if (fd >= 0)
		close(fd);
	free(folder);
	return error;
}

/* The places that scratch.c tries, in its order. */
static void check_place(struct report *report, const char *name, const char *place)
{
	int error;

	if (strlen(place) > PLACE_MOST) {
		report_warning(report, name,
			       "%s has %zu characters, so a socket's path in it may exceed the "
			       "107 there are; mend: %s=/tmp",
			       place, strlen(place), name);
		return;
	}
	error = try_socket(place);
	if (error)
		report_problem(report, name,
			       "no socket can be made in %s: %s; mend: set %s to a folder of "
			       "yours that can be written",
			       place, strerror(error), name);
	else
		report_ok(name, "sockets can be made in %s", place);
}

static void check_places(struct report *report)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR"), *temporary = getenv("TMPDIR");

	if (runtime && *runtime)
		check_place(report, "XDG_RUNTIME_DIR", runtime);
	check_place(report, "TMPDIR", temporary && *temporary ? temporary : "/tmp");
}

char *cache_folder(void)
{
	const char *own = getenv("RISER_CACHE"), *users = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");

	if (own && *own)
		return text("%s", own);
	if (users && *users)
		return text("%s/riser", users);
	return text("%s/.cache/riser", home && *home ? home : "/root");
}

/* The folder of the path that there is. */
static void shorten_to_existing(char *path)
{
	char *slash;

	while (access(path, F_OK) && (slash = strrchr(path, '/')) && slash != path)
		*slash = '\0';
}

static void check_cache(struct report *report)
{
	char *cache = cache_folder(), *manifest = text("%s/manifest", cache);
	bool filled = !access(manifest, R_OK);
	char *inside;
	struct statvfs fs;

	shorten_to_existing(cache);
	inside = text("%s/.", cache);
	if (access(inside, W_OK))
		report_problem(report, "cache",
			       "%s cannot be written: %s; mend: RISER_CACHE=FOLDER of yours",
			       cache, strerror(errno));
	else if (filled)
		report_ok("cache", "filled, in %s", cache);
	else if (!statvfs(cache, &fs) && (uint64_t)fs.f_bavail * fs.f_frsize < CACHE_SIZE)
		report_warning(report, "cache",
			       "%s has %s left, and a QEMU and a kernel to be fetched take "
			       "%s; mend: RISER_CACHE=FOLDER with more room",
			       cache, size_of((uint64_t)fs.f_bavail * fs.f_frsize).text,
			       size_of(CACHE_SIZE).text);
	else
		report_ok("cache", "empty; the first 'riser run' fills it, below %s", cache);
	free(inside);
	free(manifest);
	free(cache);
}

void check_limits(struct report *report)
{
	check_fds(report);
	check_memlock(report);
	check_memory(report);
	check_shm(report);
	check_places(report);
	check_cache(report);
}
