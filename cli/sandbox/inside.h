/* SPDX-License-Identifier: MIT */
/* The sandbox, in pieces: what is granted, how it is enforced, who answers. */
#ifndef RISER_CLI_SANDBOX_INSIDE_H
#define RISER_CLI_SANDBOX_INSIDE_H

#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/types.h>

#include "sandbox/sandbox.h"

/* ---- What is granted ---- */

enum grant_flags {
	GRANT_READ = 1 << 0,
	GRANT_WRITE = 1 << 1,
	GRANT_RUN = 1 << 2,	/* may be executed */
	GRANT_LIST = 1 << 3,	/* a folder whose names may be read */
	GRANT_BENEATH = 1 << 4, /* holds for all in the folder */
	GRANT_CODE = 1 << 5,	/* … that is code by its name: shared objects, Python's */
	GRANT_CONNECT = 1 << 6, /* a UNIX socket */
	GRANT_LISTEN = 1 << 7,	/* … to be made and removed */
};

struct grant {
	char *path; /* absolute, without symbolic links */
	unsigned flags;
};

struct sandbox {
	const char *name; /* the device's */
	bool quiet;	  /* says nothing of what it refuses */
	bool network, terminal;
	struct grant *grants;
	size_t count;
	/* The warden's. */
	pid_t pid;  /* the device's */
	int notify; /* seccomp's */
	unsigned long refused;
};

/* grants.c: a path that is not there is left out. */
void grant_add(struct sandbox *sandbox, const char *path, unsigned flags);
/* The same for a socket, which need not be there. */
void grant_add_socket(struct sandbox *sandbox, const char *path, unsigned flags);
/* All that is granted for the real path of something there is. */
unsigned grants_find(const struct sandbox *sandbox, const char *path);
/* A path whose last name need not be there, without symbolic links before it; or NULL. */
char *real_place(const char *path);
void grants_free(struct sandbox *sandbox);

/* policy.c: what the device needs to be loaded at all. */
void policy_add_system(struct sandbox *sandbox);
void policy_add_device(struct sandbox *sandbox, const struct device_spec *spec);

/*
 * reach.c: asks the model, contained in `sandbox`, which of its options name what, and grants
 * it.
 */
bool reach_add(struct sandbox *sandbox, const struct device_spec *spec);

/* ---- How it is enforced ---- */

/* These complain and return false if they cannot. */
bool sandbox_drop_privileges(void); /* privileges.c: for good; and limits */
/* All but what opens the files that root's options name, whoever owns them. */
bool warden_drop_privileges(void);
bool landlock_enter(const struct sandbox *sandbox);
/* harmless.c: calls that are not on this machine have negative numbers. */
const int *harmless_calls(size_t *count);
bool filter_enter(const struct sandbox *sandbox, int *notify);

/* enter.c: contains this process as granted. */
bool sandbox_contain(struct sandbox *sandbox);

/* ---- Who answers ---- */

/* What is given back instead of a result: the kernel may go on with the call. */
#define ANSWER_GO_ON INT64_MIN

/* warden.c: answers until the device has gone. */
void warden_run(struct sandbox *sandbox);
/* One line. Returns -EPERM; refuse_file() -EACCES. */
int64_t refuse(struct sandbox *sandbox, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Copies from the memory of the thread that asks; false: it is not there, or it is gone. */
bool asker_read(const struct sandbox *sandbox, const struct seccomp_notif *asked,
		uint64_t address, void *to, size_t length);
/* A string: 0, -EFAULT, or -ENAMETOOLONG. */
int asker_read_path(const struct sandbox *sandbox, const struct seccomp_notif *asked,
		    uint64_t address, char path[4096]);
/* The asker's descriptor, as one of ours, or -1. */
int asker_fd(const struct sandbox *sandbox, int fd);
/* Gives it a descriptor, which is closed here: its number, or negative errno. */
int64_t asker_give(const struct sandbox *sandbox, const struct seccomp_notif *asked, int fd,
		   bool cloexec);

/* find.c: what a path of the device's leads to. */
struct found {
	int fd;		 /* cannot be used but to find it again, if it is not its own */
	bool own;	 /* a descriptor of the device's */
	unsigned access; /* … which it has for this: GRANT_READ, GRANT_WRITE */
};
/* 0, with a descriptor to be closed; or -errno. Follows no link of a process's. */
int find(struct sandbox *sandbox, int folder, char path[4096], uint64_t flags,
	 struct found *found);
/* Where it is in /proc/self/fd, and the path that this leads to, which may be that of nothing.
 */
int found_link(int fd, char link[32]);
bool found_path(int fd, char real[4096]);
/* Whether it is there for us too: in no other mount namespace, no other /proc, not deleted. */
bool found_at(int fd, const char *real);

/* files.c, sockets.c, uring.c: each the answer to a system call. */
int64_t answer_open(struct sandbox *sandbox, const struct seccomp_notif *asked);
int64_t answer_openat(struct sandbox *sandbox, const struct seccomp_notif *asked);
int64_t answer_openat2(struct sandbox *sandbox, const struct seccomp_notif *asked);
int64_t answer_creat(struct sandbox *sandbox, const struct seccomp_notif *asked);
int64_t answer_execve(struct sandbox *sandbox, const struct seccomp_notif *asked);
int64_t answer_fchmod(struct sandbox *sandbox, const struct seccomp_notif *asked);
int64_t answer_unlink(struct sandbox *sandbox, const struct seccomp_notif *asked);
int64_t answer_unlinkat(struct sandbox *sandbox, const struct seccomp_notif *asked);
int64_t answer_socket(struct sandbox *sandbox, const struct seccomp_notif *asked);
int64_t answer_bind(struct sandbox *sandbox, const struct seccomp_notif *asked);
int64_t answer_connect(struct sandbox *sandbox, const struct seccomp_notif *asked);
int64_t answer_io_uring(struct sandbox *sandbox, const struct seccomp_notif *asked);

#endif
