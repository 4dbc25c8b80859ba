// SPDX-License-Identifier: Apache-2.0
/*
 * test_relay_hold.c - connections out: held, released, refused, given up, bounded
 *
 * Each test lives in a network namespace of its own with only lo up. A socket pair plays bounce0;
 * the listener at 127.0.0.2 plays the transparent one, for 127.0.0.2 is the gateway here and means
 * the host's 127.0.0.1.
 */
#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/relay/bounce.h"
#include "tests/unit/inside.h"

#define PORT 8080
#define HOLDS 8

struct rig {
	struct loop loop;
	struct sockpool pool;
	struct sources sources;
	struct forward forward;
	struct bounce b;
	int wire; /* the child's end of bounce0 */
};

/* --- packets -------------------------------------------------------------------------------- */

struct packet {
	uint8_t bytes[512];
	size_t len, tcp;
};

static uint32_t add(uint32_t acc, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		acc += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	return acc;
}

static uint16_t folded(uint32_t acc)
{
	while (acc >> 16)
		acc = (acc & 0xffff) + (acc >> 16);
	return (uint16_t)~acc;
}

static void put16(uint8_t *at, uint16_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* checksum of what follows the IP header, with its pseudo header; 0: right */
static uint16_t upper_sum(const struct packet *p, uint8_t proto)
{
	bool v6 = p->bytes[0] >> 4 == 6;
	uint32_t acc = v6 ? add(0, p->bytes + 8, 32) : add(0, p->bytes + 12, 8);
	size_t n = p->len - p->tcp;

	if (!v6 && proto == IPPROTO_ICMP)
		return folded(add(0, p->bytes + p->tcp, n));
	return folded(add(acc + proto + (uint32_t)n, p->bytes + p->tcp, n));
}

static void seal(struct packet *p)
{
	if (p->bytes[0] >> 4 == 4) {
		put16(p->bytes + 2, (uint16_t)p->len);
		put16(p->bytes + 10, 0);
		put16(p->bytes + 10, folded(add(0, p->bytes, 20)));
	} else {
		put16(p->bytes + 4, (uint16_t)(p->len - 40));
	}
	put16(p->bytes + p->tcp + 16, 0);
	put16(p->bytes + p->tcp + 16, upper_sum(p, IPPROTO_TCP));
}

static struct packet make_syn(const char *src, uint16_t sport, const char *dst, uint32_t isn)
{
	static const uint8_t options[] = { 2, 4, 5, 180, 4, 2, 1, 1 };
	bool v6 = strchr(dst, ':');
	struct packet p = { .tcp = v6 ? 40 : 20 };
	uint8_t *t = p.bytes + p.tcp;

	p.bytes[0] = v6 ? 0x60 : 0x45;
	if (v6) {
		p.bytes[6] = IPPROTO_TCP;
		p.bytes[7] = 63;
		inet_pton(AF_INET6, src, p.bytes + 8);
		inet_pton(AF_INET6, dst, p.bytes + 24);
	} else {
		p.bytes[8] = 63;
		p.bytes[9] = IPPROTO_TCP;
		inet_pton(AF_INET, src, p.bytes + 12);
		inet_pton(AF_INET, dst, p.bytes + 16);
	}
	put16(t, sport);
	put16(t + 2, PORT);
	put16(t + 4, (uint16_t)(isn >> 16));
	put16(t + 6, (uint16_t)isn);
	t[12] = (20 + sizeof(options)) / 4 << 4;
	t[13] = 0x02;
	memcpy(t + 20, options, sizeof(options));
	p.len = p.tcp + 20 + sizeof(options);
	seal(&p);
	return p;
}

/* --- the rig -------------------------------------------------------------------------------- */

static int listener_at(const char *addr, int backlog)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	inet_pton(AF_INET, addr, &sa.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ck_assert_int_eq(listen(fd, backlog), 0);
	return fd;
}

static int connect_from(const char *from, uint16_t sport, const char *to)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(sport) };
	struct sockaddr_in b = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, from, &a.sin_addr);
	inet_pton(AF_INET, to, &b.sin_addr);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	connect(fd, (struct sockaddr *)&b, sizeof(b));
	return fd;
}

