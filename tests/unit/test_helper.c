// SPDX-License-Identifier: Apache-2.0
/* test_helper.c - a life of an external program: its descriptors, its word, its end; and how often
 */
#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/proc.h"
#include "lib/parent/deaths.h"
#include "lib/parent/starter.h"
#include "netdrivers/helper.h"

static struct event_base *base;
static struct starter *starter;
static int readies, ends;
static struct err why;

static void on_ready(void *arg)
{
	(void)arg;
	readies++;
	event_base_loopbreak(base);
}

static void on_ended(void *arg, const struct err *err)
{
	(void)arg;
	ends++;
	why = *err;
}

static void setup(void)
{
	base = event_base_new();
	starter = starter_new(SANDBOX_AUTO);
	ck_assert_ptr_nonnull(starter);
	readies = ends = 0;
	why = (struct err){ 0 };
}

static void teardown(void)
{
	starter_free(starter);
	event_base_free(base);
}

static const char *argv_sh[] = { "/bin/sh", "-c", NULL, NULL };

static struct helper_spec spec_of(const char *script)
{
	argv_sh[2] = script;
	return (struct helper_spec){ .base = base,
				     .starter = starter,
				     .name = "prog",
				     .argv = (char *const *)argv_sh,
				     .tells_ready = true,
				     .on_ready = on_ready,
				     .on_ended = on_ended };
}

/* the parent's SIGCHLD, shorter */
static pid_t reap(int *status)
{
	siginfo_t si = { 0 };

	ck_assert_int_eq(waitid(P_ALL, 0, &si, WEXITED), 0);
	*status = si.si_code == CLD_EXITED ? si.si_status << 8 : si.si_status;
	return si.si_pid;
}

START_TEST(tells_ready_and_its_end)
{
	struct helper_spec spec = spec_of("printf 1 >&3; echo one; echo 'two\033' >&2; exit 5");
	struct helper *h = NULL;
	struct err err = { 0 };
	int status;
	pid_t pid;

	ck_assert_int_eq(helper_start(&spec, &h, &err), 0);
	event_base_dispatch(base);
	ck_assert_int_eq(readies, 1);
	pid = reap(&status);
	ck_assert(!helper_reaped(h, pid + 1, status));
	ck_assert_int_eq(ends, 0);
	ck_assert(helper_reaped(h, pid, status));
	ck_assert_int_eq(ends, 1);
	ck_assert_str_eq(why.msg, "prog exited with status 5: two?");
	ck_assert(!helper_reaped(h, pid, status));
	helper_stop(h);
}
END_TEST

START_TEST(is_killed_by_a_stop)
{
	struct helper_spec spec = spec_of("printf 1 >&3; trap '' TERM; while :; do sleep 60; done");
	struct helper *h = NULL;
	struct err err = { 0 };

	ck_assert_int_eq(helper_start(&spec, &h, &err), 0);
	event_base_dispatch(base);
	ck_assert_int_eq(readies, 1);
	helper_stop(h);
	ck_assert_int_eq(ends, 0);
	starter = starter_free(starter);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	helper_stop(NULL);
}
END_TEST

START_TEST(names_the_signal)
{
	struct helper_spec spec = spec_of("kill -9 $$");
	struct helper *h = NULL;
	struct err err = { 0 };
	int status;
	pid_t pid;

	ck_assert_int_eq(helper_start(&spec, &h, &err), 0);
	pid = reap(&status);
	ck_assert(helper_reaped(h, pid, status));
	ck_assert_str_eq(why.msg, "prog was killed by signal 9 (Killed)");
	helper_stop(h);
}
END_TEST

/* given numbers that are in the way of their places */
START_TEST(gets_its_descriptors)
{
	struct helper_spec spec = spec_of("echo three >&3; echo four >&4; printf 1 >&5");
	int a[2], b[2];
	struct helper *h = NULL;
	struct err err = { 0 };
	char text[64] = "";

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, a), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, b), 0);
	spec.fds[0] = b[1];
	spec.fds[1] = a[1];
	spec.nfds = 2;
	ck_assert_int_eq(helper_start(&spec, &h, &err), 0);
	event_base_dispatch(base);
	ck_assert_int_eq(readies, 1);
	ck_assert_int_gt(read(b[0], text, sizeof(text) - 1), 0);
	ck_assert_str_eq(text, "three\n");
	memset(text, 0, sizeof(text));
	ck_assert_int_gt(read(a[0], text, sizeof(text) - 1), 0);
	ck_assert_str_eq(text, "four\n");
	helper_stop(h);
	for (int i = 0; i < 2; i++) {
		close(a[i]);
		close(b[i]);
	}
}
END_TEST

