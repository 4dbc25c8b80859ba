/* SPDX-License-Identifier: Apache-2.0 */
/* sockets.h - make batches of sockets in the agent's netns and hand them to the relay */
#ifndef RK_NSAGENT_SOCKETS_H
#define RK_NSAGENT_SOCKETS_H

#include "lib/ipc/nsagent.h"

/**
 * sockets_serve() - take one request from @relay_sock and answer it; never waits
 * @kind:	the gateway's sockets may be bound to addresses that are not ours, several to one;
 *		the child's when the request says so
 * Return: 1, also when nothing was there after all; 0 at end of file; a negative errno
 *         when the peer broke a rule or does not take its answers: to be dropped
 */
int sockets_serve(int relay_sock, enum nsagent_kind kind);

#endif
