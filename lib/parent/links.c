// SPDX-License-Identifier: Apache-2.0
/* links.c - what child, agents and nursery tell the parent */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "lib/ipc/nursery.h"
#include "lib/parent/instance.h"
#include "netdrivers/netdriver.h"

#define ERR_LINES_MAX 3 /* what failed, and what to do */

/* the text goes to the user's terminal: whoever sent it, no byte of it may be a command there */
void instance_take_err(struct err *ret, const void *payload)
{
	int lines = 1;

	memcpy(ret, payload, sizeof(*ret));
	ret->msg[sizeof(ret->msg) - 1] = '\0';
	for (char *p = ret->msg; *p; p++) {
		if ((*p == '\n' && lines++ < ERR_LINES_MAX) || (*p >= 0x20 && *p < 0x7f))
			continue;
		*p = '?';
	}
	if (ret->code <= 0)
		ret->code = EPROTO;
}

void instance_bad_message(struct instance *in, int r, const char *who, const char *name)
{
	if (in->err.code)
		return;
	if (r == -EPROTO)
		err_say(&in->err, EPROTO, "%s%s broke the protocol", who, name);
	else
		err_set(&in->err, -r, "message of %s%s", who, name);
}

/* --- child -------------------------------------------------------------------------------- */

static void child_told(struct instance *in, const struct msg *m)
{
	switch (m->type) {
	case HS_STAGE:
		in->stage = (enum hs_stage)((const struct hs_stage_msg *)m->payload)->stage;
		break;
	case HS_HELLO:
		in->stage = HS_STAGE_EXECED;
		break;
	case HS_READY:
		in->stage = HS_STAGE_READY;
		instance_clear(in, PENDING_CHILD);
		break;
	case HS_EXITED:
		in->exited = *(const struct hs_exited *)m->payload;
		in->have_exited = true;
		instance_end(in);
		break;
	case HS_FAILED:
	default:
		instance_take_err(&in->err, m->payload);
		instance_end(in);
		break;
	}
}

void child_drain(struct instance *in)
{
	for (;;) {
		uint32_t state = in->phase == PHASE_STARTING ? HS_STARTING : HS_RUNNING;
		struct msg m;
		int n = in->child_link.fd < 0 ? 0
					      : msg_recv(in->child_link.fd, &handshake_proto,
							 ROLE_CHILD, state, MSG_DONTWAIT, &m);

		if (n == -EAGAIN)
			return;
		if (n <= 0) { /* SIGCHLD follows, or has been */
			if (in->child_link.event)
				event_del(in->child_link.event);
			if (n < 0) {
				instance_bad_message(in, n, "the child", "");
				instance_end(in);
			} else {
				instance_lost_child_link(in);
			}
			return;
		}
		child_told(in, &m);
		if (in->phase == PHASE_ENDED)
			return;
	}
}

void on_child_link(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	child_drain(arg);
}

/* --- agents ------------------------------------------------------------------------------- */

static const char *agent_name(const struct agent *a)
{
	return a->kind == NSAGENT_CHILD ? "the child's network namespace"
					: "the gateway network namespace";
}

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

	a->up = true;
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

static void agent_ended(struct agent *a, int why)
{
	struct instance *in = a->in;

	link_close(&a->control);
	if (instance_child_is_ending(in))
		return; /* agents die with the child: its own words come first */
	if (in->phase == PHASE_STARTING) {
		if (why < 0)
			instance_bad_message(in, why, "the agent of ", agent_name(a));
		else
			err_say(&in->err, ECHILD, "the agent of %s died", agent_name(a));
		instance_fail(in);
		return;
	}
	log_warning("network",
		    "the agent of %s died; connections that exist go on, new ones may be "
		    "refused",
		    agent_name(a));
}

void on_agent_link(evutil_socket_t fd, short what, void *arg)
{
	struct agent *a = arg;
	struct instance *in = a->in;
	struct msg m;
	int n = msg_recv(fd, &nsagent_proto, ROLE_NSAGENT, a->up ? NSAGENT_UP : NSAGENT_STARTING,
			 MSG_DONTWAIT, &m);

	(void)what;
	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		agent_ended(a, n);
		return;
	}
	if (m.type == NSAGENT_FAILED) {
		instance_take_err(&in->err, m.payload);
		instance_fail(in);
	} else if (m.type == NSAGENT_READY && take_ready(a, &m) < 0) {
		instance_fail(in);
	} else if (m.type == NSAGENT_READY) {
		instance_clear(in, a->bit);
	} else if (m.type == NSAGENT_WAY_LOST && in->child_shows) {
		lose_showing(in, (const struct nsagent_way_lost *)m.payload);
	}
	msg_close_fds(&m);
}

/* --- nursery ------------------------------------------------------------------------------ */

static void worker_spawned(struct instance *in, const struct nursery_spawned *s)
{
	struct err err = { 0 };

	if (!s->error) {
		log_debug("workers", "%s is process %d", role_name((enum role)s->role), s->pid);
		return;
	}
	err_set(&err, s->error, "starting the %s worker", role_name((enum role)s->role));
	for (int i = 0; i < NWORKERS; i++) {
		if ((uint32_t)in->worker[i].role == s->role)
			worker_refused(&in->worker[i], &err);
	}
}

void on_nursery_link(evutil_socket_t fd, short what, void *arg)
{
	struct instance *in = arg;
	struct msg m;
	int n = msg_recv(fd, &nursery_proto, ROLE_NURSERY, NURSERY_UP, MSG_DONTWAIT, &m);

	(void)what;
	if (n == -EAGAIN)
		return;
	if (n <= 0) { /* SIGCHLD says the rest */
		event_del(in->nursery_link.event);
		return;
	}
	if (m.type == NURSERY_EXITED)
		worker_died(in, (const struct nursery_exited *)m.payload);
	else
		worker_spawned(in, (const struct nursery_spawned *)m.payload);
}
