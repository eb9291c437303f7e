/* SPDX-License-Identifier: MIT */
/* Numbers as users write them, in scripts and options: one way to read them for all commands.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

bool number_parse(const char *word, uint64_t *value, const char **rest)
{
	bool hex = word[0] == '0' && (word[1] | 0x20) == 'x';
	const char *digits = hex ? "0123456789abcdefABCDEF" : "0123456789";
	const char *first = hex ? word + 2 : word;
	size_t length = strspn(first, digits);

	*value = 0;
	if (!length || (!rest && first[length]))
		return false;
	if (rest)
		*rest = first + length;
	errno = 0;
	*value = strtoull(first, NULL, hex ? 16 : 10);
	return !errno;
}

bool number_within(const char *word, uint64_t least, uint64_t most, uint64_t *value)
{
	return number_parse(word, value, NULL) && *value >= least && *value <= most;
}
