/* SPDX-License-Identifier: MIT-0 */
/* edu - QEMU's teaching device, register for register as its docs/specs/edu describe it. */
#include <inttypes.h>

#include <riser/riser.h>

enum { COMPUTING = 0x01, IRQ_ENABLE = 0x80 };		   /* status */
enum { FACTORIAL_IRQ = 0x001, DMA_IRQ = 0x100 };	   /* irq_status */
enum { DMA_RUN = 1, DMA_TO_MEMORY = 2, DMA_WITH_IRQ = 4 }; /* dma_cmd */
enum { BUFFER_START = 0x40000, BUFFER_SIZE = 4096, DMA_NS = 100 * 1000 * 1000 };
enum { TIMER_DMA };

struct edu {
	uint32_t id, liveness, factorial, status, irq_status, irq_raise, irq_ack;
	uint64_t dma_src, dma_dst, dma_count, dma_cmd;
	uint8_t buffer[BUFFER_SIZE];
	uint64_t dma_mask; /* an option */
	struct riser_job job;
	uint32_t number, product; /* the job's */
	bool working;
};

static void raise_irq(struct riser_dev *dev, uint32_t bits)
{
	struct edu *edu = riser_state(dev);

	edu->irq_status |= bits;
	if (edu->irq_status)
		riser_irq_raise(dev, 0);
}

static void irq_raised(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	(void)was;
	raise_irq(dev, (uint32_t)now);
}

static void irq_acked(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct edu *edu = riser_state(dev);

	(void)was;
	edu->irq_status &= ~(uint32_t)now;
	if (!edu->irq_status)
		riser_irq_lower(dev, 0);
}

static void liveness_written(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct edu *edu = riser_state(dev);

	(void)was;
	edu->liveness = ~(uint32_t)now;
}

/* On a worker thread. Once the product is zero in 32 bits it stays so. */
static void compute(struct riser_dev *dev, struct riser_job *job)
{
	struct edu *edu = riser_state(dev);

	edu->product = 1;
	for (uint32_t n = edu->number; n && edu->product && !riser_job_cancelled(dev, job); n--)
		edu->product *= n;
}

static void submit(struct riser_dev *dev)
{
	struct edu *edu = riser_state(dev);

	/* Busy with a number from before a reset: computed() comes back to this one. */
	if (edu->working)
		return;
	edu->number = edu->factorial;
	edu->working = !riser_job_submit(dev, &edu->job);
}

static void computed(struct riser_dev *dev, struct riser_job *job)
{
	struct edu *edu = riser_state(dev);

	edu->working = false;
	if (!(edu->status & COMPUTING))
		return;
	if (riser_job_cancelled(dev, job) || edu->number != edu->factorial) {
		submit(dev);
		return;
	}
	edu->factorial = edu->product;
	edu->status &= ~(uint32_t)COMPUTING;
	if (edu->status & IRQ_ENABLE)
		raise_irq(dev, FACTORIAL_IRQ);
}

static void factorial_written(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct edu *edu = riser_state(dev);

	(void)now;
	if (edu->status & COMPUTING) {
		edu->factorial = (uint32_t)was;
		return;
	}
	edu->status |= COMPUTING;
	submit(dev);
}

/* While a transfer runs its registers cannot be written. */
static bool dma_refused(struct edu *edu, uint64_t *reg, uint64_t was)
{
	if (!(edu->dma_cmd & DMA_RUN))
		return false;
	*reg = was;
	return true;
}

static void dma_src_written(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct edu *edu = riser_state(dev);

	(void)now;
	dma_refused(edu, &edu->dma_src, was);
}

static void dma_dst_written(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct edu *edu = riser_state(dev);

	(void)now;
	dma_refused(edu, &edu->dma_dst, was);
}

static void dma_count_written(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct edu *edu = riser_state(dev);

	(void)now;
	dma_refused(edu, &edu->dma_count, was);
}

static void dma_cmd_written(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct edu *edu = riser_state(dev);

	if (was & DMA_RUN || !(now & DMA_RUN)) {
		edu->dma_cmd = was;
		return;
	}
	riser_timer_arm(dev, TIMER_DMA, DMA_NS);
}

static void transfer(struct riser_dev *dev, struct edu *edu)
{
	bool out = edu->dma_cmd & DMA_TO_MEMORY;
	uint64_t inside = out ? edu->dma_src : edu->dma_dst;
	uint64_t outside = (out ? edu->dma_dst : edu->dma_src) & edu->dma_mask;

	if (inside < BUFFER_START || inside - BUFFER_START > BUFFER_SIZE ||
	    edu->dma_count > BUFFER_SIZE - (inside - BUFFER_START)) {
		riser_log(dev, RISER_WARN,
			  "DMA of %#" PRIx64 " bytes at %#" PRIx64 " is outside of the buffer",
			  edu->dma_count, inside);
		return;
	}
	if (out)
		riser_dma_write(dev, outside, edu->buffer + (inside - BUFFER_START),
				edu->dma_count);
	else
		riser_dma_read(dev, outside, edu->buffer + (inside - BUFFER_START),
			       edu->dma_count);
}

