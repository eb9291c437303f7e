/* SPDX-License-Identifier: MIT */
/*
 * Register accesses as guests make them all the time: served in one go, straight from the input
 * buffer into the device and into the output buffer. All other messages, and those with an
 * error, are left to vu_dispatch().
 */
#include "attach/vfio_user/server.h"

#include <stddef.h>
#include <string.h>

#include "pci/access.h"

enum { WIDEST = 8 }; /* bytes of an access */

struct access {
	struct vu_header header;
	struct vu_region_access at;
};
static_assert(sizeof(struct access) == 32, "an access without its data");

/* Where the reply goes; NULL: there is no room before what is gathered has been sent. */
static uint8_t *begin_reply(struct vu_output *out)
{
	if (!vu_output_pending(out))
		out->start = out->end = 0;
	if (vu_output_pending(out) > VU_REPLIES_MOST ||
	    out->capacity - out->end < sizeof(struct access) + WIDEST)
		return NULL;
	return out->data + out->end;
}

static void reply_put(uint8_t *reply, size_t at, uint32_t value)
{
	memcpy(reply + at, &value, sizeof(value));
}

/* The reply's header and fields: the request's with another size and type. Returns the size. */
static size_t end_reply(uint8_t *reply, const uint8_t *asked, uint32_t data)
{
	uint32_t size = (uint32_t)sizeof(struct access) + data;

	memcpy(reply, asked, sizeof(struct access));
	reply_put(reply, offsetof(struct vu_header, size), size);
	reply_put(reply, offsetof(struct vu_header, flags), VU_TYPE_REPLY);
	reply_put(reply, offsetof(struct vu_header, error), 0);
	return size;
}

/* ---- Registers that are plain memory: no hook, no log, no other state is concerned ---- */

static uint16_t wire_get16(const uint8_t *from, size_t at)
{
	uint16_t value;

	memcpy(&value, from + at, sizeof(value));
	return value;
}

static uint32_t wire_get32(const uint8_t *from, size_t at)
{
	uint32_t value;

	memcpy(&value, from + at, sizeof(value));
	return value;
}

static uint8_t *memory_of(const struct riser_dev *dev, const uint8_t *from, uint32_t count)
{
	uint64_t offset;

	memcpy(&offset, from + offsetof(struct access, at.offset), sizeof(offset));
	return riser__pci_memory(dev, wire_get32(from, offsetof(struct access, at.region)),
				 offset, count);
}

/*
 * Accesses with a reply, as many as follow one another. `room`: bytes of replies. Returns those
 * that there are.
 */
static size_t answer_memory(const struct riser_dev *dev, const uint8_t **at, const uint8_t *end,
			    uint8_t *to, size_t room)
{
	const uint8_t *from = *at;
	uint8_t *start = to, *most = to + room;

	while ((size_t)(end - from) >= sizeof(struct access) &&
	       (size_t)(most - to) >= sizeof(struct access) + WIDEST) {
		unsigned command = wire_get16(from, offsetof(struct vu_header, command));
		uint32_t count = wire_get32(from, offsetof(struct access, at.count));
		uint32_t size = wire_get32(from, offsetof(struct vu_header, size));
		bool write = command == VU_REGION_WRITE;
		uint8_t *memory;

		if ((!write && command != VU_REGION_READ) ||
		    wire_get32(from, offsetof(struct vu_header, flags)) || count > WIDEST ||
		    size != sizeof(struct access) + (write ? count : 0) ||
		    size > (size_t)(end - from))
			break;
		memory = memory_of(dev, from, count);
		if (!memory)
			break;
		if (write)
			riser__copy(memory, from + sizeof(struct access), count);
		else
			riser__copy(to + sizeof(struct access), memory, count);
		to += end_reply(to, from, write ? 0 : count);
		from += size;
	}
	*at = from;
	return (size_t)(to - start);
}

/* The same of posted writes. */
static void post_memory(const struct riser_dev *dev, const uint8_t **at, const uint8_t *end)
{
	const uint8_t *from = *at;

	while ((size_t)(end - from) >= sizeof(struct access)) {
		uint32_t count = wire_get32(from, offsetof(struct access, at.count));
		uint32_t size = wire_get32(from, offsetof(struct vu_header, size));
		uint8_t *memory;

		if (wire_get16(from, offsetof(struct vu_header, command)) != VU_REGION_WRITE ||
		    wire_get32(from, offsetof(struct vu_header, flags)) != VU_NO_REPLY ||
		    count > WIDEST || size != sizeof(struct access) + count ||
		    size > (size_t)(end - from))
			break;
		memory = memory_of(dev, from, count);
		if (!memory)
			break;
		riser__copy(memory, from + sizeof(struct access), count);
		from += size;
	}
	*at = from;
}

static void serve_memory(struct riser_server *server)
{
	struct vu_input *in = &server->link.in;
	struct vu_output *out = &server->link.out;
	const uint8_t *from = in->data + in->start, *end = in->data + in->end;
	uint8_t *reply = begin_reply(out);

	post_memory(server->dev, &from, end);
	if (reply)
		out->end +=
			answer_memory(server->dev, &from, end, reply, out->capacity - out->end);
	in->start = (size_t)(from - in->data);
}

/* ---- Registers with hooks: buffers and connection may have changed after each ---- */

static bool read_register(struct riser_server *server, const struct access *access,
			  const uint8_t *from)
{
	struct vu_output *out = &server->link.out;
	uint8_t *reply = begin_reply(out);

	if (access->header.size != sizeof(*access) || access->header.flags || !reply ||
	    riser__pci_read(server->dev, access->at.region, access->at.offset,
			    reply + sizeof(*access), access->at.count))
		return false;
	out->end += end_reply(reply, from, access->at.count);
	return true;
}

static bool write_register(struct riser_server *server, const struct access *access,
			   const uint8_t *from)
{
	struct vu_output *out = &server->link.out;
	bool posted = access->header.flags == VU_NO_REPLY;
	uint8_t *reply = posted ? NULL : begin_reply(out);

	if (access->header.size != sizeof(*access) + access->at.count ||
	    (!posted && (access->header.flags || !reply)) ||
	    riser__pci_write(server->dev, access->at.region, access->at.offset,
			     from + sizeof(*access), access->at.count))
		return false;
	if (!posted && !server->link.answered)
		out->end += end_reply(reply, from, 0);
	server->link.answered = false;
	return true;
}

static bool is_next(const struct riser_server *server)
{
	const struct vu_input *in = &server->link.in;

	return in->end - in->start >= sizeof(struct access) && !in->fd_count &&
	       !server->link.broken;
}

void vu_serve_accesses(struct riser_server *server)
{
	struct vu_input *in = &server->link.in;
	struct access access;

	while (is_next(server)) {
		const uint8_t *from;
		bool served = false;

		serve_memory(server);
		if (!is_next(server))
			return;
		from = in->data + in->start;
		memcpy(&access, from, sizeof(access));
		if (access.at.count > WIDEST || access.header.size > in->end - in->start)
			return;
		if (access.header.command == VU_REGION_WRITE)
			served = write_register(server, &access, from);
		else if (access.header.command == VU_REGION_READ)
			served = read_register(server, &access, from);
		if (!served)
			return;
		in->start += access.header.size;
	}
}
