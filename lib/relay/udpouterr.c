// SPDX-License-Identifier: Apache-2.0
/*
 * udpouterr.c - why a datagram did not arrive, for the child
 *
 * Errors that routers and hosts sent to the host's socket are made again in the child's terms, with
 * the sender that they had; refusals of the policy and of the host's own kernel come from the
 * gateway. Each costs a token of a bucket: 1000 a second, 200 at once.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/policy/policy.h"
#include "lib/relay/udpout_impl.h"
#include "lib/relay/udppkt.h"

/* bytes. No link has a larger MTU: who sends more looks for none, and expects fragments as the
   host's own programs get them, not an error that ends a connected socket */
#define PROBED_MAX 9216
#define TOKENS_A_SECOND 1000
#define TOKENS_MAX 200
#define DRAIN_MAX 32 /* errors at once: others shall move in between */

static bool take_token(struct udpout *u)
{
	const uint64_t more = (u->loop->now_ms - u->tokens_ms) * TOKENS_A_SECOND / 1000;

	if (more) {
		u->tokens = more < TOKENS_MAX - u->tokens ? u->tokens + (unsigned)more : TOKENS_MAX;
		u->tokens_ms = u->loop->now_ms;
	}
	if (!u->tokens)
		return false;
	u->tokens--;
	return true;
}

/* @offender: NULL: the gateway */
static void tell(struct udpout *u, const struct udppkt_error *what, const void *offender)
{
	struct udppkt_error e = *what;
	uint8_t pkt[UDPPKT_ERROR_MAX];
	size_t n;

	if (!take_token(u))
		return;
	e.offender = offender                    ? offender
		     : e.from.family == AF_INET6 ? (const void *)&u->plan->gateway6
						 : (const void *)&u->plan->gateway;
	n = udppkt_make_error(&e, pkt);
	if (write(u->tun, pkt, n) == (ssize_t)n) /* else it is lost, as on any wire */
		u->counts.errors++;
}

enum reason { NO_NET, NO_HOST, NO_PORT, PROHIBITED, NREASONS };

static void unreachable(struct udpout *u, const struct net_addr *child, const struct net_addr *peer,
			enum reason why, const struct iovec *data)
{
	static const uint8_t codes4[NREASONS] = { [NO_NET] = ICMP_NET_UNREACH,
						  [NO_HOST] = ICMP_HOST_UNREACH,
						  [NO_PORT] = ICMP_PORT_UNREACH,
						  [PROHIBITED] = ICMP_PKT_FILTERED };
	static const uint8_t codes6[NREASONS] = { [NO_NET] = ICMP6_DST_UNREACH_NOROUTE,
						  [NO_HOST] = ICMP6_DST_UNREACH_ADDR,
						  [NO_PORT] = ICMP6_DST_UNREACH_NOPORT,
						  [PROHIBITED] = ICMP6_DST_UNREACH_ADMIN };
	const bool v6 = child->family == AF_INET6;
	const struct udppkt_error e = { .type = v6 ? ICMP6_DST_UNREACH : ICMP_DEST_UNREACH,
					.code = v6 ? codes6[why] : codes4[why],
					.from = *child,
					.to = *peer,
					.data = data->iov_base,
					.len = data->iov_len,
					.whole = data->iov_len };

	tell(u, &e, why == NO_PORT ? peer->addr : NULL);
}

void udpout_refuse(struct udpout *u, const struct net_addr *child, const struct net_addr *peer,
		   int error, const struct iovec *data)
{
	switch (error) {
	case ECONNREFUSED:
		unreachable(u, child, peer, NO_PORT, data);
		break;
	case EHOSTUNREACH:
	case EHOSTDOWN:
		unreachable(u, child, peer, NO_HOST, data);
		break;
	case ENETUNREACH:
	case ENETDOWN:
	case EAFNOSUPPORT: /* a host without IPv6 */
	case EADDRNOTAVAIL:
		unreachable(u, child, peer, NO_NET, data);
		break;
	case EACCES:
	case EPERM:
	case EINVAL:
		unreachable(u, child, peer, PROHIBITED, data);
		break;
	default:
		break;
	}
}

void udpout_expire(struct udpout *u, const struct net_addr *child, const struct net_addr *peer,
		   const struct iovec *data)
{
	const struct udppkt_error e = { .type = child->family == AF_INET6 ? ICMP6_TIME_EXCEEDED
									  : ICMP_TIME_EXCEEDED,
					.from = *child,
					.to = *peer,
					.data = data->iov_base,
					.len = data->iov_len,
					.whole = data->iov_len };

	tell(u, &e, NULL);
}

int udpout_judge(struct udpout *u, const struct net_addr *child, const struct net_addr *peer,
		 const struct iovec *data, struct net_addr *ret_host)
{
	switch (policy_judge(u->plan, u->hosts, peer->family, peer->addr, IPPROTO_UDP, peer->port,
			     ret_host)) {
	case POLICY_ALLOWED:
		return 0;
	case POLICY_REFUSED_HOST:
		unreachable(u, child, peer, NO_HOST, data);
		break;
	case POLICY_REFUSED_PROHIBITED:
		unreachable(u, child, peer, PROHIBITED, data);
		break;
	case POLICY_SILENT:
		break;
	case POLICY_REFUSED_NET:
	case POLICY_DNS: /* has a socket of its own */
	case POLICY_NVERDICTS:
	default:
		unreachable(u, child, peer, NO_NET, data);
		break;
	}
	return -EACCES;
}

