/* SPDX-License-Identifier: MIT */
/*
 * Landlock: the device's process opens nothing itself, the warden does. What stays is to run
 * the program that it is. The numbers are the kernel's, newer than the headers of today's
 * distributions.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/inside.h"

/* struct landlock_ruleset_attr, as of ABI 6. */
struct ruleset {
	uint64_t fs, net, scoped;
};

enum {
	FS_RIGHTS_1 = 13, /* how many rights there are from ABI 1 on, 2, 3 and 5 */
	FS_RIGHTS_2 = 14,
	FS_RIGHTS_3 = 15,
	FS_RIGHTS_5 = 16,
	FS_RUN = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE,
	FS_TERMINAL = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
		      1 << 15, /* … and ioctl() on devices, of ABI 5 */
	NET_TCP = 3,	       /* to bind and to connect, from ABI 4 on */
	SCOPE_ALL = 3,	       /* abstract sockets and signals, from ABI 6 on */
};

static struct ruleset rights_of(int abi, bool network)
{
	int fs = abi >= 5   ? FS_RIGHTS_5
		 : abi >= 3 ? FS_RIGHTS_3
		 : abi == 2 ? FS_RIGHTS_2
			    : FS_RIGHTS_1;

	return (struct ruleset){
		.fs = (UINT64_C(1) << fs) - 1,
		.net = abi >= 4 && !network ? NET_TCP : 0,
		.scoped = abi >= 6 ? SCOPE_ALL : 0,
	};
}

static size_t size_of(int abi)
{
	return abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
}

static bool allow(int rules, const char *path, uint64_t rights)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = rights,
		.parent_fd = open(path, O_PATH | O_CLOEXEC),
	};
	bool ok = rule.parent_fd >= 0 &&
		  !syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);

	if (!ok)
		complain("sandbox: cannot allow '%s' in Landlock: %m", path);
	if (rule.parent_fd >= 0)
		close(rule.parent_fd);
	return ok;
}

/* The other end of a pseudo-terminal is opened by an ioctl on the one end, not by its path. */
static bool fill(int rules, const struct sandbox *sandbox, uint64_t known)
{
	bool ok = !sandbox->terminal || allow(rules, "/dev/pts", known & FS_TERMINAL);

	for (size_t i = 0; i < sandbox->count && ok; i++)
		ok = !(sandbox->grants[i].flags & GRANT_RUN) ||
		     allow(rules, sandbox->grants[i].path, FS_RUN);
	return ok;
}

bool landlock_enter(const struct sandbox *sandbox)
{
	int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
			       LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset attributes;
	bool ok;
	int rules;

	if (abi < 0) {
		if (!sandbox->quiet)
			say("sandbox: this kernel has no Landlock (%m): files and sockets are "
			    "guarded by seccomp alone");
		return true;
	}
	attributes = rights_of(abi, sandbox->network);
	rules = (int)syscall(SYS_landlock_create_ruleset, &attributes, size_of(abi), 0);
	if (rules < 0) {
		complain("sandbox: cannot make rules of Landlock: %m");
		return false;
	}
	ok = fill(rules, sandbox, attributes.fs);
	if (ok && syscall(SYS_landlock_restrict_self, rules, 0)) {
		complain("sandbox: cannot enter Landlock: %m");
		ok = false;
	}
	close(rules);
	return ok;
}
