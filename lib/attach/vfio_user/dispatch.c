/* SPDX-License-Identifier: MIT */
/* From messages to handlers and back: every request is checked here once for its least size. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "attach/vfio_user/server.h"

/* With more than this still to be sent nothing is read: the client has to take its replies. */
enum { STALL = 2 << 20 };

static const struct command {
	const char *name;
	vu_handler *handler;
	uint32_t least; /* bytes of payload */
} commands[VU_COMMANDS] = {
	[VU_VERSION] = { "VERSION", vu_version, sizeof(struct vu_version) },
	[VU_DMA_MAP] = { "DMA_MAP", vu_map_dma, sizeof(struct vu_dma_map) },
	[VU_DMA_UNMAP] = { "DMA_UNMAP", vu_unmap_dma, sizeof(struct vu_dma_unmap) },
	[VU_DEVICE_GET_INFO] = { "DEVICE_GET_INFO", vu_get_info,
				 sizeof(struct vu_device_info) },
	[VU_DEVICE_GET_REGION_INFO] = { "DEVICE_GET_REGION_INFO", vu_get_region_info,
					sizeof(struct vu_region_info) },
	[VU_DEVICE_GET_REGION_IO_FDS] = { "DEVICE_GET_REGION_IO_FDS", vu_get_region_io_fds,
					  sizeof(struct vu_region_io_fds) },
	[VU_DEVICE_GET_IRQ_INFO] = { "DEVICE_GET_IRQ_INFO", vu_get_irq_info,
				     sizeof(struct vu_irq_info) },
	[VU_DEVICE_SET_IRQS] = { "DEVICE_SET_IRQS", vu_set_irqs, sizeof(struct vu_irq_set) },
	[VU_REGION_READ] = { "REGION_READ", vu_region_read, sizeof(struct vu_region_access) },
	[VU_REGION_WRITE] = { "REGION_WRITE", vu_region_write,
			      sizeof(struct vu_region_access) },
	[VU_DEVICE_RESET] = { "DEVICE_RESET", vu_reset, 0 },
	[VU_REGION_WRITE_MULTI] = { "REGION_WRITE_MULTI", vu_region_write_multi, 8 },
	[VU_DEVICE_FEATURE] = { "DEVICE_FEATURE", vu_feature, sizeof(struct vu_feature) },
	[VU_MIG_DATA_READ] = { "MIG_DATA_READ", vu_migration_read, sizeof(struct vu_mig_data) },
	[VU_MIG_DATA_WRITE] = { "MIG_DATA_WRITE", vu_migration_write,
				sizeof(struct vu_mig_data) },
};

static const struct command *find(uint16_t number)
{
	return number < VU_COMMANDS && commands[number].handler ? &commands[number] : NULL;
}

static int run(struct riser_server *s, const struct command *command,
	       const struct vu_message *m)
{
	if (m->header.flags & VU_TYPE_MASK)
		return -EINVAL;
	if (!command)
		return -ENOTSUP;
	if (m->size < command->least)
		return -EINVAL;
	if (s->negotiated == (command->handler == vu_version))
		return -EINVAL;
	return command->handler(s, m);
}

static void note(struct riser_server *s, const struct command *command,
		 const struct vu_message *m, int ret)
{
	char number[24];
	const char *name = number;

	snprintf(number, sizeof(number), "command %u", m->header.command);
	if (command)
		name = command->name;
	if (ret)
		vu_log(s, RISER_WARN, "client: %s (%zu bytes) refused: %s", name, m->size,
		       strerror(-ret));
	else if (s->trace)
		vu_log(s, RISER_DEBUG, "client: %s (%zu bytes)%s", name, m->size,
		       m->header.flags & VU_NO_REPLY ? ", posted" : "");
}

/* Puts the header before the payload that the handler appended, or an error in its place. */
static void finish(struct vu_connection *c, const struct vu_message *m, int ret)
{
	struct vu_header header = m->header;

	if (ret)
		c->out_end = c->out_ready + sizeof(header);
	header.flags = VU_TYPE_REPLY | (ret ? VU_ERROR : 0);
	header.error = (uint32_t)-ret;
	header.size = (uint32_t)(c->out_end - c->out_ready);
	memcpy(c->out + c->out_ready, &header, sizeof(header));
	c->out_ready = c->out_end;
}

static void handle(struct riser_server *s, struct vu_message *m)
{
	const struct command *command = find(m->header.command);
	struct vu_connection *c = &s->connection;
	int ret;

	if ((m->header.flags & VU_TYPE_MASK) == VU_TYPE_REPLY) {
		vu_log(s, RISER_WARN, "client: a reply that nobody asked for (id %u) ignored",
		       m->header.id);
		return;
	}
	if (!vu_append(c, sizeof(struct vu_header))) {
		c->broken = true;
		c->why = "no memory for a reply";
		return;
	}
	s->fds = &m->fds;
	ret = run(s, command, m);
	vu_end_exchange(c);
	if (ret || s->trace)
		note(s, command, m, ret);
	if (m->header.flags & VU_NO_REPLY)
		c->out_end = c->out_ready;
	else
		finish(c, m, ret);
}

bool vu_dispatch(struct riser_server *s)
{
	struct vu_connection *c = &s->connection;
	struct vu_message m;

	while (vu_unsent(c) < STALL && vu_next(c, &m) == 1) {
		handle(s, &m);
		if (m.fds.count)
			vu_close_fds(&m.fds);
	}
	return !c->broken && vu_unsent(c) < STALL;
}

int vu_take_fd(struct riser_server *s, unsigned index)
{
	int fd;

	if (index >= s->fds->count)
		return -1;
	fd = s->fds->fds[index];
	s->fds->fds[index] = -1;
	return fd;
}
