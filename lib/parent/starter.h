/* SPDX-License-Identifier: Apache-2.0 */
/*
 * starter.h - the process that starts the program of a network, as often as that dies, and the
 *             parent's stub for it
 *
 * The parent can start nothing once its filter of system calls is there, and the nursery's filter
 * would be inherited. So a fork of the parent from before that does it. What it starts was settled
 * when it was forked: a parent that does what an attacker wants can have that program again, no
 * other. What is started is a child of the parent, which reaps it, and dies with it.
 */
#ifndef RK_PARENT_STARTER_H
#define RK_PARENT_STARTER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/base/err.h"
#include "lib/base/options.h"
#include "lib/ipc/starter.h"

struct starter; /* opaque */

struct starter_work {
	char *const *argv; /* of the program; argv[0] is its path */
	/* what a process that carries frames does; it returns an exit status. NULL: there is none
	   with this program */
	int (*carry)(int tap, int sock, pid_t parent, enum sandbox_mode mode);
};

/* starter_new() - nothing is forked yet; NULL: no memory */
struct starter *starter_new(enum sandbox_mode mode);

/**
 * starter_run() - start something
 * @work:	borrowed. The first call forks, and what it says is for ever: later calls start the
 *		same again, whatever they say
 * @fds:	borrowed; see enum starter_what
 * @ret:	the child of this process that was started, or failed to execute: then it is there,
 *		too, and has to be reaped. 0: there is none
 * Return: 0 when it is running, or a negative errno with @err filled
 */
int starter_run(struct starter *s, const struct starter_work *work, enum starter_what what,
		const int *fds, size_t nfds, pid_t *ret, struct err *err);

/* starter_reaped() - child @pid of this process was reaped: true when that was the starter */
bool starter_reaped(struct starter *s, pid_t pid);

/* starter_free() - end it, not what it has started; takes NULL, returns NULL */
struct starter *starter_free(struct starter *s);

#endif
