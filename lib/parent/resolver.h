/* SPDX-License-Identifier: Apache-2.0 */
/* resolver.h - watch the host's resolver file, however it is changed (parent) */
#ifndef RK_PARENT_RESOLVER_H
#define RK_PARENT_RESOLVER_H

#include "lib/base/cleanup.h"
#include "lib/parent/hostfiles.h"

struct err;
struct event_base;
struct resolver; /* opaque */

struct resolver_env {
	struct event_base *base;
	const char *path; /* absolute, normally "/etc/resolv.conf"; borrowed for ever */
	/* 0, or a negative errno with @err filled: then it is told again 5 s later */
	int (*on_change)(const struct host_resolver *now, void *arg, struct err *err);
	void *arg;
};

/**
 * resolver_new() - read the file, and tell changes from now on when the loop of @env->base runs
 * Return: 0 or a negative errno. A file that is missing, or cannot be read or watched, is no error
 */
int resolver_new(const struct resolver_env *env, struct resolver **ret, struct err *err);
struct resolver *resolver_free(struct resolver *r);
DEFINE_FREEP(struct resolver *, resolver_free)

/* resolver_now() - what the file says; borrowed until the next change */
const struct host_resolver *resolver_now(const struct resolver *r);

#endif
