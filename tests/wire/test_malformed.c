/* SPDX-License-Identifier: MIT */
/*
 * Messages that are wrong, each with its answer. After each one the server is alive, holds no
 * descriptor more than before, and serves on (or the next client, where it has to hang up).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire.h"

enum {
	FINE = 0,
	CLOSES = -1, /* the connection is closed */
	SILENT = -2, /* nothing comes back */

	EXACT = 0, /* .size: as many bytes as there are words */
};

struct bad {
	const char *name;
	int answer;
	uint16_t command;
	uint32_t flags;
	uint32_t words[16]; /* the payload */
	int size;	    /* bytes of it, or EXACT */
	uint32_t says;	    /* the header's size field where it lies */
	const char *
		fds; /* e: eventfd, m: memory, p: pipe, s: socket, n: /dev/null, r: read-only */
};

#define LO(x) (uint32_t)(x)
#define HI(x) (uint32_t)((uint64_t)(x) >> 32)
#define MAP(flags, offset, address, size)                                                      \
	{                                                                                      \
		32, flags, LO(offset), HI(offset), LO(address), HI(address), LO(size),         \
			HI(size)                                                               \
	}
#define UNMAP(flags, address, size)                                                            \
	{                                                                                      \
		24, flags, LO(address), HI(address), LO(size), HI(size)                        \
	}
#define ACCESS(region, offset, count)                                                          \
	{                                                                                      \
		LO(offset), HI(offset), region, count                                          \
	}
#define IRQS(flags, index, start, count)                                                       \
	{                                                                                      \
		20, flags, index, start, count                                                 \
	}
#define MANY UINT64_C(0xfffffffffffff000)

