/* SPDX-License-Identifier: MIT */
/*
 * Every allocation and every system call fails once: the scenario is run with the first one
 * failing, then the second, until there are none left. Each time the process lives, says in
 * one line what went wrong if anything did, holds nothing afterwards, and serves the next one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "inject.h"
#include "session.h"

enum { SECONDS = 12 }; /* for one run; a hang ends the test */

struct place {
	const char *name;
	enum side side;
	struct outcome (*run)(struct stage *stage);
};

static void check_said(struct stage *stage, const struct outcome *outcome, const char *what)
{
	if (!outcome->ret)
		return;
	if (!outcome->text[0])
		die("%s: %d, and nothing is said", what, outcome->ret);
	/* What the guest sees only as a wrong result has to be told to the user. */
	if (outcome->wrong && !stage->lines)
		die("%s: nothing is logged about '%s'", what, outcome->text);
}

/* One failure; false: there are not so many calls. */
static bool run_once(struct stage *stage, const struct place *place, unsigned nth)
{
	struct holdings before = inject_holdings();
	struct outcome outcome;
	const char *fired;
	char what[128];

	stage_forget_lines(stage);
	alarm(SECONDS);
	inject_fail(place->side, nth);
	outcome = place->run(stage);
	fired = inject_fired();
	inject_stop();
	snprintf(what, sizeof(what), "%s, call %u: %s", place->name, nth,
		 fired ? fired : "none");
	if (getenv("RISER_FAULTS_VERBOSE"))
		printf("%s: %d '%s' | %s\n", what, outcome.ret, outcome.text, stage->line);
	if (!fired && outcome.ret)
		die("%s: %s", what, outcome.text);
	check_said(stage, &outcome, what);
	stage_forget_lines(stage);
	inject_expect(&before, what);
	outcome = place->run(stage);
	if (outcome.ret)
		die("%s: the next one fails: %s", what, outcome.text);
	inject_expect(&before, what);
	alarm(0);
	return fired != NULL;
}

static void run_all(struct stage *stage, const struct place *place)
{
	unsigned nth = 1;

	place->run(stage); /* what is made once is made */
	while (run_once(stage, place, nth))
		nth++;
	printf("%s: %u calls failed in turn\n", place->name, nth - 1);
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
	struct stage stage;

	inject_be(CLIENT);
	setvbuf(stdout, NULL, _IOLBF, 0);
	stage_begin(&stage);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		for (int word = 1; word < argc; word++) {
			if (!strcmp(argv[word], places[i].name))
				run_all(&stage, &places[i]);
		}
	}
	stage_end(&stage);
	return 0;
}
