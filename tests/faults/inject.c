/* SPDX-License-Identifier: MIT */
#include "inject.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>

static _Thread_local enum side ours;
static atomic_int armed = -1; /* a side */
static atomic_uint calls, failing;
static const char *_Atomic fired;
static atomic_uint most; /* 0: nothing is interrupted */
static atomic_ulong interruptions;
static atomic_long blocks, mappings;

void inject_be(enum side side)
{
	ours = side;
}

void inject_fail(enum side side, unsigned nth)
{
	calls = 0;
	failing = nth;
	fired = NULL;
	armed = (int)side;
}

void inject_interrupt(unsigned bytes)
{
	interruptions = 0;
	most = bytes;
}

void inject_stop(void)
{
	armed = -1;
	most = 0;
}

const char *inject_fired(void)
{
	return fired;
}

unsigned long inject_interrupted(void)
{
	return interruptions;
}

static bool fails(const char *name, int error)
{
	if (armed != (int)ours || ++calls != failing)
		return false;
	fired = name;
	errno = error;
	return true;
}

/* Each call is, and the next one of its kind, which is its repetition, is not. */
static bool interrupted(bool *before)
{
	if (!most)
		return false;
	*before = !*before;
	if (*before) {
		interruptions++;
		errno = EINTR;
	}
	return *before;
}

struct holdings inject_holdings(void)
{
	struct holdings now = { blocks, mappings, 0 };
	DIR *fds = opendir("/proc/self/fd");

	while (fds && readdir(fds))
		now.fds++;
	if (fds)
		closedir(fds);
	return now;
}

void inject_compare(const struct holdings *before, const struct holdings *after,
		    const char *what)
{
	if (!memcmp(after, before, sizeof(*after)))
		return;
	fprintf(stderr, "%s: %+ld blocks, %+ld mappings, %+ld descriptors left\n", what,
		after->blocks - before->blocks, after->mappings - before->mappings,
		after->fds - before->fds);
	abort();
}

void inject_expect(const struct holdings *before, const char *what)
{
	struct holdings now = inject_holdings();

	inject_compare(before, &now, what);
}

/* ---- Memory ---- */

#define DECLARE(type, name, ...)                                                               \
	type __real_##name(__VA_ARGS__);                                                       \
	type __wrap_##name(__VA_ARGS__)

static void *count_block(void *block)
{
	if (block)
		blocks++;
	return block;
}

DECLARE(void *, malloc, size_t size);
void *__wrap_malloc(size_t size)
{
	return fails("malloc", ENOMEM) ? NULL : count_block(__real_malloc(size));
}

DECLARE(void *, calloc, size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
	return fails("calloc", ENOMEM) ? NULL : count_block(__real_calloc(count, size));
}

DECLARE(void *, realloc, void *block, size_t size);
void *__wrap_realloc(void *block, size_t size)
{
	void *moved = fails("realloc", ENOMEM) ? NULL : __real_realloc(block, size);

	return block ? moved : count_block(moved);
}

DECLARE(char *, strdup, const char *text);
char *__wrap_strdup(const char *text)
{
	return fails("strdup", ENOMEM) ? NULL : count_block(__real_strdup(text));
}

DECLARE(void, free, void *block);
void __wrap_free(void *block)
{
	if (block)
		blocks--;
	__real_free(block);
}

DECLARE(void *, mmap64, void *at, size_t size, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
	void *got = fails("mmap", ENOMEM) ? MAP_FAILED
					  : __real_mmap64(at, size, prot, flags, fd, offset);

	if (got != MAP_FAILED && !(flags & MAP_FIXED))
		mappings++;
	return got;
}

DECLARE(int, munmap, void *at, size_t size);
int __wrap_munmap(void *at, size_t size)
{
	mappings--;
	return __real_munmap(at, size);
}

/* ---- Calls that only fail ---- */

