/* SPDX-License-Identifier: MIT */
/*
 * Answers that cannot wait for the device's callback to end. QEMU's CPU threads wait for the
 * answer to a register access with the lock held that its main loop needs to answer a DMA
 * message: a guest that polls a register while the device waits for DMA would block both until
 * one of them gives up. So while a callback waits, a write is answered before it is done, as
 * posted ones are not answered at all, and a read is if it changes nothing. Order is kept: what
 * comes after a message that has to wait is not looked at, but for writes.
 */
#include "attach/vfio_user/server.h"

#include <errno.h>
#include <string.h>

enum { WIDEST = 8 };

struct access {
	struct vu_header header;
	struct vu_region_access at;
};

static int early_answer(struct riser_server *server, const struct access *access,
			const void *data, uint32_t size)
{
	struct vu_output *out = &server->remote.early;
	struct access reply = *access;
	uint8_t *to = vu_output_reserve(out, sizeof(reply) + size);

	if (!to)
		return -ENOMEM;
	reply.header.size = (uint32_t)sizeof(reply) + size;
	reply.header.flags = VU_TYPE_REPLY;
	reply.header.error = 0;
	memcpy(to, &reply, sizeof(reply));
	memcpy(to + sizeof(reply), data, size);
	out->end += reply.header.size;
	server->remote.answers++;
	if (server->trace)
		vu_log(server, RISER_DEBUG, "%s id %u answered while the device waits for DMA",
		       vu_command_name(reply.header.command), reply.header.id);
	return 0;
}

/* Whether it is an access that can be answered apart. */
static bool access_take(const struct vu_input *in, size_t from, struct access *access)
{
	if (in->end - from < sizeof(*access))
		return false;
	memcpy(access, in->data + from, sizeof(*access));
	return access->header.size >= sizeof(*access) && !access->header.flags;
}

static bool is_write(const struct riser_server *server, const struct access *access)
{
	return access->header.command == VU_REGION_WRITE &&
	       access->header.size == sizeof(*access) + access->at.count &&
	       riser__pci_has(server->dev, access->at.region, access->at.offset,
			      access->at.count);
}

/* The device sees it as a posted write: it has its answer. */
static void answer_write(struct riser_server *server, struct vu_input *in, size_t from,
			 struct access *access)
{
	if (early_answer(server, access, "", 0))
		return;
	access->header.flags = VU_NO_REPLY;
	memcpy(in->data + from, &access->header, sizeof(access->header));
}

static bool answer_read(struct riser_server *server, const struct access *access)
{
	uint8_t data[WIDEST];

	return access->header.command == VU_REGION_READ &&
	       access->header.size == sizeof(*access) && access->at.count <= sizeof(data) &&
	       !riser__pci_peek(server->dev, access->at.region, access->at.offset, data,
				access->at.count) &&
	       !early_answer(server, access, data, access->at.count);
}

/* The messages of [from, to), all whole. Returns where those end that are left. */
static size_t early_serve(struct riser_server *server, struct vu_input *in, size_t from,
			  size_t to)
{
	struct vu_header header;
	struct vu_sweep sweep;
	struct access access;

	vu_sweep_begin(in, from, &sweep);
	while (sweep.from < to && vu_input_header(in, sweep.from, &header) == 1) {
		bool apart = access_take(in, sweep.from, &access);

		if (apart && !server->remote.behind && answer_read(server, &access)) {
			vu_sweep_drop(in, &sweep, header.size);
			continue;
		}
		if (apart && is_write(server, &access))
			answer_write(server, in, sweep.from, &access);
		server->remote.behind = true;
		vu_sweep_keep(in, &sweep, header.size);
	}
	vu_sweep_end(in, &sweep);
	return sweep.to;
}

static bool may_answer(const struct riser_server *server)
{
	return server->remote.early.data && !server->link.full &&
	       server->migration.state == VU_STATE_RUNNING &&
	       vu_output_pending(&server->remote.early) < VU_REPLIES_MOST;
}

void vu_early_begin(struct riser_server *server)
{
	struct vu_link *link = &server->link;
	struct access access;

	if (!server->remote.early.data && vu_output_init(&server->remote.early))
		return;
	if (!link->serving || link->answered || !may_answer(server) ||
	    !access_take(&link->in, link->in.start, &access) || !is_write(server, &access))
		return;
	link->answered = !early_answer(server, &access, "", 0);
}

/* What waited for the message before is looked at again for the next one. */
static void look_anew(struct riser_server *server)
{
	const struct vu_link *link = &server->link;
	struct vu_remote *remote = &server->remote;
	struct vu_header header;

	if (remote->looks && remote->looks_at == link->in.start &&
	    remote->looks_served == link->serving)
		return;
	remote->looks = true;
	remote->looks_at = remote->looked_in = link->in.start;
	remote->looks_served = link->serving;
	remote->looked = link->aside.start;
	remote->behind = false;
	if (link->serving && vu_input_header(&link->in, link->in.start, &header) == 1)
		remote->looked_in += header.size;
}

void vu_early_forget(struct riser_server *server)
{
	server->remote.looks = false;
}

/* From where the last look ended, so that each message is looked at once. */
void vu_early_serve(struct riser_server *server)
{
	struct vu_link *link = &server->link;
	struct vu_remote *remote = &server->remote;

	if (!may_answer(server))
		return;
	look_anew(server);
	remote->looked_in = early_serve(server, &link->in, remote->looked_in, link->in.end);
	remote->parsed = early_serve(server, &link->aside, remote->looked, remote->parsed);
	remote->looked = remote->parsed;
}
