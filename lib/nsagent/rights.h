/* SPDX-License-Identifier: Apache-2.0 */
/* rights.h - what an agent gives up once its netns is set up */
#ifndef RK_NSAGENT_RIGHTS_H
#define RK_NSAGENT_RIGHTS_H

struct err;

/**
 * rights_drop() - keep the capabilities that making sockets needs and lower the limits
 *
 * To be done before: everything but socket() and messages. Cannot be done after: setns, mounts,
 * gaining rights by exec, more than RIGHTS_FDS_MAX descriptors, being traced by the child's root
 * through /proc.
 * Return: 0, or a negative errno with @err filled
 */
int rights_drop(struct err *err);

/* two batches of MSG_FDS_MAX sockets and what is open anyway. The kernel also counts the
 * descriptors that all processes of the user have in flight against this limit */
#define RIGHTS_FDS_MAX 160

#endif
