// SPDX-License-Identifier: Apache-2.0
/* test_statedir.c - made, locked, cleaned of our names only, and gone at the end */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/ipc/statenames.h"
#include "lib/parent/statedir.h"

static char root[64], dir[128];

static void make_root(void)
{
	snprintf(root, sizeof(root), "/tmp/test-statedir-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	snprintf(dir, sizeof(dir), "%s/state", root);
}

static void remove_root(void)
{
	rmdir(dir);
	ck_assert_msg(rmdir(root) == 0, "something was left in %s", root);
}

static void make_file(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static struct statedir *open_ok(const char *path)
{
	struct statedir *s = NULL;
	struct err err = { 0 };
	int r = statedir_open(path, false, &s, &err);

	ck_assert_msg(r == 0, "%s", err.msg);
	return s;
}

START_TEST(an_absent_one_is_made_and_removed)
{
	struct statedir *s = open_ok(dir);
	char text[16] = "", path[256];
	struct stat st;
	FILE *f;

	ck_assert_int_eq(statedir_write_pid(s, 4242, NULL), 0);
	snprintf(path, sizeof(path), "%s/child_pid", dir);
	f = fopen(path, "re");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fread(text, 1, sizeof(text) - 1, f), 4);
	fclose(f);
	ck_assert_str_eq(text, "4242");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0444);
	ck_assert_int_eq(stat(dir, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0700);
	statedir_close(s);
	ck_assert_int_eq(access(dir, F_OK), -1);
}
END_TEST

START_TEST(what_a_killed_instance_left_is_cleaned)
{
	ck_assert_int_eq(mkdir(dir, 0755), 0);
	make_file("lock");
	make_file("child_pid");
	make_file("api.sock");
	make_file(".bp-ready.pipe");
	statedir_close(open_ok(dir));
	ck_assert_int_eq(access(dir, F_OK), -1);
}
END_TEST

START_TEST(known_names_without_our_lock_are_the_users)
{
	struct statedir *s = NULL;
	struct err err = { 0 };
	char path[256];

	ck_assert_int_eq(mkdir(dir, 0755), 0);
	make_file("hosts");
	ck_assert_int_eq(statedir_open(dir, false, &s, &err), -EEXIST);
	ck_assert_ptr_nonnull(strstr(err.msg, "'hosts'"));
	snprintf(path, sizeof(path), "%s/hosts", dir);
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(a_link_to_the_directory_is_followed)
{
	char link[160];

	snprintf(link, sizeof(link), "%s/link", root);
	ck_assert_int_eq(mkdir(dir, 0755), 0);
	ck_assert_int_eq(symlink("state", link), 0);
	statedir_close(open_ok(link));
	ck_assert_int_eq(access(dir, F_OK), -1);
	ck_assert_int_eq(unlink(link), 0);
}
END_TEST

START_TEST(the_lock_of_another_keeps_the_dead_ones_child_away)
{
	struct statedir *s = open_ok(dir);

	ck_assert_int_eq(statenames_lock(s->fd, false), -EWOULDBLOCK);
	statedir_close(s);
	ck_assert_int_eq(mkdir(dir, 0755), 0);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(statenames_lock(fd, false), -ENOENT);
	close(fd);
}
END_TEST

static const char *const leftovers[] = { "child_pid", "api.sock", "netns",      "resolv.conf",
					 "hosts",     ".bp.sock", ".s4nn.sock", ".bp-ready.pipe" };
#define NLEFTOVERS 8

enum kind { KIND_FILE, KIND_FIFO, KIND_SOCKET, KIND_LINK, NKINDS };

static void make_kind(const char *name, unsigned kind)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	switch (kind) {
	case KIND_FIFO:
		ck_assert_int_eq(mkfifo(path, 0600), 0);
		break;
	case KIND_SOCKET:
		ck_assert_int_eq(mknod(path, S_IFSOCK | 0600, 0), 0);
		break;
	case KIND_LINK: /* its target is somebody else's */
		ck_assert_int_eq(symlink("../precious", path), 0);
		break;
	default:
		make_file(name);
		break;
	}
}

/* every subset of the names, as every kind of file */
START_TEST(stale_names_of_any_kind_are_removed)
{
	char precious[128];
	int fd;

	snprintf(precious, sizeof(precious), "%s/precious", root);
	fd = open(precious, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
	for (unsigned set = 0; set < 1u << NLEFTOVERS; set++) {
		struct stat st;

		ck_assert_int_eq(mkdir(dir, 0755), 0);
		make_file("lock");
		for (unsigned i = 0; i < NLEFTOVERS; i++) {
			if (set & 1u << i)
				make_kind(leftovers[i], (set + i) % NKINDS);
		}
		statedir_close(open_ok(dir));
		ck_assert_msg(access(dir, F_OK) < 0, "set %#x", set);
		ck_assert_int_eq(stat(precious, &st), 0);
		ck_assert_int_eq(st.st_size, 1);
	}
	ck_assert_int_eq(unlink(precious), 0);
}
END_TEST

START_TEST(a_directory_under_a_known_name_is_not_ours)
{
	struct statedir *s = NULL;
	struct err err = { 0 };
	char path[256];

	ck_assert_int_eq(mkdir(dir, 0755), 0);
	make_file("lock");
	snprintf(path, sizeof(path), "%s/netns", dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(statedir_open(dir, false, &s, &err), -EEXIST);
	ck_assert_ptr_nonnull(strstr(err.msg, "'netns'"));
	ck_assert_int_eq(rmdir(path), 0);
	snprintf(path, sizeof(path), "%s/lock", dir);
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(foreign_files_are_refused_and_kept)
{
	struct statedir *s = NULL;
	struct err err = { 0 };
	char path[256];

	ck_assert_int_eq(mkdir(dir, 0755), 0);
	make_file("thesis.tex");
	make_file("child_pid");
	ck_assert_int_eq(statedir_open(dir, false, &s, &err), -EEXIST);
	ck_assert_ptr_nonnull(strstr(err.msg, "'thesis.tex'"));
	snprintf(path, sizeof(path), "%s/child_pid", dir);
	ck_assert_int_eq(access(path, F_OK), 0);
	unlink(path);
	snprintf(path, sizeof(path), "%s/thesis.tex", dir);
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(files_that_came_later_keep_the_directory)
{
	struct statedir *s = open_ok(dir);
	char path[256];

	make_file("later");
	statedir_close(s);
	snprintf(path, sizeof(path), "%s/later", dir);
	ck_assert_int_eq(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/lock", dir);
	ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

START_TEST(a_second_instance_is_refused_and_the_first_unharmed)
{
	struct statedir *s = open_ok(dir), *second = NULL;
	struct err err = { 0 };

	ck_assert_int_eq(statedir_write_pid(s, 1, NULL), 0);
	ck_assert_int_eq(statedir_open(dir, true, &second, &err), -EWOULDBLOCK);
	ck_assert_ptr_nonnull(strstr(err.msg, "another RootlessKit is running"));
	ck_assert_int_eq(faccessat(s->fd, "child_pid", F_OK, 0), 0);
	/* the cleaner of old files, which tries an exclusive lock, is kept away as well */
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), -1);
	close(fd);
	statedir_close(s);
}
END_TEST

#define HAMMERS 4
#define ROUNDS 100

/* never two owners: each owner makes a file exclusively and removes it again */
static int hammer(void)
{
	for (int i = 0; i < ROUNDS;) {
		struct statedir *s = NULL;
		int fd;

		if (statedir_open(dir, false, &s, NULL) < 0)
			continue;
		fd = openat(s->fd, "child_pid", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
		if (fd < 0)
			return 1;
		close(fd);
		unlinkat(s->fd, "child_pid", 0);
		statedir_close(s);
		i++;
	}
	return 0;
}

START_TEST(two_starts_never_own_it_together)
{
	pid_t pid[HAMMERS];
	int status;

	for (int i = 0; i < HAMMERS; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			close(STDERR_FILENO);
			_exit(hammer());
		}
	}
	for (int i = 0; i < HAMMERS; i++) {
		ck_assert_int_eq(waitpid(pid[i], &status, 0), pid[i]);
		ck_assert_int_eq(status, 0);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("statedir");
	TCase *c = tcase_create("statedir");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, c);
	tcase_add_checked_fixture(c, make_root, remove_root);
	tcase_set_timeout(c, 30);
	tcase_add_test(c, an_absent_one_is_made_and_removed);
	tcase_add_test(c, what_a_killed_instance_left_is_cleaned);
	tcase_add_test(c, known_names_without_our_lock_are_the_users);
	tcase_add_test(c, a_link_to_the_directory_is_followed);
	tcase_add_test(c, the_lock_of_another_keeps_the_dead_ones_child_away);
	tcase_add_test(c, stale_names_of_any_kind_are_removed);
	tcase_add_test(c, a_directory_under_a_known_name_is_not_ours);
	tcase_add_test(c, foreign_files_are_refused_and_kept);
	tcase_add_test(c, files_that_came_later_keep_the_directory);
	tcase_add_test(c, a_second_instance_is_refused_and_the_first_unharmed);
	tcase_add_test(c, two_starts_never_own_it_together);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
