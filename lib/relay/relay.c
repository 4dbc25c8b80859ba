// SPDX-License-Identifier: Apache-2.0
/*
 * relay.c - the worker that serves published ports, DNS, and TCP and UDP out of the child
 *
 * Born with a control socket; the first message brings limits and descriptors, then one loop runs
 * until the parent closes its end. A message that breaks the protocol ends the worker: the parent
 * is trusted, so it is a bug, and the reason goes back to it.
 */
#include "lib/relay/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/loop.h"
#include "lib/ipc/worker.h"
#include "lib/policy/hosts.h"
#include "lib/relay/bounce.h"
#include "lib/relay/counters.h"
#include "lib/relay/dns.h"
#include "lib/relay/flowlist.h"
#include "lib/relay/forward.h"
#include "lib/relay/sockpool.h"
#include "lib/relay/udpclaim.h"
#include "lib/relay/udpout.h"
#include "lib/relay/udpport.h"
#include "lib/sandbox/sandbox.h"

#define ROUTES_WAIT_MS 1000 /* an agent that does not answer: clients are not shown */
#define CONFIG_WAIT_MS (-1) /* the parent has a limit, and ends us by the end of its socket */

struct relay {
	struct loop loop;
	struct watch control;
	struct sockpool pool;    /* of the child netns */
	struct sockpool gateway; /* of the gateway netns, transparent */
	struct sources sources;
	struct forward forward;
	struct udp_ports udp;
	struct dns dns;
	struct bounce bounce;
	struct udpout udpout;
	struct policy_hosts hosts;     /* with --deny-host-addrs */
	struct worker_port_id removed; /* owed to the parent, whose socket is full; 0: none */
	int reserve; /* keeps a place for the descriptor of the next message; -1: none */
	struct err err;
};

/* how the descriptors that we may have are shared out */
struct limits {
	unsigned batch; /* sockets asked of the agent at once; 5/4 of it are held of each kind */
	struct dns_limits dns;
	unsigned pipes; /* two each */
	unsigned udp;   /* clients of UDP ports, a socket each */
	unsigned flows; /* descriptors for flows and listeners */
	unsigned holds; /* connections out that are not flows yet, out of the same descriptors */
	unsigned out;   /* ports of the child that talk UDP, as well; 5/4 descriptors each */
};

static unsigned clamp(unsigned v, unsigned least, unsigned most)
{
	return v < least ? least : v > most ? most : v;
}

/* with 512 descriptors or more the pools have their full size, below they shrink in proportion.
   Of each kind of socket but that of routes there is one stock: transparent ones are the gateway's
   or the child's */
static struct limits limits_make(unsigned fds, unsigned udp_ports)
{
	struct limits l = { .batch = clamp(fds / 32, 2, SOCKPOOL_BATCH_MAX),
			    .dns = { .queries = clamp(fds / 8, 4, DNS_QUERIES_MAX),
				     .ports = clamp(fds / 64, 4, DNS_PORTS_MAX),
				     .conns = clamp(fds / 32, 4, DNS_CONNS_MAX) },
			    .pipes = clamp(fds / 64, 1, PIPEPOOL_MAX),
			    .udp = clamp(fds / 16, 4, UDP_FLOWS_MAX) };
	unsigned used = clamp(fds / 8, 8, 64) + (SOCKPOOL_NKINDS - 1) * (l.batch + l.batch / 4) +
			l.dns.ports + 2 * l.dns.conns + 2 * l.pipes + l.udp;

	l.flows = fds > used + 4 ? fds - used : 4;
	l.holds = clamp(fds / 8, 4, HOLDS_MAX);
	/* TCP must not wait for ports that talk UDP to end: a quarter of what both share is its own
	 */
	l.out = fds / 4 < l.flows * 3 / 5 ? fds / 4 : l.flows * 3 / 5;
	l.out = clamp(l.out, 4, udp_ports && udp_ports < UDPOUT_MAX ? udp_ports : UDPOUT_MAX);
	return l;
}

