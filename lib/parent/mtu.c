// SPDX-License-Identifier: Apache-2.0
/*
 * mtu.c - --mtu=auto: the network has the MTU of the host's way out, and follows it
 *
 * in->plan has it, from which workers are configured when they are started again. Those who live
 * are told: the agents set it on their links, relay and slirp cut by it. A message that does not
 * fit into a socket now is sent again with the next look of egress.c, to all.
 */
#include <stdio.h>

#include "lib/base/log.h"
#include "lib/parent/egress.h"
#include "lib/parent/events.h"
#include "lib/parent/instance.h"

static int keep_worst(int worst, int r)
{
	return worst < 0 || r >= 0 || msg_peer_gone(r) ? worst : r;
}

static int tell_agent(const struct agent *a, const struct nsagent_mtu *m)
{
	if (a->state <= AGENT_STARTING || a->control.fd < 0)
		return 0;
	return msg_send(a->control.fd, &nsagent_proto, NSAGENT_MTU, m, NULL, 0);
}

/* a packet of the child never meets a link that is too small: that grows first, and shrinks last */
static int tell_agents(const struct instance *in, bool grows)
{
	const struct nsagent_mtu m = { .mtu = in->plan.mtu };
	enum nsagent_kind first = grows ? NSAGENT_GATEWAY : NSAGENT_CHILD;
	enum nsagent_kind then = grows ? NSAGENT_CHILD : NSAGENT_GATEWAY;

	return keep_worst(keep_worst(0, tell_agent(&in->agent[first], &m)),
			  tell_agent(&in->agent[then], &m));
}

static int tell_workers(const struct instance *in)
{
	const struct worker_mtu m = { .mtu = in->plan.mtu };
	int worst = 0;

	for (int i = 0; i < NWORKERS; i++) {
		const struct worker *w = &in->worker[i];

		if (w->configured)
			worst = keep_worst(worst, msg_send(w->control.fd, &worker_proto, WORKER_MTU,
							   &m, NULL, 0));
	}
	return worst;
}

static int on_change(uint32_t mtu, void *arg, struct err *err)
{
	struct instance *in = arg;
	bool grows = mtu > in->plan.mtu;
	char text[16];
	int r;

	in->plan.mtu = in->info.mtu = mtu;
	r = keep_worst(tell_agents(in, grows), tell_workers(in));
	if (r < 0)
		return err_set(err, -r, "setting the MTU of the network to %u", mtu);
	log_debug("network", "the MTU is %u now, as the host's", mtu);
	snprintf(text, sizeof(text), "%u", mtu);
	events_add(in->events, "mtu-changed", "mtu", text);
	return 0;
}

int mtu_start(struct instance *in, int *ret_mtu, struct err *err)
{
	const struct egress_env env = { .base = in->base, .on_change = on_change, .arg = in };
	int r = egress_new(&env, &in->egress, err);

	if (r == 0)
		*ret_mtu = (int)egress_now(in->egress);
	return r;
}

int mtu_follow(struct instance *in, struct err *err)
{
	return in->egress ? egress_watch(in->egress, err) : 0;
}

void mtu_stop(struct instance *in)
{
	in->egress = egress_free(in->egress);
}
