/* SPDX-License-Identifier: MIT-0 */
/* testdev - one of everything that a PCI function can have, for tests of the kit itself. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <riser/riser.h>

enum { VECTORS = 8, SHARED_SIZE = 64 << 10 };
enum { TIMER_ONE, TIMER_TWO };
enum { DMA_COPY = 1, DMA_MAPPED, DMA_SCATTER, DMA_HOLD, DMA_USE, DMA_RELEASE };

struct testdev {
	/* a register of each kind */
	uint32_t id, scratch, clear, set, read_clears, once, key;
	uint8_t bytes[4];
	uint16_t half;
	uint64_t wide;
	uint32_t table[8];
	/* engines */
	uint32_t irq_raise, irq_lower, timer_us, timer_count, timer_order;
	uint32_t post, post_count, job, job_result, watch, watch_count;
	uint64_t dma_src, dma_dst;
	uint32_t dma_length, dma_command;
	uint32_t dma_result; /* an errno, or 0 */
	uint32_t resets[4];
	uint32_t reset_counts[4];
	/* windows, raw accesses, capability */
	uint8_t ports[64];
	uint64_t raw;
	uint32_t doorbell, rings;

	struct riser_work work;
	struct riser_job worker;
	/* The job's own: registers are the device's thread's, and change while it runs. */
	_Atomic uint64_t job_from;
	_Atomic uint32_t job_number, job_sum;
	struct riser_watch *watching;
	struct riser_dma held;
	int event;
};

static void irq_raised(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	(void)was;
	riser_irq_raise(dev, (unsigned)now);
}

static void irq_lowered(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	(void)was;
	riser_irq_lower(dev, (unsigned)now);
}

/* Both timers, the second one at twice the time; 0 cancels. */
static void timer_written(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	(void)was;
	if (now) {
		riser_timer_arm(dev, TIMER_TWO, now * 2000);
		riser_timer_arm(dev, TIMER_ONE, now * 1000);
	} else {
		riser_timer_cancel(dev, TIMER_ONE);
		riser_timer_cancel(dev, TIMER_TWO);
	}
}

static void timer_fired(struct riser_dev *dev, unsigned timer)
{
	struct testdev *t = riser_state(dev);

	t->timer_count++;
	t->timer_order = t->timer_order << 4 | (timer + 1);
	riser_irq_raise(dev, timer);
}

static void timer_one(struct riser_dev *dev)
{
	timer_fired(dev, TIMER_ONE);
}

static void timer_two(struct riser_dev *dev)
{
	timer_fired(dev, TIMER_TWO);
}

static void posted(struct riser_dev *dev, struct riser_work *work)
{
	struct testdev *t = riser_state(dev);

	(void)work;
	t->post_count++;
}

static void post_written(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct testdev *t = riser_state(dev);

	(void)now, (void)was;
	riser_post(dev, &t->work);
}

/* On a worker thread: uses what may be used there. */
static void work_hard(struct riser_dev *dev, struct riser_job *job)
{
	struct testdev *t = riser_state(dev);
	uint32_t word = 0;

	(void)job;
	riser_dma_read(dev, t->job_from, &word, sizeof(word));
	t->job_sum = word + t->job_number;
	riser_irq_raise(dev, 2);
	riser_post(dev, &t->work);
}

/* On the device's thread again. */
static void work_done(struct riser_dev *dev, struct riser_job *job)
{
	struct testdev *t = riser_state(dev);

	(void)job;
	t->job_result = t->job_sum;
	riser_irq_raise(dev, 3);
}

static void job_written(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct testdev *t = riser_state(dev);
	int ret;

	(void)was;
	t->job_from = t->dma_src;
	t->job_number = (uint32_t)now;
	ret = riser_job_submit(dev, &t->worker);
	if (ret)
		riser_log(dev, RISER_ERROR, "the job is not done: %s", strerror(-ret));
}

static void watch_ready(struct riser_dev *dev, int fd, short events, void *arg)
{
	struct testdev *t = arg;
	uint64_t count;

	(void)events;
	if (read(fd, &count, sizeof(count)) == sizeof(count))
		t->watch_count += (uint32_t)count;
	riser_irq_raise(dev, 4);
}

static void watch_written(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct testdev *t = riser_state(dev);
	ssize_t n;

	(void)was;
	do
		n = write(t->event, &now, sizeof(now));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		riser_log(dev, RISER_ERROR, "cannot write to its eventfd: %s", strerror(errno));
}

