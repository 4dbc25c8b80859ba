// SPDX-License-Identifier: Apache-2.0
/*
 * test_shortsyn.c - SYNs that do not go far: what their sockets are told, how long each is known,
 * and that the child hears nothing of libslirp's about one that has ended
 *
 * Sockets stand for libslirp's. Errors of routers need some: net_echo.sh has them.
 */
#include <check.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/slirp/prefilter.h"
#include "lib/slirp/shortsyn.h"
#include "tests/unit/slirpframes.h"

#define FAR "192.0.2.1"
#define FAR6 "2001:db8::1"

static struct shortsyns all;
static uint8_t buf[FRAME_MAX], given[FRAME_MAX];
static size_t given_len;
static bool allowed;

static void on_give(void *owner, const uint8_t *data, size_t len)
{
	(void)owner;
	memcpy(given, data, len);
	given_len = len;
}

static bool on_may_answer(void *owner)
{
	(void)owner;
	return allowed;
}

static void start(bool direct)
{
	const struct net_plan p = make_plan(false);

	memset(&all, 0, sizeof(all));
	all.plan = p;
	all.direct = direct;
	all.give = on_give;
	all.may_answer = on_may_answer;
	given_len = 0;
	allowed = true;
}

/* a SYN from @sport to port 7, as libslirp gets it */
static bool take(const char *dst, uint16_t sport, uint8_t hops, uint64_t now_ms)
{
	const struct segment s = { .sport = sport, .dport = 7, .seq = 9, .flags = TCP_SYN };
	const bool v6 = strchr(dst, ':');
	struct frame f = { .data = buf };
	enum policy_verdict why;
	struct prefilter pf;
	struct frame_info in;

	f.len = make_tcp(buf, v6 ? GUEST6 : GUEST, dst, &s);
	buf[ETH_LEN + (v6 ? 7 : 8)] = hops;
	prefilter_init(&pf, &all.plan, all.direct);
	ck_assert_int_eq(prefilter_judge(&pf, &f, now_ms, &in, &why), FRAME_PASS);
	return shortsyns_take(&all, &f, &in, now_ms);
}

/* a reset of libslirp's for it */
static bool hushed(const char *dst, uint16_t sport)
{
	const struct segment s = { .sport = 7, .dport = sport, .flags = TCP_RST | TCP_ACK };
	size_t n = make_tcp(buf, dst, strchr(dst, ':') ? GUEST6 : GUEST, &s);

	return shortsyns_hush(&all, buf, n);
}

static int new_socket(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	return fd;
}

/* libslirp opens a socket for the SYN that it has got */
static int open_one(const char *dst, uint16_t sport, uint8_t hops, uint64_t now_ms)
{
	int fd = new_socket(strchr(dst, ':') ? AF_INET6 : AF_INET);

	ck_assert(take(dst, sport, hops, now_ms));
	shortsyns_opened(&all, fd);
	shortsyns_taken(&all, fd, now_ms);
	return fd;
}

static int option(int fd, int level, int name)
{
	int v = 0;
	socklen_t len = sizeof(v);

	ck_assert_int_eq(getsockopt(fd, level, name, &v, &len), 0);
	return v;
}

