/* SPDX-License-Identifier: MIT */
/* Runs a device's tests twice: on the bench, and over a socket against a server in a thread. */
#ifndef TESTS_DEVICE_HARNESS_H
#define TESTS_DEVICE_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <riser/host.h>

struct device_test {
	const char *name;
	void (*run)(struct riser_host *host);
	const char *options; /* the device's, or NULL */
	bool message_dma;    /* the socket's host gives its memory without a descriptor */
	bool socket_only;    /* the bench would wait for what the test keeps waiting */
};

/* `model` is the name of a shipped device. For main(): the number of tests that failed. */
int device_tests_run(const char *model, const struct device_test *tests, size_t count);

/* The model of that name, to be closed; ends the program if it cannot be opened. */
struct riser_model *device_model(const char *name);

/* Fail the test with the host's words. */
void ok(struct riser_host *host, int ret);
void refused(struct riser_host *host, int ret, int error);
uint64_t get(struct riser_host *host, unsigned bar, uint64_t offset, unsigned size);
void put(struct riser_host *host, unsigned bar, uint64_t offset, unsigned size, uint64_t value);
uint64_t irqs(struct riser_host *host, unsigned vector);

enum { MS = 1000000 };

/* For what has to come: ends a test that hangs, on a machine however slow. */
#define PATIENCE (UINT64_C(600000) * MS)

#endif
