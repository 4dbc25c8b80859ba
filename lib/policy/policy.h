/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.h - which destinations the child may reach, judged on the address that the host would use
 *
 * One pure function for every path out of the child: the relay asks it before it connects, slirp
 * before a frame reaches libslirp. What it allows is the host-side address to connect or send to;
 * nothing else may be handed to the kernel.
 */
#ifndef RK_POLICY_POLICY_H
#define RK_POLICY_POLICY_H

#include <stdint.h>

#include "lib/ipc/netplan.h"

struct policy_hosts;

enum policy_verdict {
	POLICY_ALLOWED,      /* *ret_final is set */
	POLICY_DNS,          /* our own name server: answered by the relay, never by the host */
	POLICY_REFUSED_NET,  /* loopback in any spelling, own addresses of the host when they are
				denied, a family that is off: ENETUNREACH */
	POLICY_REFUSED_HOST, /* an address of the virtual network nobody has: EHOSTUNREACH */
	POLICY_REFUSED_PROHIBITED, /* addresses without a meaning on the host: EHOSTUNREACH, EACCES
				    */
	POLICY_SILENT,             /* broadcast and multicast: never answered (RFC 1122, 3.2.2) */
	POLICY_NVERDICTS
};

/* policy_verdict_name() - "allowed", "refused: loopback of the host", ... for logs and tests */
const char *policy_verdict_name(enum policy_verdict v);

/**
 * policy_judge() - may the child talk to this destination, and which one is it on the host?
 * @plan:	addresses of the virtual network
 * @hosts:	the host's own addresses, which are refused; NULL: they are open
 * @family:	AF_INET or AF_INET6; any other is POLICY_REFUSED_PROHIBITED
 * @dst:	struct in_addr or struct in6_addr as the child wrote it, any alignment
 * @ipproto:	IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, ...
 * @port:	destination port in host order; 0 where there is none
 * @ret_final:	filled when allowed, zeroed otherwise
 */
enum policy_verdict policy_judge(const struct net_plan *plan, const struct policy_hosts *hosts,
				 int family, const void *dst, uint8_t ipproto, uint16_t port,
				 struct net_addr *ret_final);

#endif
