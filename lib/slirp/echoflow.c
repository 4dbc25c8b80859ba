// SPDX-License-Identifier: Apache-2.0
/*
 * echoflow.c - the pings that are under way, and their sockets (slirp only)
 *
 * Limits: sockets by echo_init(), one source a quarter of them once all are used; 60 s of silence.
 * There are a few hundred at most: they are looked through, not hashed.
 */
#include "lib/slirp/echo_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

#define SILENCE_MS 60000

int echo_init(struct echo *e, uint32_t max)
{
	e->max = max;
	e->flows = calloc(max, sizeof(*e->flows));
	e->buf = malloc(FRAME_MAX);
	return e->flows && e->buf ? 0 : -ENOMEM;
}

static void flow_end(struct echo *e, uint32_t i)
{
	close(e->flows[i].fd);
	e->flows[i] = e->flows[--e->n];
}

void echo_done(struct echo *e)
{
	while (e->n)
		flow_end(e, e->n - 1);
	free(e->flows);
	free(e->buf);
	*e = (struct echo){ 0 };
}

int echo_expire(struct echo *e, uint64_t now_ms)
{
	uint64_t oldest = now_ms;

	for (uint32_t i = 0; i < e->n;) {
		if (now_ms - e->flows[i].used_ms >= SILENCE_MS) {
			flow_end(e, i);
			continue;
		}
		if (e->flows[i].used_ms < oldest)
			oldest = e->flows[i].used_ms;
		i++;
	}
	return e->n ? (int)(oldest + SILENCE_MS - now_ms) : -1;
}

int echo_fd(const struct echo *e, uint32_t i)
{
	return e->flows[i].fd;
}

static size_t addr_len(uint16_t family)
{
	return family == AF_INET ? 4 : 16;
}

static bool same_source(const struct echo_flow *fl, const struct frame_info *in)
{
	return fl->family == in->family && memcmp(fl->src, in->src, addr_len(in->family)) == 0;
}

struct echo_flow *echo_flow_find(const struct echo *e, const struct frame_info *in)
{
	for (uint32_t i = 0; i < e->n; i++) {
		struct echo_flow *fl = &e->flows[i];

		if (fl->id == get_be16(in->l4 + 4) && same_source(fl, in) &&
		    memcmp(fl->dst, in->dst, addr_len(in->family)) == 0)
			return fl;
	}
	return NULL;
}

/* the oldest of all; of this source when it has more than its share */
static void make_room(struct echo *e, const struct frame_info *in)
{
	uint32_t own = 0, oldest = 0, oldest_own = 0;

	for (uint32_t i = 0; i < e->n; i++) {
		if (e->flows[i].used_ms < e->flows[oldest].used_ms)
			oldest = i;
		if (!same_source(&e->flows[i], in))
			continue;
		if (!own++ || e->flows[i].used_ms < e->flows[oldest_own].used_ms)
			oldest_own = i;
	}
	flow_end(e, own > e->max / 4 ? oldest_own : oldest);
}

/* the fd or a negative errno */
static int ping_socket(uint16_t family)
{
	const bool v6 = family == AF_INET6;
	const int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP, on = 1;
	autoclose int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
				  v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);

	if (fd < 0 || setsockopt(fd, level, v6 ? IPV6_RECVERR : IP_RECVERR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, level, v6 ? IPV6_RECVHOPLIMIT : IP_RECVTTL, &on, sizeof(on)) < 0)
		return -errno;
	return take_fd(&fd);
}

int echo_flow_start(struct echo *e, const struct frame_info *in, struct echo_flow **ret)
{
	struct echo_flow fl = {
		.family = in->family, .id = get_be16(in->l4 + 4), .hops = -1, .discover = -1
	};

	fl.fd = ping_socket(in->family);
	if (fl.fd < 0)
		return fl.fd;
	memcpy(fl.src, in->src, addr_len(in->family));
	memcpy(fl.dst, in->dst, addr_len(in->family));
	if (e->n == e->max)
		make_room(e, in);
	*ret = &e->flows[e->n++];
	**ret = fl;
	return 0;
}
