/* SPDX-License-Identifier: MIT */
/* The rules that the descriptor of a PCI function has to keep, each refused with the line of
 * the table and the rule. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "pci/kind.h"
#include "pci/layout.h"

static bool overlaps(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a < b ? b - a < a_size : a - b < b_size;
}

static int check_window(const struct riser__check *c, const struct riser_bar *bar,
			const struct riser_window *window)
{
	if (!riser__good_name(window->name))
		return refuse(c,
			      "%s: %s has a window without a name of letters, digits, '_' and "
			      "'-'",
			      c->desc->name, c->where);
	if (!window->size || window->offset > bar->size ||
	    window->size > bar->size - window->offset)
		return refuse(c, "%s: %s window '%s' does not lie inside the BAR",
			      c->desc->name, c->where, window->name);
	if (window->shared && bar->kind == RISER_IO)
		return refuse(c, "%s: %s window '%s': only memory is shared", c->desc->name,
			      c->where, window->name);
	if (window->shared && (window->offset | window->size) % 4096)
		return refuse(c, "%s: %s window '%s': shared, it is not whole pages of 4096",
			      c->desc->name, c->where, window->name);
	riser_each(other, &bar->windows) {
		if (other == window)
			break;
		if (overlaps(other->offset, other->size, window->offset, window->size))
			return refuse(c, "%s: %s windows '%s' and '%s' overlap", c->desc->name,
				      c->where, other->name, window->name);
	}
	riser_each(reg, &bar->regs) {
		for (uint64_t i = 0; i < reg->count; i++) {
			if (overlaps(reg->offset + i * reg->stride, reg->width, window->offset,
				     window->size))
				return refuse(c, "%s: %s window '%s' overlaps register '%s'",
					      c->desc->name, c->where, window->name, reg->name);
		}
	}
	return window->shared ? 0
			      : riser__check_in_state(c, "window", window->name, window->at,
						      window->size);
}

static int check_bar_shape(const struct riser__check *c, const struct riser_bar *bar)
{
	uint64_t least = bar->kind == RISER_IO ? 4 : 16;
	uint64_t most = bar->kind == RISER_IO	   ? 256
			: bar->kind == RISER_MEM32 ? UINT64_C(1) << 31
						   : UINT64_C(1) << 62;

	if (bar->kind != RISER_MEM32 && bar->kind != RISER_MEM64 && bar->kind != RISER_IO)
		return refuse(c, "%s: %s: kind %d is none of MEM32, MEM64 and IO",
			      c->desc->name, c->where, (int)bar->kind);
	if (bar->index + (bar->kind == RISER_MEM64) > 5)
		return refuse(c, "%s: %s: a BAR has an index from 0 to 5, a MEM64 one to 4",
			      c->desc->name, c->where);
	if (!riser__power_of_two(bar->size) || bar->size < least || bar->size > most)
		return refuse(c,
			      "%s: %s: size %" PRIu64 " is not a power of two from %" PRIu64
			      " to %" PRIu64,
			      c->desc->name, c->where, bar->size, least, most);
	if (!riser__power_of_two(bar->split) || bar->split > 8)
		return refuse(c, "%s: %s: split %u is not 1, 2, 4 or 8", c->desc->name,
			      c->where, bar->split);
	if (bar->kind == RISER_IO && bar->prefetchable)
		return refuse(c, "%s: %s: only memory is prefetchable", c->desc->name,
			      c->where);
	return 0;
}

/* A CPU's ports are 4 bytes wide (PCI 3.2.2.1). */
static unsigned widest_access(const struct riser_bar *bar)
{
	unsigned most = bar->kind == RISER_IO ? 4 : 8;

	return bar->split < most ? bar->split : most;
}

static int check_bars(struct riser__check *c)
{
	unsigned taken = 0, mine;
	int ret = 0;

	riser_each(bar, &c->desc->bars) {
		snprintf(c->where, sizeof(c->where), "BAR%u", bar->index);
		ret = check_bar_shape(c, bar);
		if (ret)
			return ret;
		mine = (bar->kind == RISER_MEM64 ? 3u : 1u) << bar->index;
		if (taken & mine)
			return refuse(c, "%s: BAR%u is taken by an earlier line of .bars",
				      c->desc->name, bar->index);
		taken |= mine;
		c->widest = widest_access(bar);
		ret = riser__check_regs(c, &bar->regs, bar->size);
		riser_each(window, &bar->windows) {
			if (!ret)
				ret = check_window(c, bar, window);
		}
		if (ret)
			return ret;
	}
	return 0;
}

