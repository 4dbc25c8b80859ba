/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hosts.h - the host's own addresses, when the child must not reach them (--deny-host-addrs)
 *
 * The parent watches them and sends the whole list anew whenever it changes, in messages that begin
 * at 0. The list in use is the last that was complete.
 */
#ifndef RK_POLICY_HOSTS_H
#define RK_POLICY_HOSTS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/ipc/netplan.h"

/* a zeroed one has none */
struct policy_hosts {
	uint32_t n, coming;
	struct net_range range[WORKER_HOSTS_MAX], next[WORKER_HOSTS_MAX];
};

/**
 * policy_hosts_take() - one message of the parent
 * Return: 1 when the list is complete and in use from now on; 0 when more of it must come; -EPROTO
 *         when it is malformed: the list in use stays
 */
int policy_hosts_take(struct policy_hosts *h, const struct worker_hosts *m);

/* policy_is_hosts() - whether @addr, a struct in_addr or in6_addr in network order, is among them;
 * @h: NULL: none are */
bool policy_is_hosts(const struct policy_hosts *h, int family, const void *addr);

#endif
