// SPDX-License-Identifier: Apache-2.0
/* commands.c - the table of commands and their flags */
#include <stddef.h>

#include "cmd/rootlessctl/rootlessctl.h"
#include "lib/base/cleanup.h"

#define FLAG_BOOL(name, alias, member, help) \
	{ \
		name, alias, GOFLAG_BOOL, offsetof(struct ctl, member), NULL, help \
	}
#define HELP FLAG_BOOL("help", "h", help, "show help (default: false)")
#define JSON FLAG_BOOL("json", NULL, json, "Prints as JSON (default: false)")
#define FLAGS(table) table, ARRAY_SIZE(table)

const struct goflag ctl_globals[CTL_NGLOBALS] = {
	FLAG_BOOL("debug", NULL, debug, "debug mode (default: false)"),
	{ "socket", NULL, GOFLAG_TEXT, offsetof(struct ctl, socket_flag), "value",
	  "Path to api.sock (under the \"rootlesskit --state-dir\" directory), defaults to "
	  "$ROOTLESSKIT_STATE_DIR/api.sock" },
	HELP,
	FLAG_BOOL("version", "v", version, "print the version (default: false)"),
};

static const struct goflag only_json[] = { JSON, HELP };
static const struct goflag of_list_ports[] = {
	JSON,
	/* the help of these commands is upstream's */
	{ "stats", NULL, GOFLAG_BOOL, offsetof(struct ctl, stats), NULL,
	  "With what each port has seen (default: false)", .unsaid = true },
	HELP,
};
static const struct goflag of_add_ports[] = {
	JSON,
	{ "udp-idle", NULL, GOFLAG_INT, offsetof(struct ctl, udp_idle), "value",
	  "Seconds of silence after which UDP clients are forgotten (default: 0)", .unsaid = true },
	HELP,
};
static const struct goflag of_remove_ports[] = {
	JSON,
	{ "drain", NULL, GOFLAG_INT, offsetof(struct ctl, drain_s), "value",
	  "Seconds for which TCP connections may go on (default: 0)", .unsaid = true },
	HELP,
};

static const struct goflag of_ready[] = {
	FLAG_BOOL("wait", NULL, wait, "Wait until it is (default: false)"),
	{ "timeout", NULL, GOFLAG_INT, offsetof(struct ctl, timeout), "value",
	  "Wait so many seconds at most (default: 60)" },
	FLAG_BOOL("json", NULL, json, "Prints as JSON (default: false)"),
	HELP,
};
static const struct goflag of_events[] = {
	FLAG_BOOL("follow", "f", follow, "Go on with those to come (default: false)"),
	{ "after", NULL, GOFLAG_INT, offsetof(struct ctl, after), "value",
	  "Only those behind this number (default: 0)" },
	FLAG_BOOL("json", NULL, json, "As JSON, which they are anyway (default: false)"),
	HELP,
};
static const struct goflag of_top[] = {
	{ "interval", NULL, GOFLAG_INT, offsetof(struct ctl, interval), "value",
	  "Seconds between two looks (default: 1)" },
	{ "count", NULL, GOFLAG_INT, offsetof(struct ctl, count), "value",
	  "End after so many (default: 0, never)" },
	FLAG_BOOL("json", NULL, json, "Prints as JSON, an object each time (default: false)"),
	HELP,
};
static const struct goflag of_flows[] = {
	{ "limit", NULL, GOFLAG_INT, offsetof(struct ctl, limit), "value",
	  "Show so many, those that moved the most (default: 0, a screenful; as JSON all)" },
	JSON,
	HELP,
};
static const struct goflag of_exec[] = {
	FLAG_BOOL("net", NULL, net,
		  "Enter the network namespace as well when it is detached (default: false)"),
	HELP,
};

const struct command ctl_commands[CTL_NCOMMANDS] = {
	{ "list-ports", "List ports", "[flags]", NULL, FLAGS(of_list_ports), NULL, cmd_list_ports },
	{ "add-ports", "Add ports",
	  "[flags] PARENTIP:PARENTPORT:CHILDPORT/PROTO [PARENTIP:PARENTPORT:CHILDPORT/PROTO...]",
	  "Add exposed ports. The port spec is similar to `docker run -p`. e.g. "
	  "\"127.0.0.1:8080:80/tcp\".",
	  FLAGS(of_add_ports), check_add_ports, cmd_add_ports },
	{ "remove-ports", "Remove ports", "[flags] ID [ID...]", NULL, FLAGS(of_remove_ports),
	  check_remove_ports, cmd_remove_ports },
	{ "info", "Show info", "[flags]", NULL, FLAGS(only_json), NULL, cmd_info },
	{ "status", "Show what runs, on one screen", "[flags]", NULL, FLAGS(only_json), NULL,
	  cmd_status },
	{ "top", "Show what passes the ports, live", "[flags]", NULL, FLAGS(of_top), check_top,
	  cmd_top },
	{ "flows", "Show who talks to whom, and how much", "[flags]", NULL, FLAGS(of_flows),
	  check_flows, cmd_flows },
	{ "ready", "Succeed when the instance is up", "[flags]", NULL, FLAGS(of_ready), NULL,
	  cmd_ready, .may_wait = true },
	{ "exec", "Run a command inside", "[flags] -- COMMAND [ARG...]",
	  "Runs it in all namespaces of the instance, as their root. With --detach-netns the "
	  "network "
	  "stays the host's, unless --net is given.",
	  FLAGS(of_exec), check_exec, cmd_exec },
	{ "events", "Show what has happened, an object of JSON a line", "[flags]", NULL,
	  FLAGS(of_events), NULL, cmd_events },
	{ "metrics", "Show numbers, as Prometheus reads them", "[flags]", NULL, FLAGS(only_json),
	  NULL, cmd_metrics },
};
