// SPDX-License-Identifier: Apache-2.0
/* test_prefilter.c - frames that must not reach libslirp, and what their senders are told */
#include <check.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/slirp/answer.h"
#include "lib/slirp/guests.h"
#include "lib/slirp/offload.h"
#include "lib/slirp/prefilter.h"
#include "tests/unit/slirpframes.h"

static uint8_t buf[FRAME_MAX], answer[ANSWER_MAX];
static struct prefilter pf;
static struct frame_info info;
static enum policy_verdict why;

static enum frame_verdict judge_at(size_t len, uint64_t now_ms)
{
	struct frame f = { .data = buf, .len = len };

	return prefilter_judge(&pf, &f, now_ms, &info, &why);
}

static void setup(bool loopback, bool direct)
{
	struct net_plan p = make_plan(loopback);

	prefilter_init(&pf, &p, direct);
}

static void check_drop(size_t len, enum frame_fault fault)
{
	uint64_t before = pf.faults[fault];

	ck_assert_int_eq(judge_at(len, 0), FRAME_DROP);
	ck_assert_msg(pf.faults[fault] == before + 1, "not counted as %s",
		      prefilter_fault_name(fault));
}

/* --- policy ------------------------------------------------------------------------------- */

static const struct refusal {
	const char *dst;
	uint16_t port;
	enum frame_verdict verdict;
	uint8_t code; /* of the ICMP error */
} refusals[] = {
	{ "127.0.0.1", 80, FRAME_ANSWER, 0 },
	{ "127.255.255.254", 80, FRAME_ANSWER, 0 },
	{ "0.0.0.0", 80, FRAME_ANSWER, 0 },
	{ "10.0.2.2", 80, FRAME_ANSWER, 0 },
	{ "10.0.2.3", 80, FRAME_ANSWER, 0 },
	{ "10.0.2.3", 53, FRAME_ANSWER, 0 },
	{ "10.0.2.77", 80, FRAME_ANSWER, 1 },
	{ "240.1.2.3", 80, FRAME_ANSWER, 13 },
	{ "224.0.0.1", 80, FRAME_DROP, 0 },
	{ "10.0.2.255", 80, FRAME_DROP, 0 },
	{ "255.255.255.255", 80, FRAME_DROP, 0 },
	{ "192.0.2.1", 80, FRAME_PASS, 0 },
	{ "::1", 80, FRAME_ANSWER, 0 },
	{ "::", 80, FRAME_ANSWER, 0 },
	{ "::ffff:127.0.0.1", 80, FRAME_ANSWER, 0 },
	{ "::ffff:10.0.2.2", 80, FRAME_ANSWER, 1 },
	{ "fd00::2", 80, FRAME_ANSWER, 0 },
	{ "fd00::3", 53, FRAME_ANSWER, 0 },
	{ "fd00::77", 80, FRAME_ANSWER, 3 },
	{ "fe80::1", 80, FRAME_ANSWER, 1 },
	{ "ff02::1", 80, FRAME_DROP, 0 },
	{ "2001:db8::1", 80, FRAME_PASS, 0 },
};

