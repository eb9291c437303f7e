/* SPDX-License-Identifier: MIT-0 */
/* virtio_blk in pieces: the disk, what is done to it and by whom, the requests. */
#ifndef VIRTIO_BLK_H
#define VIRTIO_BLK_H

#include <linux/virtio_blk.h>
#include <pthread.h>

#include <riser/riser.h>

enum {
	SECTOR = 512,
	QUEUES_MAX = 64,
	QUEUE_SIZE = 256,
	RANGES_MAX = 32,	/* of a discard or write-zeroes, */
	DISCARD_MAX = 0x3fffff, /* and the sectors of one */
	WRITE_ZEROES_MAX = 0xffff,
	JOBS = 4,
};

/* ---- One operation on the disk ---- */

enum io_kind { IO_READ, IO_WRITE, IO_FLUSH, IO_PUNCH, IO_ZERO };

struct io {
	struct io *next;
	enum io_kind kind;
	uint64_t offset, length; /* bytes; the length of reads and writes is iov's */
	const struct iovec *iov; /* at most IOV_MAX */
	int count;
	int64_t result; /* bytes done, or negative errno */
};

struct io_list {
	struct io *first, **last;
};
static inline void io_list_init(struct io_list *list)
{
	list->first = NULL;
	list->last = &list->first;
}
void io_list_add(struct io_list *list, struct io *io);
struct io *io_list_take(struct io_list *list); /* NULL: empty */

/* Does it here and now. */
void io_do(int fd, struct io *io);

/* ---- Who does them ---- */

struct virtio_blk;

struct engine {
	/* Begins with what is in `todo`, or as much of it as it can now. */
	void (*start)(struct virtio_blk *b);
	/* One that has ended, or NULL. */
	struct io *(*next)(struct virtio_blk *b);
	/* Until next() has one; not called unless one was started. */
	void (*wait)(struct virtio_blk *b);
	/* What was started and is not being done yet is in `todo` again. */
	void (*recall)(struct virtio_blk *b);
	void (*destroy)(struct virtio_blk *b);
};

struct uring; /* uring.c's */

/* threads.c's: jobs that take from one list and put to another. */
struct threads {
	struct threads_job {
		struct riser_job job;
		struct virtio_blk *b;
	} jobs[JOBS];
	struct riser_work work; /* tells the device's thread that some have ended */
	pthread_mutex_t lock;
	pthread_cond_t ended;
	struct io_list queued, done;
	unsigned busy; /* that are being done */
};

/* 0, or negative errno: the kernel refuses it. */
int uring_create(struct virtio_blk *b);
void threads_create(struct virtio_blk *b);
/* Memory does not keep anybody waiting: this thread. */
void direct_create(struct virtio_blk *b);

/* ---- The device ---- */

struct virtio_blk {
	/* Options. */
	const char *file, *serial, *aio;
	uint64_t size;
	uint32_t queues;
	bool readonly;

	/* Configuration space (virtio 5.2.4). */
	uint64_t capacity;
	uint32_t size_max, seg_max, blk_size, opt_io_size;
	uint32_t max_discard_sectors, max_discard_seg, discard_sector_alignment;
	uint32_t max_write_zeroes_sectors, max_write_zeroes_seg;
	uint16_t cylinders, min_io_size, num_queues;
	uint8_t heads, sectors, physical_block_exp, alignment_offset;
	uint8_t writeback, write_zeroes_may_unmap;

	struct riser_dev *dev;
	int fd;
	bool in_memory;
	bool locked;	     /* the file is this one's: requests are taken */
	uint64_t length;     /* bytes, whatever the configuration space says */
	uint32_t block_size; /* of what the file is on, bytes */

	const struct engine *engine;
	struct uring *uring;
	struct threads threads;
	struct io_list todo; /* to be started */
	struct io_list done; /* the direct engine's */
	unsigned under_way;  /* operations added and not yet taken back, */
	unsigned writing;    /* and those of them that write */
	uint64_t batches;    /* queues with a batch of pushes open, a bit each */
	/* Of each queue, counted up when the driver takes it back. */
	uint32_t epochs[QUEUES_MAX];
	uint64_t errors; /* operations that failed */
};

/* disk.c: opens the file, or makes the memory; riser_fail() says what is wrong, */
int disk_open(struct virtio_blk *b);
/* or why the file cannot be had for itself. */
int disk_lock(struct virtio_blk *b);
void disk_unlock(struct virtio_blk *b);

/* What goes with a chain. */
struct request {
	struct io io; /* the operation that is under way */
	struct riser_chain *chain;
	struct riser_vq *vq;
	uint32_t type;
	uint32_t epoch; /* the queue's when it was taken; another one now: it is not wanted */
	bool flushing;	/* all else is done */
	/* Of a read or write: the data that is still to be moved, `into` bytes into iov[0]. */
	const struct iovec *iov;
	int count;
	size_t into;
	struct iovec rest; /* of an iov that was moved in part */
	uint64_t left;	   /* of a range that zeroes are written to */
};

/* request.c: takes what is in the queue, starts it, and answers what has ended. */
void requests_take(struct virtio_blk *b, struct riser_vq *vq);
/* Answers what has ended. */
void requests_go_on(struct virtio_blk *b);
/*
 * What requests of the queue, and of all that are not live, have not begun they leave, and end
 * with what is under way.
 */
void requests_cancel(struct virtio_blk *b, struct riser_vq *vq);
/* Waits until nothing is being written to the disk. */
void requests_finish_writes(struct virtio_blk *b);
/* Waits until nothing is under way. */
void requests_finish(struct virtio_blk *b);

#endif
