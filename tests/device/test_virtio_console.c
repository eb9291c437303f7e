/* SPDX-License-Identifier: MIT */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_console.h>
#include <linux/virtio_config.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { RX = 0, TX = 1, CONTROL_RX = 2, CONTROL_TX = 3, QUEUES = 10, BUFFERS = 16, SIZE = 4096 };
#define WAIT PATIENCE
#define BIT(n) (UINT64_C(1) << (n))

struct console {
	struct riser_host *host;
	struct riser_driver *driver;
	struct riser_driver_queue *queues[QUEUES];
	uint8_t *out, *control_out;
	uint64_t out_iova, control_iova;
};

static void give(struct console *c, unsigned queue)
{
	for (unsigned i = 0; i < BUFFERS; i++) {
		struct riser_driver_sg sg = { .length = SIZE };
		void *buffer = riser_driver_alloc(c->driver, SIZE, 64, &sg.iova);

		ok(c->host, riser_driver_add(c->queues[queue], NULL, 0, &sg, 1, buffer));
	}
	ok(c->host, riser_driver_kick(c->queues[queue]));
}

static void control(struct console *c, uint32_t id, uint16_t event, uint16_t value)
{
	struct virtio_console_control message = { id, event, value };
	const struct riser_driver_sg sg = { c->control_iova, sizeof(message) };

	memcpy(c->control_out, &message, sizeof(message));
	ok(c->host, riser_driver_add(c->queues[CONTROL_TX], &sg, 1, NULL, 0, c->control_out));
	ok(c->host, riser_driver_kick(c->queues[CONTROL_TX]));
	ok(c->host, riser_driver_wait(c->queues[CONTROL_TX], NULL, NULL, WAIT));
}

/* The next message must be this one; returns what follows it. */
static const char *expect(struct console *c, uint32_t id, uint16_t event, uint16_t value)
{
	struct virtio_console_control message;
	uint32_t written;
	void *buffer;

	ok(c->host, riser_driver_wait(c->queues[CONTROL_RX], &buffer, &written, WAIT));
	memcpy(&message, buffer, sizeof(message));
	assert_int_equal(message.id, id);
	assert_int_equal(message.event, event);
	assert_int_equal(message.value, value);
	((char *)buffer)[written] = 0;
	return (char *)buffer + sizeof(message);
}

static void open_console(struct console *c, struct riser_host *host)
{
	const struct riser_driver_config config = {
		.size = sizeof(config),
		.features = BIT(VIRTIO_CONSOLE_F_MULTIPORT) | BIT(VIRTIO_CONSOLE_F_EMERG_WRITE),
		.irq = RISER_IRQ_MSIX,
	};

	*c = (struct console){ .host = host };
	ok(host, riser_driver_create(host, &config, &c->driver));
	for (unsigned i = 0; i < QUEUES; i++)
		ok(host, riser_driver_queue(c->driver, i, 64, &c->queues[i]));
	c->out = riser_driver_alloc(c->driver, 1 << 20, 64, &c->out_iova);
	c->control_out = riser_driver_alloc(c->driver, 64, 64, &c->control_iova);
	ok(host, riser_driver_ready(c->driver));
	give(c, CONTROL_RX);
}

