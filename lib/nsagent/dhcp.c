// SPDX-License-Identifier: Apache-2.0
/*
 * dhcp.c - a DHCP client for one interface of the netns we are in
 *
 * A packet socket sees every packet of the interface, so it is open during an exchange only. A
 * lease is asked for again at half its time, and then at half of what is left, by everybody's
 * address: whichever server knows it may answer. One that is lost, or of which something changed,
 * is not replaced: the command has bound its sockets to the address.
 */
#include "lib/nsagent/dhcp.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/dhcpmsg.h"
#include "lib/base/log.h"
#include "lib/base/loop.h"

#define GET_MS 20000
#define RENEW_MS 3000
#define FIRST_MS 500 /* to the first repetition; each wait is twice as long, up to the last */
#define LAST_MS 4000
#define PACKET_MAX 1600
#define LEASE_DEFAULT_S 3600
#define LEASE_MIN_S 4
#define AGAIN_MS 1000               /* between two tries to renew, at least */
#define LEASE_MAX_S (7 * 24 * 3600) /* a longer one is renewed as if it were this long */

struct exchange {
	int fd;
	struct dhcp_ask ask;
	struct sockaddr_ll to;
	uint64_t deadline_ms;
};

/* UDP from port 67 to 68 without IP options, no fragment: what else comes is nobody's business */
static int filter_packets(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 6),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x3fff, 4, 0),
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 67 << 16 | 68, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, PACKET_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = { .len = ARRAY_SIZE(code), .filter = code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog));
}

static int open_exchange(const char *ifname, uint64_t limit_ms, struct exchange *x, struct err *err)
{
	autoclose int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { 0 };

	if (fd < 0 || filter_packets(fd) < 0)
		return err_set(err, errno, "opening a packet socket for DHCP");
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	if (ioctl(fd, SIOCGIFHWADDR, &ifr) < 0)
		return err_set(err, errno, "asking for the hardware address of '%s'", ifname);
	memcpy(x->ask.mac, ifr.ifr_hwaddr.sa_data, sizeof(x->ask.mac));
	x->to = (struct sockaddr_ll){ .sll_family = AF_PACKET,
				      .sll_protocol = htons(ETH_P_IP),
				      .sll_ifindex = (int)if_nametoindex(ifname),
				      .sll_halen = ETH_ALEN };
	memset(x->to.sll_addr, 0xff, ETH_ALEN);
	if (bind(fd, (struct sockaddr *)&x->to, sizeof(x->to)) < 0)
		return err_set(err, errno, "binding a packet socket to '%s'", ifname);
	if (getrandom(&x->ask.xid, sizeof(x->ask.xid), 0) < 0)
		return err_set(err, errno, "getrandom");
	x->deadline_ms = clock_ms() + limit_ms;
	x->fd = take_fd(&fd);
	return 0;
}

static bool fits(const struct dhcp_ask *ask, const struct dhcp_answer *a)
{
	if (ask->type == DHCP_DISCOVER)
		return a->type == DHCP_OFFER && a->server.s_addr && a->address.s_addr;
	return a->type == DHCP_ACK || a->type == DHCP_NAK;
}

/* 1 with an answer, 0 when nothing came until @until_ms, or a negative errno */
static int hear(const struct exchange *x, uint64_t until_ms, struct dhcp_answer *ret)
{
	for (;;) {
		uint64_t now = clock_ms();
		struct pollfd p = { .fd = x->fd, .events = POLLIN };
		uint8_t packet[PACKET_MAX];
		ssize_t n;

		if (now >= until_ms)
			return 0;
		if (poll(&p, 1, (int)(until_ms - now)) < 0 && errno != EINTR)
			return -errno;
		if (!p.revents)
			continue;
		n = recv(x->fd, packet, sizeof(packet), MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n > 0 && dhcpmsg_parse(packet, (size_t)n, x->ask.xid, x->ask.mac, ret) == 0 &&
		    fits(&x->ask, ret))
			return 1;
	}
}

/* ask until there is an answer; -ETIMEDOUT: nobody answers */
static int talk(const struct exchange *x, struct dhcp_answer *ret)
{
	uint8_t packet[DHCPMSG_MAX];
	size_t len = dhcpmsg_build(&x->ask, packet);

	for (unsigned wait_ms = FIRST_MS;;) {
		uint64_t now = clock_ms(), until = now + wait_ms;
		int r;

		if (now >= x->deadline_ms)
			return -ETIMEDOUT;
		if (sendto(x->fd, packet, len, 0, (const struct sockaddr *)&x->to, sizeof(x->to)) <
			    0 &&
		    errno != ENOBUFS && errno != EINTR)
			return -errno;
		r = hear(x, until < x->deadline_ms ? until : x->deadline_ms, ret);
		if (r)
			return r < 0 ? r : 0;
		wait_ms = wait_ms < LAST_MS ? wait_ms * 2 : LAST_MS;
	}
}

