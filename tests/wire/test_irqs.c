/* SPDX-License-Identifier: MIT */
/* Interrupts by eventfd: nothing lost, nothing doubled. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "wire.h"

enum {
	NONE = 1,
	BOOL = 2,
	EVENTFD = 4,
	MASK = 8,
	UNMASK = 16,
	TRIGGER = 32,
	INTX = 0,
	MSI = 1,
	MSIX = 2,
	COMMAND = 4, /* in configuration space */
	BUS_MASTER = 4,
};

static void raise_irq(struct wire *w, unsigned vector)
{
	wire_write(w, 0, DEV_RAISE, 4, vector);
}

static void bind_fds(struct wire *w, unsigned index, unsigned start, unsigned count,
		     const int *fds)
{
	assert_int_equal(wire_set_irqs(w, EVENTFD | TRIGGER, index, start, count, fds, count),
			 0);
}

/* Finds the capability and turns it on, as a guest does; messages are a master's. */
static void enable(struct wire *w, unsigned id)
{
	unsigned at = (unsigned)wire_read(w, WIRE_CONFIG, 0x34, 1);

	while (wire_read(w, WIRE_CONFIG, at, 1) != id)
		at = (unsigned)wire_read(w, WIRE_CONFIG, at + 1, 1);
	wire_write(w, WIRE_CONFIG, at + 2, 2, id == 5 ? 1 | 2 << 4 : 0x8000);
	wire_write(w, WIRE_CONFIG, COMMAND, 2, BUS_MASTER);
}

static void test_intx(void **state)
{
	struct wire *w = *state;
	int fd = wire_eventfd();

	bind_fds(w, INTX, 0, 1, &fd);
	assert_int_equal(wire_signals(fd), 0);
	raise_irq(w, 0);
	assert_int_equal(wire_signals(fd), 1);
	/* Masked by itself now: a second edge tells nothing, the level does on unmasking. */
	wire_write(w, 0, DEV_LOWER, 4, 0);
	raise_irq(w, 0);
	assert_int_equal(wire_signals(fd), 0);
	assert_int_equal(wire_set_irqs(w, NONE | UNMASK, INTX, 0, 1, NULL, 0), 0);
	assert_int_equal(wire_signals(fd), 1);
	assert_int_equal(wire_set_irqs(w, NONE | UNMASK, INTX, 0, 1, NULL, 0), 0);
	assert_int_equal(wire_signals(fd), 1);
	wire_write(w, 0, DEV_LOWER, 4, 0);
	assert_int_equal(wire_set_irqs(w, NONE | UNMASK, INTX, 0, 1, NULL, 0), 0);
	assert_int_equal(wire_signals(fd), 0);
	/* Masked by the client. */
	assert_int_equal(wire_set_irqs(w, NONE | MASK, INTX, 0, 1, NULL, 0), 0);
	raise_irq(w, 0);
	assert_int_equal(wire_signals(fd), 0);
	assert_int_equal(wire_set_irqs(w, NONE | UNMASK, INTX, 0, 1, NULL, 0), 0);
	assert_int_equal(wire_signals(fd), 1);
	close(fd);
}

/* Raised before anybody listens, and again for the next eventfd. */
static void test_intx_before_binding(void **state)
{
	struct wire *w = *state;
	int first = wire_eventfd(), second = wire_eventfd();

	raise_irq(w, 0);
	bind_fds(w, INTX, 0, 1, &first);
	assert_int_equal(wire_signals(first), 1);
	assert_int_equal(wire_set_irqs(w, NONE | TRIGGER, INTX, 0, 0, NULL, 0), 0);
	bind_fds(w, INTX, 0, 1, &second);
	assert_int_equal(wire_signals(first), 0);
	assert_int_equal(wire_signals(second), 1);
	close(first);
	close(second);
}

static void test_intx_disabled(void **state)
{
	struct wire *w = *state;
	int fd = wire_eventfd();

	bind_fds(w, INTX, 0, 1, &fd);
	wire_write(w, WIRE_CONFIG, COMMAND, 2, 1 << 10);
	raise_irq(w, 0);
	assert_int_equal(wire_signals(fd), 0);
	wire_write(w, WIRE_CONFIG, COMMAND, 2, 0);
	assert_int_equal(wire_signals(fd), 1);
	close(fd);
}

