/* SPDX-License-Identifier: MIT-0 */
/* Operations done by the kernel, through io_uring; an eventfd says that some have ended. */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "blk.h"

/* No more than this are in the kernel at once: completions then always have room. */
enum { DEPTH = 256 };

struct uring {
	struct io_uring ring;
	int eventfd;
	unsigned inside; /* in the kernel, or in the ring on the way there */
	struct riser_watch *watch;
};

/* liburing changed the type of the range's ends; the kernel did not: io_uring_enter(2). */
static void prepare_fallocate(struct io_uring_sqe *sqe, int fd, int mode, const struct io *io)
{
	io_uring_prep_fallocate(sqe, fd, mode, 0, 0);
	sqe->off = io->offset;
	sqe->addr = io->length;
}

static void prepare(struct io_uring_sqe *sqe, int fd, struct io *io)
{
	const int hole = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

	switch (io->kind) {
	case IO_READ:
		io_uring_prep_readv(sqe, fd, io->iov, (unsigned)io->count, io->offset);
		break;
	case IO_WRITE:
		io_uring_prep_writev(sqe, fd, io->iov, (unsigned)io->count, io->offset);
		break;
	case IO_FLUSH:
		io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
		break;
	case IO_PUNCH:
		prepare_fallocate(sqe, fd, hole, io);
		break;
	case IO_ZERO:
		prepare_fallocate(sqe, fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, io);
		break;
	}
	io_uring_sqe_set_data(sqe, io);
}

/*
 * What the kernel does not take now, for want of memory, it is offered again when something has
 * ended; if nothing is under way in there that could end, after a moment.
 */
static void submit(struct uring *u)
{
	const struct timespec moment = { .tv_nsec = 1000000 };

	while (io_uring_sq_ready(&u->ring) && io_uring_submit(&u->ring) < 0 &&
	       io_uring_sq_ready(&u->ring) == u->inside)
		nanosleep(&moment, NULL);
}

static void uring_start(struct virtio_blk *b)
{
	struct uring *u = b->uring;
	struct io *io;

	while (u->inside < DEPTH && (io = io_list_take(&b->todo))) {
		prepare(io_uring_get_sqe(&u->ring), b->fd, io);
		u->inside++;
	}
	submit(u);
}

static struct io *uring_next(struct virtio_blk *b)
{
	struct uring *u = b->uring;
	struct io_uring_cqe *cqe;
	struct io *io;

	if (io_uring_peek_cqe(&u->ring, &cqe))
		return NULL;
	io = io_uring_cqe_get_data(cqe);
	io->result = cqe->res;
	io_uring_cqe_seen(&u->ring, cqe);
	u->inside--;
	return io;
}

static void uring_wait(struct virtio_blk *b)
{
	struct io_uring_cqe *cqe;

	io_uring_wait_cqe(&b->uring->ring, &cqe);
}

/* What is in the kernel stays there until it is done. */
static void uring_recall(struct virtio_blk *b)
{
	(void)b;
}

static void ready(struct riser_dev *dev, int fd, short events, void *arg)
{
	eventfd_t count;

	(void)events, (void)arg;
	eventfd_read(fd, &count);
	requests_go_on(riser_state(dev));
}

static void uring_destroy(struct virtio_blk *b)
{
	riser_watch_destroy(b->uring->watch);
	io_uring_queue_exit(&b->uring->ring);
	close(b->uring->eventfd);
	free(b->uring);
	b->uring = NULL;
}

int uring_create(struct virtio_blk *b)
{
	static const struct engine engine = { uring_start, uring_next, uring_wait, uring_recall,
					      uring_destroy };
	struct uring *u = calloc(1, sizeof(*u));
	int ret;

	if (!u)
		return -ENOMEM;
	ret = io_uring_queue_init(DEPTH, &u->ring, 0);
	if (ret) {
		free(u);
		return ret;
	}
	b->uring = u;
	u->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ret = u->eventfd < 0 ? -errno : io_uring_register_eventfd(&u->ring, u->eventfd);
	if (!ret)
		ret = riser_watch_create(b->dev, u->eventfd, POLLIN, ready, NULL, &u->watch);
	if (ret)
		uring_destroy(b);
	else
		b->engine = &engine;
	return ret;
}
