/* SPDX-License-Identifier: MIT */
/*
 * Every allocation and every system call fails once: the scenario is run with the first one
 * failing, then the second, until there are none left. Each time the process lives, says in
 * one line what went wrong if anything did, holds nothing afterwards, and serves the next one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inject.h"
#include "session.h"

enum { SECONDS = 1200 }; /* for one run; a hang ends the test */

#define SHARES 4u

struct place {
	const char *name;
	enum side side;
	struct outcome (*run)(struct stage *stage);
};

/* Whether a failure was told, as it has to be. */
static bool was_said(struct stage *stage, const struct outcome *outcome)
{
	if (!outcome->ret)
		return true;
	/* What the guest sees only as a wrong result has to be told to the user. */
	return outcome->text[0] && (!outcome->wrong || stage_lines(stage));
}

static const char *fail_nth(struct stage *stage, const struct place *place, unsigned nth,
			    enum patience patience, struct outcome *outcome)
{
	const char *fired;

	stage_forget_lines(stage);
	scenario_be_patient(patience);
	inject_fail(place->side, nth);
	*outcome = place->run(stage);
	fired = inject_fired();
	inject_stop();
	scenario_be_patient(LONG);
	return fired;
}

/* One failure; false: there are not so many calls. */
static bool run_once(struct stage *stage, const struct place *place, unsigned nth)
{
	struct holdings before = inject_holdings();
	struct outcome outcome;
	const char *fired;
	char what[128];

	alarm(SECONDS);
	fired = fail_nth(stage, place, nth, BRIEF, &outcome);
	/* On a busy machine it may have been too brief. */
	if (!was_said(stage, &outcome) || (outcome.ret && !fired))
		fired = fail_nth(stage, place, nth, LONG, &outcome);
	snprintf(what, sizeof(what), "%s, call %u: %s", place->name, nth,
		 fired ? fired : "none");
	if (getenv("RISER_FAULTS_VERBOSE"))
		printf("%s: %d '%s' | %s\n", what, outcome.ret, outcome.text, stage->line);
	if (!was_said(stage, &outcome) || (outcome.ret && !fired))
		die("%s: %d '%s' | %s", what, outcome.ret, outcome.text, stage->line);
	inject_expect(&before, what);
	outcome = place->run(stage);
	if (outcome.ret)
		die("%s: the next one fails: %s", what, outcome.text);
	inject_expect(&before, what);
	alarm(0);
	return fired != NULL;
}

/* Every SHARES-th failure: much of the time goes by in waiting for what was lost. */
static void run_share(const struct place *place, unsigned share)
{
	struct stage stage;
	unsigned nth = share;

	stage_begin(&stage);
	place->run(&stage); /* what is made once is made */
	while (run_once(&stage, place, nth))
		nth += SHARES;
	printf("%s: calls %u to %u failed in turn, each %uth\n", place->name, share,
	       nth - SHARES, SHARES);
	stage_end(&stage);
}

static void run_all(const struct place *place)
{
	unsigned failed = 0;
	int status;

	for (unsigned share = 1; share <= SHARES; share++) {
		pid_t child = fork();

		if (child < 0)
			die("fork: %m");
		if (!child) {
			run_share(place, share);
			exit(0);
		}
	}
	while (wait(&status) > 0)
		failed += status != 0;
	if (failed)
		die("%s: %u of %u processes failed", place->name, failed, SHARES);
}

/* Of the places those that are named. */
int main(int argc, char **argv)
{
	static const struct place places[] = {
		{ "bench", CLIENT, session_bench },
		{ "server", SERVER, session_served },
		{ "client", CLIENT, session_served },
		{ "message", SERVER, session_by_message },
	};

	inject_be(CLIENT);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		for (int word = 1; word < argc; word++) {
			if (!strcmp(argv[word], places[i].name))
				run_all(&places[i]);
		}
	}
	return 0;
}
