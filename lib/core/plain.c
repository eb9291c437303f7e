/* SPDX-License-Identifier: MIT */
/* Text made fit for a terminal, byte by byte as it comes. */
#include "core/plain.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* How many bytes a character has that begins so; 0: none does. */
static unsigned length_of(unsigned char byte)
{
	return byte < 0x80    ? 1
	       : byte < 0xc2  ? 0
	       : byte < 0xe0  ? 2
	       : byte < 0xf0  ? 3
	       : byte <= 0xf4 ? 4
			      : 0;
}

/* The whole character: no control code, not longer than it has to be, and in Unicode. */
static bool is_plain(const unsigned char *held, unsigned count)
{
	static const uint32_t least[] = { 0, 0x20, 0xa0, 0x800, 0x10000 };
	uint32_t value = count == 1 ? held[0] : held[0] & (0x7fu >> count);

	for (unsigned i = 1; i < count; i++)
		value = value << 6 | (held[i] & 0x3f);
	return value >= least[count] && value != 0x7f && value <= 0x10ffff &&
	       (value < 0xd800 || value > 0xdfff);
}

static size_t end_character(struct riser__plain *plain, char *to)
{
	unsigned count = plain->count;

	plain->count = 0;
	if (!is_plain(plain->held, count)) {
		*to = '?';
		return 1;
	}
	memcpy(to, plain->held, count);
	return count;
}

/* What has begun ends without its rest. */
static size_t cut(struct riser__plain *plain, char *to)
{
	if (!plain->count)
		return 0;
	plain->count = 0;
	*to = '?';
	return 1;
}

static size_t take_byte(struct riser__plain *plain, unsigned char byte, char *to)
{
	size_t made = 0;

	if ((byte & 0xc0) != 0x80 || !plain->count) {
		made = cut(plain, to);
		plain->wanted = length_of(byte);
		if (byte == '\r')
			return made;
		if (!plain->wanted || byte == '\n' || byte == '\t') {
			to[made] = plain->wanted ? (char)byte : '?';
			return made + 1;
		}
	}
	plain->held[plain->count++] = byte;
	return plain->count == plain->wanted ? made + end_character(plain, to + made) : made;
}

size_t riser__plain_take(struct riser__plain *plain, const char *from, size_t size, char *to)
{
	size_t made = 0;

	for (size_t i = 0; i < size; i++)
		made += take_byte(plain, (unsigned char)from[i], to + made);
	return made;
}

void riser__plain_line(char *line)
{
	struct riser__plain plain = { .count = 0 };
	size_t size = strlen(line), made;

	for (size_t i = 0; i < size; i++) {
		if (line[i] == '\n' || line[i] == '\t' || line[i] == '\r')
			line[i] = '?';
	}
	made = riser__plain_take(&plain, line, size, line);
	made += cut(&plain, line + made);
	line[made] = '\0';
}
