// SPDX-License-Identifier: Apache-2.0
/* test_offload.c - large segments and unfinished checksums, between the tap and libslirp */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "lib/base/cleanup.h"
#include "lib/slirp/offload.h"
#include "tests/unit/slirpframes.h"

#define FAR "192.0.2.1"
#define FAR6 "2001:db8::1"
#define MTU 1500

static uint8_t buf[FRAME_MAX], was[FRAME_MAX], data[FRAME_MAX];
static struct offload off;
static struct offload_out out;

static void setup(void)
{
	ck_assert_int_eq(offload_init(&off, MTU), 0);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 31 + i / 255);
}

static void teardown(void)
{
	offload_done(&off);
}

static struct frame_info info_of(size_t len)
{
	bool v4 = frame_ethertype(buf) == ETHERTYPE_IP4;
	uint8_t *ip = buf + ETH_LEN, *l4 = ip + (v4 ? IP4_LEN : IP6_LEN);
	struct frame_info in = { .family = v4 ? AF_INET : AF_INET6,
				 .proto = ip[v4 ? 9 : 6],
				 .src = ip + (v4 ? 12 : 8),
				 .dst = ip + (v4 ? 16 : 24),
				 .l4 = l4,
				 .l4_len = len - (size_t)(l4 - buf),
				 .sport = get_be16(l4),
				 .dport = get_be16(l4 + 2) };

	in.opens = in.proto != IPPROTO_TCP || l4[13] == TCP_SYN;
	return in;
}

static uint16_t slow_checksum(const uint8_t *p, size_t len)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? p[i] : (uint64_t)p[i] << 8;
	return (uint16_t)(sum % 65535);
}

START_TEST(sums_are_right_at_every_length_and_place)
{
	for (size_t at = 0; at < 9; at++) {
		for (size_t len = 0; len < 300; len++) {
			uint16_t got = (uint16_t)~checksum_fold(checksum_add(0, data + at, len));

			ck_assert_uint_eq(got % 65535, slow_checksum(data + at, len));
		}
	}
	memset(buf, 0xff, sizeof(buf));
	ck_assert_uint_eq(checksum_fold(checksum_add(0, buf, sizeof(buf) - 1)), 0);
	ck_assert_uint_eq((uint16_t)~checksum_fold(checksum_add(0, data, sizeof(data))) % 65535,
			  slow_checksum(data, sizeof(data)));
}
END_TEST

/* --- from the child ----------------------------------------------------------------------- */

static const struct virtio_net_hdr partial = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM };

START_TEST(missing_checksums_are_filled_in)
{
	static const size_t lens[] = { 0, 1, 2, 31, 32, 1460, 65000 };

	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		struct segment s = { .sport = 4, .dport = 5, .seq = (uint32_t)i, .flags = TCP_ACK };
		const char *src = _i ? GUEST6 : GUEST, *dst = _i ? FAR6 : FAR;
		struct frame_info in;
		size_t n;

		s.data = data;
		s.len = lens[i];
		n = make_tcp(buf, src, dst, &s);
		memcpy(was, buf, n);
		in = info_of(n);
		put_be16(in.l4 + 16, 0xabcd); /* what the kernel leaves there is not trusted */
		offload_take(&off, &partial, &in);
		ck_assert_mem_eq(buf, was, n);

		n = make_udp(buf, src, 4, dst, 5, data, lens[i]);
		memcpy(was, buf, n);
		in = info_of(n);
		put_be16(in.l4 + 6, 0xabcd);
		offload_take(&off, &partial, &in);
		if (!_i)
			put_be16(was + ETH_LEN + IP4_LEN + 6, 0); /* none */
		ck_assert_mem_eq(buf, was, n);
	}
}
END_TEST

/* a SYN with these options; the checksum is right */
static size_t make_open(bool v6, const uint8_t *options, size_t len)
{
	struct segment s = {
		.sport = 40000, .dport = 80, .flags = TCP_SYN, .data = options, .len = len
	};
	size_t n = make_tcp(buf, v6 ? GUEST6 : GUEST, v6 ? FAR6 : FAR, &s);

	l4_of(buf, v6 ? FAR6 : FAR)[12] = (uint8_t)((TCP_LEN + len) / 4 << 4);
	put_l4_checksum(buf, TCP_LEN + len, 16);
	return n;
}

