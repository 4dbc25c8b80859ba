// SPDX-License-Identifier: Apache-2.0
/*
 * outcome.c - the exit status, and the lines that explain it
 *
 * | what happened            | rootless-supervisor | rootlesskit        |
 * |--------------------------|---------------------|--------------------|
 * | command exits N          | N                   | N, two lines       |
 * | command killed by S      | 128 + S             | 255, two lines     |
 * | command cannot be run    | 127 or 126          | 1, two lines       |
 * | child killed by S        | 128 + S             | 255                |
 * | the same, in the start   | 125                 | 1                  |
 * | start ended by signal S  | 128 + S             | 128 + S            |
 * | anything of ours fails   | 125                 | 1                  |
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/base/proc.h"
#include "lib/cause/cause.h"
#include "lib/parent/instance.h"
#include "lib/parent/tool.h"

enum {
	STATUS_OWN_FAILURE = 125,
	STATUS_NOT_EXECUTABLE = 126,
	STATUS_NOT_FOUND = 127,
	STATUS_SIGNAL = 128,
	STATUS_GO_FAILURE = 1,
	STATUS_GO_SIGNAL = 255,
};

static const char *const stage_text[] = {
	"before its ids were mapped",      "right after its exec",
	"while it started the agents",     "while it made its mounts",
	"while it copied directories up",  "while it bound the resolver files",
	"while it waited for its release", "while the command ran",
};
static_assert(sizeof(stage_text) / sizeof(stage_text[0]) == HS_NSTAGES, "a text for each stage");

static void join_command(char **command, char *dst, size_t size)
{
	size_t n = 0;

	dst[0] = '\0';
	for (size_t i = 0; command[i] && n < size; i++)
		n += (size_t)snprintf(dst + n, size - n, "%s%s", i ? " " : "", command[i]);
}

/* as Go puts it: a path is not looked up, whatever is wrong with it is told by the exec */
static void go_exec_text(const struct instance *in, char *dst, size_t size)
{
	const char *name = in->opt->command[0];
	char why[96];
	bool has_slash = strchr(name, '/') != NULL;
	int errnum = in->exited.value;

	snprintf(why, sizeof(why), "%s", strerror(errnum));
	why[0] = (char)(why[0] | 0x20);
	if (!has_slash && (errnum == ENOENT || errnum == EACCES))
		snprintf(dst, size, "exec: \"%s\": executable file not found in $PATH", name);
	else
		snprintf(dst, size, "fork/exec %s: %s", name, why);
}

/* upstream prints two lines: one by the child, one by the parent */
static int report_rootlesskit(const struct instance *in)
{
	char command[512], why[640], line[1200], name[32];
	const struct hs_exited *e = &in->exited;
	int status = e->value;

	if (e->kind == HS_EXIT_STATUS && e->value == 0)
		return 0;
	if (e->kind == HS_EXIT_EXEC) {
		go_exec_text(in, why, sizeof(why));
		status = STATUS_GO_FAILURE;
	} else if (e->kind == HS_EXIT_SIGNAL) {
		snprintf(why, sizeof(why), "signal: %s%s",
			 proc_signal_text(e->value, name, sizeof(name)),
			 e->core ? " (core dumped)" : "");
		status = STATUS_GO_SIGNAL;
	} else {
		snprintf(why, sizeof(why), "exit status %d", e->value);
	}
	join_command(in->opt->command, command, sizeof(command));
	snprintf(line, sizeof(line), "command [%s] exited: %s", command, why);
	log_fatal("child ", line);
	snprintf(line, sizeof(line), "child exited: exit status %d", status);
	log_fatal("parent", line);
	return status;
}

static int report_ours(const struct instance *in)
{
	const struct hs_exited *e = &in->exited;
	const char *sbin = NULL;
	struct err err = { 0 };
	char line[640];

	switch ((enum hs_exit_kind)e->kind) {
	case HS_EXIT_STATUS:
		return e->value & 0xff;
	case HS_EXIT_SIGNAL:
		return STATUS_SIGNAL + e->value;
	case HS_EXIT_EXEC:
	case HS_EXIT_NKINDS:
	default:
		snprintf(line, sizeof(line), "running '%s': %s", in->opt->command[0],
			 strerror(e->value));
		err_say(&err, e->value, "%s", line);
		if (e->value == ENOENT && !strchr(in->opt->command[0], '/'))
			sbin = tool_sbin(in->opt->command[0]);
		if (sbin)
			cause_hint(&err, -e->value, CAUSE_PROGRAM_PATH, in->opt->command[0], sbin);
		log_fatal("parent", err.msg);
		return e->value == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
	}
}

/* the child ended without a word: by a signal, or by a bug */
static int report_child_death(const struct instance *in)
{
	bool upstream = in->opt->dialect == DIALECT_ROOTLESSKIT;
	char how[64], line[256];

	proc_status_text(in->child_status, how, sizeof(how));
	if (upstream)
		snprintf(line, sizeof(line), "child exited: %s", how);
	else
		snprintf(line, sizeof(line), "the child ended %s: %s",
			 stage_text[in->stage < HS_NSTAGES ? in->stage : 0], how);
	log_fatal("parent", line);
	if (WIFSIGNALED(in->child_status) && in->stage == HS_STAGE_RUNNING)
		return upstream ? STATUS_GO_SIGNAL : STATUS_SIGNAL + WTERMSIG(in->child_status);
	return upstream ? STATUS_GO_FAILURE : STATUS_OWN_FAILURE;
}

int outcome_report(const struct instance *in)
{
	bool upstream = in->opt->dialect == DIALECT_ROOTLESSKIT;

	if (in->err.code) {
		if (!in->err_said)
			log_fatal("parent", in->err.msg);
		return upstream ? STATUS_GO_FAILURE : STATUS_OWN_FAILURE;
	}
	if (in->aborted_by)
		return STATUS_SIGNAL + in->aborted_by;
	if (in->have_exited)
		return upstream ? report_rootlesskit(in) : report_ours(in);
	if (in->child_dead)
		return report_child_death(in);
	log_fatal("parent", "the run ended without a reason");
	return upstream ? STATUS_GO_FAILURE : STATUS_OWN_FAILURE;
}
