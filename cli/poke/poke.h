/* SPDX-License-Identifier: MIT */
/* riser poke, in pieces: a small language on the host side's API. */
#ifndef RISER_CLI_POKE_H
#define RISER_CLI_POKE_H

#include <stdio.h>

#include "session.h"

enum { POKE_WORDS = 8 };

/* What a word like "status", "table[3]", "bar0+0x10", "config+4" or "mem+0x100" means. */
enum poke_space { POKE_BAR, POKE_CONFIG, POKE_MEMORY };
struct poke_target {
	enum poke_space space;
	unsigned bar;
	uint64_t offset;
	unsigned size; /* bytes: the register's, or 4 */
};

/* All complain through `why` and return false. */
bool poke_number(const char *word, uint64_t *value, char why[256]);
bool poke_time(const char *word, uint64_t *ns, char why[256]);
bool poke_target(struct session *session, const char *word, struct poke_target *target,
		 char why[256]);

/* Runs one line; false: it failed, `why` says how. */
bool poke_line(struct session *session, const char *line, char why[256]);
void poke_help(void);

#endif
