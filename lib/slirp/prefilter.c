// SPDX-License-Identifier: Apache-2.0
/*
 * prefilter.c - judges each frame of the tap before libslirp sees it (slirp only)
 *
 * A frame goes through: link header, network header, fragments, transport header, services that
 * libslirp would serve itself, policy. Each step reads only what the steps before it have checked
 * against the length. Checksums are libslirp's work; a frame with a wrong one dies there. What the
 * tap says about a frame must describe the packet that is found in it (offload.c).
 *
 * Urgent data: libslirp's arithmetic on the urgent pointer has disclosed its heap. The flag is
 * cleared, so that urgent bytes travel in the stream like all others (as with SO_OOBINLINE).
 *
 * Options and extension headers: nobody needs them behind a user-mode NAT, libslirp strips or
 * ignores them, and source routes would make the policy's address a lie. Dropped.
 */
#include "lib/slirp/prefilter.h"

#include <string.h>
#include <sys/socket.h>

#include "lib/base/cleanup.h"
#include "lib/slirp/offload.h"

#define PORT_BOOTP_SERVER 67
#define PORT_BOOTP_CLIENT 68
#define PORT_TFTP 69
#define BOOTP_LEN 240 /* with the cookie of DHCP */
#define PORT_DHCP6_CLIENT 546
#define PORT_DHCP6_SERVER 547

#define ARP_LEN 28
#define ARP_REQUEST 1
#define ARP_REPLY 2
#define NEIGHBOUR_LEN 24 /* ICMPv6 header and target */

static const char *const names[] = {
	[FAULT_NONE] = "none",
	[FAULT_SHORT] = "too short",
	[FAULT_LINK] = "hardware address",
	[FAULT_ETHERTYPE] = "ethertype",
	[FAULT_HEADER] = "network header",
	[FAULT_SOURCE] = "source address",
	[FAULT_OFFLOAD] = "header of the tap",
	[FAULT_FRAGMENT] = "fragment",
	[FAULT_TRANSPORT] = "transport header",
	[FAULT_SERVICE] = "BOOTP, TFTP or DHCPv6",
	[FAULT_CONTROL] = "control message",
	[FAULT_SILENT] = "broadcast or multicast",
	[FAULT_RATE] = "refused, too many answers",
};
static_assert(ARRAY_SIZE(names) == FAULT_NFAULTS, "a name for each fault");

void prefilter_init(struct prefilter *pf, const struct net_plan *plan, bool direct)
{
	*pf = (struct prefilter){ .plan = *plan,
				  .direct = direct,
				  .answers = PREFILTER_ANSWERS_BURST };
}

void prefilter_done(struct prefilter *pf)
{
	reassembly_done(&pf->reassembly);
}

const char *prefilter_fault_name(enum frame_fault f)
{
	return (unsigned)f < FAULT_NFAULTS ? names[f] : "?";
}

static enum frame_verdict drop(struct prefilter *pf, enum frame_fault why)
{
	pf->faults[why]++;
	return FRAME_DROP;
}

bool prefilter_may_answer(struct prefilter *pf, uint64_t now_ms)
{
	uint64_t passed_ms = now_ms > pf->answers_at_ms ? now_ms - pf->answers_at_ms : 0;
	uint64_t gained = passed_ms < 1000 ? passed_ms * PREFILTER_ANSWERS_PER_S / 1000
					   : PREFILTER_ANSWERS_BURST;

	if (gained) {
		gained += pf->answers;
		pf->answers = gained < PREFILTER_ANSWERS_BURST ? (uint32_t)gained
							       : PREFILTER_ANSWERS_BURST;
		pf->answers_at_ms = now_ms;
	}
	if (!pf->answers)
		return false;
	pf->answers--;
	return true;
}

static enum frame_verdict refuse(struct prefilter *pf, uint64_t now_ms, enum policy_verdict why,
				 enum policy_verdict *ret_why)
{
	if (why == POLICY_SILENT)
		return drop(pf, FAULT_SILENT);
	if (!prefilter_may_answer(pf, now_ms))
		return drop(pf, FAULT_RATE);
	/* the name server has sockets of its own; what still comes here has no server */
	*ret_why = why == POLICY_DNS ? POLICY_REFUSED_NET : why;
	return FRAME_ANSWER;
}

/* --- addresses ---------------------------------------------------------------------------- */

static bool is_ours(const struct net_plan *p, int family, const uint8_t *addr)
{
	if (family == AF_INET)
		return memcmp(addr, &p->gateway, 4) == 0 || memcmp(addr, &p->dns, 4) == 0;
	return memcmp(addr, &p->gateway6, 16) == 0 || memcmp(addr, &p->dns6, 16) == 0;
}

