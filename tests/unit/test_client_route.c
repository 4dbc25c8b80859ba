// SPDX-License-Identifier: Apache-2.0
/* test_client_route.c - which clients the child answers by the gateway, asked of a real table */
#include <fcntl.h>
#include <poll.h>

#include "lib/base/fd.h"
#include "lib/ipc/worker.h"
#include "lib/nsagent/netlink.h"
#include "lib/relay/clientroute.h"
#include "lib/relay/source.h"
#include "tests/unit/nsagent_rig.h"

static struct rig rig;
static struct loop loop;
static struct sockpool child, gateway;
static struct sources sources;
static struct err err;

static void start(void)
{
	rig = rig_new_accel(true, NET_ACCEL_TPROXY);
	ck_assert_int_eq(loop_init(&loop), 0);
	/* sockets of both are refused where they come from our own netns: the relay's is another */
	ck_assert_int_eq(sockpool_init(&child, &loop, "child", rig.relay[CHILD], 2, &err), 0);
	ck_assert_int_eq(sockpool_init(&gateway, &loop, "gateway", rig.relay[GATEWAY], 2, &err), 0);
	child.own_cookie = gateway.own_cookie = 1; /* this test lives in the child's */
	sources_init(&sources, &loop, &child, &gateway, false, &rig.plan);
	for (int i = 0; i < 100 && sources.routes.watch.fd < 0; i++)
		ck_assert_int_eq(loop_once(&loop, WAIT_MS), 0);
	ck_assert_int_ge(sources.routes.watch.fd, 0);
}

static union sock_addr address(const char *text)
{
	union sock_addr a = { 0 };

	if (inet_pton(AF_INET, text, &a.in.sin_addr) == 1) {
		a.in.sin_family = AF_INET;
	} else {
		ck_assert_int_eq(inet_pton(AF_INET6, text, &a.in6.sin6_addr), 1);
		a.in6.sin6_family = AF_INET6;
	}
	a.in.sin_port = htons(5000);
	return a;
}

static bool by_gateway(const char *text)
{
	union sock_addr a = address(text);

	return clientroute_is_back(&sources.routes, &a, IPPROTO_TCP);
}

/* what the kernel has told meanwhile */
static void settle(void)
{
	struct pollfd p = { sources.routes.watch.fd, POLLIN, 0 };

	while (poll(&p, 1, 0) == 1)
		ck_assert_int_eq(loop_once(&loop, 0), 0);
}

START_TEST(the_table_says_who_is_far)
{
	start();
	for (int i = 0; i < 2; i++) { /* asked, and remembered */
		ck_assert(by_gateway("192.0.2.9"));
		ck_assert(by_gateway("10.0.3.1"));
		ck_assert(by_gateway("2001:db8::9"));
		ck_assert(!by_gateway("10.0.2.77")); /* on-link */
		ck_assert(!by_gateway("10.0.2.100"));
		ck_assert(!by_gateway("10.0.2.2"));
		ck_assert(!by_gateway("10.0.2.255"));
		ck_assert(!by_gateway("fd00::77"));
		ck_assert(!by_gateway("fd00::100"));
		ck_assert(!by_gateway("127.0.0.1"));
		ck_assert(!by_gateway("0.0.0.0"));
		ck_assert(!by_gateway("224.0.0.1"));
		ck_assert(!by_gateway("255.255.255.255"));
		ck_assert(!by_gateway("::1"));
		ck_assert(!by_gateway("fe80::1"));
		ck_assert(!by_gateway("ff02::1"));
		ck_assert(!by_gateway("::ffff:192.0.2.9"));
	}
}
END_TEST

