/* SPDX-License-Identifier: MIT */
/* Every command, and how each way to spoil it is answered. */
#include "malformed.h"

#include <errno.h>

const char *const malformed_ways[MALFORMED_WAYS] = {
	[WAY_WELL] = "well",
	[WAY_EARLY] = "before VERSION",
	[WAY_EMPTY] = "header alone",
	[WAY_SHORT] = "a byte short",
	[WAY_LONG] = "a byte long",
	[WAY_HUGE] = "64 KiB long",
	[WAY_ZEROS] = "all zeros",
	[WAY_ONES] = "all ones",
	[WAY_TYPE] = "type 2",
	[WAY_FLAG] = "reserved flag",
	[WAY_REPLY] = "as a reply",
	[WAY_POSTED] = "short, posted",
	[WAY_FDS] = "16 fds",
	[WAY_FDS_MORE] = "17 fds",
	[WAY_SIZE_LESS] = "says 15 bytes",
	[WAY_SIZE_MORE] = "says 4 GiB",
};

/* well, early, empty, short, long, huge, zeros, ones, 16 fds; the others are alike everywhere.
 */
#define ANSWERS(well, early, empty, short, long, huge, zeros, ones, fds)                       \
	.answers = { well,   early,  empty,  short,  long, huge,   zeros,  ones,               \
		     EINVAL, EINVAL, SILENT, SILENT, fds,  EINVAL, CLOSES, CLOSES }

const struct malformed_command malformed_commands[] = {
	{ "VERSION", WIRE_VERSION, .size = 4, .text = "{\"capabilities\":{}}", .first = true,
	  ANSWERS(FINE, NONE, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, EPROTONOSUPPORT, FINE) },
	{ "DMA_MAP", WIRE_DMA_MAP, MAP(3, 0, 0x1000, 0x1000), 32,
	  ANSWERS(FINE, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL) },
	{ "DMA_UNMAP", WIRE_DMA_UNMAP, UNMAP(0, MAPPED, MAPPED_SIZE), 24,
	  ANSWERS(FINE, EINVAL, EINVAL, EINVAL, FINE, EINVAL, EINVAL, EINVAL, FINE) },
	{ "DEVICE_GET_INFO",
	  WIRE_GET_INFO,
	  { 16 },
	  16,
	  ANSWERS(FINE, EINVAL, EINVAL, EINVAL, FINE, FINE, EINVAL, FINE, FINE) },
	{ "DEVICE_GET_REGION_INFO",
	  WIRE_REGION_INFO,
	  { 32 },
	  32,
	  ANSWERS(FINE, EINVAL, EINVAL, EINVAL, FINE, FINE, EINVAL, EINVAL, FINE) },
	{ "DEVICE_GET_REGION_IO_FDS",
	  WIRE_IO_FDS,
	  { 16 },
	  16,
	  ANSWERS(FINE, EINVAL, EINVAL, EINVAL, FINE, FINE, EINVAL, EINVAL, FINE) },
	{ "DEVICE_GET_IRQ_INFO",
	  WIRE_IRQ_INFO,
	  { 16 },
	  16,
	  ANSWERS(FINE, EINVAL, EINVAL, EINVAL, FINE, FINE, EINVAL, EINVAL, FINE) },
	{ "DEVICE_SET_IRQS", WIRE_SET_IRQS, IRQS(1 | 32, 2, 0, 0), 20,
	  ANSWERS(FINE, EINVAL, EINVAL, EINVAL, FINE, FINE, EINVAL, EINVAL, EINVAL) },
	{ "REGION_READ", WIRE_READ, ACCESS(0, 0, 4), 16,
	  ANSWERS(FINE, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, E2BIG, FINE) },
	{ "REGION_WRITE", WIRE_WRITE, ACCESS(0, 0, 4), 20,
	  ANSWERS(FINE, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, E2BIG, FINE) },
	{ "DEVICE_RESET",
	  WIRE_RESET,
	  { 0 },
	  0, /* it has no payload */
	  .answers = { FINE, EINVAL, NONE, NONE, EINVAL, EINVAL, NONE, NONE, EINVAL, EINVAL,
		       SILENT, NONE, FINE, EINVAL, CLOSES, CLOSES } },
	{ "REGION_WRITE_MULTI",
	  WIRE_MULTI,
	  { 1, 0, 0, 0, 0, 4 },
	  32,
	  ANSWERS(FINE, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, E2BIG, FINE) },
	{ "DEVICE_FEATURE",
	  WIRE_FEATURE,
	  { 8, 1 << 18 | 1 },
	  8,
	  ANSWERS(FINE, EINVAL, EINVAL, EINVAL, FINE, FINE, EINVAL, EINVAL, FINE) },
	{ "MIG_DATA_READ",
	  WIRE_MIG_READ,
	  { 8, 8 },
	  8,
	  ANSWERS(EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, E2BIG, EINVAL) },
	{ "MIG_DATA_WRITE",
	  WIRE_MIG_WRITE,
	  { 16, 8 },
	  16,
	  ANSWERS(EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, E2BIG, EINVAL) },
};
const unsigned malformed_command_count =
	sizeof(malformed_commands) / sizeof(malformed_commands[0]);