/* a segment of libslirp to the same connection */
static size_t make_back(bool v6, size_t len)
{
	struct segment s = { .sport = 80, .dport = 40000, .flags = TCP_ACK };

	s.data = data;
	s.len = len;
	return make_tcp(buf, v6 ? FAR6 : FAR, v6 ? GUEST6 : GUEST, &s);
}

static uint16_t given_size(bool v6, size_t len)
{
	size_t n = make_back(v6, len);

	offload_give(&off, buf, n, &out);
	ck_assert_uint_eq(out.nheaders + out.nrest, n);
	ck_assert_uint_eq(out.vnet.gso_type, !out.vnet.gso_size ? VIRTIO_NET_HDR_GSO_NONE
					     : v6               ? VIRTIO_NET_HDR_GSO_TCPV6
								: VIRTIO_NET_HDR_GSO_TCPV4);
	return out.vnet.gso_size;
}

static void open_with(bool v6, const uint8_t *options, size_t len)
{
	size_t n = make_open(v6, options, len);
	struct frame_info in = info_of(n);
	uint16_t sum;

	offload_take(&off, &(struct virtio_net_hdr){ 0 }, &in);
	sum = get_be16(in.l4 + 16);
	put_l4_checksum(buf, TCP_LEN + len, 16);
	ck_assert_uint_eq(get_be16(in.l4 + 16), sum);
}

START_TEST(the_mss_of_a_syn_is_raised_and_remembered)
{
	const uint8_t even[] = { 2, 4, 1400 >> 8, 1400 & 0xff };
	const uint8_t odd[] = { 1, 2, 4, 1300 >> 8, 1300 & 0xff, 1, 1, 0 };
	const uint8_t *opt = l4_of(buf, _i ? FAR6 : FAR) + TCP_LEN;

	open_with(_i, even, sizeof(even));
	ck_assert_uint_eq(get_be16(opt + 2), 65535);
	ck_assert_uint_eq(given_size(_i, 30000), 1400);
	ck_assert_uint_eq(given_size(_i, 1401), 1400);
	ck_assert_uint_eq(given_size(_i, 1400), 0);
	ck_assert_uint_eq(given_size(!_i, 30000), _i ? 536 : 1220); /* another connection */
	open_with(_i, odd, sizeof(odd));                            /* the port is used again */
	ck_assert_uint_eq(get_be16(opt + 3), 65535);
	ck_assert_uint_eq(given_size(_i, 30000), 1300);
}
END_TEST

START_TEST(no_packet_is_longer_than_the_mtu)
{
	const uint8_t large[] = { 2, 4, 0xff, 0xd7 };

	open_with(_i, large, sizeof(large));
	ck_assert_uint_eq(given_size(_i, 30000), MTU - TCP_LEN - (_i ? IP6_LEN : IP4_LEN));
}
END_TEST

START_TEST(odd_options_do_no_harm)
{
	static const uint8_t rows[][8] = {
		{ 0 },
		{ 1, 1, 1, 1, 1, 1, 1, 2 },      /* cut off */
		{ 1, 1, 1, 1, 1, 1, 2, 4 },      /* no value */
		{ 1, 1, 1, 1, 1, 2, 4, 5 },      /* half a value */
		{ 2, 0, 5, 0x78 },               /* no length */
		{ 2, 1, 5, 0x78 },               /* shorter than itself */
		{ 2, 3, 5, 2, 4, 5, 0x78, 0 },   /* wrong length, then garbage */
		{ 8, 255, 2, 4, 5, 0x78, 0, 0 }, /* longer than the header */
		{ 0, 2, 4, 5, 0x78 },            /* behind the end */
		{ 3, 3, 7, 1, 1, 1, 1, 1 },      /* another option */
	};
	const uint8_t none[] = { 2, 4, 0, 0 };
	const uint8_t *opt = l4_of(buf, FAR) + TCP_LEN;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		open_with(false, rows[i], sizeof(rows[i]));
		if (i != 6) /* has a good one behind it */
			ck_assert_mem_eq(opt, rows[i], sizeof(rows[i]));
		ck_assert_uint_ge(given_size(false, 30000), 536);
	}
	open_with(false, none, sizeof(none));
	ck_assert_uint_eq(given_size(false, 30000), 88);
	ck_assert_uint_eq(given_size(false, 88), 0);
}
END_TEST

