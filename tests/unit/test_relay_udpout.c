// SPDX-License-Identifier: Apache-2.0
/* test_relay_udpout.c - packets that are written for the child, and who gives way in the table */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/relay/ipsum.h"
#include "lib/relay/udpout_impl.h"
#include "lib/relay/udppkt.h"
#include "lib/relay/udptable.h"

static struct net_addr addr(bool v6, const char *v4_text, const char *v6_text, uint16_t port)
{
	struct net_addr a = { .family = v6 ? AF_INET6 : AF_INET, .port = port };

	ck_assert_int_eq(inet_pton(a.family, v6 ? v6_text : v4_text, a.addr), 1);
	return a;
}

struct wire {
	int in, out; /* packets keep their edges */
	struct udppkt pkt;
	uint8_t data[UDPPKT_DATA_MAX];
};

static struct wire *wire_new(bool v6, size_t len)
{
	struct wire *w = calloc(1, sizeof(*w));
	int pair[2], size = 1 << 20;

	ck_assert_ptr_nonnull(w);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	w->in = pair[0];
	w->out = pair[1];
	for (size_t i = 0; i < len; i++)
		w->data[i] = (uint8_t)(i * 7 + i / 256);
	w->pkt = (struct udppkt){ .from = addr(v6, "192.0.2.9", "2001:db8::9", 4000),
				  .to = addr(v6, "10.0.2.100", "fd00::100", 5000),
				  .tos = 0xb9,
				  .data = w->data,
				  .len = len };
	return w;
}

static void wire_free(struct wire *w)
{
	close(w->in);
	close(w->out);
	free(w);
}

