/* SPDX-License-Identifier: Apache-2.0 */
/* instance.h - what the parent knows of one run; shared by the files of lib/parent only */
#ifndef RK_PARENT_INSTANCE_H
#define RK_PARENT_INSTANCE_H

#include <arpa/inet.h>
#include <event2/event.h>
#include <stdbool.h>
#include <sys/types.h>

#include "lib/base/err.h"
#include "lib/base/proc.h"
#include "lib/ipc/handshake.h"
#include "lib/ipc/netplan.h"
#include "lib/ipc/nsagent.h"
#include "lib/ipc/sigstate.h"
#include "lib/ipc/worker.h"
#include "lib/parent/api.h"
#include "lib/parent/deaths.h"
#include "lib/parent/netrun.h"
#include "lib/parent/pace.h"
#include "lib/parent/parent.h"
#include "lib/parent/watchdog.h"

struct evacuation;
struct egress;
struct events;
struct flow_calls;
struct hostaddrs;
struct idmap;
struct nursery_exited;
struct ports;
struct resolver;
struct statedir;

#define START_MS 30000 /* the whole start */
#define STOP_MS \
	30000 /* from TERM to KILL of the command, when a worker was lost; dockerd takes 15 s */
#define BLAME_MS 50 /* for a child that has just broken its end of a pipe to be dead */
#define END_MS 2000 /* from the end of file to KILL of our own processes */

#define LOG_LINE_MAX 2048

enum phase {
	PHASE_STARTING, /* waits for the bits of pending; ends by release or by failure */
	PHASE_RUNNING,  /* the command runs; ends when the child has told its end, or died */
	PHASE_STOPPING, /* something of ours failed: the command was asked to end */
	PHASE_ENDED,    /* the loop is left */
	NPHASES
};

/* what the start waits for */
enum pending {
	PENDING_CHILD = 1,
	PENDING_AGENT_CHILD = 2,
	PENDING_AGENT_GATEWAY = 4,
	PENDING_RELAY = 8,
	PENDING_SLIRP = 16,
	PENDING_NET = 32, /* the program of a network that is not our own */
};

/* a socket to one of our processes, and the event that serves it */
struct link {
	int fd; /* -1: not there */
	struct event *event;
	struct pace pace;
};

enum worker_kind { KIND_RELAY, KIND_SLIRP, NWORKERS };

/*
 *   NONE -> STARTING -> UP
 *            ^  | |      |\
 *            |  | +----> ENDING
 *            |  v        |/
 *            +- DOWN <---+
 */
enum life {
	/* not a part of this run */
	LIFE_NONE,
	/* the nursery was asked for it; UP by its READY, ENDING when it fails or is not ready
	   within 5 s, DOWN when it dies or cannot be forked. It may be sent what it shall read */
	LIFE_STARTING,
	/* it serves, and answers pings; ENDING by its end of file, a word of it that breaks the
	   protocol or tells a failure, or pings not answered; DOWN by its death */
	LIFE_UP,
	/* it will not serve any more: DOWN by its death, for which it has 2 s. Nothing is read */
	LIFE_ENDING,
	/* nothing of it is left; STARTING when the back-off is over */
	LIFE_DOWN,
	NLIVES
};

struct worker {
	struct instance *in;
	enum role role;
	enum pending bit;
	struct link control, log;
	uint32_t state; /* enum worker_state: what we may get from it */
	enum life life;
	struct event *timer; /* of its life */
	uint64_t due_ms;     /* CLOCK_MONOTONIC: when that is due */
	bool killed;         /* the nursery was asked to */
	struct err err;      /* code != 0: why this life ends */
	struct deaths deaths;
	unsigned restarts, refused; /* after how many it came up again; in a row, not forked */
	struct watchdog watchdog;
	struct worker_counters counters; /* of its last pong; info points at them since then */
	bool configured;
	uint32_t sandbox;  /* enum sandbox_property: what it has given up, when it is up */
	bool sandbox_said; /* the user knows what is missing of it */
	char line[LOG_LINE_MAX];
	size_t nline;
	struct allowance lines; /* a worker must not fill the user's disk */
	unsigned lines_dropped;
};

