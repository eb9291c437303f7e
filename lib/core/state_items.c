/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "core/state.h"
#include "pci/function.h"

struct walk {
	struct riser_dev *dev;
	int (*visit)(void *arg, const struct riser__item *item);
	void *arg;
};

static int each_reg(const struct walk *walk, const char *place, unsigned index,
		    const struct riser_table *regs)
{
	const struct riser_reg *reg = regs->base;
	int ret = 0;

	for (uint32_t i = 0; i < regs->count && !ret; i++) {
		struct riser__item item = {
			.kind = RISER__RECORD_REGISTER,
			.width = reg[i].width,
			.count = reg[i].count ? reg[i].count : 1,
			.at = (char *)walk->dev->state + reg[i].at,
		};

		snprintf(item.name, sizeof(item.name), "%s%u.%s", place, index, reg[i].name);
		ret = walk->visit(walk->arg, &item);
	}
	return ret;
}

static int each_window(const struct walk *walk, const struct riser_bar *bar)
{
	const struct riser_window *window = bar->windows.base;
	int ret = 0;

	for (uint32_t i = 0; i < bar->windows.count && !ret; i++) {
		struct riser__item item = {
			.kind = RISER__RECORD_WINDOW,
			.width = 1,
			.count = window[i].size,
			.at = riser_window(walk->dev, bar->index, i),
		};

		snprintf(item.name, sizeof(item.name), "bar%u.%s", bar->index, window[i].name);
		ret = walk->visit(walk->arg, &item);
	}
	return ret;
}

static int each_field(const struct walk *walk)
{
	const struct riser_field *field = walk->dev->desc->fields.base;
	int ret = 0;

	for (uint32_t i = 0; i < walk->dev->desc->fields.count && !ret; i++) {
		struct riser__item item = {
			.kind = RISER__RECORD_FIELD,
			.width = field[i].width,
			.count = field[i].count,
			.at = (char *)walk->dev->state + field[i].at,
		};

		snprintf(item.name, sizeof(item.name), "%s", field[i].name);
		ret = walk->visit(walk->arg, &item);
	}
	return ret;
}

int riser__state_each(struct riser_dev *dev,
		      int (*visit)(void *arg, const struct riser__item *item), void *arg)
{
	const struct walk walk = { dev, visit, arg };
	const struct riser_bar *bar = dev->desc->bars.base;
	const struct riser_pci_cap *cap = dev->desc->caps.base;
	int ret = 0;

	for (uint32_t i = 0; i < dev->desc->bars.count && !ret; i++) {
		ret = each_reg(&walk, "bar", bar[i].index, &bar[i].regs);
		if (!ret)
			ret = each_window(&walk, &bar[i]);
	}
	for (uint32_t i = 0; i < dev->desc->caps.count && !ret; i++)
		ret = each_reg(&walk, "cap", i, &cap[i].regs);
	return ret ? ret : each_field(&walk);
}
