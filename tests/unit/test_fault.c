// SPDX-License-Identifier: Apache-2.0
/* test_fault.c - the fault injector fails exactly the chosen call; the test runs itself with --act
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fd.h"
#include "lib/ipc/role.h"

#define OUTPUT_MAX 4096

static const char *self;

static void show(const char *what, int r)
{
	printf("%s %s\n", what, r < 0 ? strerrorname_np(errno) : "ok");
	fflush(stdout);
}

/* what is watched: six calls as relay, after one as nobody */
static int act(void)
{
	int pair[2], p[2];
	char *text;

	show("none open", open("/dev/null", O_RDONLY | O_CLOEXEC));
	role_enter(ROLE_RELAY, 0);
	show("open", open("/dev/null", O_RDONLY | O_CLOEXEC));
	show("open", open("/dev/null", O_RDONLY | O_CLOEXEC));
	show("socketpair", socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	show("pipe2", pipe2(p, O_CLOEXEC));
	errno = 0;
	text = strdup("x");
	show("strdup", text ? 0 : -1);
	free(text);
	return 0;
}

/* runs as relay and gives an empty environment to what it execs: --act must still know the plan */
static int act_after_exec(void)
{
	char *const argv[] = { (char *)self, (char *)"--act", NULL };
	char *const envp[] = { (char *)"ASAN_OPTIONS=detect_leaks=0", NULL };
	static const int keep[] = { 0, 1, 2 };

	role_enter(ROLE_PARENT, 0);
	if (fd_close_all_but(keep, ARRAY_SIZE(keep)) < 0)
		return 1;
	execve(self, argv, envp);
	return 1;
}

static int run(const char *setting, const char *mode, char *out)
{
	char command[1024];
	size_t n;
	FILE *f;

	snprintf(command, sizeof(command), "ASAN_OPTIONS=detect_leaks=0 %s exec %s %s 2>&1",
		 setting, self, mode);
	f = popen(command, "re"); /* NOLINT(cert-env33-c): our own binary, fixed words */
	ck_assert_ptr_nonnull(f);
	n = fread(out, 1, OUTPUT_MAX - 1, f);
	out[n] = '\0';
	return pclose(f);
}

/* role_enter() itself makes a call of the table (prctl), so relay's first open is number 2 */
static const struct {
	const char *setting, *output;
} rows[] = {
	{ "", "none open ok\nopen ok\nopen ok\nsocketpair ok\npipe2 ok\nstrdup ok\n" },
	{ "FAULT=relay:2:ENOSPC",
	  "none open ok\nopen ENOSPC\nopen ok\nsocketpair ok\npipe2 ok\nstrdup ok\n" },
	{ "FAULT=relay:3:24",
	  "none open ok\nopen ok\nopen EMFILE\nsocketpair ok\npipe2 ok\nstrdup ok\n" },
	{ "FAULT=relay:4:ENOBUFS",
	  "none open ok\nopen ok\nopen ok\nsocketpair ENOBUFS\npipe2 ok\nstrdup ok\n" },
	{ "FAULT=relay:5:ENFILE",
	  "none open ok\nopen ok\nopen ok\nsocketpair ok\npipe2 ENFILE\nstrdup ok\n" },
	{ "FAULT=relay:6:ENOMEM",
	  "none open ok\nopen ok\nopen ok\nsocketpair ok\npipe2 ok\nstrdup ENOMEM\n" },
	{ "FAULT=relay:99:ENOMEM",
	  "none open ok\nopen ok\nopen ok\nsocketpair ok\npipe2 ok\nstrdup ok\n" },
	{ "FAULT=slirp:3:ENOMEM",
	  "none open ok\nopen ok\nopen ok\nsocketpair ok\npipe2 ok\nstrdup ok\n" },
	{ "FAULT=none:1:ELOOP",
	  "none open ELOOP\nopen ok\nopen ok\nsocketpair ok\npipe2 ok\nstrdup ok\n" },
	{ "FAULT=relay:4:SIGKILL", "none open ok\nopen ok\nopen ok\n" },
};

START_TEST(the_chosen_call_fails_and_no_other)
{
	char out[OUTPUT_MAX];

	run(rows[_i].setting, "--act", out);
	ck_assert_str_eq(out, rows[_i].output);
}
END_TEST

START_TEST(an_exec_with_another_environment_keeps_the_plan)
{
	char out[OUTPUT_MAX];

	ck_assert_int_eq(run("FAULT=relay:4:ENOBUFS", "--exec", out), 0);
	ck_assert_ptr_nonnull(strstr(out, "socketpair ENOBUFS\npipe2 ok\n"));
}
END_TEST

START_TEST(recording_writes_a_line_a_call)
{
	static const char want[] = "none 1 open path\nrelay 1 prctl proc\nrelay 2 open path\n"
				   "relay 3 open path\nrelay 4 socketpair net\nrelay 5 pipe2 io\n"
				   "relay 6 strdup memory\n";
	char path[] = "/tmp/test_fault.XXXXXX", out[OUTPUT_MAX], setting[128];
	autoclose int fd = mkostemp(path, O_CLOEXEC);
	ssize_t n;

	ck_assert_int_ge(fd, 0);
	snprintf(setting, sizeof(setting), "FAULT=record FAULT_TRACE=%s", path);
	ck_assert_int_eq(run(setting, "--exec", out), 0);
	n = fd_read_all(fd, out, sizeof(out) - 1);
	ck_assert_int_gt(n, 0);
	out[n] = '\0';
	unlink(path);
	ck_assert_ptr_nonnull(strstr(out, "parent 1 close_range io\n"));
	ck_assert_ptr_nonnull(strstr(out, "execve proc\n"));
	ck_assert_ptr_nonnull(strstr(out, want));
}
END_TEST

START_TEST(a_setting_that_makes_no_sense_is_refused)
{
	static const char *const bad[] = { "FAULT=relay", "FAULT=relay:3", "FAULT=relay:3:EWHAT",
					   "FAULT=relay:3:SIGWHAT", "FAULT=relay:x:EIO" };
	char out[OUTPUT_MAX];
	int status = run(bad[_i], "--act", out);

	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 125);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *s;
	TCase *c;
	SRunner *r;
	int failed;

	self = argv[0];
	if (argc > 1)
		return strcmp(argv[1], "--act") == 0 ? act() : act_after_exec();
	s = suite_create("fault");
	c = tcase_create("fault");
	suite_add_tcase(s, c);
	tcase_add_loop_test(c, the_chosen_call_fails_and_no_other, 0, ARRAY_SIZE(rows));
	tcase_add_test(c, an_exec_with_another_environment_keeps_the_plan);
	tcase_add_test(c, recording_writes_a_line_a_call);
	tcase_add_loop_test(c, a_setting_that_makes_no_sense_is_refused, 0, 5);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