/* the error must be one that a kernel accepts and finds the socket by */
static void check_answer(const struct refusal *row, size_t len)
{
	struct frame f = { .data = buf, .len = len };
	size_t n = answer_unreachable(&pf.plan, &f, &info, why, answer);
	bool v4 = !strchr(row->dst, ':');
	size_t net = v4 ? IP4_LEN : IP6_LEN, addr = v4 ? 4 : 16;
	const uint8_t *ip = answer + ETH_LEN, *was = buf + ETH_LEN, *icmp = ip + net;
	uint32_t sum = 0;

	ck_assert_uint_ge(n, ETH_LEN + net + ICMP_LEN + net + 8);
	ck_assert_uint_le(n, ETH_LEN + (v4 ? 576u : 1280u));
	ck_assert_mem_eq(answer, guest_mac, NET_MAC_LEN);
	ck_assert_uint_eq(frame_ethertype(answer), v4 ? ETHERTYPE_IP4 : ETHERTYPE_IP6);
	ck_assert_mem_eq(ip + (v4 ? 16 : 24), was + (v4 ? 12 : 8), addr);
	ck_assert_mem_eq(ip + (v4 ? 12 : 8),
			 v4 ? (const void *)&pf.plan.gateway : (const void *)&pf.plan.gateway6,
			 addr);
	ck_assert_uint_eq(icmp[0], v4 ? 3 : 1);
	ck_assert_uint_eq(icmp[1], row->code);
	ck_assert_mem_eq(icmp + ICMP_LEN, was, n - ETH_LEN - net - ICMP_LEN);
	if (v4) {
		ck_assert_uint_eq(get_be16(ip + 2), n - ETH_LEN);
		ck_assert_uint_eq(checksum_fold(checksum_add(0, ip, IP4_LEN)), 0);
	} else {
		ck_assert_uint_eq(get_be16(ip + 4), n - ETH_LEN - IP6_LEN);
		sum = checksum_add(get_be16(ip + 4) + 58u, ip + 8, 32);
	}
	ck_assert_uint_eq(checksum_fold(checksum_add(sum, icmp, n - ETH_LEN - net)), 0);
}

START_TEST(refused_destinations_are_answered)
{
	const struct refusal *row = &refusals[_i];
	static uint8_t data[4000];
	size_t sizes[] = { 0, 1, 4000 };

	setup(false, false);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t n = make_udp(buf, strchr(row->dst, ':') ? GUEST6 : GUEST, 5000, row->dst,
				    row->port, data, sizes[i]);

		ck_assert_int_eq(judge_at(n, 0), row->verdict);
		if (row->verdict == FRAME_ANSWER)
			check_answer(row, n);
	}
	for (int i = 0; i < 2; i++) {
		size_t n = i ? make_echo(buf, row->dst, 40) : make_syn(buf, row->dst, row->port);

		if (i &&
		    (row->verdict != FRAME_ANSWER || strstr(row->dst, "10.0.2.2") == row->dst ||
		     strstr(row->dst, "10.0.2.3") || strstr(row->dst, "fd00::2") ||
		     strstr(row->dst, "fd00::3")))
			break; /* echo requests to us pass, and to the world by version */
		ck_assert_int_eq(judge_at(n, 0), row->verdict);
		if (row->verdict == FRAME_ANSWER)
			check_answer(row, n);
	}
}
END_TEST

START_TEST(the_gateway_is_the_host_when_its_loopback_is_open)
{
	setup(true, false);
	ck_assert_int_eq(judge_at(make_syn(buf, "10.0.2.2", 80), 0), FRAME_PASS);
	ck_assert(info.opens);
	ck_assert_int_eq(judge_at(make_syn(buf, "fd00::2", 80), 0), FRAME_PASS);
	ck_assert_int_eq(judge_at(make_syn(buf, "127.0.0.1", 80), 0), FRAME_ANSWER);
	ck_assert_int_eq(judge_at(make_syn(buf, "0.0.0.0", 80), 0), FRAME_ANSWER);
	ck_assert_int_eq(judge_at(make_syn(buf, "fd00::1", 80), 0), FRAME_ANSWER);
	setup(false, false);
	ck_assert_int_eq(judge_at(make_echo(buf, "10.0.2.2", 8), 0), FRAME_PASS);
	ck_assert(!info.opens);
}
END_TEST

START_TEST(answers_are_rationed)
{
	size_t n;
	int answers = 0;

	setup(false, false);
	n = make_syn(buf, "127.0.0.1", 80);
	for (int i = 0; i < 2 * PREFILTER_ANSWERS_BURST; i++)
		answers += judge_at(n, 5) == FRAME_ANSWER;
	ck_assert_int_le(answers, PREFILTER_ANSWERS_BURST + 5);
	ck_assert_int_ge(answers, PREFILTER_ANSWERS_BURST);
	check_drop(n, FAULT_RATE);
	ck_assert_int_eq(judge_at(n, 1000), FRAME_ANSWER);
}
END_TEST

/* --- shape -------------------------------------------------------------------------------- */

