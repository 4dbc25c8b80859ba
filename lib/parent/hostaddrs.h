/* SPDX-License-Identifier: Apache-2.0 */
/* hostaddrs.h - the host's own addresses, followed as they change (parent only) */
#ifndef RK_PARENT_HOSTADDRS_H
#define RK_PARENT_HOSTADDRS_H

#include <stddef.h>

#include "lib/base/cleanup.h"
#include "lib/ipc/netplan.h"

struct err;
struct event_base;
struct hostaddrs; /* opaque */

struct hostaddrs_env {
	struct event_base *base;
	/* 0, or a negative errno with @err filled: then it is told again a second later */
	int (*on_change)(void *arg, struct err *err);
	void *arg;
};

/**
 * hostaddrs_new() - read them, and tell changes from now on when the loop of @env->base runs
 * Return: 0 or a negative errno
 */
int hostaddrs_new(const struct hostaddrs_env *env, struct hostaddrs **ret, struct err *err);
struct hostaddrs *hostaddrs_free(struct hostaddrs *h);
DEFINE_FREEP(struct hostaddrs *, hostaddrs_free)

/* hostaddrs_now() - sorted by family and address, none inside another, WORKER_HOSTS_MAX at most;
 * borrowed until the next change. With more than that it is two ranges that have every address */
const struct net_range *hostaddrs_now(const struct hostaddrs *h, size_t *ret_n);

#endif