static const struct bad cases[] = {
	/* The header */
	{ "size 0", CLOSES, WIRE_GET_INFO, .says = UINT32_MAX },
	{ "size 15", CLOSES, WIRE_GET_INFO, .says = 15 },
	{ "size 1", CLOSES, WIRE_GET_INFO, .says = 1 },
	{ "size of 2 MiB", CLOSES, WIRE_GET_INFO, .says = 2 << 20 },
	{ "size of 4 GiB", CLOSES, WIRE_GET_INFO, .says = UINT32_MAX - 1 },
	{ "command 0", EOPNOTSUPP, 0 },
	{ "command 14, retired", EOPNOTSUPP, 14 },
	{ "command 19", EOPNOTSUPP, 19 },
	{ "command 255", EOPNOTSUPP, 255 },
	{ "command 65535", EOPNOTSUPP, 65535 },
	{ "unknown command with data", EOPNOTSUPP, 1000, .words = { 1, 2, 3 }, .size = 12 },
	{ "unknown command with fds", EOPNOTSUPP, 1000, .fds = "eemp" },
	{ "unknown command, posted", SILENT, 1000, WIRE_NO_REPLY },
	{ "DMA_READ from the client", EOPNOTSUPP, WIRE_DMA_READ, .words = { 0, 0, 16 },
	  .size = 16 },
	{ "DMA_WRITE from the client", EOPNOTSUPP, WIRE_DMA_WRITE, .words = { 0 }, .size = 16 },
	{ "type 2", EINVAL, WIRE_GET_INFO, 2, { 16 }, 16 },
	{ "type 15", EINVAL, WIRE_GET_INFO, 15, { 16 }, 16 },
	{ "an error that is a command", EINVAL, WIRE_GET_INFO, WIRE_ERROR, { 16 }, 16 },
	{ "reserved flag 6", EINVAL, WIRE_GET_INFO, 1 << 6, { 16 }, 16 },
	{ "reserved flag 31", EINVAL, WIRE_GET_INFO, 1u << 31, { 16 }, 16 },
	{ "a reply nobody asked for", SILENT, WIRE_GET_INFO, WIRE_REPLY, { 16 }, 16 },
	{ "a DMA_READ reply nobody asked for", SILENT, WIRE_DMA_READ, WIRE_REPLY, { 0 }, 32 },
	{ "an error reply nobody asked for", SILENT, WIRE_DMA_WRITE, WIRE_REPLY | WIRE_ERROR },
	{ "a reply of an unknown command", SILENT, 999, WIRE_REPLY },
	{ "a reply with fds", SILENT, WIRE_DMA_READ, WIRE_REPLY, .fds = "eemm" },

	/* VERSION, again */
	{ "VERSION twice", EINVAL, WIRE_VERSION, .words = { 0 }, .size = 4 },
	{ "VERSION of 3 bytes", EINVAL, WIRE_VERSION, .words = { 0 }, .size = 3 },
	{ "VERSION without payload", EINVAL, WIRE_VERSION },

	/* DMA_MAP */
	{ "DMA_MAP empty", EINVAL, WIRE_DMA_MAP },
	{ "DMA_MAP a byte short", EINVAL, WIRE_DMA_MAP, 0, MAP(3, 0, 0x1000, 0x1000), 31 },
	{ "DMA_MAP a word long", EINVAL, WIRE_DMA_MAP, 0, MAP(3, 0, 0x1000, 0x1000), 36 },
	{ "DMA_MAP argsz 0", EINVAL, WIRE_DMA_MAP, 0, { 0, 3, 0, 0, 0x1000, 0, 0x1000 }, 32 },
	{ "DMA_MAP argsz 31", EINVAL, WIRE_DMA_MAP, 0, { 31, 3, 0, 0, 0x1000, 0, 0x1000 }, 32 },
	{ "DMA_MAP no access", EINVAL, WIRE_DMA_MAP, 0, MAP(0, 0, 0x1000, 0x1000), 32 },
	{ "DMA_MAP no access but mmap", EINVAL, WIRE_DMA_MAP, 0, MAP(4, 0, 0x1000, 0x1000),
	  32 },
	{ "DMA_MAP flag 4", EINVAL, WIRE_DMA_MAP, 0, MAP(3 | 16, 0, 0x1000, 0x1000), 32 },
	{ "DMA_MAP flag 31", EINVAL, WIRE_DMA_MAP, 0, MAP(3 | 1u << 31, 0, 0x1000, 0x1000),
	  32 },
	{ "DMA_MAP size 0", EINVAL, WIRE_DMA_MAP, 0, MAP(3, 0, 0x1000, 0), 32 },
	{ "DMA_MAP size 1", EINVAL, WIRE_DMA_MAP, 0, MAP(3, 0, 0x1000, 1), 32 },
	{ "DMA_MAP size 4095", EINVAL, WIRE_DMA_MAP, 0, MAP(3, 0, 0x1000, 4095), 32 },
	{ "DMA_MAP address misaligned", EINVAL, WIRE_DMA_MAP, 0, MAP(3, 0, 0x1001, 0x1000),
	  32 },
	{ "DMA_MAP address plus size wraps", EINVAL, WIRE_DMA_MAP, 0, MAP(3, 0, MANY, 0x2000),
	  32 },
	{ "DMA_MAP all ones", EINVAL, WIRE_DMA_MAP, 0, MAP(3, 0, UINT64_MAX, UINT64_MAX), 32 },
	{ "DMA_MAP offset misaligned", EINVAL, WIRE_DMA_MAP, 0, MAP(3, 12, 0x1000, 0x1000), 32,
	  0, "m" },
	{ "DMA_MAP offset negative", EINVAL, WIRE_DMA_MAP, 0, MAP(3, MANY, 0x1000, 0x1000), 32,
	  0, "m" },
	{ "DMA_MAP two fds", EINVAL, WIRE_DMA_MAP, 0, MAP(3, 0, 0x1000, 0x1000), 32, 0, "mm" },
	{ "DMA_MAP sixteen fds", EINVAL, WIRE_DMA_MAP, 0, MAP(3, 0, 0x1000, 0x1000), 32, 0,
	  "mmmmmmmmmmmmmmmm" },
	{ "DMA_MAP thirty fds", EINVAL, WIRE_DMA_MAP, 0, MAP(3, 0, 0x1000, 0x1000), 32, 0,
	  "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmm" },
	{ "DMA_MAP of a pipe to read", EACCES, WIRE_DMA_MAP, 0, MAP(3, 0, 0x1000, 0x1000), 32,
	  0, "p" },
	{ "DMA_MAP of a socket", ENODEV, WIRE_DMA_MAP, 0, MAP(3, 0, 0x1000, 0x1000), 32, 0,
	  "s" },
	{ "DMA_MAP of an eventfd", ENODEV, WIRE_DMA_MAP, 0, MAP(3, 0, 0x1000, 0x1000), 32, 0,
	  "e" },
	{ "DMA_MAP for writing of a read-only file", EACCES, WIRE_DMA_MAP, 0,
	  MAP(3, 0, 0x1000, 0x1000), 32, 0, "r" },
	{ "DMA_MAP over another", EEXIST, WIRE_DMA_MAP, 0, MAP(3, 0, 0x800000, 0x1000), 32 },
	{ "DMA_MAP over another's start", EEXIST, WIRE_DMA_MAP, 0, MAP(3, 0, 0x7ff000, 0x2000),
	  32 },
	{ "DMA_MAP over another's end", EEXIST, WIRE_DMA_MAP, 0, MAP(3, 0, 0x803000, 0x2000),
	  32 },
	{ "DMA_MAP around another", EEXIST, WIRE_DMA_MAP, 0, MAP(3, 0, 0x700000, 0x200000),
	  32 },
	{ "DMA_MAP inside another, with fd", EEXIST, WIRE_DMA_MAP, 0,
	  MAP(3, 0, 0x801000, 0x1000), 32, 0, "m" },
	{ "DMA_MAP of everything", EEXIST, WIRE_DMA_MAP, 0, MAP(3, 0, 0, MANY), 32 },

	/* DMA_UNMAP */
	{ "DMA_UNMAP empty", EINVAL, WIRE_DMA_UNMAP },
	{ "DMA_UNMAP a byte short", EINVAL, WIRE_DMA_UNMAP, 0, UNMAP(0, 0x800000, 0x4000), 23 },
	{ "DMA_UNMAP much too long", EINVAL, WIRE_DMA_UNMAP, 0, UNMAP(0, 0x800000, 0x4000),
	  60 },
	{ "DMA_UNMAP argsz 0", EINVAL, WIRE_DMA_UNMAP, 0, { 0, 0, 0x800000, 0, 0x4000 }, 24 },
	{ "DMA_UNMAP flag 2", EINVAL, WIRE_DMA_UNMAP, 0, UNMAP(4, 0x800000, 0x4000), 24 },
	{ "DMA_UNMAP flag 31", EINVAL, WIRE_DMA_UNMAP, 0, UNMAP(1u << 31, 0x800000, 0x4000),
	  24 },
	{ "DMA_UNMAP of nothing", ENOENT, WIRE_DMA_UNMAP, 0, UNMAP(0, 0x1000, 0x1000), 24 },
	{ "DMA_UNMAP of a part", EINVAL, WIRE_DMA_UNMAP, 0, UNMAP(0, 0x800000, 0x1000), 24 },
	{ "DMA_UNMAP of the middle", EINVAL, WIRE_DMA_UNMAP, 0, UNMAP(0, 0x801000, 0x1000),
	  24 },
	{ "DMA_UNMAP cutting the end", EINVAL, WIRE_DMA_UNMAP, 0, UNMAP(0, 0x7ff000, 0x2000),
	  24 },
	{ "DMA_UNMAP size 0", EINVAL, WIRE_DMA_UNMAP, 0, UNMAP(0, 0x800000, 0), 24 },
	{ "DMA_UNMAP that wraps", EINVAL, WIRE_DMA_UNMAP, 0, UNMAP(0, MANY, 0x2000), 24 },
	{ "DMA_UNMAP all with an address", EINVAL, WIRE_DMA_UNMAP, 0, UNMAP(2, 0x1000, 0), 24 },
	{ "DMA_UNMAP all with a size", EINVAL, WIRE_DMA_UNMAP, 0, UNMAP(2, 0, 0x1000), 24 },
	{ "DMA_UNMAP all and dirty", EINVAL, WIRE_DMA_UNMAP, 0, UNMAP(3, 0, 0), 24 },
	{ "DMA_UNMAP dirty, no bitmap", EINVAL, WIRE_DMA_UNMAP, 0, UNMAP(1, 0x800000, 0x4000),
	  24 },
	{ "DMA_UNMAP dirty, not logged",
	  EINVAL,
	  WIRE_DMA_UNMAP,
	  0,
	  { 4096, 1, 0x800000, 0, 0x4000, 0, 4096, 0, 8, 0 },
	  40 },

	/* DEVICE_GET_INFO, regions */
	{ "GET_INFO empty", EINVAL, WIRE_GET_INFO },
	{ "GET_INFO short", EINVAL, WIRE_GET_INFO, 0, { 16 }, 15 },
	{ "GET_INFO argsz 15", EINVAL, WIRE_GET_INFO, 0, { 15 }, 16 },
	{ "GET_INFO argsz 0", EINVAL, WIRE_GET_INFO, 0, { 0 }, 16 },
	{ "GET_REGION_INFO short", EINVAL, WIRE_REGION_INFO, 0, { 32 }, 31 },
	{ "GET_REGION_INFO argsz 31", EINVAL, WIRE_REGION_INFO, 0, { 31 }, 32 },
	{ "GET_REGION_INFO index 9", EINVAL, WIRE_REGION_INFO, 0, { 32, 0, 9 }, 32 },
	{ "GET_REGION_INFO index -1", EINVAL, WIRE_REGION_INFO, 0, { 32, 0, UINT32_MAX }, 32 },
	{ "GET_REGION_IO_FDS short", EINVAL, WIRE_IO_FDS, 0, { 16 }, 15 },
	{ "GET_REGION_IO_FDS argsz 8", EINVAL, WIRE_IO_FDS, 0, { 8 }, 16 },
	{ "GET_REGION_IO_FDS flags", EINVAL, WIRE_IO_FDS, 0, { 16, 1 }, 16 },
	{ "GET_REGION_IO_FDS count", EINVAL, WIRE_IO_FDS, 0, { 16, 0, 0, 1 }, 16 },
	{ "GET_REGION_IO_FDS index 9", EINVAL, WIRE_IO_FDS, 0, { 16, 0, 9 }, 16 },

	/* Interrupts */
	{ "GET_IRQ_INFO short", EINVAL, WIRE_IRQ_INFO, 0, { 16 }, 12 },
	{ "GET_IRQ_INFO argsz 0", EINVAL, WIRE_IRQ_INFO, 0, { 0 }, 16 },
	{ "GET_IRQ_INFO index 5", EINVAL, WIRE_IRQ_INFO, 0, { 16, 0, 5 }, 16 },
	{ "GET_IRQ_INFO index -1", EINVAL, WIRE_IRQ_INFO, 0, { 16, 0, UINT32_MAX }, 16 },
	{ "SET_IRQS empty", EINVAL, WIRE_SET_IRQS },
	{ "SET_IRQS short", EINVAL, WIRE_SET_IRQS, 0, IRQS(1 | 32, 0, 0, 1), 19 },
	{ "SET_IRQS argsz 0", EINVAL, WIRE_SET_IRQS, 0, { 0, 1 | 32, 0, 0, 1 }, 20 },
	{ "SET_IRQS no flags", EINVAL, WIRE_SET_IRQS, 0, IRQS(0, 0, 0, 1), 20 },
	{ "SET_IRQS no action", EINVAL, WIRE_SET_IRQS, 0, IRQS(1, 0, 0, 1), 20 },
	{ "SET_IRQS no data", EINVAL, WIRE_SET_IRQS, 0, IRQS(32, 0, 0, 1), 20 },
	{ "SET_IRQS two kinds of data", EINVAL, WIRE_SET_IRQS, 0, IRQS(1 | 2 | 32, 0, 0, 1),
	  24 },
	{ "SET_IRQS two actions", EINVAL, WIRE_SET_IRQS, 0, IRQS(1 | 8 | 16, 0, 0, 1), 20 },
	{ "SET_IRQS flag 6", EINVAL, WIRE_SET_IRQS, 0, IRQS(1 | 32 | 64, 0, 0, 1), 20 },
	{ "SET_IRQS flag 31", EINVAL, WIRE_SET_IRQS, 0, IRQS(1 | 32 | 1u << 31, 0, 0, 1), 20 },
	{ "SET_IRQS index 5", EINVAL, WIRE_SET_IRQS, 0, IRQS(1 | 32, 5, 0, 0), 20 },
	{ "SET_IRQS index -1", EINVAL, WIRE_SET_IRQS, 0, IRQS(1 | 32, UINT32_MAX, 0, 0), 20 },
	{ "SET_IRQS INTx vector 1", EINVAL, WIRE_SET_IRQS, 0, IRQS(1 | 32, 0, 1, 1), 20 },
	{ "SET_IRQS INTx count 2", EINVAL, WIRE_SET_IRQS, 0, IRQS(1 | 32, 0, 0, 2), 20 },
	{ "SET_IRQS MSI count 5", EINVAL, WIRE_SET_IRQS, 0, IRQS(4 | 32, 1, 0, 5), 20, 0,
	  "eeeee" },
	{ "SET_IRQS MSI-X start past the end", EINVAL, WIRE_SET_IRQS, 0,
	  IRQS(4 | 32, 2, DEV_MSIX, 1), 20, 0, "e" },
	{ "SET_IRQS start plus count wraps", EINVAL, WIRE_SET_IRQS, 0,
	  IRQS(4 | 32, 2, 1, UINT32_MAX), 20, 0, "e" },
	{ "SET_IRQS start -1", EINVAL, WIRE_SET_IRQS, 0, IRQS(4 | 32, 2, UINT32_MAX, 1), 20, 0,
	  "e" },
	{ "SET_IRQS ERR", EINVAL, WIRE_SET_IRQS, 0, IRQS(4 | 32, 3, 0, 1), 20, 0, "e" },
	{ "SET_IRQS REQ", EINVAL, WIRE_SET_IRQS, 0, IRQS(4 | 32, 4, 0, 1), 20, 0, "e" },
	{ "SET_IRQS fewer fds than vectors", EINVAL, WIRE_SET_IRQS, 0, IRQS(4 | 32, 2, 0, 4),
	  20, 0, "ee" },
	{ "SET_IRQS more fds than vectors", EINVAL, WIRE_SET_IRQS, 0, IRQS(4 | 32, 2, 0, 2), 20,
	  0, "eeee" },
	{ "SET_IRQS fds with no data", EINVAL, WIRE_SET_IRQS, 0, IRQS(1 | 32, 2, 0, 2), 20, 0,
	  "ee" },
	{ "SET_IRQS fds with booleans", EINVAL, WIRE_SET_IRQS, 0, IRQS(2 | 32, 2, 0, 2), 24, 0,
	  "ee" },
	{ "SET_IRQS a pipe", EINVAL, WIRE_SET_IRQS, 0, IRQS(4 | 32, 2, 0, 1), 20, 0, "p" },
	{ "SET_IRQS a socket", EINVAL, WIRE_SET_IRQS, 0, IRQS(4 | 32, 2, 0, 1), 20, 0, "s" },
	{ "SET_IRQS memory", EINVAL, WIRE_SET_IRQS, 0, IRQS(4 | 32, 2, 0, 1), 20, 0, "m" },
	{ "SET_IRQS /dev/null", EINVAL, WIRE_SET_IRQS, 0, IRQS(4 | 32, 2, 0, 1), 20, 0, "n" },
	{ "SET_IRQS one of three wrong", EINVAL, WIRE_SET_IRQS, 0, IRQS(4 | 32, 2, 0, 3), 20, 0,
	  "eem" },
	{ "SET_IRQS count 0 with eventfds", EINVAL, WIRE_SET_IRQS, 0, IRQS(4 | 32, 2, 0, 0),
	  20 },
	{ "SET_IRQS count 0, start 1", EINVAL, WIRE_SET_IRQS, 0, IRQS(1 | 32, 2, 1, 0), 20 },
	{ "SET_IRQS mask count 0", EINVAL, WIRE_SET_IRQS, 0, IRQS(1 | 8, 2, 0, 0), 20 },
	{ "SET_IRQS booleans missing", EINVAL, WIRE_SET_IRQS, 0, IRQS(2 | 32, 2, 0, 4), 20 },
	{ "SET_IRQS booleans cut", EINVAL, WIRE_SET_IRQS, 0, IRQS(2 | 32, 2, 0, 4), 23 },
	{ "SET_IRQS mask by eventfd", EOPNOTSUPP, WIRE_SET_IRQS, 0, IRQS(4 | 8, 0, 0, 1), 20, 0,
	  "e" },
	{ "SET_IRQS MSI unmask by eventfd", EOPNOTSUPP, WIRE_SET_IRQS, 0, IRQS(4 | 16, 1, 0, 1),
	  20, 0, "e" },
	{ "SET_IRQS unmask by a pipe", EINVAL, WIRE_SET_IRQS, 0, IRQS(4 | 16, 0, 0, 1), 20, 0,
	  "p" },
	{ "SET_IRQS unmask by two eventfds", EINVAL, WIRE_SET_IRQS, 0, IRQS(4 | 16, 0, 0, 1),
	  20, 0, "ee" },

	/* Accesses */
	{ "READ empty", EINVAL, WIRE_READ },
	{ "READ short", EINVAL, WIRE_READ, 0, ACCESS(0, 0, 4), 15 },
	{ "READ with data", EINVAL, WIRE_READ, 0, ACCESS(0, 0, 4), 20 },
	{ "READ of nothing", EINVAL, WIRE_READ, 0, ACCESS(0, 0, 0), 16 },
	{ "READ region 1, not there", EINVAL, WIRE_READ, 0, ACCESS(1, 0, 4), 16 },
	{ "READ region 6, not there", EINVAL, WIRE_READ, 0, ACCESS(6, 0, 4), 16 },
	{ "READ region 8", EINVAL, WIRE_READ, 0, ACCESS(8, 0, 4), 16 },
	{ "READ region 9", EINVAL, WIRE_READ, 0, ACCESS(9, 0, 4), 16 },
	{ "READ region -1", EINVAL, WIRE_READ, 0, ACCESS(UINT32_MAX, 0, 4), 16 },
	{ "READ at the end", EINVAL, WIRE_READ, 0, ACCESS(0, DEV_BAR_SIZE, 4), 16 },
	{ "READ across the end", EINVAL, WIRE_READ, 0, ACCESS(0, DEV_BAR_SIZE - 2, 4), 16 },
	{ "READ offset wraps", EINVAL, WIRE_READ, 0, ACCESS(0, UINT64_MAX, 4), 16 },
	{ "READ offset wraps far", EINVAL, WIRE_READ, 0, ACCESS(0, MANY, 0x2000), 16 },
	{ "READ larger than the BAR", EINVAL, WIRE_READ, 0, ACCESS(0, 0, DEV_BAR_SIZE + 1),
	  16 },
	{ "READ across configuration space's end", EINVAL, WIRE_READ, 0, ACCESS(7, 254, 4),
	  16 },
	{ "READ of a megabyte and a byte", E2BIG, WIRE_READ, 0, ACCESS(0, 0, (1 << 20) + 1),
	  16 },
	{ "READ of 4 GiB", E2BIG, WIRE_READ, 0, ACCESS(0, 0, UINT32_MAX), 16 },
	{ "READ, posted", SILENT, WIRE_READ, WIRE_NO_REPLY, ACCESS(0, 0, 4), 16 },
	{ "READ outside, posted", SILENT, WIRE_READ, WIRE_NO_REPLY, ACCESS(9, 0, 4), 16 },
	{ "WRITE empty", EINVAL, WIRE_WRITE },
	{ "WRITE short", EINVAL, WIRE_WRITE, 0, ACCESS(0, 0, 4), 15 },
	{ "WRITE without data", EINVAL, WIRE_WRITE, 0, ACCESS(0, 0, 4), 16 },
	{ "WRITE with data cut", EINVAL, WIRE_WRITE, 0, ACCESS(0, 0, 4), 19 },
	{ "WRITE with data over", EINVAL, WIRE_WRITE, 0, ACCESS(0, 0, 4), 21 },
	{ "WRITE of nothing", EINVAL, WIRE_WRITE, 0, ACCESS(0, 0, 0), 16 },
	{ "WRITE region 1, not there", EINVAL, WIRE_WRITE, 0, ACCESS(1, 0, 4), 20 },
	{ "WRITE region 8", EINVAL, WIRE_WRITE, 0, ACCESS(8, 0, 4), 20 },
	{ "WRITE region -1", EINVAL, WIRE_WRITE, 0, ACCESS(UINT32_MAX, 0, 4), 20 },
	{ "WRITE across the end", EINVAL, WIRE_WRITE, 0, ACCESS(0, DEV_BAR_SIZE - 2, 4), 20 },
	{ "WRITE offset wraps", EINVAL, WIRE_WRITE, 0, ACCESS(0, UINT64_MAX - 1, 4), 20 },
	{ "WRITE of 4 GiB", E2BIG, WIRE_WRITE, 0, ACCESS(0, 0, UINT32_MAX), 20 },
	{ "WRITE outside, posted", SILENT, WIRE_WRITE, WIRE_NO_REPLY, ACCESS(9, 0, 4), 20 },
	{ "WRITE cut, posted", SILENT, WIRE_WRITE, WIRE_NO_REPLY, ACCESS(0, 0, 4), 17 },
	{ "WRITE_MULTI empty", EINVAL, WIRE_MULTI },
	{ "WRITE_MULTI short", EINVAL, WIRE_MULTI, 0, { 0 }, 7 },
	{ "WRITE_MULTI count without writes", EINVAL, WIRE_MULTI, 0, { 1 }, 8 },
	{ "WRITE_MULTI a write cut", EINVAL, WIRE_MULTI, 0, { 1, 0, 0, 0, 0, 4, 0, 0 }, 31 },
	{ "WRITE_MULTI a write over", EINVAL, WIRE_MULTI, 0, { 0 }, 32 },
	{ "WRITE_MULTI of 2^64-1", E2BIG, WIRE_MULTI, 0, { UINT32_MAX, UINT32_MAX }, 32 },
	{ "WRITE_MULTI whose size wraps",
	  E2BIG,
	  WIRE_MULTI,
	  0,
	  { 0xaaaaaaab, 0xaaaaaaaa },
	  32 },
	{ "WRITE_MULTI of 9 bytes", EINVAL, WIRE_MULTI, 0, { 1, 0, 0, 0, 0, 9 }, 32 },
	{ "WRITE_MULTI of 0 bytes", EINVAL, WIRE_MULTI, 0, { 1, 0, 0, 0, 0, 0 }, 32 },
	{ "WRITE_MULTI region 9", EINVAL, WIRE_MULTI, 0, { 1, 0, 0, 0, 9, 4 }, 32 },
	{ "WRITE_MULTI outside", EINVAL, WIRE_MULTI, 0, { 1, 0, DEV_BAR_SIZE, 0, 0, 4 }, 32 },
	{ "RESET with payload", EINVAL, WIRE_RESET, 0, { 0 }, 4 },
	{ "RESET with fds", FINE, WIRE_RESET, .fds = "ep" },

	/* Features and migration */
	{ "FEATURE empty", EINVAL, WIRE_FEATURE },
	{ "FEATURE short", EINVAL, WIRE_FEATURE, 0, { 8, 1 << 18 | 1 }, 7 },
	{ "FEATURE argsz 0", EINVAL, WIRE_FEATURE, 0, { 0, 1 << 18 | 1 }, 8 },
	{ "FEATURE 0", ENOTTY, WIRE_FEATURE, 0, { 8, 1 << 18 | 0 }, 8 },
	{ "FEATURE 3", ENOTTY, WIRE_FEATURE, 0, { 8, 1 << 16 | 3 }, 8 },
	{ "FEATURE 9", ENOTTY, WIRE_FEATURE, 0, { 8, 1 << 18 | 9 }, 8 },
	{ "FEATURE 65535", ENOTTY, WIRE_FEATURE, 0, { 8, 1 << 18 | 0xffff }, 8 },
	{ "FEATURE flag 19", EINVAL, WIRE_FEATURE, 0, { 8, 1 << 19 | 1 << 18 | 1 }, 8 },
	{ "FEATURE no method", EINVAL, WIRE_FEATURE, 0, { 8, 1 }, 8 },
	{ "FEATURE get and set", EINVAL, WIRE_FEATURE, 0, { 16, 3 << 16 | 2, 2 }, 16 },
	{ "FEATURE migration set", EINVAL, WIRE_FEATURE, 0, { 16, 1 << 17 | 1 }, 16 },
	{ "FEATURE probe migration set", EINVAL, WIRE_FEATURE, 0, { 8, 6 << 16 | 1 }, 8 },
	{ "FEATURE migration, argsz 8", EINVAL, WIRE_FEATURE, 0, { 8, 1 << 16 | 1 }, 8 },
	{ "FEATURE state get, argsz 12", EINVAL, WIRE_FEATURE, 0, { 12, 1 << 16 | 2 }, 8 },
	{ "FEATURE state set, cut", EINVAL, WIRE_FEATURE, 0, { 16, 1 << 17 | 2, 1 }, 12 },
	{ "FEATURE state ERROR", EINVAL, WIRE_FEATURE, 0, { 16, 1 << 17 | 2, 0 }, 16 },
	{ "FEATURE state 5, P2P", EINVAL, WIRE_FEATURE, 0, { 16, 1 << 17 | 2, 5 }, 16 },
	{ "FEATURE state 6, PRE_COPY", EINVAL, WIRE_FEATURE, 0, { 16, 1 << 17 | 2, 6 }, 16 },
	{ "FEATURE state -1", EINVAL, WIRE_FEATURE, 0, { 16, 1 << 17 | 2, UINT32_MAX }, 16 },
	{ "FEATURE log start, cut", EINVAL, WIRE_FEATURE, 0, { 24, 1 << 17 | 6, 4096 }, 20 },
	{ "FEATURE log start, page size 0", EINVAL, WIRE_FEATURE, 0, { 24, 1 << 17 | 6 }, 24 },
	{ "FEATURE log start, page size 3",
	  EINVAL,
	  WIRE_FEATURE,
	  0,
	  { 24, 1 << 17 | 6, 3 },
	  24 },
	{ "FEATURE log start, ranges missing",
	  EINVAL,
	  WIRE_FEATURE,
	  0,
	  { 24, 1 << 17 | 6, 4096, 0, 1 },
	  24 },
	{ "FEATURE log start, 2^32-1 ranges",
	  EINVAL,
	  WIRE_FEATURE,
	  0,
	  { 24, 1 << 17 | 6, 4096, 0, UINT32_MAX },
	  24 },
	{ "FEATURE log start, empty range",
	  EINVAL,
	  WIRE_FEATURE,
	  0,
	  { 40, 1 << 17 | 6, 4096, 0, 1, 0, 0x1000, 0, 0, 0 },
	  40 },
	{ "FEATURE log start, range wraps",
	  EINVAL,
	  WIRE_FEATURE,
	  0,
	  { 40, 1 << 17 | 6, 4096, 0, 1, 0, LO(MANY), HI(MANY), 0x2000, 0 },
	  40 },
	{ "FEATURE log get", EINVAL, WIRE_FEATURE, 0, { 24, 1 << 16 | 6, 4096 }, 24 },
	{ "FEATURE log stop, not started", EINVAL, WIRE_FEATURE, 0, { 8, 1 << 17 | 7 }, 8 },
	{ "FEATURE log report, not started",
	  EINVAL,
	  WIRE_FEATURE,
	  0,
	  { 4096, 1 << 16 | 8, 0, 0, 4096, 0, 4096, 0 },
	  32 },
	{ "MIG_DATA_READ empty", EINVAL, WIRE_MIG_READ },
	{ "MIG_DATA_READ short", EINVAL, WIRE_MIG_READ, 0, { 16, 8 }, 7 },
	{ "MIG_DATA_READ while running", EINVAL, WIRE_MIG_READ, 0, { 16, 8 }, 8 },
	{ "MIG_DATA_READ of 4 GiB", E2BIG, WIRE_MIG_READ, 0, { 16, UINT32_MAX }, 8 },
	{ "MIG_DATA_WRITE empty", EINVAL, WIRE_MIG_WRITE },
	{ "MIG_DATA_WRITE while running", EINVAL, WIRE_MIG_WRITE, 0, { 16, 8, 1, 2 }, 16 },
	{ "MIG_DATA_WRITE of 4 GiB", E2BIG, WIRE_MIG_WRITE, 0, { 16, UINT32_MAX, 1, 2 }, 16 },
};

