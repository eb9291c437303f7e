/* SPDX-License-Identifier: MIT */
/*
 * Child processes: started, heard, awaited, ended. All programs that riser runs go through
 * here, and all that it does in a process of its own because it may crash, hang or give up
 * rights.
 *
 * The sandbox's warden (sandbox/enter.c) does not: it is not a child that somebody waits for.
 * It watches its parent, keeps none of its descriptors, and lives as long as that does.
 */
#ifndef RISER_CLI_PROCESS_H
#define RISER_CLI_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Where its standard streams lead. Standard input is empty, unless it is ours. */
enum process_streams {
	PROCESS_SHARED, /* all are ours: the terminal is left to it */
	PROCESS_OUTPUT, /* its output is heard; its errors are ours */
	PROCESS_ANSWER, /* its output is heard; its errors go nowhere */
	PROCESS_ALL,	/* its output and its errors are heard */
};

struct process_config {
	/* A program, looked for in PATH if its name has no '/', and its arguments; or NULL: */
	char *const *words;
	int (*run)(void *arg); /* what the process does; returns its exit status */
	void *arg;
	enum process_streams streams;
	bool group;	  /* of its own: it ends with all that it has started */
	int death_signal; /* what it gets when this process dies; 0: SIGKILL */
	int passed;	  /* becomes its descriptor 3, announced as systemd does; 0: none */
	int debugger; /* a socket: it waits for who connects, its input and output; 0: none */
	const char *folder;  /* its TMPDIR; NULL: ours */
	const char *trouble; /* what stands before the error if the program cannot be run; NULL:
			      * "riser: cannot run PROGRAM: " */
};

struct process {
	pid_t pid;  /* 0: was not started */
	int output; /* what is heard of it, non-blocking; -1: nothing, or no more */
	int status; /* wait's, once it has ended */
	bool ended, group;
};

typedef void process_heard(void *arg, const char *bytes, size_t size);

/* False, with errno, if there can be no process; that a program cannot be run it says itself.
 */
bool process_start(struct process *process, const struct process_config *config);
/* Reads once. False if there was nothing. */
bool process_hear(struct process *process, process_heard *heard, void *arg);
/* Whether it has ended; does not wait. */
bool process_reap(struct process *process);
/*
 * Hears all it says, until nobody is left who could say more, and waits for its end. False if
 * this takes more than so many seconds, 0: any; then it is still to be ended.
 */
bool process_collect(struct process *process, unsigned seconds, process_heard *heard,
		     void *arg);
/*
 * Ends it, and its group: it is asked to, if it has `grace_ms` to tidy up, and killed. Nothing
 * happens to one that has ended, or was not started, but that it is heard no more.
 */
void process_end(struct process *process, int grace_ms);

/*
 * Starts it, hears it and ends it: all that it says, malloc'ed, or NULL if it was not started.
 * One that takes longer than so many seconds, 0: any, is killed.
 */
char *process_ask(const struct process_config *config, unsigned seconds, int *status);

/* "was killed by signal 9 (Killed)" and the like; malloc'ed. */
char *process_fate(const struct process *process);

/* Milliseconds of a clock that only goes forward. */
int64_t now_ms(void);

#endif
