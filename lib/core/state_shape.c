/* SPDX-License-Identifier: MIT */
/* The shape of a device in its saved state, and in what another one differs from it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/buffer.h"
#include "core/model.h"
#include "core/state.h"

/* Registers and windows, each with its place; items are sorted by their names. */
static int add_places(const struct riser__items *items, struct riser__buffer *out)
{
	for (size_t i = 0; i < items->count; i++) {
		const struct riser__item *item = &items->list[i];
		char line[200];
		int length;

		if (item->kind != RISER__RECORD_REGISTER && item->kind != RISER__RECORD_WINDOW)
			continue;
		length = snprintf(line, sizeof(line),
				  "%s at %#" PRIx64 ", %" PRIu64 " of %u bytes", item->name,
				  item->offset, item->count, item->width);
		if (item->apart)
			length += snprintf(line + length, sizeof(line) - (size_t)length,
					   ", %u apart", item->apart);
		riser__buffer_add(out, line, (size_t)length);
		riser__buffer_add(out, "\n", 1);
	}
	return out->failed ? -ENOMEM : 0;
}

int riser__shape_create(struct riser_dev *dev, const struct riser__items *items,
			struct riser__shape *shape)
{
	int ret;

	*shape = (struct riser__shape){ 0 };
	ret = dev->model->kind->add_shape(dev, &shape->function);
	return ret ? ret : add_places(items, &shape->registers);
}

void riser__shape_free(struct riser__shape *shape)
{
	riser__buffer_free(&shape->function);
	riser__buffer_free(&shape->registers);
}

/* A line that may hold anything, as words for a log. */
struct words {
	char text[100];
};

static struct words quote_line(const uint8_t *at, const uint8_t *end)
{
	struct words words = { "" };
	size_t i;

	if (at == end)
		return (struct words){ "nothing" };
	words.text[0] = '\'';
	for (i = 1; at < end && *at != '\n' && i < sizeof(words.text) - 2; at++)
		words.text[i++] = *at >= ' ' && *at < 0x7f ? (char)*at : '?';
	words.text[i] = '\'';
	return words;
}

static const uint8_t *next_line(const uint8_t *at, const uint8_t *end)
{
	const uint8_t *newline = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;

	return newline ? newline + 1 : end;
}

int riser__shape_compare(const struct riser_dev *dev, const struct riser__buffer *ours,
			 const uint8_t *theirs, size_t size, struct riser_error *error)
{
	/* A function without registers has no bytes, at no address. */
	const uint8_t *mine = ours->size ? ours->data : theirs;
	const uint8_t *my_end = mine + ours->size, *end = theirs + size;

	while (mine < my_end || theirs < end) {
		const uint8_t *my_next = next_line(mine, my_end);
		const uint8_t *next = next_line(theirs, end);

		if (my_next - mine != next - theirs ||
		    memcmp(mine, theirs, (size_t)(next - theirs)))
			return riser__fail(error, -EINVAL,
					   "%s: the saved state is of another shape: it has %s "
					   "where the device has %s",
					   dev->desc->name, quote_line(theirs, end).text,
					   quote_line(mine, my_end).text);
		mine = my_next;
		theirs = next;
	}
	return 0;
}
