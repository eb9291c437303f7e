/* SPDX-License-Identifier: MIT */
/* DEVICE_FEATURE and the migration data: VFIO's v2 migration over saved states. */
#include <errno.h>
#include <string.h>
#include <linux/vfio.h>

#include "attach/vfio_user/server.h"

static bool running(enum vu_state state)
{
	return state == VU_STATE_RUNNING;
}

static void enter(struct riser_server *s, enum vu_state state)
{
	bool was = running(s->migration.state);

	if (was && !running(state))
		vu_set_running(s, false);
	s->migration.state = state;
	if (!was && running(state)) {
		vu_set_running(s, true);
		vu_host_ops.wake(s);
	}
}

void vu_migration_reset(struct riser_server *s)
{
	riser__buffer_free(&s->migration.data);
	s->migration.read = 0;
	enter(s, VU_STATE_RUNNING);
}

static int save(struct riser_server *s)
{
	int ret;

	riser__buffer_free(&s->migration.data);
	s->migration.read = 0;
	ret = riser__dev_save(s->dev, &s->migration.data);
	if (ret)
		riser__buffer_free(&s->migration.data);
	return ret;
}

static int load(struct riser_server *s)
{
	struct riser_error error = { "" };
	int ret =
		riser__dev_load(s->dev, s->migration.data.data, s->migration.data.size, &error);

	if (ret)
		vu_log(s, RISER_ERROR, "%s", error.text);
	riser__buffer_free(&s->migration.data);
	return ret;
}

/* One arc of the VFIO state machine; every other way goes through STOP. */
static int step(struct riser_server *s, enum vu_state to)
{
	enum vu_state from = s->migration.state;
	int ret = 0;

	if (to == VU_STATE_STOP_COPY)
		ret = save(s);
	else if (to == VU_STATE_STOP && from == VU_STATE_RESUMING)
		ret = load(s);
	else
		riser__buffer_free(&s->migration.data);
	if (ret) {
		enter(s, from == VU_STATE_RESUMING ? VU_STATE_ERROR : from);
		return ret;
	}
	s->migration.read = 0;
	enter(s, to);
	return 0;
}

static int set_state(struct riser_server *s, enum vu_state to)
{
	int ret = 0;

	if (to < VU_STATE_STOP || to > VU_STATE_RESUMING ||
	    s->migration.state == VU_STATE_ERROR)
		return -EINVAL;
	if (s->migration.state != to && s->migration.state != VU_STATE_STOP)
		ret = step(s, VU_STATE_STOP);
	if (!ret && s->migration.state != to)
		ret = step(s, to);
	return ret;
}

struct feature {
	struct vu_feature head;
	const uint8_t *data;
	size_t size;
	bool set;
};

static void *reply_feature(struct riser_server *s, const struct feature *f, size_t size)
{
	const struct vu_feature head = { (uint32_t)(sizeof(head) + size), f->head.flags };
	uint8_t *reply = vu_reply(s, sizeof(head) + size);

	if (!reply)
		return NULL;
	memcpy(reply, &head, sizeof(head));
	return reply + sizeof(head);
}

static int get_migration(struct riser_server *s, const struct feature *f)
{
	const struct vu_feature_migration flags = { VFIO_MIGRATION_STOP_COPY };
	void *reply = reply_feature(s, f, sizeof(flags));

	if (!reply)
		return -ENOMEM;
	memcpy(reply, &flags, sizeof(flags));
	return 0;
}

static int device_state(struct riser_server *s, const struct feature *f)
{
	struct vu_feature_state state = { .data_fd = -1 };
	void *reply;
	int ret;

	if (f->set) {
		if (f->size < sizeof(state))
			return -EINVAL;
		memcpy(&state, f->data, sizeof(state));
		ret = set_state(s, state.state);
		if (ret)
			return ret;
	}
	state.state = s->migration.state;
	state.data_fd = -1;
	reply = reply_feature(s, f, sizeof(state));
	if (!reply)
		return -ENOMEM;
	memcpy(reply, &state, sizeof(state));
	return 0;
}

static int start_log(struct riser_server *s, const struct feature *f)
{
	struct vu_feature_log_start start;
	int ret;

	if (f->size < sizeof(start))
		return -EINVAL;
	memcpy(&start, f->data, sizeof(start));
	if (start.ranges > (f->size - sizeof(start)) / sizeof(struct vu_log_range))
		return -EINVAL;
	ret = riser__dma_table_log(s->dma, true, start.page_size);
	if (ret)
		return ret;
	return reply_feature(s, f, 0) ? 0 : -ENOMEM;
}