static void dma_fired(struct riser_dev *dev)
{
	struct edu *edu = riser_state(dev);

	transfer(dev, edu);
	edu->dma_cmd &= ~(uint64_t)DMA_RUN;
	if (edu->dma_cmd & DMA_WITH_IRQ)
		raise_irq(dev, DMA_IRQ);
}

static int init(struct riser_dev *dev)
{
	struct edu *edu = riser_state(dev);

	edu->job = (struct riser_job){ .run = compute, .done = computed };
	return 0;
}

/* A factorial that was being computed when the state was saved is computed again. */
static int loaded(struct riser_dev *dev, uint32_t version)
{
	struct edu *edu = riser_state(dev);

	(void)version;
	if (edu->status & COMPUTING)
		submit(dev);
	return 0;
}

static const struct riser_reg_field status_fields[] = {
	{ "computing", COMPUTING, "a factorial is being computed; read only" },
	{ "irq_enable", IRQ_ENABLE, "raise an interrupt when it is done" },
};
static const struct riser_reg_field cmd_fields[] = {
	{ "run", DMA_RUN, "start; clear once it is done" },
	{ "to_memory", DMA_TO_MEMORY, "from the device's buffer to memory" },
	{ "irq", DMA_WITH_IRQ, "raise interrupt 0x100 when it is done" },
};

#define DMA_REG(offset, member)                                                                \
	RISER_REG(offset, struct edu, member), .rw = RISER_ALL, .part = 4,                     \
					       .flags = RISER_EXTEND,                          \
					       .on_write = member##_written

static const struct riser_reg regs[] = {
	{ RISER_REG(0x00, struct edu, id), .reset = 0x010000ed, .help = "version" },
	{ RISER_REG(0x04, struct edu, liveness), .rw = RISER_ALL, .on_write = liveness_written,
	  .help = "reads inverted" },
	{ RISER_REG(0x08, struct edu, factorial), .rw = RISER_ALL,
	  .on_write = factorial_written, .help = "a number, replaced by its factorial" },
	{ RISER_REG(0x20, struct edu, status), .rw = IRQ_ENABLE,
	  .fields = RISER_REG_FIELDS(status_fields) },
	{ RISER_REG(0x24, struct edu, irq_status), .help = "why the interrupt was raised" },
	{ RISER_REG(0x60, struct edu, irq_raise), .rw = RISER_ALL, .flags = RISER_WRITE_ONLY,
	  .on_write = irq_raised, .help = "sets bits of irq_status" },
	{ RISER_REG(0x64, struct edu, irq_ack), .rw = RISER_ALL, .flags = RISER_WRITE_ONLY,
	  .on_write = irq_acked, .help = "clears bits of irq_status" },
	{ DMA_REG(0x80, dma_src), .help = "address to copy from" },
	{ DMA_REG(0x88, dma_dst), .help = "address to copy to" },
	{ DMA_REG(0x90, dma_count), .help = "bytes" },
	{ DMA_REG(0x98, dma_cmd), .fields = RISER_REG_FIELDS(cmd_fields) },
};

static const struct riser_bar bars[] = {
	{ .index = 0, .size = 1 << 20, .regs = RISER_REGS(regs) },
};
static const struct riser_pci_cap caps[] = {
	{ .kind = RISER_CAP_MSI, .vectors = 1, .mapped_only = true },
};
static const struct riser_timer timers[] = { [TIMER_DMA] = { "dma", dma_fired } };
static const struct riser_field fields[] = { { RISER_FIELD_ARRAY(struct edu, buffer) } };
static const struct riser_option options[] = {
	{ RISER_OPTION(U64, struct edu, dma_mask), .value = "0xfffffff",
	  .help = "bus addresses are cut to it" },
};

static const struct riser_pci_device edu = {
	.size = sizeof(edu),
	.name = "edu",
	.summary = "QEMU's teaching device: interrupts, DMA, work in the background",
	.id = { .vendor = 0x1234, .device = 0x11e8, .revision = 0x10, .class_code = 0x00ff00 },
	.interrupt_pin = 1,
	.state_size = sizeof(struct edu),
	.bars = RISER_BARS(bars),
	.caps = RISER_CAPS(caps),
	.options = RISER_OPTIONS(options),
	.fields = RISER_FIELDS(fields),
	.timers = RISER_TIMERS(timers),
	.init = init,
	.loaded = loaded,
};

RISER_EXPORT(edu);
