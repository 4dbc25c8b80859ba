// SPDX-License-Identifier: Apache-2.0
/*
 * holdsock.c - the host's socket of a connection that the child waits for
 *
 * A SYN that does not go far is one of a traceroute. The host's goes no further, and the message of
 * the router where it ended is made again for the child, with that router's address. All others go
 * as far as the host's do: that saves a call for each.
 *
 * connect() is asked again instead of SO_ERROR: it tells connected, not yet and why not alike, and
 * a second call right after the first finds a peer on this machine connected already. One error it
 * does not tell: of an ICMP message that came while the kernel had the socket locked, as the first
 * SYN's does from a router on this machine. SO_ERROR does, and with IPv4 EPOLLERR.
 */
#include "lib/relay/holdsock.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "lib/base/fd.h"
#include "lib/policy/policy.h"
#include "lib/relay/addr.h"
#include "lib/relay/tcpopt.h"

#define FAR 32     /* hops. Programs begin with 64 or more, traceroute ends at 30 */
#define LOOK_MAX 8 /* messages that are looked at */

static bool is_short(const struct syn *s)
{
	return s->hops && s->hops < FAR;
}

/* @hops: -1: the host's default */
static void set_hops(int fd, uint16_t family, int hops, int tell)
{
	const bool v6 = family == AF_INET6;
	const int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;

	setsockopt(fd, level, v6 ? IPV6_UNICAST_HOPS : IP_TTL, &hops, sizeof(hops));
	setsockopt(fd, level, v6 ? IPV6_RECVERR : IP_RECVERR, &tell, sizeof(tell));
}

int holdsock_open(const struct net_addr *to, const struct syn *s, bool pin)
{
	const int on = 1;
	const bool loopback =
		to->family == AF_INET ? to->addr[0] == 127 : IN6_IS_ADDR_LOOPBACK((void *)to->addr);
	int fd = socket(to->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (to->family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	tcp_set_options(fd);
	if (loopback && pin)
		tcp_pin_congestion(fd);
	if (is_short(s))
		set_hops(fd, to->family, s->hops, 1);
	return fd;
}

static int ask_connect(int fd, const struct net_addr *to)
{
	union sock_addr addr;
	socklen_t len = addr_to_sock(to, &addr);

	if (connect(fd, &addr.sa, len) == 0 || errno == EISCONN)
		return 0;
	return errno == EALREADY || errno == EINTR ? -EINPROGRESS : -errno;
}

/* what connect() does not tell; -EINPROGRESS when there is none */
static int soft_error(int fd)
{
	const int error = fd_take_error(fd);

	return error ? -error : -EINPROGRESS;
}

int holdsock_connect(int fd, const struct net_addr *to)
{
	int r = ask_connect(fd, to);

	if (r == -EINPROGRESS)
		r = ask_connect(fd, to); /* again, see above */
	return r == -EINPROGRESS ? soft_error(fd) : r;
}

int holdsock_outcome(int fd, const struct net_addr *to, uint32_t events)
{
	int r = ask_connect(fd, to);

	return r == -EINPROGRESS && events & EPOLLERR ? soft_error(fd) : r;
}

void holdsock_connected(int fd, const struct syn *s)
{
	if (is_short(s))
		set_hops(fd, s->key.family, -1, 0);
}

/* whether @h tells of a lifetime that ended, and where */
static bool has_expired(struct msghdr *h, union sock_addr *ret)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		const bool v6 = c->cmsg_level == IPPROTO_IPV6;
		struct sock_extended_err ee;
		size_t len = c->cmsg_len - CMSG_LEN(0);

		if (!(v6 && c->cmsg_type == IPV6_RECVERR) &&
		    !(c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR))
			continue;
		memcpy(&ee, CMSG_DATA(c), sizeof(ee));
		if (ee.ee_origin != (v6 ? SO_EE_ORIGIN_ICMP6 : SO_EE_ORIGIN_ICMP) ||
		    ee.ee_type != (v6 ? ICMP6_TIME_EXCEEDED : ICMP_TIME_EXCEEDED))
			continue;
		len -= sizeof(ee);
		memcpy(ret, CMSG_DATA(c) + sizeof(ee), len < sizeof(*ret) ? len : sizeof(*ret));
		return true;
	}
	return false;
}

/* its address when the child could meet it, else the gateway's */
static const void *seen_as(const union sock_addr *router, const struct syn *s,
			   const struct net_plan *plan, const struct policy_hosts *hosts)
{
	const bool v6 = s->key.family == AF_INET6;
	const void *addr =
		v6 ? (const void *)&router->in6.sin6_addr : (const void *)&router->in.sin_addr;
	struct net_addr final;

	if (router->sa.sa_family == s->key.family &&
	    policy_judge(plan, hosts, s->key.family, addr, IPPROTO_ICMP, 0, &final) ==
		    POLICY_ALLOWED &&
	    memcmp(final.addr, addr, v6 ? 16 : 4) == 0)
		return addr;
	return v6 ? (const void *)&plan->gateway6 : (const void *)&plan->gateway;
}

size_t holdsock_expired(int fd, const struct syn *s, const struct net_plan *plan,
			const struct policy_hosts *hosts, uint8_t *ret)
{
	for (int i = 0; is_short(s) && i < LOOK_MAX; i++) {
		union {
			struct cmsghdr align;
			uint8_t bytes[256];
		} control;
		union sock_addr router = { 0 };
		struct msghdr h = { .msg_control = &control, .msg_controllen = sizeof(control) };

		if (recvmsg(fd, &h, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			return 0;
		if (has_expired(&h, &router))
			return syn_expired(s, seen_as(&router, s, plan, hosts), ret);
	}
	return 0;
}
