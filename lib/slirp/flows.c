// SPDX-License-Identifier: Apache-2.0
/*
 * flows.c - pings and libslirp's connections, some at a time (slirp only)
 *
 * libslirp does not tell which of its sockets is whose, but in a text about all of them. So of a
 * connection there is what the kernel knows of the socket: the peer, as the host sees it, the state
 * and the bytes. Of UDP that is nothing, and it is left out.
 */
#include <errno.h>
#include <linux/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/slirp/echo_impl.h"
#include "lib/slirp/stack_impl.h"

/* states of tcp_info; <linux/tcp.h> and <netinet/tcp.h>, which names them, exclude each other */
enum { KERNEL_ESTABLISHED = 1, KERNEL_SYN_SENT = 2 };

static struct net_addr address(uint16_t family, const uint8_t *addr, uint16_t port)
{
	struct net_addr a = { .family = family, .port = port };

	memcpy(a.addr, addr, family == AF_INET ? 4 : 16);
	return a;
}

static void fill_echo(const struct echo_flow *e, uint64_t now_ms, struct worker_flow *w)
{
	*w = (struct worker_flow){ .protocol = IPPROTO_ICMP,
				   .kind = FLOW_KIND_OUT,
				   .shape = FLOW_SHAPE_OPEN,
				   .known = FLOW_KNOWS_IDLE,
				   .child = address(e->family, e->src, e->id),
				   .far = address(e->family, e->dst, 0),
				   .idle_s = (uint32_t)((now_ms - e->used_ms) / 1000) };
}

static uint32_t list_echo(const struct echo *e, uint32_t below, uint64_t now_ms,
			  struct worker_flows *ret)
{
	for (below = below < e->n ? below : e->n; below && ret->count < WORKER_FLOWS_MAX; below--)
		fill_echo(&e->flows[below - 1], now_ms, &ret->flow[ret->count++]);
	return below;
}

static void fill_tcp(int fd, struct worker_flow *w)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} peer = { 0 };
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info), peer_len = sizeof(peer);

	*w = (struct worker_flow){ .protocol = IPPROTO_TCP,
				   .kind = FLOW_KIND_OUT,
				   .shape = FLOW_SHAPE_CLOSING };
	if (getpeername(fd, &peer.sa, &peer_len) == 0 && peer.sa.sa_family == AF_INET)
		w->far = address(AF_INET, (const uint8_t *)&peer.in.sin_addr,
				 ntohs(peer.in.sin_port));
	else if (peer.sa.sa_family == AF_INET6)
		w->far = address(AF_INET6, peer.in6.sin6_addr.s6_addr, ntohs(peer.in6.sin6_port));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return;
	if (info.tcpi_state == KERNEL_ESTABLISHED)
		w->shape = FLOW_SHAPE_OPEN;
	else if (info.tcpi_state == KERNEL_SYN_SENT)
		w->shape = FLOW_SHAPE_CONNECTING;
	w->known = FLOW_KNOWS_BYTES;
	w->bytes_in = info.tcpi_bytes_received;
	w->bytes_out = info.tcpi_bytes_acked ? info.tcpi_bytes_acked - 1 : 0; /* the SYN is one */
}

static uint32_t list_tcp(const struct quota *q, uint32_t below, struct worker_flows *ret)
{
	uint32_t looks = FLOWS_LOOKS;

	below = below < q->nslots ? below : q->nslots;
	for (; below && looks && ret->count < WORKER_FLOWS_MAX; below--, looks--) {
		int fd = (int)below - 1;

		if (quota_kind_of(q, fd) == QUOTA_TCP)
			fill_tcp(fd, &ret->flow[ret->count++]);
	}
	return below;
}

int stack_flows(const struct stack *s, const struct worker_flows_req *req, uint64_t now_ms,
		struct worker_flows *ret)
{
	*ret = (struct worker_flows){ .req = *req };
	if (req->section == FLOWS_ECHO)
		ret->below = list_echo(&s->echo, req->below, now_ms, ret);
	else if (req->section == FLOWS_LIBSLIRP)
		ret->below = list_tcp(&s->quota, req->below, ret);
	else
		return -EINVAL;
	return 0;
}
