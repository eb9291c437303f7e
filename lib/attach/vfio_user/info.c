/* SPDX-License-Identifier: MIT */
/* What the device is: DEVICE_GET_INFO, regions and interrupts; and DEVICE_RESET. */
#include <errno.h>
#include <string.h>
#include <linux/vfio.h>

#include "attach/vfio_user/server.h"

int vu_get_info(struct riser_server *s, const struct vu_message *m)
{
	const struct vu_device_info info = {
		.argsz = sizeof(info),
		.flags = VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI,
		.regions = VFIO_PCI_NUM_REGIONS,
		.irqs = VU_IRQS,
	};
	struct vu_device_info asked;
	void *reply;

	memcpy(&asked, m->payload, sizeof(asked));
	if (asked.argsz < sizeof(info))
		return -EINVAL;
	reply = vu_reply(s, sizeof(info));
	if (!reply)
		return -ENOMEM;
	memcpy(reply, &info, sizeof(info));
	return 0;
}

static uint32_t count_areas(const struct riser__region_info *region)
{
	uint32_t areas = 0;

	for (unsigned i = 0; i < region->window_count && region->fd >= 0; i++)
		areas += region->windows[i].shared;
	return areas;
}

/* The sparse-mmap capability: which parts of the region the client may map. */
static void fill_areas(uint8_t *to, const struct riser__region_info *region, uint32_t areas)
{
	const struct vu_sparse_mmap sparse = { .id = VFIO_REGION_INFO_CAP_SPARSE_MMAP,
					       .version = 1,
					       .areas = areas };

	memcpy(to, &sparse, sizeof(sparse));
	to += sizeof(sparse);
	for (unsigned i = 0; i < region->window_count; i++) {
		const struct vu_sparse_area area = { region->windows[i].offset,
						     region->windows[i].size };

		if (!region->windows[i].shared)
			continue;
		memcpy(to, &area, sizeof(area));
		to += sizeof(area);
	}
}

int vu_get_region_info(struct riser_server *s, const struct vu_message *m)
{
	struct riser__region_info region;
	struct vu_region_info info;
	uint32_t areas, caps;
	bool whole;
	uint8_t *reply;

	memcpy(&info, m->payload, sizeof(info));
	if (info.argsz < sizeof(info) || info.index >= VFIO_PCI_NUM_REGIONS)
		return -EINVAL;
	riser__pci_region_info(s->dev, info.index, &region);
	areas = count_areas(&region);
	caps = areas ? (uint32_t)(sizeof(struct vu_sparse_mmap) +
				  areas * sizeof(struct vu_sparse_area))
		     : 0;
	whole = info.argsz >= sizeof(info) + caps;
	info.argsz = (uint32_t)sizeof(info) + caps;
	info.flags = 0;
	info.size = region.size;
	info.offset = 0;
	info.cap_offset = areas && whole ? sizeof(info) : 0;
	if (region.size)
		info.flags = VFIO_REGION_INFO_FLAG_READ |
			     (region.writable ? VFIO_REGION_INFO_FLAG_WRITE : 0);
	if (areas)
		info.flags |= VFIO_REGION_INFO_FLAG_MMAP | VFIO_REGION_INFO_FLAG_CAPS;
	if (areas && whole && !vu_append_fd(&s->connection, region.fd))
		return -EBUSY;
	reply = vu_reply(s, sizeof(info) + (whole ? caps : 0));
	if (!reply)
		return -ENOMEM;
	memcpy(reply, &info, sizeof(info));
	if (areas && whole)
		fill_areas(reply + sizeof(info), &region, areas);
	return 0;
}

int vu_get_region_io_fds(struct riser_server *s, const struct vu_message *m)
{
	struct vu_region_io_fds info;
	void *reply;

	memcpy(&info, m->payload, sizeof(info));
	if (info.argsz < sizeof(info) || info.flags || info.index >= VFIO_PCI_NUM_REGIONS)
		return -EINVAL;
	/* The device has no doorbells behind descriptors. */
	info.argsz = sizeof(info);
	info.count = 0;
	reply = vu_reply(s, sizeof(info));
	if (!reply)
		return -ENOMEM;
	memcpy(reply, &info, sizeof(info));
	return 0;
}

int vu_get_irq_info(struct riser_server *s, const struct vu_message *m)
{
	struct vu_irq_info info;
	void *reply;

	memcpy(&info, m->payload, sizeof(info));
	if (info.argsz < sizeof(info) || info.index >= VU_IRQS)
		return -EINVAL;
	info.argsz = sizeof(info);
	info.count = s->irqs[info.index].count;
	info.flags = info.count ? VFIO_IRQ_INFO_EVENTFD : 0;
	if (info.index == VU_IRQ_INTX && info.count)
		info.flags |= VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED;
	reply = vu_reply(s, sizeof(info));
	if (!reply)
		return -ENOMEM;
	memcpy(reply, &info, sizeof(info));
	return 0;
}

int vu_reset(struct riser_server *s, const struct vu_message *m)
{
	(void)m;
	riser__dev_reset(s->dev, RISER_RESET_DEVICE);
	vu_migration_reset(s);
	return 0;
}
