// SPDX-License-Identifier: Apache-2.0
/*
 * restart.c - the lives of relay and slirp: how one ends, and how the next begins
 *
 * enum life (instance.h) has the states, may_follow[] the ways between them. While the command runs
 * the death of a worker costs its connections and nothing else: what it served from are duplicates
 * of descriptors that the parent keeps, and the next one gets them anew. In the start, in the end
 * and with --on-worker-crash=exit it is the reason for the end of the run.
 *
 * The first restart is immediate, the next ones of the same minute wait 100, 200 and 400 ms, and
 * the fifth death within it ends the run. One that cannot be forked is no death: that is tried
 * until it works. Never are two workers of a role alive or asked for: a new life begins only when
 * the nursery has told the end of the one before.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/loop.h"
#include "lib/ipc/nursery.h"
#include "lib/parent/events.h"
#include "lib/parent/instance.h"
#include "lib/parent/nursery.h"
#include "lib/parent/ports.h"

#define READY_MS 5000       /* from the start of a life to READY */
#define ENDED_MS 2000       /* from the end of its socket, or from KILL, to the nursery's word */
#define REFUSED_MS_MAX 2000 /* between two tries to fork one */

/* from which states a state may be entered */
static const unsigned may_follow[] = {
	[LIFE_NONE] = 0,
	[LIFE_STARTING] = 1u << LIFE_NONE | 1u << LIFE_DOWN,
	[LIFE_UP] = 1u << LIFE_STARTING,
	[LIFE_ENDING] = 1u << LIFE_STARTING | 1u << LIFE_UP,
	[LIFE_DOWN] = 1u << LIFE_STARTING | 1u << LIFE_UP | 1u << LIFE_ENDING,
};
static_assert(ARRAY_SIZE(may_follow) == NLIVES, "a row for each state");

static const char *const life_name[] = {
	[LIFE_NONE] = "none",     [LIFE_STARTING] = "starting", [LIFE_UP] = "up",
	[LIFE_ENDING] = "ending", [LIFE_DOWN] = "down",
};
static_assert(ARRAY_SIZE(life_name) == NLIVES, "a name for each state");

const char *life_text(enum life life)
{
	return life_name[life];
}

static enum worker_kind kind_of(const struct worker *w)
{
	return (enum worker_kind)(w - w->in->worker);
}

void life_set(struct worker *w, enum life life)
{
	assert(may_follow[life] & 1u << w->life);
	log_debug("workers", "%s: %s -> %s", role_name(w->role), life_name[w->life],
		  life_name[life]);
	w->life = life;
	if (life == LIFE_UP || life == LIFE_DOWN)
		events_add(w->in->events, life == LIFE_UP ? "worker-up" : "worker-down", "worker",
			   role_name(w->role));
	w->in->text.workers[kind_of(w)] = (struct api_worker){ .name = role_name(w->role),
							       .state = life_name[life],
							       .restarts = w->restarts,
							       .role = w->role };
}

void worker_counted(struct worker *w, const struct worker_counters *counters)
{
	w->counters = *counters;
	w->in->text.workers[kind_of(w)].counters = &w->counters;
}

static bool restarts(const struct instance *in)
{
	return in->phase == PHASE_RUNNING && in->opt->on_worker_crash == CRASH_RESTART;
}

static void set_timer(struct worker *w, unsigned ms)
{
	const struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	w->due_ms = clock_ms() + ms;
	event_add(w->timer, &tv);
}

static void fail(struct instance *in, const struct err *err)
{
	if (in->err.code)
		return;
	in->err = *err;
	instance_fail(in);
}

static void close_links(struct worker *w)
{
	worker_log_flush(w);
	link_close(&w->control);
	link_close(&w->log);
	w->configured = false;
}

/* --- the next life ------------------------------------------------------------------------ */

static void start(struct worker *w)
{
	struct err err = { 0 };

	if (worker_prepare(w->in, kind_of(w), &err) < 0) {
		worker_refused(w, &err);
		return;
	}
	set_timer(w, READY_MS);
	if (worker_configure(w->in, kind_of(w), &w->err) < 0)
		worker_ending(w, true);
}

