// SPDX-License-Identifier: Apache-2.0
/*
 * main.c - make_docs: man pages and completions from the tables of options, at build time
 *
 * make_docs man TEMPLATE | bash | zsh | fish | names WHO | commands: on stdout
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/make_docs/words.h"
#include "lib/base/cleanup.h"

/* an option a line, for the test that looks for each of them everywhere */
static int make_names(const char *who)
{
	static struct words ws;

	if (!words_of(who, &ws))
		return EXIT_FAILURE;
	for (size_t i = 0; i < ws.n; i++)
		puts(ws.word[i].name);
	return EXIT_SUCCESS;
}

static int make_commands(void)
{
	const char *help, *args, *name;

	for (size_t i = 0; (name = words_command(i, &help, &args)); i++)
		puts(name);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*make)(void);
	} shells[] = { { "bash", make_bash }, { "zsh", make_zsh }, { "fish", make_fish } };

	if (argc == 3 && strcmp(argv[1], "man") == 0)
		return make_man(argv[2]);
	if (argc == 3 && strcmp(argv[1], "names") == 0)
		return make_names(argv[2]);
	if (argc == 2 && strcmp(argv[1], "commands") == 0)
		return make_commands();
	for (size_t i = 0; i < ARRAY_SIZE(shells) && argc == 2; i++) {
		if (strcmp(argv[1], shells[i].name) == 0) {
			shells[i].make();
			return EXIT_SUCCESS;
		}
	}
	fputs("usage: make_docs man TEMPLATE | bash | zsh | fish | names WHO | commands\n", stderr);
	return EXIT_FAILURE;
}