static int stop_log(struct riser_server *s, const struct feature *f)
{
	int ret = riser__dma_table_log(s->dma, false, 0);

	if (ret)
		return ret;
	return reply_feature(s, f, 0) ? 0 : -ENOMEM;
}

static int report_log(struct riser_server *s, const struct feature *f)
{
	struct vu_feature_log_report report;
	uint64_t pages, bytes;
	uint8_t *reply;

	if (f->size < sizeof(report))
		return -EINVAL;
	memcpy(&report, f->data, sizeof(report));
	if (report.page_size < 4096 || !report.length)
		return -EINVAL;
	pages = (report.length - 1) / report.page_size + 1;
	bytes = ((pages - 1) / 64 + 1) * 8;
	if (bytes > VU_MAX_DATA)
		return -E2BIG;
	if (f->head.argsz < sizeof(f->head) + sizeof(report) + bytes)
		return -EINVAL;
	reply = reply_feature(s, f, sizeof(report) + bytes);
	if (!reply)
		return -ENOMEM;
	memcpy(reply, &report, sizeof(report));
	return riser__dma_table_dirty(s->dma, report.iova, report.length, report.page_size,
				      reply + sizeof(report), bytes);
}

static const struct {
	uint32_t feature, ways;
	int (*handle)(struct riser_server *s, const struct feature *f);
} features[] = {
	{ VFIO_DEVICE_FEATURE_MIGRATION, VFIO_DEVICE_FEATURE_GET, get_migration },
	{ VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
	  VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET, device_state },
	{ VFIO_DEVICE_FEATURE_DMA_LOGGING_START, VFIO_DEVICE_FEATURE_SET, start_log },
	{ VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP, VFIO_DEVICE_FEATURE_SET, stop_log },
	{ VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT, VFIO_DEVICE_FEATURE_GET, report_log },
};

int vu_feature(struct riser_server *s, const struct vu_message *m)
{
	struct feature f;
	uint32_t ways;

	memcpy(&f.head, m->payload, sizeof(f.head));
	f.data = m->payload + sizeof(f.head);
	f.size = m->size - sizeof(f.head);
	f.set = f.head.flags & VFIO_DEVICE_FEATURE_SET;
	ways = f.head.flags & ~(uint32_t)VFIO_DEVICE_FEATURE_MASK;
	if (f.head.argsz < sizeof(f.head))
		return -EINVAL;
	for (size_t i = 0; i < sizeof(features) / sizeof(*features); i++) {
		if (features[i].feature != (f.head.flags & VFIO_DEVICE_FEATURE_MASK))
			continue;
		if (!ways || ways & ~(features[i].ways | VFIO_DEVICE_FEATURE_PROBE))
			return -EINVAL;
		if (ways & VFIO_DEVICE_FEATURE_PROBE)
			return reply_feature(s, &f, 0) ? 0 : -ENOMEM;
		return __builtin_popcount(ways) == 1 ? features[i].handle(s, &f) : -EINVAL;
	}
	return -ENOTTY;
}

int vu_migration_read(struct riser_server *s, const struct vu_message *m)
{
	struct vu_mig_data ask;
	size_t left = s->migration.data.size - s->migration.read;
	uint8_t *reply;

	memcpy(&ask, m->payload, sizeof(ask));
	if (ask.argsz < sizeof(ask) || s->migration.state != VU_STATE_STOP_COPY)
		return -EINVAL;
	if (ask.size > VU_MAX_DATA)
		return -E2BIG;
	ask.size = left < ask.size ? (uint32_t)left : ask.size;
	ask.argsz = (uint32_t)sizeof(ask) + ask.size;
	reply = vu_reply(s, sizeof(ask) + ask.size);
	if (!reply)
		return -ENOMEM;
	memcpy(reply, &ask, sizeof(ask));
	memcpy(reply + sizeof(ask), s->migration.data.data + s->migration.read, ask.size);
	s->migration.read += ask.size;
	return 0;
}

/* A device's state is not larger than this; without a bound a client could fill the memory. */
enum { STATE_MOST = 1 << 30 };

int vu_migration_write(struct riser_server *s, const struct vu_message *m)
{
	struct vu_mig_data ask;

	memcpy(&ask, m->payload, sizeof(ask));
	if (s->migration.state != VU_STATE_RESUMING || m->size - sizeof(ask) != ask.size)
		return -EINVAL;
	if (ask.size > VU_MAX_DATA || s->migration.data.size > STATE_MOST - VU_MAX_DATA)
		return -E2BIG;
	riser__buffer_add(&s->migration.data, m->payload + sizeof(ask), ask.size);
	return s->migration.data.failed ? -ENOMEM : 0;
}
