// SPDX-License-Identifier: Apache-2.0
/*
 * options.c - the parser of the command line
 *
 * Both dialects follow the rules of Go's flag package: one dash is as good as two, a bool takes a
 * value only after "=", the first word that is no flag starts the command. They differ in the
 * texts, in the defaults (options_table.c) and in two rules that only upstream's library has: the
 * clash of aliases, and the help that follows a usage error.
 */
#include "cmd/rootless-supervisor/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/rootless-supervisor/options_table.h"
#include "lib/base/cleanup.h"
#include "lib/base/gotext.h"
#include "lib/base/nearest.h"
#include "lib/base/str.h"

#define DEFAULT_PROGRAM "rootless-supervisor"

/* one flag as it was typed */
struct word {
	const char *typed;            /* with its dashes, and perhaps "=value" */
	const char *name;             /* without the dashes */
	size_t len;                   /* of the name alone */
	const char *value;            /* NULL: none */
	const struct option_def *def; /* NULL: unknown */
	enum option_form form;
};

/* what a message says of it: never more than a line's worth */
static int name_len(const struct word *w)
{
	return w->len < GO_QUOTE_MAX ? (int)w->len : GO_QUOTE_MAX;
}

enum dialect options_dialect(const char *argv0)
{
	const char *name = argv0 ? str_basename(argv0) : "";

	if (strcmp(name, "rootlesskit") == 0 || strcmp(name, "docker-rootlesskit") == 0)
		return DIALECT_ROOTLESSKIT;
	return DIALECT_OURS;
}

static bool is_name(const struct word *w, const char *name)
{
	return name && strlen(name) == w->len && memcmp(name, w->name, w->len) == 0;
}

static void find_def(struct word *w, enum dialect dialect)
{
	for (size_t i = 0; i < OPT_NIDS; i++) {
		const struct option_def *d = &option_table[i];

		if (!(d->dialects & 1u << dialect))
			continue;
		w->form = is_name(w, d->name)     ? OPTION_FORM_NAME
			  : is_name(w, d->alias)  ? OPTION_FORM_ALIAS
			  : is_name(w, d->hidden) ? OPTION_FORM_HIDDEN
						  : 0;
		if (w->form) {
			w->def = d;
			return;
		}
	}
}

/* 0, or -EINVAL when dashes are followed by nothing that could be a name */
static int split_word(struct word *w, const char *typed)
{
	*w = (struct word){ .typed = typed, .name = typed + (typed[1] == '-' ? 2 : 1) };
	if (!*w->name || *w->name == '-' || *w->name == '=')
		return -EINVAL;
	w->len = strcspn(w->name, "=");
	if (w->name[w->len] == '=')
		w->value = w->name + w->len + 1;
	return 0;
}

static int refuse_syntax(enum dialect dialect, const char *typed, struct err *err)
{
	if (dialect == DIALECT_ROOTLESSKIT)
		return err_say(err, EINVAL, "bad flag syntax: %s", typed);
	return err_say(err, EINVAL, "malformed option '%s'", typed);
}

static int refuse_unknown(enum dialect dialect, const struct word *w, struct err *err)
{
	struct nearest near = { 0 };

	if (dialect == DIALECT_ROOTLESSKIT)
		return err_say(err, EINVAL, "flag provided but not defined: -%.*s", name_len(w),
			       w->name);
	err_say(err, EINVAL, "unknown option %.*s%.*s", (int)(w->name - w->typed), w->typed,
		name_len(w), w->name);
	for (size_t i = 0; i < OPT_NIDS; i++) {
		if (option_table[i].dialects & 1u << dialect)
			nearest_try(&near, w->name, w->len, option_table[i].name);
	}
	return near.word ? err_hint(err, -EINVAL, "did you mean --%s?", near.word) : -EINVAL;
}

static int refuse_missing(enum dialect dialect, const struct word *w, struct err *err)
{
	if (dialect == DIALECT_ROOTLESSKIT)
		return err_say(err, EINVAL, "flag needs an argument: -%.*s", name_len(w), w->name);
	return err_say(err, EINVAL, "option --%s needs a value (--%s=%s)", w->def->name,
		       w->def->name, w->def->value);
}

/* @why: what option_value_set() returned */
static int refuse_value(enum dialect dialect, const struct word *w, int why, struct err *err)
{
	bool is_bool = w->def->type == OPTION_BOOL;
	char q[GO_QUOTE_MAX];

	if (why == -ENOMEM)
		return err_set(err, ENOMEM, "reading option --%s", w->def->name);
	go_quote(q, sizeof(q), w->value);
	if (dialect == DIALECT_OURS)
		return err_say(err, EINVAL, "option --%s takes %s%s%s, not %s", w->def->name,
			       is_bool          ? "true or false"
			       : why == -ERANGE ? "a smaller number"
						: "a number",
			       w->def->word ? " or " : "", w->def->word ? w->def->word : "", q);
	if (is_bool)
		return err_say(err, EINVAL, "invalid boolean value %s for -%.*s: parse error", q,
			       name_len(w), w->name);
	return err_say(err, EINVAL, "invalid value %s for flag -%.*s: %s", q, name_len(w), w->name,
		       why == -ERANGE ? "value out of range" : "parse error");
}

