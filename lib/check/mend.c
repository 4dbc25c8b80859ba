// SPDX-License-Identifier: Apache-2.0
/*
 * mend.c - the commands that mend what a check has found: as a script, or run after a question
 *
 * The script is what is shown and what is run, to the letter. Its commands say sudo where they need
 * root; for root itself sudo is nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/check/report.h"

static const char script_head[] =
	"#!/bin/sh\n"
	"# what mends this machine for rootless-supervisor; read it, then: sh SCRIPT\n"
	"[ \"$(id -u)\" != 0 ] || sudo() { \"$@\"; }\n"
	"failed=0\n"
	"mend() { echo \"# $1\"; shift; \"$@\" || { echo \"$1 has failed\" >&2; failed=1; }; }\n";

/* the same command mends several: it is there once */
static bool is_repeated(const struct report *r, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (report_is_command(&r->finding[i]) &&
		    strcmp(r->finding[i].fix, r->finding[at].fix) == 0)
			return true;
	}
	return false;
}

static size_t count_commands(const struct report *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += report_is_command(&r->finding[i]) && !is_repeated(r, i);
	return n;
}

int report_script(const struct report *r, FILE *out)
{
	fputs(script_head, out);
	for (size_t i = 0; i < r->n; i++) {
		const struct finding *f = &r->finding[i];
		const char *id = causes[f->id].id;

		fprintf(out, "\n# %s: %s\n", id, f->reason);
		if (f->by_hand)
			fprintf(out, "# by hand: %s\n", f->fix);
		else if (!report_is_command(f))
			fprintf(out, "# optional: %s\n", f->fix);
		else if (is_repeated(r, i))
			fprintf(out, "# as above\n");
		else
			fprintf(out, "fix_%zu() { %s; }\nmend %s fix_%zu\n", i, f->fix, id, i);
	}
	fputs("\nexit $failed\n", out);
	return ferror(out) ? -EIO : 0;
}

/* a shell that reads the script from a pipe: the commands keep our terminal for sudo's question */
static int run_script(const char *script)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", script, (char *)NULL);
		_exit(127);
	}
	if (pid < 0)
		return 1;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return 1;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}

int report_apply(const struct report *r, FILE *in, FILE *out)
{
	autofree char *script = NULL;
	char answer[16] = "";
	size_t len = 0;
	FILE *f;

	if (!count_commands(r)) {
		fprintf(out, "nothing has a command that would mend it\n");
		return 0;
	}
	f = open_memstream(&script, &len);
	if (!f)
		return 1;
	if (report_script(r, f) < 0 || fclose(f) != 0)
		return 1;
	fprintf(out, "%s\nRun these %zu commands? [y/N] ", script, count_commands(r));
	fflush(out);
	if (!fgets(answer, sizeof(answer), in) || (answer[0] != 'y' && answer[0] != 'Y')) {
		fprintf(out, "nothing was changed\n");
		return 1;
	}
	return run_script(script);
}
