/* SPDX-License-Identifier: MIT */
/*
 * A descriptor's tables and texts, before anything else looks into them: a table that is of
 * another type than its place holds numbers where we have pointers.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/check.h"
#include "core/model.h"

enum { ROWS_MAX = 65536, TEXT_MAX = 4096 };

/* Rows may have grown at their end since the first revision of the ABI, up to ours. */
#define LEAST(type, last) (offsetof(type, last) + sizeof(((type *)0)->last))

struct walk {
	const char *device;
	struct riser_error *error;
	char where[64]; /* ".bars[0]", where the table is that is being looked at */
};

/* Whether there is memory at all of [at, at + size). */
static bool is_mapped(const void *at, size_t size)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)at / page * page;

	return !msync((void *)start, (uintptr_t)at - start + size, MS_ASYNC);
}

/* A text of one line, or NULL. */
static bool is_text(const char *text)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), length = 0;

	while (text && length < TEXT_MAX) {
		size_t left = page - (uintptr_t)(text + length) % page;

		if (!is_mapped(text + length, left))
			return false;
		for (; left && length < TEXT_MAX; left--, length++) {
			if (!text[length])
				return true;
			if ((unsigned char)text[length] < ' ')
				return false;
		}
	}
	return !text;
}

static int check_text(const struct walk *w, const char *member, const char *text)
{
	return is_text(text)
		       ? 0
		       : riser__fail(w->error, -EINVAL, "%s: %s%s is not a text of one line",
				     w->device, w->where, member);
}

static int check_rows(const struct walk *w, const char *member, struct riser__rows table,
		      size_t least, size_t most)
{
	if (!table.count)
		return 0;
	if (!table.base)
		return riser__fail(w->error, -EINVAL, "%s: %s%s has %u rows, but no .base",
				   w->device, w->where, member, table.count);
	if (table.stride < least || table.stride > most)
		return riser__fail(w->error, -EINVAL,
				   "%s: %s%s has rows of %u bytes, not %zu: it is of another "
				   "type, or of a newer library",
				   w->device, w->where, member, table.stride, most);
	if (table.count > ROWS_MAX)
		return riser__fail(w->error, -EINVAL,
				   "%s: %s%s has %u rows; at most %d are taken", w->device,
				   w->where, member, table.count, ROWS_MAX);
	if ((uintptr_t)table.base % sizeof(void *) || table.stride % sizeof(void *) ||
	    !is_mapped(table.base, (size_t)table.count * table.stride))
		return riser__fail(w->error, -EINVAL, "%s: %s%s: its .base is no table",
				   w->device, w->where, member);
	return 0;
}

/* `last` is the last member that the rows of the first revision have. */
#define check_table(w, member, table, last)                                                    \
	check_rows(w, member, RISER__ROWS(table), LEAST(__typeof__(*(table)->base), last),     \
		   sizeof(*(table)->base))

static const void *row_at(struct riser__rows table, uint32_t i)
{
	return (const char *)table.base + (size_t)i * table.stride;
}

/* A row of a table that is as the author has it, and whose rows may be shorter than ours. */
#define table_row(table, i) ((__typeof__((table)->base))row_at(RISER__ROWS(table), i))

/* The walk goes on in row `i` of `member`, a table of the descriptor's or of a row's. */
static struct walk walk_into(const struct walk *w, const char *member, uint32_t i)
{
	struct walk inner = { .device = w->device, .error = w->error };

	snprintf(inner.where, sizeof(inner.where), "%.40s%s[%u]", w->where, member, i);
	return inner;
}

static int walk_reg_fields(const struct walk *w, const struct riser_reg_fields *table)
{
	int ret = check_table(w, ".fields", table, help);

	for (uint32_t i = 0; i < table->count && !ret; i++) {
		const struct riser_reg_field *field = table_row(table, i);
		struct walk in = walk_into(w, ".fields", i);

		ret = check_text(&in, ".name", field->name);
		if (!ret)
			ret = check_text(&in, ".help", field->help);
	}
	return ret;
}

/* Strides say nothing of a register that is no array. Ours may be longer than `reg`. */
static int check_strides(const struct walk *w, const struct riser_reg *reg, size_t size)
{
	bool spread = size >= LEAST(struct riser_reg, at_stride) && reg->at_stride;

	if (reg->count || (!reg->stride && !spread))
		return 0;
	return riser__fail(w->error, -EINVAL, "%s: %s: %s needs a .count", w->device, w->where,
			   reg->stride ? "a .stride" : "an .at_stride");
}

static int walk_regs(const struct walk *w, const char *member, const struct riser_regs *table)
{
	int ret = check_table(w, member, table, help);

	for (uint32_t i = 0; i < table->count && !ret; i++) {
		const struct riser_reg *reg = table_row(table, i);
		struct walk in = walk_into(w, member, i);

		ret = check_text(&in, ".name", reg->name);
		if (!ret)
			ret = check_text(&in, ".help", reg->help);
		if (!ret)
			ret = walk_reg_fields(&in, &reg->fields);
		if (!ret)
			ret = check_strides(&in, reg, table->stride);
	}
	return ret;
}

static int walk_windows(const struct walk *w, const struct riser_windows *table)
{
	int ret = check_table(w, ".windows", table, shared);

	for (uint32_t i = 0; i < table->count && !ret; i++) {
		struct walk in = walk_into(w, ".windows", i);

		ret = check_text(&in, ".name", table_row(table, i)->name);
	}
	return ret;
}

