/* SPDX-License-Identifier: MIT */
/* Migration: the states of VFIO's second version, and the device's state as a stream. */
#include "attach/vfio_user/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/state.h"

/* Less than a client waits for an answer. */
#define QUIESCE_NS UINT64_C(3000000000)

static void migration_forget(struct riser_server *server)
{
	riser__buffer_free(&server->migration.data);
	server->migration.data = (struct riser__buffer){ 0 };
	server->migration.at = 0;
}

void vu_migration_reset(struct riser_server *server)
{
	migration_forget(server);
	if (server->migration.state == VU_STATE_RUNNING)
		return;
	server->migration.state = VU_STATE_RUNNING;
	vu_server_set_stopped(server, false);
}

static int migration_save(struct riser_server *server)
{
	int ret;

	migration_forget(server);
	ret = riser__dev_save(server->dev, &server->migration.data);
	if (ret)
		migration_forget(server);
	return ret;
}

/* A state that comes in is about as large as one that goes out, of full windows. */
static int start_resuming(struct riser_server *server)
{
	int ret = migration_save(server);

	if (ret)
		return ret;
	server->migration.limit = 2 * server->migration.data.size + VU_MAX_XFER +
				  2 * riser__pci_windows_size(server->dev);
	migration_forget(server);
	return 0;
}

static int finish_resuming(struct riser_server *server)
{
	struct vu_migration *migration = &server->migration;
	struct riser_error error = { "no memory for it" };
	int ret = migration->data.failed ? -ENOMEM
					 : riser__dev_load(server->dev, migration->data.data,
							   migration->data.size, &error);

	migration_forget(server);
	if (ret)
		vu_log(server, RISER_ERROR, "cannot take the saved state over: %s", error.text);
	return ret;
}

int vu_quiesce(struct riser_server *server)
{
	return riser__dev_end_jobs(server->dev, QUIESCE_NS);
}

static int migration_stop(struct riser_server *server)
{
	if (server->dev->unsaved)
		vu_log(server, RISER_WARN, "the saved state will not have %s",
		       server->dev->unsaved);
	return riser__dev_stop(server->dev, QUIESCE_NS);
}

/* The arc from the present state to `to`, one of the two being STOP. */
static int migration_step(struct riser_server *server, enum riser__vu_state to)
{
	struct vu_migration *migration = &server->migration;
	enum riser__vu_state from = migration->state;
	int ret = 0;

	/* Work under way cannot be saved: it is brought to its end first. */
	if (from == VU_STATE_RUNNING)
		ret = migration_stop(server);
	else if (to == VU_STATE_STOP_COPY)
		ret = migration_save(server);
	else if (to == VU_STATE_RESUMING)
		ret = start_resuming(server);
	else if (from == VU_STATE_STOP_COPY)
		migration_forget(server);
	else if (from == VU_STATE_RESUMING)
		ret = finish_resuming(server);
	/* A state that was refused has changed nothing: the device is stopped, as before it. */
	if (!ret || from == VU_STATE_RESUMING)
		migration->state = to;
	if (!ret)
		vu_server_set_stopped(server, to != VU_STATE_RUNNING);
	return ret;
}

int vu_migration_set(struct riser_server *server, uint32_t state)
{
	const struct vu_migration *migration = &server->migration;
	int ret = 0;

	if (state < VU_STATE_STOP || state > VU_STATE_RESUMING)
		return -EINVAL;
	while (!ret && migration->state != state) {
		bool direct = migration->state == VU_STATE_STOP;

		ret = migration_step(server,
				     direct ? (enum riser__vu_state)state : VU_STATE_STOP);
	}
	return ret;
}

int vu_mig_data_read(struct riser_server *server, struct vu_message *message)
{
	struct vu_migration *migration = &server->migration;
	struct vu_mig_data header;
	size_t left = migration->data.size - migration->at;
	uint8_t *reply;

	memcpy(&header, message->payload, sizeof(header));
	if (header.size > VU_MAX_XFER)
		return -E2BIG;
	if (migration->state != VU_STATE_STOP_COPY ||
	    header.argsz < sizeof(header) + header.size)
		return -EINVAL;
	if (header.size > left)
		header.size = (uint32_t)left;
	reply = vu_reply(server, sizeof(header) + header.size);
	if (!reply)
		return -ENOMEM;
	header.argsz = (uint32_t)sizeof(header) + header.size;
	memcpy(reply, &header, sizeof(header));
	if (header.size)
		memcpy(reply + sizeof(header), migration->data.data + migration->at,
		       header.size);
	migration->at += header.size;
	return 0;
}

int vu_mig_data_write(struct riser_server *server, struct vu_message *message)
{
	struct vu_migration *migration = &server->migration;
	struct vu_mig_data header;

	memcpy(&header, message->payload, sizeof(header));
	if (header.size > VU_MAX_XFER)
		return -E2BIG;
	if (migration->state != VU_STATE_RESUMING || header.argsz < sizeof(header) ||
	    message->size != sizeof(header) + header.size)
		return -EINVAL;
	if (header.size > migration->limit - migration->data.size)
		return -EFBIG;
	riser__buffer_add(&migration->data, message->payload + sizeof(header), header.size);
	return migration->data.failed ? -ENOMEM : 0;
}
