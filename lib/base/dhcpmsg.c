// SPDX-License-Identifier: Apache-2.0
/* dhcpmsg.c - DHCP messages of a client, as whole IPv4 packets (RFC 2131, 2132) */
#include "lib/base/dhcpmsg.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum {
	IP_LEN = 20,
	UDP_LEN = 8,
	BOOTP_LEN = 240, /* with the magic cookie */
	CLIENT_PORT = 68,
	SERVER_PORT = 67,
	HOPS = 64,
};

/* offsets in the BOOTP part */
enum { AT_XID = 4, AT_FLAGS = 10, AT_CIADDR = 12, AT_YIADDR = 16, AT_CHADDR = 28, AT_COOKIE = 236 };

enum option {
	OPT_PAD = 0,
	OPT_MASK = 1,
	OPT_ROUTER = 3,
	OPT_DNS = 6,
	OPT_REQUESTED = 50,
	OPT_LEASE = 51,
	OPT_TYPE = 53,
	OPT_SERVER = 54,
	OPT_PARAMETERS = 55,
	OPT_END = 255,
};

static const uint8_t cookie[4] = { 99, 130, 83, 99 };

static void put16(uint8_t *at, uint32_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at)
{
	return get16(at) << 16 | get16(at + 2);
}

static uint8_t *put_option(uint8_t *at, enum option code, const void *value, uint8_t len)
{
	at[0] = (uint8_t)code;
	at[1] = len;
	memcpy(at + 2, value, len);
	return at + 2 + len;
}

static uint8_t *put_options(const struct dhcp_ask *ask, uint8_t *at)
{
	static const uint8_t wanted[] = { OPT_MASK, OPT_ROUTER, OPT_DNS, OPT_LEASE };
	uint8_t type = (uint8_t)ask->type;

	at = put_option(at, OPT_TYPE, &type, 1);
	if (ask->server.s_addr) {
		at = put_option(at, OPT_REQUESTED, &ask->address, 4);
		at = put_option(at, OPT_SERVER, &ask->server, 4);
	}
	at = put_option(at, OPT_PARAMETERS, wanted, sizeof(wanted));
	*at++ = OPT_END;
	return at;
}

static uint32_t sum(const uint8_t *data, size_t len, uint32_t s)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		s += get16(data + i);
	return len % 2 ? s + ((uint32_t)data[len - 1] << 8) : s;
}

static uint16_t fold(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

static void put_headers(uint8_t *packet, size_t len)
{
	uint8_t *udp = packet + IP_LEN;
	size_t udp_len = len - IP_LEN;
	uint16_t check;

	packet[0] = 0x45;
	put16(packet + 2, (uint32_t)len);
	packet[8] = HOPS;
	packet[9] = IPPROTO_UDP;
	memset(packet + 16, 0xff, 4);
	put16(packet + 10, fold(sum(packet, IP_LEN, 0)));
	put16(udp, CLIENT_PORT);
	put16(udp + 2, SERVER_PORT);
	put16(udp + 4, (uint32_t)udp_len);
	check = fold(sum(udp, udp_len, sum(packet + 12, 8, IPPROTO_UDP + (uint32_t)udp_len)));
	put16(udp + 6, check ? check : 0xffff);
}

size_t dhcpmsg_build(const struct dhcp_ask *ask, uint8_t ret[static DHCPMSG_MAX])
{
	uint8_t *bootp = ret + IP_LEN + UDP_LEN, *end;
	size_t len;

	memset(ret, 0, DHCPMSG_MAX);
	bootp[0] = 1; /* a question */
	bootp[1] = 1; /* by Ethernet */
	bootp[2] = sizeof(ask->mac);
	memcpy(bootp + AT_XID, &ask->xid, sizeof(ask->xid));
	bootp[AT_FLAGS] = 0x80; /* the answer to everybody: we have no address yet */
	if (!ask->server.s_addr)
		memcpy(bootp + AT_CIADDR, &ask->address, sizeof(ask->address));
	memcpy(bootp + AT_CHADDR, ask->mac, sizeof(ask->mac));
	memcpy(bootp + AT_COOKIE, cookie, sizeof(cookie));
	end = put_options(ask, bootp + BOOTP_LEN);
	len = (size_t)(end - ret);
	put_headers(ret, len);
	return len;
}

static void take_option(enum option code, const uint8_t *value, size_t len, struct dhcp_answer *ret)
{
	const struct {
		enum option code;
		struct in_addr *to;
	} addresses[] = { { OPT_MASK, &ret->mask },
			  { OPT_ROUTER, &ret->router },
			  { OPT_DNS, &ret->dns },
			  { OPT_SERVER, &ret->server } };

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		if (addresses[i].code == code && len >= 4)
			memcpy(addresses[i].to, value, 4);
	}
	if (code == OPT_TYPE && len == 1)
		ret->type = value[0];
	if (code == OPT_LEASE && len == 4)
		ret->lease_s = get32(value);
}

static bool take_options(const uint8_t *at, const uint8_t *end, struct dhcp_answer *ret)
{
	while (at < end && *at != OPT_END) {
		if (*at == OPT_PAD) {
			at++;
			continue;
		}
		if (end - at < 2 || end - at - 2 < at[1])
			return false;
		take_option((enum option)at[0], at + 2, at[1], ret);
		at += 2 + at[1];
	}
	return true;
}

/* the BOOTP part of a packet to the client's port, or NULL */
static const uint8_t *find_bootp(const uint8_t *packet, size_t size, size_t *ret_len)
{
	size_t header = size ? (size_t)(packet[0] & 15) * 4 : 0, total;
	const uint8_t *udp = packet + header;

	if (size < IP_LEN || packet[0] >> 4 != 4 || header < IP_LEN)
		return NULL;
	total = get16(packet + 2);
	if (total > size || total < header + UDP_LEN + BOOTP_LEN || packet[9] != IPPROTO_UDP ||
	    get16(packet + 6) & 0x3fff)
		return NULL;
	if (get16(udp) != SERVER_PORT || get16(udp + 2) != CLIENT_PORT ||
	    get16(udp + 4) > total - header || get16(udp + 4) < UDP_LEN + BOOTP_LEN)
		return NULL;
	*ret_len = get16(udp + 4) - UDP_LEN;
	return udp + UDP_LEN;
}

int dhcpmsg_parse(const uint8_t *packet, size_t size, uint32_t xid, const uint8_t mac[6],
		  struct dhcp_answer *ret)
{
	struct dhcp_answer answer = { 0 };
	size_t len;
	const uint8_t *bootp = find_bootp(packet, size, &len);

	if (!bootp || bootp[0] != 2 || memcmp(bootp + AT_XID, &xid, sizeof(xid)) != 0 ||
	    memcmp(bootp + AT_CHADDR, mac, 6) != 0 ||
	    memcmp(bootp + AT_COOKIE, cookie, sizeof(cookie)) != 0)
		return -EBADMSG;
	memcpy(&answer.address, bootp + AT_YIADDR, sizeof(answer.address));
	if (!take_options(bootp + BOOTP_LEN, bootp + len, &answer))
		return -EBADMSG;
	*ret = answer;
	return 0;
}