/* the descriptors of systemd are inherited by the command, and are no close-on-exec */
START_TEST(gets_nothing_else)
{
	struct helper_spec spec = spec_of("[ -e /proc/$$/fd/50 ] && exit 6; umask; exit 5");
	struct helper *h = NULL;
	struct err err = { 0 };
	int fd = fcntl(0, F_DUPFD, 50), status;
	pid_t pid;
	mode_t mask = umask(0);

	ck_assert_int_eq(fd, 50);
	ck_assert_int_eq(helper_start(&spec, &h, &err), 0);
	umask(mask);
	close(fd);
	pid = reap(&status);
	ck_assert(helper_reaped(h, pid, status));
	ck_assert_str_eq(why.msg, "prog exited with status 5: 0077");
	helper_stop(h);
}
END_TEST

/* nobody has the other end any more */
static bool is_closed(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, 10000) == 1 && p.revents & POLLHUP;
}

/* a wrapper that has not executed the program but started it; 0: it is stopped, 1: it dies first */
START_TEST(leaves_nothing_behind)
{
	struct helper_spec spec = spec_of(_i ? "sleep 1000 & printf 1 >&4; exit 5"
					     : "sleep 1000 & printf 1 >&4; wait");
	struct helper *h = NULL;
	struct err err = { 0 };
	int fds[2], status;
	pid_t pid;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	spec.fds[0] = fds[1];
	spec.nfds = 1;
	ck_assert_int_eq(helper_start(&spec, &h, &err), 0);
	close(fds[1]);
	event_base_dispatch(base);
	ck_assert_int_eq(readies, 1);
	if (_i) {
		pid = reap(&status);
		ck_assert(helper_reaped(h, pid, status));
	}
	helper_stop(h);
	ck_assert(is_closed(fds[0]));
	close(fds[0]);
}
END_TEST

START_TEST(says_what_cannot_be_run)
{
	struct helper_spec spec = spec_of("");
	char *const argv[] = { (char *)"/no/such/program", NULL };
	struct helper *h = NULL;
	struct err err = { 0 };

	spec.argv = argv;
	ck_assert_int_eq(helper_start(&spec, &h, &err), -ENOENT);
	ck_assert_str_eq(err.msg, "starting /no/such/program: No such file or directory");
	ck_assert_ptr_null(h);
	ck_assert_int_eq(ends, 0);
	starter = starter_free(starter);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

/* a lease on the program's file keeps its exec waiting for 45 s, as a dead file server does */
START_TEST(an_exec_that_hangs_is_given_up)
{
	struct helper_spec spec = spec_of("");
	char path[] = "/tmp/rk-helper-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);
	char *const argv[] = { path, NULL };
	struct helper *h = NULL;
	struct err err = { 0 };

	spec.argv = argv;
	signal(SIGIO, SIG_IGN);
	ck_assert_int_eq(fchmod(fd, 0700), 0);
	ck_assert_int_eq(fcntl(fd, F_SETLEASE, F_WRLCK), 0);
	ck_assert_int_eq(helper_start(&spec, &h, &err), -ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(err.msg, ": Connection timed out"));
	starter = starter_free(starter);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* it is dead and reaped */
	close(fd);
	unlink(path);
}
END_TEST

/* what is started was settled by the first start: a broken parent gets nothing else */
START_TEST(starts_the_first_program_again)
{
	struct helper_spec spec = spec_of("exit 5");
	struct helper *h = NULL;
	struct err err = { 0 };
	int status;
	pid_t pid;

	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(helper_start(&spec, &h, &err), 0);
		pid = reap(&status);
		ck_assert(helper_reaped(h, pid, status));
		ck_assert_str_eq(why.msg, "prog exited with status 5");
		helper_stop(h);
		spec = spec_of("exit 6");
	}
}
END_TEST

