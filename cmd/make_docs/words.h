/* SPDX-License-Identifier: Apache-2.0 */
/* words.h - the tables of all programs in one form, for man pages and completions */
#ifndef RK_CMD_MAKE_DOCS_WORDS_H
#define RK_CMD_MAKE_DOCS_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#define WORD_MAX 48
#define WORD_HELP_MAX 512
#define WORD_CHOICES_MAX 160
#define WORDS_MAX 96

/* an option */
struct word {
	char name[WORD_MAX]; /* without dashes */
	const char *alias;   /* NULL: none */
	const char *value;   /* its name; NULL for bools */
	char help[WORD_HELP_MAX];
	char choices[WORD_CHOICES_MAX]; /* with blanks between; "": any value */
	const char *category;
	bool repeats;
};

struct words {
	size_t n;
	struct word word[WORDS_MAX];
};

/**
 * words_of() - the options of a program, a dialect or a command
 * @who:	"rootless-supervisor", "rootlesskit", "check", "rootlessctl", "rootlessctl COMMAND",
 *		"rootlesskit-docker-proxy"
 * Return: false when there is no such table
 */
bool words_of(const char *who, struct words *ret);

/* words_command() - the name of the @i-th command of rootlessctl and what it does; NULL: the end */
const char *words_command(size_t i, const char **ret_help, const char **ret_args);

/* words_differ() - visit the options that rootlesskit lacks, or gives another default */
void words_differ(void (*visit)(const char *name, const char *ours, const char *theirs));

/* words_is_path(), words_is_dir() - what a value completes to */
bool words_is_path(const struct word *w);
bool words_is_dir(const struct word *w);

/* the formats: @out is stdout */
int make_man(const char *template);
void make_bash(void);
void make_zsh(void);
void make_fish(void);

#endif
