// SPDX-License-Identifier: Apache-2.0
/* test_mounts.c - propagation, /proc, /sys and the resolver files, in namespaces of the test */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/child/copyup.h"
#include "lib/child/mounts.h"
#include "lib/child/resolvconf.h"
#include "tests/unit/inside.h"

static char dir[] = "/var/tmp/rk-mounts-XXXXXX";

static void setup(void)
{
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void teardown(void)
{
	run("rm -r '%s'", dir);
}

static bool is_shared(void)
{
	autofree char *text = NULL;
	char *line;

	want(fd_read_file(AT_FDCWD, "/proc/self/mountinfo", 1 << 20, &text) > 0);
	line = strstr(text, " / / ");
	want(line);
	line[strcspn(line, "\n")] = '\0';
	return strstr(line, "shared:") != NULL;
}

static void inside_propagation(void)
{
	want(mounts_propagation("rshared", &inside_err) == 0 && is_shared());
	want(mounts_propagation("nonsense", &inside_err) == 0 && is_shared());
	want(mounts_propagation("", &inside_err) == 0 && is_shared());
	want(mounts_propagation("private", &inside_err) == 0 && !is_shared());
	want(mounts_propagation("shared", &inside_err) == 0 && is_shared());
	want(mounts_propagation("rslave", &inside_err) == 0);
	want(mounts_propagation("rprivate", &inside_err) == 0 && !is_shared());
}

START_TEST(propagation_is_set)
{
	in_namespaces(0, inside_propagation);
}
END_TEST

static size_t count_entries(const char *path)
{
	DIR *d = opendir(path);
	size_t n = 0;

	want(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static size_t ncgroups; /* entries of /sys/fs/cgroup outside */

static void inside_sys(void)
{
	struct stat st;

	want(mounts_sys(MOUNTS_CGROUP_HOST, &inside_err) == 0);
	want(count_entries("/sys/class/net") == 1 && stat("/sys/class/net/lo", &st) == 0);
	want(count_entries("/sys/fs/cgroup") == ncgroups);
}

static void inside_sys_with_cgroupns(void)
{
	struct statfs fs;

	want(mounts_sys(MOUNTS_CGROUP_OWN, &inside_err) == 0);
	want(statfs("/sys", &fs) == 0 && fs.f_type == SYSFS_MAGIC);
	want(stat("/sys/class/net/lo", &(struct stat){ 0 }) == 0);
	want(count_entries("/sys/fs/cgroup") > 0 || ncgroups == 0);
}

static void inside_sys_without_netns(void)
{
	/* the kernel refuses a sysfs of a network namespace that is not ours: a warning only */
	want(mounts_sys(MOUNTS_CGROUP_HOST, &inside_err) == 0);
	want(count_entries("/sys/fs/cgroup") == ncgroups);
}

START_TEST(sys_is_of_the_new_netns)
{
	ncgroups = count_entries("/sys/fs/cgroup");
	in_namespaces(CLONE_NEWNET, inside_sys);
	in_namespaces(CLONE_NEWNET | CLONE_NEWCGROUP, inside_sys_with_cgroupns);
	in_namespaces(0, inside_sys_without_netns);
}
END_TEST

static void inside_proc(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		char text[16] = "";

		want(mounts_proc(&inside_err) == 0);
		want(readlink("/proc/self", text, sizeof(text) - 1) == 1 && text[0] == '1');
		_exit(0);
	}
	want(waitpid(pid, &status, 0) == pid && status == 0);
}

static void inside_proc_refused(void)
{
	/* the PID namespace is not ours: a warning only, and the host's stays */
	want(mounts_proc(&inside_err) == 0);
	want(access("/proc/self/stat", R_OK) == 0);
}

START_TEST(proc_is_of_the_new_pidns)
{
	in_namespaces(CLONE_NEWPID, inside_proc);
	in_namespaces(0, inside_proc_refused);
}
END_TEST

static int copy_etc(void)
{
	const char *const etc[] = { "/etc" };

	return copyup_run(etc, 1, NULL, 0, &inside_err);
}

static int state = -1;

static void check_etc(void)
{
	autofree char *resolv = NULL, *hosts = NULL, *later = NULL;
	struct stat here, there;

	want(fd_read_file(AT_FDCWD, "/etc/resolv.conf", 4096, &resolv) > 0);
	want(strcmp(resolv, "nameserver 10.0.2.3\n") == 0);
	want(fd_read_file(AT_FDCWD, "/etc/hosts", 4096, &hosts) > 0);
	want(strcmp(hosts, "127.0.0.1 box\n") == 0);
	want(lstat("/etc/resolv.conf", &here) == 0 && S_ISREG(here.st_mode));
	want(fstatat(state, "resolv.conf", &there, 0) == 0 && there.st_ino == here.st_ino);
}

static void inside_resolver_copied(void)
{
	struct stat st;

	want(copy_etc() == 0);
	want(resolvconf_bind(state, true, &inside_err) == 0);
	check_etc();
	want(umount2("/etc/resolv.conf", 0) == 0);
	want(lstat("/etc/resolv.conf", &st) == 0 && S_ISREG(st.st_mode));
	want(st.st_size == 0 && (st.st_mode & 07777) == 0644);
}

static void inside_resolver_under_a_copied_parent(void)
{
	const char *const dirs[] = { "/etc", dir };

	want(copyup_run(dirs, 2, NULL, 0, &inside_err) == 0);
	want(resolvconf_bind(state, true, &inside_err) == 0);
	check_etc();
}

static void inside_resolver_straight(void)
{
	struct stat st;

	if (lstat("/etc/resolv.conf", &st) < 0 || !S_ISREG(st.st_mode))
		_exit(SKIPPED);
	want(resolvconf_bind(state, false, &inside_err) == 0);
	check_etc();
}

static void inside_resolver_missing(void)
{
	int empty;

	want(mkdir("/dev/shm/rk-copyup-empty", 0700) == 0 || errno == EEXIST);
	empty = open("/dev/shm/rk-copyup-empty", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	want(empty >= 0);
	rmdir("/dev/shm/rk-copyup-empty");
	want(copy_etc() == 0);
	want(resolvconf_bind(empty, true, &inside_err) == -ENOENT);
	want(strstr(inside_err.msg, "state directory"));
}

START_TEST(resolver_files_are_bound)
{
	/* opened here, outside: the descriptor belongs to another mount namespace */
	run("umask 077; cd %s && mkdir state && echo nameserver 10.0.2.3 >state/resolv.conf && "
	    "echo 127.0.0.1 box >state/hosts && chmod 644 state/*",
	    dir);
	char path[128];

	snprintf(path, sizeof(path), "%s/state", dir);
	state = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(state, 0);
	in_namespaces(0, inside_resolver_copied);
	in_namespaces(0, inside_resolver_under_a_copied_parent);
	in_namespaces(0, inside_resolver_straight);
	in_namespaces(0, inside_resolver_missing);
	close(state);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("mounts");
	TCase *t = tcase_create("mounts");
	SRunner *sr;
	int failed;

	log_init(LOG_STYLE_OURS, "child ", false);
	tcase_set_timeout(t, 50);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, propagation_is_set);
	tcase_add_test(t, sys_is_of_the_new_netns);
	tcase_add_test(t, proc_is_of_the_new_pidns);
	tcase_add_test(t, resolver_files_are_bound);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
