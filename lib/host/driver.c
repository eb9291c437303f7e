/* SPDX-License-Identifier: MIT */
/* A virtio driver's life: features, status, configuration, memory (virtio 3.1). */
#include "host/driver.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, TRIES = 1000 };
#define VERSION_1 (UINT64_C(1) << VIRTIO_F_VERSION_1)

int driver_no_memory(struct riser_host *host)
{
	return riser__host_fail(host, -ENOMEM, "no memory for the driver");
}

int driver_read(struct riser_driver *driver, const struct driver_place *place, unsigned offset,
		unsigned size, uint64_t *value)
{
	return riser_host_read(driver->host, place->bar, place->offset + offset, size, value);
}

int driver_write(struct riser_driver *driver, const struct driver_place *place, unsigned offset,
		 unsigned size, uint64_t value)
{
	return riser_host_write(driver->host, place->bar, place->offset + offset, size, value);
}

/* ---- From reset to FEATURES_OK ---- */

static int driver_negotiate(struct riser_driver *driver,
			    const struct riser_driver_config *config)
{
	uint8_t status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER, now;
	int ret = driver->transport->set_status(driver, status);

	if (!ret)
		ret = driver->transport->get_features(driver, &driver->offered);
	driver->features = config->features;
	if (!config->force)
		driver->features &= driver->offered;
	driver->features =
		driver->legacy ? driver->features & UINT32_MAX : driver->features | VERSION_1;
	if (!ret)
		ret = driver->transport->set_features(driver, driver->features);
	if (ret || driver->legacy)
		return ret;
	ret = driver->transport->set_status(driver, status | VIRTIO_CONFIG_S_FEATURES_OK);
	if (!ret)
		ret = driver->transport->get_status(driver, &now);
	if (!ret && !(now & VIRTIO_CONFIG_S_FEATURES_OK))
		ret = riser__host_fail(driver->host, -EPROTO,
				       "the device refused the features %#" PRIx64,
				       driver->features);
	return ret;
}

/* A vector for the configuration and one for each queue, or what there is. */
static int open_irqs(struct riser_driver *driver)
{
	struct riser_host *host = driver->host;
	unsigned wanted = driver->queue_count + 1, have, at;
	uint32_t flags = 0;
	int ret;

	driver->vectors = 1;
	if (driver->irq != RISER_IRQ_MSIX)
		return riser_host_irq_enable(host, RISER_IRQ_INTX, 1);
	ret = riser__host_find_cap(host, PCI_CAP_ID_MSIX, false, &at);
	if (!ret && !at)
		return riser__host_fail(host, -ENOTSUP, "the device has no MSI-X");
	if (!ret)
		ret = riser_host_config_read(host, at + PCI_MSIX_FLAGS, 2, &flags);
	have = (flags & PCI_MSIX_FLAGS_QSIZE) + 1;
	driver->vectors = wanted < have ? wanted : have;
	if (!ret)
		ret = riser_host_irq_enable(host, RISER_IRQ_MSIX, driver->vectors);
	return ret ? ret : driver->transport->set_vectors(driver, 0);
}

static int driver_start(struct riser_driver *driver, const struct riser_driver_config *config)
{
	int ret = driver->transport->open(driver);

	driver->opened = !ret;
	if (!ret)
		ret = driver->transport->set_status(driver, 0);
	if (!ret)
		ret = driver_negotiate(driver, config);
	if (!ret)
		ret = driver->transport->count_queues(driver, &driver->queue_count);
	if (!ret)
		ret = open_irqs(driver);
	if (ret)
		return ret;
	driver->queues = calloc(driver->queue_count + 1, sizeof(struct riser_driver_queue *));
	return driver->queues ? 0 : driver_no_memory(driver->host);
}

int riser_driver_create(struct riser_host *host, const struct riser_driver_config *config,
			struct riser_driver **driver)
{
	struct riser_driver_config full = { 0 };
	struct riser_driver *d;
	int ret;

	if (!driver || !config)
		return riser__host_nowhere(host);
	*driver = NULL;
	memcpy(&full, config, config->size < sizeof(full) ? config->size : sizeof(full));
	if (full.irq != RISER_IRQ_INTX && full.irq != RISER_IRQ_MSIX)
		return riser__host_fail(host, -EINVAL,
					"a virtio device has INTx and MSI-X only");
	d = calloc(1, sizeof(*d));
	if (!d)
		return driver_no_memory(host);
	d->host = host;
	d->transport = full.legacy ? &driver_legacy : &driver_modern;
	d->legacy = full.legacy;
	d->irq = full.irq;
	d->polling = full.polling;
	d->used_memory = PAGE; /* for a legacy device, a ring at 0 means that there is none */
	ret = driver_start(d, &full);
	if (ret) {
		struct riser_error why = host->error;

		riser_driver_destroy(d);
		host->error = why;
		return ret;
	}
	*driver = d;
	return 0;
}

void riser_driver_destroy(struct riser_driver *driver)
{
	if (!driver)
		return;
	if (driver->opened) /* or it is no virtio device at all */
		driver->transport->set_status(driver, 0);
	for (unsigned i = 0; driver->queues && i < driver->queue_count; i++)
		driver_queue_free(driver->queues[i]);
	free(driver->queues);
	free(driver);
}

uint64_t riser_driver_features(const struct riser_driver *driver)
{
	return driver->features;
}

