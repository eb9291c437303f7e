/* SPDX-License-Identifier: MIT */
/* The bench as a host: accesses, time, memory and interrupts of a device in this process. */
#include "attach/bench/bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/buffer.h"
#include "core/model.h"

/* Timers have this many turns in a microsecond at most. */
enum { TURN_NS = 1000, TURNS_MOST = 10 };

static struct bench *bench_of(struct riser_host *host)
{
	return (struct bench *)host;
}

static int bench_read(struct riser_host *host, unsigned region, uint64_t offset, void *to,
		      size_t size)
{
	struct bench *b = bench_of(host);
	int ret = riser__pci_read(b->dev, region, offset, to, size);

	bench_settle(b);
	return ret;
}

static int bench_write(struct riser_host *host, unsigned region, uint64_t offset,
		       const void *from, size_t size)
{
	struct bench *b = bench_of(host);
	int ret = riser__pci_write(b->dev, region, offset, from, size);

	bench_settle(b);
	return ret;
}

static int bench_map(struct riser_host *host, unsigned bar, uint64_t offset, uint64_t length,
		     void **address)
{
	struct riser__region_info info;
	struct riser_dev *dev = bench_of(host)->dev;

	riser__pci_region_info(dev, bar, &info);
	for (unsigned i = 0; i < info.window_count; i++) {
		uint64_t into = offset - info.windows[i].offset;

		if (!info.windows[i].shared || into >= info.windows[i].size ||
		    length > info.windows[i].size - into)
			continue;
		*address = (char *)riser_window(dev, bar, i) + into;
		return 0;
	}
	return riser__host_fail(host, -ENODEV, "BAR%u cannot be mapped there", bar);
}

static int bench_irq_bind(struct riser_host *host, enum riser_irq_mode mode, unsigned count)
{
	struct bench *b = bench_of(host);

	pthread_mutex_lock(&b->lock);
	memset(b->messages, 0, sizeof(b->messages));
	pthread_mutex_unlock(&b->lock);
	return mode == RISER_IRQ_MSIX ? riser__host_msix_fill(host, count) : 0;
}

static int bench_irq_collect(struct riser_host *host, unsigned vector, bool settle)
{
	struct bench *b = bench_of(host);

	(void)settle; /* an access is over when it returns */
	pthread_mutex_lock(&b->lock);
	host->arrived[vector] += b->messages[vector];
	b->messages[vector] = 0;
	if (host->mode == RISER_IRQ_INTX)
		host->arrived[0] = b->intx;
	pthread_mutex_unlock(&b->lock);
	return 0;
}

/*
 * To the next deadline, or on to the next microsecond when timers have had enough turns in this
 * one: time passes also for a device whose timers are due again as soon as they have fired.
 */
static uint64_t bench_next_turn(struct bench *b)
{
	uint64_t at = b->deadline > b->now ? b->deadline : b->now;

	if (at / TURN_NS != b->turns_in) {
		b->turns_in = at / TURN_NS;
		b->turns = 0;
	}
	return b->turns++ < TURNS_MOST ? at : (b->turns_in + 1) * TURN_NS;
}

/*
 * Goes from one deadline of the device to the next, so that each fires at its exact time; only
 * to the next one if the caller looks at the interrupts after each. Jobs run beside
 * all this, but time does not go on before they have ended.
 */
static int bench_pass(struct riser_host *host, uint64_t ns, unsigned vector)
{
	struct bench *b = bench_of(host);
	uint64_t end = ns < UINT64_MAX - b->now ? b->now + ns : UINT64_MAX - 1;

	bench_settle_jobs(b);
	while (b->deadline <= end) {
		uint64_t at = bench_next_turn(b);

		if (at > end)
			break;
		b->now = at;
		riser__dev_run_timers(b->dev);
		bench_settle_jobs(b);
		if (vector != HOST_NO_VECTOR)
			return 0;
	}
	b->now = end;
	return 0;
}

static uint64_t bench_now(struct riser_host *host)
{
	return bench_of(host)->now;
}

static int bench_memory_map(struct riser_host *host, uint64_t iova, uint64_t length)
{
	int ret =
		riser__dma_table_add(bench_of(host)->dma, iova, length, host->memory_fd,
				     iova - host->memory_at, RISER_DMA_READ | RISER_DMA_WRITE);

	riser__dev_memory_changed(bench_of(host)->dev);
	return ret ? riser__host_fail(host, ret, "cannot give the device memory at %#llx: %s",
				      (unsigned long long)iova, strerror(-ret))
		   : 0;
}

