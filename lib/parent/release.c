// SPDX-License-Identifier: Apache-2.0
/*
 * release.c - all is up: ports, child_pid, API, and only then the command
 *
 * So whoever is started, or polls for child_pid, finds everything usable.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/base/version.h"
#include "lib/parent/api.h"
#include "lib/parent/events.h"
#include "lib/parent/instance.h"
#include "lib/parent/ports.h"
#include "lib/parent/statedir.h"
#include "lib/sandbox/sandbox.h"
#include "netdrivers/netdriver.h"

#define READY_TEXT "READY=1\n"

static int start_ports(struct instance *in, struct err *err)
{
	const struct options *o = in->opt;
	struct port_env env = { .relay_sock = in->worker[KIND_RELAY].control.fd,
				.have_child_ip = in->has_plan,
				.have_child_ip6 = in->has_plan && in->plan.ipv6,
				.child_ip = in->plan.address,
				.child_ip6 = in->plan.address6,
				.state_dir = in->state->path,
				.source_ip_transparent = o->source_ip_transparent,
				.loopback = o->port_loopback,
				.udp_idle = o->port_udp_idle,
				.named_rootlesskit = o->named_rootlesskit,
				.rules = port_rules_of(o->dialect),
				.network_lost = netrun_ended,
				.network_arg = in };
	int r;

	if (!(in->setup->port->flags & PORT_F_PUBLISH))
		return 0;
	r = ports_new(in->base, in->setup->port, &env, &in->ports, err);
	for (size_t i = 0; i < o->npublish && r == 0; i++) {
		char text[PORTS_DESCRIBE_MAX];
		uint32_t id;

		r = ports_add(in->ports, &o->publish[i], &id, err);
		if (r < 0)
			err_wrap(err, r, "failed to expose port %s",
				 ports_describe(&o->publish[i], text));
	}
	return r;
}

/*
 * With childIP in the place of loopback, dockerd (28 and later) and RootlessKit's docker-proxy
 * would publish [::]:80 and 0.0.0.0:80 at one address of the child and the second bind there would
 * fail: they leave IPv6 out when the family is not offered. Specs that name tcp6 are served all the
 * same.
 */
static const char *const *offered_protos(struct instance *in)
{
	const char *const *all = in->setup->port->protos;
	size_t n = 0;

	if (!in->info.disallow_loopback_child_ip)
		return all;
	for (size_t i = 0; all[i] && n + 1 < ARRAY_SIZE(in->text.protos); i++) {
		if (!str_ends(all[i], "6"))
			in->text.protos[n++] = all[i];
	}
	return in->text.protos;
}

static void fill_info(struct instance *in)
{
	struct info_text *t = &in->text;
	bool upstream = in->opt->dialect == DIALECT_ROOTLESSKIT;

	in->info = (struct api_info){ .version = upstream ? RK_ROOTLESSKIT_VERSION : RK_VERSION,
				      .state_dir = in->state->path,
				      .child_pid = in->child,
				      .pid = getpid(),
				      .started = time(NULL),
				      .detached_netns = in->opt->detach_netns,
				      .events = in->events,
				      .flows = in->flows };
	if (in->setup->net->flags & NET_F_NETNS)
		in->info.net_driver = in->opt->net;
	if (in->has_plan) {
		inet_ntop(AF_INET, &in->plan.address, t->child_ip, sizeof(t->child_ip));
		inet_ntop(AF_INET, &in->plan.dns, t->dns[0], sizeof(t->dns[0]));
		t->dns_list[0] = t->dns[0];
		if (in->plan.ipv6) {
			inet_ntop(AF_INET6, &in->plan.dns6, t->dns[1], sizeof(t->dns[1]));
			t->dns_list[1] = t->dns[1];
		}
		in->info.dynamic_child_ip = in->setup->net->flags & NET_F_DHCP;
		if (!in->info.dynamic_child_ip) {
			in->info.child_ip = t->child_ip;
			in->info.dns = t->dns_list;
		}
		in->info.ipv6 = in->plan.ipv6;
		if (in->setup->net->flags & NET_F_GATEWAY)
			in->info.accel = net_accel_name(in->accel);
		in->info.deny_host_addrs = in->opt->deny_host_addrs;
		in->info.mtu = in->plan.mtu;
		in->info.mtu_auto = in->opt->mtu_auto;
		in->info.dns_servers = &in->dns;
		if (in->accel_why[0])
			in->info.accel_why = in->accel_why;
	}
	confined_info(in);
	in->info.workers = t->workers;
	in->info.nworkers = ARRAY_SIZE(t->workers);
	in->info.agents = t->agents;
	in->info.nagents = ARRAY_SIZE(t->agents);
	if (in->ports) {
		in->info.port_driver = in->setup->port->name;
		in->info.disallow_loopback_child_ip =
			in->setup->port->flags & PORT_F_NETWORK ||
			(in->setup->net->flags & NET_F_GATEWAY && in->opt->source_ip_transparent);
		in->info.protos = offered_protos(in);
		in->info.short_specs = !upstream;
		if (in->child_shows || in->show_why[0])
			in->info.show_backend = in->child_shows ? "nft" : "none";
		if (in->show_why[0])
			in->info.show_why = in->show_why;
	}
}

/* our own readiness; NOTIFY_SOCKET belongs to the command */
static void tell_ready(const struct instance *in)
{
	int r;

	if (in->opt->ready_fd < 0)
		return;
	r = fd_write_all(in->opt->ready_fd, READY_TEXT, strlen(READY_TEXT));
	if (r < 0)
		log_warning("", "writing to --ready-fd %d: %s", in->opt->ready_fd, strerror(-r));
	if (in->opt->ready_fd > STDERR_FILENO + in->setup->listen_fds)
		close(in->opt->ready_fd); /* the others are the command's as well */
}

/*
 * The id tools have looked at us, nothing is executed any more, and workers are started by the
 * nursery, programs of others by the starter: from here on only root of the host may trace us, and
 * the filter is there
 */
static int give_up(const struct instance *in, struct err *err)
{
	struct err why = { 0 };
	int r;

	if (in->opt->sandbox == SANDBOX_OFF)
		return 0;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_set(err, errno, "forbidding to be traced");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(err, errno, "setting no_new_privs");
	r = sandbox_calls(in->opt->sandbox, "parent", &why);
	if (r < 0)
		*err = why;
	else if (r > 0)
		log_warning("sandbox", "%s", why.msg);
	return r < 0 ? r : 0;
}

int release(struct instance *in, struct err *err)
{
	int r = start_ports(in, err);

	if (r < 0)
		return r;
	fill_info(in);
	events_add(in->events, "ready", NULL, NULL);
	r = statedir_write_pid(in->state, in->child, err);
	if (r == 0)
		r = api_new(in->base, in->state->fd, &in->info, in->ports, &in->api, err);
	if (r == 0)
		r = give_up(in, err);
	if (r < 0)
		return r;
	r = msg_send(in->child_link.fd, &handshake_proto, HS_RELEASE, &(struct msg_empty){ 0 },
		     NULL, 0);
	if (r < 0)
		return err_set(err, -r, "releasing the command");
	tell_ready(in);
	return 0;
}

void release_undo(struct instance *in)
{
	in->api = api_free(in->api);
	in->ports = ports_free(in->ports);
}
