// SPDX-License-Identifier: Apache-2.0
/*
 * test_copyup.c - copy-up in namespaces that the test makes
 *
 * Each test's tree is described (names, types, modes, contents) before and after by a process
 * outside: whatever happens inside, the host's directories stay as they were.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/loop.h"
#include "lib/base/str.h"
#include "lib/child/copyup.h"
#include "lib/child/mounts.h"
#include "tests/unit/inside.h"

#define TMPFS 0x01021994
static char dir[] = "/var/tmp/rk-copyup-XXXXXX";
static char src[64];

static void setup(void)
{
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(src, sizeof(src), "%s/src", dir);
	run("cd %s && mkdir src && cd src && mkdir -p ssl/certs .hidden && echo a >a && echo k "
	    ">ssl/key && ln -s a link && ln -s /absent/x dangling && mkfifo fifo && echo n >'new\n"
	    "line' && ln -s . loop && chmod 1777 .hidden",
	    dir);
}

static void teardown(void)
{
	run("rm -r '%s'", dir);
}

/* every name with its type, mode, size, time and link text, and what the files hold */
static char *describe(void)
{
	char cmd[256];
	char *text = calloc(1, 4 << 20);
	FILE *f;

	snprintf(cmd, sizeof(cmd),
		 "cd %s && find . -printf '%%p %%y %%m %%s %%l %%T@ %%i\\n' | sort && find . -type "
		 "f -exec cat {} +; ls -d /tmp/rootlesskit-b* /tmp/rksys* 2>&1",
		 dir);
	f = popen(cmd, "re");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_gt(fread(text, 1, (4 << 20) - 1, f), 0);
	pclose(f);
	return text;
}

/* run @inside; the tree outside must not change */
static void in_namespace(void (*inside)(void))
{
	autofree char *before = describe(), *after = NULL;

	in_namespaces(0, inside);
	after = describe();
	ck_assert_str_eq(before, after);
}

static int copy(const char *d)
{
	inside_err = (struct err){ 0 };
	return copyup_run(&d, 1, NULL, 0, &inside_err);
}

/* the name of the only ".ro<digits>" directory that is no link */
static const char *ro_name(const char *d)
{
	static char name[NAME_MAX + 1];
	int n = 0;
	DIR *h = opendir(d);

	want(h);
	for (const struct dirent *e = readdir(h); e; e = readdir(h)) {
		if (!str_starts(e->d_name, ".ro") || e->d_type != DT_DIR)
			continue;
		snprintf(name, sizeof(name), "%s", e->d_name);
		want(strspn(name + 3, "0123456789") == strlen(name + 3) && name[3]);
		n++;
	}
	closedir(h);
	want(n == 1);
	return name;
}

static bool link_is(const char *d, const char *name, const char *text)
{
	char path[512], got[512];
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%s", d, name);
	n = readlink(path, got, sizeof(got) - 1);
	got[n < 0 ? 0 : n] = '\0';
	return n >= 0 && strcmp(got, text) == 0;
}

static bool points_to_ro(const char *d, const char *name)
{
	char text[512];

	snprintf(text, sizeof(text), "%s/%s", ro_name(d), name);
	return link_is(d, name, text);
}

static bool holds(const char *name, const char *text)
{
	char path[512];
	autofree char *got = NULL;

	snprintf(path, sizeof(path), "%s/%s", src, name);
	return fd_read_file(AT_FDCWD, path, 4096, &got) >= 0 && strcmp(got, text) == 0;
}

static void check_copy(void)
{
	static const char *const entries[] = { "a", "ssl", ".hidden", "fifo", "new\nline" };
	struct statfs fs;
	struct stat st;

	want(statfs(src, &fs) == 0 && fs.f_type == TMPFS);
	want(stat(src, &st) == 0 && (st.st_mode & 07777) == 01777);
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		want(points_to_ro(src, entries[i]));
	want(link_is(src, "link", "a"));
	want(link_is(src, "dangling", "/absent/x"));
	want(link_is(src, "loop", "."));
	want(holds("a", "a\n") && holds("link", "a\n") && holds("ssl/key", "k\n"));
	want(holds("new\nline", "n\n"));
}

static void inside_plain(void)
{
	char path[128];

	want(copy(src) == 0);
	check_copy();
	/* the point of it all: names can go and come */
	snprintf(path, sizeof(path), "%s/ssl", src);
	want(unlink(path) == 0 && mkdir(path, 0755) == 0);
	snprintf(path, sizeof(path), "%s/a", src);
	want(unlink(path) == 0);
}

