/* SPDX-License-Identifier: Apache-2.0 */
/* test_ports_rig.h - a port table of the parent with builtin; the test is the relay */
#ifndef RK_TESTS_PORTS_RIG_H
#define RK_TESTS_PORTS_RIG_H

#include <arpa/inet.h>
#include <check.h>
#include <event2/event.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "lib/base/cleanup.h"
#include "lib/base/loop.h"
#include "lib/ipc/worker.h"
#include "lib/parent/ports.h"

static struct event_base *base;
static struct ports *table;
static struct port_env env;
static int relay = -1;
static struct err err;
static bool loopback_is_reached = true;
static enum port_rules rules = PORT_RULES_ROOTLESSKIT;

static inline void start(bool transparent, bool have_child_ip, bool have_child_ip6)
{
	int pair[2];

	ck_assert_int_eq(msg_pair(pair), 0);
	relay = pair[1];
	base = event_base_new();
	env = (struct port_env){ .relay_sock = pair[0],
				 .have_child_ip = have_child_ip,
				 .have_child_ip6 = have_child_ip6,
				 .source_ip_transparent = transparent,
				 .loopback = loopback_is_reached,
				 .named_rootlesskit = true,
				 .rules = rules };
	inet_pton(AF_INET, "10.0.2.100", &env.child_ip);
	inet_pton(AF_INET6, "fd00::100", &env.child_ip6);
	err = (struct err){ 0 };
	ck_assert_int_eq(ports_new(base, port_driver_find("builtin", false), &env, &table, &err),
			 0);
}

static inline void stop(void)
{
	ports_free(table);
	event_base_free(base);
	close(env.relay_sock);
	if (relay >= 0)
		close(relay);
}

/* a port that nobody listens on */
/* ports that nobody else takes or holds; who may not have that keeps the machine's */
static inline void own_netns(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	autoclose int fd = -1;

	if (unshare(CLONE_NEWNET) < 0)
		return;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (ioctl(fd, SIOCSIFFLAGS, &lo) < 0)
		abort();
}

static inline int free_port(void)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	socklen_t len = sizeof(in6);
	autoclose int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in6, sizeof(in6)), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in6, &len), 0);
	return ntohs(in6.sin6_port);
}

static inline struct port_spec spec_of(const char *proto, const char *parent_ip, int port,
				       const char *child_ip)
{
	struct port_spec s = { .parent_port = port, .child_port = 80 };

	snprintf(s.proto, sizeof(s.proto), "%s", proto);
	snprintf(s.parent_ip, sizeof(s.parent_ip), "%s", parent_ip);
	snprintf(s.child_ip, sizeof(s.child_ip), "%s", child_ip);
	return s;
}

static inline int add(const char *proto, const char *parent_ip, int port, const char *child_ip)
{
	struct port_spec s = spec_of(proto, parent_ip, port, child_ip);
	uint32_t id = 0;
	int r;

	err = (struct err){ 0 };
	r = ports_add(table, &s, &id, &err);
	return r < 0 ? r : (int)id;
}

/* what the relay was sent; its descriptor is returned */
static inline int receive_add(struct worker_port *ret)
{
	struct msg m;

	ck_assert_int_eq(msg_recv_within(relay, &worker_proto, ROLE_PARENT, WORKER_UP, 1000, &m),
			 1);
	ck_assert_int_eq(m.type, WORKER_PORT_ADD);
	memcpy(ret, m.payload, sizeof(*ret));
	return msg_take_fd(&m, 0);
}

/* 0 or the errno */
static inline int try_connect(const char *ip, int port)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = in6.sin6_port };
	bool v6 = strchr(ip, ':');
	autoclose int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(v6 ? AF_INET6 : AF_INET, ip, v6 ? (void *)&in6.sin6_addr : (void *)&in.sin_addr);
	if (connect(fd, v6 ? (struct sockaddr *)&in6 : (struct sockaddr *)&in,
		    v6 ? sizeof(in6) : sizeof(in)) < 0)
		return errno;
	return 0;
}

static int last_result;

static inline void on_removed(void *arg, int result)
{
	last_result = result;
	++*(int *)arg;
}

#endif