START_TEST(every_truncation_is_survived)
{
	static const char *const dsts[] = { "192.0.2.1", "2001:db8::1" };
	size_t full;

	setup(true, _i & 1);
	for (int d = 0; d < 2; d++) {
		full = make_syn(buf, dsts[d], 80);
		for (size_t n = 0; n < full; n++)
			ck_assert_int_eq(judge_at(n, 0), FRAME_DROP);
		ck_assert_int_eq(judge_at(full, 0), FRAME_PASS);
		ck_assert_int_eq(judge_at(full + 40, 0), FRAME_PASS); /* padding */
		ck_assert_uint_eq(info.l4_len, TCP_LEN);
	}
}
END_TEST

START_TEST(odd_headers_are_dropped)
{
	size_t n = make_syn(buf, "192.0.2.1", 80);
	uint8_t *ip = buf + ETH_LEN, *tcp = ip + IP4_LEN;

	setup(true, false);
#define WITH(byte, value, fault) \
	do { \
		uint8_t saved = (byte); \
		(byte) = (value); \
		check_drop(n, fault); \
		(byte) = saved; \
	} while (0)
	WITH(ip[0], 0x46, FAULT_HEADER); /* options */
	WITH(ip[0], 0x44, FAULT_HEADER);
	WITH(ip[0], 0x65, FAULT_HEADER);
	WITH(ip[6], 0x80, FAULT_HEADER); /* reserved bit */
	WITH(ip[8], 0, FAULT_HEADER);    /* lifetime */
	WITH(ip[2], 0xff, FAULT_SHORT);
	WITH(ip[3], 19, FAULT_SHORT);
	WITH(ip[9], 132, FAULT_TRANSPORT); /* SCTP */
	WITH(ip[9], 0, FAULT_TRANSPORT);
	WITH(ip[12], 127, FAULT_SOURCE);
	WITH(ip[12], 0, FAULT_SOURCE);
	WITH(ip[12], 224, FAULT_SOURCE);
	WITH(ip[15], 2, FAULT_SOURCE); /* the gateway's own */
	WITH(ip[15], 3, FAULT_SOURCE);
	WITH(ip[15], 255, FAULT_SOURCE);
	WITH(tcp[12], 0x40, FAULT_TRANSPORT);
	WITH(tcp[12], 0xf0, FAULT_TRANSPORT);
	WITH(buf[0], 0x33, FAULT_LINK);
	WITH(buf[6], 0x03, FAULT_LINK);
	WITH(buf[12], 0x88, FAULT_ETHERTYPE);
#undef WITH
	put_be16(buf + 12, 0x88f8); /* NC-SI */
	check_drop(n, FAULT_ETHERTYPE);
	put_be16(buf + 12, 0x8100);
	check_drop(n, FAULT_ETHERTYPE);
	n = make_syn(buf, "192.0.2.1", 0);
	check_drop(n, FAULT_TRANSPORT);
	n = make_udp(buf, GUEST, 0, "192.0.2.1", 9, "x", 1);
	ck_assert_int_eq(judge_at(n, 0), FRAME_PASS);
	put_be16(buf + ETH_LEN + IP4_LEN + 4, 10);
	check_drop(n, FAULT_TRANSPORT);
	put_be16(buf + ETH_LEN + IP4_LEN + 4, 7);
	check_drop(n, FAULT_TRANSPORT);
}
END_TEST

START_TEST(services_of_libslirp_are_out_of_reach)
{
	setup(true, true);
	check_drop(make_udp(buf, GUEST, 68, "10.0.2.2", 67, "", 0), FAULT_SERVICE);
	check_drop(make_udp(buf, GUEST, 68, "255.255.255.255", 67, "", 0), FAULT_SERVICE);
	check_drop(make_udp(buf, GUEST, 67, "192.0.2.1", 68, "", 0), FAULT_SERVICE);
	check_drop(make_udp(buf, GUEST, 5, "10.0.2.2", 69, "", 0), FAULT_SERVICE);
	check_drop(make_udp(buf, GUEST, 5, "10.0.2.3", 69, "", 0), FAULT_SERVICE);
	check_drop(make_udp(buf, GUEST6, 546, "fd00::2", 547, "", 0), FAULT_SERVICE);
	check_drop(make_udp(buf, GUEST6, 546, "ff02::1:2", 547, "", 0), FAULT_SERVICE);
	check_drop(make_udp(buf, GUEST6, 5, "fd00::2", 69, "", 0), FAULT_SERVICE);
	ck_assert_int_eq(judge_at(make_udp(buf, GUEST, 5, "192.0.2.1", 69, "", 0), 0), FRAME_PASS);
	ck_assert_int_eq(judge_at(make_udp(buf, GUEST6, 5, "2001:db8::1", 67, "", 0), 0),
			 FRAME_PASS);
}
END_TEST

