// SPDX-License-Identifier: Apache-2.0
/*
 * netrun.c - the program of a network that is not our own: probed, started, watched (parent only)
 *
 * The driver knows how it is started and when it is ready; here is when that is done, and what its
 * death means: in the start the end of that; while the command runs a next life, if the driver has
 * NET_F_RESTART, after a pause, as workers have it (restart.c); else the end of the run. Ports that
 * it serves are handed over again when it is ready.
 *
 * What drivers call only notes what happened: the rest is done from the loop, when none of their
 * functions is active.
 */
#include "lib/parent/netrun.h"

#include <errno.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/loop.h"
#include "lib/base/str.h"
#include "lib/ipc/statenames.h"
#include "lib/parent/instance.h"
#include "lib/parent/ports.h"
#include "lib/parent/starter.h"
#include "lib/parent/statedir.h"

#define READY_MS 10000 /* of a life after the first, which has the limit of the start */

static bool restarts(const struct instance *in)
{
	return in->phase == PHASE_RUNNING && in->opt->on_worker_crash == CRASH_RESTART &&
	       in->setup->net->flags & NET_F_RESTART;
}

static bool serves_ports(const struct instance *in)
{
	return in->ports && in->setup->port->flags & PORT_F_NETWORK;
}

static void set_life(struct instance *in, enum life life)
{
	struct netrun *n = &in->netrun;

	log_debug("network", "the program of --net=%s is %s", in->opt->net, life_text(life));
	n->life = (int)life;
	in->text.workers[NWORKERS] = (struct api_worker){ .name = in->setup->net->name,
							  .state = life_text(life),
							  .restarts = n->restarts };
}

static void set_timer(struct netrun *n, unsigned ms)
{
	const struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	event_add(n->timer, &tv);
}

static void fail(struct instance *in, const struct err *why)
{
	if (in->err.code)
		return;
	in->err = *why;
	instance_fail(in);
}

static void note_end(struct instance *in, const struct err *why)
{
	in->netrun.why = *why;
	set_life(in, LIFE_ENDING);
	set_timer(&in->netrun, 0);
}

static void on_ready(void *arg)
{
	struct instance *in = arg;
	struct netrun *n = &in->netrun;
	struct err err = { 0 };

	if (n->life != LIFE_STARTING)
		return;
	n->restarts += in->phase != PHASE_STARTING;
	set_life(in, LIFE_UP);
	if (in->phase == PHASE_STARTING) {
		instance_clear(in, PENDING_NET);
		return;
	}
	event_del(n->timer);
	log_debug("network", "up again %u ms after the death",
		  (unsigned)deaths_since_ms(&n->deaths, clock_ms()));
	if (serves_ports(in) && ports_relay_up(in->ports, -1, &err) < 0)
		note_end(in, &err);
}

static void on_plan(void *arg, const struct net_plan *plan, const uint8_t mac[6])
{
	struct instance *in = arg;

	in->plan = *plan;
	memcpy(in->netrun.env.mac, mac, sizeof(in->netrun.env.mac));
	if (names_refresh(in, &in->err) < 0 || bringup_configure_child_agent(in, &in->err) < 0)
		instance_fail(in);
}

void netrun_ended(void *arg, const struct err *why)
{
	struct instance *in = arg;

	if (in->netrun.life == LIFE_STARTING || in->netrun.life == LIFE_UP)
		note_end(in, why);
}

static void start(struct instance *in)
{
	struct netrun *n = &in->netrun;
	struct err err = { 0 };

	set_life(in, LIFE_STARTING);
	if (in->phase != PHASE_STARTING)
		set_timer(n, READY_MS);
	if (in->setup->net->parent_start(&n->env, &n->run, &err) < 0)
		note_end(in, &err);
}

static void stop(struct instance *in)
{
	in->setup->net->parent_stop(in->netrun.run);
	in->netrun.run = NULL;
}