/* ... nor a process that carries frames, when its driver has none, nor what there is not */
START_TEST(starts_nothing_else)
{
	struct helper_spec spec = spec_of("exit 5");
	const struct starter_work work = { .argv = spec.argv };
	struct err err = { 0 };
	const int fds[STARTER_FDS_MAX] = { 0 };
	pid_t pid;

	for (int what = STARTER_FRAMES; what < STARTER_NWHAT + 2; what++) {
		ck_assert_int_eq(
			starter_run(starter, &work, (enum starter_what)what, fds, 2, &pid, &err),
			-EINVAL);
		ck_assert_int_eq(pid, 0);
	}
	ck_assert_int_eq(starter_run(starter, &work, STARTER_PROGRAM, fds, 1, &pid, &err), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

START_TEST(a_dead_starter_is_told)
{
	struct helper_spec spec = spec_of("exit 5");
	const struct starter_work work = { .argv = spec.argv };
	const int out = STDERR_FILENO;
	struct err err = { 0 };
	struct proc_list children = { 0 };
	pid_t pid;

	ck_assert_int_eq(starter_run(starter, &work, STARTER_PROGRAM, &out, 1, &pid, &err), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_eq(proc_children(&children), 0);
	ck_assert_uint_eq(children.n, 1);
	pid = children.pid[0];
	proc_list_done(&children);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert(!starter_reaped(starter, pid + 1));
	ck_assert(starter_reaped(starter, pid));
	ck_assert(!starter_reaped(starter, pid));
	ck_assert_int_eq(starter_run(starter, &work, STARTER_PROGRAM, &out, 1, &pid, &err),
			 -ECHILD);
	ck_assert_str_eq(err.msg, "the process that starts programs is gone");
}
END_TEST

/* a wrapper, and what it has started, which has no death signal; true: both are running */
static bool start_wrapper(int out, int seen)
{
	struct helper_spec spec = spec_of("sleep 1000 & echo; wait");
	const struct starter_work work = { .argv = spec.argv };
	struct err err = { 0 };
	pid_t pid;
	char c;

	return starter_run(starter, &work, STARTER_PROGRAM, &out, 1, &pid, &err) == 0 &&
	       read(seen, &c, 1) == 1;
}

START_TEST(a_killed_parent_leaves_nothing_behind)
{
	int fds[2], status;
	pid_t pid;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		if (!start_wrapper(fds[1], fds[0]))
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	close(fds[1]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert(is_closed(fds[0]));
	close(fds[0]);
}
END_TEST

/* an answer that comes too late finds nobody */
START_TEST(who_hangs_up_leaves_nothing_behind)
{
	struct proc_list children = { 0 };
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert(start_wrapper(fds[1], fds[0]));
	close(fds[1]);
	ck_assert_int_eq(proc_children(&children), 0);
	ck_assert_uint_eq(children.n, 2);
	ck_assert(starter_reaped(starter, children.pid[0]) ||
		  starter_reaped(starter, children.pid[1]));
	proc_list_done(&children);
	ck_assert(is_closed(fds[0]));
	while (waitpid(-1, NULL, 0) > 0)
		;
	close(fds[0]);
}
END_TEST

START_TEST(deaths_are_forgotten_after_a_minute)
{
	struct deaths d = { 0 };
	static const unsigned waits[] = { 0, 0, 100, 200, 400 };

	for (unsigned i = 1; i < DEATHS_MAX; i++) {
		ck_assert_uint_eq(deaths_note(&d, 1000 * i), i);
		ck_assert_uint_eq(deaths_wait_ms(i), waits[i]);
	}
	ck_assert_uint_eq(deaths_since_ms(&d, 4100), 100);
	ck_assert_uint_eq(deaths_note(&d, 1000 + DEATHS_MS), 4); /* the first is too old */
	ck_assert_uint_eq(deaths_note(&d, 1001 + DEATHS_MS), DEATHS_MAX);
	ck_assert_uint_eq(d.all, 6);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("helper");
	TCase *t = tcase_create("helper");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, tells_ready_and_its_end);
	tcase_add_test(t, is_killed_by_a_stop);
	tcase_add_test(t, names_the_signal);
	tcase_add_test(t, gets_its_descriptors);
	tcase_add_test(t, gets_nothing_else);
	tcase_add_loop_test(t, leaves_nothing_behind, 0, 2);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, says_what_cannot_be_run);
	tcase_add_test(t, an_exec_that_hangs_is_given_up);
	tcase_add_test(t, starts_the_first_program_again);
	tcase_add_test(t, starts_nothing_else);
	tcase_add_test(t, a_dead_starter_is_told);
	tcase_add_test(t, a_killed_parent_leaves_nothing_behind);
	tcase_add_test(t, who_hangs_up_leaves_nothing_behind);
	tcase_add_test(t, deaths_are_forgotten_after_a_minute);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
