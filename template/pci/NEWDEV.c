/* NEWDEV - a register to read, one to write, and an interrupt when the work is done. */
#include <riser/riser.h>

struct NEWDEV {
	uint32_t id, input, output, status;
};

enum { DONE = 1 };
enum { TIMER_WORK };

/* Called after the driver has written `input`: the result is there 10 ms later. */
static void input_written(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	(void)now, (void)was;
	riser_timer_arm(dev, TIMER_WORK, 10 * 1000 * 1000);
}

static void work_done(struct riser_dev *dev)
{
	struct NEWDEV *state = riser_state(dev);

	state->output = ~state->input;
	state->status |= DONE;
	riser_irq_raise(dev, 0);
}

static void status_written(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	(void)was;
	if (!(now & DONE))
		riser_irq_lower(dev, 0);
}

static const struct riser_reg_field status_fields[] = {
	{ "done", DONE, "the output is there; write 1 to acknowledge" },
};

static const struct riser_reg regs[] = {
	{ RISER_REG(0x0, struct NEWDEV, id), .reset = 0x01000000, .help = "version" },
	{ RISER_REG(0x4, struct NEWDEV, input), .rw = RISER_ALL, .on_write = input_written },
	{ RISER_REG(0x8, struct NEWDEV, output), .help = "the input, inverted" },
	{ RISER_REG(0xc, struct NEWDEV, status), .w1c = DONE, .on_write = status_written,
	  .fields = RISER_REG_FIELDS(status_fields) },
};

static const struct riser_bar bars[] = {
	{ .index = 0, .size = 4096, .regs = RISER_REGS(regs) },
};

static const struct riser_pci_cap caps[] = { RISER_MSI(1) };

static const struct riser_timer timers[] = {
	[TIMER_WORK] = { "work", work_done },
};

static const struct riser_pci_device NEWDEV = {
	.size = sizeof(NEWDEV),
	.name = "NEWDEV",
	.summary = "a device of my own",
	.id = { .vendor = 0x1234, .device = 0x0001, .revision = 1, .class_code = 0x00ff00 },
	.interrupt_pin = 1,
	.state_size = sizeof(struct NEWDEV),
	.bars = RISER_BARS(bars),
	.caps = RISER_CAPS(caps),
	.timers = RISER_TIMERS(timers),
};

RISER_EXPORT(NEWDEV);
