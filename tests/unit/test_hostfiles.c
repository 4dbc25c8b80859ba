// SPDX-License-Identifier: Apache-2.0
/* test_hostfiles.c - resolver files of every shape, and what is written for the child */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
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
#include "lib/ipc/netplan.h"
#include "lib/parent/hostfiles.h"

static char dir[] = "/tmp/rk-hostfiles-XXXXXX";
static int statefd = -1;
static struct net_plan plan;

static void setup(void)
{
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	statefd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(inet_pton(AF_INET, "10.0.2.3", &plan.dns), 1);
}

static void teardown(void)
{
	char cmd[64];

	close(statefd);
	snprintf(cmd, sizeof(cmd), "rm -r '%s'", dir);
	ck_assert_int_eq(system(cmd), 0);
}

/* "1.2.3.4 ::1 fe80::1%1" */
static const char *show(const struct worker_dns *d)
{
	static char text[512];
	char a[INET6_ADDRSTRLEN];
	size_t n = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < d->count; i++) {
		const struct net_addr *s = &d->server[i];

		ck_assert_uint_eq(s->port, 53);
		inet_ntop(s->family, s->addr, a, sizeof(a));
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i ? " " : "", a);
		if (s->scope)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%%%u", s->scope);
	}
	return text;
}

static const struct {
	const char *text, *servers, *extra;
} rows[] = {
	{ "nameserver 10.0.0.1\n", "10.0.0.1", "" },
	{ "nameserver 10.0.0.1", "10.0.0.1", "" },
	{ "nameserver\t10.0.0.1 \t\r\n", "10.0.0.1", "" },
	{ "nameserver 10.0.0.1 10.0.0.2\n", "10.0.0.1", "" },
	{ "nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch lan\n", "127.0.0.53",
	  "options edns0 trust-ad\nsearch lan\n" },
	{ "nameserver 1.1.1.1\nnameserver ::1\nnameserver 3.3.3.3\n", "1.1.1.1 ::1 3.3.3.3", "" },
	{ "nameserver 1.1.1.1\nnameserver 2.2.2.2\nnameserver 3.3.3.3\nnameserver 4.4.4.4\n"
	  "nameserver 5.5.5.5\nnameserver 6.6.6.6\nnameserver 7.7.7.7\nnameserver 8.8.8.8\n",
	  "1.1.1.1 2.2.2.2 3.3.3.3", "" },
	{ "", "127.0.0.1", "" },
	{ "\n\n\n", "127.0.0.1", "" },
	{ "search lan\n", "127.0.0.1", "search lan\n" },
	{ "# nameserver 1.1.1.1\n;nameserver 2.2.2.2\n", "127.0.0.1", "" },
	{ " nameserver 1.1.1.1\n", "127.0.0.1", "" },
	{ "nameserver1.1.1.1\nnameservers 1.1.1.1\n", "127.0.0.1", "" },
	{ "nameserver\n", "127.0.0.1", "" },
	{ "nameserver dns.example\nnameserver 1.1.1.300\nnameserver 9.9.9.9\n", "9.9.9.9", "" },
	{ "nameserver fe80::1%lo\n", "fe80::1%1", "" },
	{ "nameserver fe80::1%7\n", "fe80::1%7", "" },
	{ "nameserver fe80::1%no-such-if0\nnameserver 9.9.9.9\n", "9.9.9.9", "" },
	{ "nameserver fe80::1%\nnameserver 9.9.9.9\n", "9.9.9.9", "" },
	{ "nameserver fe80::1%0\nnameserver 9.9.9.9\n", "9.9.9.9", "" },
	{ "nameserver fe80::1%4294967296\nnameserver 9.9.9.9\n", "9.9.9.9", "" },
	{ "nameserver fe80::1\n", "fe80::1", "" },
	{ "nameserver 2001:db8::1%lo\n", "2001:db8::1", "" },
	{ "nameserver ::ffff:1.2.3.4\n", "::ffff:1.2.3.4", "" },
	{ "nameserver 127.1\n", "127.0.0.1", "" },
	{ "search a\nsearch b c\n", "127.0.0.1", "search b c\n" },
	{ "domain a\nsearch b\n", "127.0.0.1", "search b\n" },
	{ "search a b\ndomain c d\n", "127.0.0.1", "search c\n" },
	{ "search a\nsearch\n", "127.0.0.1", "" },
	{ "search .\n", "127.0.0.1", "search .\n" },
	{ "search a \x1b[31m b\n", "127.0.0.1", "search a b\n" },
	{ "options ndots:2\noptions rotate\n", "127.0.0.1", "options ndots:2\noptions rotate\n" },
	{ "sortlist 1.2.3.0\nlookup file\nrubbish\n", "127.0.0.1", "" },
};

