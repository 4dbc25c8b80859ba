/* SPDX-License-Identifier: Apache-2.0 */
/* run.h - start the command and stay with it to its end (child only) */
#ifndef RK_CHILD_RUN_H
#define RK_CHILD_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/ipc/sigstate.h"

#define RUN_SPARE_MAX 2

struct run {
	int sock;      /* handshake; its end of file is the parent's death */
	int state_dir; /* for the removal when the parent is gone; -1: none */
	char **command;
	bool reaper; /* the command gets a session of its own */
	struct sigstate sigs;
	/* agents, by enum nsagent_kind: they outlive the command until the parent has heard */
	pid_t spare[RUN_SPARE_MAX];
	size_t nspare;
	int listen_fds;      /* descriptors 3.. that systemd passed; 0: none */
	bool fix_listen_pid; /* LISTEN_PID named the parent: it shall name the command */
};

/**
 * run_command() - fork, exec, pass signals on, reap every orphan; when the command ends kill what
 *it left behind and tell the parent Return: the exit status of this process
 */
int run_command(struct run *r);

/**
 * run_parent_gone() - the parent is dead: kill everything in the namespaces, remove the state dir
 * Return: the exit status of this process
 */
int run_parent_gone(const struct run *r);

#endif
