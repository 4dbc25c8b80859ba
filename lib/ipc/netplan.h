/* SPDX-License-Identifier: Apache-2.0 */
/* netplan.h - addresses and limits of one instance's network, as every process is told them */
#ifndef RK_IPC_NETPLAN_H
#define RK_IPC_NETPLAN_H

#include <assert.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#define NET_DNS_PORT 53
#define NET_DNS_SOCKS_MAX 4 /* of the gateway: UDP and TCP, for each family */
#define NET_MAC_LEN 6
#define NET_MTU_MIN 68        /* RFC 791 */
#define NET_MTU_MIN_IPV6 1280 /* RFC 8200 */
#define NET_MTU_MAX 65521     /* libslirp's */
#define NET_MTU_DEFAULT 65520
#define NET_ACCEL_FDS_MAX \
	5 /* bounce0; a transparent TCP listener and UDP socket for each family \
	   */

/* who carries TCP and UDP out of the child: rungs, of which the first that can be had is taken; off
   last of all */
enum net_accel {
	NET_ACCEL_OFF,      /* libslirp */
	NET_ACCEL_TPROXY,   /* the kernels of both ends, spliced by the relay */
	NET_ACCEL_REDIRECT, /* TCP alone where tproxy is missing: by NAT, which tracks connections
			     */
	NET_NACCELS
};

/* net_accel_name() - as --accel and the API call it */
static inline const char *net_accel_name(enum net_accel rung)
{
	static const char *const names[] = { "off", "tproxy", "redirect" };

	static_assert(sizeof(names) / sizeof(names[0]) == NET_NACCELS, "a name for each rung");
	return names[rung];
}

/* descriptors that go with it, in this order: the tun of bounce0, the TCP listener and the UDP
   socket of IPv4, those of IPv6 */
enum net_accel_fd {
	NET_ACCEL_TUN,
	NET_ACCEL_TCP4,
	NET_ACCEL_UDP4,
	NET_ACCEL_TCP6,
	NET_ACCEL_UDP6,
};
static_assert(NET_ACCEL_UDP6 + 1 == NET_ACCEL_FDS_MAX, "all of them");

struct net_plan {
	char ifname[16];          /* interface in the child; terminated */
	uint32_t mtu;             /* bytes */
	struct in_addr address;   /* of the child, 10.0.2.100 */
	struct in_addr gateway;   /* 10.0.2.2: the host, when its loopback is open */
	struct in_addr dns;       /* 10.0.2.3 */
	struct in_addr network;   /* 10.0.2.0 */
	uint8_t prefix;           /* 24 */
	uint8_t host_loopback;    /* 1: the gateway address reaches the host's 127.0.0.1 */
	uint8_t ipv6;             /* 1: the fields below are used */
	uint8_t prefix6;          /* 64 */
	struct in6_addr address6; /* fd00::100 */
	struct in6_addr gateway6; /* fd00::2 */
	struct in6_addr dns6;     /* fd00::3 */
	struct in6_addr network6; /* fd00:: */
};
static_assert(sizeof(struct net_plan) == 104, "wire format: bump the versions of its messages");

/* net_accel_fds() - how many descriptors go with @accel */
static inline uint32_t net_accel_fds(uint32_t accel, const struct net_plan *plan)
{
	if (accel == NET_ACCEL_OFF)
		return 0;
	return plan->ipv6 ? NET_ACCEL_FDS_MAX : NET_ACCEL_TCP6;
}

/* of sockets of the child netns that have clients' addresses, and of what is answered to them; the
 * table that leads it to them. Other programs there use marks too: bits that Kubernetes, Cilium,
 * Tailscale and the like look at are 0 */
#define NET_SHOW_MARK 0x1064
#define NET_SHOW_TABLE 4196

/* an address and port of either family, without the padding of sockaddr_storage */
struct net_addr {
	uint16_t family;  /* AF_INET or AF_INET6 */
	uint16_t port;    /* host order */
	uint32_t scope;   /* interface index of a link-local address; 0: none */
	uint8_t addr[16]; /* AF_INET uses the first four */
};
static_assert(sizeof(struct net_addr) == 24, "wire format: bump the versions of its messages");

/* the addresses that begin with the first @prefix bits of @addr */
struct net_range {
	uint8_t family, prefix, zero[2]; /* AF_INET, AF_INET6 */
	uint8_t addr[16];                /* AF_INET uses the first four; no bit is set behind */
};
static_assert(sizeof(struct net_range) == 20, "wire format: bump the versions of its messages");

/* net_range_has() - whether @addr, in network order, is one of them */
static inline int net_range_has(const struct net_range *r, int family, const uint8_t *addr)
{
	const unsigned bytes = r->prefix / 8, bits = r->prefix % 8;

	return r->family == family && memcmp(r->addr, addr, bytes) == 0 &&
	       (!bits || (r->addr[bytes] ^ addr[bytes]) >> (8 - bits) == 0);
}

/* net_range_covers() - whether all of @b are */
static inline int net_range_covers(const struct net_range *r, const struct net_range *b)
{
	return r->prefix <= b->prefix && net_range_has(r, b->family, b->addr);
}

/**
 * net_plan_slirp_mac() - the hardware address that libslirp's end of a tap has: 52:55 and the
 *                        gateway's IPv4 address. It is the sender of every IPv4 frame of libslirp,
 *                        and frames of both families that are sent to it reach libslirp
 */
static inline void net_plan_slirp_mac(const struct net_plan *plan, uint8_t ret_mac[NET_MAC_LEN])
{
	ret_mac[0] = 0x52;
	ret_mac[1] = 0x55;
	memcpy(ret_mac + 2, &plan->gateway.s_addr, sizeof(plan->gateway.s_addr));
}

#define WORKER_HOSTS_MAX 1024
#define WORKER_HOSTS_PART 64

/* a part of the host's own addresses; the list is sorted by family and address, no range of it is
 * inside another, and counts when all of it has come */
struct worker_hosts {
	uint32_t first; /* how many were in the parts before; 0: a new list begins */
	uint32_t count, total, zero;
	struct net_range range[WORKER_HOSTS_PART];
};

#endif