START_TEST(resolver_files_are_read)
{
	struct host_resolver h;

	ck_assert_int_eq(host_resolver_parse(rows[_i].text, strlen(rows[_i].text), &h), 0);
	ck_assert_str_eq(show(&h.dns), rows[_i].servers);
	ck_assert_str_eq(h.extra, rows[_i].extra);
	host_resolver_done(&h);
}
END_TEST

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void write_text(const char *name, const char *text)
{
	FILE *f = fopen(path_of(name), "we");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

/* what stands in a file of the directory, malloc'ed */
static char *read_text(const char *name)
{
	char *text = NULL;

	ck_assert_int_ge(fd_read_file(statefd, name, 1 << 20, &text), 0);
	return text;
}

START_TEST(long_lines_and_large_files_are_bounded)
{
	autofree char *text = calloc(1, 200000);
	struct host_resolver h;
	size_t n = (size_t)sprintf(text, "nameserver 1.1.1.1\nsearch ");

	memset(text + n, 'x', 10000);
	n += 10000;
	n += (size_t)sprintf(text + n, " end\nnameserver ");
	memset(text + n, '1', 5000);
	n += 5000;
	n += (size_t)sprintf(text + n, "\nnameserver 2.2.2.2\n# ");
	memset(text + n, 'y', 50000);
	write_text("resolv", text);
	ck_assert_int_eq(host_resolver_read(path_of("resolv"), &h, NULL), 0);
	ck_assert_str_eq(show(&h.dns), "1.1.1.1 2.2.2.2");
	ck_assert_uint_eq(strlen(h.extra), strlen("search  end\n") + 10000);
	host_resolver_done(&h);
	/* the line at the limit is dropped, not halved */
	memset(text, '#', 65530);
	strcpy(text + 65530, "\nnameserver 3.3.3.3\n");
	write_text("resolv", text);
	ck_assert_int_eq(host_resolver_read(path_of("resolv"), &h, NULL), 0);
	ck_assert_str_eq(show(&h.dns), "127.0.0.1");
	host_resolver_done(&h);
}
END_TEST

START_TEST(what_is_no_file_is_an_empty_one)
{
	static const char *const names[] = { "absent", "dangling", "dir", "fifo", "loop" };
	struct host_resolver h;

	ck_assert_int_eq(symlinkat("nowhere", statefd, "dangling"), 0);
	ck_assert_int_eq(symlinkat("loop", statefd, "loop"), 0);
	ck_assert_int_eq(mkdirat(statefd, "dir", 0700), 0);
	ck_assert_int_eq(mkfifoat(statefd, "fifo", 0600), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		ck_assert_int_eq(host_resolver_read(path_of(names[i]), &h, NULL), 0);
		ck_assert_str_eq(show(&h.dns), "127.0.0.1");
		host_resolver_done(&h);
		ck_assert_int_eq(hostfiles_write_hosts(statefd, path_of(names[i]), "box", NULL), 0);
		autofree char *text = read_text("hosts");
		ck_assert_str_eq(text, "\n127.0.0.1 box\n::1 box\n");
	}
}
END_TEST

static void write_resolver(const char *host)
{
	struct host_resolver h;
	struct err err = { 0 };

	ck_assert_int_eq(host_resolver_parse(host, strlen(host), &h), 0);
	ck_assert_msg(hostfiles_write_resolver(statefd, &plan, &h, &err) == 0, "%s", err.msg);
	host_resolver_done(&h);
}

START_TEST(the_resolver_is_rewritten_in_place)
{
	static const char *const hosts[] = {
		"nameserver 1.1.1.1\nsearch a.example b.example\noptions ndots:3\n",
		"nameserver 1.1.1.1\n",
		"search a\n",
	};
	static const char *const want[] = {
		"nameserver 10.0.2.3\noptions ndots:3\nsearch a.example b.example\n",
		"nameserver 10.0.2.3\n",
		"nameserver 10.0.2.3\nsearch a\n",
	};
	struct stat first, st;

	umask(077);
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		autofree char *text = NULL;

		write_resolver(hosts[i]);
		text = read_text("resolv.conf");
		ck_assert_str_eq(text, want[i]);
		ck_assert_int_eq(fstatat(statefd, "resolv.conf", &st, 0), 0);
		ck_assert_uint_eq(st.st_mode & 07777, 0644);
		if (!i)
			first = st;
		ck_assert_uint_eq(st.st_ino, first.st_ino);
	}
}
END_TEST