static int walk_bars(const struct walk *w, const struct riser_bars *table)
{
	int ret = check_table(w, ".bars", table, ops);

	for (uint32_t i = 0; i < table->count && !ret; i++) {
		const struct riser_bar *bar = table_row(table, i);
		struct walk in = walk_into(w, ".bars", i);

		ret = walk_regs(&in, ".regs", &bar->regs);
		if (!ret)
			ret = walk_windows(&in, &bar->windows);
		if (!ret && bar->ops && !is_mapped(bar->ops, sizeof(*bar->ops)))
			ret = riser__fail(w->error, -EINVAL, "%s: %s.ops is no such struct",
					  w->device, in.where);
	}
	return ret;
}

static int walk_caps(const struct walk *w, const struct riser_caps *table)
{
	int ret = check_table(w, ".caps", table, regs);

	for (uint32_t i = 0; i < table->count && !ret; i++) {
		const struct riser_pci_cap *cap = table_row(table, i);
		struct walk in = walk_into(w, ".caps", i);

		ret = walk_regs(&in, ".regs", &cap->regs);
		if (!ret && cap->kind == RISER_CAP_VENDOR && cap->size > 3 && cap->data &&
		    !is_mapped(cap->data, cap->size - 3u))
			ret = riser__fail(w->error, -EINVAL, "%s: %s.data is not %u bytes",
					  w->device, in.where, cap->size - 3u);
	}
	return ret;
}

static int walk_reaches(const struct walk *w, const struct riser_reaches *table)
{
	int ret = check_table(w, ".reaches", table, suffix);

	for (uint32_t i = 0; i < table->count && !ret; i++) {
		const struct riser_reach *reach = table_row(table, i);
		struct walk in = walk_into(w, ".reaches", i);

		ret = check_text(&in, ".form", reach->form);
		if (!ret)
			ret = check_text(&in, ".suffix", reach->suffix);
	}
	return ret;
}

static int walk_options(const struct walk *w, const struct riser_options *table)
{
	int ret = check_table(w, ".options", table, reaches);

	for (uint32_t i = 0; i < table->count && !ret; i++) {
		const struct riser_option *option = table_row(table, i);
		struct walk in = walk_into(w, ".options", i);

		ret = check_text(&in, ".name", option->name);
		if (!ret)
			ret = check_text(&in, ".value", option->value);
		if (!ret)
			ret = check_text(&in, ".help", option->help);
		if (!ret)
			ret = walk_reaches(&in, &option->reaches);
	}
	return ret;
}

/* Tables in which a name is all that points somewhere; it is a row's first member. */
static int walk_names(const struct walk *w, const char *member, struct riser__rows table,
		      size_t least, size_t most)
{
	int ret = check_rows(w, member, table, least, most);

	for (uint32_t i = 0; i < table.count && !ret; i++) {
		struct walk in = walk_into(w, member, i);

		ret = check_text(&in, ".name", *(const char *const *)row_at(table, i));
	}
	return ret;
}
#define WALK_NAMES(w, member, table, last)                                                     \
	walk_names(w, member, RISER__ROWS(table), LEAST(__typeof__(*(table)->base), last),     \
		   sizeof(*(table)->base))

/* What both kinds of descriptor have. */
static int walk_common(struct walk *w, const char *name, const char *summary,
		       const struct riser_options *options, const struct riser_fields *fields,
		       const struct riser_timers *timers)
{
	int ret = is_text(name) ? 0
				: riser__fail(w->error, -EINVAL,
					      "the device's .name is not a text of one line");

	w->device = ret || !name ? "" : name;
	if (!ret)
		ret = check_text(w, ".summary", summary);
	if (!ret)
		ret = walk_options(w, options);
	if (!ret)
		ret = WALK_NAMES(w, ".fields", fields, since);
	return ret ? ret : WALK_NAMES(w, ".timers", timers, fire);
}

int riser__tables_check_pci(const struct riser_pci_device *desc, struct riser_error *error)
{
	struct walk w = { .error = error };
	int ret = walk_common(&w, desc->name, desc->summary, &desc->options, &desc->fields,
			      &desc->timers);

	if (!ret)
		ret = walk_bars(&w, &desc->bars);
	return ret ? ret : walk_caps(&w, &desc->caps);
}

static int walk_features(const struct walk *w, const struct riser_virtio_features *table)
{
	int ret = check_table(w, ".features", table, help);

	for (uint32_t i = 0; i < table->count && !ret; i++) {
		const struct riser_virtio_feature *feature = table_row(table, i);
		struct walk in = walk_into(w, ".features", i);

		ret = check_text(&in, ".name", feature->name);
		if (!ret)
			ret = check_text(&in, ".help", feature->help);
	}
	return ret;
}

int riser__tables_check_virtio(const struct riser_virtio_device *desc,
			       struct riser_error *error)
{
	struct walk w = { .error = error };
	int ret = walk_common(&w, desc->name, desc->summary, &desc->options, &desc->fields,
			      &desc->timers);

	if (!ret)
		ret = walk_features(&w, &desc->features);
	if (!ret)
		ret = walk_regs(&w, ".config", &desc->config);
	return ret ? ret : WALK_NAMES(&w, ".vqs", &desc->vqs, stop);
}
