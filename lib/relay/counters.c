// SPDX-License-Identifier: Apache-2.0
/*
 * counters.c - the relay's counters and budgets, as a pong tells them
 *
 * Asked every few seconds: what is not counted as it happens is counted here.
 */
#include "lib/relay/counters.h"

#include "lib/base/cleanup.h"

/* connections out that are open, and the bytes of all that were */
static unsigned count_open(const struct holds *h, uint64_t *ret_in, uint64_t *ret_out)
{
	const struct list *e = h->open.next;
	unsigned n = 0;

	*ret_in = h->bytes_in;
	*ret_out = h->bytes_out;
	for (; h->loop && e != &h->open; e = e->next, n++) {
		const struct pump *p = &container_of(e, const struct flow, entry)->pump;

		*ret_in += p->dir[FLOW_TARGET].moved;
		*ret_out += p->dir[FLOW_CLIENT].moved;
	}
	return n;
}

static void count_tcp(const struct forward *f, const struct bounce *b, struct worker_counters *c)
{
	const struct flows *flows = &f->flows;
	const struct holds *h = &b->holds;

	counters_budget(c, COUNT_CONNECTIONS, flows->n, f->flows_max);
	counters_budget(c, COUNT_TCP_OUT,
			count_open(h, &c->value[COUNT_TCP_OUT_BYTES_IN],
				   &c->value[COUNT_TCP_OUT_BYTES_OUT]),
			f->flows_max);
	counters_budget(c, COUNT_TCP_PUBLISHED, forward_nflows(f), f->flows_max);
	counters_budget(c, COUNT_DESCRIPTORS, forward_descriptors(f), f->fds_max);
	counters_budget(c, COUNT_HOLDS, h->n, h->max);
	c->value[COUNT_TCP_OUT_OPENED] = h->ended[HOLD_ACCEPTED];
	c->value[COUNT_TCP_OUT_FAILED] = h->ended[HOLD_FAILED];
	c->value[COUNT_TCP_OUT_REFUSED] = h->refused;
	c->value[COUNT_TCP_OUT_ABANDONED] = h->ended[HOLD_ABANDONED];
}

static void count_udp(const struct udpout *u, const struct udp_ports *p, struct worker_counters *c)
{
	const struct udp_table *clients = &p->flows.table;

	counters_budget(c, COUNT_UDP_OUT, u->mappings.n, u->mappings.max);
	counters_budget(c, COUNT_UDP_PAIRS, u->pairs.n, u->pairs.max);
	counters_budget(c, COUNT_UDP_PAIR_SOCKETS, u->pair_sockets, u->pair_sockets_max);
	counters_budget(c, COUNT_UDP_CLIENTS, clients->n, clients->max);
	c->value[COUNT_UDP_OUT_OPENED] = u->counts.mappings;
	c->value[COUNT_UDP_OUT_EVICTED] = u->counts.evicted;
	c->value[COUNT_UDP_OUT_SENT] = u->counts.out;
	c->value[COUNT_UDP_OUT_RECEIVED] = u->counts.in;
	c->value[COUNT_UDP_OUT_REFUSED] = u->counts.refused;
	c->value[COUNT_UDP_OUT_DROPPED] = u->counts.dropped;
}

static void count_dns(const struct dns *d, struct worker_counters *c)
{
	counters_budget(c, COUNT_DNS_QUERIES, d->udp.n, d->udp.max);
	counters_budget(c, COUNT_DNS_CONNS, d->tcp.n, d->tcp.max);
	c->value[COUNT_DNS_ASKED] = d->udp.asked;
	c->value[COUNT_DNS_FAILED] = d->udp.failed;
}

void relay_counters(const struct counted *of, struct worker_counters *ret)
{
	*ret = (struct worker_counters){ 0 };
	count_tcp(of->forward, of->bounce, ret);
	count_udp(of->udpout, of->udp, ret);
	count_dns(of->dns, ret);
}