static void rig_init(struct rig *r)
{
	struct net_plan plan = { .prefix = 24, .prefix6 = 64, .ipv6 = 1, .host_loopback = 1 };
	struct err *err = &inside_err;
	int pair[2], fds[] = { [NET_ACCEL_TUN] = -1, -1, -1, -1, -1 };

	*r = (struct rig){ 0 };
	ck_assert_msg(enter(CLONE_NEWNET) == 0, "no namespaces");
	ck_assert_int_eq(system("ip link set lo up && ip route add unreachable 198.51.100.0/24 && "
				"ip route add prohibit 203.0.113.0/24"),
			 0);
	inet_pton(AF_INET, "10.0.2.0", &plan.network);
	inet_pton(AF_INET, "10.0.2.3", &plan.dns);
	inet_pton(AF_INET, "127.0.0.2", &plan.gateway);
	inet_pton(AF_INET6, "fd00::", &plan.network6);
	inet_pton(AF_INET6, "fd00::2", &plan.gateway6);
	inet_pton(AF_INET6, "fd00::3", &plan.dns6);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	r->wire = pair[0];
	fds[NET_ACCEL_TUN] = pair[1];
	fds[NET_ACCEL_TCP4] = listener_at("127.0.0.2", 16);
	ck_assert_int_eq(loop_init(&r->loop), 0);
	ck_assert_int_eq(sockpool_init(&r->pool, &r->loop, "none", -1, 2, err), 0);
	sources_init(&r->sources, &r->loop, &r->pool, &r->pool, false, &plan);
	ck_assert_int_eq(forward_init(&r->forward, &r->loop, &r->sources, 200, 0, 2, err), 0);
	ck_assert_msg(bounce_init(&r->b, &r->loop, &plan, NET_ACCEL_TPROXY, fds, &r->forward, HOLDS,
				  err) == 0,
		      "%s", err->msg);
}

static void rig_done(struct rig *r)
{
	bounce_done(&r->b);
	ck_assert_uint_eq(r->forward.flows.n, 0);
	forward_done(&r->forward);
	sockpool_done(&r->pool);
	loop_done(&r->loop);
	close(r->wire);
}

static void turn(struct rig *r, int ms)
{
	uint64_t end = clock_ms() + (uint64_t)ms;

	do {
		ck_assert_int_eq(loop_once(&r->loop, 5), 0);
	} while (clock_ms() < end);
}

static void put(struct rig *r, const struct packet *p)
{
	ck_assert_int_eq(send(r->wire, p->bytes, p->len, 0), (ssize_t)p->len);
	turn(r, 20);
}

/* what came out of it; false: nothing */
static bool get(struct rig *r, struct packet *ret)
{
	ssize_t n = recv(r->wire, ret->bytes, sizeof(ret->bytes), 0);

	if (n <= 0)
		return false;
	ret->len = (size_t)n;
	ret->tcp = ret->bytes[0] >> 4 == 6 ? 40 : 20;
	if (ret->tcp == 20)
		ck_assert_uint_eq(folded(add(0, ret->bytes, 20)), 0);
	return true;
}

static unsigned ended(const struct rig *r, enum hold_state s)
{
	return r->b.holds.ended[s];
}

/* a server that takes no more: who connects now waits */
static int fill_backlog(int fillers[2])
{
	int fd = listener_at("127.0.0.1", 0);

	for (int i = 0; i < 2; i++)
		fillers[i] = connect_from("127.0.0.9", (uint16_t)(100 + i), "127.0.0.1");
	return fd;
}

/* --- tests ---------------------------------------------------------------------------------- */

START_TEST(a_connection_is_released_and_pumped)
{
	struct rig r;
	struct packet syn = make_syn("127.0.0.3", 4000, "127.0.0.2", 77), out;
	int server, client, far_end;
	char buf[8];

	rig_init(&r);
	server = listener_at("127.0.0.1", 8);
	put(&r, &syn);
	ck_assert(get(&r, &out));
	ck_assert_uint_eq(out.len, syn.len);
	ck_assert_int_eq(memcmp(out.bytes, syn.bytes, syn.len), 0);
	ck_assert_uint_eq(r.b.holds.n, 1);
	client = connect_from("127.0.0.3", 4000, "127.0.0.2");
	turn(&r, 50);
	ck_assert_uint_eq(r.b.holds.n, 0);
	ck_assert_uint_eq(ended(&r, HOLD_ACCEPTED), 1);
	ck_assert_uint_eq(r.forward.flows.n, 1);
	far_end = accept(server, NULL, NULL);
	ck_assert_int_eq(send(client, "ping", 4, 0), 4);
	turn(&r, 50);
	ck_assert_int_eq(recv(far_end, buf, sizeof(buf), 0), 4);
	ck_assert_int_eq(send(far_end, "pong", 4, 0), 4);
	close(far_end);
	turn(&r, 50);
	ck_assert_int_eq(recv(client, buf, sizeof(buf), 0), 4);
	ck_assert_int_eq(recv(client, buf, sizeof(buf), 0), 0);
	close(client);
	turn(&r, 50);
	ck_assert_uint_eq(r.forward.flows.n, 0);
	rig_done(&r);
}
END_TEST

