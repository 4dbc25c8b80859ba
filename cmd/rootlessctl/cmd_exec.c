// SPDX-License-Identifier: Apache-2.0
/*
 * cmd_exec.c - rootlessctl exec: a command in the namespaces of the instance
 *
 * They are those of the child, whose pid the API tells. All are opened before the first is entered,
 * and the user namespace comes first, because it gives the rights over the others. A detached
 * network namespace is a file that only the child's mount namespace has.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/rootlessctl/rootlessctl.h"
#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/str.h"
#include "lib/client/client.h"

enum { EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127, EXIT_OF_SIGNAL = 128 };

/* the user namespace is the first */
static const char *const kinds[] = { "user", "cgroup", "ipc", "uts", "net", "pid", "mnt" };

static volatile sig_atomic_t inside; /* the command, for the handler */

int check_exec(const struct ctl *ctl, struct err *err)
{
	return ctl->args[0] ? 0 : err_say(err, EINVAL, "no command specified");
}

/* *ret: -1 when we are in that namespace already, or the kernel has none of that kind */
static int open_namespace(int64_t pid, const char *kind, int *ret, struct err *err)
{
	char theirs[64], ours[64];
	struct stat a, b;

	str_format(theirs, sizeof(theirs), "/proc/%lld/ns/%s", (long long)pid, kind);
	str_format(ours, sizeof(ours), "/proc/self/ns/%s", kind);
	*ret = -1;
	if (stat(ours, &b) < 0)
		return 0;
	if (stat(theirs, &a) < 0)
		return err_set(err, errno,
			       "looking at '%s' (is the instance on this host, and yours?)",
			       theirs);
	if (a.st_dev == b.st_dev && a.st_ino == b.st_ino)
		return 0;
	*ret = open(theirs, O_RDONLY | O_CLOEXEC);
	return *ret < 0 ? err_set(err, errno, "opening '%s'", theirs) : 0;
}

/*
 * The pid is what the server says, who may be another user than root who asks. A process of the
 * host's own user namespace, or one that leaves it while we look, would make us run the command, or
 * a file of that user's choice, with all rights of root.
 * @userns: -1: it is ours
 */
static int check_owner(int64_t pid, int userns, uid_t server, struct err *err)
{
	autoclose int ours = userns < 0 ? open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC) : -1;
	uid_t owner;

	if (ioctl(userns < 0 ? ours : userns, NS_GET_OWNER_UID, &owner) < 0)
		return err_set(err, errno, "asking who owns the user namespace of process %lld",
			       (long long)pid);
	if (owner != server)
		return err_say(err, EPERM,
			       "the user namespace of process %lld is of user %u, but it is user "
			       "%u who serves this socket: nothing is executed",
			       (long long)pid, owner, server);
	return 0;
}

static int enter_detached(const char *state_dir, struct err *err)
{
	autofree char *path = str_dup_format("%s/netns", state_dir);
	autoclose int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		return err_set(err, errno, "entering the network namespace '%s/netns'", state_dir);
	return 0;
}

/*
 * The instance belongs to a user who may be another than we: nothing of root of the host is taken
 * inside. Its groups are dropped out here, because inside that may be forbidden, and nobody there
 * may trace us until the command is executed.
 */
static int leave_behind(struct err *err)
{
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return err_set(err, errno, "forbidding to be traced");
	/* in a user namespace without setgroups() it is only ever its own user who enters */
	if (geteuid() == 0 && setgroups(0, NULL) < 0 && errno != EPERM)
		return err_set(err, errno, "dropping the groups");
	return 0;
}

/* root of the namespaces, also when it was another user who entered */
static int become_root(struct err *err)
{
	if (geteuid() == 0 && getegid() == 0)
		return 0;
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_set(err, errno, "becoming root of the user namespace");
	return 0;
}

