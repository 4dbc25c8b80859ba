/* SPDX-License-Identifier: Apache-2.0 */
/* rights.h - what an agent gives up once its netns is set up */
#ifndef RK_NSAGENT_RIGHTS_H
#define RK_NSAGENT_RIGHTS_H

struct err;

/**
 * rights_drop() - keep the capabilities that making sockets needs
 *
 * To be done before: everything but socket() and messages. Cannot be done after: setns, mounts,
 * gaining rights by exec, being traced by the child's root through /proc.
 * Return: 0, or a negative errno with @err filled
 */
int rights_drop(struct err *err);

#endif
