// SPDX-License-Identifier: Apache-2.0
/* mountinfo.c - what /proc/self/mountinfo says of the mount that a path is on */
#include "lib/check/mountinfo.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"

enum { FIELD_POINT = 4, FIELD_OPTIONS = 5, FIELD_OPTIONAL = 6, FIELDS_MAX = 32 };

/* "\040" for a blank and the like */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
		    s[3] >= '0' && s[3] <= '7') {
			*to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

static bool is_above(const char *point, const char *path)
{
	size_t n = strlen(point);

	if (strcmp(point, "/") == 0)
		return true;
	return str_starts(path, point) && (path[n] == '/' || path[n] == '\0');
}

/* 36 35 98:0 /root /point options [optional...] - fstype source super-options */
static bool read_line(char *line, const char *path, struct mountinfo *ret)
{
	char *field[FIELDS_MAX], *save = NULL;
	size_t n = 0, dash = 0, len = 0;
	bool shared = false;

	for (char *w = strtok_r(line, " ", &save); w && n < FIELDS_MAX;
	     w = strtok_r(NULL, " ", &save))
		field[n++] = w;
	for (size_t i = FIELD_OPTIONAL; i < n && !dash; i++) {
		if (strcmp(field[i], "-") == 0)
			dash = i;
		shared |= str_starts(field[i], "shared:");
	}
	if (!dash || dash + 1 >= n)
		return false;
	unescape(field[FIELD_POINT]);
	if (!is_above(field[FIELD_POINT], path))
		return false;
	snprintf(ret->point, sizeof(ret->point), "%s", field[FIELD_POINT]);
	snprintf(ret->options, sizeof(ret->options), "%s", field[FIELD_OPTIONS]);
	snprintf(ret->fstype, sizeof(ret->fstype), "%s", field[dash + 1]);
	ret->optional[0] = '\0';
	for (size_t i = FIELD_OPTIONAL; i < dash && len < sizeof(ret->optional); i++)
		len += (size_t)snprintf(ret->optional + len, sizeof(ret->optional) - len, "%s%s",
					len ? " " : "", field[i]);
	ret->shared = shared;
	return true;
}

bool mountinfo_find(char *text, const char *path, struct mountinfo *ret)
{
	struct mountinfo m;
	char *save = NULL;
	bool found = false;

	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		if (!read_line(l, path, &m))
			continue;
		/* a later mount covers an earlier one at the same place or below it */
		if (found && strlen(m.point) < strlen(ret->point))
			continue;
		*ret = m;
		found = true;
	}
	return found;
}

bool mountinfo_has(const char *options, const char *option)
{
	size_t n = strlen(option);

	for (const char *p = options; *p; p += strcspn(p, ",") + (p[strcspn(p, ",")] == ',')) {
		if (strcspn(p, ",") == n && memcmp(p, option, n) == 0)
			return true;
	}
	return false;
}
