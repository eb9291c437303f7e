/* SPDX-License-Identifier: MIT */
/* A device that does on command what a server has to carry for it. */
#include <string.h>
#include <unistd.h>

#include "wire.h"

struct transfer {
	struct riser_job job;
	bool busy, write;
	int32_t result;
	uint32_t length;
	uint64_t iova;
	uint8_t buffer[DEV_BUFFER_SIZE];
};

struct state {
	uint32_t scratch, raise, lower, length, command, delay, fired, writes, resets;
	int32_t result;
	uint64_t iova;
	uint8_t buffer[DEV_BUFFER_SIZE];
	struct transfer transfer;
	struct riser_work work;
	struct riser_watch *watch;
	int pipe[2];
};

static void count_write(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct state *s = riser_state(dev);

	(void)now, (void)was;
	s->writes++;
}

static void raise_irq(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	(void)was;
	riser_irq_raise(dev, (unsigned)now);
}

static void lower_irq(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	(void)was;
	riser_irq_lower(dev, (unsigned)now);
}

static int32_t do_dma(struct riser_dev *dev, bool write)
{
	struct state *s = riser_state(dev);

	return write ? riser_dma_write(dev, s->iova, s->buffer, s->length)
		     : riser_dma_read(dev, s->iova, s->buffer, s->length);
}

/* On its thread a job touches nothing but its own: registers change under it. */
static void run_job(struct riser_dev *dev, struct riser_job *job)
{
	struct transfer *t = (struct transfer *)job;

	t->result = t->write ? riser_dma_write(dev, t->iova, t->buffer, t->length)
			     : riser_dma_read(dev, t->iova, t->buffer, t->length);
}

static void job_done(struct riser_dev *dev, struct riser_job *job)
{
	struct transfer *t = (struct transfer *)job;
	struct state *s = riser_state(dev);

	t->busy = false;
	s->result = t->result;
	if (!t->write)
		memcpy(s->buffer, t->buffer, sizeof(s->buffer));
	riser_irq_raise(dev, 1);
}

static void start_job(struct riser_dev *dev, bool write)
{
	struct state *s = riser_state(dev);
	struct transfer *t = &s->transfer;

	if (t->busy)
		return;
	*t = (struct transfer){ .job = { .run = run_job, .done = job_done },
				.busy = true,
				.write = write,
				.iova = s->iova,
				.length = s->length };
	memcpy(t->buffer, s->buffer, sizeof(t->buffer));
	riser_job_submit(dev, &t->job);
}

static void run_work(struct riser_dev *dev, struct riser_work *work)
{
	(void)work;
	riser_irq_raise(dev, 2);
}

static void pipe_ready(struct riser_dev *dev, int fd, short events, void *arg)
{
	struct state *s = riser_state(dev);
	char byte;

	(void)events, (void)arg;
	if (read(fd, &byte, 1) == 1)
		riser_irq_raise(dev, 3);
	riser_watch_destroy(s->watch);
	s->watch = NULL;
}

static void watch_pipe(struct riser_dev *dev)
{
	struct state *s = riser_state(dev);

	if (!s->watch)
		s->result = riser_watch_create(dev, s->pipe[0], 1 /* POLLIN */, pipe_ready,
					       NULL, &s->watch);
	if (write(s->pipe[1], "x", 1) != 1)
		s->result = -1;
}

static void command(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct state *s = riser_state(dev);

	(void)was;
	switch (now) {
	case CMD_READ:
	case CMD_WRITE:
		s->result = do_dma(dev, now == CMD_WRITE);
		break;
	case CMD_JOB_READ:
	case CMD_JOB_WRITE:
		start_job(dev, now == CMD_JOB_WRITE);
		break;
	case CMD_TIMER:
		riser_timer_arm(dev, 0, s->delay * UINT64_C(1000000));
		break;
	case CMD_POST:
		s->work.run = run_work;
		riser_post(dev, &s->work);
		break;
	case CMD_WATCH:
		watch_pipe(dev);
		break;
	}
}

static void timer_fired(struct riser_dev *dev)
{
	struct state *s = riser_state(dev);

	s->fired++;
	riser_irq_raise(dev, 0);
}

static int init(struct riser_dev *dev)
{
	struct state *s = riser_state(dev);

	return pipe(s->pipe) ? -1 : 0;
}

static void reset(struct riser_dev *dev, enum riser_reset kind)
{
	struct state *s = riser_state(dev);

	(void)kind;
	s->resets++;
	memset(s->buffer, 0, sizeof(s->buffer));
}

static void fini(struct riser_dev *dev)
{
	struct state *s = riser_state(dev);

	close(s->pipe[0]);
	close(s->pipe[1]);
}

static const struct riser_reg regs[] = {
	{ RISER_REG(DEV_SCRATCH, struct state, scratch), .rw = RISER_ALL,
	  .on_write = count_write },
	{ RISER_REG(DEV_RAISE, struct state, raise), .rw = RISER_ALL, .on_write = raise_irq },
	{ RISER_REG(DEV_LOWER, struct state, lower), .rw = RISER_ALL, .on_write = lower_irq },
	{ RISER_REG(DEV_IOVA, struct state, iova), .rw = RISER_ALL, .part = 4 },
	{ RISER_REG(DEV_LENGTH, struct state, length), .rw = RISER_ALL },
	{ RISER_REG(DEV_COMMAND, struct state, command), .rw = RISER_ALL, .on_write = command },
	{ RISER_REG(DEV_RESULT, struct state, result), .rw = RISER_ALL },
	{ RISER_REG(DEV_DELAY, struct state, delay), .rw = RISER_ALL },
	{ RISER_REG(DEV_FIRED, struct state, fired) },
	{ RISER_REG(DEV_WRITES, struct state, writes) },
};

/* Not reset, so not a register: a window shows it. */
static const struct riser_window bar0_windows[] = {
	{ .name = "resets",
	  .offset = DEV_RESETS,
	  .size = sizeof(uint32_t),
	  .at = offsetof(struct state, resets) },
	{ RISER_WINDOW(DEV_BUFFER, struct state, buffer) },
};

static const struct riser_window bar2_windows[] = {
	{ .name = "first", .offset = 0x1000, .size = 0x1000, .shared = true },
	{ .name = "second", .offset = 0x4000, .size = 0x2000, .shared = true },
};

static const struct riser_bar bars[] = {
	{ .index = 0,
	  .size = DEV_BAR_SIZE,
	  .regs = RISER_REGS(regs),
	  .windows = RISER_WINDOWS(bar0_windows) },
	{ .index = 2,
	  .kind = RISER_MEM64,
	  .size = 0x8000,
	  .windows = RISER_WINDOWS(bar2_windows) },
};

static const struct riser_pci_cap caps[] = {
	RISER_MSI(DEV_MSI),
	RISER_MSIX(DEV_MSIX, 0, DEV_MSIX_TABLE, DEV_MSIX_PBA),
};

static const struct riser_timer timers[] = { { "timer", timer_fired } };

const struct riser_pci_device wire_device = {
	.size = sizeof(wire_device),
	.name = "wire_device",
	.summary = "does what it is told",
	.id = { .vendor = 0x1234, .device = 0x5678, .class_code = 0x00ff00 },
	.interrupt_pin = 1,
	.state_size = sizeof(struct state),
	.bars = RISER_BARS(bars),
	.caps = RISER_CAPS(caps),
	.timers = RISER_TIMERS(timers),
	.init = init,
	.reset = reset,
	.fini = fini,
};
