/* SPDX-License-Identifier: MIT */
/* The tool's child processes: what they inherit, what is heard of them, and how they end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process.h"

/* Ends a test that hangs; nothing is measured by it. */
enum { LONG_S = 600 };

static char *ask(const char *shell, enum process_streams streams, int *status)
{
	char *const words[] = { (char *)"sh", (char *)"-c", (char *)shell, NULL };
	struct process_config config = { .words = words, .streams = streams, .group = true };

	return process_ask(&config, LONG_S, status);
}

static void is_heard(void **state)
{
	static const struct {
		const char *shell;
		enum process_streams streams;
		const char *said;
		int code;
	} cases[] = {
		{ "echo out; exit 3", PROCESS_OUTPUT, "out\n", 3 },
		{ "echo out; echo error >&2", PROCESS_ALL, "out\nerror\n", 0 },
		{ "echo out; echo error >&2", PROCESS_ANSWER, "out\n", 0 },
		{ "cat; echo end", PROCESS_OUTPUT, "end\n", 0 }, /* its input is empty */
		{ "(exec >&2; echo no) 2>/dev/null; exit 4", PROCESS_ALL, "", 4 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int status = -1;
		char *said = ask(cases[i].shell, cases[i].streams, &status);

		assert_string_equal(said, cases[i].said);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), cases[i].code);
		free(said);
	}
}

static void cannot_be_run(void **state)
{
	char *const words[] = { (char *)"/nonexistent/program", NULL };
	struct process_config config = { .words = words, .streams = PROCESS_ALL };
	int status = -1;
	char *said;

	(void)state;
	said = process_ask(&config, LONG_S, &status);
	assert_string_equal(said, "riser: cannot run /nonexistent/program: "
				  "No such file or directory\n");
	assert_int_equal(WEXITSTATUS(status), 127);
	free(said);
	config.trouble = "trouble: ";
	said = process_ask(&config, LONG_S, &status);
	assert_string_equal(said, "trouble: No such file or directory\n");
	free(said);
}

static void passes_a_descriptor(void **state)
{
	char *const words[] = {
		(char *)"sh", (char *)"-c",
		(char *)"cat <&3; echo $((LISTEN_PID - $$)) $LISTEN_FDS $TMPDIR", NULL
	};
	struct process_config config = { .words = words,
					 .streams = PROCESS_OUTPUT,
					 .folder = "/folder" };
	int ends[2], status = -1;
	char *said;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(write(ends[1], "passed ", 7), 7);
	close(ends[1]);
	config.passed = ends[0];
	said = process_ask(&config, LONG_S, &status);
	assert_string_equal(said, "passed 0 1 /folder\n");
	close(ends[0]);
	free(said);
}

static int give_number(void *arg)
{
	return *(int *)arg;
}

static void runs_a_function(void **state)
{
	int number = 42;
	struct process_config config = { .run = give_number, .arg = &number };
	struct process process;

	(void)state;
	assert_true(process_start(&process, &config));
	assert_true(process_collect(&process, LONG_S, NULL, NULL));
	assert_int_equal(WEXITSTATUS(process.status), 42);
	process_end(&process, 0);
}

/* Signals that are blocked here are not blocked there. */
static void has_no_mask(void **state)
{
	sigset_t set, before;
	int status = -1;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &before);
	free(ask("kill $$; echo blocked", PROCESS_OUTPUT, &status));
	sigprocmask(SIG_SETMASK, &before, NULL);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
}

static void note(void *arg, const char *bytes, size_t size)
{
	char *said = arg;

	strncat(said, bytes, size);
}

/* Starts it and hears its first word. */
static void start(struct process *process, const char *shell)
{
	char *const words[] = { (char *)"sh", (char *)"-c", (char *)shell, NULL };
	struct process_config config = { .words = words,
					 .streams = PROCESS_OUTPUT,
					 .group = true };
	char said[64] = "";

	assert_true(process_start(process, &config));
	while (!strstr(said, "started"))
		process_hear(process, note, said);
}

/* A process that is over in time is the only one that is collected. */
static void is_given_up(void **state)
{
	struct process process;
	char said[64] = "";

	(void)state;
	start(&process, "trap '' TERM; echo started; while :; do sleep 60; done");
	assert_false(process_collect(&process, 1, note, said));
	assert_false(process.ended);
	process_end(&process, 0);
	assert_true(process.ended);
	assert_int_equal(WTERMSIG(process.status), SIGKILL);
	assert_int_equal(process.output, -1);
}

/* Nor does it help to say no more and go on. */
static void is_given_up_when_silent(void **state)
{
	struct process process;
	char said[64] = "";

	(void)state;
	start(&process, "echo started; exec >/dev/null; while :; do sleep 60; done");
	assert_false(process_collect(&process, 1, note, said));
	process_end(&process, 0);
	assert_int_equal(WTERMSIG(process.status), SIGKILL);
}

/* The group is gone, too, which its pipe tells: nobody else has it. */
static void ends_its_group(void **state)
{
	struct process process;
	int ends[2];
	char byte;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	start(&process, "sh -c 'echo started; while :; do sleep 60; done' & wait");
	close(ends[1]);
	process_end(&process, 0);
	assert_int_equal(read(ends[0], &byte, 1), 0);
	close(ends[0]);
}

/* Who was asked to end has the time to tidy up. */
static void ends_gently(void **state)
{
	struct process process;

	(void)state;
	start(&process, "trap 'exit 7' TERM; sh -c 'echo started; sleep 600; :' & wait");
	process_end(&process, LONG_S * 1000);
	assert_true(WIFEXITED(process.status));
	assert_int_equal(WEXITSTATUS(process.status), 7);
}

/* One that was never started has no descriptor to close. */
static void is_not_there(void **state)
{
	struct process process = { 0 };

	(void)state;
	process_end(&process, LONG_S * 1000);
	assert_int_not_equal(fcntl(STDIN_FILENO, F_GETFD), -1);
}

static void tells_its_fate(void **state)
{
	struct process killed = { .status = SIGKILL }, ended = { .status = 5 << 8 };
	char *words = process_fate(&killed);

	(void)state;
	assert_string_equal(words, "was killed by signal 9 (Killed)");
	free(words);
	words = process_fate(&ended);
	assert_string_equal(words, "ended with status 5");
	free(words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_heard),
		cmocka_unit_test(cannot_be_run),
		cmocka_unit_test(passes_a_descriptor),
		cmocka_unit_test(runs_a_function),
		cmocka_unit_test(has_no_mask),
		cmocka_unit_test(is_given_up),
		cmocka_unit_test(is_given_up_when_silent),
		cmocka_unit_test(ends_its_group),
		cmocka_unit_test(ends_gently),
		cmocka_unit_test(is_not_there),
		cmocka_unit_test(tells_its_fate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