static int bench_memory_unmap(struct riser_host *host, uint64_t iova, uint64_t length)
{
	riser__dev_memory_changed(bench_of(host)->dev);
	return riser__dma_table_remove(bench_of(host)->dma, iova, length, NULL);
}

static int bench_reset(struct riser_host *host, enum riser_reset kind)
{
	struct bench *b = bench_of(host);

	riser__dev_reset(b->dev, kind);
	bench_settle(b);
	return 0;
}

static int bench_save(struct riser_host *host, void **data, size_t *size)
{
	struct riser__buffer buffer = { 0 };
	int ret = riser__dev_save(bench_of(host)->dev, &buffer);

	if (ret) {
		riser__buffer_free(&buffer);
		return riser__host_fail(host, ret, "cannot save the device: %s",
					strerror(-ret));
	}
	*data = buffer.data;
	*size = buffer.size;
	return 0;
}

/* What has come so far is not of the state that is loaded. */
static void collect_all(struct bench *b)
{
	pthread_mutex_lock(&b->lock);
	for (unsigned i = 0; i < HOST_VECTORS_MAX; i++)
		b->host.arrived[i] += b->messages[i];
	memset(b->messages, 0, sizeof(b->messages));
	pthread_mutex_unlock(&b->lock);
}

static int bench_load(struct riser_host *host, const void *data, size_t size)
{
	struct bench *b = bench_of(host);
	int ret;

	bench_settle(b);
	collect_all(b);
	ret = riser__dev_load(b->dev, data, size, &host->error);
	if (!ret)
		ret = riser__host_learn(host);
	bench_settle(b);
	return ret;
}

static void bench_destroy(struct riser_host *host)
{
	struct bench *b = bench_of(host);

	riser__dev_destroy(b->dev);
	riser__dma_table_destroy(b->dma);
	pthread_cond_destroy(&b->changed);
	pthread_mutex_destroy(&b->lock);
	free(b->watches);
	riser__host_fini(host);
	free(b);
}

static const struct riser__host_impl bench_impl = {
	.simulated = true,
	.read = bench_read,
	.write = bench_write,
	.map = bench_map,
	.irq_bind = bench_irq_bind,
	.msix_mask = riser__host_msix_mask,
	.irq_collect = bench_irq_collect,
	.pass = bench_pass,
	.now = bench_now,
	.memory_map = bench_memory_map,
	.memory_unmap = bench_memory_unmap,
	.reset = bench_reset,
	.save = bench_save,
	.load = bench_load,
	.destroy = bench_destroy,
};

static int start(struct bench *b, struct riser_model *model,
		 const struct riser_host_config *config, struct riser_error *error)
{
	struct riser__region_info info;
	int ret = riser__host_init(&b->host, &bench_impl, config);

	if (!ret)
		ret = riser__dma_table_create(65535, &b->dma);
	if (ret)
		return riser__fail(
			error, ret, "%s: cannot make a bench of %llu bytes of memory: %s",
			model->pci.name, (unsigned long long)config->memory, strerror(-ret));
	ret = riser__dev_create(model, config->options, &bench_host_ops, b, config->trace,
				error, &b->dev);
	if (ret)
		return ret;
	for (unsigned i = 0; i < HOST_REGIONS; i++) {
		riser__pci_region_info(b->dev, i, &info);
		b->host.region_size[i] = info.size;
	}
	bench_settle(b);
	ret = riser__host_start(&b->host);
	return ret ? riser__fail(error, ret, "%s: %s", model->pci.name, b->host.error.text) : 0;
}

int riser_bench_create(struct riser_model *model, const struct riser_host_config *config,
		       struct riser_host **host, struct riser_error *error)
{
	struct riser_host_config full = riser__host_config(config);
	struct bench *b = calloc(1, sizeof(*b));
	int ret;

	*host = NULL;
	if (!b)
		return riser__fail(error, -ENOMEM, "%s: no memory for a bench",
				   model->pci.name);
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->changed, NULL);
	b->deadline = UINT64_MAX;
	b->log = full.log;
	b->log_arg = full.log_arg;
	ret = start(b, model, &full, error);
	if (ret)
		bench_destroy(&b->host);
	else
		*host = &b->host;
	return ret;
}
