// SPDX-License-Identifier: Apache-2.0
/* role.c - which process of the program this is */
#include "lib/ipc/role.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

static const char *const names[] = { "parent",  "child",       "nursery", "relay", "slirp",
				     "nsagent", "slirp4netns", "starter", "frames" };
static_assert(ARRAY_SIZE(names) == ROLE_NROLES, "a name for each role");

/* processes that serve until end-of-file of their control socket, whatever the terminal says */
static const unsigned served_by_eof = ROLE_BIT(ROLE_NURSERY) | ROLE_BIT(ROLE_RELAY) |
				      ROLE_BIT(ROLE_SLIRP) | ROLE_BIT(ROLE_NSAGENT) |
				      ROLE_BIT(ROLE_STARTER) | ROLE_BIT(ROLE_FRAMES);
static const int terminal_signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGPIPE };

static enum role the_role = ROLE_NROLES; /* none yet */

enum role role_current(void)
{
	return the_role;
}

const char *role_name(enum role role)
{
	return (unsigned)role < ROLE_NROLES ? names[role] : "?";
}

int role_enter(enum role role, int death_signal)
{
	char title[16];

	the_role = role;
	snprintf(title, sizeof(title), "rs-%s", role_name(role));
	if (role != ROLE_PARENT && role != ROLE_CHILD && role != ROLE_SLIRP4NETNS)
		prctl(PR_SET_NAME, title);
	if (death_signal && prctl(PR_SET_PDEATHSIG, death_signal) < 0)
		return -errno;
	if (!(served_by_eof & ROLE_BIT(role)))
		return 0;
	setsid(); /* fails only for a group leader, which has left the terminal already */
	for (size_t i = 0; i < ARRAY_SIZE(terminal_signals); i++)
		signal(terminal_signals[i], SIG_IGN);
	return 0;
}

void role_assert(enum role role)
{
	if (the_role != role) {
		fprintf(stderr, "rootless-supervisor: bug: %s does the work of %s\n",
			role_name(the_role), role_name(role));
		abort();
	}
}
