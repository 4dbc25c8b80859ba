/* SPDX-License-Identifier: Apache-2.0 */
/* frame.h - Ethernet frames as bytes: offsets, big-endian fields, checksums (slirp only) */
#ifndef RK_SLIRP_FRAME_H
#define RK_SLIRP_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/ipc/netplan.h"

#define ETH_LEN 14
#define IP4_LEN 20 /* without options: such packets are dropped */
#define IP6_LEN 40
#define TCP_LEN 20 /* without options */
#define UDP_LEN 8
#define ICMP_LEN 8
#define FRAME_MAX (ETH_LEN + 65535) /* the longest IP packet */

#define ETHERTYPE_IP4 0x0800
#define ETHERTYPE_ARP 0x0806
#define ETHERTYPE_IP6 0x86dd

#define IP4_MORE_FRAGMENTS 0x2000
#define IP4_RESERVED 0x8000
#define IP4_OFFSET 0x1fff /* in units of 8 bytes */

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10
#define TCP_URG 0x20

#define ICMP4_ECHO_REQUEST 8
#define ICMP6_ECHO_REQUEST 128
#define ICMP6_ROUTER_SOLICIT 133
#define ICMP6_ROUTER_ADVERT 134
#define ICMP6_NEIGHBOUR_SOLICIT 135
#define ICMP6_NEIGHBOUR_ADVERT 136

struct virtio_net_hdr;

struct frame {
	uint8_t *data; /* borrowed; writable, the prefilter mends it in place */
	size_t len;
	const struct virtio_net_hdr *vnet; /* what was in front; NULL: the tap has none */
};

/* what a frame says; the pointers go into it */
struct frame_info {
	uint16_t family;          /* AF_INET or AF_INET6; 0: ARP */
	uint8_t proto;            /* IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6 */
	bool opens;               /* libslirp may open a socket for it */
	uint16_t sport, dport;    /* host order; 0 where there is none */
	const uint8_t *src, *dst; /* 4 or 16 bytes */
	uint8_t *l4;              /* transport header */
	size_t l4_len;            /* bytes from there to the end of the packet */
};

static inline uint16_t get_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline void put_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* frame_ethertype() - of a frame of at least ETH_LEN bytes */
static inline uint16_t frame_ethertype(const uint8_t *data)
{
	return get_be16(data + 12);
}

/* frame_hops() - how many are left behind the gateway, which has counted one unless it is a direct
 * tap; maybe 0 */
int frame_hops(const struct frame *f, const struct frame_info *in, bool direct);

/* checksum_add() - one's complement sum of big-endian words; an odd last byte is padded with 0 */
uint32_t checksum_add(uint32_t sum, const uint8_t *data, size_t len);

/* checksum_fold() - the value for the checksum field, host order */
uint16_t checksum_fold(uint32_t sum);

/* checksum_replace() - RFC 1624: the field at @field after a word of the data changed */
void checksum_replace(uint8_t *field, uint16_t before, uint16_t after);

/* checksum_ip4() - fill in the header checksum of an IPv4 header without options */
void checksum_ip4(uint8_t *ip);

/* checksum_icmp6() - fill in the ICMPv6 checksum behind an IPv6 header whose length is set */
void checksum_icmp6(uint8_t *ip6);

#endif
