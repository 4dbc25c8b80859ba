/* SPDX-License-Identifier: Apache-2.0 */
/* mtu.h - change the MTU of an interface of the netns we are in, with the rights of a set-up agent
 */
#ifndef RK_NSAGENT_MTU_H
#define RK_NSAGENT_MTU_H

#include <stdint.h>

struct err;

/* mtu_set() - 0 or a negative errno */
int mtu_set(const char *ifname, uint32_t mtu, struct err *err);

#endif
