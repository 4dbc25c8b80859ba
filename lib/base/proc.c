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

static bool is_spared(pid_t pid, const pid_t *spare, size_t nspare)
{
	for (size_t i = 0; i < nspare; i++) {
		if (spare[i] == pid)
			return true;
	}
	return false;
}

/* /proc/self/task/TID/children: direct children, separated by blanks */
static int kill_listed(const pid_t *spare, size_t nspare)
{
	autofree char *text = NULL;
	ssize_t n = fd_read_file(AT_FDCWD, "/proc/thread-self/children", CHILDREN_TEXT_MAX, &text);
	char *end;

	if (n < 0)
		return (int)n;
	for (char *p = text; *p; p = end) {
		long pid = strtol(p, &end, 10);

		if (end == p)
			break;
		if (!is_spared((pid_t)pid, spare, nspare))
			kill((pid_t)pid, SIGKILL);
		while (*end == ' ')
			end++;
	}
	return 0;
}

/* the same for kernels without the list: every process whose parent we are */
static int kill_scanned(const pid_t *spare, size_t nspare)
{
	DIR *d = opendir("/proc");

	if (!d)
		return -errno;
	for (struct dirent *e; (e = readdir(d));) {
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
		if (p && sscanf(p + 1, " %*c %d", &ppid) == 1 && ppid == getpid() &&
		    !is_spared(atoi(e->d_name), spare, nspare))
			kill(atoi(e->d_name), SIGKILL);
	}
	closedir(d);
	return 0;
}

/* reap what is dead; 1 while living children that are not spared may be left, 0 when none is */
static int reap_dead(const pid_t *spare, size_t nspare)
{
	siginfo_t si;
	size_t spared = 0;

	for (size_t i = 0; i < nspare; i++)
		spared += spare[i] > 0 && kill(spare[i], 0) == 0;
	for (;;) {
		memset(&si, 0, sizeof(si));
		if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) < 0)
			return errno == ECHILD ? 0 : 1;
		if (si.si_pid == 0)
			return 1;
		if (is_spared(si.si_pid, spare, nspare))
			return 1; /* its owner wants the status; what is behind it waits a round */
		waitpid(si.si_pid, NULL, 0);
	}
}

/* 1 when a child besides the spared ones is listed */
static int any_left(const pid_t *spare, size_t nspare)
{
	autofree char *text = NULL;
	char *end;

	if (!nspare)
		return 1; /* waitid() alone tells */
	if (fd_read_file(AT_FDCWD, "/proc/thread-self/children", CHILDREN_TEXT_MAX, &text) < 0)
		return 1;
	for (char *p = text; *p; p = end) {
		long pid = strtol(p, &end, 10);

		if (end == p)
			break;
		if (!is_spared((pid_t)pid, spare, nspare))
			return 1;
		while (*end == ' ')
			end++;
	}
	return 0;
}

int proc_kill_children(const pid_t *spare, size_t nspare, int timeout_ms)
{
	uint64_t deadline = clock_ms() + (uint64_t)timeout_ms;
	struct timespec pause = { .tv_nsec = 1000000 };

	for (;;) {
		int r = kill_listed(spare, nspare);

		if (r < 0)
			r = kill_scanned(spare, nspare);
		if (r < 0)
			return r;
		if (!reap_dead(spare, nspare) || !any_left(spare, nspare))
			return 0;
		if (clock_ms() >= deadline)
			return -ETIMEDOUT;
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < ROUND_MS * 1000000)
			pause.tv_nsec *= 2;
	}
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
	return waitpid(pid, ret_status, 0) < 0 ? -errno : 0;
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
