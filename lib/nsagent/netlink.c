// SPDX-License-Identifier: Apache-2.0
/*
 * netlink.c - verbs on the links, addresses, routes and rules of the netns we are in
 *
 * One request, one answer, no cache of links and no dump: the start of the program waits for it.
 * libnl folds the kernel's errnos into fewer codes of its own; the error callback keeps the real
 * one.
 */
#include "lib/nsagent/netlink.h"

#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/neighbour.h>
#include <netlink/route/route.h>
#include <netlink/route/rule.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/loop.h"

struct netlink {
	struct nl_sock *sock;
	int error; /* positive errno of the kernel's last answer, 0: none */
};

/* if_nametoindex() of net/if.h, which cannot be included beside linux/if.h */
unsigned if_nametoindex(const char *name);

#define GSO_IPV4_MAX_SIZE 63 /* IFLA_GSO_IPV4_MAX_SIZE, since Linux 6.3 */

#define DEFINE_PUTP(type, put) \
	static void put##_at(type **p) \
	{ \
		if (*p) \
			put(*p); \
	}
DEFINE_PUTP(struct nl_addr, nl_addr_put)
DEFINE_PUTP(struct rtnl_addr, rtnl_addr_put)
DEFINE_PUTP(struct rtnl_link, rtnl_link_put)
DEFINE_PUTP(struct rtnl_neigh, rtnl_neigh_put)
DEFINE_PUTP(struct rtnl_route, rtnl_route_put)
DEFINE_PUTP(struct rtnl_rule, rtnl_rule_put)

static int on_kernel_error(struct sockaddr_nl *from, struct nlmsgerr *answer, void *arg)
{
	struct netlink *nl = arg;

	(void)from;
	nl->error = -answer->error;
	return NL_STOP;
}

/* the positive errno behind a negative code of libnl; some calls keep the kernel's to themselves */
static int errno_of(const struct netlink *nl, int nle)
{
	if (nl->error)
		return nl->error;
	if (nle == -NLE_NODEV)
		return ENODEV;
	return nle == -NLE_NOMEM ? ENOMEM : EIO;
}

int netlink_new(struct netlink **ret, struct err *err)
{
	struct netlink *nl = calloc(1, sizeof(*nl));
	int r = -NLE_NOMEM;

	if (nl)
		nl->sock = nl_socket_alloc();
	if (nl && nl->sock)
		r = nl_connect(nl->sock, NETLINK_ROUTE);
	if (r < 0) {
		netlink_free(nl);
		return err_say(err, EIO, "opening an rtnetlink socket: %s", nl_geterror(r));
	}
	nl_socket_disable_msg_peek(nl->sock); /* answers are short: one call each, not two */
	nl_socket_modify_err_cb(nl->sock, NL_CB_CUSTOM, on_kernel_error, nl);
	*ret = nl;
	return 0;
}

struct netlink *netlink_free(struct netlink *nl)
{
	if (nl)
		nl_socket_free(nl->sock);
	free(nl);
	return NULL;
}

/* @built: what the maker of *@msg returned; *@msg is consumed. Returns 0 or a positive errno */
static int ask(struct netlink *nl, int built, struct nl_msg *const *msg)
{
	int r = built;

	nl->error = 0;
	if (r >= 0)
		r = nl_send_sync(nl->sock, *msg);
	return r < 0 ? errno_of(nl, r) : 0;
}

static size_t ip_size(uint8_t family)
{
	return family == AF_INET6 ? 16 : 4;
}

static struct nl_addr *ip_new(const struct netlink_ip *ip)
{
	struct nl_addr *a = nl_addr_build(ip->family, ip->addr, ip_size(ip->family));

	if (a)
		nl_addr_set_prefixlen(a, ip->prefix);
	return a;
}

static const char *ip_text(const struct netlink_ip *ip, char text[INET6_ADDRSTRLEN])
{
	return inet_ntop(ip->family, ip->addr, text, INET6_ADDRSTRLEN);
}

