// SPDX-License-Identifier: Apache-2.0
/*
 * nsagent.c - the process that sets up one network namespace and then makes sockets in it
 *
 * Role nsagent, forked by the child, namespace root. Two lives: with all rights it does what one
 * NSAGENT_CONFIG says and answers READY or FAILED; then, with few rights left, it hands sockets of
 * its netns to the relay until the parent closes its end. It holds nothing for the relay between
 * two requests, and keeps the gateway netns alive by living in it.
 *
 * There are two of it (spare.c): the second does nothing until the first has died.
 */
#include "lib/nsagent/nsagent.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/loop.h"
#include "lib/base/options.h"
#include "lib/cause/cause.h"
#include "lib/nsagent/childnet.h"
#include "lib/nsagent/gateway.h"
#include "lib/nsagent/gateway_recipe.h"
#include "lib/nsagent/mtu.h"
#include "lib/nsagent/rights.h"
#include "lib/nsagent/sockets.h"
#include "lib/nsagent/spare.h"
#include "lib/nsagent/sysctl.h"
#include "lib/nsagent/wayback.h"
#include "lib/sandbox/sandbox.h"

#define MADE_MAX (1 + NET_DNS_SOCKS_MAX + NET_ACCEL_FDS_MAX)
#define CONFIG_WAIT_MS (-1) /* the parent has a limit, and ends us by the end of its socket */

struct agent {
	enum nsagent_kind kind;
	int parent; /* borrowed */
	int relay;  /* ours once we run: -1 after it was dropped */
	int child_netns;
	int tap, dns[NET_DNS_SOCKS_MAX]; /* the gateway's, until they are handed over; -1: none */
	uint8_t tap_mac[6];
	struct accel accel;      /* as tap */
	struct dhcp_lease lease; /* of the child's interface; prefix is 0: none */
	char ifname[IFNAMSIZ];   /* of that; "": only lo is ours */
	struct wayback wayback;  /* the child's */
	struct err wayback_why;  /* why there is none though it was asked for */
	struct spare spare;
	const struct options *opt;
};

static int compare_ints(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

static int close_others(const struct agent *a, struct err *err)
{
	const int fds[] = { STDERR_FILENO, a->parent, a->relay, a->child_netns };
	int keep[ARRAY_SIZE(fds)] = { 0 }, r;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		if (fds[i] >= 0)
			keep[n++] = fds[i];
	}
	qsort(keep, n, sizeof(keep[0]), compare_ints);
	r = fd_close_all_but(keep, n);
	if (r == 0)
		r = fd_open_std(); /* no socket shall get one of their numbers */
	return r < 0 ? err_set(err, -r, "closing inherited descriptors") : 0;
}

static int enter_netns(struct agent *a, struct err *err)
{
	if (a->kind == NSAGENT_GATEWAY)
		return unshare(CLONE_NEWNET) < 0
			       ? err_set(err, errno, "making the gateway's network namespace")
			       : 0;
	if (a->child_netns >= 0 && setns(a->child_netns, CLONE_NEWNET) < 0)
		return err_set(err, errno, "entering the child's network namespace");
	return 0;
}

/* the parent is trusted; this finds our own mistakes */
static int check_config(const struct agent *a, const struct nsagent_config *cfg, struct err *err)
{
	const struct net_plan *p = &cfg->net;

	if (cfg->setup >= NSAGENT_NSETUPS || cfg->accel >= 1u << NET_NACCELS ||
	    (a->kind == NSAGENT_GATEWAY && cfg->setup != NSAGENT_SETUP_VETH))
		return err_say(err, EPROTO, "the parent asks for an unknown set-up (%u)",
			       cfg->setup);
	if (cfg->setup != NSAGENT_SETUP_LO &&
	    (!p->ifname[0] || !memchr(p->ifname, 0, sizeof(p->ifname)) || p->prefix > 32 ||
	     p->prefix6 > 128))
		return err_say(err, EPROTO, "the parent sent an invalid address plan");
	return 0;
}

static int recv_config(const struct agent *a, struct nsagent_config *ret, struct err *err)
{
	struct msg m;
	int r = msg_recv_within(a->parent, &nsagent_proto, ROLE_PARENT, NSAGENT_STARTING,
				CONFIG_WAIT_MS, &m);

	if (r <= 0)
		return err_set(err, r ? -r : ECONNRESET, "waiting for the parent's set-up");
	memcpy(ret, m.payload, sizeof(*ret));
	return check_config(a, ret, err);
}

/* the user's settings come last: they may name the interface, and they have the last word */
static int set_up_child(struct agent *a, const struct nsagent_config *cfg, struct err *err)
{
	struct childnet net = { .tap = -1 };
	int r = childnet_setup(cfg, &net, err);

	a->tap = net.tap;
	a->lease = net.lease;
	if (cfg->setup != NSAGENT_SETUP_LO)
		memcpy(a->ifname, cfg->net.ifname, sizeof(a->ifname));
	if (r == 0 && cfg->show_clients)
		wayback_setup(&a->wayback, &a->wayback_why);
	for (size_t i = 0; i < a->opt->nsysctl && r == 0; i++)
		r = sysctl_set_asked(&a->opt->sysctl[i], err);
	return r;
}

