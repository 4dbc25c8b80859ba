// SPDX-License-Identifier: Apache-2.0
/* proc.c - child processes: kill all, reap all, within a time */
#include "lib/base/proc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/base/loop.h"

#define CHILDREN_TEXT_MAX (1024 * 1024)
#define ROUND_MS 20 /* a killed child may hand us new ones: look again after that */
#define REAP_TRIES 3

static int append(struct proc_list *l, pid_t pid)
{
	if (l->n == l->room) {
		size_t room = l->room ? l->room * 2 : 64;
		pid_t *p = reallocarray(l->pid, room, sizeof(*p));

		if (!p)
			return -ENOMEM;
		l->pid = p;
		l->room = room;
	}
	l->pid[l->n++] = pid;
	return 0;
}

/* /proc/self/task/TID/children: direct children, separated by blanks */
static int list_children(struct proc_list *l)
{
	autofree char *text = NULL;
	ssize_t n = fd_read_file(AT_FDCWD, "/proc/thread-self/children", CHILDREN_TEXT_MAX, &text);
	char *end;
	int r = 0;

	if (n < 0)
		return (int)n;
	for (char *p = text; *p && r == 0; p = end) {
		long pid = strtol(p, &end, 10);

		if (end == p)
			break;
		r = append(l, (pid_t)pid);
		while (*end == ' ')
			end++;
	}
	return r;
}

/* the same for kernels without the list: every process whose parent we are */
static int scan_children(struct proc_list *l)
{
	DIR *d = opendir("/proc");
	int r = 0;

	if (!d)
		return -errno;
	for (struct dirent *e; r == 0 && (e = readdir(d));) {
		char path[300], stat[512];
		autoclose int fd = -1;
		ssize_t n;
		char *p;
		int ppid;

		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/stat", e->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? -1 : fd_read_all(fd, stat, sizeof(stat) - 1);
		if (n <= 0)
			continue;
		stat[n] = '\0';
		p = strrchr(stat, ')'); /* the name in front of it may hold anything */
		if (p && sscanf(p + 1, " %*c %d", &ppid) == 1 && ppid == getpid())
			r = append(l, (pid_t)strtol(e->d_name, NULL, 10));
	}
	closedir(d);
	return r;
}

int proc_children(struct proc_list *ret)
{
	int r;

	*ret = (struct proc_list){ 0 };
	r = list_children(ret);
	if (r < 0) {
		ret->n = 0;
		r = scan_children(ret);
	}
	if (r < 0)
		proc_list_done(ret);
	return r;
}

void proc_list_done(struct proc_list *l)
{
	free(l->pid);
	*l = (struct proc_list){ 0 };
}

static bool is_spared(pid_t pid, const pid_t *spare, size_t nspare)
{
	for (size_t i = 0; i < nspare; i++) {
		if (spare[i] == pid || spare[i] == getsid(pid))
			return true;
	}
	return false;
}

/* one round: the number of children that are not spared, all of them killed; or a negative errno */
static int kill_round(const pid_t *spare, size_t nspare)
{
	struct proc_list l;
	int n = 0, r = proc_children(&l);

	if (r < 0)
		return r;
	for (size_t i = 0; i < l.n; i++) {
		if (is_spared(l.pid[i], spare, nspare))
			continue;
		kill(l.pid[i], SIGKILL);
		n++;
	}
	proc_list_done(&l);
	return n;
}

int proc_kill_children(const pid_t *spare, size_t nspare, int timeout_ms)
{
	uint64_t deadline = clock_ms() + (uint64_t)timeout_ms;
	struct timespec pause = { .tv_nsec = 200000 };

	for (;;) {
		int n = kill_round(spare, nspare);
		pid_t dead;

		if (n <= 0)
			return n;
		/* what a dead child leaves behind is ours before it can be waited for */
		do {
			dead = waitpid(-1, NULL, WNOHANG);
		} while (dead > 0);
		if (dead < 0 && errno == ECHILD)
			return 0;
		if (clock_ms() >= deadline)
			return -ETIMEDOUT;
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < ROUND_MS * 1000000)
			pause.tv_nsec *= 2;
	}
}

pid_t proc_reap(int *ret_status)
{
	pid_t pid = -1;

	for (int i = 0; i < REAP_TRIES && pid < 0; i++) {
		pid = waitpid(-1, ret_status, WNOHANG);
		if (pid < 0 && errno == ECHILD)
			return 0;
	}
	return pid < 0 ? 0 : pid;
}

int proc_wait_within(pid_t pid, int timeout_ms, int *ret_status)
{
	autoclose int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int n;

	if (pidfd < 0)
		return -errno;
	fd_set_cloexec(pidfd, 1);
	do {
		n = poll(&p, 1, timeout_ms);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n == 0 ? -ETIMEDOUT : -errno;
	do {
		n = waitpid(pid, ret_status, 0);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

const char *proc_signal_text(int signo, char *buf, size_t size)
{
	static const char *const name[] = {
		[SIGHUP] = "hangup",
		[SIGINT] = "interrupt",
		[SIGQUIT] = "quit",
		[SIGILL] = "illegal instruction",
		[SIGTRAP] = "trace/breakpoint trap",
		[SIGABRT] = "aborted",
		[SIGBUS] = "bus error",
		[SIGFPE] = "floating point exception",
		[SIGKILL] = "killed",
		[SIGUSR1] = "user defined signal 1",
		[SIGSEGV] = "segmentation fault",
		[SIGUSR2] = "user defined signal 2",
		[SIGPIPE] = "broken pipe",
		[SIGALRM] = "alarm clock",
		[SIGTERM] = "terminated",
	};

	if (signo > 0 && (size_t)signo < ARRAY_SIZE(name) && name[signo])
		snprintf(buf, size, "%s", name[signo]);
	else
		snprintf(buf, size, "signal %d", signo);
	return buf;
}

void proc_status_text(int status, char *dst, size_t size)
{
	char name[32];

	if (WIFSIGNALED(status))
		snprintf(dst, size, "signal: %s%s",
			 proc_signal_text(WTERMSIG(status), name, sizeof(name)),
			 WCOREDUMP(status) ? " (core dumped)" : "");
	else
		snprintf(dst, size, "exit status %d", WEXITSTATUS(status));
}