static int check_cap_regs(struct riser__check *c)
{
	c->widest = 8;
	riser_each(cap, &c->desc->caps) {
		int ret;

		snprintf(c->where, sizeof(c->where), "capability %u",
			 riser_index(cap, &c->desc->caps));
		ret = riser__check_regs(c, &cap->regs, cap->size);
		if (ret)
			return ret;
	}
	return 0;
}

#define CHECK_UNIQUE(c, what, table) riser__check_unique(c, what, RISER__ROWS(table))

static int check_names(struct riser__check *c)
{
	int ret;

	c->where[0] = '\0';
	ret = CHECK_UNIQUE(c, "options", &c->desc->options);
	if (!ret)
		ret = CHECK_UNIQUE(c, "fields", &c->desc->fields);
	if (!ret)
		ret = CHECK_UNIQUE(c, "timers", &c->desc->timers);
	riser_each(bar, &c->desc->bars) {
		snprintf(c->where, sizeof(c->where), " of BAR%u", bar->index);
		if (!ret)
			ret = CHECK_UNIQUE(c, "registers", &bar->regs);
		if (!ret)
			ret = CHECK_UNIQUE(c, "windows", &bar->windows);
	}
	riser_each(cap, &c->desc->caps) {
		snprintf(c->where, sizeof(c->where), " of capability %u",
			 riser_index(cap, &c->desc->caps));
		if (!ret)
			ret = CHECK_UNIQUE(c, "registers", &cap->regs);
	}
	return ret;
}

/* PCI 6.2.1: an identity that a bus can show, of a function with a header of type 0. */
static int check_identity(const struct riser__check *c)
{
	const struct riser_pci_id *id = &c->desc->id;
	unsigned class = id->class_code >> 8;

	if (!id->vendor || id->vendor == 0xffff)
		return refuse(c, "%s: .id.vendor %#x is nobody's: a bus shows no such function",
			      c->desc->name, id->vendor);
	if (!id->subvendor || id->subvendor == 0xffff)
		return refuse(c, "%s: .id.subvendor %#x is nobody's", c->desc->name,
			      id->subvendor);
	if (id->class_code >> 24)
		return refuse(c, "%s: class code %#x has more than 24 bits", c->desc->name,
			      id->class_code);
	if (class == 0x0604 || class == 0x0607 || class == 0x0609)
		return refuse(c,
			      "%s: class code %#x is a bridge's, which has another header of "
			      "configuration space",
			      c->desc->name, id->class_code);
	if (c->desc->interrupt_pin > 4)
		return refuse(c, "%s: interrupt pin %u is not 0 (none) to 4 (INTD)",
			      c->desc->name, c->desc->interrupt_pin);
	return 0;
}

static int check_sizes(const struct riser__check *c)
{
	uint64_t mask = c->desc->dma_mask;

	if (c->desc->state_size > RISER__STATE_MAX)
		return refuse(c, "%s: .state_size %zu is more than %llu bytes", c->desc->name,
			      c->desc->state_size, (unsigned long long)RISER__STATE_MAX);
	if (mask & (mask + 1))
		return refuse(c, "%s: .dma_mask %#" PRIx64 " is no mask of low bits",
			      c->desc->name, mask);
	return 0;
}

int riser__pci_check(const struct riser_pci_device *desc, struct riser_error *error)
{
	struct riser__check c = { .desc = desc, .error = error };
	int ret;

	if (!riser__good_name(desc->name))
		return refuse(&c, "the device needs a .name of letters, digits, '_' and '-'");
	if (strlen(desc->name) > RISER__NAME_MAX)
		return refuse(&c, "%.20s...: the name has more than %d characters", desc->name,
			      RISER__NAME_MAX);
	ret = check_identity(&c);
	if (!ret)
		ret = check_sizes(&c);
	if (!ret)
		ret = check_bars(&c);
	if (!ret)
		ret = riser__caps_check(desc, error);
	if (!ret)
		ret = check_cap_regs(&c);
	if (!ret)
		ret = riser__check_options(&c);
	if (!ret)
		ret = riser__check_saved(&c);
	if (!ret)
		ret = check_names(&c);
	if (!ret)
		ret = riser__check_words(&c);
	return ret ? ret : riser__layout_check(desc, error);
}
