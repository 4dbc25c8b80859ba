/* SPDX-License-Identifier: Apache-2.0 */
/* egress.h - the MTU of the way out of the host, and its changes (parent) */
#ifndef RK_PARENT_EGRESS_H
#define RK_PARENT_EGRESS_H

#include <stdint.h>

#include "lib/base/cleanup.h"

struct err;
struct event_base;
struct egress; /* opaque */

/* of what egress_mtu() says: IPv6 needs the least, and more is no use */
#define EGRESS_MTU_MIN 1280
#define EGRESS_MTU_MAX 65520

/**
 * egress_mtu() - the smallest MTU of all default routes of the netns we are in
 * @ret:	bytes, by a route's own metric or its device; 0: there is no default route
 * Return: 0 or a negative errno
 */
int egress_mtu(uint32_t *ret, struct err *err);

struct egress_env {
	struct event_base *base;
	/* 0, or a negative errno with @err filled: then it is told again half a second later. Never
	   called with 0, nor more than twice a second */
	int (*on_change)(uint32_t mtu, void *arg, struct err *err);
	void *arg;
};

/* egress_new() - from now on changes are noticed, and told after egress_watch() */
int egress_new(const struct egress_env *env, struct egress **ret, struct err *err);
/* egress_now() - the MTU that was told last, at first that of egress_new(); 0: there was no route
 */
uint32_t egress_now(const struct egress *e);
int egress_watch(struct egress *e, struct err *err);
struct egress *egress_free(struct egress *e);
DEFINE_FREEP(struct egress *, egress_free)

#endif
