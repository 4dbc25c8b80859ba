// SPDX-License-Identifier: Apache-2.0
/* fuzz_syn.c - a packet of bounce0 that is taken is a SYN, and the answers to it are whole packets
 */
#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/relay/syn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t be16(const uint8_t *p)
{
	return (size_t)p[0] << 8 | p[1];
}

/* lengths agree, and what goes back to the child is addressed to who has asked */
static void check_answer(const struct syn *s, const uint8_t *pkt, size_t n)
{
	size_t addr = s->key.family == AF_INET ? 4 : 16;
	const uint8_t *dst = pkt + (s->key.family == AF_INET ? 16 : 24);

	assert(n >= 40 && n <= SYN_REPLY_MAX);
	assert(memcmp(dst, s->key.src, addr) == 0);
	if (s->key.family == AF_INET)
		assert(pkt[0] == 0x45 && be16(pkt + 2) == n);
	else
		assert(pkt[0] >> 4 == 6 && be16(pkt + 4) + 40 == n);
}

static uint32_t add(uint32_t sum, const uint8_t *data, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
	return sum;
}

static void put_sum(uint8_t *field, uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	field[0] = (uint8_t)(~sum >> 8);
	field[1] = (uint8_t)~sum;
}

static void mend(uint8_t *pkt, size_t n)
{
	const bool v4 = n && pkt[0] >> 4 == 4;
	const size_t ip = v4 ? 20 : 40, addr = v4 ? 12 : 8;

	if (n < ip + 20)
		return;
	if (v4) {
		pkt[10] = pkt[11] = 0;
		put_sum(pkt + 10, add(0, pkt, ip));
	}
	pkt[ip + 16] = pkt[ip + 17] = 0;
	put_sum(pkt + ip + 16,
		add(add((uint32_t)(6 + n - ip), pkt + addr, ip - addr), pkt + ip, n - ip));
}

static void try(const uint8_t *data, size_t size)
{
	struct net_plan plan = { .mtu = 65520, .prefix = 24, .prefix6 = 64, .ipv6 = 1 };
	uint8_t answer[SYN_REPLY_MAX];
	struct syn s;

	plan.gateway.s_addr = htonl(0x0a000202);
	plan.gateway6.s6_addr[0] = 0xfd;
	if (syn_parse(data, size, &s) < 0)
		return;
	assert(s.key.family == AF_INET || s.key.family == AF_INET6);
	assert(s.len >= 40 && s.len <= SYN_MAX && s.len <= size && s.key.zero == 0);
	assert(memcmp(s.bytes + 12, data + 12, 4) == 0);
	check_answer(&s, answer, syn_refuse(&s, answer));
	for (int e = 0; e < SYN_NERRORS; e++)
		check_answer(&s, answer, syn_unreachable(&s, &plan, (enum syn_error)e, answer));
	check_answer(&s, answer, syn_expired(&s, s.key.dst, answer));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	assert(copy);
	try(data, size);
	memcpy(copy, data, size);
	mend(copy, size);
	try(copy, size);
	free(copy);
	return 0;
}
