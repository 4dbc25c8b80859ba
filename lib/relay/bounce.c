// SPDX-License-Identifier: Apache-2.0
/*
 * bounce.c - TCP out of the child by the kernel: what comes from bounce0 and from the listeners
 *
 * Datagrams of tunnels come by bounce0, too: on their way into it the kernel has finished the
 * checksum of the inner packet. They go back into it and then to the sockets of udpout.
 */
#include "lib/relay/bounce.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/relay/ipsum.h"

#define READ_BATCH 64

/* a datagram or a fragment of one, whole, behind a header that is right */
static bool is_datagram(const uint8_t *pkt, size_t n)
{
	struct ip6_hdr ip6;
	struct iphdr ip;

	if (n >= sizeof(ip) && pkt[0] == 0x45) {
		memcpy(&ip, pkt, sizeof(ip));
		return ip.protocol == IPPROTO_UDP && ntohs(ip.tot_len) == n &&
		       ipsum_fold(ipsum_add(0, pkt, sizeof(ip))) == 0;
	}
	if (n < sizeof(ip6) || pkt[0] >> 4 != 6)
		return false;
	memcpy(&ip6, pkt, sizeof(ip6));
	return (ip6.ip6_nxt == IPPROTO_UDP || ip6.ip6_nxt == IPPROTO_FRAGMENT) &&
	       sizeof(ip6) + ntohs(ip6.ip6_plen) == n;
}

/* back without the hop that the way into the tun has counted; what is not taken is lost, as on any
   wire */
static void send_back(int tun, uint8_t *pkt, size_t n)
{
	uint16_t check = 0;

	if (pkt[0] >> 4 == 6) {
		pkt[offsetof(struct ip6_hdr, ip6_hlim)]++;
	} else {
		pkt[offsetof(struct iphdr, ttl)]++;
		memcpy(pkt + offsetof(struct iphdr, check), &check, sizeof(check));
		check = ipsum_fold(ipsum_add(0, pkt, sizeof(struct iphdr)));
		memcpy(pkt + offsetof(struct iphdr, check), &check, sizeof(check));
	}
	(void)!write(tun, pkt, n);
}

static int on_tun_ready(struct watch *w, uint32_t events)
{
	struct bounce *b = container_of(w, struct bounce, tun);
	uint8_t *buf = b->forward->flows.shared.buf; /* PUMP_BUF is longer than any packet */

	(void)events;
	for (int i = 0; i < READ_BATCH; i++) { /* bounded: flows shall move in between */
		ssize_t n = read(w->fd, buf, PUMP_BUF);

		if (n > 0 && is_datagram(buf, (size_t)n))
			send_back(w->fd, buf, (size_t)n);
		else if (n > 0)
			holds_packet(&b->holds, buf, (size_t)n);
		else if (n == 0 || errno == EAGAIN)
			return 0;
		else if (errno == EBADFD) { /* the gateway netns is gone: the end is near */
			watch_remove(w);
			return 0;
		}
	}
	return 0;
}

static bool has_room(void *owner)
{
	return forward_has_room(owner);
}

/* a descriptor for each was counted when it was held */
static const char *listener_full(struct acceptor *a)
{
	(void)a;
	return NULL;
}

static void on_accept(struct acceptor *a, int fd)
{
	holds_accepted(&((struct bounce *)a->owner)->holds, fd);
}

static void on_pause(struct acceptor *a, const char *why)
{
	struct bounce *b = a->owner;

	if (!b->pause_said)
		log_warning("network", "accepting connections out: %s, they wait", why);
	b->pause_said = true;
}

int bounce_init(struct bounce *b, struct loop *l, const struct net_plan *plan, enum net_accel rung,
		const int *fds, struct forward *f, unsigned holds, struct err *err)
{
	const int listeners[] = { fds[NET_ACCEL_TCP4], fds[NET_ACCEL_TCP6] };
	int r;

	*b = (struct bounce){ .plan = *plan, .forward = f, .tun = WATCH_INIT };
	r = holds_init(&b->holds, l, fds[NET_ACCEL_TUN], rung, &b->plan, &f->flows, holds, has_room,
		       f, err);
	if (r == 0 && (r = watch_add(l, &b->tun, fds[NET_ACCEL_TUN], EPOLLIN, on_tun_ready)) < 0)
		err_set(err, -r, "watching bounce0");
	if (r < 0)
		close(fds[NET_ACCEL_TUN]);
	for (size_t i = 0; i < ARRAY_SIZE(listeners) && listeners[i] >= 0; i++) {
		struct acceptor *a = &b->listener[i];

		*a = (struct acceptor){ .owner = b,
					.no_room = listener_full,
					.on_accept = on_accept,
					.on_pause = on_pause };
		if (r == 0 && (r = acceptor_start(a, l, listeners[i])) < 0)
			err_set(err, -r, "watching the transparent listener");
		if (r < 0)
			close(listeners[i]);
	}
	return r;
}

void bounce_done(struct bounce *b)
{
	if (!b->forward)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(b->listener); i++)
		acceptor_stop(&b->listener[i]);
	holds_done(&b->holds);
	watch_remove(&b->tun);
	cleanup_closep(&b->tun.fd);
	*b = (struct bounce){ 0 };
}
