// SPDX-License-Identifier: Apache-2.0
/* test_subid.c - subordinate id files of every shape, getsubids, free ranges */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/loop.h"
#include "lib/base/str.h"
#include "lib/cause/cause.h"
#include "lib/parent/subid.h"

#define ME "alice"
#define MY_UID 1003

static char dir[] = "/tmp/rk-subid-XXXXXX";
static const struct subid_user me = { MY_UID, MY_UID, ME };

static void setup(void)
{
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void teardown(void)
{
	char cmd[64];

	snprintf(cmd, sizeof(cmd), "rm -r '%s'", dir);
	ck_assert_int_eq(system(cmd), 0);
}

/* a file of the test's directory; static, so two calls are two paths */
static const char *write_file(const char *name, const char *text, size_t len, mode_t mode)
{
	static char path[4][64];
	static int next;
	char *p = path[next++ % 4];
	int fd;

	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	fd = open(p, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
	close(fd);
	return p;
}

/* "100000+65536 200000+65536", what a list holds */
static const char *show(const struct subid_list *l)
{
	static char text[16384];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < l->n; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%u+%u", i ? " " : "",
				      l->range[i].start, l->range[i].count);
	return text;
}

static const struct {
	const char *text;
	int r;
	const char *want; /* the list, or what the error holds */
} rows[] = {
	/* what is meant to be there */
	{ "alice:100000:65536\n", 0, "100000+65536" },
	{ "1003:100000:65536\n", 0, "100000+65536" },
	{ "alice:100000:65536", 0, "100000+65536" },
	{ "bob:100000:65536\nalice:165536:65536\n", 0, "165536+65536" },
	{ "bob:100000:65536\n", 0, "" },
	{ "", 0, "" },
	{ "\n\n", 0, "" },
	{ "#alice:1:1\n# text\n\nalice:100000:65536\n", 0, "100000+65536" },
	{ "alice:100000:65536\nalice:200000:65536\n", 0, "100000+65536 200000+65536" },
	{ "alice:200000:65536\nalice:100000:65536\n", 0, "200000+65536 100000+65536" },
	{ "alice:1:1\n", 0, "1+1" },
	{ "alice:0:1\n", 0, "0+1" },
	{ "alice:4294967294:1\n", 0, "4294967294+1" },
	{ "alice:4294901759:65536\n", 0, "4294901759+65536" },
	{ "alic:1:1\nalicex:2:2\nalice:3:3\n", 0, "3+3" },
	{ "10031:1:1\n100:2:2\n1003:3:3\n", 0, "3+3" },
	/* the same range twice, ranges that touch or overlap */
	{ "alice:100000:65536\n1003:100000:65536\n", 0, "100000+65536" },
	{ "alice:100000:65536\nalice:100000:65536\n", 0, "100000+65536" },
	{ "alice:100000:65536\nalice:165536:65536\n", 0, "100000+131072" },
	{ "alice:165536:65536\nalice:100000:65536\n", 0, "165536+65536 100000+65536" },
	{ "alice:100000:100\nalice:100050:100\n", 0, "100000+150" },
	{ "alice:100050:100\nalice:100000:100\n", 0, "100050+100 100000+50" },
	{ "alice:100000:100\nalice:100010:10\n", 0, "100000+100" },
	{ "alice:100010:10\nalice:100000:100\n", 0, "100010+10 100000+10 100020+80" },
	{ "alice:10:5\nalice:20:5\nalice:30:5\nalice:1:40\n", 0,
	  "10+5 20+5 30+5 1+9 15+5 25+5 35+6" },
	{ "alice:1:1\nalice:2:1\nalice:3:1\nalice:4:1\n", 0, "1+4" },
	/* the own id is mapped by itself */
	{ "alice:1000:10\n", 0, "1000+3 1004+6" },
	{ "alice:1003:10\n", 0, "1004+9" },
	{ "alice:1000:4\n", 0, "1000+3" },
	{ "alice:1003:1\n", 0, "" },
	{ "alice:1003:1\nalice:1004:2\n", 0, "1004+2" },
	{ "alice:1000:3\nalice:1003:5\n", 0, "1000+3 1004+4" },
	{ "alice:0:4294967295\n", 0, "0+1003 1004+4294966291" },
	/* others' broken lines are theirs */
	{ "broken\nalice:100000:65536\n", 0, "100000+65536" },
	{ "bob\nbob:\nbob:1\nbob:1:x\nbob:0:0\nbob:1:2:3\nalice:100000:65536\n", 0,
	  "100000+65536" },
	{ ":1:1\n::\n:\nalice:100000:65536\n", 0, "100000+65536" },
	{ "bob:1:99999999999999999999999\nalice:100000:65536\n", 0, "100000+65536" },
	{ " alice:1:1\nalice:100000:65536\n", 0, "100000+65536" },
	{ " # alice\nalice:100000:65536\n", 0, "100000+65536" },
	{ "Alice:1:1\nalice:100000:65536\n", 0, "100000+65536" },
	{ "bob:1:1\r\nalice:100000:65536\n", 0, "100000+65536" },
	{ "01003:1:1\nalice:100000:65536\n", 0, "100000+65536" },
	/* our own ones are not */
	{ "alice\n", -EINVAL, "line 1 is \"alice\"" },
	{ "bob:1:1\nalice:\n", -EINVAL, "line 2 is \"alice:\"" },
	{ "alice:100000\n", -EINVAL, "Format not correct for F file" },
	{ "alice:100000:65536:\n", -EINVAL, "\"alice:100000:65536:\"" },
	{ "alice:100000:65536:7\n", -EINVAL, "NAME:FIRST:COUNT" },
	{ "alice::65536\n", -EINVAL, "line 1" },
	{ "alice:100000:\n", -EINVAL, "line 1" },
	{ "alice:100000:0\n", -EINVAL, "COUNT at least 1" },
	{ "alice:-1:65536\n", -EINVAL, "line 1" },
	{ "alice:+1:65536\n", -EINVAL, "line 1" },
	{ "alice:1e5:65536\n", -EINVAL, "line 1" },
	{ "alice:0x10:65536\n", -EINVAL, "decimal" },
	{ "alice:0100000:65536\n", -EINVAL, "decimal" },
	{ "alice: 100000:65536\n", -EINVAL, "line 1" },
	{ "alice:100000:65536 \n", -EINVAL, "line 1" },
	{ "alice:100000:65536\r\n", -EINVAL, "sed -i 's/\\r$//' F" },
	{ "alice:4294967295:1\n", -EINVAL, "4294967294" },
	{ "alice:4294967294:2\n", -EINVAL, "4294967294" },
	{ "alice:4294967296:1\n", -EINVAL, "line 1" },
	{ "alice:1:4294967295\n", -EINVAL, "line 1" },
	{ "alice:1:18446744073709551615\n", -EINVAL, "line 1" },
	{ "alice:1:18446744073709551616\n", -EINVAL, "line 1" },
	{ "alice:18446744073709551615:2\n", -EINVAL, "line 1" },
	{ "alice:1:\x01\x1b[31m\n", -EINVAL, "alice:1:??[31m" },
	{ "1003\n", -EINVAL, "line 1 is \"1003\"" },
};

START_TEST(files_are_read)
{
	struct subid_list l;
	struct err err = { 0 };
	int r;

	subid_list_init(&l, MY_UID);
	r = subid_parse_file(rows[_i].text, strlen(rows[_i].text), "F", &me, &l, &err);
	ck_assert_msg(r == rows[_i].r, "row %d: %d (%s)", _i, r, err.msg);
	if (r < 0)
		ck_assert_msg(strstr(err.msg, rows[_i].want), "row %d: %s", _i, err.msg);
	else
		ck_assert_str_eq(show(&l), rows[_i].want);
}
END_TEST

START_TEST(a_name_that_is_the_uid_counts_once)
{
	static const char text[] = "1003:100000:10\n";
	const struct subid_user u = { MY_UID, MY_UID, "1003" };
	struct subid_list l;

	subid_list_init(&l, MY_UID);
	ck_assert_int_eq(subid_parse_file(text, strlen(text), "F", &u, &l, NULL), 0);
	ck_assert_str_eq(show(&l), "100000+10");
}
END_TEST

START_TEST(bytes_of_zero_end_nothing)
{
	static const char text[] = "bob\0:1:1\nalice:1\0:2\nx";
	struct subid_list l;

	subid_list_init(&l, MY_UID);
	ck_assert_int_eq(subid_parse_file(text, sizeof(text) - 1, "F", &me, &l, NULL), -EINVAL);
	ck_assert_int_eq(subid_parse_file(text, 9, "F", &me, &l, NULL), 0);
}
END_TEST

/* @step 1: one long range; 2: every second id, more than the kernel maps */
static char *many_lines(unsigned n, unsigned step)
{
	char *text = malloc((size_t)n * 32);
	size_t len = 0;

	for (unsigned i = 0; i < n; i++)
		len += (size_t)sprintf(text + len, "alice:%u:1\n", 100000 + i * step);
	return text;
}

START_TEST(many_lines_that_touch_are_one_range)
{
	autofree char *text = many_lines(10000, 1);
	struct subid_list l;
	uint64_t start = clock_ms();

	subid_list_init(&l, MY_UID);
	ck_assert_int_eq(subid_parse_file(text, strlen(text), "F", &me, &l, NULL), 0);
	ck_assert_str_eq(show(&l), "100000+10000");
	ck_assert_uint_lt(clock_ms() - start, 5000);
}
END_TEST

START_TEST(more_than_the_kernel_maps_names_the_line)
{
	autofree char *text = many_lines(10000, 2);
	struct subid_list l;
	struct err err = { 0 };

	subid_list_init(&l, MY_UID);
	ck_assert_int_eq(subid_parse_file(text, strlen(text), "F", &me, &l, &err), -E2BIG);
	/* 9 bytes of the own id, 9 lines of 11, 90 of 12, then 13 each: 322 lines fit */
	ck_assert_str_eq(err.msg, "F:323: too many ranges: the kernel maps at most 339, in less "
				  "than 4096 bytes");
	ck_assert_uint_le(l.n, SUBID_RANGES_MAX);
}
END_TEST

START_TEST(the_text_of_the_map_is_counted)
{
	static const uint32_t start[] = { 5, 1000, 9, 100000, 4000000000u, 6 };
	static const uint32_t count[] = { 1, 10, 90, 65536, 200000000, 3 };
	struct subid_list l;
	char text[4096];
	size_t n;

	subid_list_init(&l, MY_UID);
	for (size_t i = 0; i < ARRAY_SIZE(start); i++)
		ck_assert_int_eq(subid_list_add(&l, start[i], count[i]), 0);
	n = (size_t)sprintf(text, "0 %u 1\n", l.own);
	for (uint32_t i = 0, inside = 1; i < l.n; inside += l.range[i++].count)
		n += (size_t)sprintf(text + n, "%u %u %u\n", inside, l.range[i].start,
				     l.range[i].count);
	ck_assert_uint_eq(l.text, n);
}
END_TEST

static const struct {
	const char *text;
	int r;
	const char *want;
} outputs[] = {
	{ "0: foo 100000 655360\n", 0, "100000+655360" },
	{ "0: foo 100000 10\n1: foo 200000 10\n", 0, "100000+10 200000+10" },
	{ "\n# text\n  \n0: foo 100000 10", 0, "100000+10" },
	{ "0: foo 100000 10 more fields\n", 0, "100000+10" },
	{ "0:\tfoo   100000\t10\r\n", 0, "100000+10" },
	{ "0: foo 1000 10\n", 0, "1000+3 1004+6" },
	{ "", 0, "" },
	{ "0: foo 100000\n", -EINVAL, "line 1: unparsable line \"0: foo 100000\"" },
	{ "0: foo 100000 10\nError\n", -EINVAL, "line 2: unparsable line \"Error\"" },
	{ "0: foo x 10\n", -EINVAL, "line 1" },
	{ "0: foo 1 0\n", -EINVAL, "line 1" },
	{ "0: foo 4294967295 1\n", -EINVAL, "line 1" },
};

START_TEST(output_of_getsubids_is_read)
{
	struct subid_list l;
	struct err err = { 0 };
	int r;

	subid_list_init(&l, MY_UID);
	r = subid_parse_output(outputs[_i].text, strlen(outputs[_i].text), &l, &err);
	ck_assert_int_eq(r, outputs[_i].r);
	if (r < 0)
		ck_assert_msg(strstr(err.msg, outputs[_i].want), "%s", err.msg);
	else
		ck_assert_str_eq(show(&l), outputs[_i].want);
}
END_TEST

static const struct {
	const char *uids, *gids;
	int r;
	uint32_t start;
} gaps[] = {
	{ NULL, NULL, 0, 100000 },
	{ "", "", 0, 100000 },
	{ "a:100000:65536\n", "a:100000:65536\n", 0, 165536 },
	{ "a:100000:65536\n", "a:165536:65536\n", 0, 231072 },
	{ "a:165536:65536\n", "", 0, 100000 },
	{ "a:165535:1\n", "", 0, 165536 },
	{ "b:231072:65536\na:100000:65536\n", "", 0, 165536 },
	{ "b:200000:65536\na:100000:65536\n", "", 0, 265536 },
	{ "a:1:99999\nbroken\na:5\nb:100000:65536\r\n", "", 0, 165536 },
	{ "a:0:4294967295\n", "", -ENOSPC, 0 },
	{ "a:100000:4294801759\n", "", 0, 4294901759u },
	{ "a:100000:4294801760\n", "", -ENOSPC, 0 },
	{ "a:100000:18446744073709551615\n", "", -ENOSPC, 0 },
};

START_TEST(free_ranges_are_free)
{
	const char *const text[] = { gaps[_i].uids, gaps[_i].gids };
	uint32_t start = 0;

	ck_assert_int_eq(subid_free_range(text, &start), gaps[_i].r);
	ck_assert_uint_eq(start, gaps[_i].start);
}
END_TEST

/* what subid_load() makes of two files */
static int load(const char *uids, const char *gids, struct err *err)
{
	static struct subid_list l[SUBID_NKINDS];
	struct subid_config c = { .source = SUBID_STATIC };

	c.file[0] = uids ? write_file("subuid", uids, strlen(uids), 0600) : "/tmp/rk-no-subuid";
	c.file[1] = gids ? write_file("subgid", gids, strlen(gids), 0600) : "/tmp/rk-no-subgid";
	return subid_load(&c, &me, l, err);
}

static void check_command(struct err *err, const char *first_line, const char *fix)
{
	struct finding f;

	ck_assert(finding_of_err(err, &f));
	ck_assert_int_eq(f.id, CAUSE_SUBID_NONE);
	ck_assert_str_eq(f.fix, fix);
	err->msg[strcspn(err->msg, "\n")] = '\0';
	ck_assert_str_eq(err->msg, first_line);
}

START_TEST(missing_ranges_come_with_the_command_to_add_them)
{
	struct err err = { 0 };

	ck_assert_int_eq(load("alice:1:1\n", "alice:1:1\n", &err), 0);
	ck_assert_int_eq(load("bob:100000:65536\n", "bob:100000:65536\n", &err), -ENOENT);
	check_command(&err, "No subuid ranges found for user 1003 (\"alice\")",
		      "sudo usermod --add-subuids 165536-231071 --add-subgids 165536-231071 alice");
	ck_assert_int_eq(load("alice:100000:65536\n", "bob:100000:65536\n", &err), -ENOENT);
	check_command(&err, "No subgid ranges found for user 1003 (\"alice\")",
		      "sudo usermod --add-subgids 165536-231071 alice");
	ck_assert_int_eq(load("", "alice:100000:65536\n", &err), -ENOENT);
	check_command(&err, "No subuid ranges found for user 1003 (\"alice\")",
		      "sudo usermod --add-subuids 165536-231071 alice");
	ck_assert_int_eq(load(NULL, NULL, &err), -ENOENT);
	check_command(&err, "No subuid ranges found for user 1003 (\"alice\")",
		      "sudo touch /etc/subuid /etc/subgid && sudo usermod --add-subuids "
		      "100000-165535 --add-subgids 100000-165535 alice");
}
END_TEST

START_TEST(odd_names_are_not_given_to_a_shell)
{
	const struct subid_user odd = { 7, 7, "CORP\\al $(x)" };
	static struct subid_list l[SUBID_NKINDS];
	struct subid_config c = { .source = SUBID_STATIC };
	struct err err = { 0 };

	c.file[0] = c.file[1] = write_file("sub", "", 0, 0600);
	ck_assert_int_eq(subid_load(&c, &odd, l, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.msg, "fix: echo 7:100000:65536 | sudo tee -a "));
}
END_TEST

/* a fake getsubids that is asked by @source; the answer's ranges of the users */
static int ask(enum subid_source source, const char *script, const char *nsswitch, int limit_ms,
	       struct err *err)
{
	static struct subid_list l[SUBID_NKINDS];
	struct subid_config c = { .source = source, .limit_ms = limit_ms };
	int r;

	c.getsubids = write_file("getsubids", script, strlen(script), 0700);
	c.file[0] = c.file[1] = write_file("sub", "alice:7:1\n", 10, 0600);
	c.nsswitch = nsswitch ? write_file("nss", nsswitch, strlen(nsswitch), 0600) : NULL;
	r = subid_load(&c, &me, l, err);
	if (!r)
		err_say(err, 1, "%s", show(&l[0]));
	return r;
}

#define SAY(text) "#!/bin/sh\necho '0: alice " text "'\n"
#define BY_NUMBER "#!/bin/sh\ncase \"$*\" in *1003) echo 0: alice 9 1;; *) exit 1;; esac\n"

START_TEST(getsubids_is_asked_when_it_may_know_more)
{
	static const struct {
		enum subid_source source;
		const char *script, *nsswitch;
		int r;
		const char *want;
	} t[] = {
		{ SUBID_AUTO, SAY("8 1"), NULL, 0, "8+1" },
		{ SUBID_AUTO, SAY("8 1"), "subid: sss\n", 0, "8+1" },
		{ SUBID_AUTO, SAY("8 1"), "# x\n  subid:\tfiles sss\n", 0, "8+1" },
		{ SUBID_AUTO, SAY("8 1"), "passwd: files\n", 0, "7+1" },
		{ SUBID_AUTO, SAY("8 1"), "#subid: sss\nsubid: files\n", 0, "7+1" },
		{ SUBID_STATIC, SAY("8 1"), NULL, 0, "7+1" },
		{ SUBID_DYNAMIC, SAY("8 1"), "subid: files\n", 0, "8+1" },
		{ SUBID_DYNAMIC, BY_NUMBER, NULL, 0, "9+1" },
		{ SUBID_AUTO, "#!/bin/sh\nexit 1\n", NULL, 0, "7+1" },
		{ SUBID_AUTO, "#!/bin/sh\nexit 0\n", NULL, 0, "7+1" },
		{ SUBID_AUTO, "#!/bin/sh\necho rubbish\n", NULL, 0, "7+1" },
		{ SUBID_AUTO, "#!/no/such/shell\n", NULL, 0, "7+1" },
		{ SUBID_DYNAMIC, "#!/bin/sh\nexit 1\n", NULL, -ENOENT, "exit status 1" },
		{ SUBID_DYNAMIC, "#!/bin/sh\nkill -9 $$\n", NULL, -ENOENT, "signal: killed" },
		{ SUBID_DYNAMIC, "#!/bin/sh\nexit 0\n", NULL, -ENOENT, "No subuid ranges" },
		{ SUBID_DYNAMIC, "#!/bin/sh\necho rubbish\n", NULL, -EINVAL, "rubbish" },
		{ SUBID_AUTO, "#!/bin/sh\nexec sleep 20\n", NULL, 0, "7+1" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct err err = { 0 };
		int r = ask(t[i].source, t[i].script, t[i].nsswitch, 300, &err);

		ck_assert_msg(r == t[i].r && strstr(err.msg, t[i].want), "%zu: %d %s", i, r,
			      err.msg);
	}
}
END_TEST

START_TEST(the_source_is_one_of_three)
{
	enum subid_source s = SUBID_AUTO;

	ck_assert_int_eq(subid_source_parse("static", &s, NULL), 0);
	ck_assert_int_eq(s, SUBID_STATIC);
	ck_assert_int_eq(subid_source_parse("Auto", &s, NULL), -EINVAL);
	ck_assert_int_eq(s, SUBID_STATIC);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("subid");
	TCase *t = tcase_create("subid");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, files_are_read, 0, ARRAY_SIZE(rows));
	tcase_add_loop_test(t, output_of_getsubids_is_read, 0, ARRAY_SIZE(outputs));
	tcase_add_loop_test(t, free_ranges_are_free, 0, ARRAY_SIZE(gaps));
	tcase_add_test(t, a_name_that_is_the_uid_counts_once);
	tcase_add_test(t, bytes_of_zero_end_nothing);
	tcase_add_test(t, many_lines_that_touch_are_one_range);
	tcase_add_test(t, more_than_the_kernel_maps_names_the_line);
	tcase_add_test(t, the_text_of_the_map_is_counted);
	tcase_add_test(t, missing_ranges_come_with_the_command_to_add_them);
	tcase_add_test(t, odd_names_are_not_given_to_a_shell);
	tcase_add_test(t, getsubids_is_asked_when_it_may_know_more);
	tcase_add_test(t, the_source_is_one_of_three);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
