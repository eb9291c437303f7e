/* SPDX-License-Identifier: MIT */
/* riser poke, in pieces: a small language on the host side's API. */
#ifndef RISER_CLI_POKE_H
#define RISER_CLI_POKE_H

#include <stdio.h>

#include "session.h"

/* What a word like "status", "table[3]", "bar0+0x10", "rom+0", "config+4" or "mem+0" means. */
enum poke_space { POKE_BAR, POKE_CONFIG, POKE_MEMORY };
struct poke_target {
	enum poke_space space;
	unsigned bar; /* 6: the ROM */
	uint64_t offset;
	unsigned size; /* bytes: the register's, or 4 */
};

/* words.c and places.c: all complain through `why` and return false. */
bool poke_number(const char *word, uint64_t *value, char why[256]);
/* The number of a vector, or of how many: what an unsigned holds. */
bool poke_count(const char *word, unsigned *value, char why[256]);
/* A value of `size` bytes. */
bool poke_value(const char *word, unsigned size, uint64_t *value, char why[256]);
bool poke_time(const char *word, uint64_t *ns, char why[256]);
bool poke_target(struct session *session, const char *word, struct poke_target *target,
		 char why[256]);

/* One line of a script, cut into words. */
struct poke_command {
	struct session *session;
	char **words; /* the command's name, and `count - 1` more */
	size_t count;
	char *why; /* 256 characters for what is wrong */
};

/* access.c: whether the host side failed, which `why` then says in its words. */
bool poke_failed(struct poke_command *command, int ret);
/* The commands that access a place; false: it failed, `why` says how. */
bool poke_read(struct poke_command *command);
bool poke_write(struct poke_command *command);
bool poke_expect(struct poke_command *command);
bool poke_fill(struct poke_command *command);

/* Runs one line; false: it failed, `why` says how. */
bool poke_line(struct session *session, const char *line, char why[256]);
void poke_help(void);

#endif
