/* SPDX-License-Identifier: MIT */
/*
 * seccomp: system calls that do nothing but what a device is for are the kernel's, all others
 * the warden's to answer. The lists are of what is harmless, so that what is new is asked for.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sandbox/inside.h"

#define CALL(name) SCMP_SYS(name)

/* Of what it has open. TIOCSTI and its like would type into the user's terminal. */
static const unsigned long ioctls[] = {
	FIONREAD,     FIONBIO,	  FIOCLEX,    FIONCLEX,	  TCGETS,      TCSETS,	   TCSETSW,
	TCSETSF,      TIOCGWINSZ, TIOCGPTN,   TIOCSPTLCK, TIOCGPTPEER, TIOCOUTQ,   SIOCATMARK,
	BLKGETSIZE64, BLKSSZGET,  BLKPBSZGET, BLKIOMIN,	  BLKIOOPT,    BLKDISCARD, BLKZEROOUT,
};

/* F_SETOWN and F_SETSIG would have the kernel send signals to others. */
static const unsigned long fcntls[] = {
	F_DUPFD,     F_DUPFD_CLOEXEC, F_GETFD,	    F_SETFD,	  F_GETFL,     F_SETFL,
	F_GETLK,     F_SETLK,	      F_SETLKW,	    F_OFD_GETLK,  F_OFD_SETLK, F_OFD_SETLKW,
	F_ADD_SEALS, F_GET_SEALS,     F_GETPIPE_SZ, F_SETPIPE_SZ, F_GETOWN,
};

static const unsigned long prctls[] = { PR_SET_NAME,	    PR_GET_NAME,     PR_SET_PDEATHSIG,
					PR_CAPBSET_READ,    PR_GET_DUMPABLE, PR_SET_TIMERSLACK,
					PR_GET_NO_NEW_PRIVS };

/* Those of them that there are on this machine; where one is not, its number is negative. */
static int allow(scmp_filter_ctx filter, int call, unsigned count,
		 const struct scmp_arg_cmp *conditions)
{
	return call < 0 ? 0
			: seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, count,
						 conditions);
}

static int allow_masked(scmp_filter_ctx filter, int call, unsigned argument, uint64_t mask,
			uint64_t value)
{
	const struct scmp_arg_cmp condition =
		SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, mask, value);

	return allow(filter, call, 1, &condition);
}

static int allow_each(scmp_filter_ctx filter, int call, unsigned argument,
		      const unsigned long *values, size_t count)
{
	int ret = 0;

	for (size_t i = 0; i < count && !ret; i++)
		ret = allow_masked(filter, call, argument, UINT32_MAX, values[i]);
	return ret;
}

static int allow_socket(scmp_filter_ctx filter, int call, int family, int type)
{
	const struct scmp_arg_cmp conditions[] = {
		SCMP_CMP64(0, SCMP_CMP_MASKED_EQ, UINT32_MAX, (uint64_t)family),
		SCMP_CMP64(1, SCMP_CMP_MASKED_EQ, 0xf, (uint64_t)type),
	};

	return allow(filter, call, 2, conditions);
}

/*
 * A UNIX datagram could be sent to any socket there is, without a connect() that is asked for;
 * an Internet one is the network's, all of it.
 */
static int allow_sockets(scmp_filter_ctx filter, bool network)
{
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM };
	int ret = 0;

	for (unsigned i = 0; i < 2 && !ret; i++) {
		ret = allow_socket(filter, CALL(socket), AF_UNIX, types[i]);
		if (!ret)
			ret = allow_socket(filter, CALL(socketpair), AF_UNIX, types[i]);
	}
	for (unsigned i = 0; i < 3 && !ret && network; i += 2) {
		ret = allow_socket(filter, CALL(socket), AF_INET, types[i]);
		if (!ret)
			ret = allow_socket(filter, CALL(socket), AF_INET6, types[i]);
	}
	return ret;
}

/* What is done to a process: only to this one. */
static int allow_on_self(scmp_filter_ctx filter)
{
	static const int calls[] = { CALL(kill),
				     CALL(tgkill),
				     CALL(rt_sigqueueinfo),
				     CALL(rt_tgsigqueueinfo),
				     CALL(prlimit64),
				     CALL(sched_setaffinity) };
	uint64_t self = (uint64_t)getpid();
	int ret = allow_masked(filter, CALL(prlimit64), 0, UINT32_MAX, 0);

	if (!ret)
		ret = allow_masked(filter, CALL(sched_setaffinity), 0, UINT32_MAX, 0);
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls) && !ret; i++)
		ret = allow_masked(filter, calls[i], 0, UINT32_MAX, self);
	return ret;
}

/* clone3() has its flags where a filter does not see them: clone() is what threads use then. */
static int allow_threads(scmp_filter_ctx filter)
{
	const uint64_t spaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
				CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
	int ret = allow_masked(filter, CALL(clone), 0, CLONE_THREAD | spaces, CLONE_THREAD);

	if (!ret && CALL(clone3) >= 0)
		ret = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), CALL(clone3), 0);
	return ret;
}

static int fill(scmp_filter_ctx filter, const struct sandbox *sandbox)
{
	size_t count;
	const int *calls = harmless_calls(&count);
	int ret = 0;

	for (size_t i = 0; i < count && !ret; i++)
		ret = allow(filter, calls[i], 0, NULL);
	if (!ret)
		ret = allow_each(filter, CALL(ioctl), 1, ioctls,
				 sizeof(ioctls) / sizeof(*ioctls));
	if (!ret)
		ret = allow_each(filter, CALL(fcntl), 1, fcntls,
				 sizeof(fcntls) / sizeof(*fcntls));
	if (!ret)
		ret = allow_each(filter, CALL(prctl), 0, prctls,
				 sizeof(prctls) / sizeof(*prctls));
	if (!ret)
		ret = allow_sockets(filter, sandbox->network);
	if (!ret)
		ret = allow_on_self(filter);
	return ret ? ret : allow_threads(filter);
}

bool filter_enter(const struct sandbox *sandbox, int *notify)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_NOTIFY);
	int ret = filter ? fill(filter, sandbox) : -ENOMEM;

	/* Finding a call in the long list takes as few steps as it can. */
	if (!ret)
		ret = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!ret)
		ret = seccomp_load(filter);
	errno = -ret;
	/* A copy: whether the library closes its own with the filter is its own affair. */
	*notify = ret ? -1 : fcntl(seccomp_notify_fd(filter), F_DUPFD_CLOEXEC, 3);
	if (*notify < 0)
		complain("sandbox: cannot filter system calls: %m; the kernel has to be Linux "
			 "5.9 or newer, with CONFIG_SECCOMP_FILTER; --no-sandbox goes without");
	if (!ret)
		close(seccomp_notify_fd(filter));
	seccomp_release(filter);
	return *notify >= 0;
}
