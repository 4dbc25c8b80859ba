// SPDX-License-Identifier: Apache-2.0
/*
 * bash.c - the completion for bash: data, and one function that reads it
 *
 * Bash cuts a word at "=": --net=sl is three words. Needs nothing of the package bash-completion.
 */
#include <stdio.h>

#include "cmd/make_docs/words.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"

static const char head[] =
	"# bash completion of rootless-supervisor; made from the tables of options\n"
	"# _rs_words WHO: options that need no value; their values: _rs_values WHO OPTION\n";

static const char tail[] =
	"\n"
	"# _rs_complete WHO: the word under the cursor is an option or its value; else status 1\n"
	"_rs_complete() {\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} option= kind w\n"
	"\tif [[ $cur == = ]]; then option=$prev cur=\n"
	"\telif [[ $prev == = ]]; then option=${COMP_WORDS[COMP_CWORD-2]}\n"
	"\telif [[ $prev == -* && $prev != -- ]]; then option=$prev; fi\n"
	"\tif [[ $option ]] && kind=$(_rs_values \"$1\" \"$option\"); then\n"
	"\t\tcase $kind in\n"
	"\t\t'<dir>') mapfile -t COMPREPLY < <(compgen -d -- \"$cur\") ;;\n"
	"\t\t'<file>') mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
	"\t\t*) mapfile -t COMPREPLY < <(compgen -W \"$kind\" -- \"$cur\") ;;\n"
	"\t\tesac\n"
	"\t\treturn 0\n"
	"\tfi\n"
	"\t[[ $cur == -* ]] || return 1\n"
	"\tmapfile -t COMPREPLY < <(compgen -W \"$(_rs_words \"$1\")\" -- \"$cur\")\n"
	"\t[[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace 2>/dev/null\n"
	"\treturn 0\n"
	"}\n"
	"\n"
	"# _rs_first WHO: the index of the first word that is no option\n"
	"_rs_first() {\n"
	"\tlocal i\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tcase ${COMP_WORDS[i]} in\n"
	"\t\t--) ((i++)); break ;;\n"
	"\t\t-*) [[ ${COMP_WORDS[i+1]} != = ]] || { ((i += 2)); continue; }\n"
	"\t\t\t! _rs_values \"$1\" \"${COMP_WORDS[i]}\" >/dev/null || ((i++)) ;;\n"
	"\t\t*) break ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\techo \"$i\"\n"
	"}\n"
	"\n"
	"# what follows the options is a command line of its own\n"
	"_rs_command() {\n"
	"\tif ((COMP_CWORD > $1)); then\n"
	"\t\tif declare -F _command_offset >/dev/null; then _command_offset \"$1\"\n"
	"\t\telse mapfile -t COMPREPLY < <(compgen -f -- \"${COMP_WORDS[COMP_CWORD]}\"); fi\n"
	"\telse mapfile -t COMPREPLY < <(compgen -c -- \"${COMP_WORDS[COMP_CWORD]}\"); fi\n"
	"}\n"
	"\n"
	"_rootless_supervisor() {\n"
	"\tlocal who=rootless-supervisor first\n"
	"\tCOMPREPLY=()\n"
	"\t[[ ${COMP_WORDS[0]} != *rootlesskit ]] || who=rootlesskit\n"
	"\tif [[ $who != rootlesskit && $COMP_CWORD -gt 1 && ${COMP_WORDS[1]} == @(check|doctor) "
	"]]; then\n"
	"\t\t_rs_complete check\n"
	"\t\treturn 0\n"
	"\tfi\n"
	"\tfirst=$(_rs_first $who)\n"
	"\tif ((COMP_CWORD > first)) || [[ ${COMP_WORDS[COMP_CWORD-1]} == -- ]]; then _rs_command "
	"\"$first\"\n"
	"\telse _rs_complete $who || _rs_command \"$first\"; fi\n"
	"}\n"
	"\n"
	"_rootlessctl() {\n"
	"\tlocal first\n"
	"\tCOMPREPLY=()\n"
	"\tfirst=$(_rs_first rootlessctl)\n"
	"\tif ((COMP_CWORD > first)); then _rs_complete \"rootlessctl ${COMP_WORDS[first]}\"\n"
	"\telif ! _rs_complete rootlessctl; then\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$_rs_commands\" -- "
	"\"${COMP_WORDS[COMP_CWORD]}\")\n"
	"\tfi\n"
	"\treturn 0\n"
	"}\n"
	"\n"
	"_rootlesskit_docker_proxy() { COMPREPLY=(); _rs_complete rootlesskit-docker-proxy; }\n"
	"\n"
	"shopt -s extglob\n"
	"complete -F _rootless_supervisor rootless-supervisor rootlesskit docker-rootlesskit\n"
	"complete -F _rootlessctl rootlessctl\n"
	"complete -o default -F _rootlesskit_docker_proxy rootlesskit-docker-proxy\n";

static const char *kind_of(const struct word *w)
{
	return words_is_dir(w) ? "<dir>" : words_is_path(w) ? "<file>" : w->choices;
}

/* one branch of each function */
static void put_words(const char *who)
{
	static struct words ws;

	if (!words_of(who, &ws))
		return;
	printf("\t'%s') echo '", who);
	for (size_t i = 0; i < ws.n; i++)
		printf("%s--%s%s", i ? " " : "", ws.word[i].name, ws.word[i].value ? "=" : "");
	puts("' ;;");
}

static void put_values(const char *who)
{
	static struct words ws;

	if (!words_of(who, &ws))
		return;
	for (size_t i = 0; i < ws.n; i++) {
		const struct word *w = &ws.word[i];

		if (!w->value)
			continue;
		printf("\t'%s --%s'%s%s%s%s%s) echo '%s' ;;\n", who, w->name,
		       w->alias ? " | '" : "", w->alias ? who : "", w->alias ? " -" : "",
		       w->alias ? w->alias : "", w->alias ? "'" : "", kind_of(w));
	}
}

static void for_all(void (*put)(const char *who))
{
	static const char *const programs[] = { "rootless-supervisor", "rootlesskit", "check",
						"rootlessctl", "rootlesskit-docker-proxy" };
	const char *help, *args, *name;
	char who[WORD_MAX * 2];

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		put(programs[i]);
	for (size_t i = 0; (name = words_command(i, &help, &args)); i++) {
		str_format(who, sizeof(who), "rootlessctl %s", name);
		put(who);
	}
}

void make_bash(void)
{
	const char *help, *args, *name;

	fputs(head, stdout);
	puts("_rs_words() {\n\tcase $1 in");
	for_all(put_words);
	puts("\tesac\n}\n_rs_values() {\n\tcase \"$1 $2\" in");
	for_all(put_values);
	puts("\t*) return 1 ;;\n\tesac\n}");
	fputs("_rs_commands='help", stdout);
	for (size_t i = 0; (name = words_command(i, &help, &args)); i++)
		printf(" %s", name);
	puts("'");
	fputs(tail, stdout);
}
