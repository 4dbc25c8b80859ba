/* SPDX-License-Identifier: Apache-2.0 */
/* udpclaim.h - one transparent socket for a client's address and port at a target, not two */
#ifndef RK_RELAY_UDPCLAIM_H
#define RK_RELAY_UDPCLAIM_H

#include "lib/ipc/netplan.h"
#include "lib/relay/udptable.h"

/* udpclaim_is_made() - by somebody */
bool udpclaim_is_made(const struct udp_table *claims, const struct net_addr *peer,
		      const struct net_addr *target);

/**
 * udpclaim_make() - claim the pair of addresses
 * @claims:	of as many entries as there may be flows
 * @flow:	whose client is meant
 * Return: the claim, given up by udptable_remove(); NULL when it is another's, or memory is short
 */
struct udp_entry *udpclaim_make(struct udp_table *claims, const struct udp_key *flow,
				const struct net_addr *target, uint64_t now_ms);

#endif
