// SPDX-License-Identifier: Apache-2.0
/* test_sandbox.c - what code that runs in a confined worker would try, and what it gets */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/sandbox/sandbox.h"

#define KILLED (-SIGSYS)
#define ABORTED (-SIGABRT)
#define X32 0x40000000
#define UPPER_BITS 0x100000000 /* the kernel does not look at them, a filter must */

static pid_t outside; /* the test itself */

/* each returns what its call returned */
static long try_open(void)
{
	return open("/", O_RDONLY | O_CLOEXEC);
}

static long try_make_file(void)
{
	return open("/x", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

static long try_exec(void)
{
	char *argv[] = { (char *)"true", NULL };

	return execv("/bin/true", argv);
}

static long try_fork(void)
{
	return fork();
}

static long try_userns(void)
{
	return unshare(CLONE_NEWUSER);
}

static long try_mount(void)
{
	return mount("none", "/", "tmpfs", 0, NULL);
}

static long try_setns(void)
{
	return setns(0, 0);
}

static long try_unix(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static long try_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
}

static long try_packet(void)
{
	return socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static long try_raw(void)
{
	return socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_TCP);
}

static long try_seqpacket(void)
{
	return socket(AF_INET, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
}

static long try_sctp(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_SCTP);
}

static long try_upper_bits(void)
{
	return syscall(SYS_socket, AF_INET | UPPER_BITS, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static long try_tcp(void)
{
	return socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static long try_bind(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	return bind(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), (struct sockaddr *)&a,
		    sizeof(a));
}

static long try_listen(void)
{
	return listen(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), 1);
}

static long set_option(int level, int name, const void *value, socklen_t len)
{
	return setsockopt(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), level, name, value, len);
}

static long try_nodelay(void)
{
	return set_option(IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
}

/* the upper half of TLS, and whatever else the kernel loads for that name */
static long try_ulp(void)
{
	return set_option(IPPROTO_TCP, TCP_ULP, "tls", 3);
}

static long try_attach(void)
{
	struct sock_filter drop = { BPF_RET | BPF_K, 0, 0, 0 };
	struct sock_fprog prog = { .len = 1, .filter = &drop };

	return set_option(SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog));
}

static long try_lock_filter(void)
{
	return set_option(SOL_SOCKET, SO_LOCK_FILTER, &(int){ 1 }, sizeof(int));
}

/* the number of an option says nothing at another level */
static long try_other_level(void)
{
	return set_option(IPPROTO_UDP, SO_OOBINLINE, &(int){ 1 }, sizeof(int));
}

static long try_ptrace(void)
{
	return ptrace(PTRACE_SEIZE, outside, NULL, NULL);
}

static long try_kill(void)
{
	return kill(outside, 0);
}

static long try_tgkill(void)
{
	return syscall(SYS_tgkill, outside, outside, 0);
}

static long try_getfd(void)
{
	return syscall(SYS_pidfd_getfd, 0, 0, 0);
}

static long try_vm_readv(void)
{
	return syscall(SYS_process_vm_readv, outside, NULL, 0, NULL, 0, 0);
}

static long try_exec_memory(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 : 0;
}

static long try_exec_later(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 : mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static long try_memory(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 : munmap(p, 4096);
}

static long try_memfd(void)
{
	return memfd_create("x", MFD_CLOEXEC);
}

static long try_io_uring(void)
{
	return syscall(SYS_io_uring_setup, 1, NULL);
}

static long try_bpf(void)
{
	return syscall(SYS_bpf, 0, NULL, 0);
}

static long try_keyctl(void)
{
	return syscall(SYS_keyctl, 0, 0, 0, 0, 0);
}

static long try_tiocsti(void)
{
	return ioctl(0, TIOCSTI, "x");
}

static long try_tiocsti_upper(void)
{
	return syscall(SYS_ioctl, 0, TIOCSTI | UPPER_BITS, "x");
}

static long try_owner(void)
{
	return fcntl(0, F_SETOWN, outside);
}

static long try_dumpable(void)
{
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static long try_limit(void)
{
	return setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 9, 9 });
}

static long try_other_filter(void)
{
	return syscall(SYS_seccomp, 1, 0, NULL);
}

static long try_abort(void)
{
	abort();
}

/* --- what libc does by itself: its end is an abort, or it goes on, never SIGSYS --- */

static long try_assert(void)
{
	assert(outside < 0);
	return 0;
}

static long try_bad_free(void)
{
	char *volatile p = (char *)&outside;

	free(p); /* NOLINT(clang-analyzer-unix.Malloc): that is the point */
	return 0;
}

static long try_perror_closed(void)
{
	close(STDERR_FILENO);
	errno = ENOENT;
	perror("x");
	return 0;
}

static long try_strerror(void)
{
	char text[64];

	return snprintf(text, sizeof(text), "%s %m", strerror(12345)) > 0 ? 0 : -1;
}

static long try_localtime(void)
{
	struct tm tm;
	char text[64];

	return localtime_r(&(time_t){ 1 }, &tm) && strftime(text, sizeof(text), "%d. %B %Y %Z", &tm)
		       ? 0
		       : -1;
}

static long try_locale(void)
{
	setlocale(LC_ALL, "de_DE.UTF-8"); /* there or not */
	return snprintf(NULL, 0, "%.3f", 1.5) == 5 ? 0 : -1;
}

static int by_byte(const void *a, const void *b)
{
	return *(const char *)a - *(const char *)b;
}

static long try_much_memory(void)
{
	const size_t n = 1 << 23;
	char *p = calloc(1, n), *q = p ? realloc(p, 2 * n) : NULL;

	if (!q)
		return -1;
	qsort(q, 1 << 12, 2048, by_byte); /* asks how much memory there is */
	free(q);
	return 0;
}

static long try_too_much_memory(void)
{
	void *volatile p = malloc(8ul << 30); /* RLIMIT_DATA is half of it */

	if (!p)
		return -1;
	free(p);
	return 0;
}

static long try_stdio(void)
{
	struct stat st;

	fstat(STDERR_FILENO, &st); /* as some C libraries do, whatever comes of it */
	return dprintf(STDERR_FILENO, "%s", "x") == 1 && fflush(NULL) == 0 ? 0 : -1;
}

#ifdef __x86_64__
static long try_x32(void)
{
	return syscall(X32 | SYS_getpid);
}

static long try_i386(void)
{
	long r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(20) : "memory");
	return r;
}
#endif

/* 0, a positive errno, or the negative of the signal that ends it; [2]: relay, slirp */
static const struct {
	const char *name;
	long (*attempt)(void);
	int want[2];
} rows[] = {
	{ "open", try_open, { EPERM, EPERM } },
	{ "make a file", try_make_file, { EPERM, EPERM } },
	{ "exec", try_exec, { KILLED, KILLED } },
	{ "fork", try_fork, { KILLED, KILLED } },
	{ "unshare", try_userns, { KILLED, KILLED } },
	{ "mount", try_mount, { KILLED, KILLED } },
	{ "setns", try_setns, { KILLED, KILLED } },
	{ "unix socket", try_unix, { EAFNOSUPPORT, EAFNOSUPPORT } },
	{ "netlink socket", try_netlink, { EAFNOSUPPORT, EAFNOSUPPORT } },
	{ "packet socket", try_packet, { EAFNOSUPPORT, EAFNOSUPPORT } },
	{ "raw socket", try_raw, { EPERM, EPERM } },
	{ "seqpacket socket", try_seqpacket, { KILLED, KILLED } },
	{ "sctp socket", try_sctp, { KILLED, KILLED } },
	{ "upper bits", try_upper_bits, { EAFNOSUPPORT, EAFNOSUPPORT } },
	{ "tcp socket", try_tcp, { 0, 0 } },
	{ "bind", try_bind, { 0, KILLED } },
	{ "listen", try_listen, { KILLED, KILLED } },
	{ "TCP_NODELAY", try_nodelay, { 0, 0 } },
	{ "TCP_ULP", try_ulp, { KILLED, KILLED } },
	{ "SO_ATTACH_FILTER", try_attach, { KILLED, KILLED } },
	{ "SO_LOCK_FILTER", try_lock_filter, { KILLED, KILLED } },
	{ "an option's number at another level", try_other_level, { KILLED, KILLED } },
	{ "ptrace", try_ptrace, { KILLED, KILLED } },
	{ "kill", try_kill, { KILLED, KILLED } },
	{ "tgkill", try_tgkill, { KILLED, KILLED } },
	{ "pidfd_getfd", try_getfd, { KILLED, KILLED } },
	{ "process_vm_readv", try_vm_readv, { KILLED, KILLED } },
	{ "executable memory", try_exec_memory, { KILLED, KILLED } },
	{ "memory made executable", try_exec_later, { KILLED, KILLED } },
	{ "memory", try_memory, { 0, 0 } },
	{ "memfd", try_memfd, { KILLED, KILLED } },
	{ "io_uring", try_io_uring, { KILLED, KILLED } },
	{ "bpf", try_bpf, { KILLED, KILLED } },
	{ "keyctl", try_keyctl, { KILLED, KILLED } },
	{ "TIOCSTI", try_tiocsti, { KILLED, KILLED } },
	{ "TIOCSTI, upper bits", try_tiocsti_upper, { KILLED, KILLED } },
	{ "F_SETOWN", try_owner, { KILLED, KILLED } },
	{ "dumpable", try_dumpable, { EPERM, EPERM } },
	{ "limit", try_limit, { EPERM, EPERM } },
	{ "another filter", try_other_filter, { KILLED, KILLED } },
	{ "abort", try_abort, { ABORTED, ABORTED } },
	{ "assert", try_assert, { ABORTED, ABORTED } },
	{ "bad free", try_bad_free, { ABORTED, ABORTED } },
	{ "perror, closed", try_perror_closed, { 0, 0 } },
	{ "strerror", try_strerror, { 0, 0 } },
	{ "localtime", try_localtime, { 0, 0 } },
	{ "locale", try_locale, { 0, 0 } },
	{ "much memory", try_much_memory, { 0, 0 } },
	{ "too much memory", try_too_much_memory, { ENOMEM, ENOMEM } },
	{ "stdio", try_stdio, { 0, 0 } },
#ifdef __x86_64__
	{ "x32", try_x32, { KILLED, KILLED } },
	{ "i386", try_i386, { KILLED, KILLED } },
#endif
};

/*
 * The others: nsagent, nursery, parent, frames. No attempt is among them that would harm the
 * machine if the filter let it pass and the test ran as root
 */
static const struct {
	const char *name;
	long (*attempt)(void);
	int want[4];
} others[] = {
	{ "open", try_open, { EPERM, 0, 0, EPERM } },
	{ "exec", try_exec, { KILLED, 0, EPERM, KILLED } },
	{ "fork", try_fork, { KILLED, 0, EPERM, KILLED } },
	{ "setns", try_setns, { KILLED, EPERM, EPERM, KILLED } },
	{ "unix stream socket", try_unix, { KILLED, 0, 0, KILLED } },
	{ "seqpacket socket", try_seqpacket, { KILLED, ESOCKTNOSUPPORT, ESOCKTNOSUPPORT, KILLED } },
	{ "route socket", try_netlink, { 0, 0, 0, KILLED } },
	{ "tcp socket", try_tcp, { 0, 0, 0, KILLED } },
	{ "TCP_NODELAY", try_nodelay, { KILLED, 0, 0, KILLED } },
	{ "SO_LOCK_FILTER", try_lock_filter, { KILLED, 0, 0, KILLED } },
	{ "ptrace", try_ptrace, { KILLED, EPERM, EPERM, KILLED } },
	{ "kill", try_kill, { KILLED, 0, 0, KILLED } },
	{ "pidfd_getfd", try_getfd, { KILLED, EPERM, EPERM, KILLED } },
	{ "process_vm_readv", try_vm_readv, { KILLED, EPERM, EPERM, KILLED } },
	{ "memory made executable", try_exec_later, { KILLED, 0, EPERM, KILLED } },
	{ "memory", try_memory, { 0, 0, 0, 0 } },
	{ "memfd", try_memfd, { KILLED, EPERM, EPERM, KILLED } },
	{ "io_uring", try_io_uring, { KILLED, EPERM, EPERM, KILLED } },
	{ "bpf", try_bpf, { KILLED, EPERM, EPERM, KILLED } },
	{ "keyctl", try_keyctl, { KILLED, EPERM, EPERM, KILLED } },
	{ "another filter", try_other_filter, { KILLED, EFAULT, EFAULT, KILLED } },
	{ "abort", try_abort, { ABORTED, ABORTED, ABORTED, ABORTED } },
	{ "assert", try_assert, { ABORTED, ABORTED, ABORTED, ABORTED } },
	{ "perror, closed", try_perror_closed, { 0, 0, 0, KILLED } },
	{ "strerror", try_strerror, { 0, 0, 0, 0 } },
	{ "localtime", try_localtime, { 0, 0, 0, 0 } },
	{ "locale", try_locale, { 0, 0, 0, 0 } },
	{ "much memory", try_much_memory, { 0, 0, 0, KILLED } },
	{ "stdio", try_stdio, { 0, 0, 0, KILLED } },
};

static int outcome(enum role role, long (*attempt)(void))
{
	pid_t pid;
	int status;

	outside = getpid();
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		struct sandbox_report report;
		struct err err;

		dup2(null, STDERR_FILENO); /* libc's last words are many */
		role_enter(role, SIGKILL);
		if (role != ROLE_RELAY && role != ROLE_SLIRP) {
			prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
			if (sandbox_calls(SANDBOX_REQUIRE, "test", &err) < 0)
				_exit(255);
			_exit(attempt() < 0 ? errno : 0);
		}
		sandbox_enter(&report);
		sandbox_seal(&report);
		if (sandbox_missing(report.have))
			_exit(255);
		_exit(attempt() < 0 ? errno : 0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

START_TEST(nothing_leads_out)
{
	ck_assert_msg(outcome(ROLE_RELAY, rows[_i].attempt) == rows[_i].want[0],
		      "relay, %s: %d, not %d", rows[_i].name, outcome(ROLE_RELAY, rows[_i].attempt),
		      rows[_i].want[0]);
	ck_assert_msg(outcome(ROLE_SLIRP, rows[_i].attempt) == rows[_i].want[1],
		      "slirp, %s: %d, not %d", rows[_i].name, outcome(ROLE_SLIRP, rows[_i].attempt),
		      rows[_i].want[1]);
}
END_TEST

START_TEST(less_leads_out)
{
	static const enum role roles[] = { ROLE_NSAGENT, ROLE_NURSERY, ROLE_PARENT, ROLE_FRAMES };

	for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
		int got = outcome(roles[i], others[_i].attempt);

		ck_assert_msg(got == others[_i].want[i], "%s, %s: %d, not %d", role_name(roles[i]),
			      others[_i].name, got, others[_i].want[i]);
	}
}
END_TEST

static int read_users(void)
{
	autoclose int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);

	return fd;
}

static int read_elsewhere(void)
{
	autoclose int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	return fd;
}

static int write_there(void)
{
	autoclose int fd = open("/etc/passwd", O_WRONLY | O_CLOEXEC);

	return fd;
}

static int listen_here(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	autoclose int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 || bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0 ? -1
										  : listen(fd, 1);
}

static int make_process(void)
{
	return fork();
}

/* the program slirp4netns: it reads resolv.conf, opens ports, and nothing else */
START_TEST(alone_it_reads_and_listens)
{
	static const struct {
		int (*attempt)(void);
		int want;
	} alone[] = { { read_users, 0 },
		      { read_elsewhere, EACCES },
		      { write_there, -SIGSYS },
		      { listen_here, 0 },
		      { make_process, -SIGSYS } };
	static const char *const dirs[] = { "/etc", "/nowhere" };
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct err err = { 0 };
		uint32_t have = 0;

		role_enter(ROLE_SLIRP4NETNS, SIGKILL);
		if (sandbox_alone(dirs, ARRAY_SIZE(dirs), &have, &err) < 0 ||
		    !(have & SANDBOX_SECCOMP))
			_exit(255);
		/* not every kernel has it */
		if (!(have & SANDBOX_LANDLOCK) && alone[_i].attempt == read_elsewhere)
			_exit(EACCES);
		_exit(alone[_i].attempt() < 0 ? errno : 0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status),
			 alone[_i].want);
}
END_TEST

