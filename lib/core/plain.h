/* SPDX-License-Identifier: MIT */
/*
 * Text of guests, clients and models, made fit for a terminal. Control codes (C0,
 * DEL, C1, whether as UTF-8 or as bytes) and what is no UTF-8 become question marks.
 */
#ifndef RISER_CORE_PLAIN_H
#define RISER_CORE_PLAIN_H

#include <stddef.h>

/* Begins as zeroes; a character may come in pieces. */
struct riser__plain {
	unsigned char held[4];
	unsigned count, wanted;
};

/*
 * Of a stream: ends of lines and tabs stay, carriage returns go. `to` may be `from`, and has
 * room for `size` + 3 bytes otherwise. Returns how many there are.
 */
size_t riser__plain_take(struct riser__plain *plain, const char *from, size_t size, char *to);
/* Of one line, in its place, which no end of a line stays in. */
void riser__plain_line(char *line);

#endif