START_TEST(only_what_opens_a_connection_is_read)
{
	const uint8_t even[] = { 2, 4, 5, 0x78 };
	size_t n = make_open(false, even, sizeof(even));
	struct frame_info in = info_of(n);

	in.opens = false;
	memcpy(was, buf, n);
	offload_take(&off, &(struct virtio_net_hdr){ 0 }, &in);
	ck_assert_mem_eq(buf, was, n);
	ck_assert_uint_eq(given_size(false, 30000), 536);
}
END_TEST

/* --- to the child ------------------------------------------------------------------------- */

/* what the kernel makes of a partial checksum: the sum from csum_start on, the field included */
static void check_partial(size_t len, size_t at)
{
	bool v4 = frame_ethertype(buf) == ETHERTYPE_IP4;
	size_t start = ETH_LEN + (v4 ? IP4_LEN : IP6_LEN);

	memcpy(was, out.headers, out.nheaders);
	memcpy(was + out.nheaders, out.rest, out.nrest);
	ck_assert_uint_eq(out.nheaders + out.nrest, len);
	ck_assert_uint_eq(out.vnet.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	ck_assert_uint_eq(out.vnet.csum_start, start);
	ck_assert_uint_eq(out.vnet.csum_offset, at);
	put_be16(was + start + at, checksum_fold(checksum_add(0, was + start, len - start)));
	ck_assert_mem_eq(was, buf, len);
}

START_TEST(checksums_are_left_to_the_kernel)
{
	static const size_t lens[] = { 0, 1, 40, 1460, 32768 };

	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		size_t n = make_back(_i, lens[i]);

		offload_give(&off, buf, n, &out);
		check_partial(n, 16);
		ck_assert_uint_eq(out.vnet.hdr_len, n - lens[i]);
		n = make_udp(buf, _i ? FAR6 : FAR, 9, _i ? GUEST6 : GUEST, 5000, data, lens[i]);
		offload_give(&off, buf, n, &out);
		check_partial(n, 6);
	}
}
END_TEST

START_TEST(the_child_sees_the_mss_of_its_network)
{
	const uint8_t own[] = { 2, 4, 0xff, 0xc9 };
	struct segment s = {
		.sport = 80, .dport = 40000, .flags = TCP_SYN | TCP_ACK, .data = own, .len = 4
	};
	size_t header = ETH_LEN + (_i ? IP6_LEN : IP4_LEN) + TCP_LEN, n;

	n = make_tcp(buf, _i ? FAR6 : FAR, _i ? GUEST6 : GUEST, &s);
	buf[header - TCP_LEN + 12] = 6 << 4;
	offload_give(&off, buf, n, &out);
	ck_assert_uint_eq(get_be16(out.headers + header + 2), MTU - (header - ETH_LEN));
	ck_assert_uint_eq(out.vnet.gso_type, VIRTIO_NET_HDR_GSO_NONE);
	off.mtu = 65520;
	offload_give(&off, buf, n, &out);
	ck_assert_uint_eq(get_be16(out.headers + header + 2), 65535 / 4);
}
END_TEST

/* the child waits until its segment fits; libslirp must have spoken by then */
START_TEST(no_window_stays_closed)
{
	for (uint32_t mtu = 1280; mtu <= 65521; mtu++) {
		uint32_t child = mtu - IP4_LEN - TCP_LEN;

		if (child > 65535 / 4)
			child = 65535 / 4;
		ck_assert_uint_le(2 * offload_segment(mtu), 65535 - child);
		ck_assert_uint_ge(offload_segment(mtu), 24000);
	}
}
END_TEST