static uint16_t word(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* a UDP header and its data, as the receiver checks them */
static void check_udp(const struct wire *w, const uint8_t *udp, size_t n)
{
	const struct udppkt *p = &w->pkt;

	ck_assert_uint_eq(word(udp), 4000);
	ck_assert_uint_eq(word(udp + 2), 5000);
	ck_assert_uint_eq(word(udp + 4), n);
	ck_assert_uint_ne(word(udp + 6), 0);
	ck_assert_uint_eq(ipsum_fold(ipsum_add(ipsum_pseudo(p->from.family, p->from.addr,
							    p->to.addr, IPPROTO_UDP, n),
					       udp, n)),
			  0);
	ck_assert_uint_eq(n, 8 + p->len);
	ck_assert_int_eq(memcmp(udp + 8, w->data, p->len), 0);
}

static const size_t lengths[] = { 0, 1, 2, 1399, 1400, 65507 };

START_TEST(ipv4_goes_whole)
{
	struct wire *w = wire_new(false, lengths[_i]);
	static uint8_t got[65536];
	ssize_t n;

	ck_assert_int_eq(udppkt_write(w->in, &w->pkt, 1280), 0);
	n = read(w->out, got, sizeof(got));
	ck_assert_int_eq(n, (ssize_t)(28 + lengths[_i]));
	ck_assert_uint_eq(got[0], 0x45);
	ck_assert_uint_eq(got[1], 0xb9);
	ck_assert_uint_eq(word(got + 2), (size_t)n);
	ck_assert_uint_eq(word(got + 6), 0); /* the kernel may cut it ... */
	ck_assert_uint_ne(word(got + 4), 0); /* ... and its parts find together */
	ck_assert_uint_eq(got[9], IPPROTO_UDP);
	ck_assert_uint_eq(ipsum_fold(ipsum_add(0, got, 20)), 0);
	ck_assert_int_eq(memcmp(got + 12, w->pkt.from.addr, 4), 0);
	ck_assert_int_eq(memcmp(got + 16, w->pkt.to.addr, 4), 0);
	check_udp(w, got + 20, (size_t)n - 20);
	ck_assert_int_eq(read(w->out, got, sizeof(got)), -1);
	wire_free(w);
}
END_TEST

static void check_head6(const struct wire *w, const uint8_t *got, ssize_t n)
{
	ck_assert_uint_eq(got[0] >> 4, 6);
	ck_assert_uint_eq((got[0] << 4 | got[1] >> 4) & 0xff, 0xb9);
	ck_assert_uint_eq(word(got + 4) + 40u, (size_t)n);
	ck_assert_int_eq(memcmp(got + 8, w->pkt.from.addr, 16), 0);
	ck_assert_int_eq(memcmp(got + 24, w->pkt.to.addr, 16), 0);
}

START_TEST(ipv6_goes_in_parts)
{
	struct wire *w = wire_new(true, lengths[_i]);
	const size_t mtu = 1280;
	static uint8_t got[65536], whole[70000];
	size_t at = 0;
	bool more = true;

	ck_assert_int_eq(udppkt_write(w->in, &w->pkt, mtu), 0);
	for (uint32_t id = 0; more;) {
		ssize_t n = read(w->out, got, sizeof(got));
		size_t head = 40;

		ck_assert_int_ge(n, 48);
		ck_assert_uint_le((size_t)n, mtu);
		check_head6(w, got, n);
		more = got[6] == IPPROTO_FRAGMENT && (got[43] & 1);
		if (got[6] == IPPROTO_FRAGMENT) {
			uint32_t this_id;

			ck_assert_uint_eq(got[40], IPPROTO_UDP);
			ck_assert_uint_eq(word(got + 42) & 0xfff8, at);
			memcpy(&this_id, got + 44, sizeof(this_id));
			ck_assert(at == 0 || this_id == id);
			id = this_id;
			head = 48;
			ck_assert(!more || ((size_t)n - head) % 8 == 0);
		}
		memcpy(whole + at, got + head, (size_t)n - head);
		at += (size_t)n - head;
	}
	check_udp(w, whole, at);
	ck_assert_int_eq(read(w->out, got, sizeof(got)), -1);
	wire_free(w);
}
END_TEST

START_TEST(what_is_too_long_is_not_written)
{
	struct wire *w = wire_new(_i, 0);

	w->pkt.len = UDPPKT_DATA_MAX + 1;
	ck_assert_int_eq(udppkt_write(w->in, &w->pkt, 65520), -EMSGSIZE);
	wire_free(w);
}
END_TEST

/* a sum of 0 would mean that there is no checksum */
START_TEST(a_checksum_is_never_absent)
{
	struct wire *w = wire_new(_i, 2);
	uint8_t got[128];
	unsigned full = 0;
	const size_t at = _i ? 46 : 26;

	for (unsigned v = 0; v < 65536; v++) {
		w->data[0] = (uint8_t)(v >> 8);
		w->data[1] = (uint8_t)v;
		ck_assert_int_eq(udppkt_write(w->in, &w->pkt, 1500), 0);
		ck_assert_int_gt(read(w->out, got, sizeof(got)), 0);
		ck_assert_uint_ne(word(got + at), 0);
		full += word(got + at) == 0xffff;
	}
	ck_assert_uint_ge(full, 1);
	wire_free(w);
}
END_TEST

START_TEST(errors_quote_what_they_are_about)
{
	const bool v6 = _i;
	const struct net_addr gateway = addr(v6, "10.0.2.2", "fd00::2", 0);
	uint8_t data[600], got[UDPPKT_ERROR_MAX];
	const size_t lens[] = { 0, 5, UDPPKT_QUOTED, sizeof(data) };

	memset(data, 'q', sizeof(data));
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		const struct udppkt_error e = { .type = v6 ? 2 : 3,
						.code = v6 ? 0 : 4,
						.info = 1400,
						.offender = gateway.addr,
						.from = addr(v6, "10.0.2.100", "fd00::100", 5000),
						.to = addr(v6, "192.0.2.9", "2001:db8::9", 4000),
						.data = data,
						.len = lens[i],
						.whole = 600 };
		const size_t quoted = lens[i] < UDPPKT_QUOTED ? lens[i] : UDPPKT_QUOTED;
		const size_t head = v6 ? 40 : 20, n = udppkt_make_error(&e, got);
		const uint8_t *icmp = got + head, *inner = icmp + 8, *udp = inner + head;
		const size_t alen = v6 ? 16 : 4, src = v6 ? 8 : 12;

		ck_assert_uint_eq(n, 2 * head + 16 + quoted);
		ck_assert_int_eq(memcmp(got + src, gateway.addr, alen), 0);
		ck_assert_int_eq(memcmp(got + src + alen, e.from.addr, alen), 0);
		ck_assert_uint_eq(icmp[0], e.type);
		ck_assert_uint_eq(icmp[1], e.code);
		ck_assert_uint_eq(word(icmp + 6), 1400);
		ck_assert_uint_eq(
			ipsum_fold(ipsum_add(v6 ? ipsum_pseudo(AF_INET6, gateway.addr, e.from.addr,
							       IPPROTO_ICMPV6, n - head)
						: 0,
					     icmp, n - head)),
			0);
		ck_assert_int_eq(memcmp(inner + src, e.from.addr, alen), 0);
		ck_assert_int_eq(memcmp(inner + src + alen, e.to.addr, alen), 0);
		ck_assert_uint_eq(word(inner + (v6 ? 4 : 2)), 608u + (v6 ? 0 : 20));
		ck_assert_uint_eq(word(udp), 5000);
		ck_assert_uint_eq(word(udp + 2), 4000);
		ck_assert_int_eq(memcmp(udp + 8, data, quoted), 0);
	}
}
END_TEST