static bool source4_is_sane(const struct net_plan *p, const uint8_t *src)
{
	struct in_addr a;
	uint32_t hosts = p->prefix < 32 ? UINT32_MAX >> p->prefix : 0;

	memcpy(&a, src, sizeof(a));
	if (src[0] == 0 || src[0] == 127 || src[0] >= 224)
		return false;
	if (a.s_addr == (p->network.s_addr | htonl(hosts)))
		return false; /* libslirp sends answers to it to everybody */
	return !is_ours(p, AF_INET, src);
}

/* the unspecified address is left to the caller: it is right in neighbour discovery only */
static bool source6_is_sane(const struct net_plan *p, const uint8_t *src)
{
	static const uint8_t zero[10];

	if (src[0] == 0xff || memcmp(src, zero, sizeof(zero)) == 0)
		return false; /* multicast; ::, ::1 and all forms of embedded IPv4 */
	return !is_ours(p, AF_INET6, src);
}

/* --- transport ---------------------------------------------------------------------------- */

static enum frame_fault check_tcp(struct frame_info *in)
{
	uint8_t *t = in->l4;
	size_t header;

	if (in->l4_len < TCP_LEN)
		return FAULT_SHORT;
	header = (size_t)(t[12] >> 4) * 4;
	if (header < TCP_LEN || header > in->l4_len)
		return FAULT_TRANSPORT;
	in->sport = get_be16(t);
	in->dport = get_be16(t + 2);
	if (!in->sport || !in->dport)
		return FAULT_TRANSPORT;
	if ((t[13] & TCP_URG) || get_be16(t + 18)) {
		uint16_t flags = get_be16(t + 12), pointer = get_be16(t + 18);

		t[13] &= (uint8_t)~TCP_URG;
		put_be16(t + 18, 0);
		checksum_replace(t + 16, flags, get_be16(t + 12));
		checksum_replace(t + 16, pointer, 0);
	}
	in->opens = (t[13] & (TCP_SYN | TCP_ACK | TCP_FIN | TCP_RST)) == TCP_SYN;
	return FAULT_NONE;
}

static enum frame_fault check_udp(const struct net_plan *p, struct frame_info *in)
{
	uint16_t len;

	if (in->l4_len < UDP_LEN)
		return FAULT_SHORT;
	len = get_be16(in->l4 + 4);
	in->sport = get_be16(in->l4);
	in->dport = get_be16(in->l4 + 2);
	if (len < UDP_LEN || len > in->l4_len || !in->dport)
		return FAULT_TRANSPORT;
	in->opens = true;
	switch (in->dport) {
	case PORT_BOOTP_SERVER:
	case PORT_BOOTP_CLIENT:
		return in->family == AF_INET ? FAULT_SERVICE : FAULT_NONE;
	case PORT_DHCP6_CLIENT:
	case PORT_DHCP6_SERVER:
		return in->family == AF_INET6 ? FAULT_SERVICE : FAULT_NONE;
	case PORT_TFTP:
		return is_ours(p, in->family, in->dst) ? FAULT_SERVICE : FAULT_NONE;
	default:
		return FAULT_NONE;
	}
}

/* echo requests only: libslirp has no use for the rest */
static enum frame_fault check_icmp(struct frame_info *in, uint8_t echo_request)
{
	if (in->l4_len < ICMP_LEN)
		return FAULT_SHORT;
	if (in->l4[0] != echo_request || in->l4[1] != 0)
		return FAULT_CONTROL;
	in->opens = true;
	return FAULT_NONE;
}

static enum frame_verdict judge_transport(struct prefilter *pf, const struct frame *f,
					  uint64_t now_ms, struct frame_info *in,
					  enum policy_verdict *ret_why)
{
	enum frame_fault fault = FAULT_TRANSPORT;
	enum policy_verdict v;
	struct net_addr final;
	bool echo = false;

	if (in->proto == IPPROTO_TCP) {
		fault = check_tcp(in);
	} else if (in->proto == IPPROTO_UDP) {
		fault = check_udp(&pf->plan, in);
	} else if (in->proto == IPPROTO_ICMP && in->family == AF_INET) {
		fault = check_icmp(in, ICMP4_ECHO_REQUEST);
		echo = true;
	} else if (in->proto == IPPROTO_ICMPV6 && in->family == AF_INET6) {
		fault = check_icmp(in, ICMP6_ECHO_REQUEST);
		echo = true;
	}
	if (fault != FAULT_NONE)
		return drop(pf, fault);
	if (f->vnet && !offload_fits(f->vnet, f, in))
		return drop(pf, FAULT_OFFLOAD);
	if (echo && is_ours(&pf->plan, in->family, in->dst)) {
		in->opens = false; /* libslirp reflects it, the host hears nothing */
		return FRAME_PASS;
	}
	/* an answer to a forwarded port's client on the host's loopback, which the guest sees as
	   the gateway. Only a SYN opens anything; the rest libslirp resets when it knows no
	   connection */
	if (pf->serves && in->proto == IPPROTO_TCP && !in->opens &&
	    is_ours(&pf->plan, in->family, in->dst))
		return FRAME_PASS;
	v = policy_judge(&pf->plan, pf->hosts, in->family, in->dst, in->proto, in->dport, &final);
	if (v == POLICY_DNS && pf->serves_dns)
		return FRAME_PASS;
	return v == POLICY_ALLOWED ? FRAME_PASS : refuse(pf, now_ms, v, ret_why);
}

