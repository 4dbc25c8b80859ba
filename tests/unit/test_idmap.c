// SPDX-License-Identifier: Apache-2.0
/* test_idmap.c - arguments for newuidmap and newgidmap, and every way in which they can fail */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/err.h"
#include "lib/base/loop.h"
#include "lib/base/str.h"
#include "lib/parent/idmap.h"

#define LIMIT_MS 1500

static char dir[] = "/tmp/rk-idmap-XXXXXX";
static const struct subid_user me = { 1000, 1000, "alice" };

static void setup(void)
{
	char path[128];

	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s:/usr/bin:/bin", dir);
	setenv("PATH", path, 1);
}

static void teardown(void)
{
	char cmd[64];

	snprintf(cmd, sizeof(cmd), "/bin/rm -r '%s'", dir);
	ck_assert_int_eq(system(cmd), 0);
}

static void make_tool(const char *name, const char *script)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	ck_assert_ptr_nonnull(f);
	fputs(script, f);
	ck_assert_int_eq(fchmod(fileno(f), 0755), 0);
	fclose(f);
}

static struct idmap *make_map(unsigned nranges)
{
	static struct subid_list l[SUBID_NKINDS];

	for (size_t k = 0; k < SUBID_NKINDS; k++) {
		subid_list_init(&l[k], k == SUBID_UID ? me.uid : me.gid);
		for (unsigned i = 0; i < nranges; i++)
			ck_assert_int_eq(subid_list_add(&l[k], 100000 * (i + 1), 65536), 0);
	}
	return idmap_new(&me, l);
}

static int count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

START_TEST(ranges_follow_the_own_id)
{
	AUTO(idmap_freep) struct idmap *none = make_map(0), *one = make_map(1), *two = make_map(2);
	autofree char *a = idmap_args(none, SUBID_UID), *b = idmap_args(one, SUBID_GID),
		      *c = idmap_args(two, SUBID_UID);

	ck_assert_str_eq(a, "0 1000 1");
	ck_assert_str_eq(b, "0 1000 1 1 100000 65536");
	ck_assert_str_eq(c, "0 1000 1 1 100000 65536 65537 200000 65536");
}
END_TEST

START_TEST(both_tools_get_pid_and_ranges)
{
	AUTO(idmap_freep) struct idmap *m = make_map(2);
	char script[128], path[64], got[256] = "";
	struct err err = { 0 };
	FILE *f;

	snprintf(script, sizeof(script), "#!/bin/sh\necho \"$*\" >%s/${0##*/}.args\n", dir);
	make_tool("newuidmap", script);
	make_tool("newgidmap", script);
	ck_assert_msg(idmap_apply(m, 1234, &err) == 0, "%s", err.msg);
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/new%cidmap.args", dir, "ug"[i]);
		f = fopen(path, "re");
		ck_assert_ptr_nonnull(f);
		ck_assert_ptr_nonnull(fgets(got, sizeof(got), f));
		ck_assert_str_eq(got, "1234 0 1000 1 1 100000 65536 65537 200000 65536\n");
		fclose(f);
	}
}
END_TEST

#define OK "#!/bin/sh\nexit 0\n"
#define START "failed to setup UID/GID map: newuidmap 1234 [0 1000 1 1 100000 65536] failed: "
#define GSTART "failed to setup UID/GID map: newgidmap 1234 [0 1000 1 1 100000 65536] failed: "