static int do_port_add(struct relay *r, struct msg *m)
{
	struct worker_port spec;

	memcpy(&spec, m->payload, sizeof(spec));
	if (spec.protocol == IPPROTO_UDP)
		return udpports_add(&r->udp, &spec, msg_take_fd(m, 0), &r->err);
	return forward_add(&r->forward, &spec, msg_take_fd(m, 0), &r->err);
}

/* a parent that does not read asks again */
static int answer_or_drop(struct relay *r, uint16_t type, const void *payload)
{
	int e = msg_send(r->control.fd, &worker_proto, type, payload, NULL, 0);

	return e < 0 && !msg_peer_gone(e) && e != -EAGAIN
		       ? err_set(&r->err, -e, "answering the parent")
		       : 0;
}

/* nobody asks for this again: while it waits for room nothing of the parent is read */
static int tell_removed(struct relay *r)
{
	int e = msg_send(r->control.fd, &worker_proto, WORKER_PORT_REMOVED, &r->removed, NULL, 0);

	if (e != -EAGAIN)
		r->removed.id = 0;
	if (e < 0 && e != -EAGAIN && !msg_peer_gone(e))
		return err_set(&r->err, -e, "answering the parent");
	e = watch_set(&r->control, e == -EAGAIN ? EPOLLOUT : EPOLLIN);
	return e < 0 ? err_set(&r->err, -e, "watching the control socket") : 0;
}

static int do_port_remove(struct relay *r, const struct msg *m)
{
	struct worker_port_remove remove;

	memcpy(&remove, m->payload, sizeof(remove));
	if (remove.drain_ms > WORKER_DRAIN_MAX_MS)
		return err_say(&r->err, EPROTO, "port %u of the parent: drained for %u ms",
			       remove.id, remove.drain_ms);
	forward_remove(&r->forward, remove.id, remove.drain_ms); /* one of both has it */
	udpports_remove(&r->udp, remove.id);
	r->removed.id = remove.id;
	return tell_removed(r);
}

/* both kinds are in the order of their ids: the lowest of both */
static int do_stats(struct relay *r, const struct msg *m)
{
	struct worker_port_stats tcp[WORKER_STATS_MAX], udp[WORKER_STATS_MAX];
	struct worker_stats ans = { 0 };
	unsigned ntcp, nudp, t = 0, u = 0;

	memcpy(&ans.req, m->payload, sizeof(ans.req));
	ntcp = forward_stats(&r->forward, ans.req.after, tcp, WORKER_STATS_MAX);
	nudp = udpports_stats(&r->udp, ans.req.after, udp, WORKER_STATS_MAX);
	while (ans.count < WORKER_STATS_MAX && (t < ntcp || u < nudp)) {
		bool is_tcp = u == nudp || (t < ntcp && tcp[t].id < udp[u].id);

		ans.port[ans.count++] = is_tcp ? tcp[t++] : udp[u++];
	}
	return answer_or_drop(r, WORKER_STATS, &ans);
}

static struct counted counted_of(const struct relay *r)
{
	return (struct counted){ &r->forward, &r->bounce, &r->udpout, &r->udp, &r->dns };
}

static int do_flows(struct relay *r, const struct msg *m)
{
	const struct counted of = counted_of(r);
	struct worker_flows_req req;
	struct worker_flows ans;

	memcpy(&req, m->payload, sizeof(req));
	if (flowlist_fill(&of, &req, r->loop.now_ms, &ans) < 0)
		return err_say(&r->err, EPROTO, "section %u of flows, asked by the parent",
			       req.section);
	return answer_or_drop(r, WORKER_FLOWS, &ans);
}

static int do_ping(struct relay *r)
{
	const struct counted of = counted_of(r);
	struct worker_counters counters;

	relay_counters(&of, &counters);
	return answer_or_drop(r, WORKER_PONG, &counters);
}

