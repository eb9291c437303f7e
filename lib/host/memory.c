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

/* -EINVAL: not whole pages of the guest's memory. */
static int extent_check(struct riser_host *host, uint64_t iova, uint64_t length)
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

static bool extent_meets(const struct riser__extent *e, uint64_t iova, uint64_t length)
{
	return e->iova < iova + length && iova < e->iova + e->length;
}

/* Makes room in the list for `more` extents, so that later steps cannot fail. */
static int extents_reserve(struct riser_host *host, size_t more)
{
	struct riser__extent *grown =
		realloc(host->extents, (host->extent_count + more) * sizeof(*grown));

	if (!grown)
		return riser__host_fail(host, -ENOMEM, "no memory for a list of the guest's");
	host->extents = grown;
	return 0;
}

/* Gives the device an extent. There is room in the list: extents_reserve(). */
static int extent_add(struct riser_host *host, uint64_t iova, uint64_t length)
{
	int ret = length ? host->impl->memory_map(host, iova, length) : 0;

	if (!ret && length)
		host->extents[host->extent_count++] = (struct riser__extent){ iova, length };
	return ret;
}

int riser_host_memory_map(struct riser_host *host, uint64_t iova, uint64_t length)
{
	int ret = extent_check(host, iova, length);

	for (size_t i = 0; i < host->extent_count && !ret; i++) {
		if (extent_meets(&host->extents[i], iova, length))
			ret = riser__host_fail(host, -EEXIST, "%#" PRIx64 " is mapped already",
					       host->extents[i].iova);
	}
	if (!ret)
		ret = extents_reserve(host, 1);
	return ret ? ret : extent_add(host, iova, length);
}

/* The extent that was added last goes again. */
static void drop_last(struct riser_host *host)
{
	const struct riser__extent *last = &host->extents[--host->extent_count];

	host->impl->memory_unmap(host, last->iova, last->length);
}

/* Adds the parts of an extent that stay when [iova, end) goes: both, or none. */
static int give_back(struct riser_host *host, struct riser__extent e, uint64_t iova,
		     uint64_t end)
{
	uint64_t before = e.iova < iova ? iova - e.iova : 0, e_end = e.iova + e.length;
	struct riser_error why;
	int ret = extent_add(host, e.iova, before);

	if (!ret && e_end > end)
		ret = extent_add(host, end, e_end - end);
	else
		return ret;
	if (ret && before) {
		why = host->error;
		drop_last(host);
		host->error = why;
	}
	return ret;
}

/* Takes extent `i` away and adds the parts that stay. Restores it if that fails. */
static int extent_cut(struct riser_host *host, size_t i, uint64_t iova, uint64_t length)
{
	struct riser__extent e = host->extents[i];
	struct riser_error why;
	int ret = host->impl->memory_unmap(host, e.iova, e.length);

	if (ret)
		return ret;
	host->extents[i] = host->extents[--host->extent_count];
	ret = give_back(host, e, iova, iova + length);
	if (ret) {
		why = host->error;
		extent_add(host, e.iova, e.length);
		host->error = why;
	}
	return ret;
}

int riser_host_memory_unmap(struct riser_host *host, uint64_t iova, uint64_t length)
{
	int ret = extent_check(host, iova, length);
	bool found = false;

	if (!ret)
		ret = extents_reserve(host, 2);
	for (size_t i = 0; i < host->extent_count && !ret;) {
		struct riser__extent e = host->extents[i];

		if (!extent_meets(&e, iova, length)) {
			i++;
			continue;
		}
		found = true;
		ret = extent_cut(host, i, iova, length);
	}
	if (!ret && !found)
		ret = riser__host_fail(host, -ENOENT, "%#" PRIx64 " is not mapped", iova);
	return ret;
}
