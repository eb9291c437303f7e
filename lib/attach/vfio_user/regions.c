/* SPDX-License-Identifier: MIT */
/* Accesses to the device's regions: the hot path. */
#include <errno.h>
#include <string.h>

#include "attach/vfio_user/server.h"

static bool stopped(const struct riser_server *s)
{
	return s->migration.state != VU_STATE_RUNNING;
}

int vu_region_read(struct riser_server *s, const struct vu_message *m)
{
	struct vu_region_access access;
	uint8_t *reply;

	memcpy(&access, m->payload, sizeof(access));
	if (!access.count)
		return -EINVAL;
	if (access.count > VU_MAX_DATA)
		return -E2BIG;
	reply = vu_reply(s, sizeof(access) + access.count);
	if (!reply)
		return -ENOMEM;
	memcpy(reply, &access, sizeof(access));
	return riser__pci_read(s->dev, access.region, access.offset, reply + sizeof(access),
			       access.count);
}

int vu_region_write(struct riser_server *s, const struct vu_message *m)
{
	struct vu_region_access access;
	void *reply;
	int ret;

	memcpy(&access, m->payload, sizeof(access));
	if (access.count > VU_MAX_DATA)
		return -E2BIG;
	if (!access.count || m->size != sizeof(access) + access.count)
		return -EINVAL;
	if (stopped(s))
		return -EBUSY;
	ret = riser__pci_write(s->dev, access.region, access.offset,
			       m->payload + sizeof(access), access.count);
	if (ret)
		return ret;
	reply = vu_reply(s, sizeof(access));
	if (!reply)
		return -ENOMEM;
	memcpy(reply, &access, sizeof(access));
	return 0;
}

int vu_region_write_multi(struct riser_server *s, const struct vu_message *m)
{
	struct vu_multi_entry entry;
	uint64_t count;
	void *reply;
	int ret;

	memcpy(&count, m->payload, sizeof(count));
	if (count > (m->size - sizeof(count)) / sizeof(entry) ||
	    m->size != sizeof(count) + count * sizeof(entry))
		return -EINVAL;
	if (stopped(s))
		return -EBUSY;
	for (uint64_t i = 0; i < count; i++) {
		memcpy(&entry, m->payload + sizeof(count) + i * sizeof(entry), sizeof(entry));
		if (!entry.count || entry.count > sizeof(entry.data))
			return -EINVAL;
		ret = riser__pci_write(s->dev, entry.region, entry.offset, entry.data,
				       entry.count);
		if (ret)
			return ret;
	}
	reply = vu_reply(s, sizeof(count));
	if (!reply)
		return -ENOMEM;
	memcpy(reply, &count, sizeof(count));
	return 0;
}
