/* SPDX-License-Identifier: Apache-2.0 */
/* recipe_run.h - carry out rows of the gateway's recipe */
#ifndef RK_NSAGENT_RECIPE_RUN_H
#define RK_NSAGENT_RECIPE_RUN_H

#include "lib/base/err.h"
#include "lib/nsagent/gateway_recipe.h"

/* @rung: as recipe_holds() takes it; each returns 0, or a negative errno with @err filled */
int recipe_set_sysctls(const struct net_plan *plan, uint32_t now, const struct recipe_sysctl *rows,
		       size_t nrows, struct err *err);
int recipe_add_routes(struct netlink *nl, const struct net_plan *plan, uint32_t now,
		      struct err *err);
int recipe_add_rules(struct netlink *nl, const struct net_plan *plan, uint32_t now,
		     struct err *err);

/* recipe_del_rules() - those that are there */
int recipe_del_rules(struct netlink *nl, const struct net_plan *plan, uint32_t now,
		     struct err *err);

#endif
