/* SPDX-License-Identifier: MIT */
/*
 * Signals and small steps: every call that can be interrupted is, before each time that it is
 * done, and sockets take and give a few bytes at a time. Nobody may notice.
 */
#include <stdio.h>
#include <unistd.h>

#include "inject.h"
#include "session.h"

static void run(struct stage *stage, const char *name,
		struct outcome (*session)(struct stage *), unsigned most, unsigned long least)
{
	struct holdings before = inject_holdings();
	struct outcome outcome;

	alarm(1200);
	inject_interrupt(most);
	outcome = session(stage);
	inject_stop();
	if (outcome.ret)
		die("%s, %u bytes at a time: %s", name, most, outcome.text);
	if (inject_interrupted() < least)
		die("%s: only %lu calls were interrupted", name, inject_interrupted());
	inject_expect(&before, name);
	printf("%s, %u bytes at a time: %lu interrupted\n", name, most, inject_interrupted());
}

int main(void)
{
	static const unsigned steps[] = { 1, 7, 4000 };
	struct stage stage;

	inject_be(CLIENT);
	stage_begin(&stage);
	session_served(&stage);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		run(&stage, "bench", session_bench, steps[i], 5);
		run(&stage, "served", session_served, steps[i], 300);
		run(&stage, "by message", session_by_message, steps[i], 300);
	}
	stage_end(&stage);
	return 0;
}
