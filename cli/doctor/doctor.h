/* SPDX-License-Identifier: MIT */
/* riser doctor, in pieces: the host, its QEMUs, a command line of QEMU. */
#ifndef RISER_CLI_DOCTOR_H
#define RISER_CLI_DOCTOR_H

#include <stdint.h>

#include <json-c/json.h>

#include "cli.h"

/* report.c: a line each on standard output: the verdict, what was looked at, what is the case.
 */
struct report {
	unsigned warnings, problems;
};
void report_ok(const char *what, const char *format, ...) __attribute__((format(printf, 2, 3)));
void report_warning(struct report *report, const char *what, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void report_problem(struct report *report, const char *what, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* "1.5 GiB", in a buffer of the caller's. */
struct size_text {
	char text[32];
};
struct size_text size_of(uint64_t bytes);

/* host.c, limits.c, packages.c */
void check_kernel(struct report *report);
void check_kvm(struct report *report);
void check_limits(struct report *report);
void check_packages(struct report *report);
/* packages.c: where the program is, in PATH or in root's; malloc'ed, or NULL. */
char *program_find(const char *program);
/* limits.c: the folder that tools/provision fills; malloc'ed. */
char *cache_folder(void);
/* Bytes that can still be had for a guest's memory. */
uint64_t memory_available(void);

/* qemu.c */
struct qemu {
	char *program, *version;
	bool vfio_user;
};
/* Asks a program what it is. False if it is no QEMU that starts, which was reported. */
bool qemu_ask(struct report *report, const char *what, const char *program, struct qemu *qemu);
void qemu_forget(struct qemu *qemu);
/* Those on this host; at least one has to have vfio-user-pci. */
void check_qemus(struct report *report);

/* words.c: QEMU's command line, taken apart. */
struct line_option {
	const char *name;  /* without its dashes */
	const char *value; /* or "" */
};
struct line {
	const char *program; /* or NULL */
	struct line_option *options;
	size_t count;
};
void line_take(char **words, struct line *line);
void line_forget(struct line *line);
/*
 * "first,key=value,…" or JSON, as an object of strings (for JSON: as it is); the first word, if
 * it has no key, is `implied`'s. NULL: it is no JSON though it begins so, *why says it.
 */
struct json_object *line_object(const char *value, const char *implied, const char **why);
/* A string of it, or NULL. */
const char *object_word(struct json_object *object, const char *key);
/* 1: on; 0: off; -1: not there. */
int object_switch(struct json_object *object, const char *key);
/* A size with a suffix as QEMU has it; plain numbers count `unit`. 0: it is none. */
uint64_t line_size(const char *word, uint64_t unit);
/* What there is of the name, merged: the last one of a key counts. NULL: none. */
struct json_object *line_merged(const struct line *line, const char *name, const char *alias,
				const char *implied);

/* line_memory.c, line_device.c, line.c */
void check_line_memory(struct report *report, const struct line *line);
/* line_socket.c */
void check_socket(struct report *report, const char *path);
void check_line_devices(struct report *report, const struct line *line);
void check_line(struct report *report, char **words);

#endif
