// SPDX-License-Identifier: Apache-2.0
/*
 * parent.c - a whole run, from the command line to the exit status
 *
 * bringup() forks and asks; the loop then waits for everybody's READY at the same time, so that the
 * slowest decides how long a start takes, not the sum. When nothing is pending any more, release()
 * publishes ports, writes child_pid, opens the API and lets the command go. Every wait has three
 * ends: the message, the death of the process, the time limit.
 */
#include "lib/parent/parent.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/loop.h"
#include "lib/base/proc.h"
#include "lib/ipc/nursery.h"
#include "lib/parent/evacuate.h"
#include "lib/parent/events.h"
#include "lib/parent/flows.h"
#include "lib/parent/hostaddrs.h"
#include "lib/parent/idmap.h"
#include "lib/parent/instance.h"
#include "lib/parent/statedir.h"
#include "lib/parent/tool.h"

#define SIGNAL_MS 100 /* for the child to read what came before */

int link_open(struct instance *in, struct link *l, int fd, event_callback_fn cb, void *arg)
{
	l->fd = fd;
	l->event = event_new(in->base, fd, EV_READ | EV_PERSIST, cb, arg);
	return l->event && event_add(l->event, NULL) == 0 ? 0 : -ENOMEM;
}

int link_pace(struct instance *in, struct link *l, unsigned limit)
{
	return pace_init(&l->pace, in->base, l->event, limit);
}

void link_mute(struct link *l)
{
	pace_done(&l->pace);
	event_del(l->event);
}

void link_close(struct link *l)
{
	pace_done(&l->pace);
	if (l->event)
		event_free(l->event);
	l->event = NULL;
	cleanup_closep(&l->fd);
	l->fd = -1;
}

void instance_end(struct instance *in)
{
	in->phase = PHASE_ENDED;
	event_base_loopbreak(in->base);
}

void instance_blame_child(struct instance *in)
{
	if (in->child <= 0 || in->child_dead || (in->err.code != EPIPE && in->err.code != ECHILD))
		return;
	if (proc_wait_within(in->child, BLAME_MS, &in->child_status) < 0)
		return;
	in->child_dead = true;
	in->err = (struct err){ 0 };
	child_drain(in); /* its last words, if there are any */
}

void instance_fail(struct instance *in)
{
	struct timeval limit = { .tv_sec = STOP_MS / 1000 };
	struct hs_signal term = { .signo = SIGTERM };

	if (in->phase == PHASE_STOPPING || in->phase == PHASE_ENDED)
		return;
	if (in->phase == PHASE_STARTING)
		instance_blame_child(in);
	if (in->phase == PHASE_STARTING ||
	    msg_send(in->child_link.fd, &handshake_proto, HS_SIGNAL, &term, NULL, 0) < 0) {
		instance_end(in);
		return;
	}
	in->phase = PHASE_STOPPING;
	events_add(in->events, "stopping", "why", in->err.msg);
	log_error("", "%s; stopping the command", in->err.msg);
	in->err_said = true;
	event_add(in->timer, &limit);
}

unsigned instance_age_ms(const struct instance *in)
{
	return (unsigned)(clock_ms() - in->born_ms);
}

void instance_clear(struct instance *in, enum pending bit)
{
	in->pending &= ~(uint32_t)bit;
	log_debug("start", "%#x is up after %u ms", (unsigned)bit, instance_age_ms(in));
	if (in->phase == PHASE_STARTING && in->pending & PENDING_NET &&
	    !(in->pending & (PENDING_CHILD | PENDING_AGENT_CHILD)))
		netrun_start(in);
	if (in->pending || in->phase != PHASE_STARTING)
		return;
	if (release(in, &in->err) < 0 || mtu_follow(in, &in->err) < 0) {
		instance_fail(in);
		return;
	}
	event_del(in->timer);
	in->phase = PHASE_RUNNING;
	in->stage = HS_STAGE_RUNNING;
	restart_watch(in);
}

static void on_time_limit(evutil_socket_t fd, short what, void *arg)
{
	struct instance *in = arg;

	(void)fd;
	(void)what;
	if (in->phase == PHASE_STARTING)
		err_say(&in->err, ETIMEDOUT,
			"the start took longer than %d s (child stage %d, waiting for %#x)",
			START_MS / 1000, (int)in->stage, in->pending);
	else if (in->phase == PHASE_RUNNING)
		err_say(&in->err, ECHILD, "the child lives but has closed its socket to us");
	instance_end(in);
}

static void child_died(struct instance *in, int status)
{
	in->child_dead = true;
	in->child_status = status;
	child_drain(in); /* its last words, if there are any */
	instance_end(in);
}

