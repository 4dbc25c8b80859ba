/* SPDX-License-Identifier: Apache-2.0 */
/* nsagent.h - the process that sets up one network namespace and then makes sockets in it */
#ifndef RK_NSAGENT_NSAGENT_H
#define RK_NSAGENT_NSAGENT_H

#include "lib/ipc/nsagent.h"

struct options;

/**
 * nsagent_main() - what a fork of the child does as agent; never exec'ed
 * @parent_sock:	nsagent protocol to the parent, for the set-up; end of file ends the process
 * @relay_sock:	nsagent protocol to the relay, for sockets; -1: nobody will ask
 * @child_netns:	NSAGENT_CHILD: the netns to enter, -1: the one we are in.
 *			NSAGENT_GATEWAY: the child's netns, where the other end of the veth goes
 * @opt:	NSAGENT_CHILD: its --sysctl are set
 * All descriptors but these and stderr are closed. Return: the exit status
 */
int nsagent_main(enum nsagent_kind kind, int parent_sock, int relay_sock, int child_netns,
		 const struct options *opt);

#endif
