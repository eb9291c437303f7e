/* SPDX-License-Identifier: MIT */
/* A device's life: made, reset, halted, freed; and its log. */
#include "core/dev.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/model.h"
#include "core/plain.h"

static int start(struct riser_dev *dev, struct riser_error *error)
{
	struct riser_error why = { "init() failed" };
	int ret = 0;

	dev->failure = &why;
	if (dev->desc->init)
		ret = dev->desc->init(dev);
	dev->failure = NULL;
	if (ret)
		return riser__fail(error, ret < 0 ? ret : -EIO, "%s: %s", dev->desc->name,
				   why.text);
	dev->started = true;
	riser__dev_reset(dev, RISER_RESET_POWER_ON);
	if (dev->ops->is_awaiting_state && dev->ops->is_awaiting_state(dev->host))
		return 0;
	return riser__dev_acquire(dev, error);
}

/* The state, with the options in it. */
static int configure(struct riser_dev *dev, const char *options, struct riser_error *error)
{
	const struct riser__kind *kind = dev->model->kind;
	int ret;

	dev->state = calloc(1, dev->desc->state_size ? dev->desc->state_size : 1);
	if (!dev->state)
		return riser__fail(error, -ENOMEM, "%s: no memory for the device",
				   dev->desc->name);
	ret = riser__options_parse(dev, options, error);
	return ret || !kind->configure ? ret : kind->configure(dev, error);
}

static int build(struct riser_dev *dev, const char *options, struct riser_error *error)
{
	int ret = riser__timers_init(dev);

	if (!ret)
		ret = riser__work_init(dev);
	if (ret)
		return riser__fail(error, ret, "%s: no memory for the device", dev->desc->name);
	ret = configure(dev, options, error);
	if (!ret)
		ret = dev->model->kind->create(dev, error);
	return ret ? ret : start(dev, error);
}

int riser_model_check(const struct riser_model *model, const char *options,
		      struct riser_error *error)
{
	struct riser_dev *dev = calloc(1, sizeof(*dev));
	int ret;

	if (!dev)
		return riser__fail(error, -ENOMEM, "%s: no memory for the device",
				   model->pci.name);
	dev->model = model;
	dev->desc = &model->pci;
	ret = configure(dev, options, error);
	riser__dev_destroy(dev);
	return ret;
}

int riser__dev_create(struct riser_model *model, const char *options,
		      const struct riser__host_ops *ops, void *host, bool trace,
		      struct riser_error *error, struct riser_dev **dev)
{
	struct riser_dev *made = calloc(1, sizeof(*made));
	int ret;

	*dev = NULL;
	if (!made)
		return riser__fail(error, -ENOMEM, "%s: no memory for the device",
				   model->pci.name);
	made->model = model;
	made->desc = &model->pci;
	made->ops = ops;
	made->host = host;
	made->trace = trace;
	ret = build(made, options, error);
	if (ret)
		riser__dev_destroy(made);
	else
		*dev = made;
	return ret;
}

void riser__dev_destroy(struct riser_dev *dev)
{
	if (!dev)
		return;
	riser__work_fini(dev);
	if (dev->started && dev->desc->fini)
		dev->desc->fini(dev);
	riser__work_free(dev);
	riser__watches_fini(dev);
	riser__timers_fini(dev);
	dev->model->kind->destroy(dev);
	riser__options_free(dev);
	free(dev->state);
	free(dev);
}

void riser__dev_halt(struct riser_dev *dev)
{
	const struct riser__kind *kind = dev->model->kind;

	if (kind->quiesce)
		kind->quiesce(dev);
}

void riser__dev_reset(struct riser_dev *dev, enum riser_reset kind)
{
	riser__dev_halt(dev);
	riser__timers_cancel_all(dev);
	dev->model->kind->reset(dev, kind);
	if (dev->desc->reset)
		dev->desc->reset(dev, kind);
}

void *riser_state(struct riser_dev *dev)
{
	return dev->state;
}

unsigned riser_reg_index(const struct riser_dev *dev)
{
	return dev->reg_index;
}

unsigned riser_reg_lanes(const struct riser_dev *dev)
{
	return dev->reg_lanes;
}

/* What a device or a guest puts into a line must not reach the terminal as control codes. */
static void send_line(struct riser_dev *dev, enum riser_log_level level, char *line)
{
	riser__plain_line(line);
	dev->ops->log(dev->host, level, line);
}

void riser_log(struct riser_dev *dev, enum riser_log_level level, const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	send_line(dev, level, line);
}

int riser_fail(struct riser_dev *dev, int error, const char *format, ...)
{
	char line[sizeof(((struct riser_error *)0)->text)];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	riser__plain_line(line);
	if (dev->failure)
		memcpy(dev->failure->text, line, sizeof(line));
	else
		send_line(dev, RISER_ERROR, line);
	return error;
}

/* The first few and then ever fewer: a guest cannot fill the log with them. */
static bool worth_a_line(unsigned long count)
{
	return count <= 8 || !(count & (count - 1));
}

void riser__dev_mistake(struct riser_dev *dev, enum riser__mistake what, const char *format,
			...)
{
	static const char *const names[RISER__MISTAKES] = {
		[RISER__UNCLAIMED] = "nothing there",
		[RISER__WIDTH] = "width or alignment not taken",
		[RISER__READ_ONLY] = "read-only",
		[RISER__WRITE_ONLY] = "write-only",
		[RISER__DISABLED] = "disabled",
		[RISER__BAD_DMA] = "bad DMA address",
		[RISER__NEEDS_RESET] = "the device needs a reset",
		[RISER__REENTERED] = "sent by the device itself, refused",
	};
	unsigned long count = atomic_fetch_add(&dev->mistakes[what], 1) + 1;
	char line[384];
	va_list args;

	if (!worth_a_line(count))
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	riser_log(dev, RISER_WARN, "guest: %s: %s (%lu so far)", line, names[what], count);
}

void riser__dev_dma_failed(struct riser_dev *dev, int error, const char *what, uint64_t iova,
			   size_t length)
{
	unsigned long count = atomic_fetch_add(&dev->host_failures, 1) + 1;

	if (worth_a_line(count))
		riser_log(dev, RISER_WARN,
			  "DMA %s of %zu bytes at %#" PRIx64 ": %s (%lu so far)", what, length,
			  iova,
			  error == -EIO ? "the client took the memory out of its file"
					: strerror(-error),
			  count);
}