static int enter(const json_t *info, uid_t server, bool net, bool *ret_pidns, struct err *err)
{
	const json_t *instance = json_object_get(info, "instance");
	int64_t pid = json_integer_value(json_object_get(info, "childPID"));
	int fd[ARRAY_SIZE(kinds)], r = 0;
	char cwd[PATH_MAX];
	size_t n = 0;

	if (!getcwd(cwd, sizeof(cwd)))
		memcpy(cwd, "/", 2);
	while (n < ARRAY_SIZE(kinds) && (r = open_namespace(pid, kinds[n], &fd[n], err)) == 0)
		n++;
	if (r == 0)
		r = check_owner(pid, fd[0], server, err);
	if (r == 0)
		r = leave_behind(err);
	for (size_t i = 0; i < n; i++) {
		if (r == 0 && fd[i] >= 0 && setns(fd[i], 0) < 0)
			r = err_set(err, errno, "entering the %s namespace of process %lld",
				    kinds[i], (long long)pid);
		if (fd[i] >= 0 && strcmp(kinds[i], "pid") == 0)
			*ret_pidns = true;
		if (fd[i] >= 0)
			close(fd[i]);
	}
	if (r == 0)
		r = become_root(err);
	if (r == 0 && net && json_is_true(json_object_get(instance, "detachedNetns")))
		r = enter_detached(client_text(info, "stateDir"), err);
	if (r == 0 && chdir(cwd) < 0 && chdir("/") < 0)
		r = err_set(err, errno, "changing to '/' inside");
	return r;
}

static int execute(const struct ctl *ctl, struct err *err)
{
	static const int std[] = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO };
	int r = fd_close_all_but(std, ARRAY_SIZE(std)); /* who is inside could use the others */

	if (r < 0) {
		err_set(err, -r, "closing what the command shall not have");
		return EXIT_NOT_EXECUTABLE;
	}
	execvp(ctl->args[0], ctl->args);
	err_set(err, errno, "executing '%s'", ctl->args[0]);
	return err->code == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

static int say(int status, const struct err *err)
{
	fprintf(stderr, "error: %s\n", err->msg);
	return status;
}

/* a key of the terminal has reached the command as well, which is in the same group */
static void on_signal(int sig, siginfo_t *si, void *context)
{
	(void)context;
	if (si->si_code == SI_KERNEL && (sig == SIGINT || sig == SIGQUIT))
		return;
	if (inside > 0)
		kill((pid_t)inside, sig);
}

/* who enters a PID namespace is not in it, its children are */
static int execute_as_child(const struct ctl *ctl, struct err *err)
{
	static const int passed[] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT };
	pid_t self = getpid(), pid;
	sigset_t set, old;
	int status;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(passed); i++)
		sigaddset(&set, passed[i]);
	sigprocmask(SIG_BLOCK, &set, &old);
	pid = fork();
	if (pid < 0)
		return err_set(err, errno, "starting a process inside");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		sigprocmask(SIG_SETMASK, &old, NULL);
		/* 0: it is not seen from inside */
		_exit(getppid() != 0 && getppid() != self ? EXIT_FAILURE
							  : say(execute(ctl, err), err));
	}
	inside = pid;
	for (size_t i = 0; i < ARRAY_SIZE(passed); i++)
		sigaction(passed[i],
			  &(struct sigaction){ .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO },
			  NULL);
	sigprocmask(SIG_SETMASK, &old, NULL);
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return err_set(err, errno, "waiting for the command");
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_OF_SIGNAL + WTERMSIG(status);
}

int cmd_exec(const struct ctl *ctl, struct err *err)
{
	autojson json_t *info = NULL;
	bool pidns = false;
	uid_t server;
	int r = client_info_by(ctl->socket_path, &info, &server, err);

	if (r == 0)
		r = enter(info, server, ctl->net, &pidns, err);
	if (r < 0)
		return r;
	if (setenv("ROOTLESSKIT_STATE_DIR", client_text(info, "stateDir"), 1) < 0)
		return err_set(err, errno, "setting ROOTLESSKIT_STATE_DIR");
	return pidns ? execute_as_child(ctl, err) : say(execute(ctl, err), err);
}