int netlink_veth_add(struct netlink *nl, const struct netlink_veth *v, struct err *err)
{
	AUTO(rtnl_link_put_at) struct rtnl_link *link = rtnl_link_veth_alloc();
	AUTO(rtnl_link_put_at)
	struct rtnl_link *peer = link ? rtnl_link_veth_get_peer(link) : NULL;
	struct rtnl_link *const both[] = { link, peer };
	struct nl_msg *msg = NULL;
	int e;

	if (!peer)
		return err_set(err, ENOMEM, "making the veth pair '%s'", v->name);
	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		rtnl_link_set_mtu(both[i], v->mtu);
		/* a veth transmits without a lock: more queues only take time to make */
		rtnl_link_set_num_tx_queues(both[i], 1);
		rtnl_link_set_num_rx_queues(both[i], 1);
	}
	rtnl_link_set_flags(link, IFF_UP); /* the peer cannot: it has no peer yet when it is made */
	rtnl_link_set_ifindex(link, v->ifindex);
	rtnl_link_set_name(link, v->name);
	rtnl_link_set_name(peer, v->peer_name);
	rtnl_link_set_ns_fd(peer, v->peer_netns);
	e = ask(nl, rtnl_link_build_add_request(link, NLM_F_CREATE | NLM_F_EXCL, &msg), &msg);
	return e ? err_set(err, e, "making the veth pair '%s' and '%s'", v->name, v->peer_name) : 0;
}

/* flags (IFF_UP or 0) on, and one attribute unless its value is 0; 0 or a positive errno */
static int change_link(struct netlink *nl, const char *name, unsigned flags, int attr,
		       uint32_t value)
{
	struct ifinfomsg ifi = { .ifi_flags = flags, .ifi_change = flags };
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWLINK, 0);
	int r = -NLE_NOMEM;

	if (msg)
		r = nlmsg_append(msg, &ifi, sizeof(ifi), NLMSG_ALIGNTO);
	if (r >= 0)
		r = nla_put_string(msg, IFLA_IFNAME, name);
	if (r >= 0 && value)
		r = nla_put_u32(msg, attr, value);
	if (r < 0)
		nlmsg_free(msg);
	return ask(nl, r, &msg);
}

int netlink_link_queue(struct netlink *nl, const char *name, uint32_t packets, struct err *err)
{
	int e = change_link(nl, name, 0, IFLA_TXQLEN, packets);

	return e ? err_set(err, e, "setting the queue of '%s'", name) : 0;
}

void netlink_link_bursts(struct netlink *nl, const char *name, uint32_t bytes)
{
	change_link(nl, name, 0, GSO_IPV4_MAX_SIZE, bytes);
}

int netlink_link_up(struct netlink *nl, const char *name, uint32_t mtu, struct err *err)
{
	int e = change_link(nl, name, IFF_UP, IFLA_MTU, mtu);

	if (e && mtu)
		return err_set(err, e, "bringing up '%s' with MTU %u", name, mtu);
	return e ? err_set(err, e, "bringing up '%s'", name) : 0;
}

int netlink_link_index(const char *name, unsigned *ret, struct err *err)
{
	unsigned index = if_nametoindex(name);

	if (!index)
		return err_set(err, errno, "looking up interface '%s'", name);
	*ret = index;
	return 0;
}

int netlink_addr_add(struct netlink *nl, const char *ifname, const struct netlink_ip *ip,
		     struct err *err)
{
	AUTO(rtnl_addr_put_at) struct rtnl_addr *a = rtnl_addr_alloc();
	AUTO(nl_addr_put_at) struct nl_addr *local = ip_new(ip);
	struct nl_msg *msg = NULL;
	char text[INET6_ADDRSTRLEN];
	unsigned index = 0;
	int e, r = netlink_link_index(ifname, &index, err);

	if (r < 0)
		return r;
	if (!a || !local)
		return err_set(err, ENOMEM, "adding an address to '%s'", ifname);
	rtnl_addr_set_ifindex(a, (int)index);
	rtnl_addr_set_local(a, local);
	if (ip->family == AF_INET6)
		rtnl_addr_set_flags(a, IFA_F_NODAD);
	e = ask(nl, rtnl_addr_build_add_request(a, NLM_F_CREATE | NLM_F_EXCL, &msg), &msg);
	return e ? err_set(err, e, "adding address %s/%u to '%s'", ip_text(ip, text), ip->prefix,
			   ifname)
		 : 0;
}