/* --- IPv4 --------------------------------------------------------------------------------- */

static void read_ip4(const struct frame *f, struct frame_info *in)
{
	uint8_t *ip = f->data + ETH_LEN;

	*in = (struct frame_info){ .family = AF_INET,
				   .proto = ip[9],
				   .src = ip + 12,
				   .dst = ip + 16,
				   .l4 = ip + IP4_LEN,
				   .l4_len = f->len - ETH_LEN - IP4_LEN };
}

/*
 * The policy is asked for each fragment, by address; the answer goes to the first one, that holds
 * enough to find the sender's socket. A first one without the ports is a way around filters.
 */
static enum frame_verdict judge_fragment(struct prefilter *pf, struct frame *f, uint64_t now_ms,
					 struct frame_info *in, enum policy_verdict *ret_why)
{
	uint16_t field = get_be16(f->data + ETH_LEN + 6);
	bool first = (field & IP4_OFFSET) == 0;
	enum policy_verdict v;
	struct net_addr final;

	if (f->vnet && (f->vnet->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return drop(pf, FAULT_OFFLOAD);
	if (first && in->l4_len < (in->proto == IPPROTO_TCP ? TCP_LEN : UDP_LEN))
		return drop(pf, FAULT_FRAGMENT);
	if (!is_ours(&pf->plan, AF_INET, in->dst) || in->proto != IPPROTO_ICMP) {
		v = policy_judge(&pf->plan, pf->hosts, AF_INET, in->dst, in->proto, 0, &final);
		if (v != POLICY_ALLOWED)
			return first ? refuse(pf, now_ms, v, ret_why) : drop(pf, FAULT_FRAGMENT);
	}
	if (!reassembly_add(&pf->reassembly, f, now_ms))
		return FRAME_HELD;
	read_ip4(f, in);
	return FRAME_PASS;
}

/* a client of DHCP: it has no address yet and speaks to everybody, or it has and renews it */
static bool asks_for_lease(const struct prefilter *pf, const struct frame_info *in, uint16_t field)
{
	static const uint8_t none[4], all[4] = { 255, 255, 255, 255 };
	uint16_t len;

	/* the ports of a fragment may stand elsewhere */
	if (!pf->serves || in->proto != IPPROTO_UDP ||
	    (field & (IP4_MORE_FRAGMENTS | IP4_OFFSET)) || in->l4_len < UDP_LEN + BOOTP_LEN)
		return false;
	len = get_be16(in->l4 + 4);
	return get_be16(in->l4 + 2) == PORT_BOOTP_SERVER && len >= UDP_LEN + BOOTP_LEN &&
	       len <= in->l4_len &&
	       (memcmp(in->src, none, 4) == 0 || source4_is_sane(&pf->plan, in->src)) &&
	       (memcmp(in->dst, all, 4) == 0 || memcmp(in->dst, &pf->plan.gateway, 4) == 0);
}

static enum frame_verdict judge_ip4(struct prefilter *pf, struct frame *f, uint64_t now_ms,
				    struct frame_info *in, enum policy_verdict *ret_why)
{
	const uint8_t *ip = f->data + ETH_LEN;
	uint16_t total, field;

	if (f->len < ETH_LEN + IP4_LEN)
		return drop(pf, FAULT_SHORT);
	total = get_be16(ip + 2);
	field = get_be16(ip + 6);
	if (ip[0] != 0x45 || (field & IP4_RESERVED) || ip[8] == 0)
		return drop(pf, FAULT_HEADER);
	if (total < IP4_LEN || (size_t)total > f->len - ETH_LEN)
		return drop(pf, FAULT_SHORT);
	f->len = ETH_LEN + (size_t)total;
	read_ip4(f, in);
	if (asks_for_lease(pf, in, field))
		return FRAME_PASS;
	if (f->data[0] & 1)
		return drop(pf, FAULT_LINK);
	if (!source4_is_sane(&pf->plan, in->src))
		return drop(pf, FAULT_SOURCE);
	if (field & (IP4_MORE_FRAGMENTS | IP4_OFFSET)) {
		enum frame_verdict v = judge_fragment(pf, f, now_ms, in, ret_why);

		if (v != FRAME_PASS)
			return v;
	}
	return judge_transport(pf, f, now_ms, in, ret_why);
}

/* --- IPv6 --------------------------------------------------------------------------------- */

/* solicitations and advertisements of the child; routers are not asked for by a worker: the answer
 * would make libslirp read the host's resolver file */
static enum frame_verdict judge_neighbour(struct prefilter *pf, const struct frame_info *in,
					  uint8_t hops)
{
	static const uint8_t unspecified[16];
	bool router = in->l4[0] == ICMP6_ROUTER_SOLICIT;
	bool probe = in->l4[0] != ICMP6_NEIGHBOUR_ADVERT && memcmp(in->src, unspecified, 16) == 0;

	if (!pf->direct || hops != 255 || in->l4[1] != 0 ||
	    in->l4_len < (router ? ICMP_LEN : NEIGHBOUR_LEN))
		return drop(pf, FAULT_CONTROL);
	if (!probe && !source6_is_sane(&pf->plan, in->src))
		return drop(pf, FAULT_SOURCE);
	return FRAME_PASS;
}

static enum frame_verdict judge_ip6(struct prefilter *pf, struct frame *f, uint64_t now_ms,
				    struct frame_info *in, enum policy_verdict *ret_why)
{
	uint8_t *ip = f->data + ETH_LEN;
	uint16_t payload;

	if (!pf->plan.ipv6)
		return drop(pf, FAULT_ETHERTYPE);
	if (f->len < ETH_LEN + IP6_LEN)
		return drop(pf, FAULT_SHORT);
	payload = get_be16(ip + 4);
	if (ip[0] >> 4 != 6 || ip[7] == 0)
		return drop(pf, FAULT_HEADER);
	if (payload > f->len - ETH_LEN - IP6_LEN)
		return drop(pf, FAULT_SHORT);
	f->len = ETH_LEN + IP6_LEN + (size_t)payload;
	*in = (struct frame_info){ .family = AF_INET6,
				   .proto = ip[6],
				   .src = ip + 8,
				   .dst = ip + 24,
				   .l4 = ip + IP6_LEN,
				   .l4_len = payload };
	if (in->proto == IPPROTO_ICMPV6 && payload >= ICMP_LEN &&
	    (in->l4[0] == ICMP6_NEIGHBOUR_SOLICIT || in->l4[0] == ICMP6_NEIGHBOUR_ADVERT ||
	     (in->l4[0] == ICMP6_ROUTER_SOLICIT && pf->serves)))
		return judge_neighbour(pf, in, ip[7]);
	if (f->data[0] & 1)
		return drop(pf, FAULT_LINK);
	if (!source6_is_sane(&pf->plan, in->src))
		return drop(pf, FAULT_SOURCE);
	return judge_transport(pf, f, now_ms, in, ret_why);
}

/* --- all ---------------------------------------------------------------------------------- */

static enum frame_verdict judge_arp(struct prefilter *pf, struct frame *f, struct frame_info *in)
{
	static const uint8_t head[] = { 0, 1, 8, 0, 6, 4 }; /* Ethernet, IPv4, their lengths */
	const uint8_t *arp = f->data + ETH_LEN, *sender = arp + 14;
	uint16_t op;

	if (!pf->direct)
		return drop(pf, FAULT_CONTROL);
	if (f->len < ETH_LEN + ARP_LEN)
		return drop(pf, FAULT_SHORT);
	op = get_be16(arp + 6);
	if (memcmp(arp, head, sizeof(head)) != 0 || (op != ARP_REQUEST && op != ARP_REPLY))
		return drop(pf, FAULT_CONTROL);
	if (memcmp(sender, "\0\0\0\0", 4) != 0 && !source4_is_sane(&pf->plan, sender))
		return drop(pf, FAULT_SOURCE);
	*in = (struct frame_info){ .src = sender, .dst = arp + 24 };
	return FRAME_PASS;
}

enum frame_verdict prefilter_judge(struct prefilter *pf, struct frame *f, uint64_t now_ms,
				   struct frame_info *ret, enum policy_verdict *ret_why)
{
	if (f->len < ETH_LEN)
		return drop(pf, FAULT_SHORT);
	if (f->vnet && !offload_is_sane(f->vnet, f->len))
		return drop(pf, FAULT_OFFLOAD);
	if (f->data[6] & 1)
		return drop(pf, FAULT_LINK);
	switch (frame_ethertype(f->data)) {
	case ETHERTYPE_IP4:
		return judge_ip4(pf, f, now_ms, ret, ret_why);
	case ETHERTYPE_IP6:
		return judge_ip6(pf, f, now_ms, ret, ret_why);
	case ETHERTYPE_ARP:
		return judge_arp(pf, f, ret);
	default:
		return drop(pf, FAULT_ETHERTYPE);
	}
}
