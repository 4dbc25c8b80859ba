// SPDX-License-Identifier: Apache-2.0
/*
 * gateway_recipe.c - what the gateway netns is made of, as tables
 *
 * What comes from the child (gw0) is looked up by our rules only: the resolver's port is ours, and
 * so is what is neither TCP nor UDP and meant for our own addresses (echo requests, ARP); all else
 * goes to libslirp. That includes TCP and UDP to 10.0.2.2, which libslirp maps to the host, so the
 * local table, by default in front of every rule, must move behind them. What goes to the child is
 * looked up in main, whose default route leads to the child: answers find addresses of containers
 * behind it as well. Nothing from the child is ever routed by main.
 *
 * When TCP and UDP go by the kernel (RECIPE_PREPARE), a SYN from the child is marked by nf_tables
 * and routed into bounce0, where the relay holds it; the relay writes it back when its own
 * connection stands, and tproxy hands it to the relay's listener. All other TCP from the child is
 * delivered locally, whatever its destination. UDP as well: tproxy finds the socket that the relay
 * has connected for the pair of addresses, or the one for all that are not. The resolver's port is
 * decided before.
 *
 * Where tproxy is missing, UDP goes to libslirp, and NAT changes the port of a SYN that comes back
 * to the listener's (RECIPE_REDIRECT). Only such a SYN makes a connection that is tracked: the one
 * on its way into bounce0 does not, or the second would be taken for its repetition, without NAT.
 * Later packets of the child are routed behind NAT and find the listener's port; those of no
 * connection find nobody's, and the kernel resets them.
 *
 * A new netns takes its settings from the host's, so each one that matters is written. Interfaces
 * take theirs from "default" when they are made: it is enough to write it before.
 */
#include "lib/nsagent/gateway_recipe.h"

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/base/cleanup.h"

/* clang-format off: it takes rows for blocks */
#define V4(name) "net/ipv4/" name
#define CONNTRACK(name) "net/netfilter/nf_conntrack_" name
#define V4_CONF(name, value) \
	{ 0, V4("conf/all/" name), value }, \
	{ \
		0, V4("conf/default/" name), value \
	}
#define V6_CONF(when, name, value) \
	{ when, "net/ipv6/conf/all/" name, value }, \
	{ \
		when, "net/ipv6/conf/default/" name, value \
	}
/* clang-format on */

const struct recipe_sysctl recipe_sysctls_early[] = {
	{ 0, V4("ip_forward"), "1" },
	/* or a SYN that meets a TIME_WAIT socket is dropped by forwarding for ever */
	{ 0, V4("tcp_early_demux"), "0" },
	/* frames of libslirp come from our own addresses and from everywhere */
	V4_CONF("rp_filter", "0"),
	V4_CONF("accept_local", "0"),
	V4_CONF("send_redirects", "0"),
	V4_CONF("accept_redirects", "0"),
	/* packets of the child to 127.0.0.0/8 end here */
	V4_CONF("route_localnet", "0"),
	/* we answer ARP for the two addresses of gw0, whatever the host is used to */
	V4_CONF("proxy_arp", "0"),
	V4_CONF("arp_ignore", "0"),
	V4_CONF("arp_filter", "0"),
	/* many short connections from one address to one port */
	{ 0, V4("tcp_tw_reuse"), "1" },
	{ 0, V4("ip_local_port_range"), "1024 65535" },
	{ 0, V4("ip_unprivileged_port_start"), "0" },
	V6_CONF(RECIPE_NO_IPV6, "disable_ipv6", "1"),
	V6_CONF(RECIPE_IPV6, "disable_ipv6", "0"),
	V6_CONF(RECIPE_IPV6, "forwarding", "1"),
	V6_CONF(RECIPE_IPV6, "accept_ra", "0"),
	/* what leaves with a client's address asks for the child by our link-local one: from the
	   first moment on, not after 2 s */
	V6_CONF(RECIPE_IPV6, "accept_dad", "0"),
	V6_CONF(RECIPE_IPV6, "accept_redirects", "0"),
};
const size_t recipe_nsysctls_early = ARRAY_SIZE(recipe_sysctls_early);

const struct recipe_address recipe_addresses[] = {
	{ 0, AF_INET, GATEWAY_VETH, RECIPE_GATEWAY, false },
	{ 0, AF_INET, GATEWAY_VETH, RECIPE_DNS, true },
	{ RECIPE_IPV6, AF_INET6, GATEWAY_VETH, RECIPE_GATEWAY, false },
	{ RECIPE_IPV6, AF_INET6, GATEWAY_VETH, RECIPE_DNS, true },
};
const size_t recipe_naddresses = ARRAY_SIZE(recipe_addresses);