static int do_mtu(struct relay *r, const struct msg *m)
{
	struct worker_mtu to;

	memcpy(&to, m->payload, sizeof(to));
	if (to.mtu < NET_MTU_MIN || to.mtu > NET_MTU_MAX)
		return err_say(&r->err, EPROTO, "the parent's MTU of %u is none", to.mtu);
	r->bounce.plan.mtu = to.mtu; /* UDP out looks there as well */
	return 0;
}

/* Return: 1 when the list is complete, 0 when more of it must come, or a negative errno */
static int do_hosts(struct relay *r, const struct msg *m)
{
	struct worker_hosts part;
	int e;

	memcpy(&part, m->payload, sizeof(part));
	e = policy_hosts_take(&r->hosts, &part);
	if (e > 0)
		udpout_hosts_changed(&r->udpout);
	return e < 0 ? err_say(&r->err, EPROTO,
			       "the parent's list of the host's addresses is malformed")
		     : e;
}

static int do_message(struct relay *r, struct msg *m)
{
	struct worker_dns servers;

	switch (m->type) {
	case WORKER_PORT_ADD:
		return do_port_add(r, m);
	case WORKER_PORT_REMOVE:
		return do_port_remove(r, m);
	case WORKER_STATS_REQ:
		return do_stats(r, m);
	case WORKER_FLOWS_REQ:
		return do_flows(r, m);
	case WORKER_DNS:
		memcpy(&servers, m->payload, sizeof(servers));
		if (dns_set_servers(&r->dns, &servers) == 0)
			return 0;
		return err_say(&r->err, EPROTO, "the parent's list of DNS servers is malformed");
	case WORKER_MTU:
		return do_mtu(r, m);
	case WORKER_HOSTS:
		return do_hosts(r, m) < 0 ? -EPROTO : 0;
	case WORKER_PING:
		return do_ping(r);
	default:
		return err_say(&r->err, EPROTO, "unexpected message %u of the parent", m->type);
	}
}

static void reserve_take(struct relay *r)
{
	if (r->reserve < 0)
		r->reserve = fcntl(r->loop.epfd, F_DUPFD_CLOEXEC, 0);
}

static int on_control_ready(struct watch *w, uint32_t events)
{
	struct relay *r = container_of(w, struct relay, control);
	struct msg m;
	int e;

	(void)events;
	if (r->removed.id)
		return tell_removed(r);
	cleanup_closep(&r->reserve);
	r->reserve = -1;
	e = msg_recv(w->fd, &worker_proto, ROLE_PARENT, WORKER_UP, MSG_DONTWAIT, &m);
	if (e == 0) {
		loop_stop(&r->loop, 0);
	} else if (e > 0) {
		e = do_message(r, &m);
		msg_close_fds(&m);
	} else if (e != -EAGAIN) {
		return err_set(&r->err, -e, "message of the parent");
	}
	reserve_take(r);
	return e == -EAGAIN ? 0 : e;
}

/* descriptors of the configuration; -1: not there */
struct config_fds {
	int agent, gateway, dns[NET_DNS_SOCKS_MAX], accel[NET_ACCEL_FDS_MAX];
};

