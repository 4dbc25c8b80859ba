/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules.h - the one table of system calls: who may make which, and why
 *
 * A call that no row of relay, slirp, agent, frames and slirp4netns allows kills the process.
 * Nursery and parent may do all but what a row denies: the filter of the one is inherited by the
 * workers, which still have to confine themselves, and the other must survive and clean up whatever
 * libc it runs with. The program is not linked with libseccomp: make_filters.c turns the table into
 * BPF when it is built.
 */
#ifndef RK_SANDBOX_RULES_H
#define RK_SANDBOX_RULES_H

#include <stddef.h>
#include <stdint.h>

enum rule_kind {
	RULE_ALLOW, /* seen in the trace of sandbox_calls.sh, or the row has no business here */
	RULE_SPARE, /* allowed though that trace need not have it: errors, another libc, an abort */
	RULE_ERRNO, /* fails in place of the kill: what libraries try and can do without */
	RULE_DENY,  /* fails; for roles that may do all that no row denies */
	RULE_NKINDS
};

enum rule_role {
	RULE_RELAY = 1,
	RULE_SLIRP = 2,
	RULE_NSAGENT = 4,
	RULE_NURSERY = 8,
	RULE_PARENT = 16,
	RULE_ALONE = 32, /* the program slirp4netns */
	RULE_FRAMES = 64,
	RULE_NROLES = 7
};
#define RULE_MAY_ALL (RULE_NURSERY | RULE_PARENT) /* but for RULE_DENY */

enum rule_op {
	RULE_ANY, /* no condition */
	RULE_EQ,  /* all 64 bits */
	RULE_LT,
	RULE_GT,
	RULE_MASKED, /* the bits of mask are value */
};

#define RULE_CONDITIONS_MAX 3
#define RULE_OWN_PID 0x51d51d51u /* stands for the process itself until the filter is loaded */

struct rule_condition {
	enum rule_op op;
	unsigned arg; /* 0 is the first argument */
	uint64_t value, mask;
};

struct rule {
	const char *call;
	unsigned roles; /* enum rule_role bits */
	enum rule_kind kind;
	int errnum; /* RULE_ERRNO, RULE_DENY */
	struct rule_condition when[RULE_CONDITIONS_MAX];
	const char *why;
};

extern const struct rule seccomp_rules[];
extern const size_t nseccomp_rules;

#endif
