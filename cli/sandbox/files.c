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

/* Pipes and memory have no place among the files. */
static bool is_anonymous(const char *real)
{
	return *real != '/' || !strncmp(real, "/memfd:", 7);
}

/* What the device has open already it may open again, for no more than it has it for. */
static unsigned granted(const struct sandbox *sandbox, const struct found *found,
			const char *real)
{
	if (found->own && is_anonymous(real))
		return found->access;
	return found_at(found->fd, real) ? grants_find(sandbox, real) : 0;
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

	found_link(found, link);
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

static int64_t judge(struct sandbox *sandbox, const struct seccomp_notif *asked,
		     const struct found *found, uint64_t flags)
{
	char real[PATH_MAX];
	struct stat st;
	unsigned want;
	int fd;

	if (fstat(found->fd, &st) || !found_path(found->fd, real))
		return -EACCES;
	want = wanted(&st, flags);
	if (flags & O_CREAT && flags & O_EXCL)
		return -EEXIST;
	if (flags & O_PATH)
		return asker_give(sandbox, asked, dup(found->fd), flags & O_CLOEXEC);
	if (S_ISLNK(st.st_mode))
		return -ELOOP;
	if (flags & O_DIRECTORY && !S_ISDIR(st.st_mode))
		return -ENOTDIR;
	if (want & ~granted(sandbox, found, real))
		return refuse_open(sandbox, real, want);
	fd = open_found(found->fd, &st, flags);
	return fd < 0 ? fd : asker_give(sandbox, asked, fd, flags & O_CLOEXEC);
}

static int64_t open_for(struct sandbox *sandbox, const struct seccomp_notif *asked, int folder,
			uint64_t address, uint64_t flags)
{
	char path[PATH_MAX];
	int ret = asker_read_path(sandbox, asked, address, path);
	struct found found;
	int64_t result;

	if (!ret)
		ret = find(sandbox, folder, path, flags, &found);
	if (ret == -ENOENT && flags & O_CREAT) {
		refuse(sandbox, "create '%s': no option names it", path);
		return -EACCES;
	}
	if (ret)
		return ret;
	result = judge(sandbox, asked, &found, flags);
	close(found.fd);
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
	int ret = asker_read_path(sandbox, asked, asked->data.args[0], path);
	struct found found;
	bool may;

	if (!ret)
		ret = find(sandbox, AT_FDCWD, path, 0, &found);
	if (ret)
		return ret;
	may = found_path(found.fd, real) && found_at(found.fd, real) &&
	      grants_find(sandbox, real) & GRANT_RUN;
	close(found.fd);
	if (may)
		return ANSWER_GO_ON;
	refuse(sandbox, "run the program '%s'", path);
	return -EACCES;
}

/*
 * Modes of files are not a device's to change. A socket that has no name yet takes one of the
 * mode that it has then.
 */
int64_t answer_fchmod(struct sandbox *sandbox, const struct seccomp_notif *asked)
{
	int fd = asker_fd(sandbox, (int)asked->data.args[0]);
	mode_t mode = (mode_t)asked->data.args[1] & 0777;
	int64_t ret = -EBADF;
	struct stat st;

	if (fd < 0)
		return ret;
	if (!fstat(fd, &st) && S_ISSOCK(st.st_mode))
		ret = fchmod(fd, mode) ? -errno : 0;
	else
		ret = refuse(sandbox, "change the mode of a file (fchmod)");
	close(fd);
	return ret;
}