/* Return: 1; 0 when the parent has gone already; else a negative errno */
static int receive_config(struct relay *r, struct relay_config *ret, struct config_fds *fds)
{
	struct msg m;
	uint32_t first; /* of those that are counted */
	int e = msg_recv_within(WORKER_CONTROL_FD, &worker_proto, ROLE_PARENT, WORKER_STARTING,
				CONFIG_WAIT_MS, &m);

	if (e == 0)
		return 0;
	if (e < 0)
		return err_set(&r->err, -e, "waiting for the parent's settings");
	memcpy(ret, m.payload, sizeof(*ret));
	first = ret->have_agent + ret->have_gateway;
	if (m.type != WORKER_RELAY_CONFIG || ret->have_agent > 1 || ret->have_gateway > 1 ||
	    ret->child_shows > 1 || (ret->child_shows && ret->have_gateway) ||
	    ret->ndns > NET_DNS_SOCKS_MAX || ret->accel >= NET_NACCELS ||
	    m.nfds != first + ret->ndns + net_accel_fds(ret->accel, &ret->net)) {
		msg_close_fds(&m);
		return err_say(&r->err, EPROTO, "the parent's settings are malformed");
	}
	fds->agent = ret->have_agent ? msg_take_fd(&m, 0) : -1;
	fds->gateway = ret->have_gateway ? msg_take_fd(&m, ret->have_agent) : -1;
	for (uint32_t i = 0; i < ret->ndns; i++)
		fds->dns[i] = msg_take_fd(&m, first + i);
	for (uint32_t i = 0; i < NET_ACCEL_FDS_MAX; i++)
		fds->accel[i] = i < net_accel_fds(ret->accel, &ret->net)
					? msg_take_fd(&m, first + ret->ndns + i)
					: -1;
	return 1;
}

/* before anything is served: there is no moment in which they could be reached. Return: as above */
static int receive_hosts(struct relay *r)
{
	struct msg m;
	int e;

	do {
		e = msg_recv_within(WORKER_CONTROL_FD, &worker_proto, ROLE_PARENT, WORKER_STARTING,
				    CONFIG_WAIT_MS, &m);
		if (e <= 0)
			return e == 0 ? 0
				      : err_set(&r->err, -e, "waiting for the host's addresses");
		if (m.type == WORKER_HOSTS)
			e = do_hosts(r, &m);
		else
			e = err_say(&r->err, EPROTO, "unexpected message %u of the parent", m.type);
		msg_close_fds(&m);
	} while (e == 0);
	return e;
}

static bool is_claimed(void *arg, const struct net_addr *peer, const struct net_addr *child)
{
	return udpclaim_is_made(arg, peer, child);
}

static void on_claim(void *arg, const struct net_addr *client, const struct net_addr *target)
{
	udpout_yield(arg, client, target);
}

/* UDP out and published UDP ports must not both have a socket for the same two addresses */
static void share_claims(struct relay *r)
{
	r->udpout.is_claimed = is_claimed;
	r->udpout.claims_arg = &r->udp.flows.claims;
	r->udp.flows.on_claim = on_claim;
	r->udp.flows.claim_arg = &r->udpout;
}

/* a client that came before the child's routes can be asked would not be shown to its server. The
 * question was sent long ago: as a rule the answer is here */
static int wait_for_routes(struct relay *r)
{
	const uint64_t end = clock_ms() + ROUTES_WAIT_MS;
	uint64_t now = clock_ms();
	int e = 0;

	while (e == 0 && !r->loop.stop && !clientroutes_settled(&r->sources.routes) && now < end) {
		e = loop_once(&r->loop, (int)(end - now));
		now = clock_ms();
	}
	return e;
}

/* Return: as receive_config() */
static int say_ready(struct relay *r, struct sandbox_report *sandbox)
{
	int e;

	sandbox_seal(sandbox);
	e = wait_for_routes(r);
	if (e < 0)
		return e;
	e = msg_send(WORKER_CONTROL_FD, &worker_proto, WORKER_READY, sandbox, NULL, 0);
	if (msg_peer_gone(e))
		return 0;
	return e < 0 ? err_set(&r->err, -e, "telling the parent that we are ready") : 1;
}