int netlink_route_add(struct netlink *nl, const struct netlink_route *rt, struct err *err)
{
	const struct netlink_ip any = { .family = rt->via.family };
	AUTO(rtnl_route_put_at) struct rtnl_route *r = rtnl_route_alloc();
	AUTO(nl_addr_put_at) struct nl_addr *dst = ip_new(&any);
	AUTO(nl_addr_put_at) struct nl_addr *via = ip_new(&rt->via);
	struct rtnl_nexthop *hop = rtnl_route_nh_alloc();
	struct nl_msg *msg = NULL;
	char text[INET6_ADDRSTRLEN];
	int e;

	if (!r || !dst || !via || !hop) {
		if (hop)
			rtnl_route_nh_free(hop);
		return err_set(err, ENOMEM, "adding a route");
	}
	rtnl_route_nh_set_ifindex(hop, (int)rt->ifindex);
	if (!rt->direct)
		rtnl_route_nh_set_gateway(hop, via);
	rtnl_route_add_nexthop(r, hop); /* consumed */
	rtnl_route_set_family(r, rt->via.family);
	rtnl_route_set_dst(r, dst);
	rtnl_route_set_table(r, rt->table);
	rtnl_route_set_scope(r, rt->local    ? RT_SCOPE_HOST
				: rt->direct ? RT_SCOPE_LINK
					     : RT_SCOPE_UNIVERSE);
	if (rt->local)
		rtnl_route_set_type(r, RTN_LOCAL);
	if (rt->onlink)
		rtnl_route_set_flags(r, RTNH_F_ONLINK);
	e = ask(nl, rtnl_route_build_add_request(r, NLM_F_CREATE | NLM_F_EXCL, &msg), &msg);
	if (e && rt->direct)
		return err_set(err, e, "adding the default route to table %u", rt->table);
	return e ? err_set(err, e, "adding the default route via %s to table %u",
			   ip_text(&rt->via, text), rt->table)
		 : 0;
}

int netlink_neigh_add(struct netlink *nl, const char *ifname, const struct netlink_ip *ip,
		      const uint8_t mac[6], struct err *err)
{
	AUTO(rtnl_neigh_put_at) struct rtnl_neigh *n = rtnl_neigh_alloc();
	AUTO(nl_addr_put_at) struct nl_addr *dst = ip_new(ip);
	AUTO(nl_addr_put_at) struct nl_addr *lladdr = nl_addr_build(AF_LLC, mac, 6);
	struct nl_msg *msg = NULL;
	char text[INET6_ADDRSTRLEN];
	unsigned index = 0;
	int e, r = netlink_link_index(ifname, &index, err);

	if (r < 0)
		return r;
	if (!n || !dst || !lladdr)
		return err_set(err, ENOMEM, "adding a neighbour on '%s'", ifname);
	rtnl_neigh_set_ifindex(n, (int)index);
	rtnl_neigh_set_dst(n, dst);
	rtnl_neigh_set_lladdr(n, lladdr);
	rtnl_neigh_set_state(n, NUD_PERMANENT);
	e = ask(nl, rtnl_neigh_build_add_request(n, NLM_F_CREATE | NLM_F_EXCL, &msg), &msg);
	return e ? err_set(err, e, "adding neighbour %s on '%s'", ip_text(ip, text), ifname) : 0;
}

static struct rtnl_rule *rule_new(uint8_t family, uint32_t table)
{
	struct rtnl_rule *r = rtnl_rule_alloc();

	if (r) {
		rtnl_rule_set_family(r, family);
		rtnl_rule_set_action(r, FR_ACT_TO_TBL);
		rtnl_rule_set_table(r, table);
	}
	return r;
}