static const struct {
	const char *uid_tool, *gid_tool;
	int r;
	const char *msg; /* up to its end, or to the hint */
	const char *hint;
} faults[] = {
	{ OK, OK, 0, "", NULL },
	{ "#!/bin/sh\necho newuidmap: some text; exit 1\n", OK, -EPERM,
	  START "newuidmap: some text: exit status 1", NULL },
	{ "#!/bin/sh\necho a >&2; echo b; echo; exit 3\n", OK, -EPERM, START "a b: exit status 3",
	  NULL },
	{ "#!/bin/sh\nexit 1\n", OK, -EPERM, START "exit status 1", NULL },
	{ "#!/bin/sh\nexec 2>&- >&-; exit 1\n", OK, -EPERM, START "exit status 1", NULL },
	{ "#!/bin/sh\nkill -SEGV $$\n", OK, -EPERM, START "signal: segmentation fault", NULL },
	{ "#!/bin/sh\nkill -KILL $$\n", OK, -EPERM, START "signal: killed", NULL },
	{ OK, "#!/bin/sh\necho x; exit 1\n", -EPERM, GSTART "x: exit status 1", NULL },
	{ "#!/bin/sh\nexit 1\n", "#!/bin/sh\nexit 2\n", -EPERM, START "exit status 1", NULL },
	{ "#!/bin/sh\necho 'uid range [1-65537) -> [100000-165536) not allowed'; exit 1\n", OK,
	  -EPERM, START "uid range [1-65537) -> [100000-165536) not allowed: exit status 1",
	  "IDTOOL_RANGE: /etc/subuid must grant these ids" },
	{ OK, "#!/bin/sh\necho not allowed; exit 1\n", -EPERM, GSTART "not allowed: exit status 1",
	  "IDTOOL_RANGE: /etc/subgid" },
	{ "#!/bin/sh\nprintf '\\033[31m\\001\\nx'; exit 1\n", OK, -EPERM,
	  START "?[31m? x: exit status 1", NULL },
	{ "#!/bin/sh\nexec sleep 300\n", OK, -ETIMEDOUT, START "no end within 1.5 s, killed",
	  "name service" },
	{ OK, "#!/bin/sh\nexec sleep 300\n", -ETIMEDOUT, GSTART "no end within 1.5 s, killed",
	  "newgidmap waits" },
	{ "#!/bin/sh\nwhile :; do echo y; done\n", OK, -ETIMEDOUT, NULL, "name service" },
	{ "#!/no/such/interpreter\n", OK, -ENOENT, START "No such file or directory", NULL },
	/* their end counts, not the end of their output */
	{ "#!/bin/sh\nsleep 30 &\nexit 0\n", OK, 0, "", NULL },
	{ "#!/bin/sh\n(echo mine; sleep 30) &\necho x; exit 1\n", OK, -EPERM, NULL, NULL },
};

START_TEST(each_fault_has_its_text)
{
	AUTO(idmap_freep) struct idmap *m = make_map(1);
	int fds = count_fds(), r;
	struct err err = { 0 };
	uint64_t start = clock_ms();

	make_tool("newuidmap", faults[_i].uid_tool);
	make_tool("newgidmap", faults[_i].gid_tool);
	r = idmap_apply_within(m, 1234, LIMIT_MS, &err);
	ck_assert_msg(r == faults[_i].r, "%d: %s", r, err.msg);
	ck_assert_uint_lt(clock_ms() - start, 10000);
	ck_assert_int_eq(count_fds(), fds);
	ck_assert_msg(!faults[_i].hint || strstr(err.msg, faults[_i].hint), "%s", err.msg);
	err.msg[strcspn(err.msg, "\n")] = '\0';
	if (faults[_i].msg)
		ck_assert_str_eq(err.msg, faults[_i].msg);
}
END_TEST

START_TEST(a_megabyte_of_output_is_cut)
{
	AUTO(idmap_freep) struct idmap *m = make_map(1);
	struct err err = { 0 };

	make_tool("newuidmap", "#!/bin/sh\nhead -c 1000000 /dev/zero | tr '\\0' x; exit 1\n");
	make_tool("newgidmap", OK);
	ck_assert_int_eq(idmap_apply(m, 1234, &err), -EPERM);
	ck_assert(str_starts(err.msg, START "xxx"));
	ck_assert_ptr_nonnull(strstr(err.msg, "x: exit status 1"));
	ck_assert_uint_eq(strspn(err.msg + strlen(START), "x"), 400);
}
END_TEST

START_TEST(many_ranges_leave_room_for_the_cause)
{
	AUTO(idmap_freep) struct idmap *m = make_map(150);
	struct err err = { 0 };

	make_tool("newuidmap", "#!/bin/sh\necho \"$# words\"; exit 1\n");
	make_tool("newgidmap", OK);
	ck_assert_int_eq(idmap_apply(m, 1234, &err), -EPERM);
	ck_assert_ptr_nonnull(strstr(err.msg, "...] failed: 454 words: exit status 1"));
}
END_TEST

