/* SPDX-License-Identifier: MIT */
/* What a device gives up before anything of it runs: privileges, and more than its share. */
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/inside.h"

/*
 * Of its own: private memory that it may write. Not its addresses, because the guest's memory
 * takes as many as it has bytes, for each client that maps it.
 */
static const rlim_t DATA = (rlim_t)4 << 30;
/* A client may map its memory in 65,535 pieces; the rest is the device's. */
static const rlim_t FILES = 65535 + 1024;

/* No more than that, soft and hard; less, where there is less already. */
static bool limit(enum __rlimit_resource what, rlim_t most, const char *name)
{
	struct rlimit now;

	if (getrlimit(what, &now)) {
		complain("sandbox: cannot look at the limit of %s: %m", name);
		return false;
	}
	if (now.rlim_max > most)
		now.rlim_max = most;
	if (now.rlim_cur > now.rlim_max)
		now.rlim_cur = now.rlim_max;
	if (!setrlimit(what, &now))
		return true;
	complain("sandbox: cannot limit %s: %m", name);
	return false;
}

/* Those that are kept, one bit each, are among the first 32. */
static bool drop_capabilities(uint32_t kept)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct rest[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	/* Without privileges there is nothing to be dropped, and nothing that may be. */
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	if (kept && syscall(SYS_capget, &header, rest)) {
		complain("sandbox: cannot look at the capabilities: %m");
		return false;
	}
	rest[0].permitted &= kept;
	rest[0].effective = rest[0].permitted;
	rest[0].inheritable = 0;
	rest[1] = (struct __user_cap_data_struct){ 0 };
	if (!syscall(SYS_capset, &header, rest))
		return true;
	complain("sandbox: cannot drop the capabilities: %m");
	return false;
}

bool warden_drop_privileges(void)
{
	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       drop_capabilities(1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH);
}

bool sandbox_drop_privileges(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) {
		complain("sandbox: cannot forbid new privileges: %m");
		return false;
	}
	return drop_capabilities(0) && limit(RLIMIT_DATA, DATA, "memory") &&
	       limit(RLIMIT_NOFILE, FILES, "files") && limit(RLIMIT_CORE, 0, "core dumps") &&
	       limit(RLIMIT_MSGQUEUE, 0, "message queues");
}