static int make_fd(char kind)
{
	int fds[2] = { -1, -1 };

	if (kind == 'e')
		return wire_eventfd();
	if (kind == 'n')
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	if (kind == 'r')
		return open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (kind == 'm') {
		fds[0] = memfd_create("memory", MFD_CLOEXEC);
		assert_int_equal(ftruncate(fds[0], 1 << 20), 0);
		return fds[0];
	}
	assert_int_equal(kind == 'p' ? pipe2(fds, O_CLOEXEC)
				     : socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds),
			 0);
	close(fds[1]);
	return fds[0];
}

static void send_case(struct wire *w, const struct bad *bad)
{
	struct wire_header header = { 0x4242, bad->command, (uint32_t)(16 + bad->size),
				      bad->flags, 0 };
	unsigned count = bad->fds ? (unsigned)strlen(bad->fds) : 0;
	uint8_t bytes[16 + sizeof(bad->words)];
	int fds[32];

	if (bad->says)
		header.size = bad->says == UINT32_MAX ? 0 : bad->says;
	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + sizeof(header), bad->words, sizeof(bad->words));
	for (unsigned i = 0; i < count; i++)
		fds[i] = make_fd(bad->fds[i]);
	wire_send_fds(w->fd, bytes, sizeof(header) + (size_t)bad->size, fds, count);
	for (unsigned i = 0; i < count; i++)
		close(fds[i]);
}