/* Return: as receive_config() */
static int relay_start(struct relay *r, struct sandbox_report *sandbox)
{
	struct config_fds fds;
	struct relay_config config = { 0 };
	struct limits limits;
	struct rlimit nofile;
	int e = receive_config(r, &config, &fds);

	if (e > 0 && config.deny_hosts)
		e = receive_hosts(r);
	if (e <= 0)
		return e;
	fd_raise_limit(); /* what there is will do otherwise */
	if (getrlimit(RLIMIT_NOFILE, &nofile) < 0)
		return err_set(&r->err, errno, "reading the limit of open files");
	limits = limits_make(nofile.rlim_cur < 1u << 20 ? (unsigned)nofile.rlim_cur : 1u << 20,
			     config.udp_ports_max);
	e = loop_init(&r->loop);
	if (e < 0)
		return err_set(&r->err, -e, "event loop");
	e = sockpool_init(&r->pool, &r->loop, "the child's network namespace", fds.agent,
			  limits.batch, &r->err);
	if (e == 0)
		e = sockpool_init(&r->gateway, &r->loop, "the gateway's network namespace",
				  fds.gateway, limits.batch, &r->err);
	r->pool.strays = r->gateway.strays = config.is_again;
	if (e == 0)
		sources_init(&r->sources, &r->loop, &r->pool, &r->gateway, config.child_shows,
			     &config.net);
	if (e == 0)
		e = forward_init(&r->forward, &r->loop, &r->sources, limits.flows,
				 config.tcp_flows_max, limits.pipes, &r->err);
	if (e == 0)
		e = dns_init(&r->dns, &r->loop, fds.dns, config.ndns, &r->forward.flows,
			     &limits.dns, &r->err);
	if (e == 0)
		e = udpports_init(&r->udp, &r->loop, &r->sources, limits.udp, &r->err);
	if (e == 0 && config.accel != NET_ACCEL_OFF)
		e = bounce_init(&r->bounce, &r->loop, &config.net, config.accel, fds.accel,
				&r->forward, limits.holds, &r->err);
	if (e == 0 && config.accel == NET_ACCEL_TPROXY)
		e = udpout_init(&r->udpout, &r->loop, &r->bounce.plan, fds.accel, &r->gateway,
				&r->forward, limits.out, &r->err);
	if (e == 0 && config.accel == NET_ACCEL_TPROXY)
		share_claims(r);
	r->bounce.holds.hosts = r->udpout.hosts = &r->hosts;
	if (config.accel == NET_ACCEL_REDIRECT) { /* libslirp carries UDP */
		close(fds.accel[NET_ACCEL_UDP4]);
		cleanup_closep(&fds.accel[NET_ACCEL_UDP6]);
	}
	if (e < 0)
		return e;
	reserve_take(r);
	e = watch_add(&r->loop, &r->control, WORKER_CONTROL_FD, EPOLLIN, on_control_ready);
	if (e < 0)
		return err_set(&r->err, -e, "watching the control socket");
	return say_ready(r, sandbox);
}

static void relay_free(struct relay *r)
{
	udpports_done(&r->udp);
	udpout_done(&r->udpout);
	bounce_done(&r->bounce); /* its flows are among those of forward, as those of DNS */
	dns_done(&r->dns);
	forward_done(&r->forward);
	sources_done(&r->sources);
	if (r->gateway.loop)
		sockpool_done(&r->gateway);
	if (r->pool.loop)
		sockpool_done(&r->pool);
	watch_remove(&r->control);
	cleanup_closep(&r->reserve);
	loop_done(&r->loop);
	free(r);
}

int relay_main(struct sandbox_report *sandbox)
{
	struct relay *r;
	int e;

	role_assert(ROLE_RELAY);
	r = calloc(1, sizeof(*r));
	if (!r) {
		struct err err = { 0 };

		err_set(&err, ENOMEM, "starting");
		msg_send(WORKER_CONTROL_FD, &worker_proto, WORKER_FAILED, &err, NULL, 0);
		return 1;
	}
	r->reserve = -1;
	e = relay_start(r, sandbox);
	if (e > 0)
		e = loop_run(&r->loop);
	if (e < 0) {
		int sent;

		if (!r->err.code)
			err_set(&r->err, -e, "event loop");
		sent = msg_send(WORKER_CONTROL_FD, &worker_proto, WORKER_FAILED, &r->err, NULL, 0);
		if (sent < 0 && !msg_peer_gone(sent))
			log_error("relay", "%s", r->err.msg);
	}
	relay_free(r);
	return e < 0 ? 1 : 0;
}
