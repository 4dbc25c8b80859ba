// SPDX-License-Identifier: Apache-2.0
/* explain_net.c - --explain: the network that --net=slirp makes, from the recipe of the gateway */
#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>

#include "cmd/rootless-supervisor/explain.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/nsagent/gateway_recipe.h"

#define IP_TEXT_MAX (INET6_ADDRSTRLEN + 8)

static const char *ip_text(const struct net_plan *plan, uint8_t family, enum recipe_addr addr,
			   bool host, char text[IP_TEXT_MAX])
{
	struct netlink_ip ip = recipe_ip(plan, family, addr, host);
	char plain[INET6_ADDRSTRLEN] = "?";

	inet_ntop(family, ip.addr, plain, sizeof(plain));
	str_format(text, IP_TEXT_MAX, host ? "%s" : "%s/%u", plain, ip.prefix);
	return text;
}

static const char *table_name(uint32_t table)
{
	return table == RT_TABLE_LOCAL         ? "local"
	       : table == RT_TABLE_MAIN        ? "main"
	       : table == GATEWAY_TABLE_SLIRP  ? "slirp (202)"
	       : table == GATEWAY_TABLE_BOUNCE ? "bounce (203)"
					       : "sockets (204)";
}

static const char *proto_name(uint8_t proto)
{
	return proto == IPPROTO_TCP      ? " tcp"
	       : proto == IPPROTO_UDP    ? " udp"
	       : proto == IPPROTO_ICMP   ? " icmp"
	       : proto == IPPROTO_ICMPV6 ? " icmpv6"
					 : "";
}

static void links(FILE *out, const struct net_plan *plan, bool mtu_auto)
{
	char ip[IP_TEXT_MAX];

	explain_heading(out, "links");
	fprintf(out, "  child    %s, veth, MTU %u%s, %s", plan->ifname, plan->mtu,
		mtu_auto ? " (auto: follows the host's default routes)" : "",
		ip_text(plan, AF_INET, RECIPE_CHILD, false, ip));
	if (plan->ipv6)
		fprintf(out, ", %s", ip_text(plan, AF_INET6, RECIPE_CHILD, false, ip));
	fprintf(out, ", default route via %s", ip_text(plan, AF_INET, RECIPE_GATEWAY, true, ip));
	if (plan->ipv6)
		fprintf(out, ", %s", ip_text(plan, AF_INET6, RECIPE_GATEWAY, true, ip));
	fputc('\n', out);
	for (size_t i = 0; i < recipe_naddresses; i++) {
		const struct recipe_address *a = &recipe_addresses[i];

		if (recipe_holds(plan, 0, a->when))
			fprintf(out, "  gateway  %s, %s\n", a->ifname,
				ip_text(plan, a->family, a->addr, a->host, ip));
	}
	fputs("  gateway  " GATEWAY_TAP ", the tap of libslirp\n", out);
}

static void routes(FILE *out, const struct net_plan *plan, uint32_t phase)
{
	static const char *const how[] = { " via ", " to libslirp by ", "", "" };

	for (size_t i = 0; i < recipe_nroutes; i++) {
		const struct recipe_route *r = &recipe_routes[i];
		char ip[IP_TEXT_MAX] = "";

		if (!recipe_holds(plan, phase, r->when))
			continue;
		if (r->via != RECIPE_ANY)
			ip_text(plan, r->family, r->via, true, ip);
		fprintf(out, "  gateway  route  table %s: %s by %s%s%s\n", table_name(r->table),
			r->kind == RECIPE_LOCAL ? "all is ours" : "default", r->ifname,
			how[r->kind], ip);
	}
}

static void rules(FILE *out, const struct net_plan *plan, uint32_t phase)
{
	for (size_t i = 0; i < recipe_nrules; i++) {
		const struct recipe_rule *r = &recipe_rules[i];
		char ip[IP_TEXT_MAX];

		if (!recipe_holds(plan, phase, r->when))
			continue;
		fprintf(out, "  gateway  rule   %u IPv%d", r->pref, r->family == AF_INET ? 4 : 6);
		if (r->iif)
			fprintf(out, " from %s", r->iif);
		if (r->mark)
			fprintf(out, " mark %u", r->mark);
		if (r->to != RECIPE_ANY)
			fprintf(out, " to %s", ip_text(plan, r->family, r->to, true, ip));
		fputs(proto_name(r->ipproto), out);
		if (r->dport)
			fprintf(out, " port %u", r->dport);
		fprintf(out, ": table %s\n", table_name(r->table));
	}
}

static void nft(FILE *out, const struct net_plan *plan, uint32_t phase)
{
	static const char *const chains[RECIPE_NCHAINS] = { "raw", "mangle", "nat", "output" };

	for (size_t i = 0; i < recipe_nnft; i++) {
		const struct recipe_nft *r = &recipe_nft[i];

		if (!recipe_holds(plan, phase, r->when) || (r->family == AF_INET6 && !plan->ipv6))
			continue;
		fprintf(out, "  gateway  nft    %s%s%s%s: %s", chains[r->chain],
			r->iif ? " from " : "", r->iif ? r->iif : "", proto_name(r->ipproto),
			r->what);
		if (r->mark)
			fprintf(out, ", mark %u", r->mark);
		fputc('\n', out);
	}
}

static void settings(FILE *out, const struct net_plan *plan, uint32_t phase)
{
	for (size_t i = 0; phase == 0 && i < recipe_nsysctls_early; i++) {
		if (recipe_holds(plan, phase, recipe_sysctls_early[i].when))
			fprintf(out, "  gateway  sysctl %s = %s\n", recipe_sysctls_early[i].name,
				recipe_sysctls_early[i].value);
	}
	for (size_t i = 0; i < recipe_nsysctls_late; i++) {
		if (recipe_holds(plan, phase, recipe_sysctls_late[i].when))
			fprintf(out, "  gateway  sysctl %s = %s\n", recipe_sysctls_late[i].name,
				recipe_sysctls_late[i].value);
	}
}

void explain_gateway(FILE *out, const struct net_plan *plan, const struct options *o)
{
	enum accel_mode accel = o->accel;
	uint32_t rung = accel == ACCEL_REDIRECT ? RECIPE_REDIRECT : RECIPE_TPROXY;
	const uint32_t phases[] = { 0, RECIPE_PREPARE | rung, RECIPE_SWITCH | rung };

	links(out, plan, o->mtu_auto);
	if (accel != ACCEL_OFF)
		fputs("  gateway  " GATEWAY_BOUNCE
		      ", a tun: connections that wait for the host's\n",
		      out);
	explain_heading(out, accel == ACCEL_OFF    ? "rules (TCP and UDP go by libslirp)"
			     : accel == ACCEL_AUTO ? "rules (where the kernel lacks tproxy: "
						     "redirect, where that: libslirp)"
						   : "rules");
	for (size_t i = 0; i < (accel == ACCEL_OFF ? 1 : ARRAY_SIZE(phases)); i++) {
		settings(out, plan, phases[i]);
		routes(out, plan, phases[i]);
		rules(out, plan, phases[i]);
		nft(out, plan, phases[i]);
	}
}
