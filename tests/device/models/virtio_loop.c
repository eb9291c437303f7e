/* SPDX-License-Identifier: MIT */
/*
 * virtio_loop - a virtio device for the library's tests: what it reads of a request it writes
 * back, at once, by a thread, or in the reverse order of a batch.
 */
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <riser/riser.h>

/* The option `mode`; the last two give back when told to, and answer before that or then. */
enum { AT_ONCE, REVERSED, THREADS, HOLD, ANSWER_NOW, ANSWER_THEN };
enum { HELD_MOST = 64, ANSWERS = 8 };

/* A request that a thread answers. */
struct answer {
	struct riser_job job;
	struct riser_vq *vq;
	struct riser_chain *chain; /* NULL: free */
};

struct loop {
	uint32_t mode, queues;
	uint32_t requests, scratch, release; /* configuration */
	struct riser_chain *kept[HELD_MOST];
	struct riser_vq *kept_of[HELD_MOST];
	unsigned kept_count;
	struct answer answers[ANSWERS];
	atomic_uint at_work;
};

static void echo(struct riser_chain *chain)
{
	uint8_t bytes[300]; /* no power of two: pieces never match descriptors */
	size_t got;

	while (riser_chain_room(chain) && (got = riser_chain_read(chain, bytes, sizeof(bytes))))
		riser_chain_write(chain, bytes, got);
}

/* By the way that copies nothing: as much as fits. */
static void echo_mapped(struct riser_chain *chain)
{
	size_t left = riser_chain_left(chain), room = riser_chain_room(chain);
	size_t length = left < room ? left : room;
	const struct iovec *in, *out;
	int ins, outs;
	uint8_t *bytes;
	size_t at = 0;

	if (!length || riser_chain_map(chain, false, length, &in, &ins))
		return;
	bytes = malloc(length);
	for (int i = 0; bytes && i < ins; i++) {
		for (size_t n = 0; n < in[i].iov_len; n++)
			bytes[at++] = ((uint8_t *)in[i].iov_base)[n];
	}
	if (bytes && !riser_chain_map(chain, true, length, &out, &outs)) {
		at = 0;
		for (int i = 0; i < outs; i++) {
			for (size_t n = 0; n < out[i].iov_len; n++)
				((uint8_t *)out[i].iov_base)[n] = bytes[at++];
		}
	}
	free(bytes);
}

static void work(struct riser_dev *dev, struct riser_job *job)
{
	struct answer *a = (struct answer *)job;
	struct loop *loop = riser_state(dev);

	echo(a->chain);
	atomic_fetch_sub(&loop->at_work, 1);
	riser_vq_push(a->vq, a->chain);
}

static void done(struct riser_dev *dev, struct riser_job *job)
{
	(void)dev;
	((struct answer *)job)->chain = NULL;
}

static bool delegate(struct riser_dev *dev, struct riser_vq *vq, struct riser_chain *chain)
{
	struct loop *loop = riser_state(dev);

	for (unsigned i = 0; i < ANSWERS; i++) {
		struct answer *a = &loop->answers[i];

		if (a->chain)
			continue;
		*a = (struct answer){ { .run = work, .done = done }, vq, chain };
		atomic_fetch_add(&loop->at_work, 1);
		if (!riser_job_submit(dev, &a->job))
			return true;
		atomic_fetch_sub(&loop->at_work, 1);
		a->chain = NULL;
	}
	return false;
}

static void keep(struct loop *loop, struct riser_vq *vq, struct riser_chain *chain)
{
	if (loop->mode == ANSWER_NOW)
		echo(chain);
	loop->kept[loop->kept_count] = chain;
	loop->kept_of[loop->kept_count++] = vq;
}

static void released(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct loop *loop = riser_state(dev);

	(void)now, (void)was;
	for (unsigned i = 0; i < loop->kept_count; i++) {
		if (loop->mode == ANSWER_THEN)
			echo(loop->kept[i]);
		riser_vq_push(loop->kept_of[i], loop->kept[i]);
	}
	loop->kept_count = 0;
}

static void answer(struct riser_dev *dev, struct riser_vq *vq, struct riser_chain *chain)
{
	struct loop *loop = riser_state(dev);

	if (loop->mode >= ANSWER_NOW && loop->kept_count < HELD_MOST) {
		keep(loop, vq, chain);
		return;
	}
	if (loop->mode == HOLD || (loop->mode == THREADS && delegate(dev, vq, chain)))
		return;
	if (riser_vq_index(vq) & 1)
		echo_mapped(chain);
	else
		echo(chain);
	riser_vq_push(vq, chain);
}

/* Nobody touches the driver's memory once it is back. */
static void stop(struct riser_dev *dev, struct riser_vq *vq)
{
	struct loop *loop = riser_state(dev);

	(void)vq;
	released(dev, 0, 0);
	while (atomic_load(&loop->at_work))
		sched_yield();
}

static void reversed(struct riser_dev *dev, struct riser_vq *vq)
{
	struct riser_chain *held[HELD_MOST];
	unsigned count = 0;

	while (count < HELD_MOST && (held[count] = riser_vq_pop(vq)))
		count++;
	while (count)
		answer(dev, vq, held[--count]);
}

static void kick(struct riser_dev *dev, struct riser_vq *vq)
{
	struct loop *loop = riser_state(dev);
	struct riser_chain *chain;

	if (loop->mode == REVERSED) {
		reversed(dev, vq);
		return;
	}
	while ((chain = riser_vq_pop(vq))) {
		loop->requests++;
		answer(dev, vq, chain);
	}
}

static void scratched(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	(void)now, (void)was;
	riser_virtio_config_changed(dev);
}

static int init(struct riser_dev *dev)
{
	struct loop *loop = riser_state(dev);

	return riser_virtio_set_queues(dev, 0, loop->queues);
}

static const struct riser_reg config[] = {
	{ RISER_REG(0, struct loop, requests) },
	{ RISER_REG(4, struct loop, scratch), .rw = RISER_ALL, .on_write = scratched },
	{ RISER_REG(8, struct loop, release), .rw = RISER_ALL, .on_write = released },
};

static const struct riser_vq_desc vqs[] = {
	{ .name = "loop", .size = 256, .count = 4, .kick = kick, .stop = stop },
};

static const struct riser_option options[] = {
	{ RISER_OPTION(U32, struct loop, mode), .value = "0", .max = ANSWER_THEN },
	{ RISER_OPTION(U32, struct loop, queues), .value = "4", .min = 1, .max = 4 },
};

static const struct riser_virtio_device virtio_loop = {
	.size = sizeof(virtio_loop),
	.name = "virtio_loop",
	.summary = "gives back what it is given",
	.virtio_id = 63,
	.transitional_id = 0x103f,
	.state_size = sizeof(struct loop),
	.config = RISER_REGS(config),
	.vqs = RISER_VQS(vqs),
	.options = RISER_OPTIONS(options),
	.init = init,
};

RISER_EXPORT(virtio_loop);
