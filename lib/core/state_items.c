/* SPDX-License-Identifier: MIT */
/* What a device's saved state consists of, by name, and how each item is read and set. */
#include "core/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/model.h"

static int compare(enum riser__record kind, const char *name, const struct riser__item *item)
{
	return kind != item->kind ? (kind > item->kind) - (kind < item->kind)
				  : strcmp(name, item->name);
}

static int by_name(const void *a, const void *b)
{
	const struct riser__item *item = a;

	return compare(item->kind, item->name, b);
}

struct riser__item *riser__items_find(const struct riser__items *items, enum riser__record kind,
				      const char *name)
{
	size_t low = 0, high = items->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare(kind, name, &items->list[middle]);

		if (!order)
			return &items->list[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* Room for `more`. */
static int items_reserve(struct riser__items *items, size_t more)
{
	struct riser__item *list =
		realloc(items->list, (items->count + more + 1) * sizeof(*list));

	if (list)
		items->list = list;
	return list ? 0 : -ENOMEM;
}

static struct riser__item *items_add(struct riser__items *items, enum riser__record kind,
				     unsigned width, uint64_t count)
{
	struct riser__item *item = &items->list[items->count++];

	*item = (struct riser__item){
		.kind = kind, .width = (uint8_t)width, .stride = width, .count = count, .fd = -1
	};
	return item;
}

int riser__items_add_regs(struct riser__items *items, struct riser_dev *dev, const char *place,
			  unsigned index, const struct riser_regs *regs,
			  struct riser__regmap *map)
{
	if (items_reserve(items, (size_t)2 * regs->count))
		return -ENOMEM;
	riser_each(reg, regs) {
		struct riser__item *item =
			items_add(items, RISER__RECORD_REGISTER, reg->width, reg->count);

		snprintf(item->name, sizeof(item->name), "%s%u.%s", place, index, reg->name);
		item->at = (char *)dev->state + reg->at;
		item->offset = reg->offset;
		if (reg->count > 1)
			item->apart = reg->stride;
		item->stride = reg->at_stride;
		if (!reg->once)
			continue;
		item = items_add(items, RISER__RECORD_ONCE, 1, reg->count);
		memcpy(item->name, item[-1].name, sizeof(item->name));
		item->map = map;
		item->reg = reg;
	}
	return 0;
}

int riser__items_add_window(struct riser__items *items, const char *place, unsigned index,
			    const struct riser_window *window, void *memory, int fd)
{
	struct riser__item *item;

	if (items_reserve(items, 1))
		return -ENOMEM;
	item = items_add(items, RISER__RECORD_WINDOW, 1, window->size);
	snprintf(item->name, sizeof(item->name), "%s%u.%s", place, index, window->name);
	item->at = memory;
	item->fd = fd;
	item->offset = item->fd_offset = window->offset;
	return 0;
}

static int add_fields(struct riser__items *items, struct riser_dev *dev)
{
	struct riser__item *item;

	if (items_reserve(items, (size_t)dev->desc->fields.count + dev->desc->timers.count))
		return -ENOMEM;
	riser_each(field, &dev->desc->fields) {
		item = items_add(items, RISER__RECORD_FIELD, field->width, field->count);
		snprintf(item->name, sizeof(item->name), "%s", field->name);
		item->at = (char *)dev->state + field->at;
	}
	riser_each(timer, &dev->desc->timers) {
		item = items_add(items, RISER__RECORD_TIMER, 8, 1);
		snprintf(item->name, sizeof(item->name), "%s", timer->name);
		item->timer = riser_index(timer, &dev->desc->timers);
	}
	return 0;
}

int riser__items_create(struct riser_dev *dev, struct riser__items *items)
{
	int ret;

	*items = (struct riser__items){ 0 };
	ret = dev->model->kind->add_items(dev, items);
	if (!ret)
		ret = add_fields(items, dev);
	if (ret)
		riser__items_free(items);
	else
		qsort(items->list, items->count, sizeof(*items->list), by_name);
	return ret;
}

void riser__items_free(struct riser__items *items)
{
	free(items->list);
	*items = (struct riser__items){ 0 };
}

/* Where the map notes that element `i` of a write-once register was written. */
static uint8_t *once_bit(const struct riser__item *item, uint64_t i, uint8_t *bit)
{
	const struct riser_reg *reg = item->reg;
	uint64_t offset = reg->offset + i * reg->stride;
	size_t slot = (size_t)(riser__regmap_find(item->map, offset) - item->map->slots);

	*bit = (uint8_t)(1u << slot % 8);
	return &item->map->written[slot / 8];
}

static uint64_t time_left(struct riser_dev *dev, unsigned timer)
{
	uint64_t deadline = dev->timers.deadlines[timer], now = riser_now(dev);

	if (deadline == UINT64_MAX)
		return UINT64_MAX;
	return deadline > now ? deadline - now : 0;
}

uint64_t riser__item_get(struct riser_dev *dev, const struct riser__item *item, uint64_t i)
{
	uint8_t bit, *byte;

	switch (item->kind) {
	case RISER__RECORD_TIMER:
		return time_left(dev, item->timer);
	case RISER__RECORD_ONCE:
		byte = once_bit(item, i, &bit);
		return !!(*byte & bit);
	default:
		return riser__state_load((char *)item->at + i * item->stride, item->width);
	}
}

void riser__item_set(struct riser_dev *dev, const struct riser__item *item, uint64_t i,
		     uint64_t value)
{
	uint8_t bit, *byte;

	switch (item->kind) {
	case RISER__RECORD_TIMER:
		if (value == UINT64_MAX)
			riser_timer_cancel(dev, item->timer);
		else
			riser_timer_arm(dev, item->timer, value);
		break;
	case RISER__RECORD_ONCE:
		byte = once_bit(item, i, &bit);
		*byte = (uint8_t)(value ? *byte | bit : *byte & ~bit);
		break;
	default:
		riser__state_store((char *)item->at + i * item->stride, item->width, value);
	}
}

/* Punches a hole where it is a file, so that pages that are zero take no memory. */
void riser__item_clear(const struct riser__item *item)
{
	if (item->fd >= 0 && !fallocate(item->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
					(off_t)item->fd_offset, (off_t)item->count))
		return;
	memset(item->at, 0, item->count);
}