/* --- the table ------------------------------------------------------------------------------- */

static struct udp_key key_of(uint8_t client, uint32_t port)
{
	struct udp_key k = { .client_port = port };

	k.client[15] = client;
	return k;
}

static struct udp_entry *add(struct udp_table *t, uint8_t client, uint32_t port, uint64_t now)
{
	struct udp_key k = key_of(client, port);
	struct udp_entry *e;

	while ((e = udptable_victim(t, k.client)))
		udptable_remove(t, e);
	e = udptable_add(t, &k, now);
	ck_assert_ptr_nonnull(e);
	return e;
}

static bool has(const struct udp_table *t, uint8_t client, uint32_t port)
{
	struct udp_key k = key_of(client, port);

	return udptable_find(t, &k) != NULL;
}

static void lending(struct udp_table *t, unsigned max)
{
	ck_assert_int_eq(udptable_init(t, max, sizeof(struct udp_entry)), 0);
	t->lends = true;
}

START_TEST(one_client_may_have_all_until_others_come)
{
	struct udp_table t;

	lending(&t, 16);
	for (uint32_t i = 0; i < 16; i++)
		udptable_touch(&t, add(&t, 1, i, i), i, UDP_ANSWERED);
	ck_assert_uint_eq(t.n, 16);
	for (uint32_t i = 0; i < 4; i++)
		udptable_touch(&t, add(&t, 2, i, 20 + i), 20 + i, UDP_ANSWERED);
	ck_assert_uint_eq(t.n, 16);
	for (uint32_t i = 0; i < 16; i++) /* the oldest of the large one went */
		ck_assert_int_eq(has(&t, 1, i), i >= 4);
	for (uint32_t i = 0; i < 100; i++) /* whatever it does, the other one's stay */
		add(&t, 1, 100 + i, 30 + i);
	for (uint32_t i = 0; i < 3; i++)
		ck_assert(has(&t, 2, i));
	udptable_done(&t);
}
END_TEST