static int set_up(struct agent *a, const struct nsagent_config *cfg, struct err *err)
{
	if (a->kind == NSAGENT_CHILD)
		return set_up_child(a, cfg, err);
	a->accel.tries = cfg->accel;
	return gateway_setup(&cfg->net, a->child_netns, &a->tap, a->dns, a->tap_mac,
			     cfg->accel ? &a->accel : NULL, err);
}

/* what is handed over, in that order; the number */
static size_t made(const struct agent *a, int fds[static MADE_MAX])
{
	const int all[] = {
		a->tap,
		a->dns[0],
		a->dns[1],
		a->dns[2],
		a->dns[3],
		a->accel.fds[NET_ACCEL_TUN],
		a->accel.fds[NET_ACCEL_TCP4],
		a->accel.fds[NET_ACCEL_UDP4],
		a->accel.fds[NET_ACCEL_TCP6],
		a->accel.fds[NET_ACCEL_UDP6],
	};
	size_t n = 0;

	static_assert(ARRAY_SIZE(all) == MADE_MAX,
		      "the tap, all DNS sockets, bounce0 and its sockets");
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (all[i] >= 0)
			fds[n++] = all[i];
	}
	return n;
}

static void close_made(const struct agent *a)
{
	int fds[MADE_MAX];
	size_t n = made(a, fds);

	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}

static int send_ready(struct agent *a, struct err *err)
{
	struct nsagent_ready ready = { 0 };
	const struct err *why = a->kind == NSAGENT_CHILD ? &a->wayback_why : &a->accel.why;
	int fds[MADE_MAX], r;
	size_t nfds = made(a, fds);

	memcpy(ready.tap_mac, a->tap_mac, sizeof(ready.tap_mac));
	ready.address = a->lease.address;
	ready.gateway = a->lease.router;
	ready.dns = a->lease.dns;
	ready.prefix = a->lease.prefix;
	ready.accel = (uint8_t)a->accel.rung;
	ready.shows_clients = a->wayback.events >= 0;
	snprintf(ready.why, sizeof(ready.why), "%.*s", NSAGENT_WHY_MAX - 1, why->msg);
	r = msg_send(a->parent, &nsagent_proto, NSAGENT_READY, &ready, fds, nfds);
	close_made(a);
	return r < 0 ? err_set(err, -r, "telling the parent that the network is up") : 0;
}

static int give_up(const struct agent *a, struct err *err)
{
	struct err why = { 0 };
	int r = rights_drop(err);

	if (r < 0)
		return r;
	r = sandbox_calls(a->opt->sandbox, "agent of a network namespace", &why);
	if (r < 0)
		*err = why;
	else if (r > 0)
		log_debug("sandbox", "%s", why.msg); /* the parent tells the user, of itself */
	return r < 0 ? r : 0;
}

/* all that takes rights; they are gone, of both processes, when the parent hears READY */
static int start(struct agent *a, struct err *err)
{
	struct nsagent_config cfg = { 0 };
	int r = close_others(a, err);

	if (r == 0)
		r = enter_netns(a, err);
	if (r == 0)
		r = recv_config(a, &cfg, err);
	if (r == 0)
		r = set_up(a, &cfg, err);
	cleanup_closep(&a->child_netns);
	if (r == 0)
		r = spare_fork(&a->spare, err);
	if (r == 0)
		r = give_up(a, err);
	if (r == 0)
		r = spare_settled(&a->spare, err);
	if (r < 0)
		return r;
	if (a->spare.is_spare) {
		close_made(a);
		return 0;
	}
	spare_serving(&a->spare); /* before READY: from that on the network shall outlive us */
	return send_ready(a, err);
}

/* the parent tells the user */
static void tell_way_lost(const struct agent *a, const struct err *err)
{
	struct nsagent_way_lost lost = { 0 };

	snprintf(lost.why, sizeof(lost.why), "%.*s", NSAGENT_WHY_MAX - 1, err->msg);
	if (msg_send(a->parent, &nsagent_proto, NSAGENT_WAY_LOST, &lost, NULL, 0) < 0)
		log_warning("ports", "%s; servers do not see the addresses of clients any more",
			    err->msg);
}

/* what the first was in the middle of is done again; the netns is as it was */
static void take_over(struct agent *a)
{
	const struct nsagent_alone alone = { .took_over = 1 };
	struct err err = { 0 };

	msg_send(a->parent, &nsagent_proto, NSAGENT_ALONE, &alone, NULL, 0);
	if (a->relay >= 0) /* without room it has enough to read, and asks again in time */
		msg_send(a->relay, &nsagent_proto, NSAGENT_AGAIN, &(struct msg_empty){ 0 }, NULL,
			 0);
	if (a->wayback.events >= 0 && wayback_inherit(&a->wayback, &err) < 0)
		tell_way_lost(a, &err);
	if (a->lease.prefix)
		dhcp_inherit(&a->lease);
}

static void lose_spare(struct agent *a)
{
	spare_done(&a->spare);
	msg_send(a->parent, &nsagent_proto, NSAGENT_ALONE, &(struct nsagent_alone){ 0 }, NULL, 0);
}

