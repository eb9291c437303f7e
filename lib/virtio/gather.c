/* SPDX-License-Identifier: MIT */
/*
 * Descriptors become the segments of a chain (virtio 2.7.5, 2.8.5). Each is read once, so that
 * a driver that changes it meanwhile gains nothing.
 */
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "virtio/queue.h"

enum {
	/* Linux makes indirect tables longer than the queue, which the specification forbids.
	 */
	TOLERATED = 1024,
	WINDOW = 16, /* descriptors that are read at a time */
};

static uint32_t longest(const struct riser_vq *vq)
{
	return vq->size > TOLERATED ? vq->size : TOLERATED;
}

static int grow(struct riser_chain *chain)
{
	uint32_t capacity = chain->capacity ? 2 * chain->capacity : 8;
	struct riser__segment *grown;

	if (chain->count < chain->capacity)
		return 0;
	grown = realloc(chain->segments, capacity * sizeof(*grown));
	if (!grown)
		return riser__vq_corrupt(chain->vq, "no memory for a request");
	chain->segments = grown;
	chain->capacity = capacity;
	return 0;
}

int riser__gather_add(struct riser_chain *chain, const struct vring_desc *desc)
{
	bool write = desc->flags & VRING_DESC_F_WRITE;
	struct riser__cursor *side = write ? &chain->out : &chain->in;

	if (!desc->len)
		return riser__vq_corrupt(chain->vq, "a descriptor of no bytes");
	if (!write && chain->out.left)
		return riser__vq_corrupt(chain->vq,
					 "a descriptor to be read after one to be written");
	if (chain->count >= longest(chain->vq))
		return riser__vq_corrupt(chain->vq, "a chain of more than %u descriptors",
					 longest(chain->vq));
	if (desc->len > UINT32_MAX - (chain->in.left + chain->out.left))
		return riser__vq_corrupt(chain->vq, "a chain of more than 4 GiB");
	if (desc->addr + desc->len < desc->addr)
		return riser__vq_corrupt(chain->vq, "a descriptor's address %#" PRIx64 " wraps",
					 (uint64_t)desc->addr);
	if (grow(chain))
		return -ENOMEM;
	chain->segments[chain->count++] = (struct riser__segment){ desc->addr, desc->len };
	side->left += desc->len;
	return 0;
}

/* A table in guest memory, and the part of it that has been read. */
struct table {
	struct riser_vq *vq;
	uint64_t iova; /* of an indirect one */
	uint32_t count;
	bool indirect;
	struct vring_desc window[WINDOW];
	uint32_t first, held;
};

static int fetch(struct table *table, uint32_t index)
{
	uint32_t count = table->count - index < WINDOW ? table->count - index : WINDOW;
	uint32_t at = index * (uint32_t)sizeof(struct vring_desc);
	uint32_t length = count * (uint32_t)sizeof(struct vring_desc);

	if (!table->indirect)
		count = 1, length = sizeof(struct vring_desc);
	if (!table->indirect)
		riser__area_read(table->vq, RISER__DESC, at, table->window, length);
	else if (riser_dma_read(table->vq->virtio->dev, table->iova + at, table->window,
				length))
		return riser__vq_corrupt(table->vq,
					 "an indirect table at %#" PRIx64 " cannot be read",
					 table->iova);
	table->first = index;
	table->held = count;
	return 0;
}

static int get(struct table *table, uint32_t index, struct vring_desc *desc)
{
	const struct vring_desc *read;
	int ret;

	if (index >= table->count)
		return riser__vq_corrupt(table->vq, "descriptor %u of %u", index, table->count);
	if (index - table->first >= table->held) {
		ret = fetch(table, index);
		if (ret)
			return ret;
	}
	read = &table->window[index - table->first];
	*desc = (struct vring_desc){ le64toh(read->addr), le32toh(read->len),
				     le16toh(read->flags), le16toh(read->next) };
	/* A packed ring's table has an id where the flags are here, and no next. */
	if (table->vq->packed)
		desc->flags = desc->next;
	return 0;
}

static int open_indirect(struct riser_vq *vq, const struct vring_desc *desc,
			 struct table *table)
{
	uint32_t count = desc->len / (uint32_t)sizeof(*desc);

	if (!vq->indirect)
		return riser__vq_corrupt(vq, "an indirect descriptor was not agreed on");
	if (desc->flags & VRING_DESC_F_NEXT)
		return riser__vq_corrupt(vq, "an indirect descriptor with a next one");
	if (!count || desc->len % sizeof(*desc) || count > longest(vq))
		return riser__vq_corrupt(vq, "an indirect table of %u bytes", desc->len);
	if (desc->addr + desc->len < desc->addr)
		return riser__vq_corrupt(vq, "an indirect table's address wraps");
	*table = (struct table){
		.vq = vq, .iova = desc->addr, .count = count, .indirect = true
	};
	return 0;
}

int riser__gather_split(struct riser_chain *chain, uint16_t head)
{
	struct riser_vq *vq = chain->vq;
	struct table table = { .vq = vq, .count = vq->size };
	uint32_t index = head, seen = 0;
	struct vring_desc desc;
	int ret;

	do {
		if (seen++ >= table.count)
			return riser__vq_corrupt(vq, "a chain that does not end");
		ret = get(&table, index, &desc);
		if (ret)
			return ret;
		if (!(desc.flags & VRING_DESC_F_INDIRECT)) {
			ret = riser__gather_add(chain, &desc);
		} else if (table.indirect) {
			ret = riser__vq_corrupt(vq, "an indirect table in an indirect table");
		} else {
			ret = open_indirect(vq, &desc, &table);
			desc.flags = VRING_DESC_F_NEXT;
			desc.next = 0;
			seen = 0;
		}
		index = desc.next;
	} while (!ret && desc.flags & VRING_DESC_F_NEXT);
	return ret;
}

int riser__gather_indirect(struct riser_chain *chain, const struct vring_desc *from)
{
	struct table table;
	struct vring_desc desc;
	int ret = open_indirect(chain->vq, from, &table);

	for (uint32_t i = 0; i < table.count && !ret; i++) {
		ret = get(&table, i, &desc);
		if (!ret && desc.flags & VRING_DESC_F_INDIRECT)
			ret = riser__vq_corrupt(chain->vq,
						"an indirect table in an indirect table");
		if (!ret)
			ret = riser__gather_add(chain, &desc);
	}
	return ret;
}
