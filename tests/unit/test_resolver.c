// SPDX-License-Identifier: Apache-2.0
/* test_resolver.c - the host's resolver file is followed however it is changed */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/loop.h"
#include "lib/parent/resolver.h"

#define SOON_MS 400   /* the debounce and much more */
#define TOLD_MS 10000 /* for what is told; the wait ends with it */

static char dir[] = "/tmp/rk-resolver-XXXXXX";
static char path[64];
static struct event_base *base;
static struct resolver *resolver;
static int told, refuse; /* calls of on_change; how many more are refused */

static int on_change(const struct host_resolver *now, void *arg, struct err *err)
{
	ck_assert_ptr_eq(arg, &told);
	ck_assert_ptr_eq(now, resolver_now(resolver));
	told++;
	return refuse-- > 0 ? err_say(err, EAGAIN, "not now") : 0;
}

static void put(const char *name, const char *text)
{
	autoclose int fd = openat(AT_FDCWD, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fd_write_all(fd, text, strlen(text)), 0);
}

static void start(void)
{
	const struct resolver_env env = {
		.base = base, .path = path, .on_change = on_change, .arg = &told
	};

	ck_assert_int_eq(resolver_new(&env, &resolver, NULL), 0);
}

static void setup(void)
{
	told = refuse = 0;
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
	ck_assert_int_eq(mkdir("etc", 0755), 0);
	ck_assert_int_eq(mkdir("run", 0755), 0);
	snprintf(path, sizeof(path), "%s/etc/resolv.conf", dir);
	base = event_base_new();
	put("etc/resolv.conf", "nameserver 10.0.0.1\n");
}

static void teardown(void)
{
	char cmd[64];

	resolver = resolver_free(resolver);
	event_base_free(base);
	snprintf(cmd, sizeof(cmd), "rm -r '%s'", dir);
	ck_assert_int_eq(system(cmd), 0);
}

/* the loop runs until something is told; false: nothing was, in that time */
static bool told_within(uint64_t ms)
{
	uint64_t end = clock_ms() + ms;
	int before = told;

	while (told == before && clock_ms() < end) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		usleep(2000);
	}
	if (told == before) /* what was due while we were not looking */
		event_base_loop(base, EVLOOP_NONBLOCK);
	return told != before;
}

static bool first_is(const char *want)
{
	const struct worker_dns *d = &resolver_now(resolver)->dns;
	char text[INET6_ADDRSTRLEN];

	inet_ntop(d->server[0].family, d->server[0].addr, text, sizeof(text));
	return strcmp(text, want) == 0;
}

/* and go on until it watches */
static void start_watching(void)
{
	start();
	ck_assert(!told_within(600));
}

START_TEST(a_change_before_the_first_look_is_told_by_it)
{
	start();
	put("etc/resolv.conf", "nameserver 10.0.0.9\n");
	ck_assert(told_within(TOLD_MS) && first_is("10.0.0.9"));
}
END_TEST

START_TEST(a_file_is_followed)
{
	start_watching();
	ck_assert(first_is("10.0.0.1"));
	put("etc/resolv.conf", "nameserver 10.0.0.2\n"); /* in place */
	ck_assert(told_within(TOLD_MS) && first_is("10.0.0.2"));
	put("etc/new", "nameserver 10.0.0.3\n");
	ck_assert_int_eq(rename("etc/new", "etc/resolv.conf"), 0);
	ck_assert(told_within(TOLD_MS) && first_is("10.0.0.3"));
	put("etc/resolv.conf", "nameserver 10.0.0.3\nsearch lan\n");
	ck_assert(told_within(TOLD_MS));
	ck_assert_str_eq(resolver_now(resolver)->extra, "search lan\n");
	put("etc/resolv.conf", "# the same\nnameserver 10.0.0.3\nsearch lan\n");
	put("etc/other", "nameserver 10.0.0.4\n");
	ck_assert(!told_within(SOON_MS));
}
END_TEST

START_TEST(links_are_followed)
{
	put("run/a", "nameserver 10.1.0.1\n");
	put("run/b", "nameserver 10.1.0.2\n");
	ck_assert_int_eq(symlink("b", "run/link"), 0);
	ck_assert_int_eq(unlink("etc/resolv.conf"), 0);
	ck_assert_int_eq(symlink("../run/a", "etc/resolv.conf"), 0);
	start_watching();
	ck_assert(first_is("10.1.0.1"));
	put("run/a", "nameserver 10.1.0.3\n");
	ck_assert(told_within(TOLD_MS) && first_is("10.1.0.3"));
	ck_assert_int_eq(symlink("../run/link", "etc/new"), 0);
	ck_assert_int_eq(rename("etc/new", "etc/resolv.conf"), 0);
	ck_assert(told_within(TOLD_MS) && first_is("10.1.0.2"));
	put("run/a", "nameserver 10.1.0.4\n"); /* not on the way any more */
	ck_assert(!told_within(SOON_MS));
	ck_assert_int_eq(symlink("a", "run/new"), 0);
	ck_assert_int_eq(rename("run/new", "run/link"), 0);
	ck_assert(told_within(TOLD_MS) && first_is("10.1.0.4"));
}
END_TEST

