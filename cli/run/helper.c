/* SPDX-License-Identifier: MIT */
/* A program that is run to its end before the run goes on: provision, build-guest. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "run/run.h"

/* How long a helper that was told to end may take to tidy up, on a slow machine, too. */
enum { GRACE_MS = 60000 };

/*
 * A folder for its temporary files. It is removed with what is left there: a compiler that is
 * told to end may not have noted yet which files it has made. Other users may pass, for who is
 * root in a user namespace.
 */
static char *helper_folder(void)
{
	const char *place = getenv("TMPDIR");
	char *folder = text("%s/riser-XXXXXX", place && *place ? place : "/tmp");

	if (mkdtemp(folder) && !chmod(folder, 0711))
		return folder;
	complain("cannot make a folder for temporary files, %s: %s; set TMPDIR to a place that "
		 "can be written",
		 folder, strerror(errno));
	free(folder);
	return NULL;
}

static void helper_said(void *arg, const char *bytes, size_t size)
{
	fwrite(bytes, 1, size, arg);
}

/* True when it has ended and all it said was heard. */
static bool helper_wait_once(struct process *helper, FILE *to, struct signals *signals)
{
	struct pollfd fds[] = { { helper->output, POLLIN, 0 }, { signals->fd, POLLIN, 0 } };

	if (poll(fds, 2, -1) < 0)
		return false;
	if (fds[0].revents)
		process_hear(helper, helper_said, to);
	if (fds[1].revents)
		signals_take(signals);
	return helper->output < 0 && process_reap(helper);
}

bool helper_run(char *const *arguments, FILE *output, struct signals *signals)
{
	struct process_config config = { .words = arguments,
					 .streams = PROCESS_OUTPUT,
					 .group = true,
					 .death_signal = SIGTERM,
					 .folder = helper_folder() };
	struct process helper;
	bool over = false;

	if (config.folder && process_start(&helper, &config)) {
		while (!over && !signals->caught)
			over = helper_wait_once(&helper, output, signals);
		process_end(&helper, GRACE_MS);
		over = over && !helper.status;
	} else if (config.folder) {
		complain("cannot run %s: %s", arguments[0], strerror(errno));
	}
	scratch_remove((char *)config.folder);
	return over;
}
