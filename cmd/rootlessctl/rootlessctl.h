/* SPDX-License-Identifier: Apache-2.0 */
/* rootlessctl.h - what the files of rootlessctl share */
#ifndef RK_CMD_ROOTLESSCTL_H
#define RK_CMD_ROOTLESSCTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/client/goflag.h"

/* the flags of all commands, and what they work on */
struct ctl {
	const char *socket_flag;   /* --socket; "" when absent */
	bool debug, help, version; /* of the program; help also of a command */
	bool json, stats, follow, wait, net;
	int64_t drain_s;         /* of remove-ports */
	int64_t udp_idle;        /* of add-ports; seconds */
	int64_t after, timeout;  /* an event's number; seconds */
	int64_t interval, count; /* of top: seconds, rounds */
	int64_t limit;           /* of flows; 0: a screenful */
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
	bool may_wait; /* the instance need not be there yet */
};

/* the tables that the parser, the help, the man page and the completions are made of */
#define CTL_NCOMMANDS 11
#define CTL_INTERVAL_MAX 3600
#define CTL_NGLOBALS 4
extern const struct command ctl_commands[CTL_NCOMMANDS];
extern const struct goflag ctl_globals[CTL_NGLOBALS];

/**
 * discover() - discover.c: the API socket of the one instance that runs
 * @ret:	malloc'ed path
 * Return: 0; -ENOENT when there is none, -EEXIST when there are several (they are listed)
 */
int discover(char **ret, struct err *err);

/* ctl_socket() - --socket, $ROOTLESSKIT_STATE_DIR, or the one that is found */
int ctl_socket(const struct ctl *ctl, char **ret, struct err *err);

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
/* ctl_show_degraded() - a line for each thing that does not work; none when all does */
void ctl_show_degraded(const char *title, const json_t *info);
int cmd_status(const struct ctl *ctl, struct err *err);
int cmd_ready(const struct ctl *ctl, struct err *err);
int cmd_events(const struct ctl *ctl, struct err *err);
int cmd_metrics(const struct ctl *ctl, struct err *err);
int check_top(const struct ctl *ctl, struct err *err);
int cmd_top(const struct ctl *ctl, struct err *err);
int check_flows(const struct ctl *ctl, struct err *err);
int cmd_flows(const struct ctl *ctl, struct err *err);
int check_exec(const struct ctl *ctl, struct err *err);
int cmd_exec(const struct ctl *ctl, struct err *err);

#endif
