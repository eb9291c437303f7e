/* SPDX-License-Identifier: MIT */
/* What a device's saved state consists of, by name, and how each item is read and set. */
#include "core/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pci/function.h"

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

static size_t count_items(const struct riser_pci_device *desc)
{
	const struct riser_bar *bar = desc->bars.base;
	const struct riser_pci_cap *cap = desc->caps.base;
	size_t count = (size_t)desc->fields.count + desc->timers.count;

	for (uint32_t i = 0; i < desc->bars.count; i++)
		count += (size_t)2 * bar[i].regs.count + bar[i].windows.count;
	for (uint32_t i = 0; i < desc->caps.count; i++)
		count += (size_t)2 * cap[i].regs.count;
	return count;
}

static struct riser__item *add(struct riser__items *items, enum riser__record kind,
			       unsigned width, uint64_t count)
{
	struct riser__item *item = &items->list[items->count++];

	*item = (struct riser__item){
		.kind = kind, .width = (uint8_t)width, .stride = width, .count = count, .fd = -1
	};
	return item;
}

static void add_regs(struct riser__items *items, struct riser_dev *dev, const char *place,
		     unsigned index, const struct riser_table *regs, struct riser__regmap *map)
{
	const struct riser_reg *reg = regs->base;

	for (uint32_t i = 0; i < regs->count; i++) {
		uint32_t count = reg[i].count ? reg[i].count : 1;
		struct riser__item *item =
			add(items, RISER__RECORD_REGISTER, reg[i].width, count);

		snprintf(item->name, sizeof(item->name), "%s%u.%s", place, index, reg[i].name);
		item->at = (char *)dev->state + reg[i].at;
		item->offset = reg[i].offset;
		if (count > 1)
			item->apart = reg[i].stride ? reg[i].stride : reg[i].width;
		item->stride = riser__reg_at_stride(&reg[i]);
		if (!reg[i].once)
			continue;
		item = add(items, RISER__RECORD_ONCE, 1, count);
		memcpy(item->name, item[-1].name, sizeof(item->name));
		item->map = map;
		item->reg = &reg[i];
	}
}

static void add_windows(struct riser__items *items, struct riser_dev *dev,
			const struct riser_bar *bar)
{
	const struct riser_window *window = bar->windows.base;

	for (uint32_t i = 0; i < bar->windows.count; i++) {
		struct riser__item *item = add(items, RISER__RECORD_WINDOW, 1, window[i].size);

		snprintf(item->name, sizeof(item->name), "bar%u.%s", bar->index,
			 window[i].name);
		item->at = riser_window(dev, bar->index, i);
		item->fd = window[i].shared ? dev->pci->bars[bar->index].fd : -1;
		item->offset = item->fd_offset = window[i].offset;
	}
}

static void add_fields(struct riser__items *items, struct riser_dev *dev)
{
	const struct riser_field *field = dev->desc->fields.base;
	const struct riser_timer *timer = dev->desc->timers.base;
	struct riser__item *item;

	for (uint32_t i = 0; i < dev->desc->fields.count; i++) {
		item = add(items, RISER__RECORD_FIELD, field[i].width, field[i].count);
		snprintf(item->name, sizeof(item->name), "%s", field[i].name);
		item->at = (char *)dev->state + field[i].at;
	}
	for (uint32_t i = 0; i < dev->desc->timers.count; i++) {
		item = add(items, RISER__RECORD_TIMER, 8, 1);
		snprintf(item->name, sizeof(item->name), "%s", timer[i].name);
		item->timer = i;
	}
}

int riser__items_create(struct riser_dev *dev, struct riser__items *items)
{
	const struct riser_bar *bar = dev->desc->bars.base;
	const struct riser_pci_cap *cap = dev->desc->caps.base;

	*items = (struct riser__items){ calloc(count_items(dev->desc) + 1,
					       sizeof(*items->list)) };
	if (!items->list)
		return -ENOMEM;
	for (uint32_t i = 0; i < dev->desc->bars.count; i++) {
		add_regs(items, dev, "bar", bar[i].index, &bar[i].regs,
			 dev->pci->bars[bar[i].index].map);
		add_windows(items, dev, &bar[i]);
	}
	for (uint32_t i = 0; i < dev->desc->caps.count; i++)
		add_regs(items, dev, "cap", i, &cap[i].regs, dev->pci->vendor[i]);
	add_fields(items, dev);
	qsort(items->list, items->count, sizeof(*items->list), by_name);
	return 0;
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
	uint64_t offset = reg->offset + i * (reg->stride ? reg->stride : reg->width);
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

uint64_t riser__state_windows(const struct riser_dev *dev)
{
	const struct riser_bar *bar = dev->desc->bars.base;
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < dev->desc->bars.count; i++) {
		const struct riser_window *window = bar[i].windows.base;

		for (uint32_t w = 0; w < bar[i].windows.count; w++)
			bytes += window[w].size;
	}
	return bytes;
}
