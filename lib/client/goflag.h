/* SPDX-License-Identifier: Apache-2.0 */
/* goflag.h - flags as Go's package reads them: -x and --x alike, before the arguments */
#ifndef RK_CLIENT_GOFLAG_H
#define RK_CLIENT_GOFLAG_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

enum goflag_type { GOFLAG_BOOL, GOFLAG_TEXT, GOFLAG_INT };

/* a row of a table that help, man pages and completions are made of, too */
struct goflag {
	const char *name, *alias; /* alias: NULL or another name */
	enum goflag_type type;
	size_t offset;            /* of a bool, const char * or int64_t; the default stands there */
	const char *value, *help; /* value: its name in the help; NULL for bools */
	bool unsaid;              /* left out of a help that is a contract */
};

/**
 * goflag_parse() - read flags up to the first argument that is none, or behind "--"
 * @argv:	argv[0] is skipped
 * @ret:	the structure that the offsets of @flags are in
 * @err:	"flag provided but not defined: -x" and the like
 * Return: the index of the first argument, argc when there is none; -EINVAL
 */
int goflag_parse(int argc, char **argv, const struct goflag *flags, size_t nflags, void *ret,
		 struct err *err);

#endif
