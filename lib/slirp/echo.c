// SPDX-License-Identifier: Apache-2.0
/*
 * echo.c - echo requests of the child (ping), sent by ping sockets of the host (slirp only)
 *
 * A flow is what one ping has: source, destination, id. Its socket has an id that the host's kernel
 * chose, the child's is put back into answers. The lifetime of a request goes with it, less one for
 * the gateway, and ICMP errors about it come back with the sender that they had: traceroute works.
 * A request that must not be cut (IPv4) is not cut by the host either, so the child learns the
 * path's MTU; unless it is longer than on any link, which is no search for one. IPv6 is cut by the
 * host, and the child is not told: its fragments would not pass.
 */
#include "lib/slirp/echo_impl.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/slirp/answer.h"
#include "lib/slirp/told.h"

#define PROBED_MAX 9216 /* bytes. No link has a larger MTU */
#define READ_BATCH 16   /* others shall move in between */
#define QUOTED 64       /* bytes of a request that an error quotes */
#define ANSWER_HOPS 64  /* where the host does not tell */

/* --- to the child ------------------------------------------------------------------------- */

static void tell(struct echo *e, const struct frame *f, const struct frame_info *in,
		 const struct answer_error *what)
{
	uint8_t answer[ANSWER_MAX];

	if (e->may_answer(e->owner))
		e->give(e->owner, answer, answer_error(&e->plan, f, in, what, answer));
}

static void say_refusal(struct echo *e)
{
	if (!e->refusal_said)
		log_warning("network",
			    "ping of the child is refused: no group of this user is in the host's "
			    "net.ipv4.ping_group_range; sysctl -w "
			    "net.ipv4.ping_group_range=\"0 2147483647\" lets it pass");
	e->refusal_said = true;
}

/* what our own kernel says about a request */
static void refuse(struct echo *e, const struct frame *f, const struct frame_info *in, int error,
		   uint32_t mtu)
{
	const bool v6 = in->family == AF_INET6;
	struct answer_error what = { .type = v6 ? ICMP6_DST_UNREACH : ICMP_DEST_UNREACH };

	switch (error) {
	case EHOSTUNREACH:
	case EHOSTDOWN:
		what.code = v6 ? ICMP6_DST_UNREACH_ADDR : ICMP_HOST_UNREACH;
		break;
	case ENETUNREACH:
	case ENETDOWN:
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT: /* a host without IPv6 */
		break;     /* code 0 of both */
	case EACCES:
	case EPERM:
	case EINVAL:
	case EPROTONOSUPPORT:
		what.code = v6 ? ICMP6_DST_UNREACH_ADMIN : ICMP_PKT_FILTERED;
		break;
	case EMSGSIZE:
		if (!mtu)
			return;
		what.type = v6 ? ICMP6_PACKET_TOO_BIG : ICMP_DEST_UNREACH;
		what.code = v6 ? 0 : ICMP_FRAG_NEEDED;
		what.rest = mtu;
		break;
	default: /* of this moment: lost, as on any wire */
		return;
	}
	tell(e, f, in, &what);
}

/* headers for @len bytes of ICMP from @fl's destination, which follow; their length */
static size_t put_headers(struct echo *e, const struct echo_flow *fl, size_t len, int hops,
			  uint8_t *buf)
{
	uint8_t *ip = buf + ETH_LEN;

	memcpy(buf, fl->link + NET_MAC_LEN, NET_MAC_LEN);
	memcpy(buf + NET_MAC_LEN, fl->link, NET_MAC_LEN);
	memcpy(buf + 12, fl->link + 12, 2);
	if (fl->family == AF_INET6) {
		memset(ip, 0, IP6_LEN);
		ip[0] = 0x60;
		put_be16(ip + 4, (uint16_t)len);
		ip[6] = IPPROTO_ICMPV6;
		ip[7] = (uint8_t)hops;
		memcpy(ip + 8, fl->dst, 16);
		memcpy(ip + 24, fl->src, 16);
		return ETH_LEN + IP6_LEN;
	}
	memset(ip, 0, IP4_LEN);
	ip[0] = 0x45;
	put_be16(ip + 2, (uint16_t)(IP4_LEN + len));
	put_be16(ip + 4, e->ip_id++);
	ip[8] = (uint8_t)hops;
	ip[9] = IPPROTO_ICMP;
	memcpy(ip + 12, fl->dst, 4);
	memcpy(ip + 16, fl->src, 4);
	checksum_ip4(ip);
	return ETH_LEN + IP4_LEN;
}