START_TEST(a_closed_port_refuses)
{
	struct rig r;
	struct packet syn = _i ? make_syn("fd00::100", 4000, "fd00::2", 0xffffffff)
			       : make_syn("127.0.0.3", 4000, "127.0.0.2", 0xffffffff);
	struct packet out;
	const uint8_t *t;
	size_t alen = _i ? 16 : 4, src = _i ? 8 : 12;

	rig_init(&r);
	put(&r, &syn);
	ck_assert(get(&r, &out));
	t = out.bytes + out.tcp;
	ck_assert_uint_eq(out.len, out.tcp + 20);
	ck_assert_int_eq(memcmp(out.bytes + src, syn.bytes + src + alen, alen), 0);
	ck_assert_int_eq(memcmp(out.bytes + src + alen, syn.bytes + src, alen), 0);
	ck_assert_int_eq(t[0] << 8 | t[1], PORT);
	ck_assert_int_eq(t[2] << 8 | t[3], 4000);
	ck_assert_uint_eq(get32(t + 8), 0); /* the number after the last one */
	ck_assert_uint_eq(t[13], 0x14);
	ck_assert_uint_eq(upper_sum(&out, IPPROTO_TCP), 0);
	ck_assert_uint_eq(ended(&r, HOLD_FAILED), 1);
	ck_assert_uint_eq(r.b.holds.n, 0);
	rig_done(&r);
}
END_TEST

static const struct {
	const char *dst;
	int code; /* -1: silence */
} unreachable[] = {
	{ "198.51.100.1", 1 }, { "203.0.113.1", 13 },     { "192.0.2.1", 0 },   { "10.0.2.77", 1 },
	{ "10.0.2.3", 0 },     { "127.0.0.1", 0 },        { "0.0.0.0", 0 },     { "240.0.0.1", 13 },
	{ "224.0.0.1", -1 },   { "10.0.2.255", -1 },      { "2001:db8::1", 0 }, { "fd00::77", 3 },
	{ "::1", 0 },          { "::ffff:127.0.0.1", 0 }, { "fe80::1", 1 },     { "ff02::1", -1 },
};

START_TEST(an_error_is_told_as_it_is)
{
	const char *dst = unreachable[_i].dst;
	bool v6 = strchr(dst, ':');
	struct packet syn = make_syn(v6 ? "fd00::100" : "10.0.2.100", 4000, dst, 1), out;
	struct rig r;
	const uint8_t *t;

	rig_init(&r);
	put(&r, &syn);
	ck_assert_uint_eq(r.b.holds.n, 0);
	ck_assert_int_eq(get(&r, &out), unreachable[_i].code >= 0);
	if (unreachable[_i].code >= 0) {
		t = out.bytes + out.tcp;
		ck_assert_uint_eq(t[0], v6 ? 1 : 3);
		ck_assert_uint_eq(t[1], unreachable[_i].code);
		ck_assert_uint_eq(upper_sum(&out, v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP), 0);
		ck_assert_uint_eq(out.len, out.tcp + 8 + syn.len);
		ck_assert_int_eq(memcmp(t + 8, syn.bytes, syn.len), 0);
	}
	rig_done(&r);
}
END_TEST