START_TEST(entries_become_links)
{
	in_namespace(inside_plain);
}
END_TEST

static void inside_twice(void)
{
	const char *const dirs[] = { src, src };
	char first[NAME_MAX + 1], text[NAME_MAX + 8];

	want(copy(src) == 0);
	snprintf(first, sizeof(first), "%s", ro_name(src));
	want(copyup_run(dirs, 2, NULL, 0, &inside_err) == 0);
	/* links are copied as they are, and what they lead through is a link now */
	snprintf(text, sizeof(text), "%s/ssl", first);
	want(link_is(src, "ssl", text));
	want(holds("a", "a\n") && holds("ssl/key", "k\n"));
}

START_TEST(the_same_directory_twice_works)
{
	in_namespace(inside_twice);
}
END_TEST

static void inside_nested(void)
{
	char below[128], link[128];
	const char *const dirs[] = { src, below };
	struct statfs fs;

	snprintf(below, sizeof(below), "%s/ssl", src);
	snprintf(link, sizeof(link), "%s/ssl/certs", src);
	want(copyup_run(dirs, 2, NULL, 0, &inside_err) == 0);
	want(points_to_ro(src, "ssl")); /* still a link, to the second tmpfs */
	want(statfs(below, &fs) == 0 && fs.f_type == TMPFS);
	want(holds("ssl/key", "k\n"));
	want(unlink(link) == 0);
}

START_TEST(a_later_entry_may_lie_below_an_earlier_one)
{
	in_namespace(inside_nested);
}
END_TEST

static void inside_symlink(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/alias", dir);
	want(copy(path) == 0);
	check_copy();
}

START_TEST(a_link_to_a_directory_is_followed)
{
	run("ln -s src %s/alias", dir);
	in_namespace(inside_symlink);
}
END_TEST

static void inside_skip(void)
{
	char a[128], ssl[128], other[128], deep[128];
	const char *const dirs[] = { src };
	const char *const skip[] = { a, ssl, other, deep };
	struct stat st;

	snprintf(a, sizeof(a), "%s/a", src);
	snprintf(ssl, sizeof(ssl), "%s/ssl", src);
	snprintf(other, sizeof(other), "%s/absent", src);
	snprintf(deep, sizeof(deep), "%s/.hidden/x", src);
	want(copyup_run(dirs, 1, skip, 4, &inside_err) == 0);
	want(lstat(a, &st) < 0 && errno == ENOENT);
	want(lstat(ssl, &st) < 0 && errno == ENOENT);
	want(mkdir(ssl, 0755) == 0);
	want(points_to_ro(src, ".hidden") && points_to_ro(src, "fifo"));
}

START_TEST(skipped_names_get_no_link)
{
	in_namespace(inside_skip);
}
END_TEST

static void inside_submount(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/ssl/certs", src);
	want(mount("none", path, "tmpfs", 0, NULL) == 0);
	snprintf(path, sizeof(path), "%s/ssl/certs/x", src);
	want(mkdir(path, 0700) == 0);
	want(copy(src) == 0);
	want(access(path, F_OK) == 0);
}

START_TEST(mounts_below_come_along)
{
	in_namespace(inside_submount);
}
END_TEST

/* what cannot be copied is refused before anything is mounted */
static void inside_refused(void)
{
	static const struct {
		const char *name; /* below dir, or absolute */
		int r;
		const char *msg;
	} t[] = {
		{ "/tmp", -EINVAL, "/tmp cannot be copied up" },
		{ "/", -EINVAL, "/ cannot be copied up" },
		{ "absent", -ENOENT, "failed to create bind mount on " },
		{ "src/a", -ENOTDIR, "failed to create bind mount on " },
		{ "src/dangling", -ENOENT, "failed to create bind mount on " },
		{ "src/fifo", -ENOTDIR, "failed to create bind mount on " },
	};
	struct statfs before, now;

	want(statfs(src, &before) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		char path[128];
		const char *const dirs[] = { src, path };

		snprintf(path, sizeof(path), "%s%s%s", t[i].name[0] == '/' ? "" : dir,
			 t[i].name[0] == '/' ? "" : "/", t[i].name);
		inside_err = (struct err){ 0 };
		want(copyup_run(dirs, 2, NULL, 0, &inside_err) == t[i].r);
		want(str_starts(inside_err.msg, t[i].msg));
		want(statfs(src, &now) == 0 && now.f_type == before.f_type);
	}
}

START_TEST(what_cannot_be_copied_is_refused_first)
{
	in_namespace(inside_refused);
}
END_TEST

