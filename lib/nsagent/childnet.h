/* SPDX-License-Identifier: Apache-2.0 */
/* childnet.h - set up the netns of the command */
#ifndef RK_NSAGENT_CHILDNET_H
#define RK_NSAGENT_CHILDNET_H

#include "lib/base/err.h"
#include "lib/ipc/nsagent.h"
#include "lib/nsagent/dhcp.h"

/* what became of it */
struct childnet {
	int tap;                 /* when it was asked for; the caller's; -1: none */
	struct dhcp_lease lease; /* by NSAGENT_SETUP_DHCP: prefix is not 0 */
};

/**
 * childnet_setup() - make the netns we are in what @cfg says; loopback only, or the address plan
 *
 * With NSAGENT_SETUP_VETH the interface is made by the gateway's agent at the same time; it is
 * waited for, 5 s at most; so is the one of NSAGENT_SETUP_DHCP, 15 s, and its lease 20 s.
 * @ret:	may be NULL when neither a tap nor a lease is asked for
 * Return: 0 when the first packet can leave, or a negative errno with @err filled
 */
int childnet_setup(const struct nsagent_config *cfg, struct childnet *ret, struct err *err);

#endif