START_TEST(the_newest_syn_is_released)
{
	struct rig r;
	struct packet first = make_syn("127.0.0.3", 4000, "127.0.0.2", 1);
	struct packet again = make_syn("127.0.0.3", 4000, "127.0.0.2", 2), out;
	int fillers[2], server;

	rig_init(&r);
	server = fill_backlog(fillers);
	put(&r, &first);
	put(&r, &first);
	put(&r, &again);
	ck_assert(!get(&r, &out));
	ck_assert_uint_eq(r.b.holds.n, 1);
	for (int i = 0; i < 2; i++)
		close(accept(server, NULL, NULL));
	turn(&r, 2500); /* the host's kernel repeats its SYN after 1 s */
	ck_assert(get(&r, &out));
	ck_assert_int_eq(memcmp(out.bytes, again.bytes, again.len), 0);
	ck_assert(!get(&r, &out));
	put(&r, &again); /* the listener has lost it: once more */
	ck_assert(get(&r, &out));
	rig_done(&r);
}
END_TEST

START_TEST(who_gives_up_leaves_nothing)
{
	struct rig r;
	struct packet released = make_syn("127.0.0.3", 4000, "127.0.0.2", 1), out;
	struct packet waiting = make_syn("127.0.0.3", 4001, "127.0.0.2", 1);
	int server, conn, fillers[2];
	char c;

	rig_init(&r);
	server = listener_at("127.0.0.1", 0);
	put(&r, &released);
	ck_assert(get(&r, &out));
	conn = accept(server, NULL, NULL);
	fcntl(conn, F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 2; i++)
		fillers[i] = connect_from("127.0.0.9", (uint16_t)(100 + i), "127.0.0.1");
	put(&r, &waiting);
	ck_assert_uint_eq(r.b.holds.n, 2);
	ck_assert_uint_eq(r.forward.flows.held, 2);
	turn(&r, 5300);
	ck_assert_uint_eq(ended(&r, HOLD_ABANDONED), 2);
	ck_assert_uint_eq(r.b.holds.n, 0);
	ck_assert_uint_eq(r.forward.flows.held, 0);
	ck_assert_int_eq(recv(conn, &c, 1, 0), -1);
	ck_assert_int_eq(errno, ECONNRESET);
	close(fillers[0]);
	rig_done(&r);
}
END_TEST

START_TEST(they_are_bounded)
{
	struct rig r;
	int fillers[2];

	rig_init(&r);
	fill_backlog(fillers);
	for (uint16_t i = 0; i < 5; i++) {
		struct packet p = make_syn("127.0.0.3", (uint16_t)(4000 + i), "127.0.0.2", 1);

		put(&r, &p);
	}
	ck_assert_uint_eq(r.b.holds.n, HOLDS / 4);
	for (int i = 10; i < 20; i++) {
		char src[16];
		struct packet p;

		snprintf(src, sizeof(src), "127.0.0.%d", i);
		p = make_syn(src, 4000, "127.0.0.2", 1);
		put(&r, &p);
	}
	ck_assert_uint_eq(r.b.holds.n, HOLDS);
	r.forward.flows_max = 3; /* and by what there is for flows */
	rig_done(&r);
}
END_TEST

struct wanted {
	uint8_t host; /* 127.0.0.host */
	uint16_t first_port;
	unsigned found;
};

static bool count_wanted(const struct syn_key *key, uint64_t since_ms, void *arg)
{
	struct wanted *w = arg;

	(void)since_ms;
	w->found += key->src[3] == w->host && key->sport >= w->first_port;
	return true;
}

static unsigned count(const struct rig *r, uint8_t host, uint16_t first_port)
{
	struct wanted w = { .host = host, .first_port = first_port };

	holds_visit(&r->b.holds, HOLDS, HOLDS, count_wanted, &w);
	return w.found;
}

static void put_burst(struct rig *r, unsigned host, uint16_t sport, int n)
{
	char src[16];

	snprintf(src, sizeof(src), "127.0.0.%u", host);
	for (int i = 0; i < n; i++) {
		struct packet p = make_syn(src, (uint16_t)(sport + i), "127.0.0.2", 1);

		ck_assert_int_eq(send(r->wire, p.bytes, p.len, 0), (ssize_t)p.len);
	}
	turn(r, 20);
}

