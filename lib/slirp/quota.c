// SPDX-License-Identifier: Apache-2.0
/*
 * quota.c - how many sockets libslirp may hold, by kind (slirp only)
 *
 * libslirp opens sockets until the process has no descriptor left, and keeps a UDP socket for 240
 * seconds: about a thousand idle UDP flows cut off all TCP. So each kind has its own share. A
 * frame that would open one too many is dropped before libslirp sees it; TCP tries again by
 * itself, and for UDP serve.c makes room.
 *
 * libslirp says which descriptors it opens and closes, but not for whom. As it opens them while it
 * works on a frame, the frame tells. Whether a datagram belongs to a known flow is answered by a
 * table of counters: a collision admits a new flow above the limit, never refuses a known one, and
 * the descriptor limit holds in any case.
 */
#include "lib/slirp/quota.h"

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

int quota_init(struct quota *q, uint32_t nofile, uint32_t udp_ports)
{
	uint32_t all = nofile > 2 * RESERVE ? nofile - RESERVE : RESERVE;

	*q = (struct quota){ .nslots = smaller(nofile, NSLOTS_MAX) };
	q->max[QUOTA_ICMP] = smaller(all / 16, QUOTA_ICMP_MAX);
	q->max[QUOTA_UDP] = smaller(all / 3, QUOTA_UDP_MAX);
	if (udp_ports)
		q->max[QUOTA_UDP] = smaller(q->max[QUOTA_UDP], udp_ports);
	q->max[QUOTA_TCP] = smaller(all - q->max[QUOTA_ICMP] - q->max[QUOTA_UDP], QUOTA_TCP_MAX);
	if (getrandom(&q->seed, sizeof(q->seed), GRND_NONBLOCK) < 0)
		q->seed = (uint32_t)(uintptr_t)q; /* as random as the layout of the process */
	q->slots = calloc(q->nslots, sizeof(*q->slots));
	return q->slots ? 0 : -ENOMEM;
}

void quota_done(struct quota *q)
{
	free(q->slots);
	*q = (struct quota){ 0 };
}

static uint16_t bucket_of(const struct quota *q, const struct frame_info *in)
{
	size_t n = in->family == AF_INET ? 4 : 16;
	uint32_t h = q->seed ^ in->sport;

	for (size_t i = 0; i < n; i += 4) {
		uint32_t word;

		memcpy(&word, in->src + i, sizeof(word));
		h = (h ^ word) * 0x9e3779b1u;
		h ^= h >> 15;
	}
	return (uint16_t)((h ^ h >> 16) % QUOTA_BUCKETS);
}

static bool admit_udp(struct quota *q, const struct frame_info *in, uint64_t now_ms)
{
	const uint16_t b = bucket_of(q, in);

	q->expected.bucket = b;
	if (!q->udp[b] && q->now[QUOTA_UDP] >= q->max[QUOTA_UDP]) {
		q->crowded = true;
		return false;
	}
	q->udp_ms[b] = (uint32_t)now_ms;
	return true;
}

bool quota_admit(struct quota *q, const struct frame_info *in, uint64_t now_ms)
{
	enum quota_kind kind = in->proto == IPPROTO_TCP   ? QUOTA_TCP
			       : in->proto == IPPROTO_UDP ? QUOTA_UDP
							  : QUOTA_ICMP;

	q->expected = (struct quota_slot){ 0 };
	if (!in->opens)
		return true;
	q->expected.kind = (uint8_t)kind;
	if (kind == QUOTA_UDP ? admit_udp(q, in, now_ms) : q->now[kind] < q->max[kind])
		return true;
	q->refused[kind]++;
	return false;
}

static uint32_t older_than(const struct quota *q, uint64_t now_ms, uint32_t age_ms)
{
	uint32_t n = 0;

	for (size_t b = 0; b < QUOTA_BUCKETS; b++) {
		if (q->udp[b] && (uint32_t)now_ms - q->udp_ms[b] >= age_ms)
			n += q->udp[b];
	}
	return n;
}

uint32_t quota_udp_age(struct quota *q, uint64_t now_ms, uint32_t most_ms)
{
	uint32_t age = 0;

	q->crowded = false;
	for (uint32_t step = UINT32_C(1) << 31; step; step >>= 1) {
		if (step <= most_ms - age &&
		    older_than(q, now_ms, age + step) >= (q->now[QUOTA_UDP] + 3) / 4)
			age += step;
	}
	return age;
}

void quota_opened(struct quota *q, int fd)
{
	if (fd < 0 || (uint32_t)fd >= q->nslots || q->slots[fd].kind != QUOTA_NONE ||
	    q->expected.kind == QUOTA_NONE)
		return;
	q->slots[fd] = q->expected;
	q->now[q->expected.kind]++;
	if (q->expected.kind == QUOTA_UDP)
		q->udp[q->expected.bucket]++;
}

void quota_closed(struct quota *q, int fd)
{
	struct quota_slot *s;

	if (fd < 0 || (uint32_t)fd >= q->nslots)
		return;
	s = &q->slots[fd];
	if (s->kind == QUOTA_NONE)
		return;
	q->now[s->kind]--;
	if (s->kind == QUOTA_UDP)
		q->udp[s->bucket]--;
	*s = (struct quota_slot){ 0 };
}

enum quota_kind quota_kind_of(const struct quota *q, int fd)
{
	return fd < 0 || (uint32_t)fd >= q->nslots ? QUOTA_NONE
						   : (enum quota_kind)q->slots[fd].kind;
}

void quota_set_error(struct quota *q, int fd, int error)
{
	if (quota_kind_of(q, fd) != QUOTA_NONE && !q->slots[fd].error && error <= UINT8_MAX)
		q->slots[fd].error = (uint8_t)error;
}

int quota_error_of(const struct quota *q, int fd)
{
	return quota_kind_of(q, fd) == QUOTA_NONE ? 0 : q->slots[fd].error;
}

uint32_t quota_total(const struct quota *q)
{
	return q->now[QUOTA_TCP] + q->now[QUOTA_UDP] + q->now[QUOTA_ICMP];
}
