// SPDX-License-Identifier: Apache-2.0
/*
 * udpclaim.c - one transparent socket for a client's address and port at a target, not two
 *
 * Unlike with TCP the kernel would let two sockets have the same pair of addresses, and give all
 * answers to one of them: those of the other would leave from the wrong port or address.
 */
#include "lib/relay/udpclaim.h"

#include <string.h>
#include <sys/socket.h>

#include "lib/relay/addr.h"

static void key_target(struct udp_key *key, const struct net_addr *target)
{
	key->scope = target->port;
	memcpy(key->local, target->addr, target->family == AF_INET ? 4 : sizeof(key->local));
}

bool udpclaim_is_made(const struct udp_table *claims, const struct net_addr *peer,
		      const struct net_addr *target)
{
	struct udp_key key = { .client_port = peer->port };

	addr_map(peer, key.client);
	key_target(&key, target);
	return udptable_find(claims, &key);
}

struct udp_entry *udpclaim_make(struct udp_table *claims, const struct udp_key *flow,
				const struct net_addr *target, uint64_t now_ms)
{
	struct udp_key key = { .client_port = flow->client_port };

	memcpy(key.client, flow->client, sizeof(key.client));
	key_target(&key, target);
	return udptable_find(claims, &key) ? NULL : udptable_add(claims, &key, now_ms);
}
