/* SPDX-License-Identifier: MIT */
/* The device's side of DMA: its mask, and whether it may reach memory; then the host. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>

#include "core/jobs.h"
#include "core/model.h"

static inline bool fits_mask(const struct riser_dev *dev, uint64_t iova, uint64_t length)
{
	uint64_t mask = dev->desc->dma_mask;

	return iova <= mask && (!length || length - 1 <= mask - iova);
}

static int refuse(struct riser_dev *dev, uint64_t iova, uint64_t length)
{
	if (fits_mask(dev, iova, length)) {
		riser__dev_mistake(dev, RISER__DISABLED,
				   "DMA of %" PRIu64 " bytes at %#" PRIx64 " %s", length, iova,
				   dev->model->kind->silence(dev));
		return -EACCES;
	}
	riser__dev_mistake(dev, RISER__BAD_DMA,
			   "DMA of %" PRIu64 " bytes at %#" PRIx64
			   ", past the device's mask %#" PRIx64,
			   length, iova, dev->desc->dma_mask);
	return -EFAULT;
}

static inline int allowed(struct riser_dev *dev, uint64_t iova, uint64_t length)
{
	if (riser__dev_reaches_memory(dev) && fits_mask(dev, iova, length))
		return 0;
	return refuse(dev, iova, length);
}

/* What the host's own way did not do. */
static int copy_otherwise(struct riser_dev *dev, uint64_t iova, void *buffer, size_t length,
			  bool write, int ret)
{
	if (ret == -EREMOTE)
		ret = dev->ops->dma_remote(dev->host, iova, buffer, length, write);
	/* It went off meanwhile. */
	if (ret == -EACCES && !riser__dev_reaches_memory(dev))
		return refuse(dev, iova, length);
	if (ret == -EFAULT)
		riser__dev_mistake(dev, RISER__BAD_DMA, "DMA %s of %zu bytes at %#" PRIx64,
				   write ? "write" : "read", length, iova);
	else if (ret && ret != -ECANCELED)
		riser__dev_dma_failed(dev, ret, write ? "write" : "read", iova, length);
	return ret;
}

static inline int copy(struct riser_dev *dev, uint64_t iova, void *buffer, size_t length,
		       bool write)
{
	struct riser__worker *me;
	int ret = riser__job_enter(dev, &me);

	if (ret)
		return ret;
	ret = allowed(dev, iova, length);
	if (ret || !length) {
		riser__job_leave(me);
		return ret;
	}
	ret = dev->ops->dma(dev->host, iova, buffer, length, write);
	riser__job_leave(me);
	return ret ? copy_otherwise(dev, iova, buffer, length, write, ret) : 0;
}

int riser_dma_read(struct riser_dev *dev, uint64_t iova, void *to, size_t length)
{
	return copy(dev, iova, to, length, false);
}

int riser_dma_write(struct riser_dev *dev, uint64_t iova, const void *from, size_t length)
{
	return copy(dev, iova, (void *)from, length, true);
}

static int copy_sg(struct riser_dev *dev, const struct riser_sg *sg, size_t count, char *buffer,
		   bool write)
{
	int ret = 0;

	for (size_t i = 0; i < count && !ret; i++) {
		ret = copy(dev, sg[i].iova, buffer, sg[i].length, write);
		buffer += sg[i].length;
	}
	return ret;
}

int riser_dma_read_sg(struct riser_dev *dev, const struct riser_sg *sg, size_t count, void *to)
{
	return copy_sg(dev, sg, count, to, false);
}

int riser_dma_write_sg(struct riser_dev *dev, const struct riser_sg *sg, size_t count,
		       const void *from)
{
	return copy_sg(dev, sg, count, (void *)from, true);
}

int riser_dma_map(struct riser_dev *dev, uint64_t iova, size_t length, unsigned access,
		  struct riser_dma *dma)
{
	struct riser__worker *me;
	int ret = riser__job_enter(dev, &me);

	*dma = (struct riser_dma){ 0 };
	if (ret)
		return ret;
	ret = allowed(dev, iova, length);
	if (!ret)
		ret = length ? dev->ops->dma_map(dev->host, iova, length, access, dma)
			     : -EINVAL;
	riser__job_leave(me);
	if (ret == -ENOMEM || ret == -EIO)
		riser__dev_dma_failed(dev, ret, "mapping", iova, length);
	return ret;
}

int riser_dma_unmap(struct riser_dev *dev, struct riser_dma *dma)
{
	struct riser_dma was = *dma;
	int ret = dma->data ? dev->ops->dma_unmap(dev->host, dma) : 0;

	if (ret == -EIO)
		riser__dev_dma_failed(dev, ret, "mapping", was.iova, was.length);
	return ret;
}
