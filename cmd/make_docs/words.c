// SPDX-License-Identifier: Apache-2.0
/* words.c - the tables of all programs in one form */
#include "cmd/make_docs/words.h"

#include <stdio.h>
#include <string.h>

#include "cmd/rootless-supervisor/check_words.h"
#include "cmd/rootless-supervisor/options_table.h"
#include "cmd/rootlessctl/rootlessctl.h"
#include "cmd/rootlesskit-docker-proxy/flags.h"
#include "lib/base/str.h"

#define COMMAND_PREFIX "rootlessctl "

/* "... [auto, true, false] (default: x)": the words of the last brackets, unless they are prose */
static void take_choices(struct word *w)
{
	const char *open = strrchr(w->help, '['), *close = open ? strchr(open, ']') : NULL;
	size_t n = 0;

	for (const char *p = open; open && p + 1 < close && n + 1 < sizeof(w->choices); p++) {
		char c = p[1];

		if (c == ',')
			c = ' ';
		if (c != ' ' || (n && w->choices[n - 1] != ' '))
			w->choices[n++] = c;
	}
	w->choices[n] = '\0';
	if (!w->value)
		w->choices[0] = '\0';
}

static struct word *append(struct words *ws, const char *name, const char *alias, const char *value)
{
	struct word *w = &ws->word[ws->n++];

	*w = (struct word){ .alias = alias, .value = value };
	str_format(w->name, sizeof(w->name), "%s", name);
	return w;
}

static void append_option(struct words *ws, const struct option_def *d, enum dialect dialect)
{
	struct word *w = append(ws, d->name, d->alias, d->value);
	const char *text = d->hide_default ? NULL : d->default_value[dialect];

	str_format(w->help, sizeof(w->help), "%s%s%s%s%s%s%s", d->help, d->choices ? " [" : "",
		   d->choices ? d->choices() : "", d->choices ? "]" : "",
		   text && *text ? " (default: " : "", text && *text ? text : "",
		   text && *text ? ")" : "");
	w->category = d->category;
	w->repeats = d->type == OPTION_SLICE;
	take_choices(w);
}

static void append_flags(struct words *ws, const struct goflag *flags, size_t nflags)
{
	for (size_t i = 0; i < nflags; i++) {
		struct word *w = append(ws, flags[i].name, flags[i].alias, flags[i].value);

		str_format(w->help, sizeof(w->help), "%s", flags[i].help);
		take_choices(w);
	}
}

static void append_check(struct words *ws)
{
	for (size_t i = 0; i < CHECK_NWORDS; i++) {
		struct word *w = append(ws, check_words[i].name, NULL, check_words[i].value);

		str_format(w->help, sizeof(w->help), "%s", check_words[i].help);
		take_choices(w);
	}
}

static bool append_command(struct words *ws, const char *name)
{
	for (size_t i = 0; i < CTL_NCOMMANDS; i++) {
		if (strcmp(ctl_commands[i].name, name) == 0) {
			append_flags(ws, ctl_commands[i].flags, ctl_commands[i].nflags);
			return true;
		}
	}
	return false;
}

bool words_of(const char *who, struct words *ret)
{
	bool upstream = strcmp(who, "rootlesskit") == 0;

	ret->n = 0;
	if (str_starts(who, COMMAND_PREFIX))
		return append_command(ret, who + strlen(COMMAND_PREFIX));
	if (upstream || strcmp(who, "rootless-supervisor") == 0) {
		enum dialect dialect = upstream ? DIALECT_ROOTLESSKIT : DIALECT_OURS;

		for (size_t i = 0; i < OPT_NIDS; i++) {
			if (option_table[i].dialects & 1u << dialect)
				append_option(ret, &option_table[i], dialect);
		}
	} else if (strcmp(who, "check") == 0) {
		append_check(ret);
	} else if (strcmp(who, "rootlessctl") == 0) {
		append_flags(ret, ctl_globals, CTL_NGLOBALS);
	} else if (strcmp(who, "rootlesskit-docker-proxy") == 0) {
		append_flags(ret, proxy_flags, PROXY_NFLAGS);
	}
	return ret->n > 0;
}

const char *words_command(size_t i, const char **ret_help, const char **ret_args)
{
	if (i >= CTL_NCOMMANDS)
		return NULL;
	*ret_help = ctl_commands[i].usage;
	*ret_args = ctl_commands[i].args;
	return ctl_commands[i].name;
}

void words_differ(void (*visit)(const char *name, const char *ours, const char *theirs))
{
	for (size_t i = 0; i < OPT_NIDS; i++) {
		const struct option_def *d = &option_table[i];
		const char *ours = d->default_value[DIALECT_OURS];
		const char *theirs = d->default_value[DIALECT_ROOTLESSKIT];

		if (!(d->dialects & IN_ROOTLESSKIT))
			visit(d->name, d->hide_default || !ours ? "" : ours, NULL);
		else if (ours && theirs && strcmp(ours, theirs) != 0)
			visit(d->name, ours, theirs);
	}
}

bool words_is_path(const struct word *w)
{
	return w->value && (strcmp(w->value, "PATH") == 0 || strcmp(w->value, "FILE") == 0 ||
			    strcmp(w->name, "socket") == 0);
}

bool words_is_dir(const struct word *w)
{
	return w->value && strcmp(w->value, "DIR") == 0;
}
