// SPDX-License-Identifier: Apache-2.0
/*
 * child.c - namespace root in the new namespaces
 *
 * Exec'ed once, with the ids mapped (its /proc/PID/environ shows the variables that others look
 * for, and it stays dumpable: nsenter works). It forks the agents while it still sees the host's
 * mounts, makes the mounts, says READY and waits; the command is released last. The parent's death
 * is the end of file of its socket, from the first moment on: then it removes the state directory.
 */
#include "lib/child/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/options.h"
#include "lib/base/str.h"
#include "lib/cause/cause.h"
#include "lib/child/copyup.h"
#include "lib/child/mounts.h"
#include "lib/child/netns.h"
#include "lib/child/resolvconf.h"
#include "lib/child/run.h"
#include "lib/ipc/handshake.h"
#include "lib/nsagent/nsagent.h"

#define SETUP_MS (-1) /* the parent has a limit, and its end is an end of file */

struct child {
	const struct options *opt;
	int sock;
	uint32_t flags; /* enum hs_setup_flag */
	bool etc_copied;
	struct run run;
};

static int stage(const struct child *c, enum hs_stage s, struct err *err)
{
	struct hs_stage_msg m = { .stage = (uint32_t)s };
	int r = msg_send(c->sock, &handshake_proto, HS_STAGE, &m, NULL, 0);

	return r < 0 ? err_set(err, -r, "telling the parent") : 0;
}

/* the network namespace that the agents serve: our own, or with --detach-netns another one */
static int open_netns(struct child *c, int *ret, struct err *err)
{
	if (c->flags & HS_SETUP_DETACH_NETNS)
		return netns_make(c->run.state_dir, ret, err);
	*ret = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return *ret < 0 ? err_set(err, errno, "opening /proc/self/ns/net") : 0;
}

static int fork_agent(struct child *c, enum nsagent_kind kind, int parent_sock, int relay_sock,
		      int netns, struct err *err)
{
	pid_t self = getpid(), pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != self)
			_exit(1); /* the child died before the line above */
		_exit(nsagent_main(kind, parent_sock, relay_sock, netns, c->opt));
	}
	if (pid < 0)
		return err_set(err, errno, "forking the agent of a network namespace");
	c->run.spare[c->run.nspare++] = pid;
	return 0;
}

/* the two pairs of agent sockets come in the order of the flags */
static int start_agents(struct child *c, struct msg *m, struct err *err)
{
	static const struct {
		uint32_t flag;
		enum nsagent_kind kind;
	} agents[] = { { HS_SETUP_AGENT_CHILD, NSAGENT_CHILD },
		       { HS_SETUP_AGENT_GATEWAY, NSAGENT_GATEWAY } };
	autoclose int netns = -1;
	size_t next = 0;
	int r = stage(c, HS_STAGE_AGENTS, err);

	if (r == 0)
		r = open_netns(c, &netns, err);
	for (size_t i = 0; i < ARRAY_SIZE(agents) && r == 0; i++) {
		autoclose int parent_sock = -1, relay_sock = -1;

		if (!(c->flags & agents[i].flag))
			continue;
		parent_sock = msg_take_fd(m, next++);
		relay_sock = msg_take_fd(m, next++);
		r = fork_agent(c, agents[i].kind, parent_sock, relay_sock, netns, err);
	}
	return r;
}

static int make_mounts(struct child *c, struct err *err)
{
	const struct options *o = c->opt;
	int r = stage(c, HS_STAGE_MOUNTS, err);

	if (r == 0 && o->pidns)
		r = mounts_proc(err);
	if (r == 0)
		r = mounts_propagation(o->propagation, err);
	if (r == 0 && o->ncopy_up) {
		r = stage(c, HS_STAGE_COPYUP, err);
		if (r == 0)
			r = copyup_run(o->copy_up, o->ncopy_up, o->copy_up_skip, o->ncopy_up_skip,
				       err);
	}
	for (size_t i = 0; i < o->ncopy_up; i++)
		c->etc_copied |= strcmp(o->copy_up[i], "/etc") == 0;
	if (r < 0)
		return r;
	if (c->flags & HS_SETUP_RESOLVER) {
		r = mounts_sys(o->evacuate_cgroup2 ? MOUNTS_CGROUP2
			       : o->cgroupns       ? MOUNTS_CGROUP_OWN
						   : MOUNTS_CGROUP_HOST,
			       err);
		if (r == 0)
			r = stage(c, HS_STAGE_RESOLVER, err);
		if (r == 0)
			r = resolvconf_bind(c->run.state_dir, c->etc_copied, err);
	} else if (o->evacuate_cgroup2 && !(c->flags & HS_SETUP_DETACH_NETNS)) {
		mounts_cgroup2();
	}
	return r;
}

static int receive_setup(struct child *c, struct err *err)
{
	struct msg m;
	const struct hs_setup *s = (const struct hs_setup *)m.payload;
	int r = msg_recv_within(c->sock, &handshake_proto, ROLE_PARENT, HS_STARTING, SETUP_MS, &m);

	if (r <= 0)
		return err_set(err, r ? -r : EPIPE, "waiting for the parent");
	if (m.type != HS_SETUP) {
		msg_close_fds(&m);
		return err_set(err, EPROTO, "the parent's first message");
	}
	c->flags = s->flags;
	c->run.sigs = (struct sigstate){ s->sigblocked, s->sigignored };
	c->run.listen_fds = s->listen_fds;
	c->run.fix_listen_pid = s->fix_listen_pid;
	r = start_agents(c, &m, err);
	msg_close_fds(&m);
	return r;
}

static int wait_for_release(struct child *c, struct err *err)
{
	struct msg m;
	int r = msg_send(c->sock, &handshake_proto, HS_READY, &(struct msg_empty){ 0 }, NULL, 0);

	if (r == 0)
		r = msg_recv(c->sock, &handshake_proto, ROLE_PARENT, HS_STARTING, 0, &m);
	if (r <= 0 || m.type != HS_RELEASE)
		return err_set(err, r < 0 ? -r : EPROTO, "waiting for the release");
	return 0;
}

static int prepare(struct child *c, struct err *err)
{
	int r = msg_send(c->sock, &handshake_proto, HS_HELLO, &(struct msg_empty){ 0 }, NULL, 0);

	if (r < 0)
		return err_set(err, -r, "telling the parent");
	r = receive_setup(c, err);
	if (r == 0)
		r = make_mounts(c, err);
	if (r == 0)
		r = wait_for_release(c, err);
	return r;
}

int child_main(const struct options *opt, int sock, int state_dir)
{
	struct child c = { .opt = opt,
			   .sock = sock,
			   .run = { .sock = sock,
				    .state_dir = state_dir,
				    .command = opt->command,
				    .reaper = opt->reaper } };
	struct err err = { 0 };
	sigset_t forwarded;
	int r;

	unsetenv(HANDSHAKE_ENV);
	fd_set_cloexec(sock, 1);
	fd_set_cloexec(state_dir, 1);
	role_enter(ROLE_CHILD, 0);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		log_warning("child",
			    "becoming a subreaper: %s; daemons of the command may outlive it",
			    strerror(errno));
	sigstate_forwarded(opt->reaper, &forwarded);
	sigstate_enter(&forwarded, NULL);
	r = prepare(&c, &err);
	if (r < 0) {
		cause_hint_denied(&err, -err.code);
		r = msg_send(sock, &handshake_proto, HS_FAILED, &err, NULL, 0);
		return msg_peer_gone(r) ? run_parent_gone(&c.run) : 1;
	}
	return run_command(&c.run);
}
