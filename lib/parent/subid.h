/* SPDX-License-Identifier: Apache-2.0 */
/* subid.h - the subordinate user and group ids that were given to a user (parent) */
#ifndef RK_PARENT_SUBID_H
#define RK_PARENT_SUBID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

/* the kernel takes 340 lines in less than a page; one is the user's own id */
#define SUBID_RANGES_MAX 339
#define SUBID_MAP_TEXT_MAX 4095
#define SUBID_ID_MAX 4294967294u /* 2^32 - 1 means "none" everywhere */

enum subid_kind { SUBID_UID, SUBID_GID, SUBID_NKINDS };

enum subid_source {
	SUBID_AUTO,    /* getsubids, when it has more to say than the files; else the files */
	SUBID_DYNAMIC, /* getsubids only */
	SUBID_STATIC,  /* the files only */
};

struct subid_range {
	uint32_t start, count; /* count is never 0; the last id is at most SUBID_ID_MAX */
};

/* in the order of the source: the ids inside the namespace follow from it */
struct subid_list {
	uint32_t own;   /* the user's own id, mapped by itself: part of no range */
	uint32_t total; /* ids in all ranges */
	size_t text;    /* bytes of the map's text so far, the own id's line included */
	size_t n;
	struct subid_range range[SUBID_RANGES_MAX]; /* no two share an id */
};

struct subid_user {
	uint32_t uid, gid; /* gid: the primary one of the passwd entry */
	const char *name;
};

/* where to look; subid_config_default() fills in the system's own */
struct subid_config {
	enum subid_source source;
	const char *file[SUBID_NKINDS]; /* /etc/subuid, /etc/subgid */
	const char *nsswitch;           /* /etc/nsswitch.conf */
	const char *getsubids;          /* program; from the variable GETSUBIDS */
	int limit_ms;                   /* for the program */
};

void subid_config_default(struct subid_config *c);

/* subid_source_parse() - the value of --subid-source; 0 or -EINVAL */
int subid_source_parse(const char *text, enum subid_source *ret, struct err *err);

/**
 * subid_load() - all ranges of a user, both kinds
 * @ret:	SUBID_NKINDS lists, each with at least one range; undefined on failure
 * Return: 0; -ENOENT when one kind has none (the text says how to add some); -E2BIG when there are
 *         more than the kernel maps; else a negative errno
 */
int subid_load(const struct subid_config *c, const struct subid_user *user,
	       struct subid_list ret[SUBID_NKINDS], struct err *err);

/**
 * subid_command() - the command that gives the user 65536 more ids, from a range that is free
 * @want:	of which kinds
 * Return: length; -ENOSPC when no range is left; -ENAMETOOLONG or -ENOMEM
 */
int subid_command(const struct subid_config *c, const struct subid_user *u,
		  const bool want[SUBID_NKINDS], char *dst, size_t size);

/* subid_list_init() - an empty list for the user whose own id is @own */
void subid_list_init(struct subid_list *l, uint32_t own);

/**
 * subid_list_add() - append a range without the ids that are there already and without the own one
 * Return: 0; -EINVAL when it is empty or leaves the id space; -E2BIG when the map is full
 */
int subid_list_add(struct subid_list *l, uint64_t start, uint64_t count);

/**
 * subid_parse_file() - add what a subuid or subgid file grants the user ("NAME:FIRST:COUNT")
 * @file:	its name, for messages
 *
 * Another user's broken line is passed over; a broken one of this user is -EINVAL.
 */
int subid_parse_file(const char *text, size_t len, const char *file, const struct subid_user *user,
		     struct subid_list *l, struct err *err);

/**
 * subid_find_other() - another user to whom ids of the list are granted as well
 * @text:	of a subuid or subgid file; lines that cannot be read are passed over
 * Return: false when there is none
 */
bool subid_find_other(const char *text, const struct subid_user *user, const struct subid_list *l,
		      char *ret_name, size_t size);

/* subid_parse_output() - add what getsubids printed ("0: NAME FIRST COUNT") */
int subid_parse_output(const char *text, size_t len, struct subid_list *l, struct err *err);

/**
 * subid_free_range() - the lowest range of 65536 ids from 100000 on that no line of the texts uses
 * @text:	contents of the files; NULL entries are passed over
 * Return: 0; -ENOSPC when there is none; -ENOMEM
 */
int subid_free_range(const char *const text[SUBID_NKINDS], uint32_t *ret_start);

#endif
