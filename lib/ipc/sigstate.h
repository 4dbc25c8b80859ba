/* SPDX-License-Identifier: Apache-2.0 */
/* sigstate.h - which signals are passed on, and what the caller of the program had set for them */
#ifndef RK_IPC_SIGSTATE_H
#define RK_IPC_SIGSTATE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct sigstate {
	uint64_t blocked, ignored; /* bit signo - 1 */
};

/* sigstate_forwarded() - the signals that go on to the command; job control only with @reaper */
void sigstate_forwarded(bool reaper, sigset_t *ret);

/**
 * sigstate_enter() - remember the caller's state in @ret (may be NULL), then block @forwarded and
 *		      SIGCHLD, and give SIGCHLD its default, without which nobody could be waited
 *for
 */
void sigstate_enter(const sigset_t *forwarded, struct sigstate *ret);

/* sigstate_restore() - what the command gets: the caller's mask and ignored signals, else defaults
 */
void sigstate_restore(const struct sigstate *s);

#endif
