/* SPDX-License-Identifier: Apache-2.0 */
/* idmap.h - write the uid and gid maps of the child's user namespace (parent only) */
#ifndef RK_PARENT_IDMAP_H
#define RK_PARENT_IDMAP_H

#include <sys/types.h>

#include "lib/base/cleanup.h"
#include "lib/base/options.h"
#include "lib/parent/subid.h"

struct err;
struct idmap; /* opaque: the user and the ranges of both kinds */

/**
 * idmap_load() - read the id ranges of the user that runs us (real uid, its passwd entry)
 * @subid_source:	"auto", "dynamic" or "static"
 * @ret:	set on success only; the caller frees it with idmap_free()
 * @err:	complete: "failed to setup UID/GID map: failed to compute uid/gid map: ..."
 * Return: 0; -ENOENT when the user or a range is unknown; else another negative errno
 */
int idmap_load(const char *subid_source, struct idmap **ret, struct err *err);

/**
 * idmap_choose() - as --idmap says; what "auto" falls back to is said
 * Return: as idmap_load()
 */
int idmap_choose(enum idmap_mode mode, const char *subid_source, struct idmap **ret,
		 struct err *err);

/* idmap_is_single() - the user's own ids alone: then idmap_write() does without newuidmap */
bool idmap_is_single(const struct idmap *m);
int idmap_write(const struct idmap *m, pid_t child, struct err *err);

/* idmap_new() - the maps of @user; @list is copied. NULL when memory is short */
struct idmap *idmap_new(const struct subid_user *user, const struct subid_list list[SUBID_NKINDS]);
struct idmap *idmap_free(struct idmap *m); /* takes NULL, returns NULL */
DEFINE_FREEP(struct idmap *, idmap_free)

/* idmap_list(), idmap_user() - what it was made of; borrowed */
const struct subid_list *idmap_list(const struct idmap *m, enum subid_kind kind);
const char *idmap_user(const struct idmap *m);

/* idmap_args() - "0 1000 1 1 100000 65536", what the tool of a kind gets after the pid; malloc'ed,
 * NULL when memory is short */
char *idmap_args(const struct idmap *m, enum subid_kind kind);

/**
 * idmap_apply() - run newuidmap and newgidmap for a child that has a new user namespace
 * @child:	alive, blocked and not reaped by us: its pid cannot become another's
 * @err:	complete: "failed to setup UID/GID map: newuidmap 1234 [0 1000 1 ...] failed: ..."
 * Return: 0 or a negative errno; both tools have ended or have been killed
 */
int idmap_apply(const struct idmap *m, pid_t child, struct err *err);

/* idmap_apply_within() - as idmap_apply(), with another limit than TOOL_LIMIT_MS */
int idmap_apply_within(const struct idmap *m, pid_t child, int limit_ms, struct err *err);

#endif