const struct recipe_sysctl recipe_sysctls_late[] = {
	/* what libslirp answers for 10.0.2.2 has a source address that is also ours */
	{ 0, V4("conf/" GATEWAY_TAP "/accept_local"), "1" },
	/* so do SYNs that are written back, and errors */
	{ RECIPE_PREPARE, V4("conf/" GATEWAY_BOUNCE "/accept_local"), "1" },
	{ RECIPE_PREPARE, V4("conf/" GATEWAY_BOUNCE "/rp_filter"), "0" },
	/* the kernel looks for a socket before it has seen the mark: a tunnel's datagram would be
	   in one before its way through bounce0 */
	{ RECIPE_SWITCH | RECIPE_TPROXY, V4("udp_early_demux"), "0" },
	/* only SYNs make connections: one that is taken up in its midst would have no NAT, and keep
	   a later SYN from it */
	{ RECIPE_SWITCH | RECIPE_REDIRECT, CONNTRACK("tcp_loose"), "0" },
	/* sequence numbers are for the two ends to judge: a packet without NAT resets them */
	{ RECIPE_SWITCH | RECIPE_REDIRECT, CONNTRACK("tcp_be_liberal"), "1" },
	/* or many short connections fill the table */
	{ RECIPE_SWITCH | RECIPE_REDIRECT, CONNTRACK("tcp_timeout_time_wait"), "10" },
};
const size_t recipe_nsysctls_late = ARRAY_SIZE(recipe_sysctls_late);

const struct recipe_route recipe_routes[] = {
	{ 0, AF_INET, GATEWAY_VETH, RECIPE_CHILD, RT_TABLE_MAIN, RECIPE_VIA },
	{ 0, AF_INET, GATEWAY_TAP, RECIPE_NEXT_HOP, GATEWAY_TABLE_SLIRP, RECIPE_VIA_SLIRP },
	{ RECIPE_IPV6, AF_INET6, GATEWAY_VETH, RECIPE_CHILD, RT_TABLE_MAIN, RECIPE_VIA },
	{ RECIPE_IPV6, AF_INET6, GATEWAY_TAP, RECIPE_NEXT_HOP, GATEWAY_TABLE_SLIRP,
	  RECIPE_VIA_SLIRP },
	{ RECIPE_PREPARE, AF_INET, GATEWAY_BOUNCE, RECIPE_ANY, GATEWAY_TABLE_BOUNCE,
	  RECIPE_DIRECT },
	{ RECIPE_PREPARE, AF_INET, "lo", RECIPE_ANY, GATEWAY_TABLE_LOCAL, RECIPE_LOCAL },
	{ RECIPE_PREPARE | RECIPE_IPV6, AF_INET6, GATEWAY_BOUNCE, RECIPE_ANY, GATEWAY_TABLE_BOUNCE,
	  RECIPE_DIRECT },
	{ RECIPE_PREPARE | RECIPE_IPV6, AF_INET6, "lo", RECIPE_ANY, GATEWAY_TABLE_LOCAL,
	  RECIPE_LOCAL },
};
const size_t recipe_nroutes = ARRAY_SIZE(recipe_routes);

/* ARP looks up the wanted address as if a packet without protocol came from gw0: what is neither
   TCP nor UDP must find our two addresses in local, or nobody answers the child's questions.
   Neighbour discovery to multicast groups passes by table S, as such a route must lead back to
   the interface of the packet. The kernel's own rule for main stays last, at 32766 */