void instance_lost_child_link(struct instance *in)
{
	struct timeval limit = { .tv_sec = END_MS / 1000 };

	if (in->phase == PHASE_RUNNING && !in->child_dead)
		event_add(in->timer,
			  &limit); /* its end follows at once, or it is up to something */
}

/* 1 when a message of the end or the end itself is there already */
bool instance_child_is_ending(struct instance *in)
{
	siginfo_t si = { 0 };

	child_drain(in);
	if (in->have_exited || in->child_dead || in->err.code)
		return true;
	return waitid(P_PID, (id_t)in->child, &si, WEXITED | WNOHANG | WNOWAIT) == 0 && si.si_pid;
}

void instance_nursery_died(struct instance *in, int status)
{
	in->nursery = 0;
	if (in->phase == PHASE_ENDED || in->err.code)
		return;
	for (int i = 0; i < NWORKERS; i++)
		worker_drain(&in->worker[i]);
	if (in->err.code)
		return; /* one of them told why */
	if (WIFEXITED(status) && WEXITSTATUS(status))
		err_set(&in->err, WEXITSTATUS(status), "the nursery of the workers has ended");
	else
		err_say(&in->err, ECHILD, "the nursery of the workers has died");
	instance_fail(in);
}

static void reap(struct instance *in)
{
	int status;

	for (pid_t pid; (pid = proc_reap(&status)) > 0;) {
		if (pid == in->child) {
			child_died(in, status);
		} else if (pid == in->nursery) {
			instance_nursery_died(in, status);
		} else {
			netrun_reaped(in, pid, status);
		}
	}
}

/* a signal must not be lost to a child that reads slowly, nor the parent wait for one that stopped
 */
static void tell_signal(struct instance *in, const struct hs_signal *s)
{
	struct pollfd p = { .fd = in->child_link.fd, .events = POLLOUT };
	int r = msg_send(p.fd, &handshake_proto, HS_SIGNAL, s, NULL, 0);

	if (r < 0 && !msg_peer_gone(r) && poll(&p, 1, SIGNAL_MS) >= 0)
		r = msg_send(p.fd, &handshake_proto, HS_SIGNAL, s, NULL, 0);
	if (r < 0 && !msg_peer_gone(r)) { /* as if it had been sent to child_pid */
		log_debug("signals", "telling the child of %s: %s", strsignal(s->signo),
			  strerror(-r));
		kill(in->child, s->signo);
	}
}

static const struct timeval start_limit = { .tv_sec = START_MS / 1000 };

static void forward_signal(struct instance *in, const struct signalfd_siginfo *si)
{
	struct hs_signal s = { .signo = (int)si->ssi_signo,
			       .from_terminal = si->ssi_code == SI_KERNEL,
			       .sender = (int32_t)si->ssi_pid };

	if (in->phase == PHASE_STARTING) {
		sigset_t aborting;

		if (s.signo == SIGCONT) /* the time in which we were stopped does not count */
			event_add(in->timer, &start_limit);
		tool_abort_signals(&aborting);
		/* what ends a program by default ends the start; the rest has nobody to go to yet
		 */
		if (sigismember(&aborting, s.signo)) {
			in->aborted_by = s.signo;
			instance_end(in);
		}
		return;
	}
	if (s.from_terminal && !in->opt->reaper)
		return; /* the command is in the same group and has it from the kernel */
	tell_signal(in, &s);
}

/* bringup() failed because a tool's wait was cut short by a signal: that signal is the reason */
static bool take_abort(struct instance *in)
{
	const struct timespec now = { 0 };
	sigset_t set;
	int signo;

	tool_abort_signals(&set);
	if (in->err.code != EINTR)
		return false;
	signo = sigtimedwait(&set, NULL, &now);
	if (signo <= 0)
		return false;
	in->aborted_by = signo;
	in->err = (struct err){ 0 };
	return true;
}

static void on_signals(evutil_socket_t fd, short what, void *arg)
{
	struct instance *in = arg;
	struct signalfd_siginfo si;

	(void)what;
	while (in->phase != PHASE_ENDED && read(fd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGCHLD)
			reap(in);
		else
			forward_signal(in, &si);
	}
}

static int open_loop(struct instance *in, struct err *err)
{
	struct event_config *cfg = event_config_new();
	sigset_t set = in->forwarded;
	int sigfd;

	if (cfg) {
		event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK);
		in->base = event_base_new_with_config(cfg);
		event_config_free(cfg);
	}
	if (!in->base)
		return err_set(err, ENOMEM, "making the event loop");
	sigaddset(&set, SIGCHLD);
	sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (sigfd < 0)
		return err_set(err, errno, "signalfd");
	in->signals = event_new(in->base, sigfd, EV_READ | EV_PERSIST, on_signals, in);
	in->timer = evtimer_new(in->base, on_time_limit, in);
	if (!in->signals || !in->timer || event_add(in->signals, NULL) < 0 ||
	    event_add(in->timer, &start_limit) < 0)
		return err_set(err, ENOMEM, "making the event loop");
	in->events = events_new(in->base);
	in->flows = flow_calls_new(in->base, worker_ask_flows, in);
	return restart_init(in, err);
}

