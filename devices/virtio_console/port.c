/* SPDX-License-Identifier: MIT-0 */
/* A port's data, as fast as the slower side takes it. */
#include <poll.h>
#include <string.h>

#include "console.h"

enum { PATIENCE = 1000 }; /* ms */

bool port_wanted(const struct port *port)
{
	const struct virtio_console *c = riser_state(port->dev);

	return c->guest_open[port->index] && riser_vq_live(port_rx(port));
}

/* ---- From the guest ---- */

/* False: the other end is full. */
static bool send_rest(struct port *port)
{
	while (port->rest_count) {
		const uint8_t *bytes = port->rest->iov_base;
		size_t length = port->rest->iov_len;

		port->rest_done +=
			end_write(port, bytes + port->rest_done, length - port->rest_done);
		if (port->rest_done < length)
			return false;
		port->rest_done = 0;
		port->rest++;
		port->rest_count--;
	}
	return true;
}

static void begin(struct port *port, struct riser_chain *chain)
{
	port->sending = chain;
	port->rest_done = 0;
	if (riser_chain_map(chain, false, riser_chain_left(chain), &port->rest,
			    &port->rest_count))
		port->rest_count = 0;
}

static void finish(struct port *port)
{
	struct riser_chain *chain = port->sending;

	port->sending = NULL;
	riser_vq_push(port_tx(port), chain);
}

void port_transmit(struct port *port)
{
	struct riser_chain *chain;

	riser_vq_begin(port_tx(port));
	for (;;) {
		if (!port->sending) {
			chain = riser_vq_pop(port_tx(port));
			if (!chain)
				break;
			begin(port, chain);
		}
		if (!send_rest(port))
			break;
		finish(port);
	}
	riser_vq_end(port_tx(port));
	end_want(port, port_wanted(port), port->sending);
}

void port_stop(struct port *port)
{
	if (port->sending)
		finish(port);
}

void port_settle(struct port *port)
{
	struct pollfd fd = { port->end.out, POLLOUT, 0 };
	size_t lost = 0;

	while (port->sending && fd.fd >= 0 && poll(&fd, 1, PATIENCE) > 0)
		port_transmit(port);
	if (!port->sending)
		return;
	for (int i = 0; i < port->rest_count; i++)
		lost += port->rest[i].iov_len;
	riser_log(port->dev, RISER_WARN,
		  "port %u: saved while its other end was full: %zu bytes are lost",
		  port->index, lost - port->rest_done);
	finish(port);
}

void port_emergency(struct port *port, char byte)
{
	end_write(port, &byte, 1);
}

/* ---- To the guest ---- */

static bool receive_one(struct port *port, size_t available)
{
	struct riser_chain *chain = riser_vq_pop(port_rx(port));
	uint8_t bytes[4096];
	size_t room, got;

	if (!chain)
		return false;
	room = riser_chain_room(chain);
	if (room > sizeof(bytes))
		room = sizeof(bytes);
	got = end_read(port, bytes, room < available ? room : available);
	riser_chain_write(chain, bytes, got);
	riser_vq_push(port_rx(port), chain);
	return true;
}

/* What is there and nobody can take yet stays where it is. */
void port_receive(struct port *port)
{
	bool room = true;
	size_t available;

	if (!port->exists)
		return;
	riser_vq_begin(port_rx(port));
	while (room && port_wanted(port) && (available = end_available(port)))
		room = receive_one(port, available);
	riser_vq_end(port_rx(port));
	end_want(port, room && port_wanted(port), port->sending);
	/* The other end went while it was full: nobody waits for the rest. */
	if (port->sending && !port->end.open)
		port_transmit(port);
}
