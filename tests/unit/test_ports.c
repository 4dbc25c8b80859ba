// SPDX-License-Identifier: Apache-2.0
/* test_ports.c - the port table: specs, targets, sockets of the host */
#include "tests/unit/test_ports_rig.h"

#include <sys/resource.h>

static const struct target_row {
	const char *parent_ip, *child_ip;
	bool transparent, have_child_ip, have_child_ip6;
	const char *want[WORKER_TARGETS_MAX];
} target_rows[] = {
	{ "", "", true, true, false, { "10.0.2.100", "127.0.0.1" } },
	{ "127.0.0.1", "127.0.0.1", true, true, false, { "10.0.2.100", "127.0.0.1" } },
	{ "127.0.0.1", "::1", true, true, false, { "10.0.2.100", "::1" } },
	{ "127.0.0.1", "10.0.2.100", true, true, false, { "10.0.2.100" } },
	{ "127.0.0.1", "172.17.0.2", true, true, false, { "172.17.0.2" } },
	{ "127.0.0.5", "", true, true, false, { "10.0.2.100", "127.0.0.5" } },
	{ "::1", "", true, true, false, { "10.0.2.100", "::1" } },
	{ "", "", true, false, false, { "127.0.0.1" } },
	{ "", "", false, true, false, { "127.0.0.1" } },
	{ "127.0.0.1", "10.0.2.100", false, true, false, { "10.0.2.100" } },
	{ "127.0.0.5", "", false, true, false, { "127.0.0.5" } },
	{ "0.0.0.0", "", false, true, false, { "127.0.0.1" } },
	{ "::", "", false, true, false, { "::1" } },
	{ "::ffff:127.0.0.1", "", false, true, false, { "127.0.0.1" } },
	{ "", "", true, true, true, { "fd00::100", "10.0.2.100", "127.0.0.1" } },
	{ "::1", "", true, true, true, { "fd00::100", "10.0.2.100", "::1" } },
	{ "::1", "10.0.2.100", true, true, true, { "10.0.2.100" } },
	{ "", "", false, true, true, { "127.0.0.1" } },
};

/* with --port-loopback=no */
static const struct target_row no_loopback_rows[] = {
	{ "", "", true, true, false, { "10.0.2.100" } },
	{ "127.0.0.5", "", true, true, false, { "10.0.2.100" } },
	{ "127.0.0.1", "127.0.0.1", true, true, false, { "10.0.2.100" } },
	{ "127.0.0.1", "127.0.0.1", false, true, false, { "10.0.2.100" } },
	{ "127.0.0.1", "172.17.0.2", true, true, false, { "172.17.0.2" } },
	{ "::1", "", true, true, true, { "fd00::100", "10.0.2.100" } },
	{ "", "", false, true, true, { "fd00::100", "10.0.2.100" } },
};

static void check_targets(const struct target_row *row)
{
	struct worker_port p;
	int n = 0;

	start(row->transparent, row->have_child_ip, row->have_child_ip6);
	ck_assert_int_eq(add("tcp", row->parent_ip, free_port(), row->child_ip), 1);
	close(receive_add(&p));
	ck_assert_uint_eq(p.id, 1);
	ck_assert_uint_eq(p.protocol, IPPROTO_TCP);
	ck_assert_uint_eq(p.show_client, row->transparent);
	while (n < WORKER_TARGETS_MAX && row->want[n])
		n++;
	ck_assert_uint_eq(p.ntargets, n);
	for (int i = 0; i < n; i++) {
		char text[INET6_ADDRSTRLEN];

		inet_ntop(p.target[i].family, p.target[i].addr, text, sizeof(text));
		ck_assert_str_eq(text, row->want[i]);
		ck_assert_uint_eq(p.target[i].port, 80);
	}
	stop();
}

START_TEST(targets_are_tried_in_the_order_of_the_design)
{
	check_targets(&target_rows[_i]);
}
END_TEST

