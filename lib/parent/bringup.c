// SPDX-License-Identifier: Apache-2.0
/*
 * bringup.c - fork everything and ask everybody, in the order that waits least
 *
 * The child is cloned first, because newuidmap needs it, and waits unmapped. The workers are
 * started before the id tools run: they load while the tools work. Messages to a process that does
 * not read yet lie in its socket, so every configuration that is known is sent at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "lib/cause/cause.h"
#include "lib/ipc/statenames.h"
#include "lib/parent/evacuate.h"
#include "lib/parent/idmap.h"
#include "lib/parent/instance.h"
#include "lib/parent/nursery.h"
#include "lib/parent/statedir.h"
#include "netdrivers/netdriver.h"
#include "portdrivers/portdriver.h"

#define CLONE_STACK_BYTES (64 * 1024)
#define GONE_MS 2000 /* between the end of the child's socket and its own */

struct clone_arg {
	const struct parent_setup *setup;
	int sock;        /* the child's end */
	int parent_sock; /* closed there, or the parent's death would go unnoticed */
	int state_dir;   /* removed there, were the parent killed */
	int lock_fd;     /* closed there, or the lock would outlive the parent */
};

/* in the clone, unmapped: wait for the maps, then become the program again, once */
static int cloned_child(void *arg)
{
	const struct clone_arg *c = arg;
	struct err err = { 0 };
	struct msg m;
	int r;

	close(c->parent_sock);
	close(c->lock_fd);
	r = msg_recv(c->sock, &handshake_proto, ROLE_PARENT, HS_UNMAPPED, 0, &m);
	if (r == 0) {
		statenames_remove_orphaned(c->state_dir);
		return 1;
	}
	if (r > 0)
		r = fd_set_cloexec(c->sock, 0);
	if (r == 0)
		r = fd_set_cloexec(c->state_dir, 0);
	if (r == 0) {
		execveat(c->setup->self_exe, "", c->setup->argv, environ, AT_EMPTY_PATH);
		r = -errno;
	}
	err_set(&err, -r, "running the program in its namespaces");
	msg_send(c->sock, &handshake_proto, HS_FAILED, &err, NULL, 0);
	return 1;
}

static int clone_flags(const struct instance *in)
{
	const struct options *o = in->opt;
	int flags = CLONE_NEWUSER | CLONE_NEWNS | SIGCHLD;

	if (in->setup->net->flags & NET_F_NETNS && !o->detach_netns)
		flags |= CLONE_NEWNET;
	if (o->pidns)
		flags |= CLONE_NEWPID;
	if (o->cgroupns)
		flags |= CLONE_NEWCGROUP;
	if (o->utsns)
		flags |= CLONE_NEWUTS;
	if (o->ipcns)
		flags |= CLONE_NEWIPC;
	return flags;
}

static int clone_failed(const struct instance *in, int errnum, struct err *err)
{
	char what[64];
	enum cause_id cause = cause_of_userns(errnum, what);

	if (in->opt->dialect == DIALECT_ROOTLESSKIT) {
		char why[128];

		snprintf(why, sizeof(why), "%s", strerror(errnum));
		why[0] = (char)(why[0] | 0x20); /* as Go spells it */
		err_say(err, errnum, "failed to start the child: fork/exec /proc/self/exe: %s",
			why);
	} else {
		err_set(err, errnum, "creating the namespaces of the child");
	}
	return cause_hint(err, -errnum, cause, what, NULL);
}

static int set_environment(const struct instance *in, int sock, struct err *err)
{
	char text[16], fds[32];
	const struct {
		const char *name, *value;
		int number;
	} vars[] = { { "ROOTLESSKIT_STATE_DIR", in->state->path, 0 },
		     { "ROOTLESSKIT_PARENT_EUID", NULL, (int)geteuid() },
		     { "ROOTLESSKIT_PARENT_EGID", NULL, (int)getegid() },
		     { HANDSHAKE_ENV, fds, 0 } };

	snprintf(fds, sizeof(fds), HANDSHAKE_ENV_FORMAT, sock, in->state->fd);
	for (size_t i = 0; i < ARRAY_SIZE(vars); i++) {
		snprintf(text, sizeof(text), "%d", vars[i].number);
		if (setenv(vars[i].name, vars[i].value ? vars[i].value : text, 1) < 0)
			return err_set(err, ENOMEM, "setting %s", vars[i].name);
	}
	return 0;
}

