/* SPDX-License-Identifier: MIT-0 */
/* virtio_console: what its files share. */
#ifndef VIRTIO_CONSOLE_H
#define VIRTIO_CONSOLE_H

#include <linux/virtio_console.h>
#include <termios.h>

#include <riser/riser.h>

enum { PORTS = 4, CONSOLE = 0, LINE = 200 };

/* Where a port leads to on the host. */
struct end {
	int in, out;  /* -1: none */
	int listener; /* a socket that takes one peer after the other, or -1 */
	bool log;     /* lines go to the device's log */
	bool open;    /* somebody is there */
	bool socket;
	bool stranger;		 /* another user was there */
	bool pty;		 /* open while somebody has its other side open */
	struct termios terminal; /* as it was, */
	bool terminal_changed;	 /* if it is not so now */
	const char *unlink;	 /* when the port goes */
	struct riser_watch *readable, *writable, *arriving;
};

struct port {
	struct riser_dev *dev;
	unsigned index;
	char name[64]; /* empty: the console */
	bool exists;
	struct end end;
	struct riser_chain *sending; /* the other end is full, */
	const struct iovec *rest;    /* and has to take this yet, */
	int rest_count;
	size_t rest_done; /* but so many bytes of the first */
	char line[LINE];  /* of the log */
	unsigned line_length;
};

struct virtio_console {
	/* Options. */
	uint32_t columns, lines;
	const char *console, *port1, *port2, *port3;
	/* Configuration. */
	uint16_t cols, rows;
	uint32_t max_nr_ports, emerg_wr;
	/* What the driver said and has still to be told, kept in a saved state. */
	bool driver_ready;
	bool guest_open[PORTS];
	uint8_t to_tell[PORTS]; /* bits of enum tell */
	struct port ports[PORTS];
};

/* The console's queues come before the control queues, the others' after them. */
static inline struct riser_vq *port_rx(const struct port *port)
{
	return riser_virtio_vq(port->dev, port->index ? 2 * port->index + 2 : 0);
}

static inline struct riser_vq *port_tx(const struct port *port)
{
	return riser_virtio_vq(port->dev, port->index ? 2 * port->index + 3 : 1);
}

/* What the driver is told of a port, in this order. */
enum tell { TELL_ADD, TELL_CONSOLE, TELL_NAME, TELL_OPEN, TELLS };

/* control.c: both control queues (virtio 5.3.6.2). */
void control_kick(struct riser_dev *dev, struct riser_vq *vq); /* room for messages */
void control_received(struct riser_dev *dev, struct riser_vq *vq);
void control_tell(struct port *port, enum tell what);
/* Whether the driver uses more than the console's two queues. */
bool control_used(const struct riser_dev *dev);

/* port.c: data. */
void port_transmit(struct port *port);
void port_receive(struct port *port);
/* The driver takes its chains back. */
void port_stop(struct port *port);
/* What is half sent is finished, if the other end takes it within a second. */
void port_settle(struct port *port);
/* Whether the driver wants what comes. */
bool port_wanted(const struct port *port);
void port_emergency(struct port *port, char byte);

/* open.c: `where` is an option's value: what to connect the port to. */
int end_open(struct port *port, const char *option, const char *where);
void end_close(struct port *port);

/* end.c */
void end_listen(struct port *port);
/* Whether root or the user who runs this is at the other end of a socket; says so if not. */
bool end_is_own(struct port *port, int peer);
/* Bytes taken, 0: not now. What nobody takes is taken. */
size_t end_write(struct port *port, const void *from, size_t length);
/* Bytes that are there now. */
size_t end_available(struct port *port);
size_t end_read(struct port *port, void *to, size_t length);
/* Has port_receive() or port_transmit() called when there is something to do. */
void end_want(struct port *port, bool readable, bool writable);
/* A pty is asked now and then whether somebody is there. */
void end_look(struct port *port);

#endif