/* clang-format off */
#define RULES(when, family) \
	{ when, family, 100, GATEWAY_VETH, RECIPE_DNS, IPPROTO_UDP, NET_DNS_PORT, RT_TABLE_LOCAL, 0 }, \
	{ when, family, 101, GATEWAY_VETH, RECIPE_DNS, IPPROTO_TCP, NET_DNS_PORT, RT_TABLE_LOCAL, 0 }, \
	{ when | RECIPE_PREPARE, family, 103, NULL, RECIPE_ANY, 0, 0, GATEWAY_TABLE_BOUNCE, \
	  GATEWAY_MARK_BOUNCE }, \
	{ when | RECIPE_PREPARE, family, 104, GATEWAY_BOUNCE, RECIPE_ANY, 0, 0, GATEWAY_TABLE_LOCAL, \
	  GATEWAY_MARK_BACK }, \
	{ when | RECIPE_PREPARE, family, 105, NULL, RECIPE_ANY, 0, 0, GATEWAY_TABLE_LOCAL, \
	  GATEWAY_MARK_ERROR }, \
	{ when | RECIPE_SWITCH | RECIPE_TPROXY, family, 108, GATEWAY_VETH, RECIPE_ANY, IPPROTO_UDP, 0, \
	  GATEWAY_TABLE_LOCAL, 0 }, \
	{ when | RECIPE_SWITCH, family, 109, GATEWAY_VETH, RECIPE_ANY, IPPROTO_TCP, 0, \
	  GATEWAY_TABLE_LOCAL, 0 }, \
	{ when, family, 110, GATEWAY_VETH, RECIPE_ANY, IPPROTO_TCP, 0, GATEWAY_TABLE_SLIRP, 0 }, \
	{ when, family, 111, GATEWAY_VETH, RECIPE_ANY, IPPROTO_UDP, 0, GATEWAY_TABLE_SLIRP, 0 }, \
	{ when, family, 120, GATEWAY_VETH, RECIPE_GATEWAY, 0, 0, RT_TABLE_LOCAL, 0 }, \
	{ when, family, 121, GATEWAY_VETH, RECIPE_DNS, 0, 0, RT_TABLE_LOCAL, 0 }, \
	{ when, family, 200, GATEWAY_VETH, RECIPE_ANY, 0, 0, GATEWAY_TABLE_SLIRP, 0 }, \
	{ when, family, 300, NULL, RECIPE_ANY, 0, 0, RT_TABLE_LOCAL, 0 }
/* clang-format on */
const struct recipe_rule recipe_rules[] = {
	RULES(0, AF_INET),
	RULES(RECIPE_IPV6, AF_INET6),
};
const size_t recipe_nrules = ARRAY_SIZE(recipe_rules);

/* flags of a TCP header: a SYN, and none of FIN, RST and ACK; types of ICMP errors */
#define SYN(when, what, chain, iif, mark, deed) \
	{ \
		RECIPE_SWITCH | (when), what, chain, iif, IPPROTO_TCP, 13, 0x17, 0x02, mark, deed, \
			0, RECIPE_ANY, 0 \
	}
#define ICMP_ERROR(proto, type) \
	{ \
		RECIPE_SWITCH, "ICMP errors to sockets", RECIPE_MANGLE, GATEWAY_VETH, proto, 0, \
			0xff, type, GATEWAY_MARK_ERROR, RECIPE_ACCEPT, 0, RECIPE_ANY, 0 \
	}
#define UDP(what, deed, family, to, dport) \
	{ \
		RECIPE_SWITCH | RECIPE_TPROXY, what, RECIPE_MANGLE, GATEWAY_VETH, IPPROTO_UDP, 0, \
			0, 0, 0, deed, family, to, dport \
	}
/*
 * A tunnel of the child (VXLAN, Geneve) leaves the checksum of the inner packet to the device that
 * sends it, and a veth sends none: a socket would get it unfinished. The way through a tun finishes
 * it. Such tunnels use no checksum of their own, or one of these ports
 */
#define TUNNEL(what, iif, mark, deed, dport, unsummed) \
	{ \
		RECIPE_SWITCH | RECIPE_TPROXY, what, RECIPE_MANGLE, iif, IPPROTO_UDP, 0, 0, 0, \
			mark, deed, 0, RECIPE_ANY, dport, unsummed \
	}
/* without a checksum; VXLAN; the same, as Linux has it by default; Geneve */
#define TUNNELS(what, iif, mark, deed) \
	TUNNEL(what, iif, mark, deed, 0, true), TUNNEL(what, iif, mark, deed, 4789, false), \
		TUNNEL(what, iif, mark, deed, 8472, false), \
		TUNNEL(what, iif, mark, deed, 6081, false)
/* what the relay writes into bounce0 for the child */
#define ANSWER(family) \
	{ \
		RECIPE_SWITCH | RECIPE_TPROXY, "answers to the child", RECIPE_MANGLE, \
			GATEWAY_BOUNCE, IPPROTO_UDP, 0, 0, 0, 0, RECIPE_ACCEPT, family, \
			RECIPE_CHILD, 0, false \
	}
/* connections are made of SYNs that come back, and of nothing that libslirp carries */
#define UNTRACKED(what, chain, iif, proto) \
	{ \
		RECIPE_SWITCH | RECIPE_REDIRECT, what, chain, iif, proto, 0, 0, 0, 0, \
			RECIPE_NOTRACK, 0, RECIPE_ANY, 0 \
	}
