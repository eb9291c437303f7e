/* SPDX-License-Identifier: MIT */
/*
 * serve.h - to run device models: load one, make a device of it, attach it over
 * vfio-user. Device authors do not need it.
 */
#ifndef RISER_SERVE_H
#define RISER_SERVE_H

#include <riser/riser.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* What went wrong: one line for the user that names the thing, the cause and the mend. */
struct riser_error {
	char text[512];
};

/* ---- Models ------------------------------------------------------------------------------ */

struct riser_model; /* a loaded device model */

/*
 * Loads the shared object at `path` (with a '/', or it is looked for like any library). It is
 * checked against this library's ABI, and its descriptor against the rules of its kind.
 */
int riser_model_open(const char *path, struct riser_model **model, struct riser_error *error);
/* The same for a model linked into the program. */
int riser_model_from_export(struct riser_export exported, struct riser_model **model,
			    struct riser_error *error);
/* Devices made of it must be gone. Takes NULL. */
void riser_model_close(struct riser_model *model);

enum riser_kind riser_model_kind(const struct riser_model *model);
/*
 * The PCI function as described; for a virtio model the one that its transport makes. Tables
 * have this library's row sizes, and what has a default is filled in: counts, strides and
 * splits are never 0. Owned by the model.
 */
const struct riser_pci_device *riser_model_pci(const struct riser_model *model);
/* The same of a virtio model's own descriptor; NULL for a PCI model. */
const struct riser_virtio_device *riser_model_virtio(const struct riser_model *model);
/* A loop over the rows of one of these tables: `row` points to each in turn. */
#define riser_each(row, table)                                                                 \
	for (const __typeof__(*(table)->base) *row = (table)->base,                            \
					      *row##_end = row ? row + (table)->count : row;   \
	     row < row##_end; row++)
/* Which of them it is. */
#define riser_index(row, table) ((uint32_t)((row) - (table)->base))

/*
 * Whether options are as the descriptor says, from their names to the bounds of their values,
 * and none that is required is missing. Nothing of the model's is called, and no file opened:
 * what its init() makes of them shows only when a device is made. -EINVAL, -ENOMEM.
 */
int riser_model_check(const struct riser_model *model, const char *options,
		      struct riser_error *error);

/*
 * What a device with these options reaches (struct riser_reach): calls `each` once for every
 * path that the options name and for every flag without one. Options that are wrong count for
 * nothing here. -ENOMEM.
 */
typedef void riser_reach_fn(void *arg, uint32_t flags, const char *path, const char *suffix);
int riser_model_reach(const struct riser_model *model, const char *options,
		      riser_reach_fn *each, void *arg);

/* ---- Event loop -------------------------------------------------------------------------- */

struct riser_loop; /* the thread that runs it is the devices' own */

int riser_loop_create(struct riser_loop **loop);
/* Servers on it must be gone. Takes NULL. */
void riser_loop_destroy(struct riser_loop *loop);
/*
 * Runs until riser_loop_stop(); the thread cannot be cancelled meanwhile. Returns 0, or a
 * negative errno if it cannot wait.
 */
int riser_loop_run(struct riser_loop *loop);
/* Any thread, and safe in a signal handler. */
void riser_loop_stop(struct riser_loop *loop);

/* ---- The vfio-user server ---------------------------------------------------------------- */

typedef void riser_log_fn(void *arg, enum riser_log_level level, const char *device,
			  const char *line);

struct riser_server_config {
	size_t size; /* sizeof(struct riser_server_config) */
	/* Where to listen: a path, created with mode 0600 and removed at the end, … */
	const char *socket_path;
	/*
	 * … or, with socket_path NULL, a listening or connected UNIX stream socket, the
	 * server's once it is created.
	 */
	int socket_fd;
	const char
		*options;  /* the device's, "a=1,b=2"; a comma in a value is doubled; or NULL */
	riser_log_fn *log; /* NULL: standard error */
	void *log_arg;
	bool trace; /* logs every access and message at RISER_DEBUG */
	/* Never sleeps while a client is there: answers sooner, and takes a core for itself. */
	bool poll;
};

struct riser_server; /* one device, one client at a time */

int riser_server_create(struct riser_loop *loop, struct riser_model *model,
			const struct riser_server_config *config, struct riser_server **server,
			struct riser_error *error);
/* Takes NULL. */
void riser_server_destroy(struct riser_server *server);

/*
 * A client shares its guest's memory as a file, and may truncate it while the device uses it:
 * the next access then raises SIGBUS, and that ends the process. Call this once, before the
 * first server is made, and the process lives: the access reads zeroes or is lost,
 * riser_dma_read() and the others return -EIO from then on, and the client's other devices go
 * on. It installs a handler of SIGBUS, which the library never does otherwise; what is not
 * about guest memory goes to the handler that was there before. Threads that access guest
 * memory must not block SIGBUS. riser_serve_main() does it by itself.
 */
int riser_memory_guard(void);

/* ---- A program that is a device ---------------------------------------------------------- */

/*
 * Serves one device until SIGINT, SIGTERM or SIGHUP. No handler is installed: they are blocked
 * meanwhile, in this thread and those that it starts. With socket_path NULL the socket is the
 * one that systemd gave (LISTEN_FDS, see sd_listen_fds(3)), whatever socket_fd is;
 * -EDESTADDRREQ if it gave none. Prints to standard output what to give QEMU, or the line
 * "ready" where the socket was given.
 */
int riser_serve(struct riser_model *model, const struct riser_server_config *config,
		struct riser_error *error);

/*
 * All that the main() of a program does that is a device itself, in whatever language:
 *
 *   PROGRAM [OPTION=VALUE,...] [--socket PATH] [--poll] [--verbose]
 *   PROGRAM [OPTION=VALUE,...] --check | --reach
 *   PROGRAM --help
 *
 * With --check it makes the device on the bench and ends; `riser run PROGRAM` uses that. With
 * --reach it prints what riser_model_reach() finds, "FLAGS SUFFIX PATH", numbers in decimal and
 * '-' for what is not there, with a byte 0 behind each; `riser serve PROGRAM` uses that.
 * Returns the exit status: 0; 1 for an error, said in one line on standard error; 2 for a
 * wrong command line. Not thread-safe: it parses with getopt_long(3).
 */
int riser_serve_main(struct riser_export exported, int argc, char **argv);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
