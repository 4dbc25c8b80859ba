// SPDX-License-Identifier: Apache-2.0
/*
 * text.c - causes in words: templates filled in, and the lines below an error
 *
 * What comes from outside (names, paths) is quoted for the shell in a command, because a user is
 * asked to run it, often with sudo.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/cause/cause.h"
#include "lib/cause/system.h"

#define NAME_MAX_LEN 64 /* of what stands between two @ */

static const char *const level_names[CAUSE_NLEVELS] = { "note", "warn", "fail" };

const char *cause_level_name(enum cause_level level)
{
	return (unsigned)level < CAUSE_NLEVELS ? level_names[level] : "?";
}

/* text that grows up to its end; what does not fit is remembered */
struct out {
	char *p;
	size_t size, n;
	bool cut, hand; /* hand: this distribution has no command for it */
};

static void put(struct out *o, const char *s, size_t len)
{
	if (len >= o->size - o->n) {
		len = o->size - o->n - 1;
		o->cut = true;
	}
	memcpy(o->p + o->n, s, len);
	o->n += len;
	o->p[o->n] = '\0';
}

static void put_text(struct out *o, const char *s)
{
	put(o, s, strlen(s));
}

static bool is_plain(const char *s)
{
	return *s && *s != '-' &&
	       !s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			    "_.,:/+=-")];
}

/* one word of a shell, whatever it is */
static void put_word(struct out *o, const char *s)
{
	if (is_plain(s)) {
		put_text(o, s);
		return;
	}
	put_text(o, "'");
	for (; *s; s++) {
		if (*s == '\'')
			put_text(o, "'\\''");
		else
			put(o, s, 1);
	}
	put_text(o, "'");
}

static void put_own(struct out *o, const char *name, bool quoted)
{
	char text[FINDING_ARG_MAX] = "";

	if (strcmp(name, "exe") == 0) {
		ssize_t n = readlink("/proc/self/exe", text, sizeof(text) - 1);

		text[n > 0 ? n : 0] = '\0';
	} else {
		snprintf(text, sizeof(text), "%u", getuid());
	}
	if (quoted)
		put_word(o, text);
	else
		put_text(o, text);
}

static void put_value(struct out *o, const char *name, bool quoted, const char *const args[2])
{
	char text[FINDING_ARG_MAX];

	if (!*name) {
		put_text(o, "@");
	} else if (str_starts(name, "install ")) {
		name += strlen("install ");
		o->hand |= system_install(system_family(), strcmp(name, "!0") ? name : args[0],
					  text, sizeof(text)) < 0;
		put_text(o, text);
	} else if (strcmp(name, "0") == 0 || strcmp(name, "1") == 0) {
		const char *a = args[name[0] - '0'];

		str_printable(text, sizeof(text), a ? a : "", strcspn(a ? a : "", "\n"));
		if (quoted)
			put_word(o, text);
		else
			put_text(o, text);
	} else if (name[0] == '!') {
		put_text(o, args[name[1] - '0'] ? args[name[1] - '0'] : "");
	} else {
		put_own(o, name, quoted);
	}
}

/* what did not fit is cut off */
static struct out fill(char *dst, size_t size, const char *template, bool quoted,
		       const char *const args[2])
{
	struct out o = { .p = dst, .size = size };

	assert(template);
	dst[0] = '\0';
	while (*template) {
		size_t n = strcspn(template, "@");
		const char *end = template[n] ? strchr(template + n + 1, '@') : NULL;
		char name[NAME_MAX_LEN];

		put(&o, template, n);
		template += n;
		if (!*template)
			break;
		assert(end && end - template <= NAME_MAX_LEN);
		snprintf(name, sizeof(name), "%.*s", (int)(end - template - 1), template + 1);
		put_value(&o, name, quoted, args);
		template = end + 1;
	}
	return o;
}

void finding_make(struct finding *ret, enum cause_id id, const char *a0, const char *a1)
{
	const struct cause *c = &causes[id];
	const char *const args[2] = { a0, a1 };
	enum place place = system_place();
	const char *outside = place == PLACE_CONTAINER    ? c->docker
			      : place == PLACE_KUBERNETES ? c->kubernetes
							  : NULL;
	const char *fix = outside ? outside : c->fix ? c->fix : c->by_hand;
	struct out o;

	*ret = (struct finding){ .id = id, .by_hand = fix != c->fix };
	fill(ret->reason, sizeof(ret->reason), c->reason, false, args);
	o = fill(ret->fix, sizeof(ret->fix), fix, !ret->by_hand, args);
	ret->by_hand |= o.cut || o.hand;
	if (o.cut)
		snprintf(ret->fix, sizeof(ret->fix), "as docs/check.md says");
}

static const char fix_label[] = "fix: ", hand_label[] = "by hand: ";

int cause_hint(struct err *err, int r, enum cause_id id, const char *a0, const char *a1)
{
	struct finding f, known;
	size_t used = err ? strlen(err->msg) : 0;

	if (!err || finding_of_err(err, &known))
		return r;
	finding_make(&f, id, a0, a1);
	used += strlen(causes[id].id) + strlen(f.reason) + strlen(f.fix) + strlen("\n: \n");
	if (used + strlen(hand_label) >= sizeof(err->msg)) {
		f.by_hand = true;
		snprintf(f.fix, sizeof(f.fix), "rootless-supervisor check has the command");
	}
	err_hint(err, r, "%s: %s", causes[id].id, f.reason);
	return err_hint(err, r, "%s%s", f.by_hand ? hand_label : fix_label, f.fix);
}

/* the line at @text, up to its end */
static void copy_line(char *dst, size_t size, const char *text)
{
	snprintf(dst, size, "%.*s", (int)strcspn(text, "\n"), text);
}

static bool read_cause(const char *line, enum cause_id id, struct finding *ret)
{
	size_t len = strlen(causes[id].id);
	const char *fix;

	if (!str_starts(line, causes[id].id) || !str_starts(line + len, ": "))
		return false;
	*ret = (struct finding){ .id = id };
	line += len + strlen(": ");
	copy_line(ret->reason, sizeof(ret->reason), line);
	fix = line + strcspn(line, "\n");
	fix += *fix == '\n';
	ret->by_hand = !str_starts(fix, fix_label);
	if (!ret->by_hand)
		copy_line(ret->fix, sizeof(ret->fix), fix + strlen(fix_label));
	else if (str_starts(fix, hand_label))
		copy_line(ret->fix, sizeof(ret->fix), fix + strlen(hand_label));
	return true;
}

bool finding_of_err(const struct err *err, struct finding *ret)
{
	for (const char *line = strchr(err->msg, '\n'); line; line = strchr(line, '\n')) {
		line++;
		for (size_t i = 0; i < CAUSE_NIDS; i++) {
			if (read_cause(line, (enum cause_id)i, ret))
				return true;
		}
	}
	return false;
}
