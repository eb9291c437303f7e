/* SPDX-License-Identifier: MIT */
/* A saved state is hostile input: it is checked whole before any of it is taken over. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/regmap.h"
#include "core/state.h"
#include "pci/pci.h"

struct reader {
	struct riser_dev *dev;
	const uint8_t *at, *end;
	uint32_t version;
	struct riser_error *error;
};

struct record {
	enum riser__record kind;
	unsigned width;
	uint64_t first, count;
	char name[96];
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

struct search {
	const struct record *record;
	struct riser__item found;
};

static int match(void *arg, const struct riser__item *item)
{
	struct search *search = arg;

	if (item->kind != search->record->kind || strcmp(item->name, search->record->name))
		return 0;
	search->found = *item;
	return 1;
}

/* Whether the device has what the record is about. */
static bool find(struct riser_dev *dev, const struct record *record, struct riser__item *item)
{
	struct search search = { .record = record };

	if (!riser__state_each(dev, match, &search))
		return false;
	*item = search.found;
	return true;
}

static int check_record(struct reader *in, const struct record *record)
{
	struct riser__item item;

	if (record->kind == RISER__RECORD_PCI)
		return riser__pci_load_check(in->dev, record->count, in->error);
	if (record->kind == RISER__RECORD_TIMER)
		return record->width == 8 && record->count == 1 ? 0 : cut(in);
	if (!find(in->dev, record, &item))
		return 0;
	if (record->width != item.width || record->first > item.count ||
	    record->count > item.count - record->first ||
	    (record->count != item.count && item.kind != RISER__RECORD_WINDOW))
		return riser__fail(in->error, -EINVAL,
				   "%s: saved '%s' is %" PRIu64
				   " values of %u bytes, the device has "
				   "%" PRIu64 " of %u",
				   in->dev->desc->name, record->name, record->count,
				   record->width, item.count, item.width);
	return 0;
}

static int check(struct reader in)
{
	unsigned pci_records = 0;
	struct record record;
	int ret;

	for (;;) {
		ret = read_record(&in, &record);
		if (ret)
			return ret;
		if (record.kind == RISER__RECORD_END)
			return pci_records == 1 && in.at == in.end ? 0 : cut(&in);
		pci_records += record.kind == RISER__RECORD_PCI;
		ret = check_record(&in, &record);
		if (ret)
			return ret;
	}
}

static void load_timer(struct riser_dev *dev, const struct record *record)
{
	for (unsigned i = 0; i < dev->timers.count; i++) {
		if (!strcmp(dev->timers.timers[i].name, record->name))
			riser_timer_arm(dev, i, number(record->data, 8));
	}
}

static void load_values(struct riser_dev *dev, const struct record *record)
{
	struct riser__item item;

	if (!find(dev, record, &item))
		return;
	for (uint64_t i = 0; i < record->count; i++)
		riser__state_store((char *)item.at + (record->first + i) * item.width,
				   item.width,
				   number(record->data + i * item.width, item.width));
}

static int zero_window(void *arg, const struct riser__item *item)
{
	(void)arg;
	if (item->kind == RISER__RECORD_WINDOW)
		memset(item->at, 0, item->count);
	return 0;
}

static void apply(struct reader in)
{
	struct record record;

	riser__dev_reset(in.dev, RISER_RESET_DEVICE);
	riser__state_each(in.dev, zero_window, NULL);
	while (!read_record(&in, &record) && record.kind != RISER__RECORD_END) {
		if (record.kind == RISER__RECORD_PCI)
			riser__pci_load(in.dev, record.data);
		else if (record.kind == RISER__RECORD_TIMER)
			load_timer(in.dev, &record);
		else
			load_values(in.dev, &record);
	}
}

int riser__dev_load(struct riser_dev *dev, const void *data, size_t size,
		    struct riser_error *error)
{
	struct reader in = {
		.dev = dev, .at = data, .end = (const uint8_t *)data + size, .error = error
	};
	int ret = read_opening(&in);

	if (!ret)
		ret = check(in);
	if (ret)
		return ret;
	apply(in);
	if (dev->desc->loaded)
		ret = dev->desc->loaded(dev, in.version);
	if (ret)
		return riser__fail(error, ret,
				   "%s: the device refused the saved state of version %u",
				   dev->desc->name, in.version);
	return 0;
}