START_TEST(the_loopback_can_be_left_out)
{
	loopback_is_reached = false;
	check_targets(&no_loopback_rows[_i]);
	loopback_is_reached = true;
}
END_TEST

static const struct family_row {
	const char *proto, *parent_ip;
	bool v4, v6;
} family_rows[] = {
	{ "tcp", "", true, true },           { "tcp", "0.0.0.0", true, true },
	{ "tcp", "::", true, true },         { "tcp4", "", true, false },
	{ "tcp4", "0.0.0.0", true, false },  { "tcp4", "::", true, false },
	{ "tcp6", "", false, true },         { "tcp6", "::", false, true },
	{ "tcp", "127.0.0.1", true, false }, { "tcp", "::1", false, true },
};

START_TEST(the_families_are_those_of_the_protocol)
{
	const struct family_row *row = &family_rows[_i];
	int port = free_port(), fd, conn;
	struct worker_port p;

	start(true, true, false);
	ck_assert_int_eq(add(row->proto, row->parent_ip, port, ""), 1);
	fd = receive_add(&p);
	ck_assert_int_eq(try_connect("127.0.0.1", port), row->v4 ? 0 : ECONNREFUSED);
	ck_assert_int_eq(try_connect("::1", port), row->v6 ? 0 : ECONNREFUSED);
	conn = accept(fd, NULL, NULL); /* the duplicate is the same listener */
	ck_assert_int_ge(conn, 0);
	close(conn);
	close(fd);
	stop();
}
END_TEST

START_TEST(errors_have_the_words_of_go)
{
	int port = free_port();
	char want[256];

	start(true, true, false);
	ck_assert_int_eq(add("tcp4", "::1", port, ""), -EINVAL);
	ck_assert_str_eq(err.msg, "listen tcp4: address ::1: no suitable address found");
	ck_assert_int_eq(add("tcp6", "0.0.0.0", port, ""), -EINVAL);
	ck_assert_str_eq(err.msg, "listen tcp6: address 0.0.0.0: no suitable address found");
	ck_assert_int_eq(add("tcp6", "::ffff:127.0.0.1", port, ""), -EINVAL);
	ck_assert_int_eq(add("udp4", "::1", port, ""), -EINVAL);
	ck_assert_str_eq(err.msg, "address ::1: no suitable address found");
	ck_assert_int_eq(add("udp6", "0.0.0.0", port, ""), -EINVAL);
	ck_assert_int_eq(add("sctp", "", port, ""), -EPROTONOSUPPORT);
	ck_assert_str_eq(err.msg, "unsupported port protocol sctp");
	ck_assert_int_eq(add("tcp4", "0.0.0.0", port, ""), 1);
	ck_assert_int_eq(add("tcp4", "0.0.0.0", port, "10.0.2.100"), -EEXIST);
	ck_assert_str_eq(err.msg, "conflict with ID 1");
	ck_assert_int_eq(add("tcp", "::", port, ""), -EADDRINUSE);
	snprintf(want, sizeof(want), "listen tcp 0.0.0.0:%d: bind: address already in use", port);
	ck_assert_str_eq(err.msg, want);
	ck_assert_int_eq(add("tcp", "", port, ""), -EADDRINUSE);
	snprintf(want, sizeof(want), "listen tcp :%d: bind: address already in use", port);
	ck_assert_str_eq(err.msg, want);
	ck_assert_int_eq(add("tcp", "192.0.2.1", port, ""), -EADDRNOTAVAIL);
	snprintf(want, sizeof(want),
		 "listen tcp 192.0.2.1:%d: bind: cannot assign requested address", port);
	ck_assert_str_eq(err.msg, want);
	stop();
}
END_TEST

