/* SPDX-License-Identifier: MIT */
/* Saving a device: writes its items as records. */
#include "core/state.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/buffer.h"
#include "core/model.h"

/* Memory of windows is saved in pieces of this many bytes, and only those that are not zero. */
enum { PIECE = 4096 };

static void add_number(struct riser__buffer *out, uint64_t value, unsigned size)
{
	uint8_t bytes[8];

	for (unsigned i = 0; i < size; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
	riser__buffer_add(out, bytes, size);
}

static void add_header(struct riser__buffer *out, enum riser__record kind, const char *name,
		       unsigned width, uint64_t first, uint64_t count)
{
	add_number(out, kind, 1);
	add_number(out, width, 1);
	add_number(out, strlen(name), 2);
	add_number(out, first, 8);
	add_number(out, count, 8);
	riser__buffer_add(out, name, strlen(name));
}

static bool all_zero(const uint8_t *bytes, uint64_t count)
{
	return !count || (!bytes[0] && !memcmp(bytes, bytes + 1, count - 1));
}

/* Where the next piece begins that may hold something: reading a hole would fill it. */
static uint64_t next_piece(const struct riser__item *item, uint64_t at)
{
	off_t data;

	if (item->fd < 0 || at >= item->count)
		return at;
	data = lseek(item->fd, (off_t)(item->fd_offset + at), SEEK_DATA);
	if (data < 0)
		return errno == ENXIO ? item->count : at;
	return ((uint64_t)data - item->fd_offset) / PIECE * PIECE;
}

/* First the record that says that it is zero, then what is not. */
static void add_window(struct riser__buffer *out, const struct riser__item *item)
{
	add_header(out, item->kind, item->name, 1, 0, 0);
	for (uint64_t at = next_piece(item, 0); at < item->count && !out->failed;
	     at = next_piece(item, at + PIECE)) {
		uint64_t size = item->count - at < PIECE ? item->count - at : PIECE;
		const uint8_t *bytes = (const uint8_t *)item->at + at;

		if (all_zero(bytes, size))
			continue;
		add_header(out, item->kind, item->name, 1, at, size);
		riser__buffer_add(out, bytes, size);
	}
}

static void add_item(struct riser_dev *dev, struct riser__buffer *out,
		     const struct riser__item *item)
{
	if (item->kind == RISER__RECORD_WINDOW) {
		add_window(out, item);
		return;
	}
	add_header(out, item->kind, item->name, item->width, 0, item->count);
	for (uint64_t i = 0; i < item->count; i++)
		add_number(out, riser__item_get(dev, item, i), item->width);
}

static void add_bytes(struct riser__buffer *out, enum riser__record kind, const char *name,
		      const struct riser__buffer *bytes)
{
	add_header(out, kind, name, 1, 0, bytes->size);
	riser__buffer_add(out, bytes->data, bytes->size);
}

static int add_pci(struct riser_dev *dev, struct riser__buffer *out)
{
	struct riser__buffer pci = { 0 };
	int ret = dev->model->kind->save(dev, &pci);

	if (!ret)
		add_bytes(out, RISER__RECORD_PCI, "pci", &pci);
	riser__buffer_free(&pci);
	return ret;
}

/* First in the state, so that a model of another shape is refused by its cause. */
static int add_shape(struct riser_dev *dev, const struct riser__items *items,
		     struct riser__buffer *out)
{
	struct riser__shape shape;
	int ret = riser__shape_create(dev, items, &shape);

	if (!ret) {
		add_bytes(out, RISER__RECORD_SHAPE, RISER__SHAPE_FUNCTION, &shape.function);
		add_bytes(out, RISER__RECORD_SHAPE, RISER__SHAPE_REGISTERS, &shape.registers);
	}
	riser__shape_free(&shape);
	return ret;
}

static int add_all(struct riser_dev *dev, const struct riser__items *items,
		   struct riser__buffer *out)
{
	int ret;

	riser__buffer_add(out, RISER__STATE_MAGIC, 8);
	add_number(out, dev->desc->version, 4);
	add_number(out, strlen(dev->desc->name), 2);
	riser__buffer_add(out, dev->desc->name, strlen(dev->desc->name));
	ret = add_shape(dev, items, out);
	for (size_t i = 0; i < items->count; i++)
		add_item(dev, out, &items->list[i]);
	if (!ret)
		ret = add_pci(dev, out);
	add_header(out, RISER__RECORD_END, "", 0, 0, 0);
	return out->failed ? -ENOMEM : ret;
}

int riser__dev_save(struct riser_dev *dev, struct riser__buffer *out)
{
	int (*is_saveable)(struct riser_dev * dev) = dev->model->kind->is_saveable;
	struct riser__items items;
	int ret = riser__items_create(dev, &items);

	if (ret)
		return ret;
	if (dev->desc->saving)
		dev->desc->saving(dev);
	ret = is_saveable ? is_saveable(dev) : 0;
	if (!ret)
		ret = add_all(dev, &items, out);
	riser__items_free(&items);
	return ret;
}