START_TEST(a_flood_gives_way_before_what_has_answers)
{
	struct udp_table t;
	unsigned stay = 0;

	lending(&t, 64);
	for (uint32_t i = 0; i < 60; i++)
		udptable_touch(&t, add(&t, 1, i, 0), 0, UDP_ANSWERED);
	for (uint32_t i = 0; i < 1000; i++)
		add(&t, 1, 1000 + i, 1 + i);
	for (uint32_t i = 0; i < 60; i++)
		stay += has(&t, 1, i);
	ck_assert_uint_ge(stay, 64 - 64 / 4);
	/* but a few that wait for their answer push out what is silent */
	for (uint32_t i = 0; i < 8; i++)
		ck_assert(has(&t, 1, 1999 - i));
	udptable_done(&t);
}
END_TEST

/* the host's loopback is the gateway for the child, a host of a LAN with the same address is nobody
 */
START_TEST(only_the_loopback_is_the_gateway)
{
	struct net_plan plan = { .prefix = 24, .host_loopback = 1 };
	struct udpout u = { .plan = &plan };
	struct net_addr seen, from = addr(false, "127.0.0.1", NULL, 7),
			      lan = addr(false, "10.0.2.2", NULL, 7);
	union sock_addr sa;

	inet_pton(AF_INET, "10.0.2.2", &plan.gateway);
	inet_pton(AF_INET, "10.0.2.3", &plan.dns);
	inet_pton(AF_INET, "10.0.2.0", &plan.network);
	inet_pton(AF_INET, "10.0.2.100", &plan.address);
	addr_to_sock(&from, &sa);
	ck_assert_int_eq(udpout_seen(&u, &sa, &seen), 0);
	ck_assert_mem_eq(seen.addr, lan.addr, 4);
	addr_to_sock(&lan, &sa);
	ck_assert_int_eq(udpout_seen(&u, &sa, &seen), -EACCES);
}
END_TEST

/* descriptors are lent: connections come first, and what would not help them is not ended */
START_TEST(mappings_are_not_given_up_in_vain)
{
	const int fds[NET_ACCEL_FDS_MAX] = { -1, -1, -1, -1, -1 };
	struct net_plan plan = { .prefix = 24 };
	struct forward f = { .fds_max = 20, .flows_max = 8 };
	struct net_addr child = addr(false, "10.0.2.100", NULL, 0);
	struct sockpool pool = { 0 };
	struct err err = { 0 };
	struct udpout u;
	struct loop l;

	ck_assert_int_eq(loop_init(&l), 0);
	f.loop = &l;
	ck_assert_int_eq(udpout_init(&u, &l, &plan, fds, &pool, &f, 64, &err), 0);
	for (child.port = 20001; child.port <= 20008; child.port++)
		ck_assert_ptr_nonnull(udpout_map_get(&u, &child));
	f.flows.n = 8; /* 16 descriptors, two to come: one more than 2 is lent */
	ck_assert_ptr_nonnull(udpout_map_get(&u, &child));
	ck_assert_uint_eq(u.mappings.n, 3);
	f.flows.n = 10; /* none is left */
	child.port++;
	ck_assert_ptr_null(udpout_map_get(&u, &child));
	ck_assert_uint_eq(u.mappings.n, 3);
	udpout_done(&u);
	loop_done(&l);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("relay_udpout");
	TCase *c = tcase_create("udpout");
	SRunner *r;
	int failed;

	suite_add_tcase(s, c);
	tcase_add_loop_test(c, ipv4_goes_whole, 0, ARRAY_SIZE(lengths));
	tcase_add_loop_test(c, ipv6_goes_in_parts, 0, ARRAY_SIZE(lengths));
	tcase_add_loop_test(c, what_is_too_long_is_not_written, 0, 2);
	tcase_add_loop_test(c, a_checksum_is_never_absent, 0, 2);
	tcase_add_loop_test(c, errors_quote_what_they_are_about, 0, 2);
	tcase_add_test(c, one_client_may_have_all_until_others_come);
	tcase_add_test(c, a_flood_gives_way_before_what_has_answers);
	tcase_add_test(c, only_the_loopback_is_the_gateway);
	tcase_add_test(c, mappings_are_not_given_up_in_vain);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