static int copy(struct riser_dev *dev, struct testdev *t, uint8_t *buffer)
{
	int ret = riser_dma_read(dev, t->dma_src, buffer, t->dma_length);

	return ret ? ret : riser_dma_write(dev, t->dma_dst, buffer, t->dma_length);
}

static int copy_mapped(struct riser_dev *dev, struct testdev *t)
{
	struct riser_dma from, to;
	int ret = riser_dma_map(dev, t->dma_src, t->dma_length, RISER_DMA_READ, &from), ended;

	if (ret)
		return ret;
	ret = riser_dma_map(dev, t->dma_dst, t->dma_length, RISER_DMA_WRITE, &to);
	if (!ret) {
		memmove(to.data, from.data,
			t->dma_length); /* the guest may have them overlap */
		ret = riser_dma_unmap(dev, &to);
	}
	ended = riser_dma_unmap(dev, &from);
	return ret ? ret : ended;
}

/* The second half to the front. */
static int scatter(struct riser_dev *dev, struct testdev *t, uint8_t *buffer)
{
	uint32_t half = t->dma_length / 2;
	const struct riser_sg from[] = { { t->dma_src, half }, { t->dma_src + half, half } };
	const struct riser_sg to[] = { { t->dma_dst + half, half }, { t->dma_dst, half } };
	int ret = riser_dma_read_sg(dev, from, 2, buffer);

	return ret ? ret : riser_dma_write_sg(dev, to, 2, buffer);
}

static int run_dma(struct riser_dev *dev, struct testdev *t)
{
	uint8_t buffer[SHARED_SIZE];

	if (t->dma_length > sizeof(buffer))
		return -EINVAL;
	switch (t->dma_command) {
	case DMA_COPY:
		return copy(dev, t, buffer);
	case DMA_MAPPED:
		return copy_mapped(dev, t);
	case DMA_SCATTER:
		return scatter(dev, t, buffer);
	case DMA_HOLD:
		riser_dma_unmap(dev, &t->held);
		return riser_dma_map(dev, t->dma_dst, t->dma_length, RISER_DMA_WRITE, &t->held);
	case DMA_USE:
		if (t->held.data)
			memset(t->held.data, 0x77, t->held.length);
		return 0;
	case DMA_RELEASE:
		return riser_dma_unmap(dev, &t->held);
	default:
		return -EINVAL;
	}
}

static void dma_written(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct testdev *t = riser_state(dev);

	(void)now, (void)was;
	t->dma_result = (uint32_t)-run_dma(dev, t);
	riser_irq_raise(dev, 5);
}

static void rung(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct testdev *t = riser_state(dev);

	(void)now, (void)was;
	t->rings++;
}

static int raw_read(struct riser_dev *dev, uint64_t offset, unsigned size, uint64_t *value)
{
	struct testdev *t = riser_state(dev);

	*value = t->raw ^ offset ^ size;
	return offset >= 0x100000 ? 0 : -EINVAL;
}

static int raw_write(struct riser_dev *dev, uint64_t offset, unsigned size, uint64_t value)
{
	struct testdev *t = riser_state(dev);

	(void)size;
	t->raw = value;
	return offset >= 0x100000 ? 0 : -EINVAL;
}

static void reset(struct riser_dev *dev, enum riser_reset kind)
{
	struct testdev *t = riser_state(dev);
	uint64_t count;

	/* What was written before does not count after. */
	while (read(t->event, &count, sizeof(count)) < 0 && errno == EINTR)
		continue;
	t->reset_counts[kind]++;
	memcpy(t->resets, t->reset_counts, sizeof(t->resets));
}

static int init(struct riser_dev *dev)
{
	struct testdev *t = riser_state(dev);
	int ret;

	t->work.run = posted;
	t->worker = (struct riser_job){ .run = work_hard, .done = work_done };
	t->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->event < 0)
		return riser_fail(dev, -errno, "no eventfd to be had");
	ret = riser_watch_create(dev, t->event, POLLIN, watch_ready, t, &t->watching);
	if (!ret)
		return 0;
	close(t->event);
	return riser_fail(dev, ret, "cannot watch its eventfd: %s", strerror(-ret));
}

static void fini(struct riser_dev *dev)
{
	struct testdev *t = riser_state(dev);

	riser_dma_unmap(dev, &t->held);
	close(t->event);
}

#define REG(offset, member) RISER_REG(offset, struct testdev, member)
#define REGS(offset, member) RISER_REG_ARRAY(offset, struct testdev, member)

