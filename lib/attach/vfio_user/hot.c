/* SPDX-License-Identifier: MIT */
/*
 * Register accesses as guests make them all the time: served in one go, straight from the input
 * buffer into the device and into the output buffer. Whatever is in the least unusual, or goes
 * wrong, is left to vu_dispatch().
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

/* Where the reply goes, or NULL if it is time to send. */
static uint8_t *begin_reply(struct vu_output *out)
{
	if (!vu_output_pending(out))
		out->start = out->end = 0;
	if (vu_output_pending(out) > VU_REPLIES_MOST ||
	    out->capacity - out->end < sizeof(struct access) + WIDEST)
		return NULL;
	return out->data + out->end;
}

static void put(uint8_t *reply, size_t at, uint32_t value)
{
	memcpy(reply + at, &value, sizeof(value));
}

/* The request's own bytes, with what differs put over them. */
static void end_reply(struct vu_output *out, uint8_t *reply, const uint8_t *asked,
		      uint32_t data)
{
	uint32_t size = (uint32_t)sizeof(struct access) + data;

	memcpy(reply, asked, sizeof(struct access));
	put(reply, offsetof(struct vu_header, size), size);
	put(reply, offsetof(struct vu_header, flags), VU_TYPE_REPLY);
	put(reply, offsetof(struct vu_header, error), 0);
	out->end += size;
}

static bool read_register(struct riser_server *server, const struct access *access,
			  const uint8_t *from)
{
	const struct vu_region_access *at = &access->at;
	struct vu_output *out = &server->link.out;
	uint8_t *reply = begin_reply(out);
	const uint8_t *memory;

	if (access->header.size != sizeof(*access) || access->header.flags || !reply)
		return false;
	memory = riser__pci_memory(server->dev, at->region, at->offset, at->count);
	if (memory)
		riser__copy(reply + sizeof(*access), memory, at->count);
	else if (riser__pci_read(server->dev, at->region, at->offset, reply + sizeof(*access),
				 at->count))
		return false;
	end_reply(out, reply, from, at->count);
	return true;
}

static bool write_register(struct riser_server *server, const struct access *access,
			   const uint8_t *from)
{
	const struct vu_region_access *at = &access->at;
	struct vu_output *out = &server->link.out;
	bool posted = access->header.flags == VU_NO_REPLY;
	uint8_t *reply = posted ? NULL : begin_reply(out), *memory;

	if (access->header.size != sizeof(*access) + at->count ||
	    (!posted && (access->header.flags || !reply)))
		return false;
	memory = riser__pci_memory(server->dev, at->region, at->offset, at->count);
	if (memory)
		riser__copy(memory, from + sizeof(*access), at->count);
	else if (riser__pci_write(server->dev, at->region, at->offset, from + sizeof(*access),
				  at->count))
		return false;
	if (!posted && !server->link.answered)
		end_reply(out, reply, from, 0);
	server->link.answered = false;
	return true;
}

void vu_serve_accesses(struct riser_server *server)
{
	struct vu_input *in = &server->link.in;
	struct access access;

	while (in->end - in->start >= sizeof(access) && !in->fd_count && !server->link.broken) {
		const uint8_t *from = in->data + in->start;
		bool served = false;

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
