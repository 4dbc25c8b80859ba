/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox.h - how a process gives up what its work does not need */
#ifndef RK_SANDBOX_SANDBOX_H
#define RK_SANDBOX_SANDBOX_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/options.h"
#include "lib/ipc/role.h"
#include "lib/ipc/sandboxstate.h"

struct err;

/**
 * sandbox_oom() - let the kernel choose this process before the daemon and before the parent
 *
 * To be called while the process is dumpable: its /proc files belong to root afterwards.
 */
void sandbox_oom(enum role role);

/**
 * sandbox_enter() - give up rights for good, and read back what is gone
 * @ret:	filled in each case; whether it suffices is the parent's decision
 *
 * All is tried, one refusal does not end it. To be done before: whatever needs a path, a fork, a
 * thread. Sockets, pipes and epoll instances can be made afterwards, so a worker does it first of
 * all, while it has nothing else to do than to wait for its settings.
 */
void sandbox_enter(struct sandbox_report *ret);

/**
 * sandbox_seal() - from here on only the system calls that the role's work needs
 * @report:	of sandbox_enter(); nothing is done when that was not called
 *
 * The last step before READY.
 */
void sandbox_seal(struct sandbox_report *report);

/**
 * sandbox_calls() - the system calls of a role that is not a worker, from here on
 * @who:	the process, for the words
 *
 * no_new_privs must be set.
 * Return: 0, also with SANDBOX_OFF; 1: the kernel refuses, @err says so, and SANDBOX_AUTO goes on;
 *         a negative errno with SANDBOX_REQUIRE
 */
int sandbox_calls(enum sandbox_mode mode, const char *who, struct err *err);

/**
 * sandbox_alone() - of the program slirp4netns, which reads resolv.conf for ever: capabilities and
 *	tracing as ever, files by Landlock, system calls by a filter; no jail
 * @dirs:	@n directories below which files can be read
 * @ret_have:	SANDBOX_LANDLOCK, SANDBOX_SECCOMP: which of both this kernel has
 * @err:	why not, and the reason of a failure
 *
 * To be done before: opening and binding by a path, forks.
 * Return: 0; a negative errno when not even capabilities and tracing are gone
 */
int sandbox_alone(const char *const *dirs, size_t n, uint32_t *ret_have, struct err *err);

/* sandbox_missing() - the properties that a process with @have must have but has not */
uint32_t sandbox_missing(uint32_t have);

#endif
