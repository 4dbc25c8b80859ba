/* SPDX-License-Identifier: Apache-2.0 */
/* goflag.h - flags as Go's package reads them: -x and --x alike, before the arguments */
#ifndef RK_CLIENT_GOFLAG_H
#define RK_CLIENT_GOFLAG_H

#include <stddef.h>

#include "lib/base/err.h"

enum goflag_type { GOFLAG_BOOL, GOFLAG_TEXT, GOFLAG_INT };

struct goflag {
	const char *name, *alias; /* alias: NULL or another name */
	enum goflag_type type;
	void *value; /* bool, const char *, int64_t; the default stands there */
};

/**
 * goflag_parse() - read flags up to the first argument that is none, or behind "--"
 * @argv:	argv[0] is skipped
 * @err:	"flag provided but not defined: -x" and the like
 * Return: the index of the first argument, argc when there is none; -EINVAL
 */
int goflag_parse(int argc, char **argv, const struct goflag *flags, size_t nflags, struct err *err);

#endif
