/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nsagent_rig.h - both agents at work in namespaces of the test, which plays parent and child
 *
 * Call from a process of its own (check forks one for each test): it becomes root of a new user
 * namespace and lives in the child's netns.
 */
#ifndef RK_TESTS_NSAGENT_RIG_H
#define RK_TESTS_NSAGENT_RIG_H

#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/loop.h"
#include "lib/base/options.h"
#include "lib/base/str.h"
#include "lib/nsagent/nsagent.h"

#define WAIT_MS 10000
#define SKIP 77

enum { CHILD = NSAGENT_CHILD, GATEWAY = NSAGENT_GATEWAY };

struct rig {
	struct net_plan plan;
	int parent[NSAGENT_NKINDS], relay[NSAGENT_NKINDS]; /* our ends */
	pid_t pid[NSAGENT_NKINDS];
	int tap, dns, dns_tcp, dns6, dns6_tcp;
	uint8_t tap_mac[6];
	enum net_accel want; /* the only one asked of the gateway's agent */
	int accel[NET_ACCEL_FDS_MAX];
	struct nsagent_ready ready; /* of the gateway */
};

static inline struct net_plan make_plan(bool ipv6)
{
	struct net_plan p = { .ifname = "tap0", .mtu = 65520, .prefix = 24, .prefix6 = 64 };

	p.ipv6 = ipv6;
	inet_pton(AF_INET, "10.0.2.0", &p.network);
	inet_pton(AF_INET, "10.0.2.100", &p.address);
	inet_pton(AF_INET, "10.0.2.2", &p.gateway);
	inet_pton(AF_INET, "10.0.2.3", &p.dns);
	inet_pton(AF_INET6, "fd00::", &p.network6);
	inet_pton(AF_INET6, "fd00::100", &p.address6);
	inet_pton(AF_INET6, "fd00::2", &p.gateway6);
	inet_pton(AF_INET6, "fd00::3", &p.dns6);
	return p;
}

static inline bool enter_namespaces(void)
{
	char uids[32], gids[32];

	str_format(uids, sizeof(uids), "0 %u 1", geteuid());
	str_format(gids, sizeof(gids), "0 %u 1", getegid());
	return unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) == 0 &&
	       fd_write_file(AT_FDCWD, "/proc/self/setgroups", "deny") == 0 &&
	       fd_write_file(AT_FDCWD, "/proc/self/uid_map", uids) == 0 &&
	       fd_write_file(AT_FDCWD, "/proc/self/gid_map", gids) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

/* @child_netns: as nsagent_main() takes it; borrowed */
static inline void start_agent_for(struct rig *rig, enum nsagent_kind kind, int child_netns)
{
	int parent[2], relay[2];

	ck_assert_int_eq(msg_pair(parent), 0);
	ck_assert_int_eq(msg_pair(relay), 0);
	rig->pid[kind] = fork();
	if (rig->pid[kind] == 0)
		_exit(nsagent_main(kind, parent[1], relay[1], child_netns, &(struct options){ 0 }));
	close(parent[1]);
	close(relay[1]);
	rig->parent[kind] = parent[0];
	rig->relay[kind] = relay[0];
}

/* our netns is the child's */
static inline void start_agent(struct rig *rig, enum nsagent_kind kind)
{
	autoclose int netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	start_agent_for(rig, kind, kind == NSAGENT_CHILD ? -1 : netns);
}

static inline void configure(struct rig *rig, enum nsagent_kind kind, enum nsagent_setup setup)
{
	const struct nsagent_config cfg = { .setup = setup,
					    .accel = kind == NSAGENT_GATEWAY ? 1u << rig->want : 0,
					    .net = rig->plan };

	ck_assert_int_eq(msg_send(rig->parent[kind], &nsagent_proto, NSAGENT_CONFIG, &cfg, NULL, 0),
			 0);
}

static inline void recv_within(int sock, uint32_t state, struct msg *ret)
{
	ck_assert_int_eq(msg_recv_within(sock, &nsagent_proto, ROLE_NSAGENT, state, WAIT_MS, ret),
			 1);
	if (ret->type == NSAGENT_FAILED)
		fprintf(stderr, "# FAILED: %s\n", ((struct err *)(void *)ret->payload)->msg);
}

/* both networks up; we are in the child's */
static inline struct rig rig_new_accel(bool ipv6, enum net_accel want)
{
	struct rig rig = { .plan = make_plan(ipv6), .want = want };
	uint64_t since = clock_ms();
	struct msg m;

	ck_assert(enter_namespaces());
	for (int k = 0; k < NSAGENT_NKINDS; k++)
		start_agent(&rig, (enum nsagent_kind)k);
	for (int k = 0; k < NSAGENT_NKINDS; k++)
		configure(&rig, (enum nsagent_kind)k, NSAGENT_SETUP_VETH);
	recv_within(rig.parent[GATEWAY], NSAGENT_STARTING, &m);
	ck_assert_int_eq(m.type, NSAGENT_READY);
	memcpy(&rig.ready, m.payload, sizeof(rig.ready));
	ck_assert_msg(rig.ready.accel == want, "%s", rig.ready.why);
	ck_assert_uint_eq(m.nfds, (ipv6 ? 5 : 3) + net_accel_fds(want, &rig.plan));
	memcpy(rig.tap_mac, rig.ready.tap_mac, sizeof(rig.tap_mac));
	rig.tap = msg_take_fd(&m, 0);
	rig.dns = msg_take_fd(&m, 1);
	rig.dns_tcp = msg_take_fd(&m, 2);
	if (ipv6) {
		rig.dns6 = msg_take_fd(&m, 3);
		rig.dns6_tcp = msg_take_fd(&m, 4);
	}
	for (size_t i = 0, at = ipv6 ? 5 : 3; i < NET_ACCEL_FDS_MAX; i++)
		rig.accel[i] = at + i < m.nfds ? msg_take_fd(&m, at + i) : -1;
	recv_within(rig.parent[CHILD], NSAGENT_STARTING, &m);
	ck_assert_int_eq(m.type, NSAGENT_READY);
	ck_assert_uint_eq(m.nfds, 0);
	fprintf(stderr, "# both agents were ready after %u ms\n", (unsigned)(clock_ms() - since));
	return rig;
}

static inline struct rig rig_new(bool ipv6)
{
	return rig_new_accel(ipv6, NET_ACCEL_OFF);
}

/* user namespaces, and a /dev/net/tun that we may open in one */
static inline bool machine_can(void)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(enter_namespaces() && open("/dev/net/tun", O_RDWR | O_CLOEXEC) >= 0 ? 0 : 1);
	return waitpid(pid, &status, 0) == pid && status == 0;
}

/* runs @add's tests, or says 77 where the machine cannot; the exit status */
static inline int run_suite(const char *name, void (*add)(TCase *c))
{
	Suite *s = suite_create(name);
	TCase *c = tcase_create(name);
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, c);
	add(c);
	if (!machine_can() && !getenv("RK_MUST_RUN")) {
		fprintf(stderr, "no user namespaces or no /dev/net/tun for us: skipped\n");
		srunner_free(r);
		return SKIP;
	}
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