uint64_t riser_driver_offered(const struct riser_driver *driver)
{
	return driver->offered;
}

unsigned riser_driver_queues(const struct riser_driver *driver)
{
	return driver->queue_count;
}

int riser_driver_status(struct riser_driver *driver, uint8_t *status)
{
	if (!status)
		return riser__host_nowhere(driver->host);
	return driver->transport->get_status(driver, status);
}

int riser_driver_ready(struct riser_driver *driver)
{
	uint8_t status;
	int ret = driver->transport->get_status(driver, &status);

	return ret ? ret
		   : driver->transport->set_status(driver, status | VIRTIO_CONFIG_S_DRIVER_OK);
}

/* ---- Configuration ---- */

static int config_place(struct riser_driver *driver, unsigned offset, size_t size,
			struct driver_place *place)
{
	int ret = driver->transport->config_place(driver, place);

	if (ret)
		return ret;
	if (size > place->length || offset > place->length - size)
		return riser__host_fail(driver->host, -ERANGE,
					"the configuration has %" PRIu64
					" bytes; asked for %zu at %u",
					place->length, size, offset);
	return 0;
}

/* The width of a field by its alignment and the bytes left (virtio 4.1.3.1). */
static unsigned field_width(unsigned offset, size_t left)
{
	unsigned size = 4;

	while (offset % size || size > left)
		size /= 2;
	return size;
}

static int read_once(struct riser_driver *driver, const struct driver_place *place,
		     unsigned offset, uint8_t *to, size_t size)
{
	uint64_t value;
	int ret = 0;

	for (size_t at = 0; at < size && !ret;) {
		unsigned bytes = field_width(offset + (unsigned)at, size - at);

		ret = driver_read(driver, place, offset + (unsigned)at, bytes, &value);
		for (unsigned i = 0; i < bytes; i++)
			to[at++] = (uint8_t)(value >> (8 * i));
	}
	return ret;
}

int riser_driver_config_read(struct riser_driver *driver, unsigned offset, void *to,
			     size_t size)
{
	uint64_t before = 0, after = 0;
	struct driver_place place;
	int ret = config_place(driver, offset, size, &place);

	if (!ret && size && !to)
		return riser__host_nowhere(driver->host);
	for (unsigned tries = 0; !ret; tries++) {
		if (tries == TRIES)
			return riser__host_fail(driver->host, -EIO,
						"the configuration does not stop changing");
		if (driver->transport->generation)
			ret = driver->transport->generation(driver, &before);
		if (!ret)
			ret = read_once(driver, &place, offset, to, size);
		if (!ret && driver->transport->generation)
			ret = driver->transport->generation(driver, &after);
		if (before == after)
			break;
	}
	return ret;
}

int riser_driver_config_write(struct riser_driver *driver, unsigned offset, const void *from,
			      size_t size)
{
	const uint8_t *bytes = from;
	struct driver_place place;
	int ret = config_place(driver, offset, size, &place);

	if (!ret && size && !from)
		return riser__host_nowhere(driver->host);
	for (size_t at = 0; at < size && !ret;) {
		unsigned part = field_width(offset + (unsigned)at, size - at);
		uint64_t value = 0;

		for (unsigned i = 0; i < part; i++)
			value |= (uint64_t)bytes[at + i] << (8 * i);
		ret = driver_write(driver, &place, offset + (unsigned)at, part, value);
		at += part;
	}
	return ret;
}

int riser_driver_config_wait(struct riser_driver *driver, uint64_t timeout)
{
	uint64_t until, now = riser_host_now(driver->host);
	int ret = 0;

	if (driver->irq == RISER_IRQ_MSIX)
		return riser_host_irq_wait(driver->host, 0, timeout);
	until = timeout < UINT64_MAX - now ? now + timeout : UINT64_MAX;
	while (!driver->config_irq && !ret) {
		now = riser_host_now(driver->host);
		ret = driver_irq_wait(driver, 0, now < until ? until - now : 0);
	}
	if (!ret)
		driver->config_irq = false;
	return ret;
}

/* The ISR tells queues from the configuration, and reading it lowers INTx. */
int driver_irq_wait(struct riser_driver *driver, unsigned vector, uint64_t timeout)
{
	int ret = riser_host_irq_wait(driver->host, vector, timeout);
	uint8_t isr = 0;

	if (!ret && driver->irq != RISER_IRQ_MSIX)
		ret = driver->transport->get_isr(driver, &isr);
	if (isr & VIRTIO_PCI_ISR_CONFIG)
		driver->config_irq = true;
	return ret;
}

/* ---- Memory ---- */

void *riser_driver_alloc(struct riser_driver *driver, size_t size, size_t align, uint64_t *iova)
{
	uint64_t total, base, at;
	char *memory = riser_host_memory(driver->host, &total, &base);

	if (!align || align & (align - 1) || !iova) {
		riser__host_fail(driver->host, -EINVAL,
				 "memory aligned to %zu, which is no power of two", align);
		return NULL;
	}
	at = ((base + driver->used_memory + align - 1) & ~(uint64_t)(align - 1)) - base;
	if (at > total || size > total - at) {
		riser__host_fail(driver->host, -ENOSPC,
				 "no room for %zu bytes in the guest's memory", size);
		return NULL;
	}
	driver->used_memory = at + size;
	*iova = base + at;
	return memset(memory + at, 0, size);
}
