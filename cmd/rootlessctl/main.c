// SPDX-License-Identifier: Apache-2.0
/* main.c - rootlessctl: commands.c has the table, in the words of RootlessKit's */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/rootlessctl/clean.h"
#include "cmd/rootlessctl/rootlessctl.h"
#include "lib/base/cleanup.h"
#include "lib/base/nearest.h"
#include "lib/base/out.h"
#include "lib/base/str.h"
#include "lib/base/version.h"
#include "lib/client/client.h"

#define READY_SECONDS 60
#define EXIT_NO_TOPIC 3 /* of the library that upstream uses */

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < CTL_NCOMMANDS; i++) {
		if (strcmp(ctl_commands[i].name, name) == 0)
			return &ctl_commands[i];
	}
	return NULL;
}

static int no_topic(const char *name)
{
	struct nearest near = { 0 };

	for (size_t i = 0; i < CTL_NCOMMANDS; i++)
		nearest_try(&near, name, strlen(name), ctl_commands[i].name);
	fprintf(stderr, "No help topic for '%s'\n", name);
	if (near.word)
		fprintf(stderr, "did you mean '%s'?\n", near.word);
	return EXIT_NO_TOPIC;
}

static int show_topic(const char *name)
{
	const struct command *c = name ? find_command(name) : NULL;

	if (!name)
		ctl_help();
	else if (c)
		ctl_command_help(c);
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

/* @argv: the command and what follows it */
static int run_command(const struct command *c, struct ctl *ctl, int argc, char **argv)
{
	autofree char *socket_path = NULL;
	struct err err = { 0 };
	int first = goflag_parse(argc, argv, c->flags, c->nflags, ctl, &err), r;

	if (first < 0) {
		printf("Incorrect Usage: %s\n\n", err.msg);
		ctl_command_help(c);
		return fail(&err);
	}
	if (ctl->help) {
		ctl_command_help(c);
		return EXIT_SUCCESS;
	}
	ctl->args = argv + first;
	if (c->check && c->check(ctl, &err) < 0)
		return fail(&err);
	if (!c->may_wait) {
		if (ctl_socket(ctl, &socket_path, &err) < 0 ||
		    client_check_socket(socket_path, &err) < 0)
			return fail(&err);
		ctl->socket_path = socket_path;
	}
	r = c->run(ctl, &err);
	return r < 0 ? fail(&err) : r;
}

static int run(int argc, char **argv)
{
	struct ctl ctl = { .socket_flag = "", .timeout = READY_SECONDS, .interval = 1 };
	const struct command *c;
	struct err err = { 0 };
	int first;

	first = goflag_parse(argc, argv, ctl_globals, CTL_NGLOBALS, &ctl, &err);
	if (first < 0) {
		printf("Incorrect Usage. %s\n\n", err.msg);
		ctl_help();
		return fail(&err);
	}
	if (ctl.version && !ctl.help) {
		printf("rootlessctl version " RK_ROOTLESSKIT_VERSION "\n");
		return EXIT_SUCCESS;
	}
	if (ctl.help || first == argc)
		return show_topic(NULL);
	if (strcmp(argv[first], "help") == 0 || strcmp(argv[first], "h") == 0)
		return show_topic(argv[first + 1]);
	c = find_command(argv[first]);
	return c ? run_command(c, &ctl, argc - first, argv + first) : no_topic(argv[first]);
}

int main(int argc, char **argv)
{
	struct err err = { 0 };
	int status;

	if (out_hold_closed() < 0 || clean_output() < 0)
		return EXIT_FAILURE;
	status = run(argc, argv);
	return status == EXIT_SUCCESS && out_flush(&err) < 0 ? fail(&err) : status;
}