/* nothing of ours is left when this returns; the order matters: listeners first, the lock last */
static void tear_down(struct instance *in)
{
	names_stop(in);
	mtu_stop(in);
	in->hostaddrs = hostaddrs_free(in->hostaddrs);
	release_undo(in);
	netrun_stop(in);
	in->flows = flow_calls_free(in->flows);
	in->events = events_free(in->events);
	if (in->child > 0 && !in->child_dead) {
		if (!in->have_exited)
			kill(in->child, SIGKILL);
		if (proc_wait_within(in->child, END_MS, &in->child_status) == -ETIMEDOUT)
			kill(in->child, SIGKILL);
	}
	link_close(&in->child_link);
	for (int i = 0; i < NSAGENT_NKINDS; i++) {
		link_close(&in->agent[i].control);
		cleanup_closep(&in->agent[i].relay_end);
	}
	for (int i = 0; i < NWORKERS; i++)
		link_close(&in->worker[i].control);
	/* while the nursery would do it, were we killed */
	in->evacuation = evacuation_undo(in->evacuation);
	if (in->nursery_link.fd >= 0)
		msg_send(in->nursery_link.fd, &nursery_proto, NURSERY_STOP,
			 &(struct msg_empty){ 0 }, NULL, 0);
	link_close(&in->nursery_link);
	if (in->nursery > 0)
		proc_wait_within(in->nursery, END_MS, NULL);
	if (proc_kill_children(in->older.pid, in->older.n, END_MS) < 0)
		log_warning("", "some processes cannot be killed and are left behind");
	for (int i = 0; i < NWORKERS; i++) {
		worker_log_flush(&in->worker[i]);
		link_close(&in->worker[i].log);
	}
	in->state = statedir_close(in->state);
}

static void free_instance(struct instance *in)
{
	in->idmap = idmap_free(in->idmap);
	proc_list_done(&in->older);
	cleanup_closep(&in->tap);
	for (size_t i = 0; i < in->ndns_socks; i++)
		close(in->dns_sock[i]);
	for (size_t i = 0; i < in->naccel_fds; i++)
		close(in->accel_fd[i]);
	if (in->signals) {
		close(event_get_fd(in->signals));
		event_free(in->signals);
	}
	if (in->timer)
		event_free(in->timer);
	restart_done(in);
	if (in->base)
		event_base_free(in->base);
}

static void init_instance(struct instance *in, const struct parent_setup *setup)
{
	static const struct {
		enum role role;
		enum pending bit;
	} kinds[NWORKERS] = { [KIND_RELAY] = { ROLE_RELAY, PENDING_RELAY },
			      [KIND_SLIRP] = { ROLE_SLIRP, PENDING_SLIRP } };

	*in = (struct instance){
		.setup = setup, .opt = setup->opt, .born_ms = clock_ms(), .tap = -1
	};
	in->child_link.fd = in->nursery_link.fd = -1;
	for (int i = 0; i < NWORKERS; i++)
		in->worker[i] = (struct worker){ .in = in,
						 .role = kinds[i].role,
						 .bit = kinds[i].bit,
						 .control.fd = -1,
						 .log.fd = -1,
						 .state = WORKER_STARTING };
	for (int i = 0; i < NSAGENT_NKINDS; i++)
		in->agent[i] = (struct agent){ .in = in,
					       .kind = (enum nsagent_kind)i,
					       .bit = i == NSAGENT_CHILD ? PENDING_AGENT_CHILD
									 : PENDING_AGENT_GATEWAY,
					       .control.fd = -1,
					       .relay_end = -1 };
}

int parent_main(const struct parent_setup *setup)
{
	struct instance in;
	int status;

	init_instance(&in, setup);
	role_enter(ROLE_PARENT, 0);
	sigstate_forwarded(setup->opt->reaper, &in.forwarded);
	sigstate_enter(&in.forwarded, &in.sigs);
	if (proc_children(&in.older) < 0)
		log_warning("",
			    "children that this process had before cannot be told from its own");
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		err_set(&in.err, errno, "becoming a subreaper");
	else if (open_loop(&in, &in.err) == 0 && bringup(&in, &in.err) == 0)
		event_base_dispatch(in.base);
	else if (!take_abort(&in))
		instance_blame_child(&in);
	log_debug("end", "begins after %u ms", instance_age_ms(&in));
	tear_down(&in);
	log_debug("end", "all is gone after %u ms", instance_age_ms(&in));
	status = outcome_report(&in);
	free_instance(&in);
	return status;
}
