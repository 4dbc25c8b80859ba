// SPDX-License-Identifier: Apache-2.0
/*
 * udpflows.c - the clients of all published UDP ports: how long they live, and who must go
 *
 * A flow ends after 30 s of silence without and 90 s with an answer, or when the table is full.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/relay/udpflow.h"

static const unsigned silence_ms[] = {
	[UDP_UNANSWERED] = 30000, [UDP_BRIEF] = 30000, [UDP_ANSWERED] = 90000
};
static_assert(ARRAY_SIZE(silence_ms) == UDP_NAGES, "a limit for each age");

static struct udp_flow *flow_of(struct udp_entry *e)
{
	return container_of(e, struct udp_flow, entry);
}

static int on_sweep_due(struct timer *t);

/* due when the next flow may have been silent for long enough */
static void sweep_set(struct udp_flows *u)
{
	uint64_t now = u->loop->now_ms, due = UINT64_MAX;

	for (int age = 0; age < UDP_NAGES; age++) {
		const struct udp_entry *e = udptable_oldest(&u->table, age);

		if (e && e->used_ms + silence_ms[age] < due)
			due = e->used_ms + silence_ms[age];
	}
	if (due != UINT64_MAX && (!u->sweep.loop || u->sweep.due_ms > due))
		timer_set(u->loop, &u->sweep, due > now ? due - now : 0, on_sweep_due);
}

static int on_sweep_due(struct timer *t)
{
	struct udp_flows *u = container_of(t, struct udp_flows, sweep);
	struct udp_entry *e;

	for (int age = 0; age < UDP_NAGES; age++) {
		while ((e = udptable_oldest(&u->table, age)) &&
		       e->used_ms + silence_ms[age] <= u->loop->now_ms)
			udpflow_end(flow_of(e));
	}
	sweep_set(u);
	return 0;
}

static void make_room(struct udp_flows *u, const struct udp_key *key)
{
	struct udp_entry *e;

	while ((e = udptable_victim(&u->table, key->client))) {
		flow_of(e)->port->counts.evicted++;
		udpflow_end(flow_of(e));
		if (!u->full_said)
			log_warning("ports",
				    "UDP ports have clients at %u ports at once, or %u at one "
				    "address: those that are silent the longest are forgotten",
				    u->table.max, u->table.max / UDP_CLIENT_SHARE);
		u->full_said = true;
	}
}

/* known, and no multicast: an address to send from */
static bool is_own(const uint8_t local[static 16])
{
	struct in6_addr a;

	memcpy(&a, local, sizeof(a));
	return !IN6_IS_ADDR_UNSPECIFIED(&a) && !IN6_IS_ADDR_MULTICAST(&a);
}

struct udp_flow *udpflow_get(struct udp_port *p, const struct udp_key *key, unsigned i)
{
	struct udp_flows *u = p->all;
	struct udp_entry *e = udptable_find(&u->table, key);
	struct udp_flow *f;

	if (e)
		return flow_of(e);
	make_room(u, key);
	e = udptable_add(&u->table, key, u->loop->now_ms);
	if (!e)
		return NULL;
	f = flow_of(e);
	f->port = p;
	p->stats.accepted++;
	f->watch.fd = -1;
	f->answer_max = UINT16_MAX;
	f->client = u->io->name[i];
	f->client_len = u->io->in[i].msg_hdr.msg_namelen;
	f->has_local = is_own(key->local);
	f->peer = f->client;
	addr_unmap(&f->peer);
	udphold_init(&f->hold);
	list_init(&f->wait.entry);
	list_append(&p->flows, &f->by_port);
	udpflow_start(f);
	if (f->state == UDP_FREE)
		return NULL;
	sweep_set(u);
	return f;
}

int udpflows_init(struct udp_flows *u, struct loop *l, struct sources *sources, unsigned flows_max,
		  struct err *err)
{
	unsigned most = flows_max < UDP_FLOWS_MAX ? flows_max : UDP_FLOWS_MAX;
	int r;

	*u = (struct udp_flows){ .sources = sources };
	udphold_store_init(&u->store);
	r = udptable_init(&u->table, most, sizeof(struct udp_flow));
	if (r == 0)
		r = udptable_init(&u->claims, most, sizeof(struct udp_entry));
	if (r < 0) {
		udptable_done(&u->table);
		return err_set(err, -r, "table of UDP flows");
	}
	u->loop = l;
	return 0;
}

void udpflows_done(struct udp_flows *u)
{
	if (!u->loop)
		return;
	timer_cancel(&u->sweep);
	udptable_done(&u->table);
	udptable_done(&u->claims);
	udphold_store_done(&u->store);
	free(u->io);
	*u = (struct udp_flows){ 0 };
}
