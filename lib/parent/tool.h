/* SPDX-License-Identifier: Apache-2.0 */
/* tool.h - run small helper programs to their end, several at once, within a time limit (parent) */
#ifndef RK_PARENT_TOOL_H
#define RK_PARENT_TOOL_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/base/cleanup.h"

#define TOOL_LIMIT_MS 10000 /* for a name service behind the tool that is slow or dead */

enum tool_output {
	TOOL_STDOUT, /* keep what it prints, drop its complaints */
	TOOL_BOTH,   /* keep both in the order they came */
};

/* one run; the fields below are read-only for the caller */
struct tool {
	pid_t pid; /* 0: not started, or reaped */
	int pidfd, out;
	int status;     /* as waitpid() gives it, once ended */
	bool ended;     /* it ran and it has been waited for */
	bool timed_out; /* it was killed because the limit had passed */
	char *text;     /* what it printed, terminated, at most @max bytes of it */
	size_t len, max;
};

#define TOOL_INIT \
	{ \
		.pidfd = -1, .out = -1 \
	}

/**
 * tool_find() - look a program up as a shell does; a name with a slash is taken as it is
 * Return: 0; -ENOENT when $PATH has no executable file of that name; -ENAMETOOLONG
 */
int tool_find(const char *name, char *ret, size_t size);

/**
 * tool_sbin() - where a program is that $PATH does not lead to
 * Return: the directory of administrators' programs that has it, which some distributions leave out
 * of the users' $PATH; NULL when none has
 */
const char *tool_sbin(const char *name);

/**
 * tool_start() - start @path; standard input is empty, signals are at their defaults
 * @t:		set to TOOL_INIT before; tool_done() whatever this returns
 * @max:	bytes of output to keep; more is read and dropped, so that no tool is blocked
 * Return: 0 or a negative errno
 */
int tool_start(struct tool *t, const char *path, char *const argv[], size_t max,
	       enum tool_output output);

/**
 * tools_finish() - wait until all have exited; a background child that keeps the pipe open is not
 *                  waited for. What is left at the limit is killed (timed_out)
 * @limit_ms:	for all of them together
 * Return: 0 (look at each status); -EINTR when a signal of tool_abort_signals() is blocked and
 *         pending (it stays so; tool_done() kills what runs); else a negative errno
 */
int tools_finish(struct tool *tools, size_t n, int limit_ms);

/* tool_abort_signals() - the signals that end a start: not those that our caller ignores (nohup) */
void tool_abort_signals(sigset_t *ret);

/* tool_status() - "exit status 1", "signal: killed", "no end within 10 s, killed" */
void tool_status(const struct tool *t, int limit_ms, char *dst, size_t size);

/* tool_ok() - it ended by itself with status 0 */
bool tool_ok(const struct tool *t);

void tool_done(struct tool *t); /* kills what still runs */

#endif