static int clone_child(struct instance *in, struct err *err)
{
	autofree char *stack = malloc(CLONE_STACK_BYTES);
	int pair[2], r = msg_pair(pair);
	struct clone_arg arg = { .setup = in->setup,
				 .sock = pair[1],
				 .parent_sock = pair[0],
				 .state_dir = in->state->fd,
				 .lock_fd = in->state->lock_fd };

	if (r < 0 || !stack)
		return err_set(err, r < 0 ? -r : ENOMEM, "preparing the child");
	r = set_environment(in, arg.sock, err);
	if (r == 0) {
		/* without CLONE_VM: a copy, the stack is only where it starts */
		in->child = clone(cloned_child, stack + CLONE_STACK_BYTES, clone_flags(in), &arg);
		if (in->child < 0)
			r = clone_failed(in, errno, err);
	}
	close(pair[1]);
	unsetenv(HANDSHAKE_ENV);
	if (r < 0) {
		close(pair[0]);
		return r;
	}
	if (link_open(in, &in->child_link, pair[0], on_child_link, in) < 0)
		return err_set(err, ENOMEM, "watching the child");
	in->pending |= PENDING_CHILD;
	return 0;
}

/* the gateway's netns does that better */
static bool wants_to_show_inside(const struct instance *in)
{
	return in->setup->port->flags & PORT_F_RELAY && in->opt->source_ip_transparent &&
	       !(in->setup->net->flags & NET_F_GATEWAY);
}

static int send_agent_config(struct instance *in, struct agent *a, struct err *err)
{
	static const uint32_t rungs[ACCEL_NMODES] = {
		[ACCEL_AUTO] = 1u << NET_ACCEL_TPROXY | 1u << NET_ACCEL_REDIRECT,
		[ACCEL_TPROXY] = 1u << NET_ACCEL_TPROXY,
		[ACCEL_REDIRECT] = 1u << NET_ACCEL_REDIRECT,
	};
	bool gateway = in->setup->net->flags & NET_F_GATEWAY;
	uint32_t net = in->setup->net->flags;
	struct nsagent_config c = {
		.setup = gateway            ? NSAGENT_SETUP_VETH
			 : net & NET_F_TAP  ? NSAGENT_SETUP_TAP
			 : net & NET_F_DHCP ? NSAGENT_SETUP_DHCP
					    : NSAGENT_SETUP_LO,
		.accel = gateway ? rungs[in->opt->accel] : 0,
		.give_tap = net & NET_F_LEARNS ? 1 : 0,
		.show_clients = wants_to_show_inside(in) && a->kind == NSAGENT_CHILD,
		.net = in->plan,
	};
	int r;

	memcpy(c.mac, in->netrun.env.mac, sizeof(c.mac));
	r = msg_send(a->control.fd, &nsagent_proto, NSAGENT_CONFIG, &c, NULL, 0);

	return r < 0 ? err_set(err, -r, "configuring the agent of a network namespace") : 0;
}

int bringup_configure_child_agent(struct instance *in, struct err *err)
{
	return send_agent_config(in, &in->agent[NSAGENT_CHILD], err);
}

/* two pairs an agent; the child's ends are appended to @fds, ours are kept */
static int prepare_agent(struct instance *in, struct agent *a, int *fds, size_t *nfds,
			 struct err *err)
{
	int control[2], relay[2];
	int r = msg_pair(control);

	if (r < 0)
		return err_set(err, -r, "making the sockets of an agent");
	r = msg_pair(relay);
	if (r < 0) {
		close(control[0]);
		close(control[1]);
		return err_set(err, -r, "making the sockets of an agent");
	}
	fds[(*nfds)++] = control[1];
	fds[(*nfds)++] = relay[1];
	a->relay_end = relay[0];
	in->pending |= a->bit;
	agent_set(a, AGENT_STARTING);
	if (link_open(in, &a->control, control[0], on_agent_link, a) < 0)
		return err_set(err, ENOMEM, "watching an agent");
	/* else its program knows the addresses, and says them later */
	return in->setup->net->flags & NET_F_LEARNS ? 0 : send_agent_config(in, a, err);
}

/* a message met a closed socket: the child's death is the failure, if it comes to that */
static int child_gone(struct instance *in, int r, const char *what, struct err *err)
{
	if (msg_peer_gone(r) && proc_wait_within(in->child, GONE_MS, &in->child_status) == 0) {
		in->child_dead = true;
		child_drain(in); /* its last words, if there are any */
	} else {
		err_set(err, -r, "%s", what);
	}
	return r;
}

static int send_setup(struct instance *in, struct err *err)
{
	struct hs_setup s = { .sigblocked = in->sigs.blocked,
			      .sigignored = in->sigs.ignored,
			      .listen_fds = (uint16_t)in->setup->listen_fds,
			      .fix_listen_pid = in->fix_listen_pid };
	uint32_t net = in->setup->net->flags;
	int fds[HS_SETUP_FDS_MAX];
	size_t nfds = 0;
	int r = 0;

	if (in->opt->detach_netns)
		s.flags |= HS_SETUP_DETACH_NETNS;
	else if (net & NET_F_RESOLVER)
		s.flags |= HS_SETUP_RESOLVER;
	if (net & NET_F_NETNS) {
		s.flags |= HS_SETUP_AGENT_CHILD;
		r = prepare_agent(in, &in->agent[NSAGENT_CHILD], fds, &nfds, err);
	}
	if (r == 0 && net & NET_F_GATEWAY) {
		s.flags |= HS_SETUP_AGENT_GATEWAY;
		r = prepare_agent(in, &in->agent[NSAGENT_GATEWAY], fds, &nfds, err);
	}
	if (r == 0) {
		r = msg_send(in->child_link.fd, &handshake_proto, HS_SETUP, &s, fds, nfds);
		if (r < 0)
			child_gone(in, r, "telling the child what to set up", err);
	}
	for (size_t i = 0; i < nfds; i++)
		close(fds[i]);
	return r;
}