START_TEST(long_datagrams_can_be_cut)
{
	size_t n = make_udp(buf, FAR, 9, GUEST, 5000, data, 9000);

	put_be16(buf + ETH_LEN + 6, 0x4000); /* "don't fragment" */
	checksum_ip4(buf + ETH_LEN);
	offload_give(&off, buf, n, &out);
	ck_assert_uint_eq(out.vnet.gso_type, VIRTIO_NET_HDR_GSO_NONE);
	ck_assert_uint_eq(get_be16(out.headers + ETH_LEN + 6), 0);
	ck_assert_uint_eq(checksum_fold(checksum_add(0, out.headers + ETH_LEN, IP4_LEN)), 0);

	put_be16(buf + ETH_LEN + 6, IP4_MORE_FRAGMENTS); /* by libslirp, above 65521 bytes */
	checksum_ip4(buf + ETH_LEN);
	offload_give(&off, buf, n, &out);
	ck_assert_uint_eq(out.vnet.flags, 0);
	ck_assert_mem_eq(out.headers, buf, out.nheaders);

	n = make_udp(buf, FAR6, 9, GUEST6, 5000, data, 9000);
	offload_give(&off, buf, n, &out);
	ck_assert_uint_eq(out.vnet.gso_type, VIRTIO_NET_HDR_GSO_UDP);
	ck_assert_uint_eq(out.vnet.gso_size, (MTU - IP6_LEN - 8) / 8 * 8);
	check_partial(n, 6);
}
END_TEST

START_TEST(odd_frames_go_as_they_are)
{
	size_t n = make_back(false, 100);

	for (size_t len = 0; len < ETH_LEN + IP4_LEN + TCP_LEN; len++) {
		offload_give(&off, buf, len, &out);
		ck_assert_uint_eq(out.vnet.flags, 0);
		ck_assert_uint_eq(out.nheaders, len);
	}
	buf[ETH_LEN + IP4_LEN + 12] = 0xf0; /* a header of 60 bytes: there are 120 */
	offload_give(&off, buf, n, &out);
	ck_assert_uint_ne(out.vnet.flags, 0);
	buf[ETH_LEN + IP4_LEN + 12] = 0x40; /* of 16 */
	offload_give(&off, buf, n, &out);
	ck_assert_uint_eq(out.vnet.flags, 0);
	n = make_echo(buf, FAR, 3000);
	offload_give(&off, buf, n, &out);
	ck_assert_uint_eq(out.vnet.flags, 0);
}
END_TEST

/* --- the table ---------------------------------------------------------------------------- */

static struct flowmss_key key_of(uint32_t i)
{
	struct flowmss_key k = { .family = AF_INET, .guest_port = (uint16_t)i };

	memcpy(k.guest, &i, sizeof(i));
	return k;
}

START_TEST(the_table_is_bounded_and_keeps_what_is_used)
{
	struct flowmss *t = &off.flows;
	struct flowmss_key busy = key_of(0);
	uint32_t kept = 0;

	off.flows.clock = UINT32_MAX - 1000; /* it passes its end */
	flowmss_put(t, &busy, 1000);
	for (uint32_t i = 1; i < 300000; i++) {
		struct flowmss_key k = key_of(i);

		flowmss_put(t, &k, (uint16_t)(1 + i % 60000));
		ck_assert_uint_eq(flowmss_get(t, &k), 1 + i % 60000);
		if (i % 1024 == 0) /* by chance eight others meet in its set: 1 of 10^8 */
			ck_assert_uint_eq(flowmss_get(t, &busy), 1000);
	}
	for (uint32_t i = 300000 - 8192; i < 300000; i++) {
		struct flowmss_key k = key_of(i);

		kept += flowmss_get(t, &k) != 0;
	}
	ck_assert_uint_ge(kept, 8192 - 80); /* as many as libslirp holds, but for unlucky sets */
}
END_TEST

int main(void)
{
	Suite *s = suite_create("offload");
	TCase *c = tcase_create("offload");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, c);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, sums_are_right_at_every_length_and_place);
	tcase_add_loop_test(c, missing_checksums_are_filled_in, 0, 2);
	tcase_add_loop_test(c, the_mss_of_a_syn_is_raised_and_remembered, 0, 2);
	tcase_add_loop_test(c, no_packet_is_longer_than_the_mtu, 0, 2);
	tcase_add_test(c, odd_options_do_no_harm);
	tcase_add_test(c, only_what_opens_a_connection_is_read);
	tcase_add_loop_test(c, checksums_are_left_to_the_kernel, 0, 2);
	tcase_add_loop_test(c, the_child_sees_the_mss_of_its_network, 0, 2);
	tcase_add_test(c, no_window_stays_closed);
	tcase_add_test(c, long_datagrams_can_be_cut);
	tcase_add_test(c, odd_frames_go_as_they_are);
	tcase_add_test(c, the_table_is_bounded_and_keeps_what_is_used);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