/* a client on the host's loopback has the gateway's address there: what it gets, and that no more
 */
START_TEST(answers_of_forwarded_ports_reach_the_closed_loopback)
{
	struct segment s = { .sport = 80, .dport = 40000, .seq = 1, .flags = TCP_ACK | TCP_SYN };

	setup(false, true);
	ck_assert_int_eq(judge_at(make_tcp(buf, GUEST, "10.0.2.2", &s), 0), FRAME_ANSWER);
	pf.serves = true;
	ck_assert_int_eq(judge_at(make_tcp(buf, GUEST, "10.0.2.2", &s), 0), FRAME_PASS);
	ck_assert_int_eq(judge_at(make_tcp(buf, GUEST, "127.0.0.1", &s), 0), FRAME_ANSWER);
	ck_assert_int_eq(judge_at(make_syn(buf, "10.0.2.2", 40000), 0), FRAME_ANSWER);
}
END_TEST

/* of the program slirp4netns: what it has libslirp serve, and nothing beside it */
START_TEST(services_are_reached_where_they_are_served)
{
	static const uint8_t lease[300];
	uint8_t *ip = buf + ETH_LEN, *icmp = buf + ETH_LEN + IP6_LEN;
	size_t n;

	setup(true, true);
	pf.serves = true;
	n = make_udp(buf, "0.0.0.0", 68, "255.255.255.255", 67, lease, sizeof(lease));
	memset(buf, 0xff, NET_MAC_LEN);
	ck_assert_int_eq(judge_at(n, 0), FRAME_PASS);
	put_be16(ip + 6, IP4_MORE_FRAGMENTS);
	check_drop(n, FAULT_LINK);
	n = make_udp(buf, GUEST, 68, "10.0.2.2", 67, lease, sizeof(lease));
	ck_assert_int_eq(judge_at(n, 0), FRAME_PASS);
	put_be16(ip + IP4_LEN + 4, (uint16_t)(n + 1)); /* longer than the packet */
	check_drop(n, FAULT_TRANSPORT);
	n = make_udp(buf, GUEST, 68, "10.0.2.2", 67, lease, 239);
	check_drop(n, FAULT_SERVICE);
	n = make_udp(buf, "127.0.0.1", 68, "10.0.2.2", 67, lease, sizeof(lease));
	check_drop(n, FAULT_SOURCE);
	n = make_udp(buf, GUEST, 68, "192.0.2.1", 67, lease, sizeof(lease));
	check_drop(n, FAULT_SERVICE);
	check_drop(make_udp(buf, GUEST, 5, "10.0.2.2", 69, "", 0), FAULT_SERVICE);

	n = make_echo(buf, "ff02::2", 8);
	memset(buf, 0x33, 2);
	icmp[0] = ICMP6_ROUTER_SOLICIT;
	check_drop(n, FAULT_CONTROL); /* hop limit */
	ip[7] = 255;
	ck_assert_int_eq(judge_at(n, 0), FRAME_PASS);
	put_addr(AF_INET6, "::", ip + 8);
	ck_assert_int_eq(judge_at(n, 0), FRAME_PASS);
	put_addr(AF_INET6, "::1", ip + 8);
	check_drop(n, FAULT_SOURCE);

	n = make_udp(buf, GUEST, 5, "10.0.2.3", 53, "", 0);
	ck_assert_int_eq(judge_at(n, 0), FRAME_ANSWER);
	pf.serves_dns = true;
	ck_assert_int_eq(judge_at(n, 0), FRAME_PASS);
	ck_assert_int_eq(judge_at(make_udp(buf, GUEST, 5, "10.0.2.3", 54, "", 0), 0), FRAME_ANSWER);
}
END_TEST