void worker_refused(struct worker *w, const struct err *err)
{
	unsigned ms = w->refused < 5 ? DEATHS_BACKOFF_MS << w->refused : REFUSED_MS_MAX;

	if (!restarts(w->in)) {
		fail(w->in, err);
		return;
	}
	if (!w->refused++)
		log_warning("workers", "%s; trying again until it works", err->msg);
	close_links(w);
	life_set(w, LIFE_DOWN);
	set_timer(w, ms < REFUSED_MS_MAX ? ms : REFUSED_MS_MAX);
}

static int send_ping(const struct worker *w)
{
	return msg_send(w->control.fd, &worker_proto, WORKER_PING, &(struct msg_empty){ 0 }, NULL,
			0);
}

/* for its counters; one that cannot be sent now is sent by the first tick */
static void ping_at_once(struct worker *w)
{
	if (send_ping(w) == 0)
		watchdog_tick(&w->watchdog, false);
}

void worker_is_up(struct worker *w)
{
	struct instance *in = w->in;
	bool first = in->phase == PHASE_STARTING;
	int r = 0;

	if (w->life != LIFE_STARTING)
		return; /* we had lost patience */
	w->restarts += !first;
	life_set(w, LIFE_UP);
	if (first) {
		instance_clear(in, w->bit);
		return;
	}
	event_del(w->timer);
	confined_info(in); /* the new one may have given up less */
	w->refused = 0;
	watchdog_answered(&w->watchdog);
	ping_at_once(w);
	log_debug("workers", "%s is up again %u ms after the death", role_name(w->role),
		  (unsigned)deaths_since_ms(&w->deaths, clock_ms()));
	if (kind_of(w) == KIND_RELAY && in->ports)
		r = ports_relay_up(in->ports, w->control.fd, &w->err);
	if (msg_peer_gone(r)) /* the nursery tells how it ended */
		w->err = (struct err){ 0 };
	if (r < 0)
		worker_ending(w, true);
}

/* --- the end of one ----------------------------------------------------------------------- */

void worker_ending(struct worker *w, bool must_kill)
{
	if (!restarts(w->in)) {
		if (w->err.code) /* else the nursery tells how it ended */
			fail(w->in, &w->err);
		return;
	}
	if (w->life == LIFE_STARTING || w->life == LIFE_UP) {
		life_set(w, LIFE_ENDING);
		set_timer(w, ENDED_MS);
	}
	if (must_kill) {
		if (!w->killed)
			set_timer(w, ENDED_MS);
		w->killed = true;
		ask_kill(w->in->nursery_link.fd, w->role); /* a failure is noticed by the timer */
	}
}

static void on_life_timer(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	struct err err = { 0 };

	(void)fd;
	(void)what;
	if (!restarts(w->in))
		return;
	if (w->life == LIFE_DOWN) {
		start(w);
	} else if (clock_ms() > w->due_ms + WATCHDOG_LATE_MS) { /* it was stopped with us */
		set_timer(w, ENDED_MS);
	} else if (w->life == LIFE_STARTING) {
		err_say(&w->err, ETIMEDOUT, "the %s worker was not ready within %d s",
			role_name(w->role), READY_MS / 1000);
		worker_ending(w, true);
	} else if (w->life == LIFE_ENDING && !w->killed) {
		set_timer(w, ENDED_MS);
		worker_ending(w, true);
	} else if (w->life == LIFE_ENDING) {
		err_say(&err, ETIMEDOUT, "the nursery of the workers does not answer");
		fail(w->in, &err);
	}
}

static void describe(const struct worker *w, int status, struct err *ret)
{
	const char *role = role_name(w->role);

	if (!WIFSIGNALED(status))
		err_say(ret, ECHILD, "the %s worker exited with status %d", role,
			WEXITSTATUS(status));
	else if (WTERMSIG(status) == SIGSYS) /* of the filter of lib/sandbox/rules.c */
		err_say(ret, ECHILD,
			"the %s worker made a system call that it must not make (SIGSYS)", role);
	else
		err_say(ret, ECHILD, "the %s worker was killed by signal %d (%s)", role,
			WTERMSIG(status), strsignal(WTERMSIG(status)));
}