START_TEST(what_waits_for_long_gives_way)
{
	struct rig r;
	int fillers[2];

	rig_init(&r);
	fill_backlog(fillers);
	put_burst(&r, 3, 4000, HOLDS / 4);
	usleep(510 * 1000); /* longer than a handshake may take */
	put_burst(&r, 3, 5000, HOLDS / 4);
	ck_assert_uint_eq(count(&r, 3, 0), HOLDS / 4);
	ck_assert_uint_eq(count(&r, 3, 5000), HOLDS / 4);
	put_burst(&r, 3, 6000, 64); /* or is young, for most of those who come at once */
	ck_assert_uint_eq(count(&r, 3, 0), HOLDS / 4);
	ck_assert_uint_gt(count(&r, 3, 6000), 0);
	for (unsigned host = 10; host < 10 + HOLDS; host++)
		put_burst(&r, host, 4000, 1);
	ck_assert_uint_eq(r.b.holds.n, HOLDS);
	usleep(510 * 1000);
	put_burst(&r, 30, 4000, 1); /* in the place of another source's */
	ck_assert_uint_eq(r.b.holds.n, HOLDS);
	ck_assert_uint_eq(count(&r, 30, 0), 1);
	ck_assert_uint_eq(r.forward.flows.held, HOLDS);
	rig_done(&r);
}
END_TEST

/* connections that are open have all the rest */
START_TEST(what_waits_for_long_keeps_out_nobody)
{
	struct rig r;
	int fillers[2];

	rig_init(&r);
	r.forward.flows_max = 1 + HOLDS / 4;
	fill_backlog(fillers);
	put_burst(&r, 3, 4000, 1);
	put_burst(&r, 4, 4000, HOLDS / 4);
	ck_assert_uint_eq(r.b.holds.n, 1 + HOLDS / 4);
	usleep(510 * 1000);
	put_burst(&r, 4, 5000, 1); /* in the place of its own: it has all that one may have */
	ck_assert_uint_eq(count(&r, 3, 0), 1);
	ck_assert_uint_eq(count(&r, 4, 0), HOLDS / 4);
	ck_assert_uint_eq(count(&r, 4, 5000), 1);
	put_burst(&r, 5, 4000, 1);
	ck_assert_uint_eq(count(&r, 5, 0), 1);
	ck_assert_uint_eq(count(&r, 3, 0), 0);
	ck_assert_uint_eq(r.b.holds.n, 1 + HOLDS / 4);
	rig_done(&r);
}
END_TEST

START_TEST(what_is_no_syn_is_ignored)
{
	static const struct {
		size_t at; /* behind the IP header from 100 on */
		uint8_t value;
	} spoilt[] = {
		{ 0, 0x55 },    { 0, 0x44 },   { 0, 0x46 },   { 3, 10 },
		{ 3, 200 },     { 6, 0x20 },   { 7, 1 },      { 9, 17 },
		{ 9, 6 | 128 }, { 112, 0x40 }, { 112, 0xf0 }, { 113, 0x12 },
		{ 113, 0x06 },  { 113, 0x03 }, { 113, 0 },    { 113, 0x10 },
	};
	struct packet syn = make_syn("127.0.0.3", 4000, "127.0.0.2", 1), p, out;
	struct packet syn6 = make_syn("fd00::100", 4000, "fd00::2", 1);
	struct rig r;

	rig_init(&r);
	listener_at("127.0.0.1", 8);
	for (size_t i = 0; i < ARRAY_SIZE(spoilt); i++) {
		p = syn;
		p.bytes[spoilt[i].at >= 100 ? spoilt[i].at - 80 : spoilt[i].at] = spoilt[i].value;
		if (spoilt[i].at >= 100)
			seal(&p);
		put(&r, &p);
	}
	for (size_t i = 0; i < syn.len; i++) { /* a wrong bit anywhere, cut anywhere */
		p = syn;
		p.bytes[i] ^= 0x40;
		if (i != 1 && i != 8) /* the header's checksum sees these as well */
			ck_assert_int_eq(send(r.wire, p.bytes, p.len, 0), (ssize_t)p.len);
		if (i)
			ck_assert_int_eq(send(r.wire, syn.bytes, i, 0), (ssize_t)i);
		turn(&r, 1);
	}
	for (size_t i = 1; i < syn6.len; i++) {
		ck_assert_int_eq(send(r.wire, syn6.bytes, i, 0), (ssize_t)i);
		turn(&r, 1);
	}
	ck_assert(!get(&r, &out));
	ck_assert_uint_eq(r.b.holds.n, 0);
	ck_assert_uint_eq(ended(&r, HOLD_CONNECTING), 0);
	rig_done(&r);
}
END_TEST