static void drop_relay(struct agent *a, int r)
{
	if (r < 0 && !msg_peer_gone(r))
		log_warning("nsagent", "serving the relay: %s, closing its socket", strerror(-r));
	shutdown(a->relay, SHUT_RDWR); /* that of the spare as well */
	close(take_fd(&a->relay));
}

/* as poll() takes it */
static int ms_to_renewal(const struct agent *a)
{
	uint64_t now = clock_ms();

	if (!a->lease.prefix)
		return -1;
	return now < a->lease.renew_ms ? (int)(a->lease.renew_ms - now) : 0;
}

/* while it waits for the server, 3 s at most, the relay gets no new sockets */
static void renew(struct agent *a)
{
	struct err err = { 0 };

	if (dhcp_renew(&a->lease, &err) == 0)
		return;
	a->lease.prefix = 0; /* the parent ends the run */
	msg_send(a->parent, &nsagent_proto, NSAGENT_FAILED, &err, NULL, 0);
}

static void set_mtu(const char *ifname, uint32_t mtu)
{
	struct err err = { 0 };

	if (*ifname && mtu_set(ifname, mtu, &err) < 0)
		log_warning("network", "%s; it stays as it is", err.msg);
}

static void do_mtu(const struct agent *a, const struct nsagent_mtu *m)
{
	if (a->kind == NSAGENT_CHILD) {
		set_mtu(a->ifname, m->mtu);
		return;
	}
	set_mtu(GATEWAY_VETH, m->mtu);
	set_mtu(GATEWAY_TAP, m->mtu);
	if (a->accel.rung != NET_ACCEL_OFF)
		set_mtu(GATEWAY_BOUNCE, m->mtu);
}

/* 1 to go on; 0: the parent is gone, as it should be at the end; else a negative errno */
static int serve_parent(const struct agent *a)
{
	struct msg m;
	int r = msg_recv(a->parent, &nsagent_proto, ROLE_PARENT, NSAGENT_UP, MSG_DONTWAIT, &m);

	if (r > 0 && m.type == NSAGENT_MTU)
		do_mtu(a, (const struct nsagent_mtu *)m.payload);
	else if (r > 0) /* no other message is allowed. One that does not read asks again */
		msg_send(a->parent, &nsagent_proto, NSAGENT_PONG, &(struct msg_empty){ 0 }, NULL,
			 0);
	return r == -EAGAIN ? 1 : r;
}

/* 0: the parent is gone; else a negative errno */
static int serve(struct agent *a)
{
	for (;;) {
		struct pollfd p[4] = {
			{ .fd = a->parent, .events = POLLIN },
			{ .fd = a->relay, .events = POLLIN }, /* -1 is ignored by poll() */
			{ .fd = a->wayback.events, .events = POLLIN },
			{ .fd = a->spare.other }, /* its end only */
		};
		struct err err = { 0 };

		if (poll(p, ARRAY_SIZE(p), ms_to_renewal(a)) < 0 && errno != EINTR)
			return -errno;
		if (ms_to_renewal(a) == 0)
			renew(a);
		if (p[0].revents) {
			int r = serve_parent(a);

			if (r <= 0)
				return r;
		}
		if (p[3].revents)
			lose_spare(a);
		if (p[2].revents && wayback_mend(&a->wayback, &err) < 0)
			tell_way_lost(a, &err);
		if (p[1].revents) {
			int r = sockets_serve(a->relay, a->kind);

			if (r <= 0)
				drop_relay(a, r);
		}
	}
}

int nsagent_main(enum nsagent_kind kind, int parent_sock, int relay_sock, int child_netns,
		 const struct options *opt)
{
	struct agent a = {
		.kind = kind,
		.parent = parent_sock,
		.relay = relay_sock,
		.child_netns = child_netns,
		.tap = -1,
		.dns = { -1, -1, -1, -1 },
		.accel.fds = { -1, -1, -1, -1, -1 },
		.wayback = WAYBACK_INIT,
		.spare = SPARE_INIT,
		.opt = opt,
	};
	struct err err = { 0 };
	int r = role_enter(ROLE_NSAGENT, SIGKILL);

	if (r < 0)
		err_set(&err, -r, "becoming the agent of a network namespace");
	else
		r = start(&a, &err);
	if (r == -ECHILD)
		return EXIT_FAILURE; /* the spare has said why; if it was killed, the parent sees
					our end */
	if (r < 0) {
		cause_hint_denied(&err, -err.code);
		r = msg_send(parent_sock, &nsagent_proto, NSAGENT_FAILED, &err, NULL, 0);
		if (r < 0 && !msg_peer_gone(r))
			log_error("nsagent", "%s", err.msg);
		return EXIT_FAILURE;
	}
	if (a.spare.is_spare) {
		if (!spare_wait(&a.spare))
			return EXIT_FAILURE;
		take_over(&a);
	}
	r = serve(&a);
	if (r < 0 && !msg_peer_gone(r))
		log_warning("nsagent", "serving the parent: %s", strerror(-r));
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
