// SPDX-License-Identifier: Apache-2.0
/* check_command.c - rootless-supervisor check: its own words of the command line */
#include "cmd/rootless-supervisor/check_command.h"

#include <stdio.h>
#include <string.h>

#include "cmd/rootless-supervisor/check_words.h"
#include "cmd/rootless-supervisor/options.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/nearest.h"
#include "lib/base/str.h"
#include "lib/check/check.h"

enum { STATUS_USAGE = 125 };

static const char usage[] =
	"Usage: rootless-supervisor check [OPTION]...\n"
	"Try what a start does, in namespaces that are thrown away; say what fails, and what mends "
	"it.\n"
	"Contacts nobody, leaves nothing. doctor is another name of check; a command called check "
	"is\n"
	"started by: rootless-supervisor -- check\n"
	"\n"
	"Exit status: 0 a start works, 1 it fails, 2 (--strict) it works with warnings\n"
	"\n";

bool check_command_is(int argc, char **argv)
{
	return argc > 1 && options_dialect(argv[0]) == DIALECT_OURS &&
	       (strcmp(argv[1], "check") == 0 || strcmp(argv[1], "doctor") == 0);
}

static int help(void)
{
	fputs(usage, stdout);
	for (size_t i = 0; i < CHECK_NWORDS; i++)
		printf("      --%s%s%-*s%s\n", check_words[i].name, check_words[i].value ? "=" : "",
		       (int)(22 - strlen(check_words[i].name) - (check_words[i].value != NULL)),
		       check_words[i].value ? check_words[i].value : "", check_words[i].help);
	return 0;
}

static int refuse(const char *what, const char *on)
{
	char line[256];

	snprintf(line, sizeof(line), "check: %s '%.100s'\ntry 'rootless-supervisor check --help'",
		 what, on);
	log_fatal("parent", line);
	return STATUS_USAGE;
}

static int refuse_unknown(const char *arg)
{
	const char *name = arg + strspn(arg, "-");
	struct nearest near = { 0 };
	char line[256];

	for (size_t i = 0; i < CHECK_NWORDS; i++)
		nearest_try(&near, name, strcspn(name, "="), check_words[i].name);
	if (!near.word)
		return refuse("unknown option", arg);
	snprintf(line, sizeof(line), "check: unknown option '%.100s'\ndid you mean --%s?", arg,
		 near.word);
	log_fatal("parent", line);
	return STATUS_USAGE;
}

/* the index in check_words[], -1 when there is none; *ret_value: behind "=" or NULL */
static int find_word(const char *arg, const char **ret_value)
{
	size_t len;

	if (!str_starts(arg, "--"))
		return -1;
	arg += 2;
	len = strcspn(arg, "=");
	*ret_value = arg[len] ? arg + len + 1 : NULL;
	for (size_t i = 0; i < CHECK_NWORDS; i++) {
		if (strlen(check_words[i].name) == len &&
		    memcmp(check_words[i].name, arg, len) == 0 &&
		    (check_words[i].value || !*ret_value))
			return (int)i;
	}
	return -1;
}

/* 0, or the exit status of a refusal */
static int take(struct check_options *o, int word, const char *value)
{
	o->json |= word == WORD_JSON;
	o->fix_script |= word == WORD_FIX_SCRIPT;
	o->apply |= word == WORD_APPLY;
	o->strict |= word == WORD_STRICT;
	if (word != WORD_PRESET)
		return 0;
	o->preset = value;
	o->presets = check_preset(value);
	return o->presets ? 0 : refuse("no preset is called", value);
}

int check_command_main(int argc, char **argv)
{
	struct check_options o = { 0 };

	log_init(LOG_STYLE_OURS, "parent", false);
	for (int i = 2; i < argc; i++) {
		const char *value = NULL;
		int word = find_word(argv[i], &value), r;

		if (word < 0)
			return refuse_unknown(argv[i]);
		if (word == WORD_HELP)
			return help();
		if (word == WORD_LIST)
			return check_list();
		if (check_words[word].value && !value && i + 1 < argc)
			value = argv[++i];
		if (check_words[word].value && !value)
			return refuse("a value is missing behind", argv[i]);
		r = take(&o, word, value);
		if (r)
			return r;
	}
	if (o.json + o.fix_script + o.apply > 1)
		return refuse("only one may be given of", "--json, --fix-script, --apply");
	return check_main(&o);
}
