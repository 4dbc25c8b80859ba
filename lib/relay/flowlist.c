// SPDX-License-Identifier: Apache-2.0
/*
 * flowlist.c - the relay's flows, some at a time, for the parent who asks
 *
 * A section is walked from its last place to its first, so a flow that lives through all of it is
 * met once, whatever comes and goes meanwhile. Nothing is kept between two questions, and nothing
 * of a flow is kept for them but the second of its beginning: addresses are asked of the kernel.
 */
#include "lib/relay/flowlist.h"

#include <errno.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/relay/accepted.h"
#include "lib/relay/addr.h"
#include "lib/relay/udpout_impl.h"

struct filling {
	const struct counted *of;
	uint64_t now_ms;
	struct worker_flows *ret;
};

/* room for one, which began then; the list has room for it always */
static struct worker_flow *take(const struct filling *l, uint8_t protocol, enum flow_kind kind,
				uint32_t began_s)
{
	struct worker_flow *w = &l->ret->flow[l->ret->count++];

	*w = (struct worker_flow){ .protocol = protocol,
				   .kind = (uint8_t)kind,
				   .known = FLOW_KNOWS_AGE,
				   .age_s = (uint32_t)(l->now_ms / 1000) - began_s };
	return w;
}

static bool has_room(const struct filling *l)
{
	return l->ret->count < WORKER_FLOWS_MAX;
}

static void set_bytes(struct worker_flow *w, uint64_t in, uint64_t out)
{
	w->known |= FLOW_KNOWS_BYTES;
	w->bytes_in = in;
	w->bytes_out = out;
}

/* stays unknown when the socket has no peer any more */
static void set_peer(struct net_addr *ret, int fd)
{
	union sock_addr sa = { 0 };
	socklen_t len = sizeof(sa);

	if (getpeername(fd, &sa.sa, &len) < 0)
		return;
	addr_unmap(&sa);
	addr_from_sock(&sa, ret);
}

static void set_key(struct worker_flow *w, const struct syn_key *k)
{
	w->child = (struct net_addr){ .family = k->family, .port = k->sport };
	w->far = (struct net_addr){ .family = k->family, .port = k->dport };
	memcpy(w->child.addr, k->src, sizeof(k->src));
	memcpy(w->far.addr, k->dst, sizeof(k->dst));
}

static uint8_t shape_of(const struct flow *f)
{
	if (f->state != FLOW_OPEN)
		return FLOW_SHAPE_CONNECTING;
	return f->pump.dir[FLOW_CLIENT].eof || f->pump.dir[FLOW_TARGET].eof ? FLOW_SHAPE_CLOSING
									    : FLOW_SHAPE_OPEN;
}

static bool on_tcp(const struct flow *f, void *arg)
{
	const struct filling *l = arg;
	const struct holds *h = &l->of->bounce->holds;
	const uint64_t by_client = f->pump.dir[FLOW_CLIENT].moved,
		       by_target = f->pump.dir[FLOW_TARGET].moved;
	const int client = f->pump.side[FLOW_CLIENT].watch.fd;
	struct worker_flow *w;
	struct syn_key key;

	if (f->port) {
		w = take(l, IPPROTO_TCP, FLOW_KIND_PUBLISHED, f->began_s);
		w->port_id = f->port->spec.id;
		w->child = f->port->spec.target[f->target];
		addr_from_sock(&f->client, &w->far);
		set_bytes(w, by_client, by_target);
	} else if (f->owner == h) {
		w = take(l, IPPROTO_TCP, FLOW_KIND_OUT, f->began_s);
		if (accepted_key(h->rung, client, &key) == 0)
			set_key(w, &key);
		set_bytes(w, by_target, by_client);
	} else {
		w = take(l, IPPROTO_TCP, FLOW_KIND_DNS, f->began_s);
		set_peer(&w->child, client);
		set_peer(&w->far, f->pump.side[FLOW_TARGET].watch.fd);
		set_bytes(w, by_target, by_client);
	}
	w->shape = shape_of(f);
	return has_room(l);
}

static bool on_pending(const struct syn_key *key, uint64_t since_ms, void *arg)
{
	const struct filling *l = arg;
	struct worker_flow *w = take(l, IPPROTO_TCP, FLOW_KIND_OUT, (uint32_t)(since_ms / 1000));

	set_key(w, key);
	set_bytes(w, 0, 0);
	w->shape = FLOW_SHAPE_CONNECTING;
	return has_room(l);
}

static struct worker_flow *take_udp(const struct filling *l, enum flow_kind kind,
				    const struct udp_entry *e)
{
	struct worker_flow *w = take(l, IPPROTO_UDP, kind, e->began_s);

	w->known |= FLOW_KNOWS_IDLE;
	w->idle_s = (uint32_t)((l->now_ms - e->used_ms) / 1000);
	w->shape = e->age == UDP_UNANSWERED ? FLOW_SHAPE_UNANSWERED : FLOW_SHAPE_OPEN;
	return w;
}

static bool on_udp_published(const struct udp_entry *e, void *arg)
{
	const struct udp_flow *f = container_of(e, const struct udp_flow, entry);
	const struct filling *l = arg;
	struct worker_flow *w = take_udp(l, FLOW_KIND_PUBLISHED, e);

	w->port_id = f->port->spec.id;
	w->child = f->port->spec.target[f->target];
	addr_from_sock(&f->peer, &w->far);
	return has_room(l);
}

static bool on_udp_out(const struct udp_entry *e, void *arg)
{
	const struct udpout_pair *p = container_of(e, const struct udpout_pair, entry);
	const struct filling *l = arg;
	struct worker_flow *w = take_udp(l, FLOW_KIND_OUT, e);

	/* its own age tells of its socket: who has answered, the child's port knows */
	w->shape = p->map->entry.age == UDP_UNANSWERED ? FLOW_SHAPE_UNANSWERED : FLOW_SHAPE_OPEN;
	w->child = p->map->child;
	w->far = p->peer;
	return has_room(l);
}

int flowlist_fill(const struct counted *of, const struct worker_flows_req *req, uint64_t now_ms,
		  struct worker_flows *ret)
{
	struct filling l = { of, now_ms, ret };
	const uint32_t below = req->below;

	*ret = (struct worker_flows){ .req = *req };
	switch (req->section) {
	case FLOWS_TCP:
		ret->below = flows_visit(&of->forward->flows, below, FLOWS_LOOKS, on_tcp, &l);
		return 0;
	case FLOWS_PENDING:
		ret->below = holds_visit(&of->bounce->holds, below, FLOWS_LOOKS, on_pending, &l);
		return 0;
	case FLOWS_UDP_PUBLISHED:
		ret->below = udptable_visit(&of->udp->flows.table, below, FLOWS_LOOKS,
					    on_udp_published, &l);
		return 0;
	case FLOWS_UDP_OUT:
		ret->below = udptable_visit(&of->udpout->pairs, below, FLOWS_LOOKS, on_udp_out, &l);
		return 0;
	default:
		return -EINVAL;
	}
}
