/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - from argv to struct options: parse, defaults of the dialect, checks
 *
 * Needs the tables of the network and port drivers (net_driver_find() and its like) at link time.
 */
#ifndef RK_CMD_OPTIONS_H
#define RK_CMD_OPTIONS_H

#include <stdio.h>

#include "lib/base/err.h"
#include "lib/base/options.h"

enum options_result {
	OPTIONS_RUN,  /* start the command */
	OPTIONS_EXIT, /* help or version was printed: exit 0 */
};

/* what is said besides the result */
struct options_report {
	FILE *out;       /* in: help, version and Go's usage text go there (stdout); borrowed */
	char **warnings; /* out: in the order of the checks, filled on failure too */
	size_t nwarnings;
};

/* options_dialect() - the command line that a name stands for; @argv0 may be NULL or a path */
enum dialect options_dialect(const char *argv0);

/**
 * options_parse() - read and check the command line
 * @ret:	set on success only; options_done() frees it. It points into @argv
 * @rep:	rep->out is given, the rest is overwritten; options_report_done() frees it
 * @argc:	0 is allowed
 * @argv:	ends in NULL, must outlive @ret
 * @err:	the text for the user, with the words of the dialect
 * Return: enum options_result, or a negative errno
 *
 * Two processes with the same argv and working directory get the same result: nothing is read from
 * the environment, no file is opened.
 */
int options_parse(struct options *ret, struct options_report *rep, int argc, char **argv,
		  struct err *err);

void options_done(struct options *o);                 /* takes a zeroed one */
void options_report_done(struct options_report *rep); /* leaves rep->out open */

#endif
