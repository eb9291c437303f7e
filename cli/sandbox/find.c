/* SPDX-License-Identifier: MIT */
/*
 * Finding what a path of the device's leads to. Links of /proc (fd, root, cwd, exe, map_files)
 * lead into another process, or to what has no path: none is followed, wherever it stands in a
 * path. A descriptor of the device's own that is named so is got from the device instead.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "sandbox/inside.h"

/* What is /proc/self for the device is another folder here. */
static void for_device(const struct sandbox *sandbox, char path[PATH_MAX])
{
	static const struct {
		const char *from, *to;
	} known[] = { { "/proc/self/", "" },	 { "/proc/thread-self/", "" },
		      { "/dev/fd/", "fd/" },	 { "/dev/stdin", "fd/0" },
		      { "/dev/stdout", "fd/1" }, { "/dev/stderr", "fd/2" } };

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		size_t length = strlen(known[i].from);
		char *other;

		if (strncmp(path, known[i].from, length))
			continue;
		other = text("/proc/%d/%s%s", (int)sandbox->pid, known[i].to, path + length);
		snprintf(path, PATH_MAX, "%s", other);
		free(other);
		return;
	}
}

int found_link(int fd, char link[32])
{
	return snprintf(link, 32, "/proc/self/fd/%d", fd);
}

bool found_path(int fd, char real[PATH_MAX])
{
	char link[32];
	ssize_t length;

	found_link(fd, link);
	length = readlink(link, real, PATH_MAX - 1);
	real[length > 0 ? length : 0] = '\0';
	return length > 0;
}

static int look_up(int base, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC | (flags & O_NOFOLLOW),
				.resolve = resolve };
	int fd = (int)syscall(SYS_openat2, base, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

/* Links that lead to /proc/self led to the warden's: /proc/mounts is one. */
static int look_again(const struct sandbox *sandbox, int fd)
{
	char real[PATH_MAX], own[32], *path;
	int length = snprintf(own, sizeof(own), "/proc/%d", (int)getpid());

	if (fd < 0 || !found_path(fd, real) || strncmp(real, own, (size_t)length) ||
	    (real[length] && real[length] != '/'))
		return fd;
	close(fd);
	path = text("/proc/%d%s", (int)sandbox->pid, real + length);
	fd = look_up(AT_FDCWD, path, 0, RESOLVE_NO_MAGICLINKS);
	free(path);
	return fd;
}

/* The device's own descriptor that the path names, or -1. */
static int own_number(const struct sandbox *sandbox, const char *path)
{
	char folder[32], *end;
	int length = snprintf(folder, sizeof(folder), "/proc/%d/fd/", (int)sandbox->pid);
	unsigned long number;

	if (strncmp(path, folder, (size_t)length) || !path[length] ||
	    strspn(path + length, "0123456789") != strlen(path + length))
		return -1;
	number = strtoul(path + length, &end, 10);
	return number <= INT_MAX ? (int)number : -1;
}

static int find_own(const struct sandbox *sandbox, int number, struct found *found)
{
	int flags;

	found->fd = asker_fd(sandbox, number);
	if (found->fd < 0)
		return -ENOENT;
	found->own = true;
	flags = fcntl(found->fd, F_GETFL);
	if (flags >= 0 && !(flags & O_PATH))
		found->access = (flags & O_ACCMODE) == O_RDWR	  ? GRANT_READ | GRANT_WRITE
				: (flags & O_ACCMODE) == O_WRONLY ? GRANT_WRITE
								  : GRANT_READ;
	return 0;
}

int find(struct sandbox *sandbox, int folder, char path[PATH_MAX], uint64_t flags,
	 struct found *found)
{
	int base = AT_FDCWD, number;

	*found = (struct found){ .fd = -1 };
	for_device(sandbox, path);
	number = own_number(sandbox, path);
	if (number >= 0)
		return find_own(sandbox, number, found);
	if (*path != '/' && folder != AT_FDCWD) {
		base = asker_fd(sandbox, folder);
		if (base < 0)
			return -EBADF;
	}
	found->fd = look_up(base, path, flags, RESOLVE_NO_MAGICLINKS);
	if (base >= 0)
		close(base);
	if (found->fd == -ELOOP)
		refuse(sandbox, "follow '%s': it leads through a process, or in a circle",
		       path);
	found->fd = look_again(sandbox, found->fd);
	return found->fd < 0 ? found->fd : 0;
}

bool found_at(int fd, const char *real)
{
	int again = look_up(AT_FDCWD, real, O_NOFOLLOW, RESOLVE_NO_SYMLINKS);
	struct stat one, other;
	struct statfs fs;
	bool same = again >= 0 && !fstat(fd, &one) && !fstat(again, &other) &&
		    one.st_dev == other.st_dev && one.st_ino == other.st_ino;

	if (again >= 0)
		close(again);
	/* Mounted elsewhere, as in a chroot, it may be in a folder that is granted whole. */
	return same && !fstatfs(fd, &fs) &&
	       (fs.f_type != PROC_SUPER_MAGIC || !strncmp(real, "/proc/", 6));
}
