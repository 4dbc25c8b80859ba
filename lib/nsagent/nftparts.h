/* SPDX-License-Identifier: Apache-2.0 */
/* nftparts.h - parts of a table of nf_tables as messages: chains, rules, their expressions */
#ifndef RK_NSAGENT_NFTPARTS_H
#define RK_NSAGENT_NFTPARTS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/nsagent/nftmsg.h"

#define NFTPARTS_TABLE "rootless-supervisor" /* the only one of a netns that is ours */

struct nftparts_chain {
	const char *name, *type;
	uint32_t hook; /* NF_INET_* */
	int priority;  /* connections are tracked at -200, NAT at -100 */
};

/* nftparts_table() - a new table, or one that may be there; @flags: NLM_F_EXCL or 0 */
void nftparts_table(struct nftmsg *b, uint16_t flags);
void nftparts_no_table(struct nftmsg *b); /* remove it with all that is in it */
void nftparts_chain(struct nftmsg *b, const struct nftparts_chain *c);

/* nftparts_rule() - open a rule at the end of a chain; what nftparts_rule_end() wants
 * @what:	for an error message; borrowed
 */
size_t nftparts_rule(struct nftmsg *b, const char *chain, const char *what);
void nftparts_rule_end(struct nftmsg *b, size_t at);

/* expressions of a rule; all of them work on register 1 */
struct nftparts_expr {
	size_t elem, data;
};

struct nftparts_expr nftparts_open(struct nftmsg *b, const char *name);
void nftparts_close(struct nftmsg *b, struct nftparts_expr e);

void nftparts_value(struct nftmsg *b, uint16_t type, const void *data, size_t len);
void nftparts_load_meta(struct nftmsg *b, uint32_t key);
void nftparts_load_value(struct nftmsg *b, const void *data, size_t len);
void nftparts_equals(struct nftmsg *b, const void *data, size_t len);
void nftparts_set_mark(struct nftmsg *b, uint32_t mark);
void nftparts_accept(struct nftmsg *b);

#endif