static const struct riser_reg regs[] = {
	{ REG(0x00, id), .reset = 0x7e57de70 },
	{ REG(0x04, scratch), .rw = RISER_ALL, .part = 1 },
	{ REG(0x08, clear), .w1c = RISER_ALL, .reset = 0xff },
	{ REG(0x0c, set), .w1s = RISER_ALL },
	{ REG(0x10, read_clears), .rc = 0x0f, .rw = RISER_ALL, .reset = 0xff },
	{ REG(0x14, once), .once = RISER_ALL },
	{ REG(0x18, key), .rw = RISER_ALL, .flags = RISER_WRITE_ONLY },
	{ REGS(0x1c, bytes), .rw = RISER_ALL },
	{ REG(0x20, half), .rw = RISER_ALL },
	{ REG(0x28, wide), .rw = RISER_ALL, .part = 4 },
	{ REGS(0x40, table), .rw = RISER_ALL, .stride = 16 },
	{ REG(0x100, irq_raise), .rw = RISER_ALL, .on_write = irq_raised },
	{ REG(0x104, irq_lower), .rw = RISER_ALL, .on_write = irq_lowered },
	{ REG(0x110, timer_us), .rw = RISER_ALL, .on_write = timer_written },
	{ REG(0x114, timer_count) },
	{ REG(0x118, timer_order) },
	{ REG(0x120, post), .rw = RISER_ALL, .on_write = post_written },
	{ REG(0x124, post_count) },
	{ REG(0x128, job), .rw = RISER_ALL, .on_write = job_written },
	{ REG(0x12c, job_result) },
	{ REG(0x130, watch), .rw = RISER_ALL, .on_write = watch_written },
	{ REG(0x134, watch_count) },
	{ REG(0x140, dma_src), .rw = RISER_ALL },
	{ REG(0x148, dma_dst), .rw = RISER_ALL },
	{ REG(0x150, dma_length), .rw = RISER_ALL },
	{ REG(0x154, dma_command), .rw = RISER_ALL, .on_write = dma_written },
	{ REG(0x158, dma_result) },
	{ REGS(0x160, resets) },
};

static const struct riser_window ports[] = { { RISER_WINDOW(0, struct testdev, ports) } };
static const struct riser_window shared[] = {
	{ .name = "shared", .offset = 0, .size = SHARED_SIZE, .shared = true },
};
static const struct riser_bar_ops raw = { raw_read, raw_write };

static const struct riser_bar bars[] = {
	{ .index = 0, .size = 8192, .regs = RISER_REGS(regs) },
	{ .index = 1, .kind = RISER_IO, .size = 64, .windows = RISER_WINDOWS(ports) },
	{ .index = 2,
	  .kind = RISER_MEM64,
	  .prefetchable = true,
	  .size = 16 << 20,
	  .windows = RISER_WINDOWS(shared),
	  .ops = &raw },
};

static const struct riser_reg vendor_regs[] = {
	{ REG(4, doorbell), .rw = RISER_ALL, .on_write = rung },
	{ REG(8, rings) },
};

static const struct riser_pci_cap caps[] = {
	RISER_PM,
	RISER_MSI(4),
	RISER_MSIX(VECTORS, 0, 0x1000, 0x1800),
	RISER_EXPRESS,
	{ .kind = RISER_CAP_VENDOR, .size = 12, .regs = RISER_REGS(vendor_regs) },
	RISER_SERIAL(0x0123456789abcdef),
	RISER_AER,
	RISER_ATS,
	RISER_PASID,
};

static const struct riser_timer timers[] = {
	[TIMER_ONE] = { "one", timer_one },
	[TIMER_TWO] = { "two", timer_two },
};
static const struct riser_field fields[] = {
	{ RISER_FIELD_ARRAY(struct testdev, reset_counts) },
	{ RISER_FIELD(struct testdev, raw) },
};

static const struct riser_pci_device testdev = {
	.size = sizeof(testdev),
	.name = "testdev",
	.summary = "one of everything, for tests",
	.id = { .vendor = 0x1234, .device = 0x7e57, .revision = 1, .class_code = 0x00ff00 },
	.interrupt_pin = 1,
	.vectors = VECTORS,
	.state_size = sizeof(struct testdev),
	.dma_mask = UINT64_C(0xffffffffff),
	.bars = RISER_BARS(bars),
	.caps = RISER_CAPS(caps),
	.fields = RISER_FIELDS(fields),
	.timers = RISER_TIMERS(timers),
	.init = init,
	.reset = reset,
	.fini = fini,
};

RISER_EXPORT(testdev);
