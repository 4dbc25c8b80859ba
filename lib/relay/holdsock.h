/* SPDX-License-Identifier: Apache-2.0 */
/* holdsock.h - the host's socket of a connection that the child waits for */
#ifndef RK_RELAY_HOLDSOCK_H
#define RK_RELAY_HOLDSOCK_H

#include <stdbool.h>

#include "lib/ipc/netplan.h"
#include "lib/relay/syn.h"

struct policy_hosts;

/**
 * holdsock_open() - a socket that goes to @to, as far as the SYN @s may go
 * @pin:	with a congestion control for this machine, when @to is on it
 * Return: the fd or a negative errno
 */
int holdsock_open(const struct net_addr *to, const struct syn *s, bool pin);

/**
 * holdsock_connect() - begin; the socket stays the caller's
 * Return: 0: connected. -EINPROGRESS: watch it, edge-triggered, for EPOLLOUT. Else why it cannot be
 */
int holdsock_connect(int fd, const struct net_addr *to);

/* holdsock_outcome() - after @events of the watch; returns as holdsock_connect() */
int holdsock_outcome(int fd, const struct net_addr *to, uint32_t events);

/* holdsock_connected() - what follows goes as far as it must */
void holdsock_connected(int fd, const struct syn *s);

/**
 * holdsock_expired() - when the SYN's lifetime has ended on the way: what tells the child so
 * @ret:	SYN_REPLY_MAX bytes
 * Return: length of the packet; 0: it was something else
 */
size_t holdsock_expired(int fd, const struct syn *s, const struct net_plan *plan,
			const struct policy_hosts *hosts, uint8_t *ret);

#endif