/* one flag and its value; *at moves behind them */
static int read_flag(struct option_values *values, int argc, char **argv, int *at, struct err *err)
{
	enum dialect dialect = values->dialect;
	struct option_value *v;
	struct word w;
	int r;

	if (split_word(&w, argv[*at]) < 0)
		return refuse_syntax(dialect, argv[*at], err);
	*at += 1;
	find_def(&w, dialect);
	if (!w.def)
		return refuse_unknown(dialect, &w, err);
	if (!w.value && w.def->type == OPTION_BOOL)
		w.value = "true";
	else if (!w.value && *at < argc)
		w.value = argv[(*at)++];
	if (!w.value)
		return refuse_missing(dialect, &w, err);
	v = &values->v[w.def - option_table];
	v->given |= w.form;
	r = option_value_set(w.def, v, w.value);
	return r < 0 ? refuse_value(dialect, &w, r, err) : 0;
}

/* upstream's library takes only one spelling of a flag in a command line */
static int check_forms(const struct option_values *values, struct err *err)
{
	if (values->dialect != DIALECT_ROOTLESSKIT)
		return 0;
	for (size_t i = 0; i < OPT_NIDS; i++) {
		const struct option_def *d = &option_table[i];
		uint32_t given = values->v[i].given;

		if (given & (given - 1))
			return err_say(err, EINVAL, "Cannot use two forms of the same flag: %s %s",
				       given & OPTION_FORM_ALIAS ? d->alias : d->hidden, d->name);
	}
	return 0;
}

static int read_argv(struct option_values *values, int argc, char **argv, struct err *err)
{
	int at = argc > 0 ? 1 : 0, r;

	while (at < argc && argv[at][0] == '-' && argv[at][1]) {
		if (strcmp(argv[at], "--") == 0) {
			at++;
			break;
		}
		r = read_flag(values, argc, argv, &at, err);
		if (r < 0)
			return r;
	}
	values->command = argv + at;
	return check_forms(values, err);
}

static void values_init(struct option_values *values, const char *argv0)
{
	*values =
		(struct option_values){ .dialect = options_dialect(argv0),
					.program = argv0 ? str_basename(argv0) : DEFAULT_PROGRAM };
	for (size_t i = 0; i < OPT_NIDS; i++) {
		const struct option_def *d = &option_table[i];
		const char *text = d->default_value[values->dialect];

		values->v[i].text = "";
		if (text)
			option_value_set(d, &values->v[i], text);
	}
}

static void values_done(struct option_values *values)
{
	for (size_t i = 0; i < OPT_NIDS; i++) {
		struct option_value *v = &values->v[i];

		for (size_t n = 0; n < v->nitems; n++)
			free(v->items[n]);
		free(v->items);
	}
}

/* upstream shows the help on stdout; ours says where it is */
static int refuse_usage(const struct option_values *values, FILE *out, int r, struct err *err)
{
	if (values->dialect == DIALECT_OURS)
		return err_hint(err, r, "try '%s --help'", values->program);
	fprintf(out, "Incorrect Usage: %s\n\n", err->msg);
	options_help(out, values->dialect, values->program);
	return r;
}

/* what the flags ask for, in upstream's order: help, version, semver, then the command */
static int obey(const struct option_values *values, struct options *o, struct options_report *rep,
		struct err *err)
{
	const char *part = values->v[OPT_PRINT_SEMVER].text;
	int r;

	if (values->v[OPT_HELP].flag) {
		options_help(rep->out, values->dialect, values->program);
		return OPTIONS_EXIT;
	}
	if (values->v[OPT_VERSION].flag) {
		options_version(rep->out, values->dialect);
		return OPTIONS_EXIT;
	}
	if (*part) {
		r = options_print_semver(rep->out, values->dialect, part, err);
		return r < 0 ? r : OPTIONS_EXIT;
	}
	if (!values->command[0]) {
		err_say(err, EINVAL, "no command specified");
		if (values->dialect == DIALECT_OURS)
			err_hint(err, -EINVAL,
				 "usage: %s [OPTION]... COMMAND [ARG]..., try '%s --help'",
				 values->program, values->program);
		return -EINVAL;
	}
	r = options_check(values, o, rep, err);
	return r < 0 ? r : OPTIONS_RUN;
}

int options_parse(struct options *ret, struct options_report *rep, int argc, char **argv,
		  struct err *err)
{
	const char *argv0 = argc > 0 ? argv[0] : NULL;
	struct option_values values;
	struct options o = { 0 };
	struct err local = { 0 };
	int r;

	rep->warnings = NULL;
	rep->nwarnings = 0;
	values_init(&values, argv0);
	r = read_argv(&values, argc, argv, &local);
	if (r < 0)
		r = refuse_usage(&values, rep->out, r, &local);
	else
		r = obey(&values, &o, rep, &local);
	values_done(&values);
	if (r == OPTIONS_RUN)
		*ret = o;
	else
		options_done(&o);
	if (r < 0 && err)
		*err = local;
	return r;
}

void options_done(struct options *o)
{
	for (size_t i = 0; i < o->ncopy_up; i++)
		free((void *)o->copy_up[i]);
	free((void *)o->copy_up);
	for (size_t i = 0; i < o->nsysctl; i++) {
		free(o->sysctl[i].path);
		free(o->sysctl[i].value);
	}
	free(o->sysctl);
	free(o->publish);
	for (size_t i = 0; i < o->npublish_given; i++)
		free(o->publish_given[i]);
	free(o->publish_given);
	*o = (struct options){ 0 };
}

void options_report_done(struct options_report *rep)
{
	for (size_t i = 0; i < rep->nwarnings; i++)
		free(rep->warnings[i]);
	free(rep->warnings);
	rep->warnings = NULL;
	rep->nwarnings = 0;
}
