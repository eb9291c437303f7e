/* SPDX-License-Identifier: MIT */
/* One device instance: what the core, the kinds of device and the attachments share of it. */
#ifndef RISER_CORE_DEV_H
#define RISER_CORE_DEV_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/error.h"
#include "core/host_ops.h"

struct riser__pci;
struct riser__regmap;
struct riser__buffer;

struct riser__timer_state {
	const struct riser_timer *timers; /* the descriptor's table */
	uint64_t *deadlines;		  /* on the host's clock; UINT64_MAX: not pending */
	bool *fired;			  /* in the run that is under way */
	bool firing;			  /* a run is under way, */
	uint64_t due;			  /* and this is when the one that fires was due */
	unsigned count;
};

struct riser__work_state {
	pthread_mutex_t lock; /* guards all of it, and the jobs' queues */
	struct riser_work *first, **last, *being_run;
	struct riser_job *ended, **ended_last, *being_ended; /* their `done` is to be called, */
	struct riser_job *told; /* or is being, of one that was submitted again */
	struct riser__workers *_Atomic workers; /* the job threads, once there was a job */
	atomic_uint active;	 /* a job runs, or `done` of one that was cancelled, */
	atomic_uintptr_t ending; /* by this thread; 0: none */
	atomic_bool closed;	 /* nothing is taken any more */
	bool made;		 /* the lock is there */
};

/* What one instance of several has (riser_exclusive()). */
struct riser__exclusive {
	int (*acquire)(struct riser_dev *dev);
	void (*release)(struct riser_dev *dev);
	bool held;
};

/* What a guest or host did wrong, counted by kind, shown by tools. */
enum riser__mistake {
	RISER__UNCLAIMED, /* no register, window or handler there */
	RISER__WIDTH,	  /* of a size or alignment the register does not take */
	RISER__READ_ONLY,
	RISER__WRITE_ONLY,
	RISER__DISABLED, /* memory or I/O decoding is off */
	RISER__BAD_DMA,
	RISER__NEEDS_RESET, /* a virtio driver broke the rules of a ring */
	RISER__REENTERED,   /* what the device sent came back to it */
	RISER__MISTAKES
};

struct riser_dev {
	void *state;
	const struct riser__host_ops *ops;
	void *host;
	const struct riser_model *model;
	struct riser__pci *pci;		     /* lib/pci's */
	const struct riser_pci_device *desc; /* the model's, normalised */
	void *transport;		     /* lib/virtio's, for a virtio device */
	atomic_bool reaches_memory;	     /* the kind's: it may send memory requests */
	atomic_uint dma_generation;	     /* of the guest's memory as it is mapped */
	unsigned reg_index, reg_lanes;	     /* of the access whose hook runs */
	bool trace;			     /* log every access */
	bool started;			     /* init() succeeded */
	bool inside; /* a callback runs, or what it sent is being delivered */
	struct riser__timer_state timers;
	struct riser__work_state work;
	struct riser_watch *watches;
	struct riser__exclusive exclusive;
	const char *unsaved; /* what a saved state lacks, or NULL */
	char **strings;	     /* option values, NULL-terminated */
	/* The options every PCI device has. */
	const char *romfile;
	bool msix;		     /* MSI-X is offered, if the model has it */
	struct riser_error *failure; /* where riser_fail() writes, while init() runs */
	atomic_ulong mistakes[RISER__MISTAKES];
	atomic_ulong host_failures;
};

/*
 * Makes a device: parses `options`, init(), power-on reset. `ops` and `host` must outlive it.
 * Calls the host's functions before it returns.
 */
int riser__dev_create(struct riser_model *model, const char *options,
		      const struct riser__host_ops *ops, void *host, bool trace,
		      struct riser_error *error, struct riser_dev **dev);
/* Takes NULL. */
void riser__dev_destroy(struct riser_dev *dev);
void riser__dev_reset(struct riser_dev *dev, enum riser_reset kind);
/*
 * Before a reset, and before the guest's memory is taken away: a virtio device ends what it has
 * under way with that memory, such as writing it to a disk.
 */
