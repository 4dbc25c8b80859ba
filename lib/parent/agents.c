// SPDX-License-Identifier: Apache-2.0
/*
 * agents.c - what the agents of the network namespaces tell the parent, and what their deaths mean
 *
 * Each agent is two processes that hold the same sockets (lib/nsagent/spare.c): the second goes on
 * when the first dies, and says so. Nothing is lost by that. The end of file comes when both are
 * dead: in the start that is the end of it; while the command runs the network goes on without
 * them, and `info` tells what is missing.
 *
 * One that serves is asked whether it answers, as workers are. One that does not is killed by the
 * child, who knows its pid.
 */
#include <errno.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/parent/events.h"
#include "lib/parent/instance.h"
#include "lib/parent/ports.h"
#include "netdrivers/netdriver.h"

static const struct {
	const char *netns, *name;
	const char *lost; /* what goes without it */
} kind[] = {
	[NSAGENT_CHILD] = { "child", "the child's network namespace",
			    "the agents of the child's network namespace are dead: no port can be "
			    "published, new connections to those there are may be refused; what is "
			    "connected goes on. Start again to mend it" },
	[NSAGENT_GATEWAY] = { "gateway", "the gateway network namespace",
			      "the agents of the gateway network namespace are dead: servers do "
			      "not see the addresses of new clients any more; what is connected "
			      "goes on. Start again to mend it" },
};
static_assert(ARRAY_SIZE(kind) == NSAGENT_NKINDS, "words for each");

static const char *net_accel_text(enum net_accel rung)
{
	static const char *const texts[] = {
		[NET_ACCEL_OFF] = "by libslirp",
		[NET_ACCEL_TPROXY] = "by the kernel",
		[NET_ACCEL_REDIRECT] = "by the kernel, slower, with NAT",
	};

	static_assert(ARRAY_SIZE(texts) == NET_NACCELS, "a text for each rung");
	return texts[rung];
}

/* @first: the index of its descriptors in the message, of which the rest are */
static int take_accel(struct instance *in, const struct nsagent_ready *r, struct msg *m,
		      size_t first)
{
	if (r->accel >= NET_NACCELS || m->nfds - first != net_accel_fds(r->accel, &in->plan))
		return err_say(&in->err, EPROTO, "the gateway agent sent %zu descriptors", m->nfds);
	in->accel = (enum net_accel)r->accel;
	for (; in->naccel_fds < m->nfds - first; in->naccel_fds++)
		in->accel_fd[in->naccel_fds] = msg_take_fd(m, first + in->naccel_fds);
	str_printable(in->accel_why, sizeof(in->accel_why), r->why,
		      strnlen(r->why, sizeof(r->why)));
	if (!in->accel_why[0])
		log_debug("network", "TCP out goes %s", net_accel_text(in->accel));
	else if (in->opt->accel == ACCEL_AUTO)
		log_info("network", "TCP out goes %s: %s", net_accel_text(in->accel),
			 in->accel_why);
	else
		return err_hint(&in->err,
				err_say(&in->err, ENOTSUP, "--accel=%s: %s",
					in->opt->accel == ACCEL_TPROXY
						? net_accel_name(NET_ACCEL_TPROXY)
						: net_accel_name(NET_ACCEL_REDIRECT),
					in->accel_why),
				"--accel=auto takes what this kernel can, at least libslirp");
	return 0;
}

/* servers see clients' addresses, or why not */
static void take_showing(struct instance *in, const struct nsagent_ready *r)
{
	in->child_shows = r->shows_clients == 1;
	str_printable(in->show_why, sizeof(in->show_why), r->why, strnlen(r->why, sizeof(r->why)));
	if (in->show_why[0])
		log_info("ports", "servers do not see the addresses of clients: %s", in->show_why);
}

static void lose_showing(struct instance *in, const struct nsagent_way_lost *l)
{
	in->child_shows = false; /* a relay that is started again shall not try it */
	str_printable(in->show_why, sizeof(in->show_why), l->why, strnlen(l->why, sizeof(l->why)));
	log_warning("ports", "%s; servers do not see the addresses of clients any more",
		    in->show_why);
	in->info.show_backend = "none";
	in->info.show_why = in->show_why;
}

