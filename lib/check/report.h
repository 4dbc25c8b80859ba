/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - what a check has found, and its four forms: text, JSON, script, questions */
#ifndef RK_CHECK_REPORT_H
#define RK_CHECK_REPORT_H

#include <stdio.h>

#include "lib/base/cleanup.h"
#include "lib/cause/cause.h"
#include "lib/check/check.h"

#define REPORT_FINDINGS_MAX 96
#define REPORT_FACT_MAX 160

/* causes of one kind, in the order of CAUSES() */
enum report_group {
	GROUP_USERNS,
	GROUP_IDS,
	GROUP_MOUNTS,
	GROUP_NETWORK,
	GROUP_HOST,
	GROUP_SESSION,
	GROUP_LIMITS,
	GROUP_SANDBOX,
	GROUP_NKINDS
};

struct report {
	uint32_t presets;
	unsigned elapsed_ms;
	struct {
		bool done;                  /* it was looked at */
		char fact[REPORT_FACT_MAX]; /* what is good; "" when nothing has to be said */
	} group[GROUP_NKINDS];
	size_t n;
	struct finding finding[REPORT_FINDINGS_MAX];
};

/* report_add() - a cause of another preset is passed over, as is what exceeds the limit */
void report_add(struct report *r, const struct finding *f);
void report_cause(struct report *r, enum cause_id id, const char *a0, const char *a1);

/* report_err() - the cause that an error carries, else @fallback with its first line */
void report_err(struct report *r, const struct err *err, enum cause_id fallback);

/* report_good() - a group was looked at; @fmt is shown when nothing of it fails */
void report_good(struct report *r, enum report_group g, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

size_t report_count(const struct report *r, enum cause_level level);

/* report_is_command() - this finding has a command that belongs into the script: a note's is
 *                       optional, and stands there as a comment */
bool report_is_command(const struct finding *f);

void report_sort(struct report *r); /* by the order of the table */
int report_text(const struct report *r, FILE *out);
int report_json(const struct report *r, const struct check_options *o, FILE *out);
int report_script(const struct report *r, FILE *out);

/* report_apply() - show the commands on @out, ask on @in, run them; 0, or 1 when one failed */
int report_apply(const struct report *r, FILE *in, FILE *out);

#endif
