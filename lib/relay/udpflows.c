// SPDX-License-Identifier: Apache-2.0
/*
 * udpflows.c - the clients of all published UDP ports: how long they live, and who must go
 *
 * A flow ends after a time of silence, which each port may have its own of, or when the table is
 * full. Tunnels have a source port for each inner flow and are never answered at it: a few flows
 * do for all of one client.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/relay/udpflow.h"

#define UNANSWERED_MS 30000
#define ANSWERED_MS 180000
#define DNS_MS 10000    /* an answer is the end */
#define TUNNEL_MS 60000 /* nodes talk now and then, and are never answered */
#define SWEEP_MS 500    /* from one look at all flows to the next, at least */
#define TUNNEL_FLOWS 16 /* of one client, which has a source port for each inner flow */

static struct udp_flow *flow_of(struct udp_entry *e)
{
	return container_of(e, struct udp_flow, entry);
}

/* VXLAN, as Linux first had it and as it is registered, and Geneve: what answers has another port
 */
static bool is_tunnel(uint16_t port)
{
	return port == 8472 || port == 4789 || port == 6081;
}

void udpflows_limits(struct udp_port *p)
{
	const uint16_t port = p->spec.target[0].port;

	p->is_tunnel = is_tunnel(port);
	p->unanswered_ms = p->is_tunnel ? TUNNEL_MS : UNANSWERED_MS;
	p->answered_ms = p->is_tunnel ? TUNNEL_MS : port == NET_DNS_PORT ? DNS_MS : ANSWERED_MS;
	if (p->spec.idle_ms)
		p->unanswered_ms = p->answered_ms = p->spec.idle_ms;
}

static uint64_t ends_at(const struct udp_flow *f)
{
	return f->entry.used_ms +
	       (f->entry.age == UDP_UNANSWERED ? f->port->unanswered_ms : f->port->answered_ms);
}

/* ends what was silent for long enough; when the next one may have been, UINT64_MAX: never */
static uint64_t end_silent(struct udp_flows *u, enum udp_age age)
{
	const uint64_t now = u->loop->now_ms;
	uint64_t due = UINT64_MAX;
	struct list *e, *next;

	list_for_each_safe (e, next, &u->table.ages[age]) {
		struct udp_flow *f = flow_of(container_of(e, struct udp_entry, by_age));
		const uint64_t at = ends_at(f);

		if (at <= now)
			udpflow_end(f);
		else if (at < due)
			due = at;
	}
	return due;
}

/* one timer for all, which datagrams do not move: each port has a time of its own, so all flows
   are looked at, but seldom */
static int on_sweep_due(struct timer *t)
{
	struct udp_flows *u = container_of(t, struct udp_flows, sweep);
	const uint64_t now = u->loop->now_ms;
	uint64_t due = UINT64_MAX;

	for (int age = 0; age < UDP_NAGES; age++) {
		const uint64_t first = end_silent(u, (enum udp_age)age);

		due = first < due ? first : due;
	}
	if (due != UINT64_MAX)
		timer_set(u->loop, t, due > now + SWEEP_MS ? due - now : SWEEP_MS, on_sweep_due);
	return 0;
}

void udpflows_due(struct udp_flow *f)
{
	struct udp_flows *u = f->port->all;
	const uint64_t now = u->loop->now_ms, at = ends_at(f);
	const uint64_t due = at > now + SWEEP_MS ? at : now + SWEEP_MS;

	if (!u->sweep.loop || u->sweep.due_ms > due)
		timer_set(u->loop, &u->sweep, due - now, on_sweep_due);
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

struct udp_flow *udpflow_find(const struct udp_port *p, const struct udp_key *key)
{
	struct udp_entry *e = udptable_find(&p->all->table, key);

	if (!e && p->is_tunnel && !p->stats.bytes_out) /* nobody is answered */
		e = udptable_alike(&p->all->table, key, TUNNEL_FLOWS);
	return e ? flow_of(e) : NULL;
}

struct udp_flow *udpflow_get(struct udp_port *p, const struct udp_key *key, unsigned i)
{
	struct udp_flows *u = p->all;
	struct udp_flow *f = udpflow_find(p, key);
	struct udp_entry *e;

	if (f)
		return f;
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
	udpflows_due(f);
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
