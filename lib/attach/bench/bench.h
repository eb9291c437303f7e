/* SPDX-License-Identifier: MIT */
/* The bench: a device in this process, under a clock that only moves when it is told to. */
#ifndef RISER_BENCH_H
#define RISER_BENCH_H

#include <pthread.h>

#include "core/dev.h"
#include "core/dma_table.h"
#include "host/host.h"
#include "pci/pci.h"

struct bench_watch {
	struct riser_watch *watch; /* NULL: destroyed while they were being called */
	int fd;
	short events;
};

struct bench {
	struct riser_host host;
	struct riser_dev *dev;
	struct riser__dma_table *dma;
	_Atomic uint64_t now;
	uint64_t deadline;    /* of the device's timers */
	uint64_t turns_in;    /* the microsecond in which they last had a turn, */
	unsigned turns;	      /* and how many they had in it */
	pthread_mutex_t lock; /* guards what follows: other threads raise and wake */
	pthread_cond_t changed;
	atomic_bool woken;
	bool job_is_late; /* and is not waited for any more */
	bool intx;
	uint64_t messages[HOST_VECTORS_MAX]; /* arrived and not collected */
	struct bench_watch *watches;
	size_t watch_count;
	riser_log_fn *log;
	void *log_arg;
};

extern const struct riser__host_ops bench_host_ops;

/*
 * Runs everything that is due now: posted work, jobs that have ended, watched descriptors; and
 * what these bring about.
 */
void bench_settle(struct bench *bench);
/* The same, jobs that are under way included: they are waited for. */
void bench_settle_jobs(struct bench *bench);

#endif
