/* SPDX-License-Identifier: Apache-2.0 */
/* explain.h - --explain: the whole plan of a start in words, from the tables that a start uses */
#ifndef RK_CMD_EXPLAIN_H
#define RK_CMD_EXPLAIN_H

#include <stdio.h>

#include "lib/ipc/netplan.h"
#include "lib/parent/parent.h"

/* explain() - print it and do nothing; 0, or 1 when a start would fail before it did anything */
int explain(const struct parent_setup *setup, FILE *out);

/* explain_heading() - the first line of a part */
void explain_heading(FILE *out, const char *title);

/* explain_gateway() - explain_net.c: links, addresses, routes, rules, nf_tables and settings */
void explain_gateway(FILE *out, const struct net_plan *plan, const struct options *o);

#endif
