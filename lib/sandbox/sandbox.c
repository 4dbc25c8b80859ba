// SPDX-License-Identifier: Apache-2.0
/*
 * sandbox.c - the stages in which a worker gives up its rights
 *
 *   1 jail.c      own user namespace without ids; empty root. Before: every open(), every path
 *   2 rights.c    bounding set, capabilities, tracing, no_new_privs, limits. Before: mounts, forks
 *   3 landlock.c  no file, no signal. Before: mounts
 *   4 callfilter.c only what the work needs. Before: descriptors of the settings made ready, limits
 *
 * Each stage is read back; what could not be had is missing in the report and its reason is there.
 * Nursery, agents and parent take a part of it: no_new_privs, no tracing, and a filter.
 * Builds with a sanitizer or the fault injector are relaxed: the reports of the one need the
 * program's file and a process, the trace of the other is a file. That is the compiler's choice,
 * there is no switch for it at run time.
 */
#include "lib/sandbox/sandbox.h"

#include <stdio.h>

#include "lib/base/err.h"
#include "lib/base/fd.h"
#include "lib/sandbox/jail.h"
#include "lib/sandbox/landlock.h"
#include "lib/sandbox/rights.h"
#include "lib/sandbox/callfilter.h"

#define NOT_HERE (RK_RELAXED ? SANDBOX_ROOT : 0)
/* what not every kernel has: something else holds in its place */
#define OPTIONAL (SANDBOX_NOEXEC | SANDBOX_LANDLOCK)
#define ALL ((1u << SANDBOX_NPROPERTIES) - 1)

void sandbox_oom(enum role role)
{
	/* best effort: the order in which memory is taken back is no matter of safety */
	(void)fd_write_file(-1, "/proc/self/oom_score_adj", role == ROLE_SLIRP ? "300" : "200");
}

static void say_why(struct sandbox_report *r, const struct err *err)
{
	if (!r->why[0])
		snprintf(r->why, sizeof(r->why), "%.*s", (int)sizeof(r->why) - 1, err->msg);
}

void sandbox_enter(struct sandbox_report *ret)
{
	struct err err = { 0 };

	*ret = (struct sandbox_report){ 0 };
	ret->have = jail_enter(&err);
	ret->have |= rights_drop_all(&err);
	/* reports of a relaxed build need files */
	if (!RK_RELAXED && landlock_enter(role_current()) == 0)
		ret->have |= SANDBOX_LANDLOCK;
	say_why(ret, &err);
}

void sandbox_seal(struct sandbox_report *report)
{
	struct err err = { 0 };

	if (!report->have)
		return;
	if (callfilter_enter(role_current(), &err) == 0)
		report->have |= SANDBOX_SECCOMP;
	else
		say_why(report, &err);
}

int sandbox_calls(enum sandbox_mode mode, const char *who, struct err *err)
{
	struct err why = { 0 };

	if (mode == SANDBOX_OFF || callfilter_enter(role_current(), &why) == 0)
		return 0;
	if (mode == SANDBOX_REQUIRE)
		return err_hint(err,
				err_say(err, why.code,
					"--sandbox=require: the %s lacks seccomp: %s", who,
					why.msg),
				"with --sandbox=auto it serves all the same");
	err_say(err, why.code, "the %s lacks seccomp: %s; it serves all the same", who, why.msg);
	return 1;
}

int sandbox_alone(const char *const *dirs, size_t n, uint32_t *ret_have, struct err *err)
{
	int r = rights_drop_unjailed(err);

	if (r < 0)
		return r;
	*ret_have = 0;
	if (!RK_RELAXED) {
		r = landlock_enter_reading(dirs, n);
		if (r < 0)
			err_set(err, -r, "Landlock");
	}
	if (r == 0)
		*ret_have |= SANDBOX_LANDLOCK;
	if (callfilter_enter(ROLE_SLIRP4NETNS, err) == 0)
		*ret_have |= SANDBOX_SECCOMP;
	return 0;
}

uint32_t sandbox_missing(uint32_t have)
{
	return ALL & ~NOT_HERE & ~OPTIONAL & ~have;
}