START_TEST(control_messages_pass_on_a_direct_tap_only)
{
	uint8_t *arp = buf + ETH_LEN, *icmp = buf + ETH_LEN + IP6_LEN;
	static const uint8_t head[] = { 0, 1, 8, 0, 6, 4, 0, 1 };
	size_t n = ETH_LEN + 28;

	memset(buf, 0, sizeof(buf));
	memset(buf, 0xff, NET_MAC_LEN);
	put_be16(buf + 12, ETHERTYPE_ARP);
	memcpy(arp, head, sizeof(head));
	put_addr(AF_INET, GUEST, arp + 14);
	put_addr(AF_INET, "10.0.2.2", arp + 24);
	setup(true, true);
	ck_assert_int_eq(judge_at(n, 0), FRAME_PASS);
	check_drop(n - 1, FAULT_SHORT);
	put_addr(AF_INET, "10.0.2.2", arp + 14); /* poison */
	check_drop(n, FAULT_SOURCE);
	arp[7] = 3;
	check_drop(n, FAULT_CONTROL);
	setup(true, false);
	check_drop(n, FAULT_CONTROL);

	n = make_echo(buf, "fd00::2", 16);
	icmp[0] = ICMP6_NEIGHBOUR_SOLICIT;
	check_drop(n, FAULT_CONTROL);
	setup(true, true);
	check_drop(n, FAULT_CONTROL); /* hop limit */
	buf[ETH_LEN + 7] = 255;
	ck_assert_int_eq(judge_at(n, 0), FRAME_PASS);
	icmp[0] = 133; /* router solicitation */
	check_drop(n, FAULT_CONTROL);
	icmp[0] = ICMP6_ROUTER_ADVERT;
	check_drop(n, FAULT_CONTROL);
}
END_TEST

START_TEST(urgent_data_travels_in_the_stream)
{
	struct segment s = { .sport = 40000,
			     .dport = 80,
			     .seq = 5,
			     .ack = 6,
			     .urgent = 0xfffe,
			     .flags = TCP_ACK | TCP_URG | 8,
			     .data = "hello",
			     .len = 5 };
	uint8_t *tcp = buf + ETH_LEN + IP4_LEN;

	setup(true, false);
	for (unsigned i = 0; i < 200; i++) {
		uint16_t sum;
		size_t n;

		s.urgent = (uint16_t)(i * 331);
		s.seq = i * 0x01010101;
		n = make_tcp(buf, GUEST, "192.0.2.1", &s);
		ck_assert_int_eq(judge_at(n, 0), FRAME_PASS);
		ck_assert_uint_eq(tcp[13], TCP_ACK | 8);
		ck_assert_uint_eq(get_be16(tcp + 18), 0);
		sum = get_be16(tcp + 16);
		put_l4_checksum(buf, TCP_LEN + s.len, 16);
		ck_assert_uint_eq(sum, get_be16(tcp + 16));
	}
}
END_TEST

