/* SPDX-License-Identifier: MIT */
/* The guest's memory, and which of it the device may reach. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "host/host.h"

void *riser_host_memory(struct riser_host *host, uint64_t *size, uint64_t *iova)
{
	if (size)
		*size = host->memory_size;
	if (iova)
		*iova = host->memory_at;
	return host->memory;
}

static int check(struct riser_host *host, uint64_t iova, uint64_t length)
{
	if (!length || (iova | length) % 4096 || iova < host->memory_at ||
	    iova - host->memory_at >= host->memory_size ||
	    length > host->memory_size - (iova - host->memory_at))
		return riser__host_fail(host, -EINVAL,
					"%#" PRIx64 " bytes at %#" PRIx64
					" are not whole pages of the guest's memory",
					length, iova);
	return 0;
}

static bool meets(const struct riser__extent *e, uint64_t iova, uint64_t length)
{
	return e->iova < iova + length && iova < e->iova + e->length;
}

static int add(struct riser_host *host, uint64_t iova, uint64_t length)
{
	struct riser__extent *grown;
	int ret;

	if (!length)
		return 0;
	grown = realloc(host->extents, (host->extent_count + 1) * sizeof(*grown));
	if (!grown)
		return riser__host_fail(host, -ENOMEM, "no memory for a list of the guest's");
	host->extents = grown;
	ret = host->impl->memory_map(host, iova, length);
	if (!ret)
		host->extents[host->extent_count++] = (struct riser__extent){ iova, length };
	return ret;
}

int riser_host_memory_map(struct riser_host *host, uint64_t iova, uint64_t length)
{
	int ret = check(host, iova, length);

	for (size_t i = 0; i < host->extent_count && !ret; i++) {
		if (meets(&host->extents[i], iova, length))
			ret = riser__host_fail(host, -EEXIST, "%#" PRIx64 " is mapped already",
					       host->extents[i].iova);
	}
	return ret ? ret : add(host, iova, length);
}

/* A range is taken away whole; what of it is to stay is given back in two. */
static int cut(struct riser_host *host, struct riser__extent e, uint64_t iova, uint64_t length)
{
	uint64_t end = iova + length, e_end = e.iova + e.length;
	int ret = host->impl->memory_unmap(host, e.iova, e.length);

	if (!ret && e.iova < iova)
		ret = add(host, e.iova, iova - e.iova);
	if (!ret && e_end > end)
		ret = add(host, end, e_end - end);
	return ret;
}

int riser_host_memory_unmap(struct riser_host *host, uint64_t iova, uint64_t length)
{
	int ret = check(host, iova, length);
	bool found = false;

	for (size_t i = 0; i < host->extent_count && !ret;) {
		struct riser__extent e = host->extents[i];

		if (!meets(&e, iova, length)) {
			i++;
			continue;
		}
		found = true;
		host->extents[i] = host->extents[--host->extent_count];
		ret = cut(host, e, iova, length);
	}
	if (!ret && !found)
		ret = riser__host_fail(host, -ENOENT, "%#" PRIx64 " is not mapped", iova);
	return ret;
}
