/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "core/buffer.h"
#include "core/regmap.h"
#include "core/state.h"
#include "pci/pci.h"

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

static void add_window(struct riser__buffer *out, const struct riser__item *item)
{
	for (uint64_t at = 0; at < item->count; at += PIECE) {
		uint64_t size = item->count - at < PIECE ? item->count - at : PIECE;
		const uint8_t *bytes = (const uint8_t *)item->at + at;

		if (all_zero(bytes, size))
			continue;
		add_header(out, item->kind, item->name, 1, at, size);
		riser__buffer_add(out, bytes, size);
	}
}

static int add_item(void *arg, const struct riser__item *item)
{
	struct riser__buffer *out = arg;

	if (item->kind == RISER__RECORD_WINDOW) {
		add_window(out, item);
		return 0;
	}
	add_header(out, item->kind, item->name, item->width, 0, item->count);
	for (uint64_t i = 0; i < item->count; i++)
		add_number(out,
			   riser__state_load((char *)item->at + i * item->width, item->width),
			   item->width);
	return 0;
}

static void add_timers(struct riser_dev *dev, struct riser__buffer *out)
{
	const struct riser__timer_state *t = &dev->timers;
	uint64_t now = riser_now(dev);

	for (unsigned i = 0; i < t->count; i++) {
		if (t->deadlines[i] == UINT64_MAX)
			continue;
		add_header(out, RISER__RECORD_TIMER, t->timers[i].name, 8, 0, 1);
		add_number(out, t->deadlines[i] > now ? t->deadlines[i] - now : 0, 8);
	}
}

static int add_pci(struct riser_dev *dev, struct riser__buffer *out)
{
	struct riser__buffer pci = { 0 };
	int ret = riser__pci_save(dev, &pci);

	if (!ret) {
		add_header(out, RISER__RECORD_PCI, "pci", 1, 0, pci.size);
		riser__buffer_add(out, pci.data, pci.size);
	}
	riser__buffer_free(&pci);
	return ret;
}

int riser__dev_save(struct riser_dev *dev, struct riser__buffer *out)
{
	int ret;

	if (dev->desc->saving)
		dev->desc->saving(dev);
	riser__buffer_add(out, RISER__STATE_MAGIC, 8);
	add_number(out, dev->desc->version, 4);
	add_number(out, strlen(dev->desc->name), 2);
	riser__buffer_add(out, dev->desc->name, strlen(dev->desc->name));
	riser__state_each(dev, add_item, out);
	add_timers(dev, out);
	ret = add_pci(dev, out);
	add_header(out, RISER__RECORD_END, "", 0, 0, 0);
	return out->failed ? -ENOMEM : ret;
}
