// SPDX-License-Identifier: Apache-2.0
/* proc.c - PID 1 of a test, signals as they come, descriptors, the network namespace */
#include "nsprobe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

#define QUIET_MS 200 /* sigcount: how long it listens on after the signal that ends it */

int probe_init(int argc, char **argv)
{
	pid_t pid, got;
	int status;

	if (argc < 2)
		die("init wants a command");
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid == 0) {
		execvp(argv[1], argv + 1);
		die("%s: %s", argv[1], strerror(errno));
	}
	do {
		got = waitpid(-1, &status, 0);
	} while (got != pid && (got > 0 || errno == EINTR));
	return shell_status(status); /* the kernel kills who is left in our PID namespace */
}

int probe_sigcount(int argc, char **argv)
{
	static const int watched[] = { SIGINT,  SIGTERM, SIGHUP,  SIGQUIT,  SIGUSR1,
				       SIGUSR2, SIGTSTP, SIGCONT, SIGWINCH, SIGALRM };
	int status = argc > 2 && strcmp(argv[1], "-e") == 0 ? atoi(argv[2]) : 0;
	const struct timespec quiet = { .tv_nsec = QUIET_MS * 1000000L };
	bool ending = false;
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(watched); i++)
		sigaddset(&set, watched[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	printf("ready %d\n", (int)getpid());
	for (;;) {
		siginfo_t si;
		int sig = sigtimedwait(&set, &si, ending ? &quiet : NULL);

		if (sig < 0 && ending)
			break;
		if (sig < 0)
			continue;
		printf("SIG%s\n", sigabbrev_np(sig));
		if (sig == SIGTERM || sig == SIGINT)
			ending = true;
		if (sig == SIGTSTP)
			raise(SIGSTOP);
	}
	printf("end %d\n", status);
	return status;
}

int probe_fds(int argc, char **argv)
{
	DIR *d = opendir("/proc/self/fd");
	const struct dirent *e;

	(void)argc;
	(void)argv;
	if (!d)
		die("/proc/self/fd: %s", strerror(errno));
	while ((e = readdir(d))) {
		int fd = atoi(e->d_name);
		char path[64], target[256];
		ssize_t n;

		if (e->d_name[0] == '.' || fd == dirfd(d))
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, target, sizeof(target) - 1);
		target[n < 0 ? 0 : n] = '\0';
		printf("%d 0%o %s\n", fd, (unsigned)fcntl(fd, F_GETFL), target);
	}
	closedir(d);
	return 0;
}

int probe_netns(int argc, char **argv)
{
	autoclose int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t cookie;
	socklen_t len = sizeof(cookie);

	(void)argc;
	(void)argv;
	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) < 0)
		die("SO_NETNS_COOKIE: %s", strerror(errno));
	printf("%" PRIu64 "\n", cookie);
	return 0;
}

int probe_nonblock(int argc, char **argv)
{
	int fd = argc > 1 ? atoi(argv[1]) : 0;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		die("descriptor %d: %s", fd, strerror(errno));
	if (argc < 3) {
		puts(flags & O_NONBLOCK ? "on" : "off");
		return 0;
	}
	flags = strcmp(argv[2], "on") == 0 ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
	return fcntl(fd, F_SETFL, flags) < 0;
}