START_TEST(the_header_of_the_tap_must_describe_the_packet)
{
	static const struct {
		struct virtio_net_hdr vnet;
		bool tcp6, udp, good;
	} rows[] = {
		{ .good = true },
		{ { .csum_start = 9999, .gso_size = 7 }, .good = true }, /* not looked at */
		{ { .flags = 1, .csum_start = 34, .csum_offset = 16 }, .good = true },
		{ { .flags = 1, .csum_start = 34, .csum_offset = 6 }, .udp = true, .good = true },
		{ { .flags = 1, .gso_type = 1, .gso_size = 1, .csum_start = 34, .csum_offset = 16 },
		  .good = true },
		{ { .flags = 1, .gso_type = 4, .gso_size = 1, .csum_start = 54, .csum_offset = 16 },
		  .tcp6 = true,
		  .good = true },
		{ { .flags = 1, .csum_start = 34, .csum_offset = 6 } },
		{ { .flags = 1, .csum_start = 34, .csum_offset = 16 }, .udp = true },
		{ { .flags = 1, .csum_start = 34, .csum_offset = 65535 } },
		{ { .flags = 1, .csum_start = 65535, .csum_offset = 16 } },
		{ { .flags = 1, .csum_start = 14, .csum_offset = 10 } },
		{ { .flags = 1, .csum_start = 0, .csum_offset = 50 } },
		{ { .flags = 1, .csum_start = 34, .csum_offset = 16 }, .tcp6 = true },
		{ { .flags = 1, .gso_type = 1, .csum_start = 34, .csum_offset = 16 } },
		{ { .gso_type = 1, .gso_size = 1 } },
		{ { .flags = 1,
		    .gso_type = 4,
		    .gso_size = 1,
		    .csum_start = 34,
		    .csum_offset = 16 } },
		{ { .flags = 1, .gso_type = 3, .gso_size = 1, .csum_start = 34, .csum_offset = 6 },
		  .udp = true },
		{ { .flags = 1, .gso_type = 5, .gso_size = 1, .csum_start = 34, .csum_offset = 6 },
		  .udp = true },
		{ { .flags = 1, .gso_type = 1, .gso_size = 1, .csum_start = 34, .csum_offset = 6 },
		  .udp = true },
		{ { .flags = 1,
		    .gso_type = 0x81,
		    .gso_size = 1,
		    .csum_start = 34,
		    .csum_offset = 16 } },
		{ { .gso_type = 0xff, .gso_size = 1 } },
	};

	setup(true, false);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct frame f = { .data = buf, .vnet = &rows[i].vnet };
		uint64_t before = pf.faults[FAULT_OFFLOAD];

		f.len = rows[i].udp ? make_udp(buf, GUEST, 5, "192.0.2.1", 9, "x", 1)
				    : make_syn(buf, rows[i].tcp6 ? "2001:db8::1" : "192.0.2.1", 80);
		ck_assert_msg(prefilter_judge(&pf, &f, 0, &info, &why) ==
				      (rows[i].good ? FRAME_PASS : FRAME_DROP),
			      "row %zu", i);
		ck_assert_uint_eq(pf.faults[FAULT_OFFLOAD], before + !rows[i].good);
	}
}
END_TEST

/* --- fragments ---------------------------------------------------------------------------- */

static uint8_t whole[FRAME_MAX];

/* fragment @i of whole[], @size bytes each */
static size_t make_fragment(size_t len, size_t size, size_t i)
{
	size_t at = i * size, left = len - ETH_LEN - IP4_LEN - at, n = left < size ? left : size;
	uint8_t *ip = buf + ETH_LEN;

	memcpy(buf, whole, ETH_LEN + IP4_LEN);
	memcpy(ip + IP4_LEN, whole + ETH_LEN + IP4_LEN + at, n);
	put_be16(ip + 2, (uint16_t)(IP4_LEN + n));
	put_be16(ip + 6, (uint16_t)(at / 8 | (n < left ? IP4_MORE_FRAGMENTS : 0)));
	checksum_ip4(ip);
	return ETH_LEN + IP4_LEN + n;
}

static size_t make_whole(uint16_t id)
{
	static uint8_t data[60000];
	size_t n;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + id);
	n = make_udp(whole, GUEST, 5000, "192.0.2.1", 9, data, sizeof(data));
	put_be16(whole + ETH_LEN + 4, id);
	checksum_ip4(whole + ETH_LEN);
	return n;
}

START_TEST(fragments_come_out_as_one_packet)
{
	size_t len = make_whole(1), size = 1480, last = (len - ETH_LEN - IP4_LEN - 1) / size;
	struct frame f = { .data = buf };

	setup(true, false);
	for (size_t i = 0; i < last; i++)
		ck_assert_int_eq(judge_at(make_fragment(len, size, i), 0), FRAME_HELD);
	f.len = make_fragment(len, size, last);
	ck_assert_int_eq(prefilter_judge(&pf, &f, 0, &info, &why), FRAME_PASS);
	ck_assert_uint_eq(f.len, len);
	ck_assert_mem_eq(f.data, whole, len);
	ck_assert_uint_eq(info.dport, 9);
	/* a second last one finds nothing to end */
	ck_assert_int_eq(judge_at(make_fragment(len, size, last), 0), FRAME_HELD);
	prefilter_done(&pf);
}
END_TEST

