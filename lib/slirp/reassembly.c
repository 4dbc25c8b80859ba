// SPDX-License-Identifier: Apache-2.0
/*
 * reassembly.c - IPv4 fragments become whole packets before libslirp sees them (slirp only)
 *
 * libslirp's own reassembly has a long list of faults and no limit to what it holds. Ours is
 * simple because the sender is a kernel on the other end of one queue: fragments come in order.
 * A slot is a buffer to which the next fragment is appended; whatever comes with another offset
 * (overlaps, holes, duplicates) ends the packet. When all slots are taken the oldest is given up.
 */
#include "lib/slirp/reassembly.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"

struct reassembly_slot {
	uint64_t since_ms;
	size_t filled; /* bytes of data[], frame header included; 0: free */
	uint8_t data[FRAME_MAX];
};

void reassembly_done(struct reassembly *r)
{
	for (size_t i = 0; i < REASSEMBLY_SLOTS; i++)
		free(r->slots[i]);
	*r = (struct reassembly){ 0 };
}

/* identification, protocol, source and destination (RFC 791, 3.2) */
static bool same_packet(const uint8_t *a, const uint8_t *b)
{
	const uint8_t *x = a + ETH_LEN, *y = b + ETH_LEN;

	return memcmp(x + 4, y + 4, 2) == 0 && x[9] == y[9] && memcmp(x + 12, y + 12, 8) == 0;
}

static struct reassembly_slot *find(struct reassembly *r, const uint8_t *frame)
{
	for (size_t i = 0; i < REASSEMBLY_SLOTS; i++) {
		struct reassembly_slot *s = r->slots[i];

		if (s && s->filled && same_packet(s->data, frame))
			return s;
	}
	return NULL;
}

/* a free slot, a new one, or the oldest; NULL when memory is short */
static struct reassembly_slot *claim(struct reassembly *r)
{
	struct reassembly_slot *oldest = NULL;

	for (size_t i = 0; i < REASSEMBLY_SLOTS; i++) {
		struct reassembly_slot *s = r->slots[i];

		if (!s) {
			r->slots[i] = malloc(sizeof(*s));
			return r->slots[i];
		}
		if (!s->filled)
			return s;
		if (!oldest || s->since_ms < oldest->since_ms)
			oldest = s;
	}
	return oldest;
}

static void finish(struct reassembly_slot *s, struct frame *f)
{
	uint8_t *ip = s->data + ETH_LEN;

	put_be16(ip + 2, (uint16_t)(s->filled - ETH_LEN));
	put_be16(ip + 6, 0);
	checksum_ip4(ip);
	*f = (struct frame){ .data = s->data, .len = s->filled };
	s->filled = 0; /* the bytes stay until the slot is claimed again */
}

bool reassembly_add(struct reassembly *r, struct frame *f, uint64_t now_ms)
{
	const size_t headers = ETH_LEN + IP4_LEN;
	uint16_t field = get_be16(f->data + ETH_LEN + 6);
	size_t offset = (size_t)(field & IP4_OFFSET) * 8, n = f->len - headers;
	bool more = field & IP4_MORE_FRAGMENTS;
	struct reassembly_slot *s = find(r, f->data);

	if (s && (offset == 0 || offset != s->filled - headers ||
		  now_ms - s->since_ms > REASSEMBLY_AGE_MS)) {
		s->filled = 0;
		s = NULL;
	}
	if (n == 0 || (more && n % 8) || headers + offset + n > FRAME_MAX) {
		if (s)
			s->filled = 0;
		return false;
	}
	if (!s) {
		s = offset == 0 ? claim(r) : NULL;
		if (!s)
			return false;
		memcpy(s->data, f->data, headers);
		s->filled = headers;
		s->since_ms = now_ms;
	}
	memcpy(s->data + s->filled, f->data + headers, n);
	s->filled += n;
	if (more)
		return false;
	finish(s, f);
	return true;
}
