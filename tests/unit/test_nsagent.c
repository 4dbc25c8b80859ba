// SPDX-License-Identifier: Apache-2.0
/* test_nsagent.c - what the agents hand out, refuse and give up, how they fail and how they end */
#include <sys/socket.h>

#include "lib/nsagent/gateway.h"
#include "tests/unit/nsagent_rig.h"

START_TEST(sockets_come_in_batches_from_the_own_netns)
{
	struct rig rig = rig_new(false);
	struct nsagent_sockets req = { AF_INET6, SOCK_STREAM, MSG_FDS_MAX, 0 };
	uint64_t cookie[2];
	socklen_t len = sizeof(cookie[0]);
	struct msg m;

	for (int k = 0; k < NSAGENT_NKINDS; k++) {
		ck_assert_int_eq(
			msg_send(rig.relay[k], &nsagent_proto, NSAGENT_SOCKETS_REQ, &req, NULL, 0),
			0);
		recv_within(rig.relay[k], NSAGENT_UP, &m);
		ck_assert_int_eq(m.type, NSAGENT_SOCKETS_ANS);
		ck_assert_uint_eq(m.nfds, MSG_FDS_MAX);
		ck_assert_int_eq(
			getsockopt(m.fds[0], SOL_SOCKET, SO_NETNS_COOKIE, &cookie[k], &len), 0);
		for (size_t i = 0; i < m.nfds; i++) {
			uint64_t c = 0;

			ck_assert_int_eq(
				getsockopt(m.fds[i], SOL_SOCKET, SO_NETNS_COOKIE, &c, &len), 0);
			ck_assert_uint_eq(c, cookie[k]);
			ck_assert(fcntl(m.fds[i], F_GETFL) & O_NONBLOCK);
			ck_assert(fcntl(m.fds[i], F_GETFD) & FD_CLOEXEC);
		}
		msg_close_fds(&m);
	}
	ck_assert_uint_ne(cookie[0], cookie[1]);
	len = sizeof(cookie[1]);
	ck_assert_int_eq(getsockopt(rig.dns, SOL_SOCKET, SO_NETNS_COOKIE, &cookie[0], &len), 0);
	ck_assert_uint_eq(cookie[0], cookie[GATEWAY]);
}
END_TEST

START_TEST(a_detached_netns_is_entered)
{
	struct rig rig = { .plan = make_plan(false) };
	struct nsagent_sockets req = { AF_INET, SOCK_DGRAM, 1, 0 };
	struct sockaddr_in loopback = { .sin_family = AF_INET, .sin_port = htons(9) };
	uint64_t want, got;
	socklen_t len = sizeof(want);
	struct msg m;
	int fd, netns;

	ck_assert(enter_namespaces());
	netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &want, &len), 0);
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	start_agent_for(&rig, NSAGENT_CHILD, netns);
	configure(&rig, NSAGENT_CHILD, NSAGENT_SETUP_LO);
	recv_within(rig.parent[CHILD], NSAGENT_STARTING, &m);
	ck_assert_int_eq(m.type, NSAGENT_READY);
	ck_assert_int_eq(
		msg_send(rig.relay[CHILD], &nsagent_proto, NSAGENT_SOCKETS_REQ, &req, NULL, 0), 0);
	recv_within(rig.relay[CHILD], NSAGENT_UP, &m);
	ck_assert_uint_eq(m.nfds, 1);
	ck_assert_int_eq(getsockopt(m.fds[0], SOL_SOCKET, SO_NETNS_COOKIE, &got, &len), 0);
	ck_assert_uint_eq(got, want);
	/* and its loopback is up */
	loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&loopback, sizeof(loopback)), 0);
	ck_assert_int_eq(send(fd, "x", 1, 0), 1);
}
END_TEST

