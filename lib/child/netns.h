/* SPDX-License-Identifier: Apache-2.0 */
/* netns.h - --detach-netns: a network namespace that the command is not in, at STATE/netns (child)
 */
#ifndef RK_CHILD_NETNS_H
#define RK_CHILD_NETNS_H

struct err;

/**
 * netns_make() - make one and bind it at STATE/netns, visible in this mount namespace only
 * @state_dirfd:	the state directory, as the parent opened it; borrowed
 * @ret:	the namespace, for the agents; the caller closes it
 * Return: 0 or a negative errno
 *
 * To be called before copy-up: /run, where the state directory often lies, becomes a link then, and
 * the bind goes along with what is behind it.
 */
int netns_make(int state_dirfd, int *ret, struct err *err);

#endif