enum agent_state {
	AGENT_NONE,     /* not a part of this run */
	AGENT_STARTING, /* UP by its READY */
	AGENT_UP,       /* and a spare is there; ALONE when one of the two has died */
	AGENT_ALONE,    /* no spare is left */
	AGENT_DEAD,     /* nor the other, or it broke the protocol */
	AGENT_NSTATES
};

struct agent {
	struct instance *in;
	enum nsagent_kind kind;
	enum pending bit;
	struct link control;
	int relay_end; /* what the relay gets; kept, so that it can be started again */
	enum agent_state state;
	struct watchdog watchdog;
	bool hung; /* the child was asked to kill it */
};

/* the texts that struct api_info points at */
struct info_text {
	char child_ip[INET_ADDRSTRLEN], dns[2][INET6_ADDRSTRLEN];
	const char *dns_list[3];
	char sandbox[NWORKERS][SANDBOX_TEXT_MAX];
	const char *protos[8];
	struct api_worker workers[NWORKERS + 1]; /* the last is the program of the network */
	struct api_agent agents[NSAGENT_NKINDS];
};

struct instance {
	const struct parent_setup *setup;
	const struct options *opt;
	uint64_t born_ms; /* CLOCK_MONOTONIC */
	struct event_base *base;
	struct event *signals, *timer;
	struct event *tick; /* of the watchdogs */
	uint64_t tick_due_ms;
	struct statedir *state;
	struct idmap *idmap;
	struct evacuation *evacuation; /* NULL: nothing was moved */
	struct sigstate sigs;
	sigset_t forwarded;
	bool fix_listen_pid;

	enum phase phase;
	uint32_t pending;       /* enum pending */
	struct proc_list older; /* children from before our exec: none of our business */
	pid_t child, nursery;
	struct link child_link, nursery_link;
	enum hs_stage stage; /* the last that the child has told */
	struct worker worker[NWORKERS];
	struct agent agent[NSAGENT_NKINDS];

	struct netrun netrun;
	bool has_plan;
	struct net_plan plan;
	/* from the gateway agent; kept for a restart of the workers */
	int tap, dns_sock[NET_DNS_SOCKS_MAX];
	size_t ndns_socks;
	int accel_fd[NET_ACCEL_FDS_MAX];
	size_t naccel_fds;
	enum net_accel accel;
	bool child_shows;                /* clients' addresses, by sockets of the child's netns */
	char show_why[NSAGENT_WHY_MAX];  /* it does not though it was asked to */
	char accel_why[NSAGENT_WHY_MAX]; /* libslirp carries TCP though the kernel was asked to */
	uint8_t tap_mac[6];
	struct worker_dns dns;
	struct hostaddrs *hostaddrs; /* NULL: the child may reach them */
	struct resolver *resolver;   /* NULL: this network has no files of names */
	struct egress *egress;       /* NULL: its MTU does not change */

	struct ports *ports;
	struct api *api;
	struct events *events;    /* what has happened, for the API; NULL: memory was short */
	struct flow_calls *flows; /* who wants to know of flows, the same */
	struct api_info info;
	struct info_text text;

	int aborted_by;   /* the signal that ended the start; 0: none */
	bool have_exited; /* the child has told the end of the command */
	struct hs_exited exited;
	bool child_dead;
	int child_status;
	struct err err; /* code != 0: why the run failed */
	bool err_said;  /* the user has read it already */
};

/* link_open() - serve @fd (consumed) by @cb with @arg; 0 or a negative errno */
int link_open(struct instance *in, struct link *l, int fd, event_callback_fn cb, void *arg);
/* link_pace() - from now on take no more than @limit, in units of the caller, each PACE_MS */
int link_pace(struct instance *in, struct link *l, unsigned limit);
/* link_mute() - it is not read any more */
void link_mute(struct link *l);
void link_close(struct link *l);

/* instance_fail() - the run has failed with in->err: in the start end at once, else stop in order
 */
void instance_fail(struct instance *in);
void instance_end(struct instance *in);
bool instance_child_is_ending(struct instance *in);

/* instance_blame_child() - in the start: a broken pipe is not the reason, the child's death is */
void instance_blame_child(struct instance *in);

/* instance_nursery_died() - it was reaped with @status, which says why */
void instance_nursery_died(struct instance *in, int status);

