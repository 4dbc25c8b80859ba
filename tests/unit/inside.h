/* SPDX-License-Identifier: Apache-2.0 */
/* inside.h - tests that run as root of new user and mount namespaces, and look on from outside */
#ifndef RK_TESTS_INSIDE_H
#define RK_TESTS_INSIDE_H

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/fd.h"

#define SKIPPED 77

/* in the namespace a failed check ends the process: the test outside sees its status */
#define want(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "%s:%d: %s (errno %d) %s\n", __FILE__, __LINE__, #cond, \
				errno, inside_err.msg); \
			_exit(1); \
		} \
	} while (0)

static struct err inside_err; /* of the call under test */

static inline __attribute__((format(printf, 1, 2))) void run(const char *fmt, ...)
{
	char cmd[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	ck_assert_msg(system(cmd) == 0, "%s", cmd);
}

/* root of new namespaces, the user's own id alone is mapped; @more: further CLONE_NEW flags */
static inline int enter(int more)
{
	char map[64];
	unsigned uid = geteuid(), gid = getegid();

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | more) < 0)
		return -errno;
	fd_write_file(AT_FDCWD, "/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", uid);
	if (fd_write_file(AT_FDCWD, "/proc/self/uid_map", map) < 0)
		return -EPERM;
	snprintf(map, sizeof(map), "0 %u 1", gid);
	return fd_write_file(AT_FDCWD, "/proc/self/gid_map", map);
}

/* run @inside in new namespaces: it ends well, or the machine does not allow it */
static inline void in_namespaces(int more, void (*inside)(void))
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (enter(more) < 0)
			_exit(SKIPPED);
		inside();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(status == 0 || status == SKIPPED << 8, "status %x", (unsigned)status);
}

#endif