START_TEST(a_missing_tool_names_its_package)
{
	AUTO(idmap_freep) struct idmap *m = make_map(1);
	struct err err = { 0 };

	setenv("PATH", dir, 1);
	ck_assert_int_eq(idmap_apply(m, 1234, &err), -ENOENT);
	ck_assert(str_starts(err.msg, START "exec: \"newuidmap\": executable file not found in "
					    "$PATH\nIDTOOL_MISSING: newuidmap is not in $PATH"));
	make_tool("newuidmap", OK);
	ck_assert_int_eq(idmap_apply(m, 1234, &err), -ENOENT);
	ck_assert(str_starts(err.msg, GSTART "exec: \"newgidmap\""));
}
END_TEST

START_TEST(signals_of_the_caller_do_not_reach_the_tools)
{
	AUTO(idmap_freep) struct idmap *m = make_map(1);
	struct err err = { 0 };
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signal(SIGPIPE, SIG_IGN);
	make_tool("newuidmap",
		  "#!/bin/sh\ngrep -q 'SigBlk:.*[1-9a-f]' /proc/self/status && exit 9\n"
		  "grep -q 'SigIgn:.*[1-9a-f].\\{0,6\\}$' /proc/self/status && exit 8\n"
		  "exit 0\n");
	make_tool("newgidmap", OK);
	ck_assert_msg(idmap_apply(m, 1234, &err) == 0, "%s", err.msg);
}
END_TEST

START_TEST(the_time_of_a_stop_does_not_count)
{
	AUTO(idmap_freep) struct idmap *m = make_map(1);
	struct err err = { 0 };

	make_tool("newuidmap",
		  "#!/bin/sh\nsleep 0.1; kill -s STOP $PPID; sleep 2; kill -s CONT $PPID; "
		  "sleep 0.1\n");
	make_tool("newgidmap", OK);
	ck_assert_msg(idmap_apply_within(m, 1234, LIMIT_MS, &err) == 0, "%s", err.msg);
}
END_TEST

static int apply_as_nobody(struct err *err)
{
	AUTO(idmap_freep) struct idmap *m = make_map(1);
	int r;

	ck_assert_int_eq(chmod(dir, 0755), 0);
	if (seteuid(65534) < 0)
		return -ENOSYS;
	r = idmap_apply(m, 1234, err);
	return seteuid(0) < 0 ? -errno : r;
}

START_TEST(a_tool_without_rights_is_recognised)
{
	struct err err = { 0 };

	if (getuid())
		return; /* only root can take another identity */
	make_tool("newuidmap", "#!/bin/sh\necho Operation not permitted; exit 1\n");
	make_tool("newgidmap", OK);
	ck_assert_int_eq(apply_as_nobody(&err), -EPERM);
	ck_assert_msg(strstr(err.msg, "/newuidmap is neither set-user-ID root nor has file "
				      "capabilities"),
		      "%s", err.msg);
}
END_TEST

START_TEST(the_process_user_can_be_looked_up)
{
	struct idmap *m = NULL;
	struct err err = { 0 };
	int r = idmap_load("nonsense", &m, &err);

	ck_assert_int_eq(r, -EINVAL);
	ck_assert(str_starts(err.msg, "failed to setup UID/GID map: failed to compute uid/gid map: "
				      "unknown subid source"));
	ck_assert_ptr_null(m);
	if (getuid() || setresuid(1234567, 0, 0) < 0)
		return; /* the real id is what counts; only root can take another */
	r = idmap_load("auto", &m, &err);
	ck_assert_int_eq(r, -ENOENT);
	ck_assert(str_starts(err.msg, "failed to setup UID/GID map: failed to compute uid/gid map: "
				      "user: unknown userid 1234567\n"));
	ck_assert_int_eq(setresuid(0, 0, 0), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("idmap");
	TCase *t = tcase_create("idmap");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, ranges_follow_the_own_id);
	tcase_add_test(t, both_tools_get_pid_and_ranges);
	tcase_add_loop_test(t, each_fault_has_its_text, 0, ARRAY_SIZE(faults));
	tcase_add_test(t, a_megabyte_of_output_is_cut);
	tcase_add_test(t, many_ranges_leave_room_for_the_cause);
	tcase_add_test(t, a_missing_tool_names_its_package);
	tcase_add_test(t, signals_of_the_caller_do_not_reach_the_tools);
	tcase_add_test(t, the_time_of_a_stop_does_not_count);
	tcase_add_test(t, a_tool_without_rights_is_recognised);
	tcase_add_test(t, the_process_user_can_be_looked_up);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
