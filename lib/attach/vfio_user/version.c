/* SPDX-License-Identifier: MIT */
/*
 * VERSION: which protocol, and the capabilities of both sides. The reply names only what the
 * client proposed, with values that are not above its own, and is never longer than the
 * request.
 */
#include "attach/vfio_user/server.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <json-c/json.h>

enum { MAJOR = 0, MINOR = 0, DEPTH = 8, PAGE = 4096, BITMAP_MOST = VU_MAX_XFER / 2 };

struct text {
	char bytes[512];
	size_t size;
};

static void text_add(struct text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void text_add(struct text *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text->size += (size_t)vsnprintf(text->bytes + text->size,
					sizeof(text->bytes) - text->size, format, args);
	va_end(args);
}

/* Adds the smaller of the client's number and `most`, if it gave one. */
static int version_add_number(struct text *text, struct json_object *from, const char *name,
			      int64_t least, int64_t most, uint32_t *value)
{
	struct json_object *object;
	int64_t number;

	if (!json_object_object_get_ex(from, name, &object))
		return 0;
	if (!json_object_is_type(object, json_type_int))
		return -EINVAL;
	number = json_object_get_int64(object);
	if (number < least)
		return -EINVAL;
	number = number < most ? number : most;
	text_add(text, "%s\"%s\":%lld", text->bytes[text->size - 1] == '{' ? "" : ",", name,
		 (long long)number);
	if (value)
		*value = (uint32_t)number;
	return 0;
}

static int add_page_sizes(struct text *text, struct json_object *from)
{
	struct json_object *object;

	if (!json_object_object_get_ex(from, "pgsizes", &object))
		return 0;
	if (!json_object_is_type(object, json_type_int) ||
	    !(json_object_get_int64(object) & PAGE))
		return -EINVAL;
	text_add(text, "%s\"pgsizes\":%d", text->bytes[text->size - 1] == '{' ? "" : ",", PAGE);
	return 0;
}

static int add_write_multiple(struct text *text, struct json_object *from)
{
	struct json_object *object;

	if (!json_object_object_get_ex(from, "write_multiple", &object))
		return 0;
	if (!json_object_is_type(object, json_type_boolean))
		return -EINVAL;
	if (json_object_get_boolean(object))
		text_add(text, "%s\"write_multiple\":true",
			 text->bytes[text->size - 1] == '{' ? "" : ",");
	return 0;
}

static int add_migration(struct text *text, struct json_object *from)
{
	struct json_object *object;
	int ret;

	if (!json_object_object_get_ex(from, "migration", &object))
		return 0;
	if (!json_object_is_type(object, json_type_object))
		return -EINVAL;
	text_add(text, "%s\"migration\":{", text->bytes[text->size - 1] == '{' ? "" : ",");
	ret = version_add_number(text, object, "pgsize", PAGE, PAGE, NULL);
	if (!ret)
		ret = version_add_number(text, object, "max_bitmap_size", 1, BITMAP_MOST, NULL);
	text_add(text, "}");
	return ret;
}

static int version_negotiate(struct vu_link *link, struct json_object *root, struct text *text)
{
	struct json_object *caps;
	int ret;

	if (!json_object_is_type(root, json_type_object))
		return -EINVAL;
	if (!json_object_object_get_ex(root, "capabilities", &caps))
		return 0;
	if (!json_object_is_type(caps, json_type_object))
		return -EINVAL;
	text_add(text, "{\"capabilities\":{");
	ret = version_add_number(text, caps, "max_msg_fds", 0, VU_MAX_FDS, &link->max_fds);
	if (!ret)
		ret = version_add_number(text, caps, "max_data_xfer_size", 1, VU_MAX_XFER,
					 &link->max_xfer);
	if (!ret)
		ret = version_add_number(text, caps, "max_dma_maps", 0, VU_MAX_MAPS, NULL);
	if (!ret)
		ret = add_page_sizes(text, caps);
	if (!ret)
		ret = add_write_multiple(text, caps);
	if (!ret)
		ret = add_migration(text, caps);
	text_add(text, "}}");
	return ret;
}

static int version_parse(struct vu_link *link, const char *data, size_t size, struct text *text)
{
	struct json_tokener *tokener;
	struct json_object *root;
	int ret = -EINVAL;

	if (!size)
		return 0;
	if (data[size - 1] || strlen(data) != size - 1)
		return -EINVAL;
	tokener = json_tokener_new_ex(DEPTH);
	if (!tokener)
		return -ENOMEM;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	root = json_tokener_parse_ex(tokener, data, (int)size);
	if (json_tokener_get_error(tokener) == json_tokener_success && root)
		ret = version_negotiate(link, root, text);
	json_object_put(root);
	json_tokener_free(tokener);
	return ret;
}

int vu_version(struct riser_server *server, struct vu_message *message)
{
	struct vu_link *link = &server->link;
	struct text text = { .size = 0 };
	struct vu_version version;
	uint8_t *reply;
	int ret;

	memcpy(&version, message->payload, sizeof(version));
	if (link->negotiated)
		return -EINVAL;
	if (version.major != MAJOR) {
		link->last = true; /* without a version its messages have no meaning */
		return -EPROTONOSUPPORT;
	}
	ret = version_parse(link, (const char *)message->payload + sizeof(version),
			    message->size - sizeof(version), &text);
	if (ret)
		return ret;
	if (version.minor > MINOR)
		version.minor = MINOR;
	if (text.size)
		text.size++; /* its NUL */
	if (sizeof(version) + text.size > message->size)
		text.size = 0;
	reply = vu_reply(server, sizeof(version) + text.size);
	if (!reply)
		return -ENOMEM;
	memcpy(reply, &version, sizeof(version));
	memcpy(reply + sizeof(version), text.bytes, text.size);
	link->negotiated = true;
	atomic_store(&server->connected, true);
	return 0;
}