static void put_checksum(const struct echo_flow *fl, uint8_t *buf, size_t len)
{
	uint8_t *icmp = buf + ETH_LEN + IP4_LEN;

	if (fl->family == AF_INET6) {
		checksum_icmp6(buf + ETH_LEN);
		return;
	}
	put_be16(icmp + 2, 0);
	put_be16(icmp + 2, checksum_fold(checksum_add(0, icmp, len)));
}

static size_t room_of(const struct echo_flow *fl)
{
	return fl->family == AF_INET6 ? ETH_LEN + IP6_LEN : ETH_LEN + IP4_LEN;
}

static bool is_from(const struct echo_flow *fl, const union told_name *from)
{
	if (from->sa.sa_family != fl->family)
		return false;
	return fl->family == AF_INET ? memcmp(&from->in.sin_addr, fl->dst, 4) == 0
				     : memcmp(&from->in6.sin6_addr, fl->dst, 16) == 0;
}

static void give_answer(struct echo *e, const struct echo_flow *fl, size_t len,
			const struct told *told)
{
	const uint8_t wanted = fl->family == AF_INET6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY;
	uint8_t *icmp = e->buf + room_of(fl);
	/* one is for the gateway, which must not be the end of it */
	int hops = told->hops < 0 ? ANSWER_HOPS : told->hops < 2 ? 2 : told->hops;

	if (len < ICMP_LEN || icmp[0] != wanted)
		return;
	put_be16(icmp + 4, fl->id);
	put_headers(e, fl, len, hops, e->buf);
	put_checksum(fl, e->buf, len);
	e->give(e->owner, e->buf, room_of(fl) + len);
}

/* the request as the child sent it, as far as it is known, and its frame_info */
static size_t quote_request(struct echo *e, struct echo_flow *fl, size_t len, uint8_t *buf,
			    struct frame_info *ret)
{
	struct echo_flow back = *fl; /* what goes there, in terms of what comes back */
	uint8_t *icmp = buf + room_of(fl);
	uint16_t id = get_be16(icmp + 4);

	memcpy(back.src, fl->dst, sizeof(back.src));
	memcpy(back.dst, fl->src, sizeof(back.dst));
	memcpy(back.link, fl->link + NET_MAC_LEN, NET_MAC_LEN);
	memcpy(back.link + NET_MAC_LEN, fl->link, NET_MAC_LEN);
	put_headers(e, &back, len, 1, buf);
	put_be16(icmp + 4, fl->id);
	checksum_replace(icmp + 2, id, fl->id);
	*ret = (struct frame_info){ .family = fl->family, .src = fl->src, .dst = fl->dst };
	return room_of(fl) + len;
}

static void give_error(struct echo *e, struct echo_flow *fl, size_t len, const struct told *told)
{
	struct answer_error what = { .type = told->ee.ee_type, .code = told->ee.ee_code };
	struct frame f = { .data = e->buf };
	struct frame_info in;

	if (told->ee.ee_origin == SO_EE_ORIGIN_LOCAL && told->ee.ee_errno == EMSGSIZE)
		fl->mtu = told->ee.ee_info;
	if (!told_is_icmp(told, fl->family) || len < ICMP_LEN)
		return;
	if (told->ee.ee_errno == EMSGSIZE) {
		if (fl->family == AF_INET6)
			return; /* the host's kernel cuts the next one */
		what.rest = told->ee.ee_info;
	}
	what.from = told_by(told, &e->plan, e->hosts);
	f.len = quote_request(e, fl, len < QUOTED ? len : QUOTED, e->buf, &in);
	tell(e, &f, &in, &what);
}

/* --- from the host ------------------------------------------------------------------------ */

