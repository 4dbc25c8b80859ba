// SPDX-License-Identifier: Apache-2.0
/* test_base.c - errors, text, descriptors and lists of lib/base */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/fd.h"
#include "lib/base/list.h"
#include "lib/base/str.h"

START_TEST(an_error_says_what_and_why)
{
	struct err e = { 0 };

	ck_assert_int_eq(err_set(&e, ENOENT, "opening '%s'", "/x"), -ENOENT);
	ck_assert_int_eq(e.code, ENOENT);
	ck_assert_str_eq(e.msg, "opening '/x': No such file or directory");
	ck_assert_int_eq(err_wrap(&e, -EACCES, "state directory"), -EACCES);
	ck_assert_int_eq(e.code, ENOENT); /* the first failure stays the cause */
	ck_assert_str_eq(e.msg, "state directory: opening '/x': No such file or directory");
	ck_assert_int_eq(err_hint(&e, -ENOENT, "try %d", 1), -ENOENT);
	ck_assert_str_eq(e.msg, "state directory: opening '/x': No such file or directory\ntry 1");
}
END_TEST

START_TEST(an_error_is_never_without_a_code)
{
	struct err e = { 0 };

	ck_assert_int_eq(err_set(&e, 0, "x"), -EIO);
	ck_assert_int_eq(e.code, EIO);
	e = (struct err){ 0 };
	ck_assert_int_eq(err_wrap(&e, -EPERM, "y"), -EPERM);
	ck_assert_int_eq(e.code, EPERM);
	ck_assert_str_eq(e.msg, "y: Operation not permitted");
	ck_assert_int_eq(err_say(&e, EINVAL, "alone"), -EINVAL);
	ck_assert_str_eq(e.msg, "alone");
	ck_assert_int_eq(err_set(NULL, EBUSY, "nobody listens"), -EBUSY);
	ck_assert_int_eq(err_wrap(NULL, -EBUSY, "nobody listens"), -EBUSY);
	ck_assert_int_eq(err_hint(NULL, -EBUSY, "nobody listens"), -EBUSY);
}
END_TEST

START_TEST(a_long_error_is_cut)
{
	char text[2 * ERR_MSG_MAX];
	struct err e = { 0 };

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	err_set(&e, EIO, "%s", text);
	ck_assert_uint_eq(strlen(e.msg), sizeof(e.msg) - 1);
	err_wrap(&e, -EIO, "%s", text);
	ck_assert_uint_eq(strlen(e.msg), sizeof(e.msg) - 1);
	err_hint(&e, -EIO, "%s", text);
	ck_assert_uint_eq(strlen(e.msg), sizeof(e.msg) - 1);
	/* but not its end: why it failed */
	err_set(&e, ENAMETOOLONG, "mkdir %s", text);
	ck_assert_str_eq(e.msg + strlen(e.msg) - strlen("x...: File name too long"),
			 "x...: File name too long");
	err_wrap(&e, -ENAMETOOLONG, "%s", text);
	ck_assert_uint_eq(strlen(e.msg), sizeof(e.msg) - 1);
}
END_TEST

static const struct {
	const char *text;
	uint64_t max;
	int r;
	uint64_t value;
} numbers[] = {
	{ "0", 9, 0, 0 },
	{ "65535", 65535, 0, 65535 },
	{ "007", 9, 0, 7 },
	{ "18446744073709551615", UINT64_MAX, 0, UINT64_MAX },
	{ "10", 9, -ERANGE, 42 },
	{ "18446744073709551616", UINT64_MAX, -ERANGE, 42 },
	{ "99999999999999999999999", UINT64_MAX, -ERANGE, 42 },
	{ "", 9, -EINVAL, 42 },
	{ "-1", 9, -EINVAL, 42 },
	{ "+1", 9, -EINVAL, 42 },
	{ " 1", 9, -EINVAL, 42 },
	{ "1 ", 9, -EINVAL, 42 },
	{ "0x1", 9, -EINVAL, 42 },
	{ "1.0", 9, -EINVAL, 42 },
};

START_TEST(numbers_are_read_strictly)
{
	uint64_t v = 42;

	ck_assert_int_eq(str_to_u64(numbers[_i].text, numbers[_i].max, &v), numbers[_i].r);
	ck_assert_uint_eq(v, numbers[_i].value);
}
END_TEST

START_TEST(text_that_does_not_fit_is_an_error)
{
	char dst[6] = "?";
	autofree char *s = str_dup_format("%s-%d", "a", 7);

	ck_assert_int_eq(str_format(dst, sizeof(dst), "%d", 12345), 5);
	ck_assert_str_eq(dst, "12345");
	ck_assert_int_eq(str_format(dst, sizeof(dst), "%d", 123456), -ENAMETOOLONG);
	ck_assert_str_eq(dst, "");
	ck_assert_str_eq(s, "a-7");
}
END_TEST

START_TEST(beginnings_ends_and_base_names)
{
	ck_assert(str_starts("abc", "ab") && str_starts("abc", "") && !str_starts("ab", "abc"));
	ck_assert(str_ends("abc", "bc") && str_ends("abc", "") && !str_ends("bc", "abc"));
	ck_assert_str_eq(str_basename("/usr/bin/x"), "x");
	ck_assert_str_eq(str_basename("x"), "x");
	ck_assert_str_eq(str_basename("x/"), "");
}
END_TEST

