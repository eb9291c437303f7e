/* SPDX-License-Identifier: MIT */
/*
 * Messages that are wrong, each with its documented answer: what test_malformed.c sends, and
 * what docs/malformed.md shows.
 */
#ifndef TESTS_MALFORMED_H
#define TESTS_MALFORMED_H

#include "wire.h"

/* An answer: one of these or an error number. */
enum {
	FINE = 0,
	CLOSES = -1, /* the connection is closed */
	SILENT = -2, /* nothing comes back */
	NONE = -3,   /* there is no such message */

	/* A header's size that says 0; no size of its own is that large. */
	SIZE_0 = UINT32_MAX,
};

/* What the server's log says of a message. */
enum malformed_log {
	BY_ANSWER, /* one line, unless it is done */
	NO_LINE,
	GUESTS, /* as many as the device's mistakes make, ever fewer */
};

struct malformed {
	const char *name;
	int answer;
	uint16_t command;
	uint32_t flags;
	uint32_t words[16]; /* the payload */
	int size;	    /* bytes of it */
	uint32_t says;	    /* the header's size field where it lies */
	/* e: eventfd, m: memory, p: pipe, s: socket, n: /dev/null, r: read-only */
	const char *fds;
	const char *text; /* goes on after the first word, so many `times`, with its NUL */
	unsigned times;	  /* 0 means once */
	bool first;	  /* before anything was negotiated */
	enum malformed_log log;
};

struct malformed_group {
	const char *title;
	const struct malformed *cases;
	size_t count;
};
#define MALFORMED(title, cases)                                                                \
	{                                                                                      \
		title, cases, sizeof(cases) / sizeof((cases)[0])                               \
	}

/* Each ends with one that has no title. */
extern const struct malformed_group malformed_version[], malformed_memory[], malformed_device[],
	malformed_access[], malformed_state[];

/* Every command, spoiled in each of these ways. */
enum malformed_way {
	WAY_WELL,      /* as it ought to be */
	WAY_EARLY,     /* before VERSION */
	WAY_EMPTY,     /* the header alone */
	WAY_SHORT,     /* a byte less */
	WAY_LONG,      /* a byte more */
	WAY_HUGE,      /* 64 KiB more */
	WAY_ZEROS,     /* the payload all zeros */
	WAY_ONES,      /* the payload all ones */
	WAY_TYPE,      /* type 2 */
	WAY_FLAG,      /* a reserved flag */
	WAY_REPLY,     /* as a reply, that nobody asked for */
	WAY_POSTED,    /* a byte less, and no reply wanted */
	WAY_FDS,       /* with 16 descriptors */
	WAY_FDS_MORE,  /* with 17 */
	WAY_SIZE_LESS, /* its header says 15 bytes */
	WAY_SIZE_MORE, /* its header says 4 GiB */
	MALFORMED_WAYS
};

struct malformed_command {
	const char *name;
	uint16_t command;
	uint32_t words[16];
	int size;
	const char *text;
	bool first;
	int answers[MALFORMED_WAYS];
};

extern const char *const malformed_ways[MALFORMED_WAYS];
extern const struct malformed_command malformed_commands[];
extern const unsigned malformed_command_count;

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

/* The range of guest memory that is mapped before each message. */
enum { MAPPED = 0x800000, MAPPED_SIZE = 0x4000 };

#endif
