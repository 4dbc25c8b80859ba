/* SPDX-License-Identifier: Apache-2.0 */
/* check_words.h - the options of rootless-supervisor check, in one table */
#ifndef RK_CMD_CHECK_WORDS_H
#define RK_CMD_CHECK_WORDS_H

enum check_word {
	WORD_JSON,
	WORD_FIX_SCRIPT,
	WORD_APPLY,
	WORD_PRESET,
	WORD_STRICT,
	WORD_LIST,
	WORD_HELP,
	CHECK_NWORDS
};

struct check_word_def {
	const char *name, *value, *help; /* value: its name, NULL for none */
};

extern const struct check_word_def check_words[CHECK_NWORDS];

#endif
