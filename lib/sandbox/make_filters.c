// SPDX-License-Identifier: Apache-2.0
/*
 * make_filters.c - at build time: the table of rules as BPF programs, by libseccomp
 *
 *   make_filters MODE   C text: one array a role. MODE is kill, or log for relaxed builds, where a
 *                       call that is not listed is allowed and logged and nothing is made to fail;
 *                       those that may do all but what is denied are empty there
 *   make_filters list   lines "ROLE KIND CALL" for tests; of setsockopt CALL=LEVEL=OPTION
 */
#include <errno.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/sandbox/rules.h"

static const char *const role_names[] = { "relay",  "slirp",       "nsagent", "nursery",
					  "parent", "slirp4netns", "frames" };
static_assert(ARRAY_SIZE(role_names) == RULE_NROLES, "a name for each role");

static struct scmp_arg_cmp compare(const struct rule_condition *c)
{
	static const enum scmp_compare ops[] = { [RULE_EQ] = SCMP_CMP_EQ,
						 [RULE_LT] = SCMP_CMP_LT,
						 [RULE_GT] = SCMP_CMP_GT,
						 [RULE_MASKED] = SCMP_CMP_MASKED_EQ };

	if (c->op == RULE_MASKED)
		return SCMP_CMP(c->arg, ops[c->op], c->mask, c->value);
	return SCMP_CMP(c->arg, ops[c->op], c->value);
}

static int add_rule(scmp_filter_ctx ctx, const struct rule *r)
{
	struct scmp_arg_cmp cmp[RULE_CONDITIONS_MAX];
	int nr = seccomp_syscall_resolve_name(r->call);
	unsigned n = 0;

	if (nr == __NR_SCMP_ERROR)
		return -EINVAL;
	if (nr < 0) /* not on this architecture */
		return 0;
	while (n < RULE_CONDITIONS_MAX && r->when[n].op != RULE_ANY) {
		cmp[n] = compare(&r->when[n]);
		n++;
	}
	return seccomp_rule_add_array(
		ctx, r->errnum ? SCMP_ACT_ERRNO((unsigned)r->errnum) : SCMP_ACT_ALLOW, nr, n, cmp);
}

static int fill(scmp_filter_ctx ctx, unsigned role, bool relaxed)
{
	int e = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	for (size_t i = 0; i < nseccomp_rules && e == 0; i++) {
		const struct rule *r = &seccomp_rules[i];

		if (!(r->roles & role) || (relaxed && r->errnum))
			continue;
		e = add_rule(ctx, r);
		if (e < 0)
			fprintf(stderr, "make_filters: %s: %s\n", r->call, strerror(-e));
	}
	return e;
}

static int print_filter(unsigned role, const char *name, bool relaxed)
{
	scmp_filter_ctx ctx = seccomp_init(role & RULE_MAY_ALL ? SCMP_ACT_ALLOW
					   : relaxed           ? SCMP_ACT_LOG
							       : SCMP_ACT_KILL_PROCESS);
	FILE *f = tmpfile();
	struct sock_filter insn;

	if (!ctx || !f || fill(ctx, role, relaxed) < 0 || seccomp_export_bpf(ctx, fileno(f)) < 0)
		return 1;
	rewind(f);
	printf("static const struct sock_filter %s_filter[] = {\n", name);
	while (fread(&insn, sizeof(insn), 1, f) == 1)
		printf("\t{ 0x%x, %u, %u, 0x%x },\n", insn.code, insn.jt, insn.jf, insn.k);
	puts("};");
	seccomp_release(ctx);
	return fclose(f) < 0;
}

static void print_list(unsigned role, const char *name)
{
	static const char *const kinds[] = { "allow", "spare", "errno", "deny" };

	static_assert(ARRAY_SIZE(kinds) == RULE_NKINDS, "a word for each kind");
	for (size_t i = 0; i < nseccomp_rules; i++) {
		const struct rule *r = &seccomp_rules[i];

		if (!(r->roles & role))
			continue;
		printf("%s %s %s", name, kinds[r->kind], r->call);
		if (strcmp(r->call, "setsockopt") == 0) /* as strace says it raw */
			printf("=%#x=%#x", (unsigned)r->when[0].value, (unsigned)r->when[1].value);
		puts("");
	}
}

int main(int argc, char **argv)
{
	const char *mode = argc == 2 ? argv[1] : "";

	if (strcmp(mode, "list") != 0)
		puts("/* made by make_filters.c from rules.c */");
	for (unsigned i = 0; i < RULE_NROLES; i++) {
		if (strcmp(mode, "list") == 0)
			print_list(1u << i, role_names[i]);
		else if (print_filter(1u << i, role_names[i], strcmp(mode, "log") == 0) != 0)
			return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