START_TEST(a_fragment_has_its_checksum)
{
	const struct virtio_net_hdr partial = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
						.csum_start = ETH_LEN + IP4_LEN,
						.csum_offset = 6 };
	struct frame f = { .data = buf, .vnet = &partial };

	setup(true, false);
	f.len = make_fragment(make_whole(1), 1480, 0);
	ck_assert_int_eq(prefilter_judge(&pf, &f, 0, &info, &why), FRAME_DROP);
	ck_assert_uint_eq(pf.faults[FAULT_OFFLOAD], 1);
	prefilter_done(&pf);
}
END_TEST

START_TEST(holes_overlaps_and_tiny_fragments_lead_nowhere)
{
	size_t len = make_whole(2), size = 1480, last = (len - ETH_LEN - IP4_LEN - 1) / size;

	setup(true, false);
	for (size_t i = 0; i <= last; i++) {
		if (i != 3)
			ck_assert_int_eq(judge_at(make_fragment(len, size, i), 0), FRAME_HELD);
	}
	for (size_t i = 0; i <= last; i++) { /* one twice */
		ck_assert_int_eq(judge_at(make_fragment(len, size, i), 0), FRAME_HELD);
		if (i == 3)
			ck_assert_int_eq(judge_at(make_fragment(len, size, i), 0), FRAME_HELD);
	}
	for (size_t i = 0; i <= last; i++) /* too slow */
		ck_assert_int_eq(judge_at(make_fragment(len, size, i),
					  i == last ? REASSEMBLY_AGE_MS + 1 : 0),
				 FRAME_HELD);
	whole[ETH_LEN + 9] = IPPROTO_TCP;
	check_drop(make_fragment(len, 16, 0), FAULT_FRAGMENT);
	whole[ETH_LEN + 9] = IPPROTO_UDP;
	put_addr(AF_INET, "127.0.0.1", whole + ETH_LEN + 16);
	ck_assert_int_eq(judge_at(make_fragment(len, size, 0), 0), FRAME_ANSWER);
	check_drop(make_fragment(len, size, 1), FAULT_FRAGMENT);
	prefilter_done(&pf);
}
END_TEST

START_TEST(many_unfinished_packets_take_bounded_memory)
{
	size_t len = 0, size = 1480;

	setup(true, false);
	for (uint16_t id = 0; id < 1000; id++) {
		len = make_whole(id);
		ck_assert_int_eq(judge_at(make_fragment(len, size, 0), id), FRAME_HELD);
	}
	/* the newest are still there */
	for (size_t i = 1; i <= (len - ETH_LEN - IP4_LEN - 1) / size; i++)
		ck_assert_int_eq(judge_at(make_fragment(len, size, i), 1000),
				 i * size + size >= len - ETH_LEN - IP4_LEN ? FRAME_PASS
									    : FRAME_HELD);
	/* no packet is longer than 64 KiB */
	put_be16(buf + ETH_LEN + 6, 0x1fff);
	ck_assert_int_eq(judge_at(ETH_LEN + IP4_LEN + 100, 0), FRAME_DROP);
	prefilter_done(&pf);
}
END_TEST

/* --- beside the filter -------------------------------------------------------------------- */