START_TEST(a_socket_goes_as_far_as_its_syn)
{
	int fd, fd6;

	start(_i);
	fd = open_one(FAR, 1000, 5, 0);
	fd6 = open_one(FAR6, 1000, 6, 0);
	ck_assert_uint_eq(all.n, 2);
	ck_assert_int_eq(option(fd, IPPROTO_IP, IP_TTL), 5 - _i); /* no gateway counts before us */
	ck_assert_int_eq(option(fd, IPPROTO_IP, IP_RECVERR), 1);
	ck_assert_int_eq(option(fd6, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 6 - _i);
	ck_assert_int_eq(option(fd6, IPPROTO_IPV6, IPV6_RECVERR), 1);
	close(fd);
	close(fd6);
}
END_TEST

START_TEST(others_are_left_alone)
{
	int fd = new_socket(AF_INET), far = option(fd, IPPROTO_IP, IP_TTL);

	start(false);
	ck_assert(take(FAR, 1000, SHORTSYN_HOPS, 0));
	shortsyns_opened(&all, fd);
	shortsyns_taken(&all, fd, 0);
	ck_assert_uint_eq(all.n, 0);
	ck_assert(take(FAR, 1001, 1, 0)); /* libslirp knows it, and opens nothing */
	shortsyns_taken(&all, -1, 0);
	shortsyns_opened(&all, fd); /* for something else */
	ck_assert_uint_eq(all.n, 0);
	ck_assert_int_eq(option(fd, IPPROTO_IP, IP_TTL), far);
	ck_assert_int_eq(option(fd, IPPROTO_IP, IP_RECVERR), 0);
	ck_assert_int_eq(shortsyns_expire(&all, 0), -1);
	close(fd);
}
END_TEST

START_TEST(the_first_hop_of_a_direct_tap_is_us)
{
	start(true);
	ck_assert(!take(FAR, 1000, 1, 0));
	ck_assert_uint_ge(given_len, ETH_LEN + IP4_LEN + ICMP_LEN + IP4_LEN + TCP_LEN);
	ck_assert_mem_eq(given + ETH_LEN + 12, &all.plan.gateway, 4);
	ck_assert_uint_eq(given[ETH_LEN + IP4_LEN], ICMP_TIME_EXCEEDED);
	ck_assert_uint_eq(get_be16(given + ETH_LEN + 2 * IP4_LEN + ICMP_LEN), 1000);
	given_len = 0;
	ck_assert(!take(FAR6, 1001, 1, 0));
	ck_assert_uint_ge(given_len, ETH_LEN + IP6_LEN + ICMP_LEN + IP6_LEN + TCP_LEN);
	ck_assert_mem_eq(given + ETH_LEN + 8, &all.plan.gateway6, 16);
	ck_assert_uint_eq(given[ETH_LEN + IP6_LEN], ICMP6_TIME_EXCEEDED);
	given_len = 0;
	allowed = false; /* too many this second */
	ck_assert(!take(FAR, 1000, 1, 0));
	ck_assert_uint_eq(given_len, 0);
	ck_assert_uint_eq(all.n, 0);
}
END_TEST

START_TEST(a_connection_goes_as_far_as_all)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(a);
	int server = new_socket(AF_INET), fd, far = option(server, IPPROTO_IP, IP_TTL);

	start(false);
	ck_assert_int_eq(listen(server, 1), 0);
	ck_assert_int_eq(getsockname(server, (struct sockaddr *)&a, &len), 0);
	fd = open_one(FAR, 1000, 3, 0);
	shortsyns_ready(&all, fd, 1);
	ck_assert_uint_eq(all.n, 1);
	connect(fd, (struct sockaddr *)&a, sizeof(a));
	ck_assert_int_eq(poll(&(struct pollfd){ fd, POLLOUT, 0 }, 1, 10000), 1);
	shortsyns_ready(&all, fd, 2);
	ck_assert_uint_eq(all.n, 0);
	ck_assert_int_eq(option(fd, IPPROTO_IP, IP_TTL), far);
	ck_assert_int_eq(option(fd, IPPROTO_IP, IP_RECVERR), 0);
	ck_assert(!hushed(FAR, 1000));
	close(fd);
	close(server);
}
END_TEST

