/* SPDX-License-Identifier: MIT */
/* Rules of the rings, broken one at a time. */
#include <errno.h>

#include "host/driver.h"

static const char *const names[RISER_MIS_COUNT] = {
	[RISER_MIS_NONE] = "none",
	[RISER_MIS_LOOP] = "loop",
	[RISER_MIS_LONG] = "long",
	[RISER_MIS_NEXT] = "next",
	[RISER_MIS_HEAD] = "head",
	[RISER_MIS_INDEX] = "index",
	[RISER_MIS_ADDRESS] = "address",
	[RISER_MIS_WRAP] = "wrap",
	[RISER_MIS_ORDER] = "order",
	[RISER_MIS_EMPTY] = "empty",
	[RISER_MIS_INDIRECT_SIZE] = "indirect_size",
	[RISER_MIS_INDIRECT_EMPTY] = "indirect_empty",
	[RISER_MIS_INDIRECT_ADDRESS] = "indirect_address",
	[RISER_MIS_INDIRECT_NEXT] = "indirect_next",
	[RISER_MIS_INDIRECT_NESTED] = "indirect_nested",
};

const char *riser_driver_mischief_name(enum riser_driver_mischief mischief)
{
	return (unsigned)mischief < RISER_MIS_COUNT ? names[mischief] : NULL;
}

void riser_driver_misbehave(struct riser_driver_queue *queue,
			    enum riser_driver_mischief mischief)
{
	queue->mischief = (unsigned)mischief < RISER_MIS_COUNT ? mischief : RISER_MIS_NONE;
}

bool riser_driver_can_misbehave(const struct riser_driver_queue *queue,
				enum riser_driver_mischief mischief)
{
	bool split_only = mischief == RISER_MIS_HEAD || mischief == RISER_MIS_INDEX ||
			  mischief == RISER_MIS_NEXT;

	return (unsigned)mischief < RISER_MIS_COUNT &&
	       !(split_only && queue->ring == &driver_packed);
}

bool driver_wants_table(const struct riser_driver_queue *queue)
{
	return queue->mischief == RISER_MIS_LONG || queue->mischief >= RISER_MIS_INDIRECT_SIZE;
}

/* A bus address at which the guest has no memory. */
static uint64_t address_nowhere(const struct riser_driver_queue *queue)
{
	const struct riser_host *host = queue->driver->host;

	return host->memory_at + host->memory_size + (1 << 20);
}

static bool breaks_chain(const struct riser_driver_queue *queue)
{
	return queue->mischief == RISER_MIS_LOOP || queue->mischief == RISER_MIS_NEXT;
}

int driver_spoil_parts(struct riser_driver_queue *queue)
{
	struct driver_part *first = &queue->parts[0], *last = first + queue->part_count - 1;
	int ret = 0;

	if (queue->mischief == RISER_MIS_ADDRESS)
		first->iova = address_nowhere(queue);
	else if (queue->mischief == RISER_MIS_WRAP)
		*first = (struct driver_part){ UINT64_MAX - 15, 64, first->flags };
	else if (queue->mischief == RISER_MIS_EMPTY)
		first->length = 0;
	else if (queue->mischief == RISER_MIS_INDIRECT_NESTED)
		first->flags |= VRING_DESC_F_INDIRECT;
	else if (breaks_chain(queue))
		last->flags |= VRING_DESC_F_NEXT;
	if (queue->mischief != RISER_MIS_ORDER)
		return 0;
	ret = driver_part_add(queue, queue->iova[0], 16, VRING_DESC_F_WRITE);
	return ret ? ret : driver_part_add(queue, queue->iova[0], 16, 0);
}

void driver_spoil_table(struct riser_driver_queue *queue, struct driver_part *table)
{
	if (queue->mischief == RISER_MIS_LONG)
		table->length = UINT32_C(40000) * sizeof(struct vring_desc);
	else if (queue->mischief == RISER_MIS_INDIRECT_SIZE)
		table->length += 8;
	else if (queue->mischief == RISER_MIS_INDIRECT_EMPTY)
		table->length = 0;
	else if (queue->mischief == RISER_MIS_INDIRECT_ADDRESS)
		table->iova = address_nowhere(queue);
	else if (queue->mischief == RISER_MIS_INDIRECT_NEXT)
		table->flags |= VRING_DESC_F_NEXT;
}
