/* SPDX-License-Identifier: MIT-0 */
/* virtio_console - a console and three ports for Linux's own driver (virtio 5.3). */
#include <errno.h>
#include <string.h>

#include "console.h"

enum { TIMER_LOOK = 0 };
static const uint64_t LOOK_PERIOD = 100000000;

static struct port *port_of(struct riser_dev *dev, const struct riser_vq *vq)
{
	struct virtio_console *c = riser_state(dev);
	unsigned index = riser_vq_index(vq) / 2;

	return &c->ports[index ? index - 1 : 0];
}

static void rx_kick(struct riser_dev *dev, struct riser_vq *vq)
{
	port_receive(port_of(dev, vq));
}

static void tx_kick(struct riser_dev *dev, struct riser_vq *vq)
{
	port_transmit(port_of(dev, vq));
}

static void stop(struct riser_dev *dev, struct riser_vq *vq)
{
	port_stop(port_of(dev, vq));
}

static void look(struct riser_dev *dev)
{
	struct virtio_console *c = riser_state(dev);
	bool again = false;

	for (unsigned i = 0; i < PORTS; i++) {
		if (c->ports[i].exists && c->ports[i].end.pty) {
			end_look(&c->ports[i]);
			again = true;
		}
	}
	if (again)
		riser_timer_arm(dev, TIMER_LOOK, LOOK_PERIOD);
}

static void ready(struct riser_dev *dev)
{
	struct virtio_console *c = riser_state(dev);

	if (!control_used(dev))
		c->guest_open[CONSOLE] = true;
	look(dev);
}

static void reset(struct riser_dev *dev, enum riser_reset kind)
{
	struct virtio_console *c = riser_state(dev);

	(void)kind;
	c->cols = (uint16_t)c->columns;
	c->rows = (uint16_t)c->lines;
	c->max_nr_ports = PORTS;
	c->driver_ready = false;
	for (unsigned i = 0; i < PORTS; i++) {
		c->guest_open[i] = false;
		c->to_tell[i] = 0;
		if (c->ports[i].exists)
			end_want(&c->ports[i], false, false);
	}
}

static void saving(struct riser_dev *dev)
{
	struct virtio_console *c = riser_state(dev);

	for (unsigned i = 0; i < PORTS; i++)
		port_settle(&c->ports[i]);
}

static int loaded(struct riser_dev *dev, uint32_t version)
{
	struct virtio_console *c = riser_state(dev);

	(void)version;
	for (unsigned i = 0; i < PORTS; i++)
		c->to_tell[i] |= c->ports[i].exists ? 1 << TELL_OPEN : 0;
	riser_timer_arm(dev, TIMER_LOOK, LOOK_PERIOD);
	return 0;
}

static void emergency(struct riser_dev *dev, uint64_t now, uint64_t was)
{
	struct virtio_console *c = riser_state(dev);

	(void)was;
	port_emergency(&c->ports[CONSOLE], (char)now);
}

/* ---- Making one ---- */

static void close_ports(struct virtio_console *c)
{
	for (unsigned i = 0; i < PORTS; i++) {
		if (c->ports[i].exists)
			end_close(&c->ports[i]);
		c->ports[i].exists = false;
	}
}

/* NAME:WHERE */
static int make_port(struct port *port, const char *option, const char *value)
{
	const char *colon = value ? strchr(value, ':') : NULL;
	size_t length = colon ? (size_t)(colon - value) : 0;

	if (!value)
		return 0;
	if (!length || length >= sizeof(port->name))
		return riser_fail(port->dev, -EINVAL,
				  "option '%s' takes NAME:WHERE, as in chat:pty, a name of up "
				  "to %zu letters; not '%s'",
				  option, sizeof(port->name) - 1, value);
	memcpy(port->name, value, length);
	return end_open(port, option, colon + 1);
}

static int init(struct riser_dev *dev)
{
	struct virtio_console *c = riser_state(dev);
	const char *values[PORTS] = { c->console, c->port1, c->port2, c->port3 };
	static const char *const names[PORTS] = { "console", "port1", "port2", "port3" };
	int ret = 0;

	for (unsigned i = 0; i < PORTS && !ret; i++) {
		struct port *port = &c->ports[i];

		port->dev = dev;
		port->index = i;
		ret = i ? make_port(port, names[i], values[i])
			: end_open(port, names[i], values[i]);
	}
	riser_virtio_offer(dev, VIRTIO_CONSOLE_F_SIZE, c->columns && c->lines);
	if (ret)
		close_ports(c);
	return ret;
}

