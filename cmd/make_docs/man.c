// SPDX-License-Identifier: Apache-2.0
/*
 * man.c - man pages: the words of data/man/NAME.1.in, with tables for these lines
 *
 *   @VERSION@ inside a line   the version
 *   @OPTIONS WHO@             the options of words_of(WHO), by their categories
 *   @COMMANDS@                the commands of rootlessctl with their options
 *   @DIFFERENCES@             where rootlesskit's options are others
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/make_docs/words.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"

#define LINE_MAX_BYTES 1024

/* no letter of a text is taken for a request of roff, and dashes can be copied */
static void put(const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", stdout);
	for (; *text; text++) {
		if (*text == '-')
			fputs("\\-", stdout);
		else if (*text == '\\')
			fputs("\\e", stdout);
		else
			putchar(*text);
	}
}

static void put_option(const struct word *w)
{
	fputs(".TP\n", stdout);
	if (w->alias)
		printf("\\fB\\-%s\\fR, ", w->alias);
	fputs("\\fB\\-\\-", stdout);
	put(w->name);
	fputs("\\fR", stdout);
	if (w->value)
		printf("=\\fI%s\\fR", w->value);
	putchar('\n');
	put(w->help);
	putchar('\n');
}

static bool put_options(const char *who)
{
	static struct words ws;
	const char *category = NULL;

	if (!words_of(who, &ws))
		return false;
	for (size_t i = 0; i < ws.n; i++) {
		const struct word *w = &ws.word[i];

		if (w->category && (!category || strcmp(category, w->category) != 0))
			printf(".SS %s\n", w->category);
		category = w->category;
		put_option(w);
	}
	return true;
}

static void put_commands(void)
{
	const char *help, *args, *name;

	for (size_t i = 0; (name = words_command(i, &help, &args)); i++) {
		char who[WORD_MAX * 2];

		fputs(".SS ", stdout);
		put(name);
		fputs("\n.B rootlessctl ", stdout);
		put(name);
		putchar(' ');
		put(args);
		fputs("\n.PP\n", stdout);
		put(help);
		fputs(".\n", stdout);
		str_format(who, sizeof(who), "rootlessctl %s", name);
		put_options(who);
	}
}

static void put_difference(const char *name, const char *ours, const char *theirs)
{
	fputs(".TP\n\\fB\\-\\-", stdout);
	put(name);
	fputs("\\fR\n", stdout);
	if (!theirs) {
		fputs("not under this name", stdout);
		if (*ours) {
			fputs("; what it does by default there, ", stdout);
			put(ours);
			fputs(", is done here as well", stdout);
		}
		fputs(".\n", stdout);
		return;
	}
	fputs("is ", stdout);
	put(theirs);
	fputs(" by default, not ", stdout);
	put(ours);
	fputs(".\n", stdout);
}

/* one line of the template; false when it names what is not there */
static bool put_line(char *line)
{
	char *version = strstr(line, "@VERSION@");

	if (version) {
		printf("%.*s%s%s", (int)(version - line), line, RK_VERSION,
		       version + strlen("@VERSION@"));
		return true;
	}
	if (str_starts(line, "@OPTIONS ")) {
		line[strcspn(line, "\n") - 1] = '\0';
		return put_options(line + strlen("@OPTIONS "));
	}
	if (strcmp(line, "@COMMANDS@\n") == 0)
		put_commands();
	else if (strcmp(line, "@DIFFERENCES@\n") == 0)
		words_differ(put_difference);
	else
		fputs(line, stdout);
	return true;
}

int make_man(const char *template)
{
	char line[LINE_MAX_BYTES];
	FILE *in = fopen(template, "re");
	bool fine = in != NULL;

	if (!in)
		perror(template);
	while (fine && fgets(line, sizeof(line), in)) {
		fine = put_line(line);
		if (!fine)
			fprintf(stderr, "%s: no table for %s\n", template, line);
	}
	if (in)
		fclose(in);
	return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
