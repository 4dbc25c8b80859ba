/* SPDX-License-Identifier: Apache-2.0 */
/* rootlessctl.h - what the files of rootlessctl share */
#ifndef RK_CMD_ROOTLESSCTL_H
#define RK_CMD_ROOTLESSCTL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/client/goflag.h"

/* the flags of all commands, and what they work on */
struct ctl {
	const char *socket_flag;   /* --socket; "" when absent */
	bool debug, help, version; /* of the program; help also of a command */
	bool json, stats;
	int64_t drain_s;         /* of remove-ports */
	const char *socket_path; /* NULL while arguments are checked */
	char **args;             /* NULL-terminated */
};

struct command {
	const char *name, *usage, *args, *description;
	const struct goflag *flags;
	size_t nflags;
	/* told even when nobody listens: upstream's order; NULL: nothing to check */
	int (*check)(const struct ctl *ctl, struct err *err);
	/* 0, a negative errno with @err, or an exit status above 0 */
	int (*run)(const struct ctl *ctl, struct err *err);
};

/* the tables that the parser, the help, the man page and the completions are made of */
#define CTL_NCOMMANDS 4
#define CTL_NGLOBALS 4
extern const struct command ctl_commands[CTL_NCOMMANDS];
extern const struct goflag ctl_globals[CTL_NGLOBALS];

/* help.c: in the layout of the library that upstream uses */
void ctl_help(void);
void ctl_command_help(const struct command *c);

/* the arguments, before the socket is looked for */
int check_add_ports(const struct ctl *ctl, struct err *err);
int check_remove_ports(const struct ctl *ctl, struct err *err);

int cmd_list_ports(const struct ctl *ctl, struct err *err);
int cmd_add_ports(const struct ctl *ctl, struct err *err);
int cmd_remove_ports(const struct ctl *ctl, struct err *err);
int cmd_info(const struct ctl *ctl, struct err *err);

#endif