const struct recipe_nft recipe_nft[] = {
	SYN(RECIPE_REDIRECT, "SYNs untracked", RECIPE_RAW, GATEWAY_VETH, 0, RECIPE_NOTRACK),
	UNTRACKED("UDP untracked", RECIPE_RAW, GATEWAY_VETH, IPPROTO_UDP),
	UNTRACKED("libslirp untracked", RECIPE_RAW, GATEWAY_TAP, 0),
	UNTRACKED("DNS untracked", RECIPE_OUTPUT, NULL, IPPROTO_UDP),
	SYN(0, "SYNs into bounce0", RECIPE_MANGLE, GATEWAY_VETH, GATEWAY_MARK_BOUNCE,
	    RECIPE_ACCEPT),
	/* the bulk of all packets looks at no further rule */
	{ RECIPE_SWITCH, "TCP", RECIPE_MANGLE, GATEWAY_VETH, IPPROTO_TCP, 0, 0, 0, 0, RECIPE_ACCEPT,
	  0, RECIPE_ANY, 0 },
	SYN(RECIPE_TPROXY, "SYNs to the listener (tproxy)", RECIPE_MANGLE, GATEWAY_BOUNCE,
	    GATEWAY_MARK_BACK, RECIPE_TO_LISTENER),
	SYN(RECIPE_REDIRECT, "SYNs back from bounce0", RECIPE_MANGLE, GATEWAY_BOUNCE,
	    GATEWAY_MARK_BACK, RECIPE_ACCEPT),
	SYN(RECIPE_REDIRECT, "SYNs to the listener (nat)", RECIPE_NAT, GATEWAY_BOUNCE, 0,
	    RECIPE_TO_PORT),
	UDP("questions to the resolver", RECIPE_ACCEPT, AF_INET, RECIPE_DNS, NET_DNS_PORT),
	UDP("questions to the resolver", RECIPE_ACCEPT, AF_INET6, RECIPE_DNS, NET_DNS_PORT),
	ANSWER(AF_INET),
	ANSWER(AF_INET6),
	TUNNELS("tunnels into bounce0", GATEWAY_VETH, GATEWAY_MARK_BOUNCE, RECIPE_ACCEPT),
	TUNNELS("tunnels back to their sockets", GATEWAY_BOUNCE, GATEWAY_MARK_BACK,
		RECIPE_TO_LISTENER),
	UDP("UDP to its sockets (tproxy)", RECIPE_TO_LISTENER, 0, RECIPE_ANY, 0),
	/* unreachable, time exceeded, parameter problem; of IPv6: and packet too big */
	ICMP_ERROR(IPPROTO_ICMP, 3),
	ICMP_ERROR(IPPROTO_ICMP, 11),
	ICMP_ERROR(IPPROTO_ICMP, 12),
	ICMP_ERROR(IPPROTO_ICMPV6, 1),
	ICMP_ERROR(IPPROTO_ICMPV6, 2),
	ICMP_ERROR(IPPROTO_ICMPV6, 3),
	ICMP_ERROR(IPPROTO_ICMPV6, 4),
};
const size_t recipe_nnft = ARRAY_SIZE(recipe_nft);

bool recipe_holds(const struct net_plan *plan, uint32_t now, uint32_t when)
{
	uint32_t have = now | (plan->ipv6 ? RECIPE_IPV6 : RECIPE_NO_IPV6);

	return (when & RECIPE_PHASES) == (now & RECIPE_PHASES) && (when & ~have) == 0;
}

struct netlink_ip recipe_ip(const struct net_plan *plan, uint8_t family, enum recipe_addr addr,
			    bool host)
{
	/* 192.0.0.8 is the dummy address of RFC 7600 */
	const struct in_addr next_hop = { htonl(0xc0000008) };
	const struct in6_addr next_hop6 = { { { 0xfe, 0x80, [15] = 8 } } };
	const struct in_addr *const v4[RECIPE_NADDRS] = {
		[RECIPE_CHILD] = &plan->address,
		[RECIPE_GATEWAY] = &plan->gateway,
		[RECIPE_DNS] = &plan->dns,
		[RECIPE_NEXT_HOP] = &next_hop,
	};
	const struct in6_addr *const v6[RECIPE_NADDRS] = {
		[RECIPE_CHILD] = &plan->address6,
		[RECIPE_GATEWAY] = &plan->gateway6,
		[RECIPE_DNS] = &plan->dns6,
		[RECIPE_NEXT_HOP] = &next_hop6,
	};
	struct netlink_ip ip = { .family = family };

	if (addr == RECIPE_ANY)
		return ip;
	assert(addr < RECIPE_NADDRS);
	if (family == AF_INET6) {
		ip.prefix = host ? 128 : plan->prefix6;
		memcpy(ip.addr, v6[addr], sizeof(*v6[addr]));
	} else {
		ip.prefix = host ? 32 : plan->prefix;
		memcpy(ip.addr, v4[addr], sizeof(*v4[addr]));
	}
	return ip;
}
