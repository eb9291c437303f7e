/* SPDX-License-Identifier: MIT */
#include "fake_host.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static uint64_t now(void *host)
{
	return ((struct fake_host *)host)->now;
}

static void set_deadline(void *host, uint64_t deadline)
{
	((struct fake_host *)host)->deadline = deadline;
}

static void wake(void *host)
{
	atomic_fetch_add(&((struct fake_host *)host)->wakes, 1);
}

static int watch(void *opaque, struct riser_watch *watched, int fd, short events)
{
	struct fake_host *host = opaque;

	if (fd < 0)
		return -EBADF;
	host->watch = watched;
	host->watched = events;
	host->watch_calls++;
	return 0;
}

static void intx(void *opaque, bool level)
{
	struct fake_host *host = opaque;

	host->intx = level;
	host->intx_changes++;
}

static void message(void *opaque, enum riser_irq_mode mode, unsigned vector, uint64_t address,
		    uint32_t data)
{
	struct fake_host *host = opaque;

	(void)mode;
	host->messages++;
	host->last_vector = vector;
	host->last_address = address;
	host->last_data = data;
	if (host->on_send)
		host->on_send(host);
}

static int dma(void *opaque, uint64_t iova, void *buffer, size_t length, bool write)
{
	struct fake_host *host = opaque;

	if (host->on_send)
		host->on_send(host);
	if (iova < 0x1000 || iova - 0x1000 > sizeof(host->memory) ||
	    length > sizeof(host->memory) - (iova - 0x1000))
		return -EFAULT;
	if (write)
		memcpy(host->memory + (iova - 0x1000), buffer, length);
	else
		memcpy(buffer, host->memory + (iova - 0x1000), length);
	return 0;
}

static void log_line(void *opaque, enum riser_log_level level, const char *line)
{
	struct fake_host *host = opaque;

	(void)level;
	host->logs++;
	snprintf(host->last_log, sizeof(host->last_log), "%s", line);
}

static const struct riser__host_ops ops = {
	.now = now,
	.set_deadline = set_deadline,
	.wake = wake,
	.watch = watch,
	.intx = intx,
	.message = message,
	.dma = dma,
	.log = log_line,
};

void fake_host_start(struct fake_host *host, const struct riser_pci_device *desc,
		     const char *options)
{
	struct riser_export exported = { RISER_ABI, RISER_PCI, desc };
	struct riser_error error = { "" };

	memset(host, 0, sizeof(*host));
	if (riser_model_from_export(exported, &host->model, &error) ||
	    riser__dev_create(host->model, options, &ops, host, false, &error, &host->dev))
		fail_msg("%s", error.text);
}

void fake_host_stop(struct fake_host *host)
{
	riser__dev_destroy(host->dev);
	riser_model_close(host->model);
}

const char *fake_host_refusal(const struct riser_pci_device *desc, struct riser_error *error)
{
	struct riser_export exported = { RISER_ABI, RISER_PCI, desc };
	struct riser_model *model;

	assert_int_not_equal(riser_model_from_export(exported, &model, error), 0);
	assert_null(model);
	return error->text;
}

uint64_t fake_host_read(struct fake_host *host, unsigned region, uint64_t offset, unsigned size)
{
	uint64_t value = 0;

	assert_int_equal(riser__pci_read(host->dev, region, offset, &value, size), 0);
	return value;
}

void fake_host_write(struct fake_host *host, unsigned region, uint64_t offset, unsigned size,
		     uint64_t value)
{
	assert_int_equal(riser__pci_write(host->dev, region, offset, &value, size), 0);
}
