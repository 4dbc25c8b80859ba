/* SPDX-License-Identifier: Apache-2.0 */
/* accepted.h - who a connection of the gateway's listeners is between, as the child sees it */
#ifndef RK_RELAY_ACCEPTED_H
#define RK_RELAY_ACCEPTED_H

#include "lib/ipc/netplan.h"
#include "lib/relay/syn.h"

/**
 * accepted_key()
 * @rung:	how it came to the listener; not NET_ACCEL_OFF
 * Return: 0, or a negative errno: it has ended, or is none
 */
int accepted_key(enum net_accel rung, int fd, struct syn_key *ret);

#endif