/* a tap for its program, or what a DHCP server of the child's network has said */
static int take_child_net(struct instance *in, const struct nsagent_ready *r, struct msg *m)
{
	if (in->setup->net->flags & NET_F_LEARNS) {
		in->tap = msg_take_fd(m, 0);
		if (in->tap < 0)
			return err_say(&in->err, EPROTO,
				       "the agent of the child's network sent no tap");
		netrun_tap(in);
	}
	if (!(in->setup->net->flags & NET_F_DHCP))
		return 0;
	if (!r->prefix || r->prefix > 32 || !r->address.s_addr)
		return err_say(&in->err, EPROTO, "the agent of the child's network sent no lease");
	in->plan.address = r->address;
	in->plan.gateway = r->gateway;
	in->plan.dns = r->dns;
	in->plan.prefix = r->prefix;
	in->plan.network.s_addr = r->address.s_addr & htonl(UINT32_MAX << (32 - r->prefix));
	return names_refresh(in, &in->err);
}

static int take_ready(struct agent *a, struct msg *m)
{
	struct instance *in = a->in;
	const struct nsagent_ready *r = (const struct nsagent_ready *)m->payload;
	const size_t ndns = in->plan.ipv6 ? NET_DNS_SOCKS_MAX : NET_DNS_SOCKS_MAX / 2;

	agent_set(a, AGENT_UP);
	if (a->kind == NSAGENT_CHILD) {
		take_showing(in, r);
		if (take_child_net(in, r, m) < 0)
			return -1;
		/* with a gateway its descriptors are waited for */
		return in->worker[KIND_RELAY].control.fd < 0 ||
				       in->setup->net->flags & NET_F_GATEWAY
			       ? 0
			       : worker_configure(in, KIND_RELAY, &in->err);
	}
	if (m->nfds < 1 + ndns)
		return err_say(&in->err, EPROTO, "the gateway agent sent %zu descriptors", m->nfds);
	in->tap = msg_take_fd(m, 0);
	for (; in->ndns_socks < ndns; in->ndns_socks++)
		in->dns_sock[in->ndns_socks] = msg_take_fd(m, 1 + in->ndns_socks);
	memcpy(in->tap_mac, r->tap_mac, sizeof(in->tap_mac));
	if (take_accel(in, r, m, 1 + ndns) < 0)
		return -1;
	if (worker_configure(in, KIND_SLIRP, &in->err) < 0)
		return -1;
	return worker_configure(in, KIND_RELAY, &in->err);
}

/* --- one of the two is gone, or both ------------------------------------------------------- */

static const char *const state_name[] = {
	[AGENT_NONE] = NULL,     [AGENT_STARTING] = "starting", [AGENT_UP] = "up",
	[AGENT_ALONE] = "alone", [AGENT_DEAD] = "dead",
};
static_assert(ARRAY_SIZE(state_name) == AGENT_NSTATES, "a name for each state");

void agent_set(struct agent *a, enum agent_state state)
{
	a->state = state;
	a->in->text.agents[a->kind] =
		(struct api_agent){ .netns = kind[a->kind].netns,
				    .state = state_name[state],
				    .lost = state == AGENT_DEAD ? kind[a->kind].lost : NULL };
	if (state == AGENT_ALONE || state == AGENT_DEAD)
		events_add(a->in->events, state == AGENT_ALONE ? "agent-alone" : "agent-dead",
			   "netns", kind[a->kind].netns);
}

static void agent_ended(struct agent *a, int why)
{
	struct instance *in = a->in;

	link_close(&a->control);
	if (instance_child_is_ending(in))
		return; /* agents die with the child: its own words come first */
	if (in->phase == PHASE_STARTING) {
		if (why < 0)
			instance_bad_message(in, why, "the agent of ", kind[a->kind].name);
		else
			err_say(&in->err, ECHILD, "the agent of %s died", kind[a->kind].name);
		instance_fail(in);
		return;
	}
	if (why < 0)
		log_warning("network", "the agent of %s: %s, its socket is closed",
			    kind[a->kind].name, strerror(-why));
	agent_set(a, AGENT_DEAD);
	log_warning("network", "%s", kind[a->kind].lost);
	if (a->kind == NSAGENT_CHILD && in->ports)
		ports_refuse(in->ports, kind[a->kind].lost);
}

