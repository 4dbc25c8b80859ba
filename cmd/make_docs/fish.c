// SPDX-License-Identifier: Apache-2.0
/* fish.c - the completion for fish: a line for each option */
#include <stdio.h>
#include <string.h>

#include "cmd/make_docs/words.h"
#include "lib/base/str.h"

static void put_quoted(const char *text)
{
	putchar('\'');
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('\'');
}

/* @condition: of fish, or "" */
static void put_words(const char *program, const char *who, const char *condition)
{
	static struct words ws;

	if (!words_of(who, &ws))
		return;
	for (size_t i = 0; i < ws.n; i++) {
		const struct word *w = &ws.word[i];

		printf("complete -c %s", program);
		if (*condition) {
			fputs(" -n ", stdout);
			put_quoted(condition);
		}
		printf(" -l %s", w->name);
		if (w->alias)
			printf(" -s %s", w->alias);
		if (w->value)
			fputs(words_is_path(w)  ? " -r -F"
			      : words_is_dir(w) ? " -x -a '(__fish_complete_directories)'"
						: " -x",
			      stdout);
		if (*w->choices) {
			fputs(" -a ", stdout);
			put_quoted(w->choices);
		}
		fputs(" -d ", stdout);
		put_quoted(w->help);
		putchar('\n');
	}
}

static void put_commands(void)
{
	const char *help, *args, *name;

	for (size_t i = 0; (name = words_command(i, &help, &args)); i++) {
		char who[WORD_MAX * 2], condition[WORD_MAX * 2];

		printf("complete -c rootlessctl -f -n __fish_use_subcommand -a %s -d ", name);
		put_quoted(help);
		putchar('\n');
		str_format(who, sizeof(who), "rootlessctl %s", name);
		str_format(condition, sizeof(condition), "__fish_seen_subcommand_from %s", name);
		put_words("rootlessctl", who, condition);
	}
}

void make_fish(void)
{
	static const char not_check[] = "not __fish_seen_subcommand_from check doctor";

	puts("# fish completion of rootless-supervisor; made from the tables of options\n"
	     "complete -c rootless-supervisor -n __fish_use_subcommand -a check -d 'would a start "
	     "work here, what is missing'\n"
	     "complete -c rootless-supervisor -n __fish_use_subcommand -xa "
	     "'(__fish_complete_subcommand)'");
	put_words("rootless-supervisor", "rootless-supervisor", not_check);
	put_words("rootless-supervisor", "check", "__fish_seen_subcommand_from check doctor");
	put_words("rootlesskit", "rootlesskit", "");
	put_words("docker-rootlesskit", "rootlesskit", "");
	put_words("rootlesskit-docker-proxy", "rootlesskit-docker-proxy", "");
	put_words("rootlessctl", "rootlessctl", "__fish_use_subcommand");
	put_commands();
}