static const struct nsagent_sockets malformed[] = {
	{ AF_UNIX, SOCK_STREAM, 1, 0 },         { AF_INET, SOCK_RAW, 1, 0 },
	{ AF_PACKET, SOCK_DGRAM, 1, 0 },        { AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 1, 0 },
	{ AF_INET, SOCK_STREAM, 0, 0 },         { AF_INET, SOCK_STREAM, MSG_FDS_MAX + 1, 0 },
	{ AF_INET, SOCK_DGRAM, UINT16_MAX, 0 }, { AF_INET, SOCK_DGRAM, 1, EMFILE },
	{ AF_NETLINK, SOCK_RAW, 2, 0 },         { AF_NETLINK, SOCK_DGRAM, 1, 0 },
	{ AF_INET, SOCK_STREAM, 1, 0, 2, 0 },   { AF_INET, SOCK_STREAM, 1, 0, 1, 1 },
	{ AF_NETLINK, SOCK_RAW, 1, 0, 1, 0 },
};

static void expect_exit(pid_t pid, int status)
{
	int got = -1;

	ck_assert_int_eq(waitpid(pid, &got, 0), pid);
	ck_assert(WIFEXITED(got));
	ck_assert_int_eq(WEXITSTATUS(got), status);
}

START_TEST(a_malformed_request_drops_the_relay_only)
{
	struct rig rig = { .plan = make_plan(false) };
	struct msg m;

	ck_assert(enter_namespaces());
	start_agent(&rig, NSAGENT_CHILD);
	configure(&rig, NSAGENT_CHILD, NSAGENT_SETUP_LO);
	recv_within(rig.parent[CHILD], NSAGENT_STARTING, &m);
	ck_assert_int_eq(m.type, NSAGENT_READY);
	ck_assert_int_eq(msg_send(rig.relay[CHILD], &nsagent_proto, NSAGENT_SOCKETS_REQ,
				  &malformed[_i], NULL, 0),
			 0);
	ck_assert_int_eq(msg_recv_within(rig.relay[CHILD], &nsagent_proto, ROLE_NSAGENT, NSAGENT_UP,
					 WAIT_MS, &m),
			 0);
	ck_assert_int_eq(waitpid(rig.pid[CHILD], NULL, WNOHANG), 0);
	close(rig.parent[CHILD]);
	expect_exit(rig.pid[CHILD], EXIT_SUCCESS);
}
END_TEST

START_TEST(the_end_of_the_parent_ends_both)
{
	struct rig rig = rig_new(false);

	for (int k = 0; k < NSAGENT_NKINDS; k++) {
		close(rig.relay[k]);
		ck_assert_int_eq(waitpid(rig.pid[k], NULL, WNOHANG), 0);
		close(rig.parent[k]);
		expect_exit(rig.pid[k], EXIT_SUCCESS);
	}
}
END_TEST

START_TEST(a_parent_that_dies_early_ends_the_agent)
{
	struct rig rig = { .plan = make_plan(false) };

	ck_assert(enter_namespaces());
	start_agent(&rig, NSAGENT_GATEWAY);
	close(rig.parent[GATEWAY]);
	expect_exit(rig.pid[GATEWAY], EXIT_FAILURE);
}
END_TEST

/* the gateway says FAILED, and how, and ends */
static void expect_gateway_fails(struct rig *rig, const char *text)
{
	struct err err;
	struct msg m;

	start_agent(rig, NSAGENT_GATEWAY);
	configure(rig, NSAGENT_GATEWAY, NSAGENT_SETUP_VETH);
	recv_within(rig->parent[GATEWAY], NSAGENT_STARTING, &m);
	ck_assert_int_eq(m.type, NSAGENT_FAILED);
	memcpy(&err, m.payload, sizeof(err));
	ck_assert_int_gt(err.code, 0);
	ck_assert_ptr_nonnull(strstr(err.msg, text));
	expect_exit(rig->pid[GATEWAY], EXIT_FAILURE);
}

START_TEST(a_missing_tun_device_is_told_with_a_hint)
{
	struct rig rig = { .plan = make_plan(false) };

	ck_assert(enter_namespaces());
	ck_assert_int_eq(mount("none", "/dev/net", "tmpfs", 0, NULL), 0);
	expect_gateway_fails(&rig,
			     "opening /dev/net/tun: No such file or directory\nTUN_MISSING: ");
}
END_TEST

