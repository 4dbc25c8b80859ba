/* SPDX-License-Identifier: Apache-2.0 */
/* childnet.h - set up the netns of the command */
#ifndef RK_NSAGENT_CHILDNET_H
#define RK_NSAGENT_CHILDNET_H

#include "lib/base/err.h"
#include "lib/ipc/nsagent.h"

/**
 * childnet_setup() - make the netns we are in what @cfg says; loopback only, or the address plan
 *
 * With NSAGENT_SETUP_VETH the interface is made by the gateway's agent at the same time; it is
 * waited for, 5 s at most.
 * Return: 0 when the first packet can leave, or a negative errno with @err filled
 */
int childnet_setup(const struct nsagent_config *cfg, struct err *err);

#endif