START_TEST(guests_are_introduced_once_and_again_when_forgotten)
{
	struct net_plan p = make_plan(true);
	struct guests g;
	uint8_t addr[4] = { 10, 9, 0, 0 }, out[GUESTS_FRAME_MAX];

	guests_init(&g, &p, guest_mac);
	for (addr[3] = 0; addr[3] < GUESTS_KNOWN; addr[3]++) {
		ck_assert_uint_eq(guests_introduce(&g, AF_INET, addr, out), 42);
		ck_assert_mem_eq(out + ETH_LEN + 8, guest_mac, NET_MAC_LEN);
		ck_assert_mem_eq(out + ETH_LEN + 14, addr, 4);
		ck_assert_uint_eq(guests_introduce(&g, AF_INET, addr, out), 0);
	}
	ck_assert(!g.crowded);
	ck_assert_uint_eq(guests_introduce(&g, AF_INET, addr, out), 42);
	ck_assert(g.crowded);
	addr[3] = 0; /* its entry was the victim */
	ck_assert_uint_eq(guests_introduce(&g, AF_INET, addr, out), 42);
	/* questions are answered, each once */
	memset(out, 0, sizeof(out));
	put_be16(out + 12, ETHERTYPE_ARP);
	out[ETH_LEN + 7] = 1;
	out[ETH_LEN + 24] = 77;
	ck_assert(guests_take(&g, out, 42));
	ck_assert(guests_take(&g, out, 42));
	ck_assert_uint_eq(guests_next_answer(&g, out), 42);
	ck_assert_uint_eq(out[ETH_LEN + 14], 77);
	ck_assert_uint_eq(guests_next_answer(&g, out), 0);
	ck_assert(!guests_take(&g, buf, make_syn(buf, "192.0.2.1", 80)));
}
END_TEST

START_TEST(errors_of_the_host_s_loopback_come_from_the_gateway)
{
	static const char *const from[] = { "127.0.0.1", "::1" };

	setup(true, false);
	for (int i = 0; i < 2; i++) {
		size_t n = make_echo(buf, i ? GUEST6 : GUEST, 40);
		uint8_t *ip = buf + ETH_LEN, *icmp = ip + (i ? IP6_LEN : IP4_LEN);

		ck_assert_uint_eq(answer_relabel(&pf.plan, buf, n, answer), 0);
		put_addr(i ? AF_INET6 : AF_INET, from[i], ip + (i ? 8 : 12));
		icmp[0] = i ? 1 : 3;
		put_l4_checksum(buf, ICMP_LEN + 40, 2);
		ck_assert_uint_eq(answer_relabel(&pf.plan, buf, n, answer), n);
		memcpy(buf, answer, n);
		ck_assert_mem_eq(ip + (i ? 8 : 12),
				 i ? (const void *)&pf.plan.gateway6
				   : (const void *)&pf.plan.gateway,
				 i ? 16 : 4);
		put_l4_checksum(buf, ICMP_LEN + 40, 2);
		if (!i)
			checksum_ip4(ip);
		ck_assert_mem_eq(buf, answer, n);
	}
	/* but a router's own words have its own address */
	for (uint8_t type = ICMP6_ROUTER_ADVERT; type <= ICMP6_NEIGHBOUR_ADVERT; type++) {
		size_t n = make_echo(buf, GUEST6, 40);

		put_addr(AF_INET6, "fe80::2", buf + ETH_LEN + 8);
		buf[ETH_LEN + IP6_LEN] = type;
		ck_assert_uint_eq(answer_relabel(&pf.plan, buf, n, answer), 0);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("prefilter");
	TCase *c = tcase_create("prefilter");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, c);
	tcase_add_loop_test(c, refused_destinations_are_answered, 0, ARRAY_SIZE(refusals));
	tcase_add_test(c, the_gateway_is_the_host_when_its_loopback_is_open);
	tcase_add_test(c, answers_are_rationed);
	tcase_add_loop_test(c, every_truncation_is_survived, 0, 2);
	tcase_add_test(c, odd_headers_are_dropped);
	tcase_add_test(c, services_of_libslirp_are_out_of_reach);
	tcase_add_test(c, answers_of_forwarded_ports_reach_the_closed_loopback);
	tcase_add_test(c, services_are_reached_where_they_are_served);
	tcase_add_test(c, control_messages_pass_on_a_direct_tap_only);
	tcase_add_test(c, urgent_data_travels_in_the_stream);
	tcase_add_test(c, the_header_of_the_tap_must_describe_the_packet);
	tcase_add_test(c, fragments_come_out_as_one_packet);
	tcase_add_test(c, a_fragment_has_its_checksum);
	tcase_add_test(c, holes_overlaps_and_tiny_fragments_lead_nowhere);
	tcase_add_test(c, many_unfinished_packets_take_bounded_memory);
	tcase_add_test(c, guests_are_introduced_once_and_again_when_forgotten);
	tcase_add_test(c, errors_of_the_host_s_loopback_come_from_the_gateway);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
