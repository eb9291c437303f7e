/* SPDX-License-Identifier: MIT */
/* DMA_MAP and DMA_UNMAP: what the client shares of the guest's memory. */
#include <errno.h>
#include <string.h>

#include "attach/vfio_user/server.h"

int vu_map_dma(struct riser_server *s, const struct vu_message *m)
{
	const uint32_t known =
		VU_DMA_FLAG_READ | VU_DMA_FLAG_WRITE | VU_DMA_FLAG_MMAP | VU_DMA_FLAG_FILE_IO;
	struct vu_dma_map map;
	unsigned access = 0;

	memcpy(&map, m->payload, sizeof(map));
	if (map.argsz < sizeof(map) || map.flags & ~known || s->fds->count > 1)
		return -EINVAL;
	if (map.flags & VU_DMA_FLAG_READ)
		access |= RISER_DMA_READ;
	if (map.flags & VU_DMA_FLAG_WRITE)
		access |= RISER_DMA_WRITE;
	return riser__dma_table_add(s->dma, map.address, map.size,
				    s->fds->count ? s->fds->fds[0] : -1, map.offset, access);
}

/* The bitmap that an unmap asks for, before the memory goes. */
static int report_dirty(struct riser_server *s, const struct vu_dma_unmap *unmap,
			const struct vu_message *m, uint8_t *to)
{
	struct vu_bitmap bitmap;

	memcpy(&bitmap, m->payload + sizeof(*unmap), sizeof(bitmap));
	memcpy(to, &bitmap, sizeof(bitmap));
	return riser__dma_table_dirty(s->dma, unmap->address, unmap->size, bitmap.page_size,
				      to + sizeof(bitmap), bitmap.size);
}

static int check_bitmap(const struct vu_dma_unmap *unmap, const struct vu_message *m,
			size_t *room)
{
	struct vu_bitmap bitmap;

	if (m->size < sizeof(*unmap) + sizeof(bitmap))
		return -EINVAL;
	memcpy(&bitmap, m->payload + sizeof(*unmap), sizeof(bitmap));
	if (bitmap.size > VU_MAX_DATA)
		return -E2BIG;
	*room = sizeof(bitmap) + bitmap.size;
	return unmap->argsz < sizeof(*unmap) + *room ? -EINVAL : 0;
}

int vu_unmap_dma(struct riser_server *s, const struct vu_message *m)
{
	struct vu_dma_unmap unmap;
	size_t room = 0;
	uint8_t *reply;
	int ret = 0;

	memcpy(&unmap, m->payload, sizeof(unmap));
	if (unmap.argsz < sizeof(unmap) ||
	    unmap.flags & ~(uint32_t)(VU_UNMAP_DIRTY_BITMAP | VU_UNMAP_ALL))
		return -EINVAL;
	if (unmap.flags & VU_UNMAP_ALL) {
		if (unmap.flags & VU_UNMAP_DIRTY_BITMAP || unmap.address || unmap.size)
			return -EINVAL;
		riser__dma_table_clear(s->dma);
	}
	if (unmap.flags & VU_UNMAP_DIRTY_BITMAP)
		ret = check_bitmap(&unmap, m, &room);
	if (ret)
		return ret;
	reply = vu_reply(s, sizeof(unmap) + room);
	if (!reply)
		return -ENOMEM;
	memcpy(reply, &unmap, sizeof(unmap));
	if (room)
		ret = report_dirty(s, &unmap, m, reply + sizeof(unmap));
	if (!ret && !(unmap.flags & VU_UNMAP_ALL))
		ret = riser__dma_table_remove(s->dma, unmap.address, unmap.size);
	return ret;
}