START_TEST(hosts_gets_our_names)
{
	autofree char *text = NULL, *again = NULL;
	struct stat st;

	write_text("host", "127.0.0.1 localhost\n10.1.1.1 db");
	ck_assert_int_eq(hostfiles_write_hosts(statefd, path_of("host"), "box", NULL), 0);
	text = read_text("hosts");
	ck_assert_str_eq(text, "127.0.0.1 localhost\n10.1.1.1 db\n127.0.0.1 box\n::1 box\n");
	ck_assert_int_eq(fstatat(statefd, "hosts", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
	write_text("host", "");
	ck_assert_int_eq(hostfiles_write_hosts(statefd, path_of("host"), "b", NULL), 0);
	again = read_text("hosts");
	ck_assert_str_eq(again, "\n127.0.0.1 b\n::1 b\n");
}
END_TEST

START_TEST(what_root_in_the_child_put_there_is_refused)
{
	struct host_resolver h;
	struct err err = { 0 };
	autofree char *text = NULL;

	write_text("victim", "precious");
	ck_assert_int_eq(host_resolver_parse("", 0, &h), 0);
	ck_assert_int_eq(symlinkat("victim", statefd, "resolv.conf"), 0);
	ck_assert_int_eq(hostfiles_write_resolver(statefd, &plan, &h, &err), -ELOOP);
	ck_assert_int_eq(unlinkat(statefd, "resolv.conf", 0), 0);
	ck_assert_int_eq(linkat(statefd, "victim", statefd, "resolv.conf", 0), 0);
	ck_assert_int_eq(hostfiles_write_resolver(statefd, &plan, &h, &err), -EINVAL);
	ck_assert_int_eq(unlinkat(statefd, "resolv.conf", 0), 0);
	ck_assert_int_eq(mkfifoat(statefd, "resolv.conf", 0600), 0);
	ck_assert_int_eq(hostfiles_write_resolver(statefd, &plan, &h, &err), -ENXIO);
	ck_assert_int_eq(unlinkat(statefd, "resolv.conf", 0), 0);
	ck_assert_int_eq(mkdirat(statefd, "resolv.conf", 0700), 0);
	ck_assert_int_eq(hostfiles_write_resolver(statefd, &plan, &h, &err), -EISDIR);
	text = read_text("victim");
	ck_assert_str_eq(text, "precious");
	host_resolver_done(&h);
}
END_TEST

START_TEST(the_address_of_ipv6_stands_second)
{
	autofree char *text = NULL;

	plan.ipv6 = 1;
	ck_assert_int_eq(inet_pton(AF_INET6, "fd00::3", &plan.dns6), 1);
	write_resolver("nameserver 1.1.1.1\nsearch a\n");
	text = read_text("resolv.conf");
	ck_assert_str_eq(text, "nameserver 10.0.2.3\nnameserver fd00::3\nsearch a\n");
}
END_TEST

static const struct {
	const char *text;
	bool finished;
} ends[] = {
	{ "nameserver 1.1.1.1\n", true },
	{ "nameserver 1.1.1.1", false },
	{ "nameserver 1.1.1.1\nnames", false },
	{ "", false },
	{ "search a\n", false },
};

START_TEST(unfinished_files_are_known)
{
	struct host_resolver h;

	ck_assert_int_eq(host_resolver_parse(ends[_i].text, strlen(ends[_i].text), &h), 0);
	ck_assert_int_eq(h.finished, ends[_i].finished);
	host_resolver_done(&h);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("hostfiles");
	TCase *t = tcase_create("hostfiles");
	SRunner *sr;
	int failed;

	log_init(LOG_STYLE_OURS, "parent", false);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, resolver_files_are_read, 0, ARRAY_SIZE(rows));
	tcase_add_test(t, long_lines_and_large_files_are_bounded);
	tcase_add_test(t, what_is_no_file_is_an_empty_one);
	tcase_add_test(t, the_resolver_is_rewritten_in_place);
	tcase_add_test(t, hosts_gets_our_names);
	tcase_add_test(t, what_root_in_the_child_put_there_is_refused);
	tcase_add_test(t, the_address_of_ipv6_stands_second);
	tcase_add_loop_test(t, unfinished_files_are_known, 0, ARRAY_SIZE(ends));
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
