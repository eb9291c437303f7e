/* SPDX-License-Identifier: MIT */
/* A saved state is hostile input: it is checked whole before any of it is taken over. */
#include "core/state.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/buffer.h"
#include "core/model.h"

struct reader {
	struct riser_dev *dev;
	const struct riser__items *items;
	const struct riser__shape *shape;
	const uint8_t *at, *end;
	uint32_t version;
	struct riser_error *error;
};

struct record {
	enum riser__record kind;
	unsigned width;
	uint64_t first, count;
	char name[sizeof(((struct riser__item *)0)->name)];
	const uint8_t *data;
};

static uint64_t number(const uint8_t *at, unsigned size)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)at[i] << (8 * i);
	return value;
}

static const uint8_t *take(struct reader *in, uint64_t size)
{
	const uint8_t *here = in->at;

	if (size > (uint64_t)(in->end - in->at))
		return NULL;
	in->at += size;
	return here;
}

static int cut(const struct reader *in)
{
	return riser__fail(in->error, -EINVAL, "%s: the saved state is cut off or damaged",
			   in->dev->desc->name);
}

static int read_opening(struct reader *in)
{
	const char *name = in->dev->desc->name;
	const uint8_t *opening = take(in, 14), *text;
	uint64_t length;

	if (!opening || memcmp(opening, RISER__STATE_MAGIC, 8))
		return riser__fail(in->error, -EINVAL,
				   "%s: this is not a saved state of riser's", name);
	in->version = (uint32_t)number(opening + 8, 4);
	length = number(opening + 12, 2);
	text = take(in, length);
	if (!text)
		return cut(in);
	if (length != strlen(name) || memcmp(text, name, length))
		return riser__fail(in->error, -EINVAL,
				   "%s: the saved state is of another device, '%.*s'", name,
				   length < 64 ? (int)length : 64, (const char *)text);
	return 0;
}

static int read_record(struct reader *in, struct record *record)
{
	const uint8_t *header = take(in, 20), *name;
	uint64_t length, size;

	if (!header)
		return cut(in);
	record->kind = header[0];
	record->width = header[1];
	length = number(header + 2, 2);
	record->first = number(header + 4, 8);
	record->count = number(header + 12, 8);
	name = take(in, length);
	if (!name || __builtin_mul_overflow(record->count, record->width, &size))
		return cut(in);
	record->data = take(in, size);
	if (!record->data)
		return cut(in);
	/* A longer name than any of ours is one that we do not know. */
	memset(record->name, 0, sizeof(record->name));
	if (length < sizeof(record->name))
		memcpy(record->name, name, length);
	return 0;
}

static int check_pci(struct reader *in, const struct record *record, bool *seen)
{
	if (*seen || record->width != 1 || record->first)
		return cut(in);
	*seen = true;
	return in->dev->model->kind->check_record(in->dev, record->count, in->error);
}

/* Whether the values are where the device has some; a window may come in pieces. */
static bool fits(const struct record *record, const struct riser__item *item)
{
	if (record->width != item->width || record->first > item->count ||
	    record->count > item->count - record->first)
		return false;
	return record->count == item->count || item->kind == RISER__RECORD_WINDOW;
}

static int check_item(struct reader *in, const struct record *record)
{
	struct riser__item *item = riser__items_find(in->items, record->kind, record->name);

	if (!item)
		return 0;
	if (!fits(record, item))
		return riser__fail(in->error, -EINVAL,
				   "%s: saved '%s' is %" PRIu64 " values of %u bytes, the "
				   "device has %" PRIu64 " of %u",
				   in->dev->desc->name, record->name, record->count,
				   record->width, item->count, item->width);
	if (item->seen && item->kind != RISER__RECORD_WINDOW)
		return riser__fail(in->error, -EINVAL, "%s: the saved state has '%s' twice",
				   in->dev->desc->name, record->name);
	item->seen = true;
	return 0;
}

/* What the state has to have, each once. */
struct seen {
	bool pci, function, registers;
};

