/* SPDX-License-Identifier: MIT-0 */
/* Operations done by the library's worker threads, where there is no io_uring. */
#include <errno.h>

#include "blk.h"

/* Does one that is queued; called and left with the lock held. False: there is none. */
static bool do_one(struct virtio_blk *b)
{
	struct threads *t = &b->threads;
	struct io *io = io_list_take(&t->queued);

	if (!io)
		return false;
	t->busy++;
	pthread_mutex_unlock(&t->lock);
	io_do(b->fd, io);
	pthread_mutex_lock(&t->lock);
	t->busy--;
	io_list_add(&t->done, io);
	pthread_cond_signal(&t->ended);
	return true;
}

/* On a worker's thread. */
static void run(struct riser_dev *dev, struct riser_job *job)
{
	struct virtio_blk *b = ((struct threads_job *)job)->b;
	struct threads *t = &b->threads;

	pthread_mutex_lock(&t->lock);
	while (do_one(b))
		riser_post(dev, &t->work);
	pthread_mutex_unlock(&t->lock);
}

static void go_on(struct riser_dev *dev, struct riser_work *work)
{
	(void)work;
	requests_go_on(riser_state(dev));
}

/* What was queued after the job had found nothing more, and before it could be sent again. */
static void job_done(struct riser_dev *dev, struct riser_job *job)
{
	(void)job;
	requests_go_on(riser_state(dev));
}

static void threads_start(struct virtio_blk *b)
{
	struct threads *t = &b->threads;
	unsigned queued = 0;
	struct io *io;
	bool sent = false;

	pthread_mutex_lock(&t->lock);
	while ((io = io_list_take(&b->todo)))
		io_list_add(&t->queued, io);
	for (io = t->queued.first; io && queued < JOBS; io = io->next)
		queued++;
	pthread_mutex_unlock(&t->lock);
	for (unsigned i = 0; i < JOBS && queued; i++) {
		int ret = riser_job_submit(b->dev, &t->jobs[i].job);

		sent = sent || !ret || ret == -EBUSY;
		queued -= !ret;
	}
	if (!queued || sent)
		return;
	/* No thread can be had. */
	pthread_mutex_lock(&t->lock);
	while (do_one(b))
		;
	pthread_mutex_unlock(&t->lock);
}

static struct io *threads_next(struct virtio_blk *b)
{
	struct io *io;

	pthread_mutex_lock(&b->threads.lock);
	io = io_list_take(&b->threads.done);
	pthread_mutex_unlock(&b->threads.lock);
	return io;
}

/* This thread lends a hand: a job that has ended is only sent again when it is back. */
static void threads_wait(struct virtio_blk *b)
{
	struct threads *t = &b->threads;

	pthread_mutex_lock(&t->lock);
	while (do_one(b))
		;
	while (!t->done.first && t->busy)
		pthread_cond_wait(&t->ended, &t->lock);
	pthread_mutex_unlock(&t->lock);
}

static void threads_recall(struct virtio_blk *b)
{
	struct threads *t = &b->threads;
	struct io *io;

	pthread_mutex_lock(&t->lock);
	while ((io = io_list_take(&t->queued)))
		io_list_add(&b->todo, io);
	pthread_mutex_unlock(&t->lock);
}

static void threads_destroy(struct virtio_blk *b)
{
	pthread_cond_destroy(&b->threads.ended);
	pthread_mutex_destroy(&b->threads.lock);
}

void threads_create(struct virtio_blk *b)
{
	static const struct engine engine = { threads_start, threads_next, threads_wait,
					      threads_recall, threads_destroy };
	struct threads *t = &b->threads;

	io_list_init(&t->queued);
	io_list_init(&t->done);
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->ended, NULL);
	t->work.run = go_on;
	for (unsigned i = 0; i < JOBS; i++)
		t->jobs[i] = (struct threads_job){ { .run = run, .done = job_done }, b };
	b->engine = &engine;
}
