// SPDX-License-Identifier: Apache-2.0
/* check_command.c - rootless-supervisor check: its own words of the command line */
#include "cmd/rootless-supervisor/check_command.h"

#include <stdio.h>
#include <string.h>

#include "cmd/rootless-supervisor/options.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/check/check.h"

enum { STATUS_USAGE = 125 };

enum word {
	WORD_JSON,
	WORD_FIX_SCRIPT,
	WORD_APPLY,
	WORD_PRESET,
	WORD_STRICT,
	WORD_LIST,
	WORD_HELP
};

static const struct {
	const char *name, *value, *help; /* value: its name, NULL for none */
} words[] = {
	[WORD_JSON] = { "json", NULL, "the report as JSON" },
	[WORD_FIX_SCRIPT] = { "fix-script", NULL,
			      "print the commands that mend what is found, as a script" },
	[WORD_APPLY] = { "apply", NULL, "show these commands, ask, run them" },
	[WORD_PRESET] = { "preset", "NAME",
			  "what this daemon needs, too [docker, containerd, buildkit, k3s]" },
	[WORD_STRICT] = { "strict", NULL, "exit status 2 for warnings" },
	[WORD_LIST] = { "list", NULL, "every cause that is looked for" },
	[WORD_HELP] = { "help", NULL, "show help" },
};

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
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		printf("      --%s%s%-*s%s\n", words[i].name, words[i].value ? "=" : "",
		       (int)(22 - strlen(words[i].name) - (words[i].value != NULL)),
		       words[i].value ? words[i].value : "", words[i].help);
	return fflush(stdout) == 0 ? 0 : STATUS_USAGE;
}

static int refuse(const char *what, const char *on)
{
	char line[256];

	snprintf(line, sizeof(line), "check: %s '%.100s'\ntry 'rootless-supervisor check --help'",
		 what, on);
	log_fatal("parent", line);
	return STATUS_USAGE;
}

/* the index in words[], -1 when there is none; *ret_value: behind "=" or NULL */
static int find_word(const char *arg, const char **ret_value)
{
	size_t len;

	if (!str_starts(arg, "--"))
		return -1;
	arg += 2;
	len = strcspn(arg, "=");
	*ret_value = arg[len] ? arg + len + 1 : NULL;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strlen(words[i].name) == len && memcmp(words[i].name, arg, len) == 0 &&
		    (words[i].value || !*ret_value))
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
			return refuse("unknown option", argv[i]);
		if (word == WORD_HELP)
			return help();
		if (word == WORD_LIST)
			return check_list();
		if (words[word].value && !value && i + 1 < argc)
			value = argv[++i];
		if (words[word].value && !value)
			return refuse("a value is missing behind", argv[i]);
		r = take(&o, word, value);
		if (r)
			return r;
	}
	if (o.json + o.fix_script + o.apply > 1)
		return refuse("only one may be given of", "--json, --fix-script, --apply");
	return check_main(&o);
}