static int check_shape(struct reader *in, const struct record *record, struct seen *seen)
{
	bool function = !strcmp(record->name, RISER__SHAPE_FUNCTION);
	bool *once = function ? &seen->function : &seen->registers;

	if (*once || (!function && strcmp(record->name, RISER__SHAPE_REGISTERS)) ||
	    record->width != 1 || record->first)
		return cut(in);
	*once = true;
	/* A model of another version may have other registers. */
	if (!function && in->version != in->dev->desc->version)
		return 0;
	return riser__shape_compare(in->dev,
				    function ? &in->shape->function : &in->shape->registers,
				    record->data, record->count, in->error);
}

static int check(struct reader in)
{
	struct seen seen = { 0 };
	struct record record;
	int ret;

	for (;;) {
		ret = read_record(&in, &record);
		if (ret)
			return ret;
		if (record.kind == RISER__RECORD_END)
			break;
		if (record.kind == RISER__RECORD_PCI)
			ret = check_pci(&in, &record, &seen.pci);
		else if (record.kind == RISER__RECORD_SHAPE)
			ret = check_shape(&in, &record, &seen);
		else
			ret = check_item(&in, &record);
		if (ret)
			return ret;
	}
	return seen.pci && seen.function && seen.registers && in.at == in.end ? 0 : cut(&in);
}

static void load_item(struct riser_dev *dev, const struct riser__item *item,
		      const struct record *record)
{
	if (item->kind == RISER__RECORD_WINDOW) {
		if (record->count)
			memcpy((char *)item->at + record->first, record->data, record->count);
		else
			riser__item_clear(item);
		return;
	}
	for (uint64_t i = 0; i < record->count; i++)
		riser__item_set(dev, item, i,
				number(record->data + i * item->width, item->width));
}

/* What the state does not name keeps the value that it has after a reset. */
static void apply(struct reader in)
{
	const struct riser__item *item;
	struct record record;

	riser__dev_reset(in.dev, RISER_RESET_DEVICE);
	while (!read_record(&in, &record) && record.kind != RISER__RECORD_END) {
		item = riser__items_find(in.items, record.kind, record.name);
		if (record.kind == RISER__RECORD_PCI)
			in.dev->model->kind->load(in.dev, record.data);
		else if (item)
			load_item(in.dev, item, &record);
	}
}

/* Puts the device back to `before`, which is its own and so needs no check. */
static void undo(struct reader in, const struct riser__buffer *before)
{
	in.at = before->data;
	in.end = before->data + before->size;
	if (read_opening(&in))
		return;
	apply(in);
	in.dev->desc->loaded(in.dev, in.version);
}

/* The device has the last word; if it is no, all is as it was. */
static int apply_and_ask(struct reader in)
{
	struct riser_dev *dev = in.dev;
	struct riser_error why = { "the device refuses it" };
	struct riser__buffer before = { 0 };
	int ret;

	if (!dev->desc->loaded) {
		apply(in);
		return 0;
	}
	ret = riser__dev_save(dev, &before);
	if (ret) {
		riser__buffer_free(&before);
		return riser__fail(in.error, ret,
				   "%s: cannot keep its state, to go back to it, while another "
				   "is loaded: %s",
				   dev->desc->name, strerror(-ret));
	}
	apply(in);
	dev->failure = &why;
	ret = dev->desc->loaded(dev, in.version);
	dev->failure = NULL;
	if (ret)
		undo(in, &before);
	riser__buffer_free(&before);
	return ret ? riser__fail(in.error, ret < 0 ? ret : -EINVAL,
				 "%s: the saved state of version %u: %s", dev->desc->name,
				 in.version, why.text)
		   : 0;
}

int riser__dev_load(struct riser_dev *dev, const void *data, size_t size,
		    struct riser_error *error)
{
	struct riser__items items;
	struct riser__shape shape = { 0 };
	struct reader in = {
		.dev = dev,
		.items = &items,
		.shape = &shape,
		.at = data,
		.end = size ? (const uint8_t *)data + size : data,
		.error = error,
	};
	int ret = riser__items_create(dev, &items);

	if (!ret)
		ret = riser__shape_create(dev, &items, &shape);
	if (ret)
		riser__fail(error, ret, "%s: no memory to load a saved state", dev->desc->name);
	if (!ret)
		ret = read_opening(&in);
	if (!ret)
		ret = check(in);
	if (!ret)
		ret = apply_and_ask(in);
	riser__shape_free(&shape);
	riser__items_free(&items);
	return ret;
}