/* KVM unmasks through an eventfd of its own. */
static void test_intx_resample(void **state)
{
	static const uint64_t one = 1;
	struct wire *w = *state;
	int fd = wire_eventfd(), resample = wire_eventfd();

	bind_fds(w, INTX, 0, 1, &fd);
	assert_int_equal(wire_set_irqs(w, EVENTFD | UNMASK, INTX, 0, 1, &resample, 1), 0);
	raise_irq(w, 0);
	assert_int_equal(wire_signals(fd), 1);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(write(resample, &one, sizeof(one)), sizeof(one));
		assert_true(wire_wait(fd, 600000));
		assert_int_equal(wire_signals(fd), 1);
	}
	assert_int_equal(wire_set_irqs(w, EVENTFD | UNMASK, INTX, 0, 1, NULL, 0), 0);
	assert_int_equal(write(resample, &one, sizeof(one)), sizeof(one));
	wire_read(w, 0, DEV_SCRATCH, 4);
	assert_false(wire_wait(fd, 20));
	close(fd);
	close(resample);
}

static void test_msi(void **state)
{
	struct wire *w = *state;
	int fds[DEV_MSI];

	for (unsigned i = 0; i < DEV_MSI; i++)
		fds[i] = wire_eventfd();
	enable(w, 5);
	raise_irq(w, 3); /* sent before its eventfd is there: held for it */
	bind_fds(w, MSI, 0, DEV_MSI, fds);
	assert_int_equal(wire_signals(fds[3]), 1);
	for (unsigned i = 0; i < 5; i++)
		raise_irq(w, 1);
	assert_int_equal(wire_signals(fds[1]), 5);
	assert_int_equal(wire_set_irqs(w, NONE | MASK, MSI, 1, 1, NULL, 0), 0);
	raise_irq(w, 1);
	assert_int_equal(wire_signals(fds[1]), 0);
	assert_int_equal(wire_set_irqs(w, NONE | UNMASK, MSI, 1, 1, NULL, 0), 0);
	assert_int_equal(wire_signals(fds[1]), 1);
	assert_int_equal(wire_signals(fds[0]) + wire_signals(fds[2]), 0);
	for (unsigned i = 0; i < DEV_MSI; i++)
		close(fds[i]);
}

/* As QEMU does it: no eventfds first, then one vector at a time. */
static void test_msix(void **state)
{
	struct wire *w = *state;
	int a = wire_eventfd(), b = wire_eventfd();

	enable(w, 17);
	assert_int_equal(wire_set_irqs(w, EVENTFD | TRIGGER, MSIX, 0, DEV_MSIX, NULL, 0), 0);
	raise_irq(w, 0);
	raise_irq(w, 39);
	assert_int_equal(wire_read(w, 0, DEV_MSIX_PBA, 8), 1 | UINT64_C(1) << 39);
	bind_fds(w, MSIX, 0, 1, &a);
	assert_int_equal(wire_signals(a), 1);
	assert_int_equal(wire_read(w, 0, DEV_MSIX_PBA, 8), UINT64_C(1) << 39);
	bind_fds(w, MSIX, 39, 1, &b);
	assert_int_equal(wire_signals(b), 1);
	assert_int_equal(wire_read(w, 0, DEV_MSIX_PBA, 8), 0);
	raise_irq(w, 39);
	assert_int_equal(wire_signals(b), 1);
	assert_int_equal(wire_set_irqs(w, EVENTFD | TRIGGER, MSIX, 39, 1, NULL, 0), 0);
	raise_irq(w, 39);
	assert_int_equal(wire_signals(b), 0);
	assert_int_equal(wire_read(w, 0, DEV_MSIX_PBA, 8), UINT64_C(1) << 39);
	/* A reset forgets what was pending and keeps what was bound. */
	assert_int_equal(wire_call(w, WIRE_RESET, NULL, 0), 0);
	assert_int_equal(wire_read(w, 0, DEV_MSIX_PBA, 8), 0);
	enable(w, 17);
	raise_irq(w, 0);
	assert_int_equal(wire_signals(a), 1);
	close(a);
	close(b);
}

