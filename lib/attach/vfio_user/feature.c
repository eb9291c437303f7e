/* SPDX-License-Identifier: MIT */
/* DEVICE_FEATURE: migration states and the log of pages written by DMA. */
#include "attach/vfio_user/server.h"

#include <errno.h>
#include <string.h>

enum {
	PAGE = 4096,
	METHODS = VU_FEATURE_GET | VU_FEATURE_SET,
	FLAGS = METHODS | VU_FEATURE_PROBE | VU_FEATURE_INDEX,
};

struct request {
	struct vu_message *message;
	struct vu_feature feature;
	const uint8_t *data;
	size_t size; /* of the data */
};

/* A reply with `size` bytes of data, which the request must have room for. */
static uint8_t *reply_data(struct riser_server *server, struct request *request, size_t size)
{
	uint8_t *reply = vu_reply(server, sizeof(request->feature) + size);

	if (!reply)
		return NULL;
	request->feature.argsz = (uint32_t)(sizeof(request->feature) + size);
	memcpy(reply, &request->feature, sizeof(request->feature));
	return reply + sizeof(request->feature);
}

/* What was set or probed is sent back as it came. */
static int feature_echo(struct riser_server *server, struct request *request)
{
	uint8_t *reply = vu_reply(server, request->message->size);

	if (!reply)
		return -ENOMEM;
	memcpy(reply, request->message->payload, request->message->size);
	return 0;
}

static int feature_get(struct riser_server *server, struct request *request, const void *data,
		       size_t size)
{
	uint8_t *reply;

	if (request->feature.argsz < sizeof(request->feature) + size)
		return -EINVAL;
	reply = reply_data(server, request, size);
	if (!reply)
		return -ENOMEM;
	memcpy(reply, data, size);
	return 0;
}

static int get_migration(struct riser_server *server, struct request *request)
{
	static const uint64_t flags = VU_MIGRATION_STOP_COPY;

	return feature_get(server, request, &flags, sizeof(flags));
}

static int get_state(struct riser_server *server, struct request *request)
{
	struct vu_mig_state state = { server->migration.state, -1 };

	return feature_get(server, request, &state, sizeof(state));
}

static int feature_set_state(struct riser_server *server, struct request *request)
{
	struct vu_mig_state state;
	int ret;

	if (request->size < sizeof(state))
		return -EINVAL;
	memcpy(&state, request->data, sizeof(state));
	ret = vu_migration_set(server, state.device_state);
	return ret ? ret : feature_echo(server, request);
}

static int check_ranges(const struct request *request, const struct vu_log_control *control)
{
	const uint8_t *from = request->data + sizeof(*control);

	if ((request->size - sizeof(*control)) / sizeof(struct vu_log_range) <
	    control->range_count)
		return -EINVAL;
	for (uint32_t i = 0; i < control->range_count; i++) {
		struct vu_log_range range;

		memcpy(&range, from + i * sizeof(range), sizeof(range));
		if (!range.length || range.iova + (range.length - 1) < range.iova)
			return -EINVAL;
	}
	return 0;
}

/* All of memory is logged, in pages of 4 KiB, whatever the hints. */
static int start_log(struct riser_server *server, struct request *request)
{
	struct vu_log_control control;
	int ret;

	if (request->size < sizeof(control) || server->migration.logging)
		return -EINVAL;
	memcpy(&control, request->data, sizeof(control));
	if (!control.page_size || control.page_size & (control.page_size - 1))
		return -EINVAL;
	ret = check_ranges(request, &control);
	if (!ret)
		ret = riser__dma_table_log(server->table, true, PAGE);
	if (ret)
		return ret;
	server->migration.logging = true;
	ret = feature_echo(server, request);
	control.page_size = PAGE;
	if (!ret)
		memcpy(server->link.reply + sizeof(request->feature), &control.page_size,
		       sizeof(control.page_size));
	return ret;
}

static int stop_log(struct riser_server *server, struct request *request)
{
	if (!server->migration.logging)
		return -EINVAL;
	riser__dma_table_log(server->table, false, PAGE);
	server->migration.logging = false;
	return feature_echo(server, request);
}

static int report_log(struct riser_server *server, struct request *request)
{
	struct vu_log_report report;
	uint64_t size = 0;
	size_t full;
	uint8_t *reply;
	int ret;

	if (request->size < sizeof(report) || !server->migration.logging)
		return -EINVAL;
	memcpy(&report, request->data, sizeof(report));
	if (report.iova + (report.length - 1) < report.iova)
		return -EINVAL;
	ret = vu_bitmap_size(report.length, report.page_size, &size);
	if (ret)
		return ret;
	full = sizeof(request->feature) + sizeof(report) + size;
	if (request->feature.argsz < full) {
		/* Too small for the bitmap: says how much it takes, and clears nothing. */
		ret = feature_get(server, request, &report, sizeof(report));
		request->feature.argsz = (uint32_t)full;
		if (!ret)
			memcpy(server->link.reply, &request->feature, sizeof(request->feature));
		return ret;
	}
	reply = reply_data(server, request, sizeof(report) + size);
	if (!reply)
		return -ENOMEM;
	memcpy(reply, &report, sizeof(report));
	return riser__dma_table_dirty(server->table, report.iova, report.length,
				      report.page_size, reply + sizeof(report), size);
}

struct feature {
	int (*get)(struct riser_server *server, struct request *request);
	int (*set)(struct riser_server *server, struct request *request);
};

static const struct feature features[] = {
	[VU_FEATURE_MIGRATION] = { .get = get_migration },
	[VU_FEATURE_MIG_STATE] = { .get = get_state, .set = feature_set_state },
	[VU_FEATURE_LOG_START] = { .set = start_log },
	[VU_FEATURE_LOG_STOP] = { .set = stop_log },
	[VU_FEATURE_LOG_REPORT] = { .get = report_log },
};

int vu_device_feature(struct riser_server *server, struct vu_message *message)
{
	struct request request = { .message = message,
				   .data = message->payload + sizeof(struct vu_feature),
				   .size = message->size - sizeof(struct vu_feature) };
	const struct feature *feature;
	uint32_t flags;

	memcpy(&request.feature, message->payload, sizeof(request.feature));
	flags = request.feature.flags;
	if (request.feature.argsz < sizeof(request.feature) || flags & ~(uint32_t)FLAGS)
		return -EINVAL;
	if ((flags & VU_FEATURE_INDEX) >= sizeof(features) / sizeof(features[0]))
		return -ENOTTY;
	feature = &features[flags & VU_FEATURE_INDEX];
	if (!feature->get && !feature->set)
		return -ENOTTY;
	if ((flags & VU_FEATURE_GET && !feature->get) ||
	    (flags & VU_FEATURE_SET && !feature->set))
		return -EINVAL;
	if (flags & VU_FEATURE_PROBE)
		return feature_echo(server, &request);
	if ((flags & METHODS) == METHODS || !(flags & METHODS))
		return -EINVAL;
	return flags & VU_FEATURE_GET ? feature->get(server, &request)
				      : feature->set(server, &request);
}
