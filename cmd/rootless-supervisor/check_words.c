// SPDX-License-Identifier: Apache-2.0
/* check_words.c - the options of rootless-supervisor check */
#include "cmd/rootless-supervisor/check_words.h"

#include <stddef.h>

const struct check_word_def check_words[CHECK_NWORDS] = {
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