START_TEST(a_datagram_goes_back_with_its_hop)
{
	struct packet udp = make_syn("127.0.0.3", 4000, "127.0.0.2", 1), out = { 0 };
	struct rig r;

	rig_init(&r);
	udp.bytes[9] = IPPROTO_UDP;
	put16(udp.bytes + 10, 0);
	put16(udp.bytes + 10, folded(add(0, udp.bytes, 20)));
	put(&r, &udp);
	ck_assert(get(&r, &out)); /* with a right header */
	ck_assert_uint_eq(out.len, udp.len);
	ck_assert_uint_eq(out.bytes[8], udp.bytes[8] + 1u);
	ck_assert_mem_eq(out.bytes + 12, udp.bytes + 12, udp.len - 12);
	udp.bytes[3]--; /* a length that it has not, and a checksum that is wrong */
	put(&r, &udp);
	ck_assert(!get(&r, &out));
	rig_done(&r);
}
END_TEST

START_TEST(data_of_a_syn_are_left_out)
{
	struct rig r;
	struct packet syn = make_syn("127.0.0.3", 4000, "127.0.0.2", 1), p = syn, out;

	rig_init(&r);
	listener_at("127.0.0.1", 8);
	memcpy(p.bytes + p.len, "early data", 10);
	p.len += 10;
	seal(&p);
	put(&r, &p);
	ck_assert(get(&r, &out));
	ck_assert_uint_eq(out.len, syn.len);
	ck_assert_int_eq(memcmp(out.bytes, syn.bytes, syn.len), 0);
	rig_done(&r);
}
END_TEST

START_TEST(a_stranger_at_the_listener_is_reset)
{
	struct rig r;
	struct packet other = make_syn("127.0.0.3", 4001, "127.0.0.2", 1), out;
	int server, client;
	char c;

	rig_init(&r);
	server = listener_at("127.0.0.1", 8);
	put(&r, &other); /* the same but for its port */
	ck_assert(get(&r, &out));
	client = connect_from("127.0.0.3", 4000, "127.0.0.2");
	turn(&r, 50);
	ck_assert_int_eq(recv(client, &c, 1, 0), -1);
	ck_assert_int_eq(errno, ECONNRESET);
	ck_assert_uint_eq(r.forward.flows.n, 0);
	ck_assert_uint_eq(r.b.holds.n, 1);
	close(server);
	rig_done(&r);
}
END_TEST

START_TEST(ipv6_is_released)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6,
				   .sin6_port = htons(PORT),
				   .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct packet syn = make_syn("fd00::100", 4000, "fd00::2", 5), out;
	struct rig r;
	int fd;

	rig_init(&r);
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	put(&r, &syn);
	ck_assert(get(&r, &out));
	ck_assert_uint_eq(out.len, syn.len);
	ck_assert_int_eq(memcmp(out.bytes, syn.bytes, syn.len), 0);
	rig_done(&r);
}
END_TEST

static bool machine_can(void)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(enter(CLONE_NEWNET) < 0);
	return waitpid(pid, &status, 0) == pid && status == 0;
}

int main(void)
{
	Suite *s = suite_create("relay_hold");
	TCase *c = tcase_create("hold");
	SRunner *sr = srunner_create(s);
	int failed;

	if (!machine_can())
		return SKIPPED;
	tcase_set_timeout(c, 20);
	tcase_add_test(c, a_connection_is_released_and_pumped);
	tcase_add_loop_test(c, a_closed_port_refuses, 0, 2);
	tcase_add_loop_test(c, an_error_is_told_as_it_is, 0, ARRAY_SIZE(unreachable));
	tcase_add_test(c, the_newest_syn_is_released);
	tcase_add_test(c, who_gives_up_leaves_nothing);
	tcase_add_test(c, they_are_bounded);
	tcase_add_test(c, what_waits_for_long_gives_way);
	tcase_add_test(c, what_waits_for_long_keeps_out_nobody);
	tcase_add_test(c, what_is_no_syn_is_ignored);
	tcase_add_test(c, a_datagram_goes_back_with_its_hop);
	tcase_add_test(c, data_of_a_syn_are_left_out);
	tcase_add_test(c, a_stranger_at_the_listener_is_reset);
	tcase_add_test(c, ipv6_is_released);
	suite_add_tcase(s, c);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