#define FAILS(type, name, code, bad, parameters, arguments)                                    \
	type __real_##name parameters;                                                         \
	type __wrap_##name parameters;                                                         \
	type __wrap_##name parameters                                                          \
	{                                                                                      \
		return fails(#name, code) ? (bad) : __real_##name arguments;                   \
	}

struct json_tokener;
struct json_object;

/* membarrier(2), which has no function of its own. */
FAILS(long, syscall, ENOSYS, -1, (long number, long a, long b, long c, long d, long e, long f),
      (number, a, b, c, d, e, f))
FAILS(int, epoll_create1, EMFILE, -1, (int flags), (flags))
FAILS(int, eventfd, EMFILE, -1, (unsigned count, int flags), (count, flags))
FAILS(int, fcntl64, EBADF, -1, (int fd, int command, long argument), (fd, command, argument))
FAILS(int, fstat64, EIO, -1, (int fd, struct stat *st), (fd, st))
FAILS(int, lstat64, EIO, -1, (const char *path, struct stat *st), (path, st))
FAILS(int, fstatfs64, EIO, -1, (int fd, struct statfs *st), (fd, st))
FAILS(int, fchmod, EPERM, -1, (int fd, mode_t mode), (fd, mode))
FAILS(int, ftruncate64, ENOSPC, -1, (int fd, off_t size), (fd, size))
FAILS(int, fallocate64, ENOSPC, -1, (int fd, int mode, off_t offset, off_t size),
      (fd, mode, offset, size))
FAILS(int, memfd_create, EMFILE, -1, (const char *name, unsigned flags), (name, flags))
FAILS(int, socket, EMFILE, -1, (int domain, int type, int protocol), (domain, type, protocol))
FAILS(int, bind, EACCES, -1, (int fd, const struct sockaddr *at, socklen_t size),
      (fd, at, size))
FAILS(int, listen, EADDRINUSE, -1, (int fd, int backlog), (fd, backlog))
FAILS(int, getsockopt, ENOBUFS, -1, (int fd, int level, int name, void *value, socklen_t *size),
      (fd, level, name, value, size))
FAILS(int, setsockopt, ENOBUFS, -1,
      (int fd, int level, int name, const void *value, socklen_t size),
      (fd, level, name, value, size))
FAILS(int, pthread_create, EAGAIN, EAGAIN,
      (pthread_t * thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg),
      (thread, attr, run, arg))
FAILS(struct json_tokener *, json_tokener_new_ex, ENOMEM, NULL, (int depth), (depth))
FAILS(struct json_object *, json_tokener_parse, ENOMEM, NULL, (const char *text), (text))
FAILS(struct json_object *, json_tokener_parse_ex, ENOMEM, NULL,
      (struct json_tokener * tokener, const char *text, int size), (tokener, text, size))

/* Nothing keeps the kernel from forgetting what it was told of. */
DECLARE(int, epoll_ctl, int epoll, int op, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
	if (op != EPOLL_CTL_DEL && fails("epoll_ctl", ENOSPC))
		return -1;
	return __real_epoll_ctl(epoll, op, fd, event);
}

/* ---- Calls that may be interrupted ---- */

#define WAITS(type, name, code, parameters, arguments)                                         \
	type __real_##name parameters;                                                         \
	type __wrap_##name parameters;                                                         \
	type __wrap_##name parameters                                                          \
	{                                                                                      \
		static _Thread_local bool before;                                              \
                                                                                               \
		if (fails(#name, code) || interrupted(&before))                                \
			return -1;                                                             \
		return __real_##name arguments;                                                \
	}

WAITS(int, epoll_pwait2, ENOMEM,
      (int epoll, struct epoll_event *events, int count, const struct timespec *timeout,
       const sigset_t *mask),
      (epoll, events, count, timeout, mask))
WAITS(int, poll, ENOMEM, (struct pollfd * fds, nfds_t count, int timeout),
      (fds, count, timeout))
WAITS(int, ppoll, ENOMEM,
      (struct pollfd * fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask),
      (fds, count, timeout, mask))
WAITS(int, accept4, EMFILE, (int fd, struct sockaddr *from, socklen_t *size, int flags),
      (fd, from, size, flags))
WAITS(int, connect, ECONNREFUSED, (int fd, const struct sockaddr *to, socklen_t size),
      (fd, to, size))
WAITS(ssize_t, read, EIO, (int fd, void *to, size_t size), (fd, to, size))
WAITS(ssize_t, write, EIO, (int fd, const void *from, size_t size), (fd, from, size))

WAITS(int, fdatasync, EIO, (int fd), (fd))
WAITS(ssize_t, preadv64, EIO, (int fd, const struct iovec *iov, int count, off_t offset),
      (fd, iov, count, offset))
WAITS(ssize_t, pwritev64, ENOSPC, (int fd, const struct iovec *iov, int count, off_t offset),
      (fd, iov, count, offset))

static size_t shorter(size_t size)
{
	return most && size > most ? most : size;
}

DECLARE(ssize_t, send, int fd, const void *from, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *from, size_t size, int flags)
{
	static _Thread_local bool before;

	if (fails("send", ECONNRESET) || interrupted(&before))
		return -1;
	return __real_send(fd, from, shorter(size), flags);
}

/* No more than the first piece of a message, and not all of that. */
static void shorten(struct msghdr *message, struct iovec *piece)
{
	if (!most)
		return;
	*piece = (struct iovec){ 0 };
	for (size_t i = 0; i < message->msg_iovlen && !piece->iov_len; i++)
		*piece = message->msg_iov[i];
	piece->iov_len = shorter(piece->iov_len);
	message->msg_iov = piece;
	message->msg_iovlen = 1;
}

DECLARE(ssize_t, sendmsg, int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
	static _Thread_local bool before;
	struct msghdr less = *message;
	struct iovec piece;

	if (fails("sendmsg", ECONNRESET) || interrupted(&before))
		return -1;
	shorten(&less, &piece);
	return __real_sendmsg(fd, &less, flags);
}

DECLARE(ssize_t, recvmsg, int fd, struct msghdr *message, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags)
{
	static _Thread_local bool before;
	struct iovec *whole = message->msg_iov, piece;
	size_t count = message->msg_iovlen;
	ssize_t got;

	if (fails("recvmsg", ECONNRESET) || interrupted(&before))
		return -1;
	shorten(message, &piece);
	got = __real_recvmsg(fd, message, flags);
	message->msg_iov = whole;
	message->msg_iovlen = count;
	return got;
}