/* instance_lost_child_link() - its socket is at its end: so is the child, within END_MS */
void instance_lost_child_link(struct instance *in);

/* instance_age_ms() - since the program began; the timeline of --debug */
unsigned instance_age_ms(const struct instance *in);

/* instance_clear() - one of the things that the start waits for has come; the last one releases */
void instance_clear(struct instance *in, enum pending bit);

/* instance_take_err() - the struct err of a message: made terminated, and never 0 */
void instance_take_err(struct err *ret, const void *payload);

/* instance_bad_message() - receiving from @who, called @name, failed with the negative errno @r */
void instance_bad_message(struct instance *in, int r, const char *who, const char *name);

/* bringup.c: everything up to the point where only messages are waited for */
int bringup(struct instance *in, struct err *err);
/* bringup_configure_child_agent() - with NET_F_LEARNS: in->plan is complete now */
int bringup_configure_child_agent(struct instance *in, struct err *err);

/* agents.c: the messages of the agents, what they have become */
void on_agent_link(evutil_socket_t fd, short what, void *arg);
void agent_set(struct agent *a, enum agent_state state);
/* agents_tick() - each WATCHDOG_TICK_MS, see watchdog_tick() */
void agents_tick(struct instance *in, bool late);

/* links.c: the messages of child and nursery */
void on_child_link(evutil_socket_t fd, short what, void *arg);
void on_nursery_link(evutil_socket_t fd, short what, void *arg);
void child_drain(struct instance *in);

/* workers.c: relay and slirp */
int worker_prepare(struct instance *in, enum worker_kind kind, struct err *err);
int worker_configure(struct instance *in, enum worker_kind kind, struct err *err);
void worker_log_flush(struct worker *w);
/* worker_drain() - the last words of one that is dead */
void worker_drain(struct worker *w);
/* worker_tell_dns() - in->dns to the relay; later, when it is not configured yet */
int worker_tell_dns(struct instance *in, struct err *err);
/* worker_ask_flows() - see flow_calls_new() */
int worker_ask_flows(void *instance, enum role role, const struct worker_flows_req *req);

/* worker_tell_hosts() - the host's own addresses to it, when it is configured and they are denied
 */
int worker_tell_hosts(const struct worker *w, struct err *err);
/* hostdeny_start() - with --deny-host-addrs: watch them, and tell the workers */
int hostdeny_start(struct instance *in, struct err *err);

/* confined.c: what a worker has given up, by its struct sandbox_report; is it enough to serve? */
int worker_confined(struct worker *w, const void *payload, struct err *err);
/* confined_info() - the same for the API */
void confined_info(struct instance *in);

/* restart.c: how a worker's life ends, and how the next begins */
int restart_init(struct instance *in, struct err *err);
void restart_done(struct instance *in);
/* restart_watch() - the command runs: ask from now on whether they answer */
void restart_watch(struct instance *in);
void life_set(struct worker *w, enum life life);
const char *life_text(enum life life);
/* worker_counted() - it has told its counters */
void worker_counted(struct worker *w, const struct worker_counters *counters);
/* worker_is_up() - it has told READY */
void worker_is_up(struct worker *w);
/* worker_ending() - it will not serve any more; w->err may say why */
void worker_ending(struct worker *w, bool must_kill);
/* worker_refused() - it could not be started */
void worker_refused(struct worker *w, const struct err *err);
void worker_died(struct instance *in, const struct nursery_exited *e);

/* names.c: STATE/resolv.conf and hosts, followed from the start on */
int names_start(struct instance *in, struct err *err);
/* names_refresh() - in->plan has another name server */
int names_refresh(struct instance *in, struct err *err);
void names_stop(struct instance *in);

/* mtu.c: the host's MTU, for --mtu=auto; followed from mtu_follow() on, when the command runs */
int mtu_start(struct instance *in, int *ret_mtu, struct err *err);
int mtu_follow(struct instance *in, struct err *err);
void mtu_stop(struct instance *in);

/* release.c: all is up: ports, child_pid, API, and only then the command */
int release(struct instance *in, struct err *err);
void release_undo(struct instance *in);

/* outcome.c: the exit status, and the lines that explain it */
int outcome_report(const struct instance *in);

#endif
