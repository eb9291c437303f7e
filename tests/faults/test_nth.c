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
#include "scenario.h"
#include "stage.h"

enum { SECONDS = 12 }; /* for one run; a hang ends the test */

struct place {
	const char *name;
	enum side side;
	struct outcome (*run)(struct stage *stage);
};

static struct outcome refused(int ret, const struct riser_error *error)
{
	struct outcome outcome = { .ret = ret };

	memcpy(outcome.text, error->text, sizeof(outcome.text));
	return outcome;
}

static struct outcome on_bench(struct stage *stage)
{
	struct riser_host_config config = { .size = sizeof(config),
					    .log = stage_log,
					    .log_arg = stage };
	struct riser_error error = { "" };
	struct riser_host *host;
	struct outcome outcome;
	int ret = riser_bench_create(stage->model, &config, &host, &error);

	if (ret)
		return refused(ret, &error);
	outcome = scenario_run(host);
	riser_host_destroy(host);
	return outcome;
}

static struct outcome connect_and_run(struct stage *stage)
{
	struct riser_host_config config = { .size = sizeof(config) };
	struct riser_error error = { "" };
	struct riser_host *host;
	struct outcome outcome;
	int ret = riser_client_create(stage->path, &config, &host, &error);

	if (ret)
		return refused(ret, &error);
	outcome = scenario_run(host);
	riser_host_destroy(host);
	return outcome;
}

/* A server, from its start to its end. If it lives on after a failure, it serves the next. */
static struct outcome with_server(struct stage *stage)
{
	int ret = stage_serve(stage);
	struct outcome outcome, next;

	if (ret)
		return refused(ret, &stage->error);
	outcome = connect_and_run(stage);
	if (outcome.ret) {
		next = connect_and_run(stage);
		if (next.ret && !stage_is_over(stage))
			die("%s, then to the next client: %s", outcome.text, next.text);
	}
	stage_stop(stage);
	return outcome;
}

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

int main(void)
{
	static const struct place places[] = {
		{ "bench", CLIENT, on_bench },
		{ "server", SERVER, with_server },
		{ "client", CLIENT, with_server },
	};
	struct stage stage;

	inject_be(CLIENT);
	setvbuf(stdout, NULL, _IOLBF, 0);
	stage_begin(&stage);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		run_all(&stage, &places[i]);
	stage_end(&stage);
	return 0;
}
