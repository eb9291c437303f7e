/* SPDX-License-Identifier: MIT */
/* Which handler a message gets, and the reply it is given. */
#include "attach/vfio_user/server.h"

#include <errno.h>
#include <string.h>

struct command {
	const char *name;
	vu_handler *handle;
	uint32_t least, most; /* bytes of payload */
};

enum { ANY = VU_MAX_MESSAGE };

/* The sizes are checked here, so that no handler reads past a message. */
static const struct command commands[VU_COMMANDS] = {
	[VU_VERSION] = { "VERSION", vu_version, sizeof(struct vu_version),
			 sizeof(struct vu_version) + 4096 },
	[VU_DMA_MAP] = { "DMA_MAP", vu_dma_map, sizeof(struct vu_dma_map),
			 sizeof(struct vu_dma_map) },
	[VU_DMA_UNMAP] = { "DMA_UNMAP", vu_dma_unmap, sizeof(struct vu_dma_unmap),
			   sizeof(struct vu_dma_unmap) + sizeof(struct vu_bitmap) },
	[VU_GET_INFO] = { "DEVICE_GET_INFO", vu_get_info, sizeof(struct vu_device_info), ANY },
	[VU_GET_REGION_INFO] = { "DEVICE_GET_REGION_INFO", vu_get_region_info,
				 sizeof(struct vu_region_info), ANY },
	[VU_GET_REGION_IO_FDS] = { "DEVICE_GET_REGION_IO_FDS", vu_get_region_io_fds,
				   sizeof(struct vu_region_io_fds), ANY },
	[VU_GET_IRQ_INFO] = { "DEVICE_GET_IRQ_INFO", vu_get_irq_info,
			      sizeof(struct vu_irq_info), ANY },
	[VU_SET_IRQS] = { "DEVICE_SET_IRQS", vu_set_irqs, sizeof(struct vu_set_irqs), ANY },
	[VU_REGION_READ] = { "REGION_READ", vu_region_read, sizeof(struct vu_region_access),
			     sizeof(struct vu_region_access) },
	[VU_REGION_WRITE] = { "REGION_WRITE", vu_region_write, sizeof(struct vu_region_access),
			      ANY },
	[VU_DEVICE_RESET] = { "DEVICE_RESET", vu_device_reset, 0, 0 },
	[VU_REGION_WRITE_MULTI] = { "REGION_WRITE_MULTI", vu_region_write_multi,
				    sizeof(uint64_t), ANY },
	[VU_DEVICE_FEATURE] = { "DEVICE_FEATURE", vu_device_feature, sizeof(struct vu_feature),
				ANY },
	[VU_MIG_DATA_READ] = { "MIG_DATA_READ", vu_mig_data_read, sizeof(struct vu_mig_data),
			       sizeof(struct vu_mig_data) },
	[VU_MIG_DATA_WRITE] = { "MIG_DATA_WRITE", vu_mig_data_write, sizeof(struct vu_mig_data),
				ANY },
};

const char *vu_command_name(unsigned command)
{
	if (command == VU_DMA_READ)
		return "DMA_READ";
	if (command == VU_DMA_WRITE)
		return "DMA_WRITE";
	if (command >= VU_COMMANDS || !commands[command].name)
		return "unknown command";
	return commands[command].name;
}

uint8_t *vu_reply(struct riser_server *server, size_t size)
{
	struct vu_link *link = &server->link;
	uint8_t *at = vu_output_reserve(&link->out, sizeof(struct vu_header) + size);

	if (!at)
		return NULL;
	link->reply_size = size;
	link->reply = at + sizeof(struct vu_header);
	return link->reply;
}

/* The error of a message that no handler may see; 0: there is none. */
static int message_refuse(struct riser_server *server, const struct vu_message *message)
{
	const struct vu_header *header = &message->header;
	const struct command *command;

	if (header->flags & ~(uint32_t)VU_NO_REPLY)
		return -EINVAL;
	if (header->command >= VU_COMMANDS || !commands[header->command].handle)
		return -EOPNOTSUPP;
	command = &commands[header->command];
	if (message->size < command->least || message->size > command->most)
		return -EINVAL;
	if (message->fds_lost)
		return -EINVAL;
	if (!server->link.negotiated && header->command != VU_VERSION)
		return -EINVAL;
	return 0;
}

static void message_trace(struct riser_server *server, const struct vu_message *message,
			  int ret, uint64_t began)
{
	const struct vu_header *header = &message->header;

	vu_log(server, RISER_DEBUG, "%s id %u, %u bytes, %u fds%s: %s",
	       vu_command_name(header->command), header->id, header->size, message->fd_count,
	       header->flags & VU_NO_REPLY ? ", no reply" : "", ret ? strerror(-ret) : "done");
	if (!ret)
		vu_client_see(server, message, riser__loop_now() - began);
}

static void message_answer(struct riser_server *server, const struct vu_message *message,
			   int ret)
{
	struct vu_link *link = &server->link;
	struct vu_header header = message->header;

	if (ret || !link->reply) {
		/* There is room: serve_messages() does not let replies fill the buffer. */
		if (!vu_reply(server, 0))
			return;
		link->reply_fd = -1;
	}
	header.size = (uint32_t)(sizeof(header) + link->reply_size);
	header.flags = VU_TYPE_REPLY | (ret ? VU_ERROR : 0);
	header.error = (uint32_t)-ret;
	memcpy(link->reply - sizeof(header), &header, sizeof(header));
	if (link->reply_fd >= 0) {
		link->out.fd = link->reply_fd;
		link->out.fd_at = link->out.end;
	}
	link->out.end += header.size;
}

void vu_dispatch(struct riser_server *server, struct vu_message *message)
{
	const struct vu_header *header = &message->header;
	struct vu_link *link = &server->link;
	uint64_t began = server->trace ? riser__loop_now() : 0;
	int ret;

	if ((header->flags & VU_TYPE_MASK) == VU_TYPE_REPLY) {
		server->remote.stuck = false; /* a late answer */
		vu_complain(server, "ignored a %s reply that nothing waits for, id %u",
			    vu_command_name(header->command), header->id);
		return;
	}
	link->reply = NULL;
	link->reply_fd = -1;
	ret = message_refuse(server, message);
	if (!ret)
		ret = commands[header->command].handle(server, message);
	if (__builtin_expect(server->trace, 0))
		message_trace(server, message, ret, began);
	if (__builtin_expect(ret, 0))
		vu_complain(server, "refused %s, id %u, %u bytes: %s",
			    vu_command_name(header->command), header->id, header->size,
			    strerror(-ret));
	if (!(header->flags & VU_NO_REPLY) && !link->answered)
		message_answer(server, message, ret);
	link->answered = false;
}
