// SPDX-License-Identifier: Apache-2.0
/* recipe_run.c - carry out rows of the gateway's recipe */
#include "lib/nsagent/recipe_run.h"

#include <errno.h>

#include "lib/nsagent/netlink.h"
#include "lib/nsagent/sysctl.h"

int recipe_set_sysctls(const struct net_plan *plan, uint32_t now, const struct recipe_sysctl *rows,
		       size_t nrows, struct err *err)
{
	for (size_t i = 0; i < nrows; i++) {
		int r;

		if (!recipe_holds(plan, now, rows[i].when))
			continue;
		r = sysctl_set(rows[i].name, rows[i].value, err);
		/* a kernel without IPv6 has none to be switched off */
		if (r == -ENOENT && (rows[i].when & RECIPE_NO_IPV6))
			continue;
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_route(struct netlink *nl, const struct net_plan *plan,
		     const struct recipe_route *row, struct err *err)
{
	struct netlink_route rt = {
		.via = recipe_ip(plan, row->family, row->via, true),
		.table = row->table,
		.onlink = row->kind == RECIPE_VIA_SLIRP,
		.direct = row->kind == RECIPE_DIRECT || row->kind == RECIPE_LOCAL,
		.local = row->kind == RECIPE_LOCAL,
	};
	uint8_t mac[NET_MAC_LEN];
	int r = netlink_link_index(row->ifname, &rt.ifindex, err);

	if (r == 0)
		r = netlink_route_add(nl, &rt, err);
	if (r < 0 || row->kind != RECIPE_VIA_SLIRP)
		return r;
	net_plan_slirp_mac(plan, mac);
	return netlink_neigh_add(nl, row->ifname, &rt.via, mac, err);
}

int recipe_add_routes(struct netlink *nl, const struct net_plan *plan, uint32_t now,
		      struct err *err)
{
	for (size_t i = 0; i < recipe_nroutes; i++) {
		int r = recipe_holds(plan, now, recipe_routes[i].when)
				? add_route(nl, plan, &recipe_routes[i], err)
				: 0;

		if (r < 0)
			return r;
	}
	return 0;
}

static int add_rule(struct netlink *nl, const struct net_plan *plan, const struct recipe_rule *row,
		    struct err *err)
{
	struct netlink_ip to;
	struct netlink_rule rule = {
		.pref = row->pref,
		.iif = row->iif,
		.dport = row->dport,
		.family = row->family,
		.ipproto = row->ipproto,
		.table = row->table,
		.mark = row->mark,
	};

	if (row->to != RECIPE_ANY) {
		to = recipe_ip(plan, row->family, row->to, true);
		rule.to = &to;
	}
	return netlink_rule_add(nl, &rule, err);
}

int recipe_add_rules(struct netlink *nl, const struct net_plan *plan, uint32_t now, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < recipe_nrules; i++) {
		if (recipe_holds(plan, now, recipe_rules[i].when))
			r = add_rule(nl, plan, &recipe_rules[i], err);
	}
	return r;
}

int recipe_del_rules(struct netlink *nl, const struct net_plan *plan, uint32_t now, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < recipe_nrules; i++) {
		const struct recipe_rule *row = &recipe_rules[i];

		if (recipe_holds(plan, now, row->when))
			r = netlink_rule_del(nl, row->family, row->pref, row->table, err);
		if (r == -ENOENT) /* adding it may be what failed */
			r = 0;
	}
	return r;
}
