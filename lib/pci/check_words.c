/* SPDX-License-Identifier: MIT */
/* A model's words, which tools print: no control codes are among them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "core/error.h"
#include "core/plain.h"
#include "pci/layout.h"

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

static int check_regs(const struct riser__check *c, const struct riser_regs *regs)
{
	riser_each(reg, regs) {
		int ret = check_text(c, ".help", reg->name ? reg->name : "", reg->help);

		if (ret)
			return ret;
	}
	return 0;
}

int riser__check_words(const struct riser__check *c)
{
	int ret = check_text(c, ".summary", "", c->desc->summary);

	riser_each(option, &c->desc->options) {
		if (!ret)
			ret = check_text(c, ".help", option->name, option->help);
		if (!ret)
			ret = check_text(c, ".value", option->name, option->value);
	}
	riser_each(bar, &c->desc->bars) {
		if (!ret)
			ret = check_regs(c, &bar->regs);
	}
	riser_each(cap, &c->desc->caps) {
		if (!ret)
			ret = check_regs(c, &cap->regs);
	}
	return ret;
}
