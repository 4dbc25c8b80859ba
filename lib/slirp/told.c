// SPDX-License-Identifier: Apache-2.0
/* told.c - what a socket of the host tells beside its data, ICMP errors above all (slirp only) */
#include "lib/slirp/told.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <string.h>

void told_read(struct msghdr *h, struct told *ret)
{
	*ret = (struct told){ .hops = -1 };
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		const bool v6 = c->cmsg_level == IPPROTO_IPV6;
		size_t len = c->cmsg_len - CMSG_LEN(0);

		if (!v6 && c->cmsg_level != IPPROTO_IP)
			continue;
		if (c->cmsg_type == (v6 ? IPV6_HOPLIMIT : IP_TTL)) {
			memcpy(&ret->hops, CMSG_DATA(c), sizeof(ret->hops));
		} else if (c->cmsg_type == (v6 ? IPV6_RECVERR : IP_RECVERR) &&
			   len >= sizeof(ret->ee)) {
			memcpy(&ret->ee, CMSG_DATA(c), sizeof(ret->ee));
			len -= sizeof(ret->ee);
			memcpy(&ret->offender, CMSG_DATA(c) + sizeof(ret->ee),
			       len < sizeof(ret->offender) ? len : sizeof(ret->offender));
		}
	}
}

bool told_is_icmp(const struct told *t, int family)
{
	const struct sock_extended_err *ee = &t->ee;

	if (family == AF_INET6)
		return ee->ee_origin == SO_EE_ORIGIN_ICMP6 && ee->ee_type >= ICMP6_DST_UNREACH &&
		       ee->ee_type <= ICMP6_PARAM_PROB;
	return ee->ee_origin == SO_EE_ORIGIN_ICMP &&
	       (ee->ee_type == ICMP_DEST_UNREACH || ee->ee_type == ICMP_TIME_EXCEEDED ||
		ee->ee_type == ICMP_PARAMETERPROB);
}

const void *told_by(const struct told *t, const struct net_plan *plan,
		    const struct policy_hosts *hosts)
{
	const union told_name *from = &t->offender;
	const bool v6 = from->sa.sa_family == AF_INET6;
	const void *addr = v6 ? (const void *)&from->in6.sin6_addr : &from->in.sin_addr;
	struct net_addr final;

	if ((!v6 && from->sa.sa_family != AF_INET) ||
	    policy_judge(plan, hosts, from->sa.sa_family, addr, IPPROTO_ICMP, 0, &final) !=
		    POLICY_ALLOWED ||
	    memcmp(final.addr, addr, v6 ? 16 : 4) != 0)
		return NULL;
	return addr;
}