/* a kernel that refuses: no_new_privs is not set, and the test is no root */
START_TEST(refusal_is_told)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct err err = { 0 };

		role_enter(ROLE_PARENT, SIGKILL);
		if (geteuid() == 0 && setuid(65534) < 0)
			_exit(1);
		if (sandbox_calls(SANDBOX_OFF, "parent", &err) != 0 || err.code)
			_exit(2);
		if (sandbox_calls(SANDBOX_AUTO, "parent", &err) != 1 ||
		    strcmp(err.msg, "the parent lacks seccomp: loading the seccomp filter: "
				    "Permission denied; it serves all the same") != 0)
			_exit(3);
		err = (struct err){ 0 };
		if (sandbox_calls(SANDBOX_REQUIRE, "parent", &err) != -EACCES ||
		    strncmp(err.msg, "--sandbox=require: the parent lacks seccomp: loading", 51) !=
			    0)
			_exit(4);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status 0x%x", status);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sandbox");
	TCase *c = tcase_create("escape");
	SRunner *runner = srunner_create(s);
	int failed;

	tcase_add_loop_test(c, nothing_leads_out, 0, ARRAY_SIZE(rows));
	tcase_add_loop_test(c, less_leads_out, 0, ARRAY_SIZE(others));
	tcase_add_loop_test(c, alone_it_reads_and_listens, 0, 5);
	tcase_add_test(c, refusal_is_told);
	suite_add_tcase(s, c);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