static void expect_answer(struct wire *w, const struct bad *bad)
{
	bool open;

	if (bad->answer == SILENT)
		return;
	open = wire_receive(w);
	if (open != (bad->answer != CLOSES))
		fail_msg("%s: the connection is %s", bad->name, open ? "open" : "closed");
	if (!open)
		return;
	if (w->in.header.id != 0x4242 || w->in.header.command != bad->command ||
	    w->in.header.flags != (bad->answer ? WIRE_REPLY | WIRE_ERROR : WIRE_REPLY) ||
	    (int)w->in.header.error != bad->answer || (bad->answer && w->in.size))
		fail_msg("%s: id %x, command %u, flags %#x, error %u (%s), %zu bytes",
			 bad->name, w->in.header.id, w->in.header.command, w->in.header.flags,
			 w->in.header.error, strerror((int)w->in.header.error), w->in.size);
}

static void test_table(void **state)
{
	uint32_t info[4] = { 16 };
	struct wire *w = *state;
	unsigned fds;

	assert_true(sizeof(cases) / sizeof(cases[0]) >= 150);
	assert_int_equal(wire_map(w, 0x800000, 0x4000, 3, -1, 0), 0);
	fds = wire_count_fds();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct bad *bad = &cases[i];

		send_case(w, bad);
		expect_answer(w, bad);
		if (bad->answer == CLOSES) {
			wire_reconnect(w);
			assert_int_equal(wire_map(w, 0x800000, 0x4000, 3, -1, 0), 0);
		}
		if (wire_call(w, WIRE_GET_INFO, info, 16))
			fail_msg("%s: then it does not serve on", bad->name);
		wire_expect_fds(fds);
	}
	assert_int_equal(atomic_load(&w->errors), 0);
}