static void test_msix_mask(void **state)
{
	struct wire *w = *state;
	int fd = wire_eventfd();

	enable(w, 17);
	bind_fds(w, MSIX, 5, 1, &fd);
	assert_int_equal(wire_set_irqs(w, NONE | MASK, MSIX, 5, 1, NULL, 0), 0);
	raise_irq(w, 5);
	raise_irq(w, 5);
	assert_int_equal(wire_signals(fd), 0);
	assert_int_equal(wire_read(w, 0, DEV_MSIX_PBA, 8), 1 << 5);
	assert_int_equal(wire_set_irqs(w, NONE | UNMASK, MSIX, 5, 1, NULL, 0), 0);
	assert_int_equal(wire_signals(fd), 1);
	close(fd);
}

/* The client raises by itself, all of a range or some of it. */
static void test_loopback(void **state)
{
	struct wire_irqs irqs = { 24, BOOL | TRIGGER, MSIX, 1, 4, { 1, 0, 0, 1 } };
	struct wire *w = *state;
	int fds[5];

	for (unsigned i = 0; i < 5; i++)
		fds[i] = wire_eventfd();
	bind_fds(w, MSIX, 0, 5, fds);
	assert_int_equal(wire_call(w, WIRE_SET_IRQS, &irqs, 24), 0);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(wire_signals(fds[i]), i == 1 || i == 4);
	assert_int_equal(wire_set_irqs(w, NONE | TRIGGER, MSIX, 0, 40, NULL, 0), 0);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(wire_signals(fds[i]), 1);
		close(fds[i]);
	}
}

/* One that is full, and blocking as it was sent, does not stop the server. */
static void test_full_eventfd(void **state)
{
	static const uint64_t most = UINT64_MAX - 1;
	struct wire *w = *state;
	int fd = eventfd(0, EFD_CLOEXEC);

	assert_int_equal(write(fd, &most, sizeof(most)), sizeof(most));
	enable(w, 17);
	bind_fds(w, MSIX, 0, 1, &fd);
	for (unsigned i = 0; i < 10; i++)
		raise_irq(w, 0);
	assert_int_equal(wire_signals(fd), most);
	close(fd);
}

/* Replaced and removed over and over, nothing stays open. */
static void test_no_leak(void **state)
{
	struct wire *w = *state;
	unsigned before = wire_count_fds();

	for (unsigned i = 0; i < 50; i++) {
		int fds[16];

		for (unsigned v = 0; v < 16; v++)
			fds[v] = wire_eventfd();
		bind_fds(w, MSIX, i % 20, 16, fds);
		bind_fds(w, INTX, 0, 1, fds);
		assert_int_equal(wire_set_irqs(w, EVENTFD | UNMASK, INTX, 0, 1, fds, 1), 0);
		for (unsigned v = 0; v < 16; v++)
			close(fds[v]);
	}
	assert_int_equal(wire_set_irqs(w, NONE | TRIGGER, MSIX, 0, 0, NULL, 0), 0);
	assert_int_equal(wire_set_irqs(w, NONE | TRIGGER, INTX, 0, 0, NULL, 0), 0);
	wire_expect_fds(before);
}

/* Timer, posted work, a watched pipe and a worker thread all reach the eventfds. */
static void test_from_elsewhere(void **state)
{
	static const unsigned commands[4] = { CMD_TIMER, CMD_JOB_READ, CMD_POST, CMD_WATCH };
	struct wire *w = *state;
	int fds[4];

	for (unsigned i = 0; i < 4; i++)
		fds[i] = wire_eventfd();
	enable(w, 17);
	bind_fds(w, MSIX, 0, 4, fds);
	wire_write(w, 0, DEV_DELAY, 4, 5);
	for (unsigned round = 0; round < 10; round++) {
		for (unsigned i = 0; i < 4; i++) {
			wire_write(w, 0, DEV_COMMAND, 4, commands[i]);
			assert_true(wire_wait(fds[i], 600000));
			assert_int_equal(wire_signals(fds[i]), 1);
		}
	}
	assert_int_equal(wire_read(w, 0, DEV_FIRED, 4), 10);
	for (unsigned i = 0; i < 4; i++)
		close(fds[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_intx, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_intx_before_binding, wire_setup,
						wire_teardown),
		cmocka_unit_test_setup_teardown(test_intx_disabled, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_intx_resample, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_msi, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_msix, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_msix_mask, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_loopback, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_full_eventfd, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_no_leak, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_from_elsewhere, wire_setup, wire_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
