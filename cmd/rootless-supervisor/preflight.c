// SPDX-License-Identifier: Apache-2.0
/* preflight.c - what RootlessKit warns of before a start */
#include "cmd/rootless-supervisor/preflight.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/check/mountinfo.h"

/* of Debian's and Arch's kernels */
#define CLONE_FILE "/proc/sys/kernel/unprivileged_userns_clone"
#define MAX_FILE "/proc/sys/user/max_user_namespaces"
#define MAX_WANTED 1024
#define MOUNTINFO_MAX (16u << 20)

/* -1: there is none */
static long read_number(const char *path)
{
	autofree char *text = NULL;

	return fd_read_file(AT_FDCWD, path, 64, &text) < 0 ? -1 : strtol(text, NULL, 10);
}

static void warn_namespaces(void)
{
	long max = read_number(MAX_FILE);

	if (read_number(CLONE_FILE) == 0)
		log_warning("", CLONE_FILE " needs to be set to 1.");
	if (max == 0)
		log_warning("", MAX_FILE " needs to be set to non-zero.");
	else if (max > 0 && max < MAX_WANTED)
		log_warning("", MAX_FILE "=%ld may be low. Consider setting to >= %d.", max,
			    MAX_WANTED);
}

static void warn_propagation(const char *wanted)
{
	autofree char *text = NULL;
	struct mountinfo m;

	if (strstr(wanted, "private") ||
	    fd_read_file(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &text) <= 0 ||
	    !mountinfo_find(text, "/", &m) || m.shared)
		return;
	log_warning("",
		    "The host root filesystem is mounted as \"%s\". Setting child propagation to "
		    "\"%s\" is not supported.",
		    m.optional, wanted);
}

void preflight_warn(const struct options *opt)
{
	warn_namespaces();
	warn_propagation(opt->propagation);
}
