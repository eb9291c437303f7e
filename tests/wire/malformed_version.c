/* SPDX-License-Identifier: MIT */
/* VERSION, which comes first, and its JSON. */
#include "malformed.h"

#include <errno.h>

#define JSON(name_, answer_, ...)                                                              \
	{                                                                                      \
		.name = name_, .answer = answer_, .command = WIRE_VERSION, .first = true,      \
		.size = 4, __VA_ARGS__                                                         \
	}
/* The text is its own name. */
#define BAD(text_) JSON("`" text_ "`", EINVAL, .text = text_)
#define CAPS(x) "{\"capabilities\":" x "}"
#define BAD_CAPS(x) JSON("`" CAPS(x) "`", EINVAL, .text = CAPS(x))
#define FINE_CAPS(x) JSON("`" CAPS(x) "`", FINE, .text = CAPS(x))

static const struct malformed version[] = {
	{ "VERSION twice", EINVAL, WIRE_VERSION, .words = { 0 }, .size = 4 },
	{ "VERSION of 3 bytes", EINVAL, WIRE_VERSION, .first = true, .size = 3 },
	{ "VERSION without payload", EINVAL, WIRE_VERSION, .first = true },
	{ "VERSION without JSON", FINE, WIRE_VERSION, .first = true, .size = 4 },
	{ "VERSION as a reply", SILENT, WIRE_VERSION, WIRE_REPLY, .first = true, .size = 4 },
	{ "another message first", EINVAL, WIRE_GET_INFO, .words = { 16 }, .size = 16,
	  .first = true },
	{ "an unknown command first", EOPNOTSUPP, 14, .first = true },
	{ "header of zeros first", CLOSES, 0, .says = SIZE_0, .first = true },
	{ "header that says 4 GiB first", CLOSES, WIRE_VERSION, .says = UINT32_MAX - 1,
	  .first = true },
	JSON("JSON of 4,096 spaces", EINVAL, .text = " ", .times = 4095),
	JSON("JSON of 4,097 bytes", EINVAL, .text = " ", .times = 4096),
	JSON("JSON of 60,000 bytes", EINVAL, .text = "{}", .times = 30000),
	JSON("4,000 nested arrays", EINVAL, .text = "[", .times = 4000),
	JSON("800 nested objects", EINVAL, .text = "{\"a\":", .times = 800),
};

/* Whether a text ends is for the parser to find: these bytes are words. */
static const struct malformed shape[] = {
	{ "`{}` without its NUL", EINVAL, WIRE_VERSION, .words = { 0, 0x00007d7b }, .size = 6,
	  .first = true },
	{ "a NUL inside, bytes after it", EINVAL, WIRE_VERSION,
	  .words = { 0, 0x7b007d7b, 0x7d }, .size = 10, .first = true },
	{ "NULs only", EINVAL, WIRE_VERSION, .size = 12, .first = true },
	JSON("not UTF-8", EINVAL, .text = CAPS("{\"\xff\xfe")),
};

static const struct malformed json[] = {
	JSON("an empty text", EINVAL, .text = ""),
	BAD(" "),
	BAD("x"),
	BAD("{"),
	BAD("}"),
	BAD("[]"),
	BAD("null"),
	BAD("0"),
	BAD("\"capabilities\""),
	BAD("{]"),
	BAD("{\"a\":}"),
	BAD("{\"capabilities\"}"),
	BAD("{\"capabilities\":{}"),
	BAD("{} {}"),
	BAD("{}x"),
	BAD_CAPS("null"),
	BAD_CAPS("0"),
	BAD_CAPS("[]"),
	BAD_CAPS("\"x\""),
	BAD_CAPS("true"),
	BAD_CAPS("{\"max_msg_fds\":\"16\"}"),
	BAD_CAPS("{\"max_msg_fds\":-1}"),
	BAD_CAPS("{\"max_msg_fds\":1.5}"),
	BAD_CAPS("{\"max_msg_fds\":null}"),
	BAD_CAPS("{\"max_msg_fds\":{}}"),
	BAD_CAPS("{\"max_msg_fds\":[16]}"),
	BAD_CAPS("{\"max_msg_fds\":1e3}"),
	BAD_CAPS("{\"max_data_xfer_size\":0}"),
	BAD_CAPS("{\"max_data_xfer_size\":-4096}"),
	BAD_CAPS("{\"max_data_xfer_size\":true}"),
	BAD_CAPS("{\"max_dma_maps\":\"many\"}"),
	BAD_CAPS("{\"pgsizes\":0}"),
	BAD_CAPS("{\"pgsizes\":65536}"),
	BAD_CAPS("{\"pgsizes\":\"4096\"}"),
	BAD_CAPS("{\"write_multiple\":1}"),
	BAD_CAPS("{\"write_multiple\":\"true\"}"),
	BAD_CAPS("{\"migration\":true}"),
	BAD_CAPS("{\"migration\":{\"pgsize\":0}}"),
	BAD_CAPS("{\"migration\":{\"pgsize\":\"4096\"}}"),
	BAD_CAPS("{\"migration\":{\"max_bitmap_size\":-5}}"),
	BAD_CAPS("{\"max_msg_fds\":16,}"),
	BAD_CAPS("{\"max_msg_fds\" 16}"),
	BAD_CAPS("{\"max_msg_fds\":NaN}"),
	FINE_CAPS("{\"strange\":[1,{}]}"),
	FINE_CAPS("{\"max_msg_fds\":1,\"max_msg_fds\":2}"),
	FINE_CAPS("{\"max_dma_maps\":99999999999}"),
};

const struct malformed_group malformed_version[] = {
	MALFORMED("VERSION", version),
	MALFORMED("The shape of VERSION's JSON", shape),
	MALFORMED("VERSION's JSON", json),
	{ NULL },
};
