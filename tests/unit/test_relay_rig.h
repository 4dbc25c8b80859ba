/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_relay_rig.h - a relay worker in a process of its own, for the tests of lib/relay
 *
 * The test plays the parent. A second process plays the agent: it makes a user and a network
 * namespace with lo up and hands out sockets of it, to the relay and to the test.
 */
#ifndef RK_TESTS_RELAY_RIG_H
#define RK_TESTS_RELAY_RIG_H

#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/loop.h"
#include "lib/ipc/nsagent.h"
#include "lib/ipc/worker.h"
#include "lib/relay/relay.h"
#include "lib/relay/sockpool.h"

#define WAIT_MS 10000
#define SKIP 77

/* what the agent hands to the relay in place of unbound sockets of its netns */
enum lie {
	LIE_NONE,
	LIE_HOST, /* a socket of the host's netns; the others are of the child's */
	LIE_LISTENER,
	LIE_BLOCKING,
	LIE_RAW,
	LIE_UNIX,
	LIE_PIPE,
	LIE_FILE,
	LIE_EPOLL,
	NLIES
};

struct rig {
	int control; /* the parent's end */
	int netns;   /* nsagent protocol: sockets of the child netns for the test */
	pid_t relay, agent;
	enum lie lying;
	int nofile; /* hard limit of the relay, 0: as it is */
	bool with_dns;
	int left_over; /* answers of the agent to a relay that was before: 0, 1: that is told, -1:
			  not */
	/* of the relay, in the child netns */
	struct sockaddr_in dns_addr, dns_tcp_addr;
	struct sockaddr_in6 dns6_addr;
};

static inline struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static inline uint16_t port_of(int fd)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	return ntohs(a.sin_port);
}

static inline int enter_netns(void)
{
	autoclose int fd = -1;
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return -errno;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return ioctl(fd, SIOCSIFFLAGS, &ifr) < 0 ? -errno : 0;
}

static inline int agent_answer(int sock, int lie)
{
	struct nsagent_sockets ans;
	struct msg m;
	int fds[MSG_FDS_MAX], n = 0;

	if (msg_recv(sock, &nsagent_proto, ROLE_RELAY, NSAGENT_UP, 0, &m) <= 0)
		return -1;
	memcpy(&ans, m.payload, sizeof(ans));
	for (; n < ans.count; n++)
		fds[n] = lie >= 0 ? fcntl(lie, F_DUPFD_CLOEXEC, 0)
				  : socket(ans.family, ans.socktype | SOCK_NONBLOCK, 0);
	msg_send(sock, &nsagent_proto, NSAGENT_SOCKETS_ANS, &ans, fds, (size_t)n);
	while (n)
		close(fds[--n]);
	return 0;
}

static inline int make_lie(enum lie lie)
{
	int fd = -1, pair[2];

	switch (lie) {
	case LIE_LISTENER:
		fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		return listen(fd, 1) < 0 ? -errno : fd;
	case LIE_BLOCKING:
		return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	case LIE_RAW:
		return socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	case LIE_UNIX:
		return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	case LIE_PIPE:
		return pipe2(pair, O_NONBLOCK | O_CLOEXEC) < 0 ? -errno : pair[0];
	case LIE_FILE:
		return open("/dev/zero", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	case LIE_EPOLL:
		return epoll_create1(EPOLL_CLOEXEC);
	case LIE_NONE:
	case LIE_HOST:
	case NLIES:
	default:
		return fd;
	}
}

static inline _Noreturn void agent_main(const struct rig *rig, int relay_sock, int test_sock)
{
	struct pollfd p[2] = { { relay_sock, POLLIN, 0 }, { test_sock, POLLIN, 0 } };
	int lie = rig->lying == LIE_HOST ? socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0) : -1;
	const int keep[] = { 0, 1, 2, relay_sock, test_sock, lie };
	char ready = 0;

	fd_close_all_but(keep, lie < 0 ? 5 : 6); /* the parent's end must have one holder */
	if (enter_netns() < 0)
		_exit(SKIP);
	if (rig->lying > LIE_HOST && (lie = make_lie(rig->lying)) < 0)
		_exit(1);
	if (write(test_sock, &ready, 1) != 1)
		_exit(1);
	for (;;) {
		poll(p, 2, -1);
		if (p[0].revents && agent_answer(relay_sock, lie) < 0)
			p[0].fd = -1;
		if (p[1].revents && agent_answer(test_sock, -1) < 0)
			_exit(0);
	}
}

/* a socket of the child netns */
static inline int child_unbound(const struct rig *rig, int family, int type)
{
	struct nsagent_sockets req = { .family = (uint16_t)family,
				       .socktype = (uint16_t)type,
				       .count = 1 };
	struct msg m;

	ck_assert_int_eq(msg_send(rig->netns, &nsagent_proto, NSAGENT_SOCKETS_REQ, &req, NULL, 0),
			 0);
	ck_assert_int_eq(
		msg_recv_within(rig->netns, &nsagent_proto, ROLE_NSAGENT, NSAGENT_UP, WAIT_MS, &m),
		1);
	return msg_take_fd(&m, 0);
}

/* bound to @a */
static inline int child_socket_at(const struct rig *rig, int type, const struct sockaddr_in *a)
{
	int fd = child_unbound(rig, AF_INET, type);

	ck_assert_int_eq(bind(fd, (const struct sockaddr *)a, sizeof(*a)), 0);
	return fd;
}

