// SPDX-License-Identifier: Apache-2.0
/* test_nsagent_accel.c - TCP of the child comes to bounce0 and back to a listener, or the rung
 * falls */
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "lib/nsagent/accel.h"
#include "lib/nsagent/gateway.h"
#include "tests/unit/nsagent_rig.h"

#include <linux/netfilter_ipv4.h> /* behind the C library's */

#define TPROXY (1u << NET_ACCEL_TPROXY)
#define BOTH (TPROXY | 1u << NET_ACCEL_REDIRECT)

union addr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static socklen_t far_away(bool ipv6, uint16_t port, union addr *ret)
{
	*ret = (union addr){ 0 };
	if (ipv6) {
		ret->in6.sin6_family = AF_INET6;
		ret->in6.sin6_port = htons(port);
		inet_pton(AF_INET6, "2001:db8::9", &ret->in6.sin6_addr);
		return sizeof(ret->in6);
	}
	ret->in.sin_family = AF_INET;
	ret->in.sin_port = htons(port);
	inet_pton(AF_INET, "192.0.2.9", &ret->in.sin_addr);
	return sizeof(ret->in);
}

/* the next SYN in bounce0; its length */
static ssize_t next_syn(int tun, uint8_t *pkt, size_t size)
{
	struct pollfd p = { .fd = tun, .events = POLLIN };

	while (poll(&p, 1, WAIT_MS) == 1) {
		ssize_t n = read(tun, pkt, size);
		bool v6 = n > 0 && pkt[0] >> 4 == 6;

		/* the kernel sends multicast of its own there */
		if (n > 0 && pkt[v6 ? 6 : 9] == IPPROTO_TCP && pkt[v6 ? 53 : 33] == 0x02)
			return n;
	}
	return -1;
}

START_TEST(a_syn_comes_back_to_the_listener)
{
	bool ipv6 = _i & 1, redirect = _i & 2;
	struct rig rig = rig_new_accel(true, redirect ? NET_ACCEL_REDIRECT : NET_ACCEL_TPROXY);
	int tun = rig.accel[NET_ACCEL_TUN],
	    listener = rig.accel[ipv6 ? NET_ACCEL_TCP6 : NET_ACCEL_TCP4], conn, on_gw;
	struct pollfd p = { .fd = listener, .events = POLLIN };
	uint8_t pkt[2048];
	char buf[8];
	union addr to, from, me;
	socklen_t len = far_away(ipv6, 8080, &to), got = sizeof(from);
	ssize_t n;

	conn = socket(to.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(conn, &to.sa, len), -1);
	ck_assert_int_eq(errno, EINPROGRESS);
	n = next_syn(tun, pkt, sizeof(pkt));
	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(poll(&p, 1, 50), 0); /* held: nobody answers */
	ck_assert_int_eq(write(tun, pkt, (size_t)n), n);
	ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
	on_gw = accept4(listener, &from.sa, &got, SOCK_CLOEXEC);
	ck_assert_int_ge(on_gw, 0);
	ck_assert_int_eq(getsockname(conn, &me.sa, &got), 0);
	ck_assert_int_eq(memcmp(&from, &me, got), 0);
	ck_assert_int_eq(getsockname(on_gw, &me.sa, &got), 0);
	if (redirect) {
		ck_assert_uint_eq(ntohs(me.in.sin_port), 7);
		ck_assert_int_eq(getsockopt(on_gw, ipv6 ? IPPROTO_IPV6 : IPPROTO_IP,
					    SO_ORIGINAL_DST, &me, &got),
				 0);
	}
	ck_assert_int_eq(memcmp(&to, &me, ipv6 ? len : offsetof(struct sockaddr_in, sin_zero)), 0);
	/* and it carries data, which bounce0 does not see */
	ck_assert_int_eq(send(conn, "ping", 4, 0), 4);
	ck_assert_int_eq(recv(on_gw, buf, sizeof(buf), 0), 4);
	ck_assert_int_eq(send(on_gw, "pong", 4, 0), 4);
	p.fd = conn;
	ck_assert_int_eq(poll(&p, 1, WAIT_MS), 1);
	ck_assert_int_eq(recv(conn, buf, sizeof(buf), 0), 4);
}
END_TEST

