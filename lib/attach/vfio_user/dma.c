/* SPDX-License-Identifier: MIT */
/* The client's memory: what is mapped, and which pages of it the device wrote. */
#include "attach/vfio_user/server.h"

#include <errno.h>
#include <string.h>

enum { PAGE = 4096 };

int vu_dma_map(struct riser_server *server, struct vu_message *message)
{
	static const uint32_t known =
		VU_DMA_READABLE | VU_DMA_WRITABLE | VU_DMA_MMAP | VU_DMA_FILE_IO;
	struct vu_dma_map map;
	unsigned access;
	int fd = -1, ret;

	memcpy(&map, message->payload, sizeof(map));
	if (map.argsz < sizeof(map) || map.flags & ~known || message->fd_count > 1)
		return -EINVAL;
	access = (map.flags & VU_DMA_READABLE ? RISER_DMA_READ : 0u) |
		 (map.flags & VU_DMA_WRITABLE ? RISER_DMA_WRITE : 0u);
	if (!access)
		return -EINVAL;
	/* A file that is for reading and writing only is reached by message. */
	if (message->fd_count && (map.flags & (VU_DMA_MMAP | VU_DMA_FILE_IO)) != VU_DMA_FILE_IO)
		fd = message->fds[0];
	riser__dev_memory_changed(server->dev);
	ret = riser__dma_table_add(server->table, map.address, map.size, fd, map.offset,
				   access);
	if (ret == -EREMOTE)
		vu_complain(server,
			    "its memory is a file that may keep the device waiting, of FUSE, a "
			    "network or another file system without a disk of its own: let it "
			    "be a memfd, or in /dev/shm");
	return ret;
}

int vu_bitmap_size(uint64_t length, uint64_t page_size, uint64_t *size)
{
	uint64_t pages;

	if (page_size < PAGE || page_size & (page_size - 1) || !length)
		return -EINVAL;
	pages = (length - 1) / page_size + 1;
	*size = (pages + 63) / 64 * 8;
	return *size > VU_MAX_XFER / 2 ? -E2BIG : 0;
}

/* The dirty pages of what is to be unmapped go after the entry. */
static int add_bitmap(struct riser_server *server, const struct vu_message *message,
		      struct vu_dma_unmap *unmap, uint8_t **reply)
{
	struct vu_bitmap bitmap;
	uint64_t size = 0;
	int ret;

	if (message->size < sizeof(*unmap) + sizeof(bitmap) || !server->migration.logging)
		return -EINVAL;
	memcpy(&bitmap, message->payload + sizeof(*unmap), sizeof(bitmap));
	ret = vu_bitmap_size(unmap->size, bitmap.page_size, &size);
	if (ret)
		return ret;
	if (bitmap.size < size || unmap->argsz < sizeof(*unmap) + sizeof(bitmap) + size)
		return -EINVAL;
	bitmap.size = size;
	unmap->argsz = (uint32_t)(sizeof(*unmap) + sizeof(bitmap) + size);
	*reply = vu_reply(server, unmap->argsz);
	if (!*reply)
		return -ENOMEM;
	memcpy(*reply + sizeof(*unmap), &bitmap, sizeof(bitmap));
	return riser__dma_table_dirty(server->table, unmap->address, unmap->size,
				      bitmap.page_size,
				      *reply + sizeof(*unmap) + sizeof(bitmap), size);
}

/*
 * The reply echoes the entry, its size that of what was unmapped. A range without a mapping in
 * it is no error, as in the kernel's VFIO: a client whose guest has an IOMMU sends thousands.
 */
int vu_dma_unmap(struct riser_server *server, struct vu_message *message)
{
	struct vu_dma_unmap unmap;
	uint8_t *reply = NULL;
	int ret = 0;

	memcpy(&unmap, message->payload, sizeof(unmap));
	if (unmap.argsz < sizeof(unmap) ||
	    unmap.flags & ~(uint32_t)(VU_UNMAP_DIRTY | VU_UNMAP_ALL))
		return -EINVAL;
	riser__dev_memory_changed(server->dev);
	if (unmap.flags & VU_UNMAP_ALL) {
		if (unmap.flags & VU_UNMAP_DIRTY || unmap.address || unmap.size)
			return -EINVAL;
		unmap.size = riser__dma_table_clear(server->table);
	} else {
		if (unmap.flags & VU_UNMAP_DIRTY)
			ret = add_bitmap(server, message, &unmap, &reply);
		if (!ret)
			ret = riser__dma_table_remove(server->table, unmap.address, unmap.size,
						      &unmap.size);
	}
	if (ret)
		return ret;
	if (!reply)
		reply = vu_reply(server, sizeof(unmap));
	if (!reply)
		return -ENOMEM;
	memcpy(reply, &unmap, sizeof(unmap));
	return 0;
}