/* as agent_told() */
static int agent_alone(struct agent *a, const struct nsagent_alone *m)
{
	if (a->state == AGENT_STARTING)
		return 0; /* who should have sent READY is dead, and the other has not what it
			     takes */
	if (a->state != AGENT_UP || m->took_over > 1)
		return -EPROTO; /* there are but two */
	if (instance_child_is_ending(a->in))
		return 1;
	agent_set(a, AGENT_ALONE);
	watchdog_answered(&a->watchdog);
	a->hung = false;
	log_warning(
		"network",
		m->took_over
			? "the agent of %s died, its spare has taken over: nothing is lost, but "
			  "it has no spare itself"
			: "the spare of the agent of %s died: nobody will take over when that "
			  "dies as well",
		kind[a->kind].name);
	return 1;
}

/* Return: 1; 0: it is as good as dead; a negative errno: it is not listened to any more */
static int agent_told(struct agent *a, struct msg *m)
{
	struct instance *in = a->in;

	switch (m->type) {
	case NSAGENT_READY:
		if (take_ready(a, m) < 0)
			instance_fail(in);
		else
			instance_clear(in, a->bit);
		return 1;
	case NSAGENT_ALONE:
		return agent_alone(a, (const struct nsagent_alone *)m->payload);
	case NSAGENT_WAY_LOST:
		if (in->child_shows)
			lose_showing(in, (const struct nsagent_way_lost *)m->payload);
		return 1;
	case NSAGENT_PONG:
		watchdog_answered(&a->watchdog);
		return 1;
	case NSAGENT_FAILED:
		instance_take_err(&in->err, m->payload);
		instance_fail(in);
		return 1;
	default: /* answers to the relay */
		return -EPROTO;
	}
}

void on_agent_link(evutil_socket_t fd, short what, void *arg)
{
	struct agent *a = arg;
	uint32_t state = a->state == AGENT_STARTING ? NSAGENT_STARTING : NSAGENT_UP;
	struct msg m;
	int n = msg_recv(fd, &nsagent_proto, ROLE_NSAGENT, state, MSG_DONTWAIT, &m);

	(void)what;
	if (n == -EAGAIN)
		return;
	if (n > 0) {
		n = agent_told(a, &m);
		msg_close_fds(&m);
		if (n > 0)
			return;
	}
	agent_ended(a, n);
}

/* --- does it answer? ----------------------------------------------------------------------- */

static void ask_end(struct agent *a)
{
	const struct hs_agent_end m = { .kind = (uint32_t)a->kind };

	if (!a->hung)
		log_warning("network", "the agent of %s did not answer for %d s: it is killed",
			    kind[a->kind].name, WATCHDOG_MISSES * WATCHDOG_TICK_MS / 1000);
	a->hung = true;
	/* a child that does not read is asked again by the next tick */
	msg_send(a->in->child_link.fd, &handshake_proto, HS_AGENT_END, &m, NULL, 0);
}

void agents_tick(struct instance *in, bool late)
{
	for (int i = 0; i < NSAGENT_NKINDS; i++) {
		struct agent *a = &in->agent[i];

		if (a->control.fd < 0)
			continue;
		switch (watchdog_tick(&a->watchdog, late)) {
		case WATCHDOG_PING: /* one that cannot be sent is not answered either */
			msg_send(a->control.fd, &nsagent_proto, NSAGENT_PING,
				 &(struct msg_empty){ 0 }, NULL, 0);
			break;
		case WATCHDOG_HUNG:
			ask_end(a);
			break;
		case WATCHDOG_WAIT:
		case WATCHDOG_NVERDICTS:
			break;
		}
	}
}