/* Return: whether something was read */
static bool read_one(struct echo *e, struct echo_flow *fl, int flags)
{
	union {
		struct cmsghdr align;
		uint8_t bytes[TOLD_CONTROL];
	} control;
	union told_name from = { 0 };
	struct iovec iov = { e->buf + room_of(fl), FRAME_MAX - room_of(fl) };
	struct msghdr h = { .msg_name = &from,
			    .msg_namelen = sizeof(from),
			    .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	struct told told;
	ssize_t n = recvmsg(fl->fd, &h, flags | MSG_DONTWAIT);

	if (n < 0)
		return false;
	told_read(&h, &told);
	if (flags & MSG_ERRQUEUE)
		give_error(e, fl, (size_t)n, &told);
	else if (is_from(fl, &from)) /* whoever knows the id can send one */
		give_answer(e, fl, (size_t)n, &told);
	return true;
}

void echo_ready(struct echo *e, uint32_t i)
{
	struct echo_flow *fl = &e->flows[i];

	for (int n = 0; n < READ_BATCH && read_one(e, fl, MSG_ERRQUEUE); n++)
		;
	for (int n = 0; n < READ_BATCH && read_one(e, fl, 0); n++)
		;
}

/* --- to the host -------------------------------------------------------------------------- */

static bool is_whole(const struct frame *f, const struct frame_info *in)
{
	const uint8_t *ip = f->data + ETH_LEN;
	uint32_t sum = 0;

	if (f->vnet && f->vnet->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		return true; /* the host's kernel makes it */
	if (in->family == AF_INET6) {
		sum = checksum_add(0, ip + 8, 32);
		sum += (uint32_t)in->l4_len + IPPROTO_ICMPV6;
	}
	return checksum_fold(checksum_add(sum, in->l4, in->l4_len)) == 0;
}

static void set_options(struct echo_flow *fl, const struct frame *f, int hops)
{
	const bool v6 = fl->family == AF_INET6;
	const bool uncut = !v6 && f->data[ETH_LEN + 6] & 0x40 && f->len <= PROBED_MAX;
	const int discover = uncut ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT;

	if (hops != fl->hops &&
	    setsockopt(fl->fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_UNICAST_HOPS : IP_TTL,
		       &hops, sizeof(hops)) == 0)
		fl->hops = hops;
	if (!v6 && discover != fl->discover &&
	    setsockopt(fl->fd, IPPROTO_IP, IP_MTU_DISCOVER, &discover, sizeof(discover)) == 0)
		fl->discover = discover;
}

/* Return: 0 or a negative errno */
static int flow_send(struct echo *e, struct echo_flow *fl, const struct frame_info *in)
{
	union told_name to = { 0 };
	socklen_t len = fl->family == AF_INET6 ? sizeof(to.in6) : sizeof(to.in);
	int r = 0;

	to.sa.sa_family = fl->family;
	if (fl->family == AF_INET6)
		memcpy(&to.in6.sin6_addr, fl->dst, sizeof(to.in6.sin6_addr));
	else
		memcpy(&to.in.sin_addr, fl->dst, sizeof(to.in.sin_addr));
	for (int tries = 0; tries < 2; tries++) {
		fl->mtu = 0;
		if (sendto(fl->fd, in->l4, in->l4_len, MSG_DONTWAIT, &to.sa, len) >= 0)
			return 0;
		r = -errno;
		/* an error of an earlier request stands in the way of this one, once */
		if (!read_one(e, fl, MSG_ERRQUEUE) || fl->mtu)
			break;
	}
	return r;
}

void echo_request(struct echo *e, const struct frame *f, const struct frame_info *in,
		  uint64_t now_ms)
{
	struct echo_flow *fl = echo_flow_find(e, in);
	const int hops = frame_hops(f, in, e->direct);
	int r = 0;

	if (!is_whole(f, in))
		return;
	if (hops < 1) {
		tell(e, f, in,
		     &(struct answer_error){ .type = in->family == AF_INET6 ? ICMP6_TIME_EXCEEDED
									    : ICMP_TIME_EXCEEDED });
		return;
	}
	if (!fl)
		r = echo_flow_start(e, in, &fl);
	if (r < 0) {
		if (r == -EACCES)
			say_refusal(e);
		refuse(e, f, in, -r, 0);
		return;
	}
	memcpy(fl->link, f->data, ETH_LEN);
	fl->used_ms = now_ms;
	set_options(fl, f, hops);
	r = flow_send(e, fl, in);
	if (r < 0)
		refuse(e, f, in, -r, fl->mtu);
}