START_TEST(foreign_text_is_made_printable)
{
	char dst[8];

	str_printable(dst, sizeof(dst), "a\x1b[b\n\xff", 6);
	ck_assert_str_eq(dst, "a?[b??");
	str_printable(dst, sizeof(dst), "0123456789", 10);
	ck_assert_str_eq(dst, "0123456");
	str_printable(dst, sizeof(dst), "ab\0cd", 5);
	ck_assert_uint_eq(strlen(dst), 5);
}
END_TEST

START_TEST(all_descriptors_but_the_listed_are_closed)
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		int keep[] = { 2, 50, 52 };

		for (int fd = 50; fd <= 53; fd++)
			dup2(2, fd);
		if (fd_close_all_but(keep, ARRAY_SIZE(keep)) < 0)
			_exit(1);
		if (fcntl(50, F_GETFD) < 0 || fcntl(52, F_GETFD) < 0 || fcntl(2, F_GETFD) < 0)
			_exit(2);
		if (fcntl(0, F_GETFD) >= 0 || fcntl(51, F_GETFD) >= 0 || fcntl(53, F_GETFD) >= 0)
			_exit(3);
		if (fd_open_std() < 0 || fcntl(0, F_GETFD) < 0 || fcntl(3, F_GETFD) >= 0)
			_exit(4);
		_exit(fd_close_all_but(NULL, 0) < 0 || fcntl(52, F_GETFD) >= 0 ? 5 : 0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

START_TEST(close_on_exec_is_set_and_taken_back)
{
	int p[2];

	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	ck_assert_int_eq(fd_set_cloexec(p[0], 0), 0);
	ck_assert_int_eq(fcntl(p[0], F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_eq(fd_set_cloexec(p[0], 1), 0);
	ck_assert_int_ne(fcntl(p[0], F_GETFD) & FD_CLOEXEC, 0);
	close(p[0]);
	close(p[1]);
	ck_assert_int_eq(fd_set_cloexec(p[0], 1), -EBADF);
}
END_TEST

START_TEST(files_are_read_whole_or_not_at_all)
{
	char path[] = "/tmp/test_base.XXXXXX", buf[8];
	autoclose int fd = mkostemp(path, O_CLOEXEC);
	char *s = NULL;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fd_write_file(AT_FDCWD, path, "12345"), 0);
	ck_assert_int_eq(fd_read_file(AT_FDCWD, path, 5, &s), 5);
	ck_assert_str_eq(s, "12345");
	free(s);
	s = NULL;
	ck_assert_int_eq(fd_read_file(AT_FDCWD, path, 4, &s), -EFBIG);
	ck_assert_ptr_null(s);
	ck_assert_int_eq(fd_read_all(fd, buf, sizeof(buf)), 5);
	ck_assert_int_eq(fd_read_all(fd, buf, sizeof(buf)), 0);
	unlink(path);
	ck_assert_int_eq(fd_read_file(AT_FDCWD, path, 4, &s), -ENOENT);
	ck_assert_int_eq(fd_write_file(AT_FDCWD, path, "x"), -ENOENT); /* it never creates */
}
END_TEST

struct item {
	struct list link;
	int n;
};

START_TEST(lists_keep_their_order)
{
	struct item items[4];
	struct list head, *pos, *tmp;
	int sum = 0;

	list_init(&head);
	ck_assert(list_empty(&head));
	ck_assert_ptr_null(list_first(&head));
	for (int i = 0; i < 4; i++) {
		items[i].n = i;
		list_append(&head, &items[i].link);
	}
	list_for_each (pos, &head)
		sum = sum * 10 + container_of(pos, struct item, link)->n;
	ck_assert_int_eq(sum, 123);
	list_for_each_safe (pos, tmp, &head) {
		if (container_of(pos, struct item, link)->n % 2 == 0)
			list_remove(pos);
	}
	list_remove(&items[0].link); /* stands alone by now */
	ck_assert_ptr_eq(list_first(&head), &items[1].link);
	list_remove(&items[1].link);
	list_remove(&items[3].link);
	ck_assert(list_empty(&head));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base");
	TCase *c = tcase_create("base");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, c);
	tcase_add_test(c, an_error_says_what_and_why);
	tcase_add_test(c, an_error_is_never_without_a_code);
	tcase_add_test(c, a_long_error_is_cut);
	tcase_add_loop_test(c, numbers_are_read_strictly, 0, ARRAY_SIZE(numbers));
	tcase_add_test(c, text_that_does_not_fit_is_an_error);
	tcase_add_test(c, beginnings_ends_and_base_names);
	tcase_add_test(c, foreign_text_is_made_printable);
	tcase_add_test(c, all_descriptors_but_the_listed_are_closed);
	tcase_add_test(c, close_on_exec_is_set_and_taken_back);
	tcase_add_test(c, files_are_read_whole_or_not_at_all);
	tcase_add_test(c, lists_keep_their_order);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
