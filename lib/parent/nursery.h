/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nursery.h - the process that starts workers
 *
 * It is forked before the parent gives up rights and knows nothing: one socket, the program's file,
 * stderr. So a worker can be started again after the parent is locked down, with a fresh address
 * space, and the parent never forks while it holds sockets and secrets.
 *
 * It outlives the parent: when that is killed, the nursery sees to it that nothing stays behind.
 */
#ifndef RK_PARENT_NURSERY_H
#define RK_PARENT_NURSERY_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/base/err.h"
#include "lib/base/options.h"
#include "lib/ipc/role.h"
#include "lib/parent/orphans.h"

/* argv[0] of a worker; argv[1] is the name of its role, then these words when they are meant */
#define WORKER_ARGV0 "rs-worker"
#define WORKER_DEBUG "debug"
#define WORKER_NO_SANDBOX "no-sandbox"

struct nursery_opts {
	bool debug;                    /* how its workers are run */
	enum sandbox_mode sandbox;     /* the same, and of its own system calls */
	const struct orphans *orphans; /* what it ends when the parent has been killed; borrowed */
};

/**
 * nursery_start() - fork it
 * @self_exe:	O_PATH descriptor of the program; borrowed
 * @ret_sock:	the parent's end (nursery protocol)
 */
int nursery_start(int self_exe, const struct nursery_opts *opts, pid_t *ret_pid, int *ret_sock,
		  struct err *err);

/**
 * ask_spawn() - start a worker; the answer comes as NURSERY_SPAWNED
 * @control:	becomes the worker's WORKER_CONTROL_FD; borrowed
 * @log:	becomes its stderr; borrowed
 */
int ask_spawn(int sock, enum role role, int control, int log, struct err *err);

/* ask_kill() - SIGKILL for a worker, if it lives; its end comes as NURSERY_EXITED. 0 or -errno */
int ask_kill(int sock, enum role role);

#endif