static int start_workers(struct instance *in, struct err *err)
{
	bool gateway = in->setup->net->flags & NET_F_GATEWAY;
	bool relay = gateway || (in->setup->port->flags & PORT_F_RELAY);
	struct orphans orphans;
	const struct nursery_opts opts = { .debug = in->opt->debug,
					   .sandbox = in->opt->sandbox,
					   .orphans = &orphans };
	int sock, r;

	if (!(in->setup->net->flags & NET_F_NETNS))
		return 0; /* scripts of others rely on one direct child with --net=host */
	orphans_init(&orphans, in->child, in->state->fd);
	orphans.evacuation = in->evacuation;
	r = nursery_start(in->setup->self_exe, &opts, &in->nursery, &sock, err);
	orphans_done(&orphans);
	if (r < 0)
		return r;
	if (link_open(in, &in->nursery_link, sock, on_nursery_link, in) < 0)
		return err_set(err, ENOMEM, "watching the nursery");
	r = relay ? worker_prepare(in, KIND_RELAY, err) : 0;
	if (r == 0 && gateway)
		r = worker_prepare(in, KIND_SLIRP, err);
	return r;
}

static int make_plan(struct instance *in, struct err *err)
{
	const struct options *o = in->opt;
	struct net_opts net = { .name = o->net,
				.cidr = o->cidr,
				.ifname = o->ifname,
				.mtu = o->mtu,
				.disable_host_loopback = o->disable_host_loopback,
				.ipv6 = o->ipv6 };

	int r = o->mtu_auto ? mtu_start(in, &net.mtu, err) : 0;

	in->has_plan = in->setup->net->parent_plan != NULL;
	if (r == 0 && in->has_plan)
		r = in->setup->net->parent_plan(&net, &in->plan, err);
	return r < 0 ? r : netrun_prepare(in, err);
}

/* systemd's protocol: LISTEN_PID is rewritten for the command only when it named this process */
static void read_listen_pid(struct instance *in)
{
	const char *pid = getenv("LISTEN_PID");
	uint64_t n;

	in->fix_listen_pid = in->setup->listen_fds > 0 && pid &&
			     str_to_u64(pid, INT32_MAX, &n) == 0 && (pid_t)n == getpid();
}

static int map_ids(struct instance *in, struct err *err)
{
	int r;

	log_debug("start", "the child exists after %u ms", instance_age_ms(in));
	r = idmap_is_single(in->idmap) ? idmap_write(in->idmap, in->child, err)
				       : idmap_apply(in->idmap, in->child, err);
	log_debug("start", "its ids are mapped after %u ms", instance_age_ms(in));
	if (r == 0) {
		r = msg_send(in->child_link.fd, &handshake_proto, HS_MAPPED,
			     &(struct msg_empty){ 0 }, NULL, 0);
		if (r < 0)
			return child_gone(in, r, "telling the child that its ids are mapped", err);
	}
	return r;
}

int bringup(struct instance *in, struct err *err)
{
	const struct options *o = in->opt;
	int r = make_plan(in, err);

	read_listen_pid(in);
	if (r == 0)
		r = idmap_choose(o->idmap, o->subid_source, &in->idmap, err);
	if (r == 0)
		r = statedir_open(o->state_dir, o->dialect == DIALECT_ROOTLESSKIT, &in->state, err);
	if (r == 0) /* first: from here on the state directory has a second who removes it */
		r = clone_child(in, err);
	if (r == 0 && o->evacuate_cgroup2)
		r = evacuation_new(o->evacuate_cgroup2, &in->evacuation, err);
	if (r == 0)
		r = start_workers(in, err);
	if (r == 0 && in->setup->net->flags & NET_F_RESOLVER)
		r = names_start(in, err);
	if (r == 0 && o->deny_host_addrs)
		r = hostdeny_start(in, err);
	if (r == 0)
		r = map_ids(in, err);
	if (r == 0) {
		evacuation_go(in->evacuation); /* before it mounts cgroups and forks the agents */
		r = send_setup(in, err);
	}
	if (r == 0)
		r = netrun_attach(in, err);
	if (r == 0 && fd_raise_limit() < 0)
		log_warning("", "raising the limit of descriptors: %s", strerror(errno));
	return r;
}
