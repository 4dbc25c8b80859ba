// SPDX-License-Identifier: Apache-2.0
/*
 * sandbox.c - the stages in which a worker gives up its rights
 *
 *   1 jail.c    own user namespace without ids; empty root. Before: every open(), every path
 *   2 rights.c  bounding set, capabilities, tracing, no_new_privs, limits. Before: mounts, forks
 *
 * Each stage is read back; what could not be had is missing in the report and its reason is there.
 * Builds with a sanitizer or the fault injector are relaxed: the reports of the one need the
 * program's file and a process, the trace of the other is a file. That is the compiler's choice,
 * there is no switch for it at run time.
 */
#include "lib/sandbox/sandbox.h"

#include <stdio.h>

#include "lib/base/err.h"
#include "lib/base/fd.h"
#include "lib/sandbox/jail.h"
#include "lib/sandbox/rights.h"

#define NOT_HERE (RK_RELAXED ? SANDBOX_ROOT : 0)
#define ALL ((1u << SANDBOX_NPROPERTIES) - 1)

void sandbox_oom(enum role role)
{
	/* best effort: the order in which memory is taken back is no matter of safety */
	(void)fd_write_file(-1, "/proc/self/oom_score_adj", role == ROLE_SLIRP ? "300" : "200");
}

void sandbox_enter(struct sandbox_report *ret)
{
	struct err err = { 0 };

	*ret = (struct sandbox_report){ 0 };
	ret->have = jail_enter(&err);
	ret->have |= rights_drop_all(&err);
	snprintf(ret->why, sizeof(ret->why), "%.*s", (int)sizeof(ret->why) - 1, err.msg);
}

uint32_t sandbox_missing(uint32_t have)
{
	return ALL & ~NOT_HERE & ~have;
}