/* whether a datagram to @ip arrives at @fd, with the address that was hit */
static bool arrives(int fd, const char *ip, int port)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = in6.sin6_port };
	bool v6 = strchr(ip, ':');
	autoclose int out = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char control[256];
	struct msghdr m = { .msg_control = control, .msg_controllen = sizeof(control) };

	inet_pton(v6 ? AF_INET6 : AF_INET, ip, v6 ? (void *)&in6.sin6_addr : (void *)&in.sin_addr);
	sendto(out, "x", 1, 0, v6 ? (struct sockaddr *)&in6 : (struct sockaddr *)&in,
	       v6 ? sizeof(in6) : sizeof(in));
	if (recvmsg(fd, &m, MSG_DONTWAIT) < 0)
		return false;
	ck_assert_ptr_nonnull(CMSG_FIRSTHDR(&m));
	return true;
}

static const struct family_row udp_rows[] = {
	{ "udp", "", true, true },           { "udp", "0.0.0.0", true, true },
	{ "udp", "::", true, true },         { "udp4", "", true, false },
	{ "udp4", "0.0.0.0", true, false },  { "udp4", "::", true, false },
	{ "udp6", "", false, true },         { "udp6", "::", false, true },
	{ "udp", "127.0.0.1", true, false }, { "udp", "::1", false, true },
};

START_TEST(a_datagram_port_has_the_families_of_its_protocol)
{
	const struct family_row *row = &udp_rows[_i];
	int port = free_port(), fd, again;
	struct worker_port p;
	char want[256];

	start(true, true, false);
	ck_assert_int_eq(add(row->proto, row->parent_ip, port, ""), 1);
	fd = receive_add(&p);
	ck_assert_uint_eq(p.protocol, IPPROTO_UDP);
	ck_assert_int_eq(arrives(fd, "127.0.0.1", port), row->v4);
	ck_assert_int_eq(arrives(fd, "::1", port), row->v6);
	again = add(row->v4 ? "udp4" : "udp6", row->v4 ? "127.0.0.1" : "::1", port, "");
	ck_assert_int_eq(again, -EADDRINUSE);
	snprintf(want, sizeof(want), "listen udp%d %s:%d: bind: address already in use",
		 row->v4 ? 4 : 6, row->v4 ? "127.0.0.1" : "[::1]", port);
	ck_assert_str_eq(err.msg, want);
	close(fd);
	stop();
}
END_TEST

START_TEST(a_privileged_port_is_explained)
{
	struct port_spec s = spec_of("tcp4", "127.0.0.1", 1, "");
	uint32_t id;

	if (geteuid() == 0) /* the test runs in a process of its own */
		ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
	start(true, true, false);
	if (ports_add(table, &s, &id, &err) == -EACCES) { /* not where every port is free */
		ck_assert_ptr_nonnull(strstr(
			err.msg, "cannot expose privileged port 1, you can add "
				 "'net.ipv4.ip_unprivileged_port_start=1' to /etc/sysctl.conf "
				 "(currently "));
		ck_assert_ptr_nonnull(strstr(
			err.msg, "), or set CAP_NET_BIND_SERVICE on rootlesskit binary, or choose "
				 "a larger port number (>= "));
		ck_assert_ptr_nonnull(
			strstr(err.msg, "): listen tcp4 127.0.0.1:1: bind: permission denied"));
	}
	stop();
}
END_TEST

/* so many in a row that are free now; the sweep of tests beside this one may take one */
static int free_row(int n)
{
	for (int tries = 0; tries < 100; tries++) {
		int first = free_port(), i = 0;

		while (i < n && first + i <= 65535 && try_connect("127.0.0.1", first + i) != 0)
			i++;
		if (i == n)
			return first;
	}
	return 0;
}