START_TEST(a_change_is_heard)
{
	struct netlink *nl = NULL;
	struct netlink_ip ip = { .family = AF_INET, .prefix = 24, .addr = { 192, 0, 2, 1 } };
	union sock_addr silent = address("198.51.100.1");

	start();
	ck_assert(by_gateway("192.0.2.9"));
	ck_assert(by_gateway("198.51.100.1"));
	clientroute_is_silent(&sources.routes, &silent, IPPROTO_TCP);
	ck_assert(!by_gateway("198.51.100.1"));
	ck_assert_int_eq(netlink_new(&nl, &err), 0);
	ck_assert_int_eq(netlink_addr_add(nl, "lo", &ip, &err), 0);
	settle();
	ck_assert(!by_gateway("192.0.2.9"));
	ck_assert(by_gateway("198.51.100.1"));
	netlink_free(nl);
}
END_TEST

START_TEST(more_changes_than_fit_are_survived)
{
	struct netlink *nl = NULL;
	int small = 1;

	start();
	ck_assert_int_eq(
		setsockopt(sources.routes.watch.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)),
		0);
	ck_assert(by_gateway("192.0.2.9"));
	ck_assert_int_eq(netlink_new(&nl, &err), 0);
	for (uint8_t i = 1; i < 30; i++) {
		struct netlink_ip ip = { .family = AF_INET,
					 .prefix = 24,
					 .addr = { 192, 0, i, 1 } };

		ck_assert_int_eq(netlink_addr_add(nl, "lo", &ip, &err), 0);
	}
	ck_assert(!by_gateway("192.0.2.9") || (settle(), !by_gateway("192.0.2.9")));
	settle();
	ck_assert(by_gateway("192.0.99.9"));
	netlink_free(nl);
}
END_TEST

START_TEST(a_source_for_each_client_and_target)
{
	struct worker_port spec = {
		.ntargets = 3,
		.show_client = 1,
		.target = { { .family = AF_INET6, .port = 80 },
			    { .family = AF_INET, .port = 80 },
			    { .family = AF_INET, .port = 80, .addr = { 127, 0, 0, 1 } } }
	};
	union sock_addr far, far6, near;

	start();
	far = address("192.0.2.9");
	far6 = address("2001:db8::9");
	near = address("10.0.2.77");
	memcpy(spec.target[0].addr, &rig.plan.address6, sizeof(rig.plan.address6));
	memcpy(spec.target[1].addr, &rig.plan.address, sizeof(rig.plan.address));
	ck_assert_int_eq(source_first(&sources, &spec, &far, &spec.target[1]), SOURCE_CLIENT);
	ck_assert_int_eq(source_first(&sources, &spec, &far, &spec.target[0]), SOURCE_GATEWAY);
	ck_assert_int_eq(source_first(&sources, &spec, &far, &spec.target[2]), SOURCE_CHILD);
	ck_assert_int_eq(source_first(&sources, &spec, &far6, &spec.target[0]), SOURCE_CLIENT);
	ck_assert_int_eq(source_first(&sources, &spec, &near, &spec.target[1]), SOURCE_GATEWAY);
	ck_assert_uint_eq(source_target(&sources, &spec, &far6), 0);
	ck_assert_uint_eq(source_target(&sources, &spec, &far), 1);
	ck_assert_uint_eq(source_target(&sources, &spec, &near), 1);
	spec.show_client = 0;
	ck_assert_int_eq(source_first(&sources, &spec, &far, &spec.target[1]), SOURCE_CHILD);
	ck_assert_uint_eq(source_target(&sources, &spec, &far6), 1);
}
END_TEST

