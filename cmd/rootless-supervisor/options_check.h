/* SPDX-License-Identifier: Apache-2.0 */
/* options_check.h - what the files of checks share: options_check.c, options_net.c,
 * options_sysctl.c */
#ifndef RK_CMD_OPTIONS_CHECK_H
#define RK_CMD_OPTIONS_CHECK_H

#include "cmd/rootless-supervisor/options_table.h"
#include "netdrivers/netdriver.h"
#include "portdrivers/portdriver.h"

struct check {
	const struct option_values *values;
	const struct option_value *v; /* values->v */
	const struct net_driver *net; /* NULL: --net names none of this build */
	struct options *o;
	struct options_report *rep;
};

bool option_is_one_of(const char *text, const char *const *names); /* ends in NULL */

/* option_net_has() - an enum net_flag of the network driver; false when there is none */
bool option_net_has(const struct check *c, uint32_t flag);

/* option_warn() - a warning that memory has no room for is lost */
void option_warn(struct check *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* rows of the table of checks; 0 or a negative errno */
int option_check_net(struct check *c, struct err *err);
int option_check_slirp4netns(struct check *c, struct err *err);
int option_check_port_driver(struct check *c, struct err *err);
int option_check_sysctl(struct check *c, struct err *err);

#endif