START_TEST(a_range_is_one_entry_and_many_sockets)
{
	struct port_spec s = spec_of("tcp4", "127.0.0.1", free_row(300), "");
	struct worker_port p;
	int done = 0, fd = -1;
	uint32_t id = 0;
	struct msg m;

	start(true, true, false);
	s.more = 299;
	for (int tries = 0; tries < 20 && ports_add(table, &s, &id, &err) < 0; tries++)
		s.parent_port = free_row(300);
	ck_assert_uint_eq(id, 1);
	for (uint32_t i = 0; i < 300; i++) { /* more than the relay's socket holds */
		event_base_loop(base, EVLOOP_NONBLOCK);
		close(receive_add(&p));
		ck_assert_uint_eq(p.id, 1);
		ck_assert_uint_eq(p.part, i);
		ck_assert_uint_eq(p.target[0].port, 80 + i);
	}
	fd = add("tcp4", "127.0.0.1", s.parent_port + 299, "");
	ck_assert_int_eq(fd, -EEXIST);
	ck_assert_int_eq(try_connect("127.0.0.1", s.parent_port + 299), 0);
	ck_assert_int_eq(ports_remove(table, 1, 0, on_removed, &done, &err), 0);
	ck_assert_int_eq(msg_recv_within(relay, &worker_proto, ROLE_PARENT, WORKER_UP, 1000, &m),
			 1);
	ck_assert_int_eq(m.type, WORKER_PORT_REMOVE);
	ck_assert_int_eq(try_connect("127.0.0.1", s.parent_port + 299), ECONNREFUSED);
	ports_on_removed(table, 1);
	ck_assert_int_eq(done, 1);
	stop();
}
END_TEST

START_TEST(a_range_with_a_port_that_is_taken_takes_none)
{
	struct port_spec s = spec_of("tcp4", "127.0.0.1", 0, "");
	struct sockaddr_in in = { .sin_family = AF_INET };
	autoclose int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int port = free_row(3);
	struct msg m;
	uint32_t id;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in.sin_port = htons((uint16_t)(port + 2));
	ck_assert_int_eq(bind(taken, (struct sockaddr *)&in, sizeof(in)), 0);
	ck_assert_int_eq(listen(taken, 1), 0);
	start(true, true, false);
	s.parent_port = port;
	s.more = 2;
	ck_assert_int_eq(ports_add(table, &s, &id, &err), -EADDRINUSE);
	ck_assert_int_eq(try_connect("127.0.0.1", port), ECONNREFUSED);
	ck_assert_int_eq(msg_recv(relay, &worker_proto, ROLE_PARENT, WORKER_UP, MSG_DONTWAIT, &m),
			 -EAGAIN);
	stop();
}
END_TEST

START_TEST(port_0_is_one_that_is_free)
{
	struct port_spec s = spec_of("tcp4", "127.0.0.1", 0, ""), again = s;
	uint32_t id;

	start(true, true, false);
	ck_assert_int_eq(ports_add(table, &s, &id, &err), -EINVAL); /* upstream's rules */
	ck_assert_str_eq(err.msg, "invalid ParentPort: '\\x00'");
	stop();
	rules = PORT_RULES_OURS;
	start(true, true, false);
	ck_assert_int_eq(ports_add(table, &s, &id, &err), 0);
	ck_assert_int_eq(ports_add(table, &again, &id, &err), 0);
	ck_assert_int_ne(s.parent_port, again.parent_port);
	ck_assert_int_eq(try_connect("127.0.0.1", s.parent_port), 0);
	ck_assert_int_eq(try_connect("127.0.0.1", again.parent_port), 0);
	stop();
}
END_TEST

START_TEST(the_backlog_is_the_hosts)
{
	FILE *f = fopen("/proc/sys/net/core/somaxconn", "re");
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);
	struct worker_port p;
	unsigned want = 0;
	int fd;

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%u", &want), 1);
	fclose(f);
	start(true, true, false);
	ck_assert_int_eq(add("tcp4", "127.0.0.1", free_port(), ""), 1);
	fd = receive_add(&p);
	ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
	ck_assert_uint_eq(info.tcpi_sacked, want < UINT16_MAX ? want : UINT16_MAX);
	close(fd);
	stop();
}
END_TEST

