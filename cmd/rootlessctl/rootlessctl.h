/* SPDX-License-Identifier: Apache-2.0 */
/* rootlessctl.h - what the files of rootlessctl share */
#ifndef RK_CMD_ROOTLESSCTL_H
#define RK_CMD_ROOTLESSCTL_H

#include <stdbool.h>

#include "lib/base/err.h"

struct ctl {
	const char *socket_path; /* NULL while arguments are checked */
	bool json, stats;        /* --json and --stats of the command */
	char **args;             /* NULL-terminated */
};

/* the arguments, before the socket is looked for */
int check_add_ports(const struct ctl *ctl, struct err *err);
int check_remove_ports(const struct ctl *ctl, struct err *err);

int cmd_list_ports(const struct ctl *ctl, struct err *err);
int cmd_add_ports(const struct ctl *ctl, struct err *err);
int cmd_remove_ports(const struct ctl *ctl, struct err *err);
int cmd_info(const struct ctl *ctl, struct err *err);

#endif
