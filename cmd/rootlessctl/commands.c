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
static const struct goflag of_remove_ports[] = {
	JSON,
	{ "drain", NULL, GOFLAG_INT, offsetof(struct ctl, drain_s), "value",
	  "Seconds for which TCP connections may go on (default: 0)", .unsaid = true },
	HELP,
};

const struct command ctl_commands[CTL_NCOMMANDS] = {
	{ "list-ports", "List ports", "[flags]", NULL, FLAGS(of_list_ports), NULL, cmd_list_ports },
	{ "add-ports", "Add ports",
	  "[flags] PARENTIP:PARENTPORT:CHILDPORT/PROTO [PARENTIP:PARENTPORT:CHILDPORT/PROTO...]",
	  "Add exposed ports. The port spec is similar to `docker run -p`. e.g. "
	  "\"127.0.0.1:8080:80/tcp\".",
	  FLAGS(only_json), check_add_ports, cmd_add_ports },
	{ "remove-ports", "Remove ports", "[flags] ID [ID...]", NULL, FLAGS(of_remove_ports),
	  check_remove_ports, cmd_remove_ports },
	{ "info", "Show info", "[flags]", NULL, FLAGS(only_json), NULL, cmd_info },
};
