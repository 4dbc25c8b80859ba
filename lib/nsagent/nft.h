/* SPDX-License-Identifier: Apache-2.0 */
/* nft.h - the one table of nf_tables that the gateway netns needs, from the rows of the recipe */
#ifndef RK_NSAGENT_NFT_H
#define RK_NSAGENT_NFT_H

#include "lib/base/err.h"
#include "lib/nsagent/gateway_recipe.h"

/**
 * nft_load() - make the table with a rule for each row that holds, all at once or not at all
 * @now:	as in recipe_holds()
 * Return: 0, or a negative errno with @err naming what the kernel refuses
 */
int nft_load(const struct net_plan *plan, uint32_t now, struct err *err);

/* nft_check() - whether all rules of nft_load() are there; 0 or a negative errno with @err filled
 */
int nft_check(const struct net_plan *plan, uint32_t now, struct err *err);

/* nft_unload() - remove the table and what is in it; 0, also when there is none, or negative */
int nft_unload(struct err *err);

#endif
