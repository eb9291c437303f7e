/* SPDX-License-Identifier: MIT */
/* Version and capability negotiation: the first message, and the only one with JSON. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "attach/vfio_user/server.h"

enum { JSON_MOST = 16 << 10, JSON_DEPTH = 8 };

/* Our capabilities, the ones a client needs most first: a reply may have to be short. */
static const char *const capabilities[] = {
	"\"max_msg_fds\":16",	   "\"max_data_xfer_size\":1048576",
	"\"max_dma_maps\":65535",  "\"pgsizes\":4096",
	"\"write_multiple\":true", "\"migration\":{\"pgsize\":4096}",
};

static const char json_start[] = "{\"capabilities\":{", json_end[] = "}}";

/* As many of them as `room` bytes hold with the NUL; "" if not even one. */
static size_t write_json(char *to, size_t room)
{
	size_t used = sizeof(json_start) - 1, count = 0;

	to[0] = '\0';
	if (room < sizeof(json_start) + sizeof(json_end))
		return 0;
	memcpy(to, json_start, used);
	for (size_t i = 0; i < sizeof(capabilities) / sizeof(*capabilities); i++) {
		size_t size = strlen(capabilities[i]) + (count ? 1 : 0);

		if (used + size + sizeof(json_end) > room)
			continue;
		used += (size_t)sprintf(to + used, "%s%s", count ? "," : "", capabilities[i]);
		count++;
	}
	memcpy(to + used, json_end, sizeof(json_end));
	return used + sizeof(json_end);
}

static int read_number(struct json_object *capabilities_, const char *name, int64_t least,
		       int64_t most, int64_t *value)
{
	struct json_object *number;

	if (!json_object_object_get_ex(capabilities_, name, &number))
		return 0;
	if (!json_object_is_type(number, json_type_int))
		return -EINVAL;
	*value = json_object_get_int64(number);
	return *value >= least && *value <= most ? 0 : -EINVAL;
}

static int read_capabilities(struct riser_server *s, struct json_object *root)
{
	struct json_object *theirs;
	int64_t data = VU_MAX_DATA, fds = 1;
	int ret;

	if (!json_object_is_type(root, json_type_object))
		return -EINVAL;
	if (!json_object_object_get_ex(root, "capabilities", &theirs))
		return 0;
	if (!json_object_is_type(theirs, json_type_object))
		return -EINVAL;
	ret = read_number(theirs, "max_data_xfer_size", 1, INT64_MAX, &data);
	if (!ret)
		ret = read_number(theirs, "max_msg_fds", 1, INT32_MAX, &fds);
	if (!ret)
		s->client_max_data = data < VU_MAX_DATA ? (uint32_t)data : VU_MAX_DATA;
	return ret;
}

static int parse(struct riser_server *s, const char *text, size_t size)
{
	struct json_tokener *tokener;
	struct json_object *root;
	int ret = -EINVAL;

	if (size > JSON_MOST || text[size - 1])
		return -EINVAL;
	tokener = json_tokener_new_ex(JSON_DEPTH);
	if (!tokener)
		return -ENOMEM;
	root = json_tokener_parse_ex(tokener, text, (int)size);
	if (root && json_tokener_get_error(tokener) == json_tokener_success)
		ret = read_capabilities(s, root);
	json_object_put(root);
	json_tokener_free(tokener);
	return ret;
}

int vu_version(struct riser_server *s, const struct vu_message *m)
{
	const char *text = (const char *)m->payload + sizeof(struct vu_version);
	size_t size = m->size - sizeof(struct vu_version), length;
	struct vu_version version;
	char json[512];
	uint8_t *reply;
	int ret;

	memcpy(&version, m->payload, sizeof(version));
	if (version.major != 0)
		return -EINVAL;
	s->client_max_data = VU_MAX_DATA;
	ret = size ? parse(s, text, size) : 0;
	if (ret)
		return ret;
	/* The reply must not be longer than the request: clients read it into the same room. */
	length = write_json(json, size < sizeof(json) ? size : sizeof(json));
	version.minor = 0;
	reply = vu_reply(s, sizeof(version) + length);
	if (!reply)
		return -ENOMEM;
	memcpy(reply, &version, sizeof(version));
	memcpy(reply + sizeof(version), json, length);
	s->negotiated = true;
	return 0;
}