START_TEST(a_directory_may_be_replaced)
{
	put("run/a", "nameserver 10.1.0.1\n");
	ck_assert_int_eq(unlink("etc/resolv.conf"), 0);
	ck_assert_int_eq(symlink("../run/a", "etc/resolv.conf"), 0);
	start_watching();
	ck_assert_int_eq(mkdir("new", 0755), 0);
	put("new/a", "nameserver 10.1.0.2\n");
	ck_assert_int_eq(rename("run", "old"), 0);
	ck_assert_int_eq(rename("new", "run"), 0);
	ck_assert(told_within(TOLD_MS) && first_is("10.1.0.2"));
	put("run/a", "nameserver 10.1.0.3\n");
	ck_assert(told_within(TOLD_MS) && first_is("10.1.0.3"));
}
END_TEST

/* the file is replaced by @text while the writer is slow: nothing of it is seen in between */
static void expect_patience(const char *text)
{
	put("etc/resolv.conf", text);
	ck_assert(!told_within(250));
	put("etc/resolv.conf", "nameserver 10.0.0.2\nnameserver 10.0.0.3\n");
	ck_assert(told_within(TOLD_MS) && first_is("10.0.0.2"));
	ck_assert_uint_eq(resolver_now(resolver)->dns.count, 2);
}

START_TEST(unfinished_files_are_not_believed_at_once)
{
	static const char *const texts[] = { "", "# head\n", "nameserver 10.0.0",
					     "nameserver 10.0.0.2\nnames" };

	start_watching();
	expect_patience(texts[_i]);
}
END_TEST

START_TEST(what_stays_empty_is_empty)
{
	start_watching();
	put("etc/resolv.conf", "");
	ck_assert(told_within(TOLD_MS) && first_is("127.0.0.1"));
	put("etc/resolv.conf", "nameserver 10.0.0.2\n");
	ck_assert(told_within(TOLD_MS) && first_is("10.0.0.2"));
	ck_assert_int_eq(unlink("etc/resolv.conf"), 0);
	ck_assert(told_within(TOLD_MS) && first_is("127.0.0.1"));
	put("etc/resolv.conf", "nameserver 10.0.0.3"); /* no newline, for ever */
	ck_assert(told_within(TOLD_MS) && first_is("10.0.0.3"));
}
END_TEST

START_TEST(a_file_may_come_later)
{
	ck_assert_int_eq(unlink("etc/resolv.conf"), 0);
	ck_assert_int_eq(symlink("../run/later/resolv.conf", "etc/resolv.conf"), 0);
	start_watching();
	ck_assert(first_is("127.0.0.1"));
	ck_assert_int_eq(mkdir("run/later", 0755), 0);
	ck_assert(!told_within(SOON_MS));
	put("run/later/resolv.conf", "nameserver 10.2.0.1\n");
	ck_assert(told_within(TOLD_MS) && first_is("10.2.0.1"));
}
END_TEST

START_TEST(a_refused_change_is_told_again)
{
	start_watching();
	refuse = 1;
	put("etc/resolv.conf", "nameserver 10.0.0.2\n");
	ck_assert(told_within(TOLD_MS));
	ck_assert(!told_within(SOON_MS));
	put("etc/resolv.conf", "# the same\nnameserver 10.0.0.2\n");
	ck_assert(told_within(TOLD_MS) && first_is("10.0.0.2"));
	put("etc/resolv.conf", "nameserver 10.0.0.2\n");
	ck_assert(!told_within(SOON_MS));
}
END_TEST

START_TEST(loops_of_links_end)
{
	ck_assert_int_eq(unlink("etc/resolv.conf"), 0);
	ck_assert_int_eq(symlink("resolv.conf", "etc/resolv.conf"), 0);
	start_watching();
	ck_assert(first_is("127.0.0.1"));
	put("etc/new", "nameserver 10.0.0.2\n");
	ck_assert_int_eq(rename("etc/new", "etc/resolv.conf"), 0);
	ck_assert(told_within(TOLD_MS) && first_is("10.0.0.2"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("resolver");
	TCase *t = tcase_create("resolver");
	SRunner *sr;
	int failed;

	log_init(LOG_STYLE_OURS, "parent", false);
	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_change_before_the_first_look_is_told_by_it);
	tcase_add_test(t, a_file_is_followed);
	tcase_add_test(t, links_are_followed);
	tcase_add_test(t, a_directory_may_be_replaced);
	tcase_add_loop_test(t, unfinished_files_are_not_believed_at_once, 0, 4);
	tcase_add_test(t, what_stays_empty_is_empty);
	tcase_add_test(t, a_file_may_come_later);
	tcase_add_test(t, a_refused_change_is_told_again);
	tcase_add_test(t, loops_of_links_end);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