START_TEST(silence_ends_without_a_word)
{
	const char *far = _i ? FAR6 : FAR;
	int fd;

	start(false);
	fd = open_one(far, 1000, 3, 0);
	ck_assert_int_eq(shortsyns_expire(&all, 1000), 3000);
	ck_assert(take(far, 1000, 3, 1000)); /* once more: as long again */
	shortsyns_taken(&all, -1, 1000);
	ck_assert_int_eq(shortsyns_expire(&all, 5999), 1);
	ck_assert(!hushed(far, 1000));
	ck_assert_int_eq(shortsyns_expire(&all, 6000), 1000);
	ck_assert(hushed(far, 1000));
	ck_assert(!hushed(far, 1001));
	shortsyns_closed(&all, fd);
	ck_assert(hushed(far, 1000)); /* it may come behind that */
	ck_assert_int_eq(shortsyns_expire(&all, 7000), -1);
	ck_assert(!hushed(far, 1000));
	ck_assert_uint_eq(given_len, 0);
	close(fd);
}
END_TEST

START_TEST(a_port_can_be_used_again)
{
	int fd, again;

	start(false);
	fd = open_one(FAR, 1000, 3, 0);
	shortsyns_closed(&all, fd); /* refused: what libslirp says is true */
	ck_assert_uint_eq(all.n, 0);
	ck_assert(!hushed(FAR, 1000));
	again = open_one(FAR, 1000, 3, 10);
	shortsyns_expire(&all, 4010);
	shortsyns_closed(&all, again);
	ck_assert(hushed(FAR, 1000));
	ck_assert(take(FAR, 1000, 64, 4020)); /* another one, that goes far */
	shortsyns_taken(&all, -1, 4020);
	ck_assert(!hushed(FAR, 1000));
	ck_assert_uint_eq(all.n, 0);
	close(fd);
	close(again);
}
END_TEST

static uint32_t ended(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < all.n; i++)
		n += all.all[i].ended;
	return n;
}

START_TEST(they_are_bounded_and_the_oldest_goes)
{
	enum { MANY = 2 * SHORTSYN_KEPT };
	int fd[MANY];

	start(false);
	for (int i = 0; i < MANY; i++) {
		fd[i] = open_one(FAR, (uint16_t)(1000 + i), 3, (uint64_t)i);
		ck_assert_uint_eq(all.n, i < SHORTSYN_KEPT ? i + 1 : SHORTSYN_KEPT);
		ck_assert_uint_eq(all.n - ended(), i < SHORTSYN_MAX ? i + 1 : SHORTSYN_MAX);
		ck_assert_int_eq(i >= SHORTSYN_MAX,
				 hushed(FAR, (uint16_t)(1000 + i - SHORTSYN_MAX)));
	}
	for (int i = 0; i < MANY; i++) {
		shortsyns_closed(&all, fd[i]);
		close(fd[i]);
	}
	ck_assert_uint_eq(all.n, ended());
}
END_TEST

START_TEST(frames_that_are_no_tcp_pass)
{
	int fd;

	start(false);
	fd = open_one(FAR, 1000, 3, 0);
	shortsyns_expire(&all, 4000);
	ck_assert(hushed(FAR, 1000));
	for (size_t n = 0; n < ETH_LEN + IP4_LEN + TCP_LEN; n++)
		ck_assert(!shortsyns_hush(&all, buf, n));
	buf[ETH_LEN + 9] = IPPROTO_UDP;
	ck_assert(!shortsyns_hush(&all, buf, ETH_LEN + IP4_LEN + TCP_LEN));
	buf[ETH_LEN + 9] = IPPROTO_TCP;
	put_be16(buf + 12, ETHERTYPE_ARP);
	ck_assert(!shortsyns_hush(&all, buf, ETH_LEN + IP4_LEN + TCP_LEN));
	close(fd);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("shortsyn");
	TCase *t = tcase_create("shortsyn");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, a_socket_goes_as_far_as_its_syn, 0, 2);
	tcase_add_test(t, others_are_left_alone);
	tcase_add_test(t, the_first_hop_of_a_direct_tap_is_us);
	tcase_add_test(t, a_connection_goes_as_far_as_all);
	tcase_add_loop_test(t, silence_ends_without_a_word, 0, 2);
	tcase_add_test(t, a_port_can_be_used_again);
	tcase_add_test(t, they_are_bounded_and_the_oldest_goes);
	tcase_add_test(t, frames_that_are_no_tcp_pass);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
