/* SPDX-License-Identifier: MIT */
/* A model's words, which tools print: no control codes are among them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "core/error.h"
#include "core/plain.h"

static int check_text(const struct riser__check *c, const char *what, const char *name,
		      const char *text)
{
	char *plain = strdup(text ? text : "");
	int ret = 0;

	if (!plain)
		return riser__fail(c->error, -ENOMEM, "%s: no memory", c->desc->name);
	riser__plain_line(plain);
	if (text && strcmp(plain, text))
		ret = riser__fail(c->error, -EINVAL,
				  "%s: the %s%s%s has control codes in it, or is no UTF-8",
				  c->desc->name, what, *name ? " of " : "", name);
	free(plain);
	return ret;
}

static int check_regs(const struct riser__check *c, const struct riser_table *regs)
{
	const struct riser_reg *reg = regs->base;
	int ret = 0;

	for (uint32_t i = 0; i < regs->count && !ret; i++)
		ret = check_text(c, ".help", reg[i].name ? reg[i].name : "", reg[i].help);
	return ret;
}

int riser__check_words(const struct riser__check *c)
{
	const struct riser_option *option = c->desc->options.base;
	const struct riser_bar *bar = c->desc->bars.base;
	const struct riser_pci_cap *cap = c->desc->caps.base;
	int ret = check_text(c, ".summary", "", c->desc->summary);

	for (uint32_t i = 0; i < c->desc->options.count && !ret; i++) {
		ret = check_text(c, ".help", option[i].name, option[i].help);
		if (!ret)
			ret = check_text(c, ".value", option[i].name, option[i].value);
	}
	for (uint32_t i = 0; i < c->desc->bars.count && !ret; i++)
		ret = check_regs(c, &bar[i].regs);
	for (uint32_t i = 0; i < c->desc->caps.count && !ret; i++)
		ret = check_regs(c, &cap[i].regs);
	return ret;
}
