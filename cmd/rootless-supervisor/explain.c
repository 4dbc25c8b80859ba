// SPDX-License-Identifier: Apache-2.0
/* explain.c - --explain: the whole plan of a start, in the order of a start */
#include "cmd/rootless-supervisor/explain.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/options.h"
#include "lib/base/str.h"
#include "lib/parent/egress.h"
#include "lib/parent/idmap.h"
#include "netdrivers/netdriver.h"
#include "portdrivers/portdriver.h"

void explain_heading(FILE *out, const char *title)
{
	fprintf(out, "%s\n", title);
}

static void ids(FILE *out, const struct idmap *m)
{
	static const char *const names[SUBID_NKINDS] = { "uids", "gids" };
	static const char *const by[SUBID_NKINDS] = { "newuidmap", "newgidmap" };

	explain_heading(out, "ids (inside, outside, how many)");
	for (size_t k = 0; k < SUBID_NKINDS; k++) {
		const struct subid_list *l = idmap_list(m, (enum subid_kind)k);
		uint64_t inside = 1;

		fprintf(out, "  %s     0 %u 1", names[k], l->own);
		for (size_t i = 0; i < l->n; i++) {
			fprintf(out, ", %llu %u %u", (unsigned long long)inside, l->range[i].start,
				l->range[i].count);
			inside += l->range[i].count;
		}
		fprintf(out, "; by %s\n", l->n ? by[k] : "the supervisor itself");
	}
}

static void namespaces(FILE *out, const struct parent_setup *s)
{
	const struct options *o = s->opt;
	bool net = s->net->flags & NET_F_NETNS;

	explain_heading(out, "namespaces");
	fprintf(out, "  command  user, mount%s%s%s%s%s\n",
		net && !o->detach_netns ? ", network" : "", o->pidns ? ", pid" : "",
		o->cgroupns ? ", cgroup" : "", o->utsns ? ", uts" : "", o->ipcns ? ", ipc" : "");
	if (net && o->detach_netns)
		fputs("  STATE/netns  network, which the command is not in\n", out);
	if (s->net->flags & NET_F_GATEWAY)
		fputs("  gateway  network, of the same user namespace; nobody lives in it\n", out);
	if (o->evacuate_cgroup2)
		fprintf(out, "  cgroup   the command's processes go to the subgroup %s\n",
			o->evacuate_cgroup2);
}

static void mounts(FILE *out, const struct parent_setup *s)
{
	const struct options *o = s->opt;

	explain_heading(out, "mounts (of the command's mount namespace; docs/mount.md)");
	if (o->pidns)
		fputs("  /proc    procfs of the PID namespace\n", out);
	fprintf(out, "  /        propagation %s\n", o->propagation);
	for (size_t i = 0; i < o->ncopy_up; i++)
		fprintf(out, "  %-8s copied up: tmpfs, with links to what is there\n",
			o->copy_up[i]);
	if (s->net->flags & NET_F_RESOLVER && !o->detach_netns) {
		fputs("  /sys     sysfs of the network namespace\n", out);
		fputs("  /etc/resolv.conf, /etc/hosts: those of the state directory\n", out);
	}
	if (o->detach_netns && s->net->flags & NET_F_NETNS)
		fputs("  STATE/netns  the network namespace\n", out);
}

static void network(FILE *out, const struct parent_setup *s, const struct net_plan *plan)
{
	const struct options *o = s->opt;

	if (s->net->flags & NET_F_GATEWAY) {
		explain_gateway(out, plan, o);
		fprintf(out, "  policy   refused: loopback of the host%s, %s\n",
			plan->host_loopback ? " but by the gateway's address" : "",
			o->deny_host_addrs ? "every other address that it has or gets"
					   : "not its other addresses");
	} else {
		explain_heading(out, "links");
		fprintf(out, "  %s\n",
			!(s->net->flags & NET_F_NETNS) ? "none are made: the host's"
			: s->net->flags & NET_F_PROGRAM
				? "made by, or for, the program of the driver"
				: "lo");
	}
	for (size_t i = 0; i < o->nsysctl; i++)
		fprintf(out, "  child    sysctl %s = %s\n", o->sysctl[i].path, o->sysctl[i].value);
}

static void ports(FILE *out, const struct parent_setup *s)
{
	const struct options *o = s->opt;

	explain_heading(out, "ports");
	fprintf(out, "  driver   %s\n", o->port_driver);
	for (size_t i = 0; i < o->npublish; i++) {
		char text[sizeof(o->publish[i]) + 32];

		if (port_spec_format(&o->publish[i], text, sizeof(text)) > 0)
			fprintf(out, "  publish  %s\n", text);
	}
}

static void processes(FILE *out, const struct parent_setup *s)
{
	static const char *const sandbox[SANDBOX_NMODES] = {
		[SANDBOX_AUTO] = "confined by what the kernel has",
		[SANDBOX_REQUIRE] = "confined, or no start",
		[SANDBOX_OFF] = "not confined",
	};
	const struct options *o = s->opt;
	bool net = s->net->flags & NET_F_NETNS, gateway = s->net->flags & NET_F_GATEWAY;

	explain_heading(out, "processes");
	fprintf(out, "  parent   the user's ids, on the host: API, state directory %s\n",
		o->state_dir ? o->state_dir : "(a new one)");
	if (net)
		fputs("  nursery  starts workers again, ends all when the parent is killed\n", out);
	if (gateway || (net && s->port->flags & PORT_F_RELAY))
		fprintf(out, "  relay    ports, names, TCP and UDP; %s\n", sandbox[o->sandbox]);
	if (gateway)
		fprintf(out, "  slirp    libslirp, for what the relay does not carry; %s\n",
			sandbox[o->sandbox]);
	if (s->net->flags & NET_F_PROGRAM)
		fprintf(out, "  program  of the network driver %s\n", o->net);
	fprintf(out, "  child    makes the mounts, reaps, passes signals on%s\n",
		o->pidns ? "; PID 1" : "");
	if (net)
		fprintf(out, "  agent    in the child's network namespace%s\n",
			gateway ? ", and one in the gateway's" : "");
	fputs("  command ", out);
	for (char **w = o->command; *w; w++)
		fprintf(out, " %s", *w);
	fputc('\n', out);
}

static int host_mtu(int *ret, struct err *err)
{
	uint32_t mtu;
	int r = egress_mtu(&mtu, err);

	if (r == 0)
		*ret = (int)mtu;
	return r;
}

int explain(const struct parent_setup *setup, FILE *out)
{
	const struct options *o = setup->opt;
	struct net_opts net = { .name = o->net,
				.cidr = o->cidr,
				.ifname = o->ifname,
				.mtu = o->mtu,
				.disable_host_loopback = o->disable_host_loopback,
				.ipv6 = o->ipv6 };
	AUTO(idmap_freep) struct idmap *m = NULL;
	struct net_plan plan = { 0 };
	struct err err = { 0 };
	int r = 0;

	if (o->mtu_auto)
		r = host_mtu(&net.mtu, &err);
	if (r == 0 && setup->net->parent_plan)
		r = setup->net->parent_plan(&net, &plan, &err);
	if (r == 0)
		r = idmap_choose(o->idmap, o->subid_source, &m, &err);
	if (r < 0) {
		log_fatal("parent", err.msg);
		return EXIT_FAILURE;
	}
	ids(out, m);
	namespaces(out, setup);
	mounts(out, setup);
	network(out, setup, &plan);
	ports(out, setup);
	processes(out, setup);
	return EXIT_SUCCESS;
}