/* bound to a free port of ::1 */
static inline int child_socket6(const struct rig *rig, int type, struct sockaddr_in6 *ret)
{
	int fd = child_unbound(rig, AF_INET6, type);
	socklen_t len = sizeof(*ret);

	*ret = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	ck_assert_int_eq(bind(fd, (struct sockaddr *)ret, sizeof(*ret)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)ret, &len), 0);
	return fd;
}

/* the same at a free port of 127.0.0.1 */
static inline int child_socket(const struct rig *rig, int type)
{
	struct sockaddr_in a = loopback(0);

	return child_socket_at(rig, type, &a);
}

static inline int child_listener(const struct rig *rig)
{
	int fd = child_socket(rig, SOCK_STREAM);

	ck_assert_int_eq(listen(fd, 1024), 0);
	return fd;
}

static inline int host_socket(int type)
{
	struct sockaddr_in a = loopback(0);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static inline bool ready_within(int fd, short events, int timeout_ms)
{
	struct pollfd p = { fd, events, 0 };

	return poll(&p, 1, timeout_ms) == 1;
}

static inline _Noreturn void run_relay(const struct rig *rig, int control)
{
	const int keep[] = { 0, 1, 2, WORKER_CONTROL_FD };
	struct rlimit l = { (rlim_t)rig->nofile, (rlim_t)rig->nofile };

	if (rig->nofile)
		setrlimit(RLIMIT_NOFILE, &l);
	dup2(control, WORKER_CONTROL_FD);
	fd_close_all_but(keep, ARRAY_SIZE(keep));
	role_enter(ROLE_RELAY, SIGKILL);
	exit(relay_main(&(struct sandbox_report){ 0 }));
}

/* what the gateway's agent hands over, mixed up: nobody promises an order. The number */
static inline size_t make_dns_sockets(struct rig *rig, int *ret)
{
	struct sockaddr_in6 unused;

	ret[0] = child_socket6(rig, SOCK_STREAM, &unused);
	ck_assert_int_eq(listen(ret[0], 16), 0);
	ret[1] = child_socket(rig, SOCK_DGRAM);
	ret[2] = child_listener(rig);
	ret[3] = child_socket6(rig, SOCK_DGRAM, &rig->dns6_addr);
	rig->dns_addr = loopback(port_of(ret[1]));
	rig->dns_tcp_addr = loopback(port_of(ret[2]));
	return 4;
}

/* a batch of every kind, and one twice */
static inline void ask_in_place_of_the_dead(int agent)
{
	static const uint16_t kinds[][2] = { { AF_INET, SOCK_STREAM },
					     { AF_INET, SOCK_DGRAM },
					     { AF_INET6, SOCK_STREAM },
					     { AF_INET, SOCK_STREAM } };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct nsagent_sockets req = { .family = kinds[i][0],
					       .socktype = kinds[i][1],
					       .count = 16 };

		ck_assert_int_eq(
			msg_send(agent, &nsagent_proto, NSAGENT_SOCKETS_REQ, &req, NULL, 0), 0);
	}
}

static inline void rig_configure(struct rig *rig, int agent)
{
	struct relay_config config = { .have_agent = 1, .is_again = rig->left_over > 0 };
	int fds[1 + NET_DNS_SOCKS_MAX] = { agent };
	struct msg m;

	if (rig->left_over)
		ask_in_place_of_the_dead(agent);
	if (rig->with_dns)
		config.ndns = (uint32_t)make_dns_sockets(rig, fds + 1);
	ck_assert_int_eq(msg_send(rig->control, &worker_proto, WORKER_RELAY_CONFIG, &config, fds,
				  1 + config.ndns),
			 0);
	for (uint32_t i = 0; i < config.ndns; i++)
		close(fds[1 + i]);
	ck_assert_int_eq(msg_recv_within(rig->control, &worker_proto, ROLE_RELAY, WORKER_STARTING,
					 WAIT_MS, &m),
			 1);
	ck_assert_int_eq(m.type, WORKER_READY);
}

/* @rig: what is to be different is set before */
static inline void rig_start(struct rig *rig)
{
	int control[2], relay[2], test[2];
	char ready;

	ck_assert(msg_pair(control) == 0 && msg_pair(relay) == 0 && msg_pair(test) == 0);
	rig->agent = fork();
	if (rig->agent == 0)
		agent_main(rig, relay[1], test[1]);
	close(relay[1]);
	close(test[1]);
	if (read(test[0], &ready, 1) != 1)
		exit(SKIP);
	rig->relay = fork();
	if (rig->relay == 0)
		run_relay(rig, control[1]);
	close(control[1]);
	rig->control = control[0];
	rig->netns = test[0];
	rig_configure(rig, relay[0]);
	close(relay[0]);
}

/* end of file ends the relay, with status 0; nothing of it may leak when a sanitizer looks */
static inline void rig_stop(struct rig *rig)
{
	int status;

	close(rig->control);
	ck_assert_int_eq(waitpid(rig->relay, &status, 0), rig->relay);
	ck_assert_int_eq(status, 0);
	close(rig->netns);
	kill(rig->agent, SIGKILL);
	waitpid(rig->agent, NULL, 0);
}

/* exit status of the whole test program: a machine without user namespaces skips it */
static inline int run_suite(Suite *s)
{
	SRunner *r = srunner_create(s);
	pid_t probe = fork();
	int failed, status;

	if (probe == 0)
		_exit(enter_netns() < 0 ? SKIP : 0);
	waitpid(probe, &status, 0);
	if (status && !getenv("RK_MUST_RUN"))
		return SKIP;
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
