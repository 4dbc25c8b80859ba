// SPDX-License-Identifier: Apache-2.0
/* help.c - rootlessctl --help, in the layout of the library that upstream uses */
#include <stdio.h>
#include <string.h>

#include "cmd/rootlessctl/rootlessctl.h"
#include "lib/base/str.h"
#include "lib/base/version.h"

#define LEFT_MAX 64

/* "--socket value", "--help, -h" */
static void left_of(const struct goflag *f, char left[LEFT_MAX])
{
	str_format(left, LEFT_MAX, "--%s%s%s%s%s", f->name, f->alias ? ", -" : "",
		   f->alias ? f->alias : "", f->value ? " " : "", f->value ? f->value : "");
}

static void show_flags(const struct goflag *flags, size_t nflags)
{
	char left[LEFT_MAX];
	size_t width = 0;

	for (size_t i = 0; i < nflags; i++) {
		left_of(&flags[i], left);
		if (strlen(left) > width && !flags[i].unsaid)
			width = strlen(left);
	}
	for (size_t i = 0; i < nflags; i++) {
		if (flags[i].unsaid)
			continue;
		left_of(&flags[i], left);
		printf("   %-*s  %s\n", (int)width, left, flags[i].help);
	}
}

void ctl_help(void)
{
	printf("NAME:\n   rootlessctl - RootlessKit API client\n\n"
	       "USAGE:\n   rootlessctl [global options] command [command options] "
	       "[arguments...]\n\n"
	       "VERSION:\n   " RK_ROOTLESSKIT_VERSION "\n\nCOMMANDS:\n");
	for (size_t i = 0; i < CTL_NCOMMANDS; i++)
		printf("   %-12s  %s\n", ctl_commands[i].name, ctl_commands[i].usage);
	printf("   help, h       Shows a list of commands or help for one command\n\n"
	       "GLOBAL OPTIONS:\n");
	show_flags(ctl_globals, CTL_NGLOBALS);
}

void ctl_command_help(const struct command *c)
{
	printf("NAME:\n   rootlessctl %s - %s\n\n"
	       "USAGE:\n   rootlessctl %s [command options] %s\n\n",
	       c->name, c->usage, c->name, c->args);
	if (c->description)
		printf("DESCRIPTION:\n   %s\n\n", c->description);
	printf("OPTIONS:\n");
	show_flags(c->flags, c->nflags);
	printf("   \n");
}