static void start_again(struct instance *in)
{
	struct netrun *n = &in->netrun;
	unsigned recent = deaths_note(&n->deaths, clock_ms());
	struct err err = { 0 };

	if (recent == DEATHS_MAX) {
		err_say(&err, ECHILD, "%s keeps dying, %d times within %d s; at last: %s",
			in->setup->net->name, DEATHS_MAX, DEATHS_MS / 1000, n->why.msg);
		fail(in, &err);
		return;
	}
	log_warning("network",
		    "%s; its connections are lost, it is started again (death %u of %d in %d s)",
		    n->why.msg, recent, DEATHS_MAX, DEATHS_MS / 1000);
	set_life(in, LIFE_DOWN);
	if (serves_ports(in))
		ports_relay_gone(in->ports);
	set_timer(n, deaths_wait_ms(recent));
}

static void deal_with_end(struct instance *in)
{
	stop(in);
	if (in->phase == PHASE_STOPPING || in->phase == PHASE_ENDED || instance_child_is_ending(in))
		return; /* without a namespace it has nothing to serve */
	if (restarts(in))
		start_again(in);
	else
		fail(in, &in->netrun.why);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct instance *in = arg;
	struct netrun *n = &in->netrun;

	(void)fd;
	(void)what;
	if (n->life == LIFE_ENDING) {
		deal_with_end(in);
	} else if (n->life == LIFE_DOWN && restarts(in)) {
		start(in);
	} else if (n->life == LIFE_STARTING) {
		err_say(&n->why, ETIMEDOUT, "%s was not ready within %d s", in->setup->net->name,
			READY_MS / 1000);
		set_life(in, LIFE_ENDING);
		deal_with_end(in);
	}
}

int netrun_prepare(struct instance *in, struct err *err)
{
	const struct net_driver *driver = in->setup->net;
	struct netrun *n = &in->netrun;

	n->env = (struct net_env){ .base = in->base,
				   .options = in->opt,
				   .plan = &in->plan,
				   .tap = -1,
				   .on_plan = on_plan,
				   .on_ready = on_ready,
				   .on_ended = netrun_ended,
				   .arg = in };
	if (driver->flags & NET_F_PROGRAM) {
		n->timer = evtimer_new(in->base, on_timer, in);
		n->env.starter = starter_new(in->opt->sandbox);
		if (!n->timer || !n->env.starter)
			return err_set(err, ENOMEM, "watching the program of the network");
		in->pending |= PENDING_NET;
	}
	return driver->parent_probe ? driver->parent_probe(in->opt, &n->env.features, err) : 0;
}

int netrun_attach(struct instance *in, struct err *err)
{
	in->netrun.env.child = in->child;
	in->netrun.env.state_dir = in->state->path;
	if (in->setup->net->flags & NET_F_DHCP)
		return in->setup->net->parent_attach(&in->netrun.env, err);
	if (in->setup->net->flags & NET_F_LEARNS)
		start(in);
	return 0;
}

void netrun_tap(struct instance *in)
{
	struct netrun *n = &in->netrun;

	n->env.tap = in->tap;
	if (n->run)
		in->setup->net->parent_tap(n->run);
}

void netrun_start(struct instance *in)
{
	struct netrun *n = &in->netrun;

	if (n->life != LIFE_NONE)
		return;
	if (in->opt->detach_netns) { /* bound in the child's mount namespace only */
		if (str_format(n->netns, sizeof(n->netns), "/proc/%d/root%s/" STATE_NETNS,
			       (int)in->child, in->state->path) < 0) {
			err_set(&in->err, ENAMETOOLONG, "state directory '%s'", in->state->path);
			instance_fail(in);
			return;
		}
		n->env.netns = n->netns;
	}
	start(in);
}

bool netrun_reaped(struct instance *in, pid_t pid, int status)
{
	const struct netrun *n = &in->netrun;

	if (starter_reaped(n->env.starter, pid)) {
		log_debug("network", "the process that starts programs has died");
		return true;
	}
	return n->run && in->setup->net->parent_reaped(n->run, pid, status);
}

void netrun_stop(struct instance *in)
{
	struct netrun *n = &in->netrun;

	if (!n->timer)
		return;
	event_free(n->timer);
	n->timer = NULL;
	stop(in);
	n->env.starter = starter_free(n->env.starter);
}
