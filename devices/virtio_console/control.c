/* SPDX-License-Identifier: MIT-0 */
/* Control messages: which ports there are, and who has them open (virtio 5.3.6.2). */
#include <endian.h>
#include <string.h>

#include "console.h"

enum { CONTROL_RX = 2 };

bool control_used(const struct riser_dev *dev)
{
	return riser_virtio_has(dev, VIRTIO_CONSOLE_F_MULTIPORT);
}

/* What there is to tell is kept as a bit, so it is bounded whatever the driver does. */
void control_tell(struct port *port, enum tell what)
{
	struct virtio_console *c = riser_state(port->dev);

	if (!control_used(port->dev))
		return;
	c->to_tell[port->index] |= (uint8_t)(1u << what);
	control_kick(port->dev, riser_virtio_vq(port->dev, CONTROL_RX));
}

static void write_message(struct riser_chain *chain, const struct port *port, enum tell what)
{
	static const uint16_t events[TELLS] = {
		[TELL_ADD] = VIRTIO_CONSOLE_PORT_ADD,
		[TELL_CONSOLE] = VIRTIO_CONSOLE_CONSOLE_PORT,
		[TELL_NAME] = VIRTIO_CONSOLE_PORT_NAME,
		[TELL_OPEN] = VIRTIO_CONSOLE_PORT_OPEN,
	};
	const struct virtio_console_control message = {
		.id = htole32(port->index),
		.event = htole16(events[what]),
		.value = htole16(what == TELL_OPEN ? port->end.open : 1),
	};

	riser_chain_write(chain, &message, sizeof(message));
	if (what == TELL_NAME)
		riser_chain_write(chain, port->name, strlen(port->name));
}

static bool next(struct virtio_console *c, struct port **port, enum tell *what)
{
	for (unsigned i = 0; i < PORTS; i++) {
		if (!c->to_tell[i])
			continue;
		*port = &c->ports[i];
		*what = (enum tell)__builtin_ctz(c->to_tell[i]);
		return true;
	}
	return false;
}

void control_kick(struct riser_dev *dev, struct riser_vq *vq)
{
	struct virtio_console *c = riser_state(dev);
	struct riser_chain *chain;
	struct port *port;
	enum tell what;

	while (next(c, &port, &what) && (chain = riser_vq_pop(vq))) {
		c->to_tell[port->index] &= (uint8_t) ~(1u << what);
		write_message(chain, port, what);
		riser_vq_push(vq, chain);
	}
}

static void driver_is_ready(struct virtio_console *c)
{
	c->driver_ready = true;
	for (unsigned i = 0; i < PORTS; i++) {
		if (c->ports[i].exists)
			control_tell(&c->ports[i], TELL_ADD);
	}
}

static void port_is_ready(struct port *port)
{
	control_tell(port, port->index == CONSOLE ? TELL_CONSOLE : TELL_NAME);
	if (port->end.open)
		control_tell(port, TELL_OPEN);
}

static void guest_opens(struct virtio_console *c, struct port *port, bool opens)
{
	c->guest_open[port->index] = opens;
	port_receive(port);
}

/* What the driver says of ports there are not is ignored, as is what it must not say. */
static void obey(struct riser_dev *dev, const struct virtio_console_control *message)
{
	struct virtio_console *c = riser_state(dev);
	uint16_t event = le16toh(message->event), value = le16toh(message->value);
	uint32_t id = le32toh(message->id);
	struct port *port = id < PORTS && c->ports[id].exists ? &c->ports[id] : NULL;

	if (event == VIRTIO_CONSOLE_DEVICE_READY && value)
		driver_is_ready(c);
	else if (event == VIRTIO_CONSOLE_PORT_READY && value && port)
		port_is_ready(port);
	else if (event == VIRTIO_CONSOLE_PORT_OPEN && port)
		guest_opens(c, port, value);
	else
		riser_log(dev, RISER_WARN, "guest: control message %u, value %u, of port %u",
			  event, value, id);
}

void control_received(struct riser_dev *dev, struct riser_vq *vq)
{
	struct riser_chain *chain;

	while ((chain = riser_vq_pop(vq))) {
		struct virtio_console_control message;

		if (riser_chain_read(chain, &message, sizeof(message)) == sizeof(message))
			obey(dev, &message);
		riser_vq_push(vq, chain);
	}
}
