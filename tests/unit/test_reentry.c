/* SPDX-License-Identifier: MIT */
/* What a device sends comes back to it, in the middle of the callback that sent it. */
#include "fake_host.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/pci_regs.h>

enum { MSI = 0x40, RAISE = 0x0, READ = 0x8, COUNT = 0x10 };

struct sender {
	uint32_t raise, read, count;
	uint32_t got;
	struct riser_work work;
};

static void raised(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct sender *s = riser_state(dev);

	(void)now, (void)was;
	s->count++;
	riser_irq_raise(dev, 0);
}

static void reads(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct sender *s = riser_state(dev);

	(void)now, (void)was;
	riser_dma_read(dev, 0x1000, &s->got, sizeof(s->got));
}

static void fires(struct riser_dev *dev)
{
	raised(dev, 0, 0);
}

static void works(struct riser_dev *dev, struct riser_work *work)
{
	(void)work;
	raised(dev, 0, 0);
}

static void is_ready(struct riser_dev *dev, int fd, short events, void *arg)
{
	(void)fd, (void)events, (void)arg;
	raised(dev, 0, 0);
}

static const struct riser_reg regs[] = {
	{ RISER_REG(RAISE, struct sender, raise), .rw = RISER_ALL, .on_write = raised },
	{ RISER_REG(READ, struct sender, read), .rw = RISER_ALL, .on_write = reads },
	{ RISER_REG(COUNT, struct sender, count) },
};
static const struct riser_bar bars[] = {
	{ .index = 0, .size = 4096, .regs = RISER_REGS(regs) },
};
static const struct riser_pci_cap caps[] = {
	{ .kind = RISER_CAP_MSI, .vectors = 1, .offset = MSI },
};
static const struct riser_timer timers[] = { { "timer", fires } };
static const struct riser_pci_device desc = {
	.size = sizeof(desc),
	.name = "sender",
	.id = { .vendor = 0x1234 },
	.state_size = sizeof(struct sender),
	.bars = RISER_BARS(bars),
	.caps = RISER_CAPS(caps),
	.timers = RISER_TIMERS(timers),
};

/* All ways in, from where a message or DMA of the device's arrives. */
static void comes_back(struct fake_host *host)
{
	uint16_t command = PCI_COMMAND_MEMORY;

	host->seen = (uint32_t)fake_host_read(host, 0, COUNT, 4);
	fake_host_write(host, 0, RAISE, 4, 1);
	riser__pci_write(host->dev, RISER__REGION_CONFIG, PCI_COMMAND, &command, 2);
	riser__dev_run_timers(host->dev);
	riser__dev_run_posted(host->dev);
	if (host->watch)
		riser__watch_ready(host->watch, POLLIN);
}

static int start(void **state)
{
	struct fake_host *host = calloc(1, sizeof(*host));

	*state = host;
	fake_host_start(host, &desc, NULL);
	fake_host_write(host, RISER__REGION_CONFIG, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	fake_host_write(host, RISER__REGION_CONFIG, MSI + PCI_MSI_FLAGS, 2,
			PCI_MSI_FLAGS_ENABLE);
	host->on_send = comes_back;
	return 0;
}

static int stop(void **state)
{
	fake_host_stop(*state);
	free(*state);
	return 0;
}

/* Once, and not from within; what waited comes afterwards. */
static void check_once(struct fake_host *host)
{
	struct sender *s = riser_state(host->dev);

	assert_int_equal(s->count, 1);
	assert_int_equal(host->messages, 1);
	assert_int_equal(host->seen, UINT32_MAX);
	assert_int_equal(host->dev->mistakes[RISER__REENTERED], 3);
	assert_int_equal(fake_host_read(host, RISER__REGION_CONFIG, PCI_COMMAND, 2),
			 PCI_COMMAND_MASTER);
	host->on_send = NULL;
	fake_host_write(host, 0, RAISE, 4, 1);
	assert_int_equal(s->count, 2);
}

static void test_from_an_access(void **state)
{
	fake_host_write(*state, 0, RAISE, 4, 1);
	check_once(*state);
}

static void test_from_a_timer(void **state)
{
	struct fake_host *host = *state;

	riser_timer_arm(host->dev, 0, 0);
	riser__dev_run_timers(host->dev);
	check_once(host);
}

static void test_from_work(void **state)
{
	struct fake_host *host = *state;
	struct sender *s = riser_state(host->dev);
	unsigned wakes;

	s->work.run = works;
	riser_post(host->dev, &s->work);
	wakes = host->wakes;
	riser__dev_run_posted(host->dev);
	assert_int_equal(host->wakes, wakes + 1); /* the one from within comes later */
	check_once(host);
}

static void test_from_a_watch(void **state)
{
	struct fake_host *host = *state;
	struct riser_watch *watch;
	int pipes[2];

	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(
		riser_watch_create(host->dev, pipes[0], POLLIN, is_ready, NULL, &watch), 0);
	riser__watch_ready(watch, POLLIN);
	check_once(host);
	riser_watch_destroy(watch);
	close(pipes[0]);
	close(pipes[1]);
}

static void test_by_dma(void **state)
{
	struct fake_host *host = *state;
	struct sender *s = riser_state(host->dev);

	fake_host_write(host, 0, READ, 4, 1);
	assert_int_equal(s->count, 0);
	assert_int_equal(host->messages, 0);
	assert_int_equal(host->seen, UINT32_MAX);
	assert_int_equal(host->dev->mistakes[RISER__REENTERED], 3);
}

/* A guest may do it for as long as it likes: ever fewer lines. */
static void test_lines_are_few(void **state)
{
	struct fake_host *host = *state;

	for (unsigned i = 0; i < 1000; i++)
		fake_host_write(host, 0, RAISE, 4, 1);
	assert_int_equal(host->dev->mistakes[RISER__REENTERED], 3000);
	assert_in_range(host->logs, 1, 32);
	assert_non_null(strstr(host->last_log, "BAR0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_from_an_access, start, stop),
		cmocka_unit_test_setup_teardown(test_from_a_timer, start, stop),
		cmocka_unit_test_setup_teardown(test_from_work, start, stop),
		cmocka_unit_test_setup_teardown(test_from_a_watch, start, stop),
		cmocka_unit_test_setup_teardown(test_by_dma, start, stop),
		cmocka_unit_test_setup_teardown(test_lines_are_few, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