static void fini(struct riser_dev *dev)
{
	close_ports(riser_state(dev));
}

/* ---- The tables ---- */

static const struct riser_virtio_feature features[] = {
	{ "size", VIRTIO_CONSOLE_F_SIZE, .off = true, .help = "it has columns and rows" },
	{ "multiport", VIRTIO_CONSOLE_F_MULTIPORT, .help = "more ports than the console" },
	{ "emerg_write", VIRTIO_CONSOLE_F_EMERG_WRITE, .help = "a byte without a queue" },
};

#define REG(offset, member) RISER_REG(offset, struct virtio_console, member)
static const struct riser_reg config[] = {
	{ REG(0x0, cols), .help = "columns of the console" },
	{ REG(0x2, rows) },
	{ REG(0x4, max_nr_ports) },
	{ REG(0x8, emerg_wr), .rw = RISER_ALL, .on_write = emergency,
	  .help = "a byte for the console, at any time" },
};

#define RX(n)                                                                                  \
	{                                                                                      \
		.name = "receiveq" #n, .size = 128, .kick = rx_kick, .stop = stop              \
	}
#define TX(n)                                                                                  \
	{                                                                                      \
		.name = "transmitq" #n, .size = 128, .kick = tx_kick, .stop = stop             \
	}
static const struct riser_vq_desc vqs[] = {
	RX(0),
	TX(0),
	{ .name = "control_receiveq", .size = 64, .kick = control_kick },
	{ .name = "control_transmitq", .size = 64, .kick = control_received },
	RX(1),
	TX(1),
	RX(2),
	TX(2),
	RX(3),
	TX(3),
};

/* With "NAME:" in front, for a port. */
#define WHERE(before)                                                                          \
	{ before "pty", RISER_TERMINAL }, { before "file:@", RISER_WRITES | RISER_CREATES },   \
		{ before "pipe:@", RISER_READS | RISER_WRITES, ".in" },                        \
		{ before "pipe:@", RISER_READS | RISER_WRITES, ".out" },                       \
		{ before "unix:@", RISER_CONNECTS },                                           \
	{                                                                                      \
		before "listen:@", RISER_LISTENS                                               \
	}
static const struct riser_reach console_reaches[] = { WHERE("") },
				port_reaches[] = { WHERE("*:") };

#define OPTION(kind, member) RISER_OPTION(kind, struct virtio_console, member)
static const struct riser_option options[] = {
	{ OPTION(STRING, console), .value = "log",
	  .help = "where the console leads: log, stdio, pty, null, loop, file:PATH, "
		  "pipe:PATH (PATH.in and PATH.out), unix:PATH, listen:PATH",
	  .reaches = RISER_REACHES(console_reaches) },
	{ OPTION(STRING, port1), .help = "NAME:WHERE of a port besides the console",
	  .reaches = RISER_REACHES(port_reaches) },
	{ OPTION(STRING, port2), .help = "another one",
	  .reaches = RISER_REACHES(port_reaches) },
	{ OPTION(STRING, port3), .help = "a third", .reaches = RISER_REACHES(port_reaches) },
	{ OPTION(U32, columns), .max = UINT16_MAX, .help = "of the console; 0: not told" },
	{ OPTION(U32, lines), .max = UINT16_MAX, .help = "of the console; 0: not told" },
};

static const struct riser_field fields[] = {
	{ RISER_FIELD(struct virtio_console, driver_ready) },
	{ RISER_FIELD_ARRAY(struct virtio_console, guest_open) },
	{ RISER_FIELD_ARRAY(struct virtio_console, to_tell) },
};

static const struct riser_timer timers[] = { [TIMER_LOOK] = { "look", look } };

static const struct riser_virtio_device virtio_console = {
	.size = sizeof(virtio_console),
	.name = "virtio_console",
	.summary = "a console and ports, to a terminal, a pipe or a socket",
	.virtio_id = 3,
	.transitional_id = 0x1003,
	.class_code = 0x078000,
	.state_size = sizeof(struct virtio_console),
	.features = RISER_VIRTIO_FEATURES(features),
	.config = RISER_REGS(config),
	.vqs = RISER_VQS(vqs),
	.options = RISER_OPTIONS(options),
	.fields = RISER_FIELDS(fields),
	.timers = RISER_TIMERS(timers),
	.init = init,
	.reset = reset,
	.ready = ready,
	.saving = saving,
	.loaded = loaded,
	.fini = fini,
};

RISER_EXPORT(virtio_console);