/* --- errors of the host's socket -------------------------------------------------------------- */

/* as it came from the queue */
struct met {
	struct sock_extended_err ee;
	union sock_addr offender;
	struct net_addr peer;
	const void *data;
	size_t len;
};

static void find_error(struct msghdr *h, struct met *ret)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		size_t len = c->cmsg_len - CMSG_LEN(0);

		if (!(c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) &&
		    !(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
			continue;
		memcpy(&ret->ee, CMSG_DATA(c), sizeof(ret->ee));
		len -= sizeof(ret->ee);
		memcpy(&ret->offender, CMSG_DATA(c) + sizeof(ret->ee),
		       len < sizeof(ret->offender) ? len : sizeof(ret->offender));
	}
}

static void learn_mtu(struct udpout_map *m, const struct net_addr *peer, uint32_t mtu)
{
	struct udpout_pair *p = udpout_pair_find(m, peer);

	if (!p || mtu > UINT16_MAX)
		return;
	p->mtu = (uint16_t)mtu;
	p->mtu_ms = m->all->loop->now_ms;
}

void udpout_too_long(const struct udpout_way *way, uint32_t mtu, const struct iovec *data)
{
	const bool v6 = way->peer.family == AF_INET6;
	const struct udppkt_error e = { .type = v6 ? ICMP6_PACKET_TOO_BIG : ICMP_DEST_UNREACH,
					.code = v6 ? 0 : ICMP_FRAG_NEEDED,
					.info = mtu,
					.from = way->map->child,
					.to = way->peer,
					.data = data->iov_base,
					.len = data->iov_len,
					.whole = data->iov_len };

	learn_mtu(way->map, &way->peer, mtu);
	if (data->iov_len <= PROBED_MAX)
		tell(way->map->all, &e, NULL);
}

static bool is_error4(const struct sock_extended_err *ee)
{
	return ee->ee_origin == SO_EE_ORIGIN_ICMP &&
	       (ee->ee_type == ICMP_DEST_UNREACH || ee->ee_type == ICMP_TIME_EXCEEDED ||
		ee->ee_type == ICMP_PARAMETERPROB);
}

static bool is_error6(const struct sock_extended_err *ee)
{
	return ee->ee_origin == SO_EE_ORIGIN_ICMP6 && ee->ee_type >= ICMP6_DST_UNREACH &&
	       ee->ee_type <= ICMP6_PARAM_PROB;
}

/* its address when the child could meet it; NULL: the gateway's */
static const void *offender_of(const struct udpout *u, union sock_addr *offender,
			       struct net_addr *seen)
{
	if (offender->sa.sa_family != AF_INET && offender->sa.sa_family != AF_INET6)
		return NULL;
	return udpout_seen(u, offender, seen) == 0 ? seen->addr : NULL;
}

static void pass_on(struct udpout_map *m, struct met *met)
{
	struct udpout *u = m->all;
	const bool v6 = m->child.family == AF_INET6;
	struct udppkt_error e = { .type = met->ee.ee_type,
				  .code = met->ee.ee_code,
				  .from = m->child,
				  .to = met->peer,
				  .data = met->data,
				  .len = met->len,
				  .whole = met->len };
	struct net_addr seen;

	if (!(v6 ? is_error6(&met->ee) : is_error4(&met->ee)))
		return;
	if (met->ee.ee_errno == EMSGSIZE) {
		e.info = met->ee.ee_info;
		learn_mtu(m, &met->peer, e.info);
	}
	tell(u, &e, offender_of(u, &met->offender, &seen));
}

unsigned udpout_drain(struct udpout_map *m, uint32_t *ret_mtu)
{
	uint8_t data[UDPPKT_QUOTED];
	union sock_addr name;
	union {
		struct cmsghdr align;
		uint8_t bytes[512];
	} control;
	unsigned n = 0;

	for (; n < DRAIN_MAX; n++) {
		struct iovec iov = { data, sizeof(data) };
		struct msghdr h = { .msg_name = &name,
				    .msg_namelen = sizeof(name),
				    .msg_iov = &iov,
				    .msg_iovlen = 1,
				    .msg_control = &control,
				    .msg_controllen = sizeof(control) };
		struct met met = { .data = data };
		ssize_t len = recvmsg(m->watch.fd, &h, MSG_ERRQUEUE | MSG_DONTWAIT);

		if (len < 0)
			break;
		met.len = (size_t)len;
		find_error(&h, &met);
		/* our own kernel's: its port is not known, and whoever sends has it as an errno */
		if (met.ee.ee_origin == SO_EE_ORIGIN_LOCAL && met.ee.ee_errno == EMSGSIZE)
			*ret_mtu = met.ee.ee_info;
		else if (h.msg_namelen && udpout_seen(m->all, &name, &met.peer) == 0)
			pass_on(m, &met);
	}
	return n;
}
