// SPDX-License-Identifier: Apache-2.0
/* zsh.c - the completion for zsh: arguments of its own function _arguments */
#include <stdio.h>

#include "cmd/make_docs/words.h"
#include "lib/base/str.h"

/* inside '...' and [...] */
static void put_help(const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", stdout);
		else if (*text == '[' || *text == ']' || *text == ':' || *text == '\\')
			printf("\\%c", *text);
		else
			putchar(*text);
	}
}

static void put_value(const struct word *w)
{
	printf(":%s:", w->value);
	if (words_is_dir(w))
		fputs("_files -/", stdout);
	else if (words_is_path(w))
		fputs("_files", stdout);
	else if (*w->choices)
		printf("(%s)", w->choices);
}

static void put_word(const struct word *w, const char *dash, const char *name, const char *sign)
{
	printf("\t\t'%s%s%s%s[", w->repeats ? "*" : "", dash, name, w->value ? sign : "");
	put_help(w->help);
	fputs("]", stdout);
	if (w->value)
		put_value(w);
	fputs("'\n", stdout);
}

/* an array of the name @array */
static void put_words(const char *array, const char *who)
{
	static struct words ws;

	if (!words_of(who, &ws))
		return;
	printf("\t%s=(\n", array);
	for (size_t i = 0; i < ws.n; i++) {
		put_word(&ws.word[i], "--", ws.word[i].name, "=");
		if (ws.word[i].alias)
			put_word(&ws.word[i], "-", ws.word[i].alias, "");
	}
	puts("\t)");
}

static void put_commands(void)
{
	const char *help, *args, *name;

	puts("\tcommands=(");
	for (size_t i = 0; (name = words_command(i, &help, &args)); i++)
		printf("\t\t'%s:%s'\n", name, help);
	puts("\t)\n\tcase $words[1] in");
	for (size_t i = 0; (name = words_command(i, &help, &args)); i++) {
		char who[WORD_MAX * 2];

		str_format(who, sizeof(who), "rootlessctl %s", name);
		printf("\t%s)\n", name);
		put_words("of_command", who);
		puts("\t\t;;");
	}
	puts("\tesac");
}

void make_zsh(void)
{
	puts("#compdef rootless-supervisor rootlesskit docker-rootlesskit rootlessctl "
	     "rootlesskit-docker-proxy\n"
	     "# zsh completion of rootless-supervisor; made from the tables of options\n"
	     "_rs_supervisor() {\n\tlocal -a options");
	put_words("options", "rootless-supervisor");
	puts("\tif [[ $words[2] == (check|doctor) && $CURRENT -gt 2 ]]; then");
	put_words("options", "check");
	puts("\t\t_arguments $options '1:command:(check doctor)'\n\t\treturn\n\tfi\n"
	     "\t_arguments $options '1:command:_command_names -e' '*::arguments:_normal'\n}\n"
	     "_rs_rootlesskit() {\n\tlocal -a options");
	put_words("options", "rootlesskit");
	puts("\t_arguments $options '1:command:_command_names -e' '*::arguments:_normal'\n}\n"
	     "_rs_proxy() {\n\tlocal -a options");
	put_words("options", "rootlesskit-docker-proxy");
	puts("\t_arguments $options\n}\n"
	     "_rs_ctl_command() {\n\tlocal -a commands of_command");
	put_commands();
	puts("\tif (( CURRENT == 1 )); then _describe command commands\n"
	     "\telse _arguments $of_command '*:argument:_default'; fi\n}\n"
	     "_rs_ctl() {\n\tlocal -a options");
	put_words("options", "rootlessctl");
	puts("\t_arguments $options '*::command:_rs_ctl_command'\n}\n"
	     "case $service in\n"
	     "rootlessctl) _rs_ctl ;;\n"
	     "rootlesskit-docker-proxy) _rs_proxy ;;\n"
	     "*rootlesskit) _rs_rootlesskit ;;\n"
	     "*) _rs_supervisor ;;\n"
	     "esac");
}