static void inside_unreadable(void)
{
	want(copy(src) == -EACCES);
	want(strstr(inside_err.msg, "Permission denied"));
}

START_TEST(an_unreadable_directory_is_refused)
{
	if (geteuid())
		return; /* it takes a directory of a user that is not mapped */
	run("chown 65534:65534 %s && chmod 311 %s", src, src);
	in_namespace(inside_unreadable);
}
END_TEST

static void inside_many(void)
{
	uint64_t start = clock_ms();

	want(copy(src) == 0);
	fprintf(stderr, "# 10000 entries in %lu ms\n", (unsigned long)(clock_ms() - start));
	want(points_to_ro(src, "f1") && points_to_ro(src, "f10000"));
}

START_TEST(ten_thousand_entries)
{
	run("cd %s && seq -f f%%g 1 10000 | xargs touch", src);
	in_namespace(inside_many);
}
END_TEST

/* every later call of @nr fails with @error */
static void break_call(long nr, int error)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog prog = { ARRAY_SIZE(f), f };

	want(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	want(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0);
}

static const struct {
	struct {
		long nr;
		int error;
	} call[2];
	int r; /* 0: it works without the call */
	const char *msg;
} faults[] = {
	{ { { SYS_open_tree, ENOSYS } }, 0, "" },
	{ { { SYS_open_tree, EPERM } }, 0, "" },
	{ { { SYS_open_tree, ENOSPC } }, -ENOSPC, "failed to create bind mount on " },
	{ { { SYS_open_tree, ENOSYS }, { SYS_mount, EPERM } }, -EPERM, "failed to create bind " },
	{ { { SYS_open_tree, ENOSYS }, { SYS_mkdir, EROFS } }, -EROFS, "failed to create bind " },
	{ { { SYS_open_tree, ENOSYS }, { SYS_getdents64, EIO } }, -EIO, "reading dir " },
	{ { { SYS_open_tree, ENOSYS }, { SYS_symlinkat, EDQUOT } }, -EDQUOT, "failed to create " },
	{ { { SYS_getdents64, EIO } }, -EIO, "reading dir " },
	{ { { SYS_mount, ENOMEM } }, -ENOMEM, "failed to mount tmpfs on " },
	{ { { SYS_mkdirat, ENOSPC } }, -ENOSPC, "failed to create " },
	{ { { SYS_move_mount, EPERM } }, -EPERM, "failed to move mount point from " },
	{ { { SYS_symlinkat, ENOSPC } }, -ENOSPC, "failed to create " },
	{ { { SYS_readlinkat, EIO } }, -EIO, "failed to create " },
};

static size_t fault;

static void inside_fault(void)
{
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(faults[fault].call); i++)
		if (faults[fault].call[i].error)
			break_call(faults[fault].call[i].nr, faults[fault].call[i].error);
	r = copy(src);
	want(r == faults[fault].r && str_starts(inside_err.msg, faults[fault].msg));
	if (r == 0)
		check_copy();
	if (r == -ENOSPC && faults[fault].call[0].nr == SYS_symlinkat)
		want(strstr(inside_err.msg, "/.hidden (entry 1 of 8) in the tmpfs on ") &&
		     strstr(inside_err.msg, "half of the memory"));
}

START_TEST(failures_leave_the_source_alone)
{
	fault = (size_t)_i;
	in_namespace(inside_fault);
}
END_TEST

static void inside_shared(void)
{
	want(mounts_propagation("rshared", &inside_err) == 0);
	want(copy(src) == 0);
	check_copy();
}

START_TEST(copy_up_works_on_shared_mounts)
{
	in_namespace(inside_shared);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("copyup");
	TCase *t = tcase_create("copyup");
	SRunner *sr;
	int failed;

	log_init(LOG_STYLE_OURS, "child ", false);
	tcase_set_timeout(t, 50);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, entries_become_links);
	tcase_add_test(t, the_same_directory_twice_works);
	tcase_add_test(t, a_later_entry_may_lie_below_an_earlier_one);
	tcase_add_test(t, a_link_to_a_directory_is_followed);
	tcase_add_test(t, skipped_names_get_no_link);
	tcase_add_test(t, mounts_below_come_along);
	tcase_add_test(t, what_cannot_be_copied_is_refused_first);
	tcase_add_test(t, an_unreadable_directory_is_refused);
	tcase_add_test(t, ten_thousand_entries);
	tcase_add_loop_test(t, failures_leave_the_source_alone, 0, ARRAY_SIZE(faults));
	tcase_add_test(t, copy_up_works_on_shared_mounts);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
