/* SPDX-License-Identifier: MIT */
/* What the device is: its regions and what of them can be mapped. */
#include "attach/vfio_user/server.h"

#include <errno.h>
#include <string.h>

int vu_get_info(struct riser_server *server, struct vu_message *message)
{
	struct vu_device_info info;
	uint8_t *reply;

	memcpy(&info, message->payload, sizeof(info));
	if (info.argsz < sizeof(info))
		return -EINVAL;
	reply = vu_reply(server, sizeof(info));
	if (!reply)
		return -ENOMEM;
	info = (struct vu_device_info){ .argsz = sizeof(info),
					.flags = VU_DEVICE_CAN_RESET | VU_DEVICE_PCI,
					.num_regions = VU_REGIONS,
					.num_irqs = VU_IRQS };
	memcpy(reply, &info, sizeof(info));
	return 0;
}

static uint32_t count_shared(const struct riser__region_info *region)
{
	uint32_t count = 0;

	for (unsigned i = 0; i < region->window_count; i++)
		count += region->windows[i].shared;
	return count;
}

static void put_areas(const struct riser__region_info *region, uint8_t *to, uint32_t count)
{
	struct vu_sparse_mmap cap = { VU_CAP_SPARSE_MMAP, 1, 0, count, 0 };

	memcpy(to, &cap, sizeof(cap));
	to += sizeof(cap);
	for (unsigned i = 0; i < region->window_count; i++) {
		struct vu_area area = { region->windows[i].offset, region->windows[i].size };

		if (!region->windows[i].shared)
			continue;
		memcpy(to, &area, sizeof(area));
		to += sizeof(area);
	}
}

int vu_get_region_info(struct riser_server *server, struct vu_message *message)
{
	struct vu_link *link = &server->link;
	struct riser__region_info region = { .fd = -1 };
	struct vu_region_info info;
	uint32_t size = sizeof(info), areas, most;
	uint8_t *reply;

	memcpy(&info, message->payload, sizeof(info));
	if (info.argsz < sizeof(info) || info.index >= VU_REGIONS)
		return -EINVAL;
	if (info.index < RISER__REGIONS)
		riser__pci_region_info(server->dev, info.index, &region);
	most = info.argsz;
	areas = region.fd >= 0 && link->max_fds ? count_shared(&region) : 0;
	if (areas)
		size += (uint32_t)(sizeof(struct vu_sparse_mmap) +
				   areas * sizeof(struct vu_area));
	info = (struct vu_region_info){ .argsz = size,
					.index = info.index,
					.size = region.size };
	if (region.size)
		info.flags = VU_REGION_READABLE | (region.writable ? VU_REGION_WRITABLE : 0);
	/*
	 * All is said together with the fd, once it fits. A request with less room gets
	 * argsz only: QEMU refuses a region that says it has capabilities and does not say
	 * where.
	 */
	if (areas && most >= size) {
		info.flags |= VU_REGION_CAPS | VU_REGION_MMAP;
		info.cap_offset = sizeof(info);
		link->reply_fd = region.fd;
	}
	reply = vu_reply(server, info.cap_offset ? size : sizeof(info));
	if (!reply)
		return -ENOMEM;
	memcpy(reply, &info, sizeof(info));
	if (info.cap_offset)
		put_areas(&region, reply + sizeof(info), areas);
	return 0;
}

/* None: every trapped access comes by message. */
int vu_get_region_io_fds(struct riser_server *server, struct vu_message *message)
{
	struct vu_region_io_fds fds;
	uint8_t *reply;

	memcpy(&fds, message->payload, sizeof(fds));
	if (fds.argsz < sizeof(fds) || fds.flags || fds.count || fds.index >= VU_REGIONS)
		return -EINVAL;
	reply = vu_reply(server, sizeof(fds));
	if (!reply)
		return -ENOMEM;
	fds.argsz = sizeof(fds);
	memcpy(reply, &fds, sizeof(fds));
	return 0;
}