/* Everything but VERSION is refused before VERSION. */
static void test_before_version(void **state)
{
	struct wire *w = *state;
	uint8_t payload[64] = { 32 };

	w->fd = wire_connect(w);
	for (unsigned command = 2; command <= 18; command++) {
		static const uint8_t sizes[19] = {
			[2] = 32, [3] = 24,  [4] = 16, [5] = 32, [6] = 16, [7] = 16, [8] = 20,
			[9] = 16, [10] = 16, [15] = 8, [16] = 8, [17] = 8, [18] = 8
		};

		if (command == WIRE_DMA_READ || command == WIRE_DMA_WRITE || command == 14)
			continue;
		assert_int_equal(wire_call(w, command, payload, sizes[command]), EINVAL);
	}
	wire_negotiate(w);
}

/* As many ranges as are offered and no more. */
static void test_max_dma_maps(void **state)
{
	struct wire *w = *state;

	for (uint64_t i = 0; i < 65535; i++)
		assert_int_equal(wire_map(w, i * 8192, 4096, 3, -1, 0), 0);
	assert_int_equal(wire_map(w, UINT64_C(65536) * 8192, 4096, 3, -1, 0), ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_table, wire_setup, wire_teardown),
		cmocka_unit_test_setup_teardown(test_before_version, wire_setup_unconnected,
						wire_teardown),
		cmocka_unit_test_setup_teardown(test_max_dma_maps, wire_setup, wire_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
