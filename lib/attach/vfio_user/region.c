/* SPDX-License-Identifier: MIT */
/* Register and configuration accesses, and reset. */
#include "attach/vfio_user/server.h"

#include <errno.h>
#include <string.h>

/*
 * While the device is stopped for a migration its state must not change: only configuration
 * space answers, as VFIO asks for.
 */
static int region_check(const struct riser_server *server,
			const struct vu_region_access *access)
{
	if (access->count > VU_MAX_XFER)
		return -E2BIG;
	if (access->region >= RISER__REGIONS)
		return -EINVAL;
	if (server->migration.state != VU_STATE_RUNNING &&
	    access->region != RISER__REGION_CONFIG)
		return -EBUSY;
	return 0;
}

int vu_region_read(struct riser_server *server, struct vu_message *message)
{
	struct vu_region_access access;
	uint8_t *reply;
	int ret;

	memcpy(&access, message->payload, sizeof(access));
	ret = region_check(server, &access);
	if (ret)
		return ret;
	reply = vu_reply(server, sizeof(access) + access.count);
	if (!reply)
		return -ENOMEM;
	memcpy(reply, &access, sizeof(access));
	return riser__pci_read(server->dev, access.region, access.offset,
			       reply + sizeof(access), access.count);
}

int vu_region_write(struct riser_server *server, struct vu_message *message)
{
	struct vu_region_access access;
	uint8_t *reply;
	int ret;

	memcpy(&access, message->payload, sizeof(access));
	ret = region_check(server, &access);
	if (!ret && message->size != sizeof(access) + access.count)
		ret = -EINVAL;
	if (!ret)
		ret = riser__pci_write(server->dev, access.region, access.offset,
				       message->payload + sizeof(access), access.count);
	if (ret || message->header.flags & VU_NO_REPLY)
		return ret;
	reply = vu_reply(server, sizeof(access));
	if (!reply)
		return -ENOMEM;
	memcpy(reply, &access, sizeof(access));
	return 0;
}

static int write_one(struct riser_server *server, const uint8_t *from)
{
	struct vu_region_access access;
	int ret;

	memcpy(&access, from, sizeof(access));
	ret = access.count > sizeof(((struct vu_write *)0)->data)
		      ? -EINVAL
		      : region_check(server, &access);
	return ret ? ret
		   : riser__pci_write(server->dev, access.region, access.offset,
				      from + sizeof(access), access.count);
}

int vu_region_write_multi(struct riser_server *server, struct vu_message *message)
{
	const uint8_t *from = message->payload + sizeof(uint64_t);
	uint64_t count;
	uint8_t *reply;

	memcpy(&count, message->payload, sizeof(count));
	if (count > VU_MAX_XFER / sizeof(struct vu_write))
		return -E2BIG;
	if (message->size != sizeof(count) + count * sizeof(struct vu_write))
		return -EINVAL;
	for (uint64_t i = 0; i < count; i++) {
		int ret = write_one(server, from + i * sizeof(struct vu_write));

		if (ret)
			return ret;
	}
	reply = vu_reply(server, sizeof(count));
	if (!reply)
		return -ENOMEM;
	memcpy(reply, &count, sizeof(count));
	return 0;
}

int vu_device_reset(struct riser_server *server, struct vu_message *message)
{
	(void)message;
	vu_irqs_reset(server);
	vu_migration_reset(server);
	riser__dev_reset(server->dev, RISER_RESET_DEVICE);
	return 0;
}