static void set_times(struct dhcp_lease *l, uint64_t asked_ms, uint32_t lease_s)
{
	uint64_t s = lease_s ? lease_s : LEASE_DEFAULT_S;

	s = s > LEASE_MAX_S ? LEASE_MAX_S : s < LEASE_MIN_S ? LEASE_MIN_S : s;
	l->lease_s = (uint32_t)s;
	l->asked_ms = asked_ms;
	l->renew_ms = asked_ms + s * 1000 / 2;
	l->expires_ms = asked_ms + s * 1000;
}

/* the words are upstream's */
static int take_lease(const struct dhcp_answer *a, struct dhcp_lease *l, struct err *err)
{
	uint32_t mask = ntohl(a->mask.s_addr);

	if (a->type != DHCP_ACK)
		return err_say(err, EPROTO, "did not get DHCPACK");
	if (!a->address.s_addr)
		return err_say(err, EPROTO, "got zero YourIPAddr");
	if (!a->router.s_addr)
		return err_say(err, EPROTO, "got no Router");
	if (!a->dns.s_addr)
		return err_say(err, EPROTO, "got no DNS");
	if (!mask || (~mask & (~mask + 1)))
		return err_say(err, EPROTO, "got no valid subnet mask");
	l->address = a->address;
	l->router = a->router;
	l->dns = a->dns;
	l->prefix = (uint8_t)__builtin_popcount(mask);
	return 0;
}

static int get(struct exchange *x, struct dhcp_lease *l, struct err *err)
{
	struct dhcp_answer a = { 0 };
	uint64_t asked_ms = 0;
	int r;

	x->ask.type = DHCP_DISCOVER;
	r = talk(x, &a);
	if (r == 0) {
		x->ask.type = DHCP_REQUEST;
		x->ask.address = a.address;
		x->ask.server = l->server = a.server;
		asked_ms = clock_ms();
		r = talk(x, &a);
	}
	if (r < 0)
		return err_set(err, -r, "could not exchange DHCP with %s", l->ifname);
	r = take_lease(&a, l, err);
	if (r == 0)
		set_times(l, asked_ms, a.lease_s);
	return r;
}

int dhcp_get(const char *ifname, struct dhcp_lease *ret, struct err *err)
{
	struct dhcp_lease l = { 0 };
	struct exchange x = { .fd = -1 };
	int r;

	snprintf(l.ifname, sizeof(l.ifname), "%s", ifname);
	r = open_exchange(ifname, GET_MS, &x, err);
	if (r < 0)
		return r;
	r = get(&x, &l, err);
	close(x.fd);
	if (r == 0)
		*ret = l;
	return r;
}

static int take_renewal(struct dhcp_lease *l, const struct dhcp_answer *a, uint64_t asked_ms,
			struct err *err)
{
	struct dhcp_lease next = *l;
	int r = take_lease(a, &next, err);

	if (r < 0)
		return err_wrap(err, r, "the DHCP lease of %s cannot be renewed", l->ifname);
	if (next.address.s_addr != l->address.s_addr || next.prefix != l->prefix ||
	    next.router.s_addr != l->router.s_addr)
		return err_say(err, EADDRNOTAVAIL,
			       "the DHCP lease of %s is for another address or router now",
			       l->ifname);
	set_times(l, asked_ms, a->lease_s);
	return 0;
}

int dhcp_renew(struct dhcp_lease *l, struct err *err)
{
	struct exchange x = { .fd = -1, .ask = { .type = DHCP_REQUEST, .address = l->address } };
	uint64_t asked_ms = clock_ms(), now;
	uint64_t left_ms = asked_ms < l->expires_ms ? l->expires_ms - asked_ms : 0;
	struct dhcp_answer a = { 0 };
	int r = open_exchange(l->ifname, left_ms / 2 < RENEW_MS ? left_ms / 2 : RENEW_MS, &x, err);

	if (r == 0) {
		r = talk(&x, &a);
		close(x.fd);
		if (r == 0)
			return take_renewal(l, &a, asked_ms, err);
		err_set(err, -r, "could not exchange DHCP with %s", l->ifname);
	}
	now = clock_ms();
	if (now >= l->expires_ms)
		return err_wrap(err, r, "the DHCP lease of %s has expired", l->ifname);
	left_ms = l->expires_ms - now;
	l->renew_ms = now + (left_ms / 2 > AGAIN_MS ? left_ms / 2 : AGAIN_MS);
	log_warning("network", "%s; trying again while the lease lasts", err->msg);
	*err = (struct err){ 0 };
	return 0;
}

void dhcp_inherit(struct dhcp_lease *l)
{
	uint64_t now = clock_ms(), left_ms = (uint64_t)l->lease_s * 1000 / 2;

	l->renew_ms = now;
	if (l->expires_ms < now + left_ms)
		l->expires_ms = now + left_ms;
}
