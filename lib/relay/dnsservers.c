// SPDX-License-Identifier: Apache-2.0
/*
 * dnsservers.c - whom the DNS relay asks, and what it knows of them
 *
 * The server that answered last is asked first. A TCP connection starts where UDP has its answers
 * from, as most follow a truncated one, but a server that serves only one of both is left alone for
 * the other.
 */
#include "lib/relay/dnsservers.h"

#include <errno.h>
#include <string.h>

#include "lib/relay/addr.h"

#define DOUBT_MS 30000

int dns_servers_set(struct dns_servers *s, const struct worker_dns *list)
{
	if (list->count > WORKER_DNS_MAX)
		return -EPROTO;
	for (uint32_t i = 0; i < list->count; i++) {
		if (!addr_valid(&list->server[i]))
			return -EPROTO;
	}
	if (memcmp(&s->list, list, sizeof(*list)) == 0)
		return 0;
	*s = (struct dns_servers){ .list = *list };
	return 1;
}

/* its index; the number of servers when it is none of them any more */
static uint32_t index_of(const struct dns_servers *s, const struct net_addr *server)
{
	uint32_t i = 0;

	while (i < s->list.count && !addr_equal(server, &s->list.server[i]))
		i++;
	return i;
}

void dns_servers_good(struct dns_servers *s, enum dns_transport t, const struct net_addr *server)
{
	uint32_t i = index_of(s, server);

	if (i == s->list.count)
		return;
	if (t == DNS_UDP && s->good[DNS_UDP] != i)
		s->good[DNS_TCP] = i;
	s->good[t] = i;
	s->doubted_until_ms[i] = 0;
}

void dns_servers_doubt(struct dns_servers *s, const struct net_addr *server, uint64_t now_ms)
{
	uint32_t i = index_of(s, server);

	if (i < s->list.count)
		s->doubted_until_ms[i] = now_ms + DOUBT_MS;
}

bool dns_servers_doubted(const struct dns_servers *s, uint32_t index, uint64_t now_ms)
{
	return s->doubted_until_ms[index] > now_ms;
}
