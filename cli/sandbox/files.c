/* SPDX-License-Identifier: MIT */
/* Files: the warden opens them, so that what it looks at is what is opened. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/inside.h"

static int own_link(int fd, char link[32])
{
	return snprintf(link, 32, "/proc/self/fd/%d", fd);
}

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

static bool real_path(int fd, char real[PATH_MAX])
{
	char link[32];
	ssize_t length;

	own_link(fd, link);
	length = readlink(link, real, PATH_MAX - 1);
	real[length > 0 ? length : 0] = '\0';
	return length > 0;
}

/* Links that lead to /proc/self led to the warden's: /proc/mounts is one. */
static int find_again(const struct sandbox *sandbox, int found)
{
	char real[PATH_MAX], own[32], *path;
	int length = snprintf(own, sizeof(own), "/proc/%d/", (int)getpid());

	if (found < 0 || !real_path(found, real) || strncmp(real, own, (size_t)length))
		return found;
	close(found);
	path = text("/proc/%d/%s", (int)sandbox->pid, real + length);
	found = open(path, O_PATH | O_CLOEXEC);
	free(path);
	return found < 0 ? -errno : found;
}

/* What is there, as a descriptor that cannot be used but to find it again; or -errno. */
static int find(struct sandbox *sandbox, int folder, char path[PATH_MAX], uint64_t flags)
{
	int base = AT_FDCWD, found;

	for_device(sandbox, path);
	if (*path != '/' && folder != AT_FDCWD) {
		base = asker_fd(sandbox, folder);
		if (base < 0)
			return -EBADF;
	}
	found = openat(base, path, O_PATH | O_CLOEXEC | (int)(flags & O_NOFOLLOW));
	if (found < 0)
		found = -errno;
	if (base >= 0)
		close(base);
	return find_again(sandbox, found);
}

/* Pipes and memory have no place among the files: the device has them already. */
static bool is_anonymous(const char *real)
{
	return *real != '/' || !strncmp(real, "/memfd:", 7);
}

static unsigned wanted(const struct stat *st, uint64_t flags)
{
	unsigned mode = flags & O_ACCMODE;

	if (S_ISDIR(st->st_mode) && mode == O_RDONLY)
		return GRANT_LIST;
	return (mode != O_WRONLY ? GRANT_READ : 0u) |
	       (mode != O_RDONLY || flags & O_TRUNC ? GRANT_WRITE : 0u);
}

/* Nobody at the other end of a pipe or terminal may keep the warden waiting. */
static int open_found(int found, const struct stat *st, uint64_t flags)
{
	const uint64_t done = O_CREAT | O_EXCL | O_NOFOLLOW;
	bool patient = S_ISFIFO(st->st_mode) || S_ISCHR(st->st_mode);
	int with = (int)(flags & ~done) | O_CLOEXEC | O_NOCTTY | (patient ? O_NONBLOCK : 0);
	char link[32];
	int fd;

	own_link(found, link);
	fd = open(link, with);
	if (fd < 0)
		return -errno;
	if (patient && !(flags & O_NONBLOCK))
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	return fd;
}

static int64_t refuse_open(struct sandbox *sandbox, const char *path, unsigned want)
{
	refuse(sandbox, "open '%s' to %s it: no option names it", path,
	       want & GRANT_LIST		    ? "list"
	       : want == (GRANT_READ | GRANT_WRITE) ? "read and write"
	       : want & GRANT_WRITE		    ? "write"
						    : "read");
	return -EACCES;
}

static int64_t judge(struct sandbox *sandbox, const struct seccomp_notif *asked, int found,
		     uint64_t flags)
{
	char real[PATH_MAX];
	struct stat st;
	unsigned want;
	int fd;

	if (fstat(found, &st) || !real_path(found, real))
		return -EACCES;
	want = wanted(&st, flags);
	if (flags & O_CREAT && flags & O_EXCL)
		return -EEXIST;
	if (flags & O_PATH)
		return asker_give(sandbox, asked, dup(found), flags & O_CLOEXEC);
	if (flags & O_NOFOLLOW && S_ISLNK(st.st_mode))
		return -ELOOP;
	if (flags & O_DIRECTORY && !S_ISDIR(st.st_mode))
		return -ENOTDIR;
	if (!is_anonymous(real) && want & ~grants_find(sandbox, real))
		return refuse_open(sandbox, real, want);
	fd = open_found(found, &st, flags);
	return fd < 0 ? fd : asker_give(sandbox, asked, fd, flags & O_CLOEXEC);
}

static int64_t open_for(struct sandbox *sandbox, const struct seccomp_notif *asked, int folder,
			uint64_t address, uint64_t flags)
{
	char path[PATH_MAX];
	int found = asker_read_path(sandbox, asked, address, path);
	int64_t result;

	if (!found)
		found = find(sandbox, folder, path, flags);
	if (found == -ENOENT && flags & O_CREAT) {
		refuse(sandbox, "create '%s': no option names it", path);
		return -EACCES;
	}
	if (found < 0)
		return found;
	result = judge(sandbox, asked, found, flags);
	close(found);
	return result;
}

int64_t answer_open(struct sandbox *sandbox, const struct seccomp_notif *asked)
{
	const __u64 *args = asked->data.args;

	return open_for(sandbox, asked, AT_FDCWD, args[0], (uint32_t)args[1]);
}

int64_t answer_openat(struct sandbox *sandbox, const struct seccomp_notif *asked)
{
	const __u64 *args = asked->data.args;

	return open_for(sandbox, asked, (int)args[0], args[1], (uint32_t)args[2]);
}

/* Rules of its own for what a path leads to are more than the warden knows. */
int64_t answer_openat2(struct sandbox *sandbox, const struct seccomp_notif *asked)
{
	const __u64 *args = asked->data.args;
	struct open_how how;

	if (args[3] < sizeof(how))
		return -EINVAL;
	if (!asker_read(sandbox, asked, args[2], &how, sizeof(how)))
		return -EFAULT;
	if (how.resolve)
		return -ENOSYS;
	return open_for(sandbox, asked, (int)args[0], args[1], how.flags);
}

int64_t answer_creat(struct sandbox *sandbox, const struct seccomp_notif *asked)
{
	return open_for(sandbox, asked, AT_FDCWD, asked->data.args[0],
			O_CREAT | O_WRONLY | O_TRUNC);
}

/* It takes the sandbox along; Landlock makes sure that it is what was looked at. */
int64_t answer_execve(struct sandbox *sandbox, const struct seccomp_notif *asked)
{
	char path[PATH_MAX], real[PATH_MAX];
	int found = asker_read_path(sandbox, asked, asked->data.args[0], path);
	bool granted;

	if (!found)
		found = find(sandbox, AT_FDCWD, path, 0);
	if (found < 0)
		return found;
	granted = real_path(found, real) && grants_find(sandbox, real) & GRANT_RUN;
	close(found);
	if (granted)
		return ANSWER_GO_ON;
	refuse(sandbox, "run the program '%s'", path);
	return -EACCES;
}