static void bridge_up(void)
{
	const autoclose int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	const struct netlink_veth v = {
		.name = "br0", .peer_name = "br1", .peer_netns = here, .mtu = 1500, .ifindex = 77
	};
	const struct netlink_ip ip = { .family = AF_INET, .prefix = 24, .addr = { 172, 17, 0, 1 } };
	const struct netlink_ip ip6 = { .family = AF_INET6,
					.prefix = 64,
					.addr = { 0xfd, 17, [15] = 1 } };
	struct netlink *nl = NULL;

	ck_assert_int_ge(here, 0);
	ck_assert_int_eq(netlink_new(&nl, &err), 0);
	ck_assert_msg(netlink_veth_add(nl, &v, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(netlink_link_up(nl, "br1", 0, &err), 0);
	ck_assert_int_eq(netlink_addr_add(nl, "br0", &ip, &err), 0);
	ck_assert_int_eq(netlink_addr_add(nl, "br0", &ip6, &err), 0);
	netlink_free(nl);
}

static struct net_addr target(const char *text)
{
	const union sock_addr a = address(text);
	struct net_addr t;

	addr_from_sock(&a, &t);
	return t;
}

static enum source to(const char *client, const char *server)
{
	union sock_addr from = address(client);
	struct worker_port spec = { .ntargets = 1, .show_client = 1, .target = { target(server) } };

	spec.protocol = IPPROTO_TCP;
	return source_first(&sources, &spec, &from, &spec.target[0]);
}

START_TEST(a_server_behind_the_child_sees_its_client)
{
	const struct worker_port spec = { .ntargets = 1, .show_client = 1 };
	const struct net_addr own = target("10.0.2.100"), container = target("172.17.0.2");

	start();
	bridge_up();
	settle();
	ck_assert_int_eq(fd_write_file(AT_FDCWD, "/proc/sys/net/ipv4/ip_forward", "0"), 0);
	ck_assert_int_eq(to("192.0.2.9", "172.17.0.2"), SOURCE_CHILD); /* it does not forward */
	ck_assert_int_eq(fd_write_file(AT_FDCWD, "/proc/sys/net/ipv4/ip_forward", "1"), 0);
	for (int i = 0; i < 2; i++) { /* asked, and remembered */
		ck_assert_int_eq(to("192.0.2.9", "172.17.0.3"), SOURCE_CLIENT);
		ck_assert_int_eq(to("2001:db8::9", "fd11::3"), SOURCE_CLIENT);
		ck_assert_int_eq(to("2001:db8::9", "172.17.0.3"), SOURCE_CHILD);
		ck_assert_int_eq(to("172.17.0.9", "172.17.0.3"),
				 SOURCE_CHILD); /* answers stay there */
		ck_assert_int_eq(to("192.0.2.9", "172.17.0.1"),
				 SOURCE_CHILD);                               /* the bridge's own */
		ck_assert_int_eq(to("192.0.2.9", "192.0.2.8"), SOURCE_CHILD); /* by the gateway */
		ck_assert_int_eq(to("192.0.2.9", "10.0.2.2"), SOURCE_CHILD);
		ck_assert_int_eq(to("192.0.2.9", "10.0.2.3"), SOURCE_CHILD);
		ck_assert_int_eq(to("2001:db8::9", "fd00::3"), SOURCE_CHILD);
		ck_assert_int_eq(to("192.0.2.9", "127.0.0.1"), SOURCE_CHILD);
	}
	ck_assert_int_eq(source_next(&sources, &spec, &own, SOURCE_CLIENT), SOURCE_GATEWAY);
	ck_assert_int_eq(source_next(&sources, &spec, &own, SOURCE_GATEWAY), SOURCE_CHILD);
	ck_assert_int_eq(source_next(&sources, &spec, &container, SOURCE_CLIENT), SOURCE_CHILD);
}
END_TEST

static int told;

static void on_told(struct sockpool_wait *w, int fd)
{
	(void)w;
	told = fd;
}

/* a machine that stands still stops both */
START_TEST(who_was_stopped_as_well_gives_the_agent_time)
{
	struct sockpool_wait wait = { .on_socket = on_told };
	struct sockpool pool;
	int pair[2];

	ck_assert_int_eq(loop_init(&loop), 0);
	ck_assert_int_eq(msg_pair(pair), 0);
	ck_assert_int_eq(sockpool_init(&pool, &loop, "nowhere", pair[0], 2, &err), 0);
	ck_assert_int_eq(sockpool_take(&pool, AF_INET, SOCK_STREAM, &wait), -EAGAIN);
	pool.answer.due_ms -= 5000;
	ck_assert_int_eq(loop_once(&loop, 0), 0);
	ck_assert_int_eq(told, 0);
	for (int i = 0; i < 100 && !told; i++) { /* a busy machine may be late once more */
		pool.answer.due_ms = clock_ms();
		ck_assert_int_eq(loop_once(&loop, 0), 0);
	}
	ck_assert_int_eq(told, -ETIMEDOUT);
	sockpool_done(&pool);
}
END_TEST

static void expect_request(int agent)
{
	struct msg m;

	ck_assert_int_eq(
		msg_recv_within(agent, &nsagent_proto, ROLE_RELAY, NSAGENT_UP, WAIT_MS, &m), 1);
	ck_assert_uint_eq(m.type, NSAGENT_SOCKETS_REQ);
	ck_assert_int_eq(msg_recv(agent, &nsagent_proto, ROLE_RELAY, NSAGENT_UP, MSG_DONTWAIT, &m),
			 -EAGAIN);
}

static void send_socket(int agent)
{
	const struct nsagent_sockets ans = { .family = AF_INET,
					     .socktype = SOCK_STREAM,
					     .count = 1 };
	autoclose int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(msg_send(agent, &nsagent_proto, NSAGENT_SOCKETS_ANS, &ans, &fd, 1), 0);
}

static void send_again(int agent)
{
	ck_assert_int_eq(
		msg_send(agent, &nsagent_proto, NSAGENT_AGAIN, &(struct msg_empty){ 0 }, NULL, 0),
		0);
}

/* the agent has died with the request; or with the answer on its way, then two come */
START_TEST(a_spare_that_took_over_is_asked_again)
{
	struct sockpool_wait wait = { .on_socket = on_told }, other = wait;
	struct sockpool pool;
	int pair[2];

	told = 0;
	ck_assert_int_eq(loop_init(&loop), 0);
	ck_assert_int_eq(msg_pair(pair), 0);
	ck_assert_int_eq(sockpool_init(&pool, &loop, "nowhere", pair[0], 1, &err), 0);
	pool.own_cookie = 1;
	ck_assert_int_eq(sockpool_take(&pool, AF_INET, SOCK_STREAM, &wait), -EAGAIN);
	expect_request(pair[1]);
	send_again(pair[1]);
	ck_assert_int_eq(loop_once(&loop, WAIT_MS), 0);
	expect_request(pair[1]);
	for (int i = 0; i < 2; i++) {
		send_socket(pair[1]);
		ck_assert_int_eq(loop_once(&loop, WAIT_MS), 0);
		ck_assert_int_gt(told, 0);
	}
	ck_assert_int_eq(pool.agent, pair[0]);
	while (sockpool_take(&pool, AF_INET, SOCK_STREAM, &other) >= 0)
		;
	send_again(pair[1]); /* there is no third */
	ck_assert_int_eq(loop_once(&loop, WAIT_MS), 0);
	ck_assert_int_eq(told, -EPIPE);
	ck_assert_int_eq(pool.agent, -1);
	sockpool_done(&pool);
}
END_TEST

static void add_tests(TCase *c)
{
	tcase_add_test(c, the_table_says_who_is_far);
	tcase_add_test(c, a_change_is_heard);
	tcase_add_test(c, more_changes_than_fit_are_survived);
	tcase_add_test(c, a_source_for_each_client_and_target);
	tcase_add_test(c, a_server_behind_the_child_sees_its_client);
	tcase_add_test(c, who_was_stopped_as_well_gives_the_agent_time);
	tcase_add_test(c, a_spare_that_took_over_is_asked_again);
}

int main(void)
{
	return run_suite("client_route", add_tests);
}
