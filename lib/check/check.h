/* SPDX-License-Identifier: Apache-2.0 */
/* check.h - rootless-supervisor check: would a start work here, and if not, why */
#ifndef RK_CHECK_CHECK_H
#define RK_CHECK_CHECK_H

#include <stdbool.h>
#include <stdint.h>

struct check_options {
	uint32_t presets;   /* enum cause_preset bits; 0: what every start needs */
	const char *preset; /* as typed; NULL: none */
	bool json;          /* the report as JSON */
	bool fix_script;    /* the commands as a script, instead of a report */
	bool apply;         /* show the commands, ask, run them */
	bool strict;        /* warnings count in the exit status */
};

/* check_preset() - enum cause_preset of a name ("docker"), 0 when there is none */
uint32_t check_preset(const char *name);

/* check_main() - the exit status: 0; 1 something fails; 2 with @strict, a warning */
int check_main(const struct check_options *o);

/* check_list() - prints every cause that is looked for; the exit status */
int check_list(void);

#endif
