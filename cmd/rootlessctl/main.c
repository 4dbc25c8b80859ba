// SPDX-License-Identifier: Apache-2.0
/* main.c - rootlessctl: a table of commands, in the words of RootlessKit's */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/rootlessctl/rootlessctl.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/base/version.h"
#include "lib/client/client.h"
#include "lib/client/goflag.h"

#define EXIT_NO_TOPIC 3 /* of the library that upstream uses */

static const struct command {
	const char *name, *usage, *args, *description;
	/* told even when nobody listens: upstream's order; NULL: nothing to check */
	int (*check)(const struct ctl *ctl, struct err *err);
	int (*run)(const struct ctl *ctl, struct err *err);
} commands[] = {
	{ "list-ports", "List ports", "[flags]", NULL, NULL, cmd_list_ports },
	{ "add-ports", "Add ports",
	  "[flags] PARENTIP:PARENTPORT:CHILDPORT/PROTO [PARENTIP:PARENTPORT:CHILDPORT/PROTO...]",
	  "Add exposed ports. The port spec is similar to `docker run -p`. e.g. "
	  "\"127.0.0.1:8080:80/tcp\".",
	  check_add_ports, cmd_add_ports },
	{ "remove-ports", "Remove ports", "[flags] ID [ID...]", NULL, check_remove_ports,
	  cmd_remove_ports },
	{ "info", "Show info", "[flags]", NULL, NULL, cmd_info },
};

static void show_help(void)
{
	printf("NAME:\n   rootlessctl - RootlessKit API client\n\n"
	       "USAGE:\n   rootlessctl [global options] command [command options] "
	       "[arguments...]\n\n"
	       "VERSION:\n   " RK_ROOTLESSKIT_VERSION "\n\nCOMMANDS:\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		printf("   %-12s  %s\n", commands[i].name, commands[i].usage);
	printf("   help, h       Shows a list of commands or help for one command\n\n"
	       "GLOBAL OPTIONS:\n"
	       "   --debug         debug mode (default: false)\n"
	       "   --socket value  Path to api.sock (under the \"rootlesskit --state-dir\" "
	       "directory), defaults to $ROOTLESSKIT_STATE_DIR/api.sock\n"
	       "   --help, -h      show help (default: false)\n"
	       "   --version, -v   print the version (default: false)\n");
}

static void show_command_help(const struct command *c)
{
	printf("NAME:\n   rootlessctl %s - %s\n\n"
	       "USAGE:\n   rootlessctl %s [command options] %s\n\n",
	       c->name, c->usage, c->name, c->args);
	if (c->description)
		printf("DESCRIPTION:\n   %s\n\n", c->description);
	printf("OPTIONS:\n"
	       "   --json      Prints as JSON (default: false)\n"
	       "   --help, -h  show help (default: false)\n   \n");
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

static int no_topic(const char *name)
{
	fprintf(stderr, "No help topic for '%s'\n", name);
	return EXIT_NO_TOPIC;
}

static int show_topic(const char *name)
{
	const struct command *c = name ? find_command(name) : NULL;

	if (!name)
		show_help();
	else if (c)
		show_command_help(c);
	else
		return no_topic(name);
	return EXIT_SUCCESS;
}

static int fail(const struct err *err)
{
	fflush(stdout); /* help comes before the error on a common terminal */
	fprintf(stderr, "error: %s\n", err->msg);
	return EXIT_FAILURE;
}

static int choose_socket(const char *flag, char **ret, struct err *err)
{
	const char *dir = getenv("ROOTLESSKIT_STATE_DIR");

	if (*flag)
		*ret = strdup(flag);
	else if (dir && *dir)
		*ret = str_dup_format("%s/api.sock", dir);
	else
		return err_say(err, EINVAL,
			       "please specify --socket or set $ROOTLESSKIT_STATE_DIR");
	return *ret ? 0 : err_set(err, ENOMEM, "reading the command line");
}

static int run_command(const struct command *c, const char *socket_flag, int argc, char **argv)
{
	bool help = false, json = false, stats = false;
	const struct goflag flags[] = {
		{ "help", "h", GOFLAG_BOOL, &help },
		{ "json", NULL, GOFLAG_BOOL, &json },
		{ "stats", NULL, GOFLAG_BOOL, &stats }, /* ours; of list-ports only */
	};
	const size_t nflags = ARRAY_SIZE(flags) - (c->run != cmd_list_ports);
	autofree char *socket_path = NULL;
	struct err err = { 0 };
	struct ctl ctl;
	int first = goflag_parse(argc, argv, flags, nflags, &err);

	if (first < 0) {
		printf("Incorrect Usage: %s\n\n", err.msg);
		show_command_help(c);
		return fail(&err);
	}
	if (help) {
		show_command_help(c);
		return EXIT_SUCCESS;
	}
	ctl = (struct ctl){ .json = json, .stats = stats, .args = argv + first };
	if (c->check && c->check(&ctl, &err) < 0)
		return fail(&err);
	if (choose_socket(socket_flag, &socket_path, &err) < 0 ||
	    client_check_socket(socket_path, &err) < 0)
		return fail(&err);
	ctl.socket_path = socket_path;
	return c->run(&ctl, &err) < 0 ? fail(&err) : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	bool help = false, version = false, debug = false;
	const char *socket_flag = "";
	const struct goflag flags[] = {
		{ "debug", NULL, GOFLAG_BOOL, &debug },
		{ "socket", NULL, GOFLAG_TEXT, &socket_flag },
		{ "help", "h", GOFLAG_BOOL, &help },
		{ "version", "v", GOFLAG_BOOL, &version },
	};
	const struct command *c;
	struct err err = { 0 };
	int first = goflag_parse(argc, argv, flags, ARRAY_SIZE(flags), &err);

	if (first < 0) {
		printf("Incorrect Usage. %s\n\n", err.msg);
		show_help();
		return fail(&err);
	}
	if (version && !help) {
		printf("rootlessctl version " RK_ROOTLESSKIT_VERSION "\n");
		return EXIT_SUCCESS;
	}
	if (help || first == argc)
		return show_topic(NULL);
	if (strcmp(argv[first], "help") == 0 || strcmp(argv[first], "h") == 0)
		return show_topic(argv[first + 1]);
	c = find_command(argv[first]);
	return c ? run_command(c, socket_flag, argc - first, argv + first) : no_topic(argv[first]);
}