void riser__dev_halt(struct riser_dev *dev);

/*
 * What a device sends may come back to it: a message or DMA to its own BAR, or by way of
 * another device. None is entered a second time before it has been left: an access is refused
 * then, timers, work and watches wait. False: it is inside already. On the device's thread.
 */
static inline bool riser__dev_enter(struct riser_dev *dev)
{
	bool entered = !dev->inside;

	dev->inside = true;
	return entered;
}

static inline void riser__dev_leave(struct riser_dev *dev)
{
	dev->inside = false;
}

/* Counts it and, at most a few times a second, logs it. Any thread. */
void riser__dev_mistake(struct riser_dev *dev, enum riser__mistake what, const char *format,
			...) __attribute__((format(printf, 3, 4)));

/* The same of DMA that failed, by no mistake of the guest's. */
void riser__dev_dma_failed(struct riser_dev *dev, int error, const char *what, uint64_t iova,
			   size_t length);

/* Whether the device may send memory requests: DMA, and messages. Any thread. */
static inline bool riser__dev_reaches_memory(const struct riser_dev *dev)
{
	return atomic_load_explicit(&dev->reaches_memory, memory_order_relaxed);
}

/* Guest memory was added or taken away: rings are looked up anew. */
static inline void riser__dev_memory_changed(struct riser_dev *dev)
{
	atomic_fetch_add(&dev->dma_generation, 1);
}

/* Waits for jobs, and what they lead to; -EBUSY: one does not end within `ns`. */
int riser__dev_end_jobs(struct riser_dev *dev, uint64_t ns);
/*
 * A device that stops, and goes on here or elsewhere (core/move.c). Stopped, its timers, work
 * and watches are the host's to hold back. stop: brings all that is under way to its end.
 */
int riser__dev_stop(struct riser_dev *dev, uint64_t ns);
/* Before it runs on. Nothing is done if it has what it needs already. */
int riser__dev_acquire(struct riser_dev *dev, struct riser_error *error);
/* Its state is saved, and another one goes on. */
void riser__dev_release(struct riser_dev *dev);

/* Saved state (core/state.c). */
int riser__dev_save(struct riser_dev *dev, struct riser__buffer *out);
int riser__dev_load(struct riser_dev *dev, const void *data, size_t size,
		    struct riser_error *error);

/* Time (core/timer.c): fires what is due and sets the next deadline. */
int riser__timers_init(struct riser_dev *dev);
void riser__timers_fini(struct riser_dev *dev);
void riser__timers_cancel_all(struct riser_dev *dev);
void riser__dev_run_timers(struct riser_dev *dev);

/* Work (core/work.c, core/jobs.c). fini waits for jobs and drops what is queued. */
int riser__work_init(struct riser_dev *dev);
void riser__work_fini(struct riser_dev *dev);
/* After the device's own threads have ended. */
void riser__work_free(struct riser_dev *dev);
/* Runs what is queued now; what that posts, the next time. */
void riser__dev_run_posted(struct riser_dev *dev);
/* A reset: what is posted is dropped, jobs are cancelled. Nothing of them reaches the guest. */
void riser__work_cancel(struct riser_dev *dev);
/* Jobs are queued or running, not counting those that were cancelled. */
bool riser__work_busy(struct riser_dev *dev);

/* Watches (core/watch.c). */
void riser__watches_fini(struct riser_dev *dev);
void riser__watch_ready(struct riser_watch *watch, short events);

/* Options (core/options.c): parses "a=1,b=2" into the state; defaults first. */
int riser__options_parse(struct riser_dev *dev, const char *text, struct riser_error *error);
void riser__options_free(struct riser_dev *dev);
/* The option every PCI device has of that name, or NULL. */
const struct riser_option *riser__option_common(const char *name);
/* Whether it is a value that the option can have. */
bool riser__option_takes(const struct riser_option *option, const char *value);
/*
 * Cuts the next "name=value" out of *text, in place, undoing doubled commas; NULL at the end.
 * After a comma there is one more, if only an empty one.
 */
char *riser__options_next(char **text);

#endif
