/* SPDX-License-Identifier: MIT */
/* What the commands share. */
#ifndef RISER_CLI_H
#define RISER_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <riser/serve.h>

/* Exit statuses. SKIP is what test runners know. */
enum { CLI_OK = 0, CLI_FAIL = 1, CLI_USAGE = 2, CLI_SKIP = 77 };

struct command {
	const char *name;
	const char *summary;
	int (*run)(int argc, char **argv); /* argv[0] is "riser NAME" */
};

int cmd_list(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_fuzz(int argc, char **argv);
int cmd_image(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_new(int argc, char **argv);
int cmd_poke(int argc, char **argv);
int cmd_regs(int argc, char **argv);
int cmd_ssh(int argc, char **argv);

/* say.c: one line on standard error, "riser: …". Returns CLI_FAIL. */
int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The word among `words` (NULL-terminated) that was probably meant, or NULL. */
const char *nearest(const char *word, const char *const *words);
/* asprintf that ends the program without memory. */
char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* kvm.c: NULL if /dev/kvm runs the CPU of an ordinary guest; else why not. */
const char *kvm_trouble(void);

/*
 * numbers.c: decimal digits, or 0x and hexadecimal ones; zeroes in front mean nothing, as in
 * the options of devices. False: it is no number of 64 bits, or something follows it, which may
 * be where `rest` is not NULL.
 */
bool number_parse(const char *word, uint64_t *value, const char **rest);
bool number_within(const char *word, uint64_t least, uint64_t most, uint64_t *value);

/*
 * options.c: the words of "DEVICE,name=value,…", QEMU's as well; strings are malloc'ed. A
 * device argument's first word, and its options as they stand there, or NULL; and the reverse.
 */
char *options_behind(const char *argument, const char **options);
char *options_join(const char *first, const char *options);
/* Cuts the first word of *rest off, each of its commas once, and moves on; NULL: no more. */
char *options_next(char **rest);
/* A word with its commas doubled. */
char *options_quote(const char *word);
/* Where the option's value ends in the path, which is all of it or follows a ':'; or NULL. */
char *option_path(char *option, const char *path);

/* arguments.c: argp_parse() and argp_error() with complaints of one line; exit with CLI_USAGE.
 */
struct argp;
struct argp_state;
int arguments_parse(const struct argp *argp, int argc, char **argv, void *input);
/* Cuts argv at "--"; what follows it, QEMU's words, or NULL. */
char **arguments_behind_dashes(int *argc, char **argv);
void misused(const struct argp_state *state, const char *format, ...)
	__attribute__((format(printf, 2, 3), noreturn));

/* places.c: where things are, in the build tree or installed. Owned by the callee. */
const char *place_of_data(void);    /* the folder of the template */
const char *place_of_tools(void);   /* the folder of provision and build-guest */
const char *place_of_models(void);  /* the folder of the shipped models' .so */
const char *place_of_devices(void); /* the folder of the shipped devices' folders */
const char *place_of_library(void); /* the folder of libriser */
const char *place_of_package(void); /* the folder of riser.pc, for pkg-config */
const char *place_of_python(void);  /* the folder of the Python module */
const char *place_of_self(void);    /* this program */
char *place_of_cache(void);	    /* what was fetched and built; malloc'ed */

/* models.c */
struct device_spec {
	char *model;	     /* path of the .so, or NULL: */
	char *program;	     /* path of the program that is the device */
	char *interpreter;   /* what runs it, where it names one for env(1) to find; or NULL */
	char *folder;	     /* the device's folder, or NULL */
	char *name;	     /* the device's */
	const char *options; /* after the first comma, or NULL */
};

/*
 * Finds the model or program that NAME_OR_PATH[,option=value…] means. Complains and returns
 * false if there is none. A folder that holds a meson.build or a Cargo.toml is built first.
 */
bool device_find(const char *argument, struct device_spec *spec);
/* The same for what has to look into the model: complains about a program, too. */
bool device_find_model(const char *argument, struct device_spec *spec);
void device_forget(struct device_spec *spec);

/* interpreter.c: malloc'ed, or NULL: the kernel knows how to run the program, or nobody does.
 */
char *interpreter_find(const char *program);

/*
 * program.c: the command that serves it, on the socket that systemd's protocol gives, or at
 * `socket` where that is not NULL, in the sandbox or not; words_free() frees it.
 */
char **device_command(const struct device_spec *spec, const char *socket, bool sandbox);
void words_free(char **words);
/*
 * Becomes the program that is a device, with at most so many words more, up to a NULL. Returns
 * only if it cannot, which it has said.
 */
enum { DEVICE_WORDS_MAX = 4 };
void device_become(const struct device_spec *spec, const char *const *more);

/* Calls `each` for every .so in the places that are searched, in order. */
void models_each(void (*each)(const char *path, void *arg), void *arg);

#endif
