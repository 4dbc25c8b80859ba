/* SPDX-License-Identifier: Apache-2.0 */
/*
 * helper.h - one life of an external program that serves a network (parent only)
 *
 * It runs in the host's namespaces as the user, in a session of its own, and dies with the parent;
 * when it ends, what is left of its process group is killed. What it prints goes to the debug log.
 * A driver starts it in parent_start(), hands what was reaped on from parent_reaped(), stops it in
 * parent_stop(). Starting it again is not its business but lib/parent/netrun.c's.
 */
#ifndef RK_NETDRIVERS_HELPER_H
#define RK_NETDRIVERS_HELPER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/base/err.h"
#include "lib/base/options.h"

#define HELPER_FD 3 /* the first of helper_spec.fds has this number over there */
#define HELPER_FDS_MAX 4

struct event_base;
struct starter;
struct helper; /* opaque */

struct helper_spec {
	struct event_base *base; /* borrowed until helper_stop() */
	struct starter *starter; /* of net_env: the argv of the first life is that of all */
	const char *name;        /* in messages and the log; borrowed as well */
	char *const *argv;       /* argv[0] is the path: tool_find() knows PATH */
	int fds[HELPER_FDS_MAX]; /* what it gets as descriptors 3, 4, ...; borrowed */
	size_t nfds;
	/* it gets the writing end of a pipe behind those: on_ready() when it has written there */
	bool tells_ready;
	/* of starter_work: frames_start() may be called later */
	int (*carry)(int tap, int sock, pid_t parent, enum sandbox_mode mode);
	void (*on_ready)(void *arg);                        /* at most once */
	void (*on_ended)(void *arg, const struct err *why); /* from helper_reaped() */
	void *arg;
};

/**
 * helper_start() - run the program
 * @ret:	set on success only; the caller's, for helper_stop()
 * Return: 0 when it is running, or a negative errno with @err filled: then on_ended() is not called
 */
int helper_start(const struct helper_spec *spec, struct helper **ret, struct err *err);

/**
 * helper_reaped() - child @pid of this process was reaped with @status
 * Return: false when that is not this helper. Else on_ended() has been called with words for how
 *	   it ended and the last line that it printed; the helper must still be stopped
 */
bool helper_reaped(struct helper *h, pid_t pid, int status);

/* helper_stop() - kill it, if it lives, reap it, free; takes NULL, returns NULL */
struct helper *helper_stop(struct helper *h);

#endif
