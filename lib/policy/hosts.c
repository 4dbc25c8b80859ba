// SPDX-License-Identifier: Apache-2.0
/*
 * hosts.c - the host's own addresses, when the child must not reach them
 *
 * The list is sorted by family and address, and no range of it is inside another: so the last one
 * that begins at or before an address is the only one that can have it. What comes in another order
 * is refused, or that search would miss addresses.
 */
#include "lib/policy/hosts.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static unsigned width_of(int family)
{
	return family == AF_INET ? 4 : 16;
}

static int compare(const struct net_range *r, int family, const void *addr)
{
	return r->family != family ? r->family - family : memcmp(r->addr, addr, width_of(family));
}

static bool is_sane(const struct net_range *r, const struct net_range *before)
{
	if ((r->family != AF_INET && r->family != AF_INET6) || r->prefix > 8 * width_of(r->family))
		return false;
	return !before || (compare(before, r->family, r->addr) < 0 &&
			   !net_range_has(before, r->family, r->addr));
}

int policy_hosts_take(struct policy_hosts *h, const struct worker_hosts *m)
{
	if (m->first == 0)
		h->coming = 0;
	if (m->first != h->coming || m->total > WORKER_HOSTS_MAX || m->first > m->total ||
	    m->count > WORKER_HOSTS_PART || m->count > m->total - m->first)
		return -EPROTO;
	for (uint32_t i = 0; i < m->count; i++) {
		struct net_range *r = &h->next[h->coming];

		*r = m->range[i];
		if (!is_sane(r, h->coming ? r - 1 : NULL))
			return -EPROTO;
		h->coming++;
	}
	if (h->coming < m->total)
		return m->count ? 0 : -EPROTO; /* one without any would come for ever */
	memcpy(h->range, h->next, m->total * sizeof(h->range[0]));
	h->n = m->total;
	h->coming = 0;
	return 1;
}

bool policy_is_hosts(const struct policy_hosts *h, int family, const void *addr)
{
	uint32_t low = 0, high = h ? h->n : 0; /* all before low begin at or before it */

	while (low < high) {
		const uint32_t mid = low + (high - low) / 2;

		if (compare(&h->range[mid], family, addr) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low && net_range_has(&h->range[low - 1], family, addr);
}
