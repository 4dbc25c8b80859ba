// SPDX-License-Identifier: Apache-2.0
/* trace.c - what this process may do to another one, and what that one holds */
#include "nsprobe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

/* what Docker leaves to a container */
#define DOCKER_CAPS \
	(1u << CAP_CHOWN | 1u << CAP_DAC_OVERRIDE | 1u << CAP_FSETID | 1u << CAP_FOWNER | \
	 1u << CAP_MKNOD | 1u << CAP_NET_RAW | 1u << CAP_SETGID | 1u << CAP_SETUID | \
	 1u << CAP_SETFCAP | 1u << CAP_SETPCAP | 1u << CAP_NET_BIND_SERVICE | \
	 1u << CAP_SYS_CHROOT | 1u << CAP_KILL | 1u << CAP_AUDIT_WRITE)

static void become_container(void)
{
	struct __user_cap_header_struct hdr = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = {
		{ .effective = DOCKER_CAPS, .permitted = DOCKER_CAPS },
	};

	if (syscall(SYS_capset, &hdr, caps) < 0)
		die("capset: %s", strerror(errno));
}

static int open_of(pid_t pid, const char *name, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return open(path, flags | O_CLOEXEC);
}

/* each returns what the last call did: not negative, or -1 with errno. They run in a fork */
static int try_seize(pid_t pid)
{
	return (int)ptrace(PTRACE_SEIZE, pid, NULL, NULL); /* our exit ends it */
}

static int try_mem(pid_t pid)
{
	return open_of(pid, "mem", O_RDWR);
}

static int try_getfd(pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	return pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, 0, 0);
}

static int try_fds(pid_t pid)
{
	char path[64], target[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/0", (int)pid);
	return (int)readlink(path, target, sizeof(target));
}

static int try_exe(pid_t pid)
{
	return open_of(pid, "exe", O_RDONLY);
}

static int try_environ(pid_t pid)
{
	return open_of(pid, "environ", O_RDONLY);
}

static int try_setns(pid_t pid)
{
	int fd = open_of(pid, "ns/net", O_RDONLY);

	return fd < 0 ? -1 : setns(fd, CLONE_NEWNET);
}

static int try_readv(pid_t pid)
{
	char byte;
	struct iovec here = { &byte, 1 }, there = { &byte, 1 };
	int r = (int)process_vm_readv(pid, &here, 1, &there, 1, 0);

	return r < 0 && errno == EFAULT ? 0 : r; /* allowed, but nothing lies there */
}

static const struct {
	const char *name;
	int (*attempt)(pid_t pid);
} attempts[] = {
	{ "seize", try_seize }, { "mem", try_mem },     { "getfd", try_getfd },
	{ "fds", try_fds },     { "exe", try_exe },     { "environ", try_environ },
	{ "setns", try_setns }, { "readv", try_readv },
};

/* the name of the errno, or "ok" */
static void print_attempt(size_t i, pid_t target)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid == 0)
		_exit(attempts[i].attempt(target) < 0 ? errno : 0);
	waitpid(pid, &status, 0);
	printf("%s%s=%s", i ? " " : "", attempts[i].name,
	       WEXITSTATUS(status) ? strerrorname_np(WEXITSTATUS(status)) : "ok");
}

int probe_trace(int argc, char **argv)
{
	bool container = argc > 1 && strcmp(argv[1], "-c") == 0;
	int first = container ? 2 : 1;

	if (argc != first + 1)
		die("trace wants a process");
	if (container)
		become_container();
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++)
		print_attempt(i, (pid_t)atoi(argv[first]));
	putchar('\n');
	return 0;
}

/* --- what it holds ------------------------------------------------------------------------ */

static int int_option(int fd, int name)
{
	int v = -1;
	socklen_t len = sizeof(v);

	getsockopt(fd, SOL_SOCKET, name, &v, &len);
	return v;
}

static uint64_t netns_cookie(int fd)
{
	uint64_t v = 0;
	socklen_t len = sizeof(v);

	getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &v, &len);
	return v;
}

static void print_socket(int fd, uint64_t own_cookie)
{
	const char *family = "other", *type = "other";

	switch (int_option(fd, SO_DOMAIN)) {
	case AF_UNIX:
		family = "unix";
		break;
	case AF_INET:
		family = "inet";
		break;
	case AF_NETLINK:
		family = "netlink";
		break;
	case AF_INET6:
		family = "inet6";
		break;
	}
	switch (int_option(fd, SO_TYPE)) {
	case SOCK_STREAM:
		type = "stream";
		break;
	case SOCK_DGRAM:
		type = "dgram";
		break;
	case SOCK_RAW:
		type = "raw";
		break;
	case SOCK_SEQPACKET:
		type = "seqpacket";
		break;
	}
	printf("socket %s %s%s%s\n", family, type, int_option(fd, SO_ACCEPTCONN) ? " listens" : "",
	       netns_cookie(fd) == own_cookie ? "" : " elsewhere");
}

int probe_holds(int argc, char **argv)
{
	autoclose int own = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	pid_t pid = argc > 1 ? (pid_t)atoi(argv[1]) : 0;
	autoclose int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	char path[64];
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	if (!d || pidfd < 0)
		die("%s: %s", path, strerror(errno));
	for (const struct dirent *e; (e = readdir(d));) {
		char target[256];
		ssize_t n = readlinkat(dirfd(d), e->d_name, target, sizeof(target) - 1);

		if (n < 0)
			continue;
		target[n] = '\0';
		if (strncmp(target, "socket:", 7) == 0) {
			autoclose int fd = (int)syscall(SYS_pidfd_getfd, pidfd, atoi(e->d_name), 0);

			print_socket(fd, netns_cookie(own));
		} else {
			if (strncmp(target, "pipe:", 5) == 0)
				target[strlen("pipe")] = '\0'; /* without the inode */
			puts(target);
		}
	}
	closedir(d);
	return 0;
}