static int nothing_start(struct event_base *b, const struct port_env *e, struct port_run **ret,
			 struct err *x)
{
	(void)b;
	(void)e;
	(void)ret;
	(void)x;
	return 0;
}

static int nothing_add(struct port_run *run, uint32_t id, struct port_spec *s, struct err *x)
{
	(void)run;
	(void)id;
	(void)s;
	(void)x;
	return 0;
}

static void nothing_stop(struct port_run *run)
{
	(void)run;
}

START_TEST(the_table_is_bounded)
{
	static const struct port_driver nothing = { .name = "nothing",
						    .parent_start = nothing_start,
						    .parent_add = nothing_add,
						    .parent_stop = nothing_stop };

	base = event_base_new();
	ck_assert_int_eq(ports_new(base, &nothing, &env, &table, &err), 0);
	for (int i = 1; i <= PORTS_MAX; i++)
		ck_assert_int_eq(add("tcp", "", i, ""), i);
	ck_assert_int_eq(add("tcp", "", PORTS_MAX + 1, ""), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(err.msg, "at most 4096"));
	ports_free(table);
	event_base_free(base);
}
END_TEST

/* the relay has no more descriptors than we: with all of them in listeners it would serve nobody */
START_TEST(few_descriptors_mean_few_ports)
{
	const struct rlimit few = { 200, 200 };
	struct port_spec s = spec_of("tcp", "127.0.0.1", free_port(), "");

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	rules = PORT_RULES_OURS;
	start(true, true, false);
	for (int i = 1; i <= 200 / PORTS_SHARE; i++)
		ck_assert_int_eq(add("tcp", "127.0.0.1", 0, ""), i);
	ck_assert_int_eq(add("tcp", "127.0.0.1", 0, ""), -ENOSPC);
	ck_assert_str_eq(err.msg, "no room for another port: at most 50 can be published at a "
				  "time, remove one first, or raise the limit of open files "
				  "(ulimit -n)");
	s.more = 1;
	ck_assert_int_eq(ports_add(table, &s, &(uint32_t){ 0 }, &err), -ENOSPC);
	stop();
}
END_TEST

START_TEST(a_spec_is_described_as_go_prints_it)
{
	struct port_spec s = spec_of("tcp", "127.0.0.1", 8080, "");
	char text[PORTS_DESCRIBE_MAX];

	ck_assert_str_eq(ports_describe(&s, text), "{tcp 127.0.0.1 8080 80 }");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ports");
	TCase *c = tcase_create("ports");
	SRunner *r = srunner_create(s);
	int failed;

	own_netns();
	suite_add_tcase(s, c);
	tcase_set_timeout(c, 20);
	tcase_add_loop_test(c, targets_are_tried_in_the_order_of_the_design, 0,
			    ARRAY_SIZE(target_rows));
	tcase_add_loop_test(c, the_loopback_can_be_left_out, 0, ARRAY_SIZE(no_loopback_rows));
	tcase_add_loop_test(c, the_families_are_those_of_the_protocol, 0, ARRAY_SIZE(family_rows));
	tcase_add_loop_test(c, a_datagram_port_has_the_families_of_its_protocol, 0,
			    ARRAY_SIZE(udp_rows));
	tcase_add_test(c, errors_have_the_words_of_go);
	tcase_add_test(c, a_privileged_port_is_explained);
	tcase_add_test(c, a_range_is_one_entry_and_many_sockets);
	tcase_add_test(c, a_range_with_a_port_that_is_taken_takes_none);
	tcase_add_test(c, port_0_is_one_that_is_free);
	tcase_add_test(c, the_backlog_is_the_hosts);
	tcase_add_test(c, the_table_is_bounded);
	tcase_add_test(c, few_descriptors_mean_few_ports);
	tcase_add_test(c, a_spec_is_described_as_go_prints_it);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
