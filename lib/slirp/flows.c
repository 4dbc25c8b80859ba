// SPDX-License-Identifier: Apache-2.0
/*
 * flows.c - how many sockets libslirp may hold, by kind (slirp only)
 *
 * libslirp opens sockets until the process has no descriptor left, and keeps a UDP socket for 240
 * seconds: about a thousand idle UDP flows cut off all TCP. So each kind has its own share. A
 * frame that would open one too many is dropped before libslirp sees it; TCP tries again by
 * itself.
 *
 * libslirp says which descriptors it opens and closes, but not for whom. As it opens them while it
 * works on a frame, the frame tells. Whether a datagram belongs to a known flow is answered by a
 * table of counters: a collision admits a new flow above the limit, never refuses a known one, and
 * the descriptor limit holds in any case.
 */
#include "lib/slirp/flows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/base/cleanup.h"

#define RESERVE 32 /* descriptors that are not libslirp's sockets */
#define NSLOTS_MAX 65536

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

int slirp_flows_init(struct flows *fl, uint32_t nofile)
{
	uint32_t all = nofile > 2 * RESERVE ? nofile - RESERVE : RESERVE;

	*fl = (struct flows){ .nslots = smaller(nofile, NSLOTS_MAX) };
	fl->max[FLOW_ICMP] = smaller(all / 16, FLOWS_ICMP_MAX);
	fl->max[FLOW_UDP] = smaller(all / 3, FLOWS_UDP_MAX);
	fl->max[FLOW_TCP] = smaller(all - fl->max[FLOW_ICMP] - fl->max[FLOW_UDP], FLOWS_TCP_MAX);
	if (getrandom(&fl->seed, sizeof(fl->seed), GRND_NONBLOCK) < 0)
		fl->seed = (uint32_t)(uintptr_t)fl; /* as random as the layout of the process */
	fl->slots = calloc(fl->nslots, sizeof(*fl->slots));
	return fl->slots ? 0 : -ENOMEM;
}

void slirp_flows_done(struct flows *fl)
{
	free(fl->slots);
	*fl = (struct flows){ 0 };
}

static uint16_t bucket_of(const struct flows *fl, const struct frame_info *in)
{
	size_t n = in->family == AF_INET ? 4 : 16;
	uint32_t h = fl->seed ^ in->sport;

	for (size_t i = 0; i < n; i += 4) {
		uint32_t word;

		memcpy(&word, in->src + i, sizeof(word));
		h = (h ^ word) * 0x9e3779b1u;
		h ^= h >> 15;
	}
	return (uint16_t)((h ^ h >> 16) % FLOWS_BUCKETS);
}

bool flows_admit(struct flows *fl, const struct frame_info *in)
{
	enum flow_kind kind = in->proto == IPPROTO_TCP   ? FLOW_TCP
			      : in->proto == IPPROTO_UDP ? FLOW_UDP
							 : FLOW_ICMP;

	fl->expected = (struct flow_slot){ 0 };
	if (!in->opens)
		return true;
	fl->expected.kind = (uint8_t)kind;
	if (kind == FLOW_UDP) {
		fl->expected.bucket = bucket_of(fl, in);
		if (fl->udp[fl->expected.bucket])
			return true;
	}
	if (fl->now[kind] < fl->max[kind])
		return true;
	fl->refused[kind]++;
	return false;
}

void flows_opened(struct flows *fl, int fd)
{
	if (fd < 0 || (uint32_t)fd >= fl->nslots || fl->slots[fd].kind != FLOW_NONE ||
	    fl->expected.kind == FLOW_NONE)
		return;
	fl->slots[fd] = fl->expected;
	fl->now[fl->expected.kind]++;
	if (fl->expected.kind == FLOW_UDP)
		fl->udp[fl->expected.bucket]++;
}

void flows_closed(struct flows *fl, int fd)
{
	struct flow_slot *s;

	if (fd < 0 || (uint32_t)fd >= fl->nslots)
		return;
	s = &fl->slots[fd];
	if (s->kind == FLOW_NONE)
		return;
	fl->now[s->kind]--;
	if (s->kind == FLOW_UDP)
		fl->udp[s->bucket]--;
	*s = (struct flow_slot){ 0 };
}

uint32_t flows_total(const struct flows *fl)
{
	return fl->now[FLOW_TCP] + fl->now[FLOW_UDP] + fl->now[FLOW_ICMP];
}
