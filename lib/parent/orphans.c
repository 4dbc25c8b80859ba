// SPDX-License-Identifier: Apache-2.0
/*
 * orphans.c - end what a killed parent leaves behind, when its child cannot
 *
 * Runs in the nursery. A child that lives sees the parent's end as well and does all of this
 * itself; it is waited for, and killed when it is stopped or hangs. What its death leaves over,
 * were it killed together with the parent, is found by its user namespace: daemons have sessions
 * and parents of their own, but nobody leaves that namespace. Its owner, which we are, may kill in
 * it.
 */
#include "lib/parent/orphans.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/loop.h"
#include "lib/base/str.h"
#include "lib/ipc/statenames.h"
#include "lib/parent/evacuate.h"

#define CHILD_MS 3000 /* longer than the child itself gives its processes */
#define KILLED_MS 500 /* until a killed child is dead */
#define SWEEP_MS 2000 /* then processes that cannot be killed, or fork faster, are given up */
#define ROUND_MS 5
#define DEPTH_MAX 33 /* of user namespaces, the kernel's limit */

void orphans_init(struct orphans *o, pid_t child, int state_dir)
{
	char path[32];

	str_format(path, sizeof(path), "/proc/%d/ns/user", (int)child);
	*o = (struct orphans){ .child = pidfd_open(child, 0),
			       .userns = open(path, O_RDONLY | O_CLOEXEC),
			       .state_dir = state_dir };
}

void orphans_done(struct orphans *o)
{
	cleanup_closep(&o->child);
	cleanup_closep(&o->userns);
	*o = (struct orphans){ -1, -1, -1, NULL };
}

static bool is_dead(int pidfd, int timeout_ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, timeout_ms) > 0;
}

static bool same_file(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* is process @name in the namespace, or in one below it? */
static bool is_inside(int proc, const char *name, int userns)
{
	char path[32];
	autoclose int ns = -1;

	if (str_format(path, sizeof(path), "%s/ns/user", name) < 0)
		return false;
	ns = openat(proc, path, O_RDONLY | O_CLOEXEC);
	for (int i = 0; ns >= 0 && i < DEPTH_MAX; i++) {
		int up;

		if (same_file(ns, userns))
			return true;
		up = ioctl(ns, NS_GET_PARENT); /* fails above our own */
		close(ns);
		ns = up;
	}
	return false;
}

/*
 * Looked at twice: the second look is after the pidfd, so that a number which was given to another
 * process in between is never signalled. True: it lived
 */
static bool kill_inside(int proc, const char *name, int userns)
{
	autoclose int pidfd = -1;

	if (!isdigit((unsigned char)name[0]) || !is_inside(proc, name, userns))
		return false;
	pidfd = pidfd_open((pid_t)strtol(name, NULL, 10), 0);
	return pidfd >= 0 && !is_dead(pidfd, 0) && is_inside(proc, name, userns) &&
	       pidfd_send_signal(pidfd, SIGKILL, NULL, 0) == 0;
}

/* the number of processes that were killed, or -1 */
static int kill_round(int userns)
{
	DIR *d = opendir("/proc");
	int n = 0;

	if (!d)
		return -1;
	for (struct dirent *e; (e = readdir(d));)
		n += kill_inside(dirfd(d), e->d_name, userns);
	closedir(d);
	return n;
}

void orphans_end(const struct orphans *o)
{
	const struct timespec pause = { .tv_nsec = ROUND_MS * 1000000L };
	uint64_t deadline;

	if (o->child >= 0 && !is_dead(o->child, CHILD_MS)) {
		pidfd_send_signal(o->child, SIGKILL, NULL, 0);
		is_dead(o->child, KILLED_MS);
	}
	deadline = clock_ms() + SWEEP_MS;
	while (o->userns >= 0 && kill_round(o->userns) > 0 && clock_ms() < deadline)
		nanosleep(&pause, NULL);
	evacuation_undo(o->evacuation); /* this process' copy */
	if (o->state_dir >= 0)
		statenames_remove_orphaned(o->state_dir);
}
