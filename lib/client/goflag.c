// SPDX-License-Identifier: Apache-2.0
/* goflag.c - flags as Go's package reads them */
#include "lib/client/goflag.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/gotext.h"

#define QUOTED_MAX 200

static const struct goflag *find(const struct goflag *flags, size_t nflags, const char *name,
				 size_t len)
{
	for (size_t i = 0; i < nflags; i++) {
		const char *names[] = { flags[i].name, flags[i].alias };

		for (size_t j = 0; j < 2; j++) {
			if (names[j] && strlen(names[j]) == len && memcmp(names[j], name, len) == 0)
				return &flags[i];
		}
	}
	return NULL;
}

static int set_value(const struct goflag *f, const char *text, void *ret, struct err *err)
{
	void *value = (char *)ret + f->offset;
	char quoted[QUOTED_MAX];
	int r = 0;

	if (f->type == GOFLAG_TEXT)
		*(const char **)value = text;
	else if (f->type == GOFLAG_INT)
		r = go_parse_int(text, true, value);
	else
		r = go_parse_bool(text, value);
	if (r == 0)
		return 0;
	go_quote(quoted, sizeof(quoted), text);
	if (f->type == GOFLAG_BOOL)
		return err_say(err, EINVAL, "invalid boolean value %s for -%s: parse error", quoted,
			       f->name);
	return err_say(err, EINVAL, "invalid value %s for flag -%s: %s", quoted, f->name,
		       r == -ERANGE ? "value out of range" : "parse error");
}

int goflag_parse(int argc, char **argv, const struct goflag *flags, size_t nflags, void *ret,
		 struct err *err)
{
	int i;

	for (i = 1; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
		const char *name = argv[i] + (argv[i][1] == '-' ? 2 : 1);
		size_t len = strcspn(name, "=");
		const char *value = name[len] ? name + len + 1 : NULL;
		const struct goflag *f;
		int r;

		if (!*name)
			return i + 1; /* "--" */
		if (*name == '-' || len == 0)
			return err_say(err, EINVAL, "bad flag syntax: %s", argv[i]);
		f = find(flags, nflags, name, len);
		if (!f)
			return err_say(err, EINVAL, "flag provided but not defined: -%.*s",
				       (int)len, name);
		if (!value && f->type == GOFLAG_BOOL)
			value = "true";
		if (!value && i + 1 < argc)
			value = argv[++i];
		if (!value)
			return err_say(err, EINVAL, "flag needs an argument: -%.*s", (int)len,
				       name);
		r = set_value(f, value, ret, err);
		if (r < 0)
			return r;
	}
	return i;
}