START_TEST(a_read_only_sysctl_is_named)
{
	struct rig rig = { .plan = make_plan(false) };

	ck_assert(enter_namespaces());
	ck_assert_int_eq(mount("/proc/sys", "/proc/sys", NULL, MS_BIND, NULL), 0);
	ck_assert_int_eq(mount(NULL, "/proc/sys", NULL,
			       MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
			       NULL),
			 0);
	expect_gateway_fails(&rig, "/proc/sys/net/ipv4/ip_forward");
}
END_TEST

/* the settings of an interface come from those that were written before it was made */
START_TEST(the_interfaces_have_the_settings_of_the_recipe)
{
	static const struct {
		const char *name, *value;
	} want[] = {
		{ "ipv4/ip_forward", "1\n" },
		{ "ipv4/conf/gw0/forwarding", "1\n" },
		{ "ipv4/conf/slirp0/forwarding", "1\n" },
		{ "ipv4/conf/gw0/rp_filter", "0\n" },
		{ "ipv4/conf/slirp0/rp_filter", "0\n" },
		{ "ipv4/conf/gw0/send_redirects", "0\n" },
		{ "ipv4/conf/slirp0/send_redirects", "0\n" },
		{ "ipv4/conf/gw0/accept_local", "0\n" },
		{ "ipv4/conf/slirp0/accept_local", "1\n" },
		{ "ipv6/conf/gw0/disable_ipv6", "1\n" },
		{ "ipv6/conf/slirp0/disable_ipv6", "1\n" },
	};
	struct rig rig = { .plan = make_plan(false) };
	struct err err = { 0 };
	int child, tap, dns[NET_DNS_SOCKS_MAX] = { -1, -1, -1, -1 };
	uint8_t mac[6];

	ck_assert(enter_namespaces());
	child = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	start_agent(&rig, NSAGENT_CHILD);
	configure(&rig, NSAGENT_CHILD, NSAGENT_SETUP_VETH);
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	ck_assert_int_eq(gateway_setup(&rig.plan, child, &tap, dns, mac, NULL, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		autofree char *value = NULL;
		char path[96];

		str_format(path, sizeof(path), "/proc/sys/net/%s", want[i].name);
		ck_assert_int_gt(fd_read_file(AT_FDCWD, path, 32, &value), 0);
		ck_assert_msg(strcmp(value, want[i].value) == 0, "%s is %s", path, value);
	}
}
END_TEST

START_TEST(few_rights_are_left)
{
	static const char *const want[] = {
		"CapPrm:\t0000000000003400\n",
		"CapEff:\t0000000000003400\n",
		"CapBnd:\t0000000000003400\n",
		"CapInh:\t0000000000000000\n",
		"NoNewPrivs:\t1\n",
	};
	struct rig rig = rig_new(false);

	for (int k = 0; k < NSAGENT_NKINDS; k++) {
		autofree char *status = NULL;
		char path[64];

		str_format(path, sizeof(path), "/proc/%d/status", rig.pid[k]);
		ck_assert_int_gt(fd_read_file(AT_FDCWD, path, 8192, &status), 0);
		for (size_t i = 0; i < ARRAY_SIZE(want); i++)
			ck_assert_msg(strstr(status, want[i]) != NULL, "%s in %s", want[i], status);
		/* the child's root cannot reach into it */
		str_format(path, sizeof(path), "/proc/%d/ns/net", rig.pid[k]);
		ck_assert_int_lt(open(path, O_RDONLY | O_CLOEXEC), 0);
	}
}
END_TEST

static void add_tests(TCase *c)
{
	tcase_add_test(c, sockets_come_in_batches_from_the_own_netns);
	tcase_add_test(c, a_detached_netns_is_entered);
	tcase_add_loop_test(c, a_malformed_request_drops_the_relay_only, 0, ARRAY_SIZE(malformed));
	tcase_add_test(c, the_end_of_the_parent_ends_both);
	tcase_add_test(c, a_parent_that_dies_early_ends_the_agent);
	tcase_add_test(c, a_missing_tun_device_is_told_with_a_hint);
	tcase_add_test(c, a_read_only_sysctl_is_named);
	tcase_add_test(c, the_interfaces_have_the_settings_of_the_recipe);
	tcase_add_test(c, few_rights_are_left);
}

int main(void)
{
	return run_suite("nsagent", add_tests);
}