int netlink_rule_add(struct netlink *nl, const struct netlink_rule *rule, struct err *err)
{
	AUTO(rtnl_rule_put_at) struct rtnl_rule *r = rule_new(rule->family, rule->table);
	AUTO(nl_addr_put_at) struct nl_addr *to = rule->to ? ip_new(rule->to) : NULL;
	struct nl_msg *msg = NULL;
	int e;

	if (!r || (rule->to && !to))
		return err_set(err, ENOMEM, "adding routing rule %u", rule->pref);
	rtnl_rule_set_prio(r, rule->pref);
	if (rule->iif)
		rtnl_rule_set_iif(r, rule->iif);
	if (to)
		rtnl_rule_set_dst(r, to);
	if (rule->ipproto)
		rtnl_rule_set_ipproto(r, rule->ipproto);
	if (rule->dport)
		rtnl_rule_set_dport(r, rule->dport);
	if (rule->mark) {
		rtnl_rule_set_mark(r, rule->mark);
		rtnl_rule_set_mask(r, UINT32_MAX);
	}
	e = ask(nl, rtnl_rule_build_add_request(r, NLM_F_CREATE | NLM_F_EXCL, &msg), &msg);
	return e ? err_set(err, e, "adding routing rule %u", rule->pref) : 0;
}

int netlink_rule_del(struct netlink *nl, uint8_t family, uint32_t pref, uint32_t table,
		     struct err *err)
{
	AUTO(rtnl_rule_put_at) struct rtnl_rule *r = rule_new(family, table);
	struct nl_msg *msg = NULL;
	int e;

	if (!r)
		return err_set(err, ENOMEM, "removing routing rule %u", pref);
	rtnl_rule_set_prio(r, pref);
	e = ask(nl, rtnl_rule_build_delete_request(r, 0, &msg), &msg);
	return e ? err_set(err, e, "removing routing rule %u", pref) : 0;
}

int netlink_rule_del_first(struct netlink *nl, uint8_t family, uint32_t table, struct err *err)
{
	AUTO(rtnl_rule_put_at) struct rtnl_rule *r = rule_new(family, table);
	struct nl_msg *msg = NULL;
	int e;

	if (!r)
		return err_set(err, ENOMEM, "removing the rule of table %u", table);
	e = ask(nl, rtnl_rule_build_delete_request(r, 0, &msg), &msg);
	return e ? err_set(err, e, "removing the rule of table %u", table) : 0;
}

int netlink_watch_links(struct err *err)
{
	const struct sockaddr_nl sa = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	autoclose int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		return err_set(err, errno, "listening for changes of network interfaces");
	return take_fd(&fd);
}

/* 1: it is in the state; 0: not yet; else a negative errno */
static int link_is(struct netlink *nl, const char *name, enum netlink_link_state state)
{
	AUTO(rtnl_link_put_at) struct rtnl_link *link = NULL;
	int r;

	nl->error = 0;
	r = rtnl_link_get_kernel(nl->sock, 0, name, &link);
	if (r < 0)
		return errno_of(nl, r) == ENODEV ? 0 : -errno_of(nl, r);
	if (state == NETLINK_LINK_THERE)
		return 1;
	/* IFF_RUNNING is set too early, while the queue still drops: linkwatch sets the operational
	   state and starts the queue under one lock */
	return rtnl_link_get_operstate(link) == IF_OPER_UP;
}

/* what an event says does not matter, and neither does an overrun: the caller looks again */
static void forget_events(int events)
{
	char buf[8192];
	ssize_t n;

	do {
		n = recv(events, buf, sizeof(buf), MSG_TRUNC);
	} while (n > 0 || (n < 0 && (errno == EINTR || errno == ENOBUFS)));
}

int netlink_link_wait(struct netlink *nl, int events, const char *name,
		      enum netlink_link_state state, uint64_t deadline_ms, struct err *err)
{
	struct pollfd p = { .fd = events, .events = POLLIN };
	const char *what = state == NETLINK_LINK_THERE ? "appear" : "have a carrier";

	for (;;) {
		int r = link_is(nl, name, state);
		uint64_t now = clock_ms();

		if (r > 0)
			return 0;
		if (r < 0)
			return err_set(err, -r, "looking at interface '%s'", name);
		if (now >= deadline_ms)
			return err_set(err, ETIMEDOUT, "waiting for interface '%s' to %s", name,
				       what);
		if (poll(&p, 1, (int)(deadline_ms - now)) < 0 && errno != EINTR)
			return err_set(err, errno, "waiting for interface '%s' to %s", name, what);
		forget_events(events);
	}
}