/* Both ports of the options below, open on both sides. */
static void open_loop(struct console *c, struct riser_host *host)
{
	open_console(c, host);
	control(c, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	expect(c, 0, VIRTIO_CONSOLE_PORT_ADD, 1);
	expect(c, 1, VIRTIO_CONSOLE_PORT_ADD, 1);
	control(c, 0, VIRTIO_CONSOLE_PORT_READY, 1);
	expect(c, 0, VIRTIO_CONSOLE_CONSOLE_PORT, 1);
	expect(c, 0, VIRTIO_CONSOLE_PORT_OPEN, 1);
	control(c, 1, VIRTIO_CONSOLE_PORT_READY, 1);
	assert_string_equal(expect(c, 1, VIRTIO_CONSOLE_PORT_NAME, 1), "echo");
	expect(c, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	control(c, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
}

static void transmit(struct console *c, unsigned queue, uint32_t at, uint32_t length)
{
	const struct riser_driver_sg sg = { c->out_iova + at, length };

	ok(c->host, riser_driver_add(c->queues[queue], &sg, 1, NULL, 0, c->out + at));
	ok(c->host, riser_driver_kick(c->queues[queue]));
}

/* So many bytes arrive, the ones that were sent from the beginning of `out`. */
static void receive(struct console *c, unsigned queue, uint32_t length)
{
	uint32_t got = 0, written;
	void *buffer;

	while (got < length) {
		struct riser_driver_sg sg = { .length = SIZE };
		char *memory;
		uint64_t base;

		ok(c->host, riser_driver_wait(c->queues[queue], &buffer, &written, WAIT));
		assert_in_range(written, 1, length - got);
		assert_memory_equal(buffer, c->out + got, written);
		got += written;
		memory = riser_host_memory(c->host, NULL, &base);
		sg.iova = base + (uint64_t)((char *)buffer - memory);
		ok(c->host, riser_driver_add(c->queues[queue], NULL, 0, &sg, 1, buffer));
		ok(c->host, riser_driver_kick(c->queues[queue]));
	}
}

static void fill(struct console *c, uint32_t length)
{
	for (uint32_t i = 0; i < length; i++)
		c->out[i] = (uint8_t)(i * 7 + i / 251);
}

static void ports(struct riser_host *host)
{
	struct console c;

	open_loop(&c, host);
	give(&c, 4);
	for (uint32_t length = 1; length < 60000; length = length * 3 + 1) {
		fill(&c, length);
		transmit(&c, 5, 0, length);
		ok(host, riser_driver_wait(c.queues[5], NULL, NULL, WAIT));
		receive(&c, 4, length);
	}
	riser_driver_destroy(c.driver);
}

/* More than the other end takes: the rest waits, and is not lost. */
static void back_pressure(struct riser_host *host)
{
	enum { TOTAL = 1 << 20, PIECE = TOTAL / 4 };
	struct console c;

	open_loop(&c, host);
	fill(&c, TOTAL);
	for (uint32_t at = 0; at < TOTAL; at += PIECE)
		transmit(&c, 5, at, PIECE);
	refused(host, riser_driver_wait(c.queues[5], NULL, NULL, 50 * MS), -ETIMEDOUT);
	give(&c, 4);
	receive(&c, 4, TOTAL);
	for (uint32_t at = 0; at < TOTAL; at += PIECE)
		ok(host, riser_driver_wait(c.queues[5], NULL, NULL, WAIT));
	riser_driver_destroy(c.driver);
}

static void reset_while_full(struct riser_host *host)
{
	struct console c;

	for (unsigned i = 0; i < 3; i++) {
		open_loop(&c, host);
		transmit(&c, 5, 0, 1 << 20);
		riser_driver_destroy(c.driver);
	}
}

static void nonsense(struct riser_host *host)
{
	struct console c;
	uint8_t status;

	open_loop(&c, host);
	for (uint32_t id = 0; id < 8; id++) {
		for (uint16_t event = 0; event < 12; event++)
			control(&c, id * 0x20000001, event, 0);
	}
	ok(host, riser_driver_status(c.driver, &status));
	assert_false(status & VIRTIO_CONFIG_S_NEEDS_RESET);
	riser_driver_destroy(c.driver);
}

static void state_goes_over(struct riser_host *host)
{
	struct console c;
	size_t size;
	void *state;

	open_loop(&c, host);
	give(&c, 4);
	ok(host, riser_host_save(host, &state, &size));
	ok(host, riser_host_reset(host, RISER_RESET_DEVICE));
	ok(host, riser_host_load(host, state, size));
	ok(host, riser_host_irq_enable(host, RISER_IRQ_MSIX, QUEUES + 1));
	fill(&c, 1000);
	transmit(&c, 5, 0, 1000);
	receive(&c, 4, 1000);
	free(state);
	riser_driver_destroy(c.driver);
}

static void to_a_file(struct riser_host *host)
{
	char text[64] = "";
	struct console c;
	int fd;

	open_console(&c, host);
	control(&c, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	memcpy(c.out, "to a file\n", 10);
	transmit(&c, TX, 0, 10);
	ok(host, riser_driver_wait(c.queues[TX], NULL, NULL, WAIT));
	ok(host, riser_driver_config_write(c.driver, 8, "!\0\0", 4));
	ok(host, riser_driver_config_read(c.driver, 4, text, 4));
	fd = open("virtio_console.file", O_RDONLY);
	memset(text, 0, sizeof(text));
	assert_int_equal(read(fd, text, sizeof(text)), 11);
	assert_string_equal(text, "to a file\n!");
	close(fd);
	unlink("virtio_console.file");
	riser_driver_destroy(c.driver);
}

/* A socket's peer comes, talks, goes, and the next one comes. */
static void to_a_socket(struct riser_host *host)
{
	struct sockaddr_un address = { AF_UNIX, "virtio_console.socket" };
	struct console c;
	char bytes[16];

	open_console(&c, host);
	control(&c, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	expect(&c, 0, VIRTIO_CONSOLE_PORT_ADD, 1);
	control(&c, 0, VIRTIO_CONSOLE_PORT_READY, 1);
	expect(&c, 0, VIRTIO_CONSOLE_CONSOLE_PORT, 1);
	control(&c, 0, VIRTIO_CONSOLE_PORT_OPEN, 1);
	give(&c, RX);
	for (unsigned round = 0; round < 3; round++) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		memcpy(c.out, "hello", 5);
		assert_int_equal(connect(fd, (void *)&address, sizeof(address)), 0);
		expect(&c, 0, VIRTIO_CONSOLE_PORT_OPEN, 1);
		assert_int_equal(write(fd, "hello", 5), 5);
		receive(&c, RX, 5);
		transmit(&c, TX, 0, 5);
		ok(host, riser_driver_wait(c.queues[TX], NULL, NULL, WAIT));
		assert_int_equal(read(fd, bytes, sizeof(bytes)), 5);
		close(fd);
		expect(&c, 0, VIRTIO_CONSOLE_PORT_OPEN, 0);
		/* Nobody is there: what is said is gone, and nothing hangs. */
		transmit(&c, TX, 0, 5);
		ok(host, riser_driver_wait(c.queues[TX], NULL, NULL, WAIT));
		give(&c, CONTROL_RX);
	}
	riser_driver_destroy(c.driver);
}

static const struct device_test tests[] = {
	{ "ports", ports, "port1=echo:loop" },
	{ "ports, DMA by message", ports, "port1=echo:loop", true },
	{ "ports, packed off, in order off", ports, "port1=echo:loop,packed=off,in_order=off" },
	{ "back pressure", back_pressure, "port1=echo:loop" },
	{ "reset while full", reset_while_full, "port1=echo:loop" },
	{ "nonsense", nonsense, "port1=echo:loop" },
	{ "state goes over", state_goes_over, "port1=echo:loop" },
	{ "to a file", to_a_file, "console=file:virtio_console.file" },
	{ "to a socket", to_a_socket, "console=listen:virtio_console.socket" },
};

int main(void)
{
	return device_tests_run("virtio_console", tests, sizeof(tests) / sizeof(*tests));
}