START_TEST(the_resolver_is_not_held)
{
	struct rig rig = rig_new_accel(true, NET_ACCEL_TPROXY);
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(53),
				  .sin_addr = rig.plan.dns };
	int conn = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(conn, (struct sockaddr *)&to, sizeof(to)), 0);
}
END_TEST

START_TEST(our_own_addresses_are_held_too)
{
	struct rig rig = rig_new_accel(false, NET_ACCEL_TPROXY);
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(80),
				  .sin_addr = rig.plan.gateway };
	int conn = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	uint8_t pkt[2048];

	ck_assert_int_eq(connect(conn, (struct sockaddr *)&to, sizeof(to)), -1);
	ck_assert_int_gt(next_syn(rig.accel[NET_ACCEL_TUN], pkt, sizeof(pkt)), 0);
}
END_TEST

/* in the gateway netns, as its agent: what is in the way of the first rung lowers it */
static void lowered(void (*spoil)(void), uint32_t tries, enum net_accel rung, const char *why)
{
	const bool off = rung == NET_ACCEL_OFF; /* then TCP goes to slirp0 */

	struct net_plan plan = make_plan(true);
	struct accel accel = { .tries = tries, .fds = { -1, -1, -1, -1, -1 } };
	struct err err = { 0 };
	int child, tap, dns[NET_DNS_SOCKS_MAX] = { -1, -1, -1, -1 };
	uint8_t mac[6];

	ck_assert(enter_namespaces());
	child = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	spoil();
	/* the other end of the veth never comes up: that alone fails */
	ck_assert_int_eq(gateway_setup(&plan, child, &tap, dns, mac, &accel, &err), -ETIMEDOUT);
	ck_assert_int_eq(accel.rung, rung);
	ck_assert_msg(strstr(accel.why.msg, why) != NULL, "%s", accel.why.msg);
	for (size_t i = 0; i < NET_ACCEL_FDS_MAX; i++)
		ck_assert_int_eq(accel.fds[i] == -1, off);
	ck_assert_int_eq(!!system("nft list ruleset 2>/dev/null | grep -q gw0"), off);
	ck_assert_int_eq(!!system("ip rule | grep -q ^109:"), off);
	ck_assert_int_eq(!!system("ip -6 rule | grep -q ^109:"), off);
	ck_assert_int_eq(system("ip rule | grep -q ^110:"), 0);
}

static void take_the_name(void)
{
	ck_assert_int_eq(system("ip link add bounce0 type veth peer name x0"), 0);
}

static void take_the_port(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(7) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
}

static void take_the_table(void)
{
	ck_assert_int_eq(system("nft add table inet rootless-supervisor 2>/dev/null"), 0);
}

static void take_the_last_rule(void)
{
	ck_assert_int_eq(system("ip -6 rule add pref 109 iif gw0 ipproto tcp lookup 204"), 0);
}

START_TEST(the_name_is_taken)
{
	lowered(take_the_name, BOTH, NET_ACCEL_OFF, "bounce0");
}
END_TEST

START_TEST(the_port_is_taken)
{
	lowered(take_the_port, BOTH, NET_ACCEL_OFF, "listener");
}
END_TEST

START_TEST(the_table_is_taken)
{
	lowered(take_the_table, BOTH, NET_ACCEL_OFF, "nf_tables: a table: File exists");
}
END_TEST

START_TEST(the_last_rule_is_taken)
{
	lowered(take_the_last_rule, _i ? BOTH : TPROXY, _i ? NET_ACCEL_REDIRECT : NET_ACCEL_OFF,
		"rule 109");
}
END_TEST

static void add_tests(TCase *c)
{
	tcase_set_timeout(c, 20);
	tcase_add_loop_test(c, a_syn_comes_back_to_the_listener, 0, 4);
	tcase_add_test(c, the_resolver_is_not_held);
	tcase_add_test(c, our_own_addresses_are_held_too);
	tcase_add_test(c, the_name_is_taken);
	tcase_add_test(c, the_port_is_taken);
	tcase_add_test(c, the_table_is_taken);
	tcase_add_loop_test(c, the_last_rule_is_taken, 0, 2);
}

int main(void)
{
	return run_suite("nsagent_accel", add_tests);
}