static void start_again(struct worker *w)
{
	unsigned recent = deaths_note(&w->deaths, clock_ms()), ms = deaths_wait_ms(recent);
	struct err err = { 0 };

	if (recent == DEATHS_MAX) {
		err_say(&err, ECHILD,
			"the %s worker keeps dying, %d times within %d s; at last: %s",
			role_name(w->role), DEATHS_MAX, DEATHS_MS / 1000, w->err.msg);
		fail(w->in, &err);
		return;
	}
	log_warning("workers",
		    "%s; its connections are lost, it is started again (death %u of %d in %d s)",
		    w->err.msg, recent, DEATHS_MAX, DEATHS_MS / 1000);
	if (ms)
		set_timer(w, ms);
	else
		start(w);
}

void worker_died(struct instance *in, const struct nursery_exited *e)
{
	struct worker *w = NULL;

	for (int i = 0; i < NWORKERS; i++) {
		if ((uint32_t)in->worker[i].role == e->role)
			w = &in->worker[i];
	}
	if (!w || w->life == LIFE_NONE || w->life == LIFE_DOWN)
		return;
	worker_drain(w);
	if (in->err.code || in->phase == PHASE_ENDED)
		return;
	if (!w->err.code)
		describe(w, e->status, &w->err);
	if (!restarts(in)) {
		fail(in, &w->err);
		return;
	}
	event_del(w->timer);
	close_links(w);
	life_set(w, LIFE_DOWN);
	if (kind_of(w) == KIND_RELAY && in->ports)
		ports_relay_gone(in->ports);
	start_again(w);
}

/* --- all of them -------------------------------------------------------------------------- */

static void set_tick(struct instance *in)
{
	const struct timeval tv = { .tv_sec = WATCHDOG_TICK_MS / 1000 };

	in->tick_due_ms = clock_ms() + WATCHDOG_TICK_MS;
	event_add(in->tick, &tv);
}

static void ping(struct worker *w, bool late)
{
	switch (watchdog_tick(&w->watchdog, late)) {
	case WATCHDOG_PING: /* one that cannot be sent is not answered either */
		send_ping(w);
		break;
	case WATCHDOG_HUNG:
		err_say(&w->err, ETIMEDOUT, "the %s worker did not answer for %d s",
			role_name(w->role), WATCHDOG_MISSES * WATCHDOG_TICK_MS / 1000);
		worker_ending(w, true);
		break;
	case WATCHDOG_WAIT:
	case WATCHDOG_NVERDICTS:
		break;
	}
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct instance *in = arg;
	bool late = clock_ms() > in->tick_due_ms + WATCHDOG_LATE_MS;

	(void)fd;
	(void)what;
	for (int i = 0; i < NWORKERS && in->phase == PHASE_RUNNING; i++) {
		if (in->worker[i].life == LIFE_UP)
			ping(&in->worker[i], late);
	}
	if (in->phase != PHASE_RUNNING)
		return;
	agents_tick(in, late);
	set_tick(in);
}

int restart_init(struct instance *in, struct err *err)
{
	in->tick = evtimer_new(in->base, on_tick, in);
	if (!in->tick)
		return err_set(err, ENOMEM, "watching the workers");
	for (int i = 0; i < NWORKERS; i++) {
		in->worker[i].timer = evtimer_new(in->base, on_life_timer, &in->worker[i]);
		if (!in->worker[i].timer)
			return err_set(err, ENOMEM, "watching the workers");
	}
	return 0;
}

void restart_watch(struct instance *in)
{
	if (in->worker[KIND_RELAY].life == LIFE_NONE) /* there is no slirp without it */
		return;
	for (int i = 0; i < NWORKERS; i++) {
		if (in->worker[i].life == LIFE_UP)
			ping_at_once(&in->worker[i]);
	}
	set_tick(in);
}

void restart_done(struct instance *in)
{
	for (int i = 0; i < NWORKERS; i++) {
		if (in->worker[i].timer)
			event_free(in->worker[i].timer);
	}
	if (in->tick)
		event_free(in->tick);
}
