/* SPDX-License-Identifier: MIT */
/*
 * A signal that ends a run does not end this program: it is noted, so that the run's processes
 * and files are always taken away. SIGPIPE is among them: `riser run … | head` ends a run too.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "run/run.h"

bool signals_catch(struct signals *signals)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGCHLD };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(ending) / sizeof(*ending); i++)
		sigaddset(&set, ending[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	*signals = (struct signals){ .fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC) };
	if (signals->fd < 0)
		complain("cannot watch for signals: %s", strerror(errno));
	return signals->fd >= 0;
}

void signals_take(struct signals *signals)
{
	struct signalfd_siginfo info;

	while (read(signals->fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGCHLD)
			signals->caught = (int)info.ssi_signo;
	}
}

int signals_status(const struct signals *signals)
{
	if (signals->caught != SIGPIPE)
		complain("interrupted by %s", strsignal(signals->caught));
	return 128 + signals->caught;
}
