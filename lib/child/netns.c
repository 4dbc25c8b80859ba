// SPDX-License-Identifier: Apache-2.0
/*
 * netns.c - --detach-netns: a network namespace that the command is not in
 *
 * A short-lived fork unshares and binds it: the child itself could not come back to the host's
 * network namespace, which belongs to another user namespace.
 */
#include "lib/child/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/child/here.h"
#include "lib/ipc/statenames.h"

#define OWN_NETNS "/proc/self/ns/net"

/* in the fork: the exit status is the errno, 0 when it is done */
static int make_and_bind(const char *target)
{
	if (unshare(CLONE_NEWNET) < 0 || mount(OWN_NETNS, target, NULL, MS_BIND, NULL) < 0)
		return errno;
	return 0;
}

static int bind_new(const char *target, struct err *err)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(make_and_bind(target));
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return err_set(err, errno, "making the detached network namespace");
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return err_set(err, WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD,
			       "binding the detached network namespace at STATE/" STATE_NETNS);
	return 0;
}

int netns_make(int state_dirfd, int *ret, struct err *err)
{
	autoclose int state = here_open(state_dirfd), file = -1, netns = -1;
	char target[48];
	int r;

	if (state < 0)
		return err_set(err, -state, "opening the state directory");
	file = openat(state, STATE_NETNS, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		      0400);
	if (file < 0)
		return err_set(err, errno, "creating STATE/" STATE_NETNS);
	str_format(target, sizeof(target), "/proc/self/fd/%d/" STATE_NETNS, state);
	r = bind_new(target, err);
	if (r < 0)
		return r;
	netns = openat(state, STATE_NETNS, O_RDONLY | O_CLOEXEC);
	if (netns < 0)
		return err_set(err, errno, "opening STATE/" STATE_NETNS);
	*ret = take_fd(&netns);
	return 0;
}
