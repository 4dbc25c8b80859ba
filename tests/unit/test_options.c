// SPDX-License-Identifier: Apache-2.0
/*
 * test_options.c - both command lines: what is understood, what is refused and in which words
 *
 * The tables of drivers are replaced by ones of a finished build: builtin is there, pasta is not.
 * The rows stand in options_rows.h.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/rootless-supervisor/options.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "netdrivers/netdriver.h"
#include "portdrivers/portdriver.h"
#include "tests/unit/options_rows.h"

#define WORDS_MAX 24
#define DUMP_MAX 4096

static const struct net_driver fake_nets[] = {
	{ .name = "host" },
	{ .name = "none", .flags = NET_F_NETNS },
	{ .name = "slirp", .flags = NET_F_NETNS | NET_F_GATEWAY | NET_F_RESOLVER | NET_F_ADDRESS },
	{ .name = "lxc-user-nic", .flags = NET_F_NETNS | NET_F_RESOLVER | NET_F_IPV4 | NET_F_DHCP },
	{ .name = "vpnkit",
	  .flags = NET_F_NETNS | NET_F_RESOLVER | NET_F_IPV4 | NET_F_PROGRAM | NET_F_TAP },
	{ .name = "pasta", .flags = NET_F_NETNS | NET_F_RESOLVER | NET_F_ADDRESS },
	{ .name = "gvisor-tap-vsock",
	  .flags = NET_F_NETNS | NET_F_GATEWAY | NET_F_RESOLVER | NET_F_ADDRESS | NET_F_IPV4 },
	{ .name = "slirp4netns", .flags = NET_F_NETNS | NET_F_PROGRAM | NET_F_ADDRESS },
};
static const struct port_driver fake_port_drivers[] = {
	{ .name = "none" },
	{ .name = "implicit", .net = "pasta" },
	{ .name = "builtin", .flags = PORT_F_RELAY | PORT_F_PUBLISH },
	{ .name = "gvisor-tap-vsock",
	  .net = "gvisor-tap-vsock",
	  .flags = PORT_F_RELAY | PORT_F_PUBLISH },
	{ .name = "slirp4netns", .net = "slirp4netns", .flags = PORT_F_PUBLISH | PORT_F_NETWORK },
	{ .name = "slirp4netns", .net = "slirp4netns", .flags = PORT_F_RELAY | PORT_F_PUBLISH },
};

const struct net_driver *net_driver_find(const char *name, bool external)
{
	if (strcmp(name, "slirp4netns") == 0)
		return &fake_nets[external ? 7 : 2];
	for (size_t i = 0; i < ARRAY_SIZE(fake_nets); i++) {
		if (strcmp(name, fake_nets[i].name) == 0)
			return &fake_nets[i];
	}
	return NULL;
}

const char *net_driver_names(void)
{
	return "host, none, slirp, slirp4netns";
}

const struct port_driver *port_driver_find(const char *name, bool external)
{
	if (strcmp(name, "slirp4netns") == 0)
		return &fake_port_drivers[external ? 4 : 5];
	for (size_t i = 0; i < ARRAY_SIZE(fake_port_drivers); i++) {
		if (strcmp(name, fake_port_drivers[i].name) == 0)
			return &fake_port_drivers[i];
	}
	return NULL;
}

const char *port_driver_names(void)
{
	return "none, builtin";
}

/* one command line, split, with a fresh report; done() frees everything */
struct run {
	char text[1024];
	char *argv[WORDS_MAX];
	int argc, r;
	struct options o;
	struct options_report rep;
	struct err err;
	char *out;
	size_t out_len;
};

static void run_line(struct run *run, const char *line)
{
	const char *name = str_starts(line, "R|") || strcmp(line, "R") == 0 ? "rootlesskit"
			   : str_starts(line, "O|") || strcmp(line, "O") == 0
				   ? "rootless-supervisor"
				   : NULL;
	char *rest = run->text;

	*run = (struct run){ 0 };
	ck_assert_int_gt(str_format(run->text, sizeof(run->text), "%s%s", name ? name : "",
				    line + (name ? 1 : 0)),
			 0);
	while (rest)
		run->argv[run->argc++] = strsep(&rest, "|");
	run->rep.out = open_memstream(&run->out, &run->out_len);
	run->r = options_parse(&run->o, &run->rep, run->argc, run->argv, &run->err);
	fclose(run->rep.out);
}

static void run_done(struct run *run)
{
	options_done(&run->o);
	options_report_done(&run->rep);
	free(run->out);
}

static const char *or_dash(const char *text)
{
	return text ? text : "-";
}

static void dump_lists(FILE *f, const struct options *o)
{
	char text[192];

	for (size_t i = 0; i < o->ncopy_up; i++)
		fprintf(f, "copy_up=%s ", o->copy_up[i]);
	for (size_t i = 0; i < o->npublish; i++) {
		ck_assert_int_gt(port_spec_format(&o->publish[i], text, sizeof(text)), 0);
		fprintf(f, "publish=%s ", text);
	}
	for (size_t i = 0; i < o->nsysctl; i++)
		fprintf(f, "sysctl=%s=%s ", o->sysctl[i].path, o->sysctl[i].value);
	for (char **word = o->command; *word; word++)
		fprintf(f, "command=%s ", *word);
}

/* " name=value name=value ... " */
static void dump(const struct options *o, char text[DUMP_MAX])
{
	FILE *f = fmemopen(text, DUMP_MAX, "w");

	fprintf(f, " dialect=%d named=%d debug=%d state_dir=%s ready_fd=%d net=%s mtu=%d auto=%d ",
		o->dialect, o->named_rootlesskit, o->debug, or_dash(o->state_dir), o->ready_fd,
		o->net, o->mtu, o->mtu_auto);
	fprintf(f,
		"cidr=%s ifname=%s loopback=%d deny=%d ipv6=%d detach=%d accel=%d ncopy_up=%zu "
		"skip=%zu ",
		or_dash(o->cidr), or_dash(o->ifname), o->disable_host_loopback, o->deny_host_addrs,
		o->ipv6, o->detach_netns, o->accel, o->ncopy_up, o->ncopy_up_skip);
	fprintf(f, "propagation=%s port_driver=%s transparent=%d pidns=%d cgroupns=%d utsns=%d ",
		o->propagation, o->port_driver, o->source_ip_transparent, o->pidns, o->cgroupns,
		o->utsns);
	fprintf(f,
		"external=%d s4n=%s ipcns=%d reaper=%d subid=%s sandbox=%d crash=%d evacuate=%s ",
		o->net_external, o->slirp4netns_binary, o->ipcns, o->reaper, o->subid_source,
		o->sandbox, o->on_worker_crash, or_dash(o->evacuate_cgroup2));
	dump_lists(f, o);
	fclose(f);
}

static void check_words(const char *text, const char *words)
{
	char copy[1024], word[256], *rest = copy;

	ck_assert_int_gt(str_format(copy, sizeof(copy), "%s", words), 0);
	while (rest) {
		str_format(word, sizeof(word), " %s ", strsep(&rest, " "));
		ck_assert_msg(strstr(text, word), "no '%s' in '%s'", word, text);
	}
}

static void join_warnings(const struct options_report *rep, char text[DUMP_MAX])
{
	FILE *f = fmemopen(text, DUMP_MAX, "w");

	for (size_t i = 0; i < rep->nwarnings; i++)
		fprintf(f, "%s\n", rep->warnings[i]);
	fputc('\0', f);
	fclose(f);
}

START_TEST(good_lines_are_understood)
{
	char text[DUMP_MAX], again[DUMP_MAX];
	struct run run, second;

	ck_assert_int_eq(chdir("/usr/lib"), 0);
	run_line(&run, good[_i].line);
	ck_assert_msg(run.r == OPTIONS_RUN, "%s: %s", good[_i].line, run.err.msg);
	ck_assert_uint_eq(run.out_len, 0);
	dump(&run.o, text);
	check_words(text, good[_i].want);
	/* parent and child must understand the same */
	run_line(&second, good[_i].line);
	dump(&second.o, again);
	ck_assert_str_eq(text, again);
	join_warnings(&run.rep, text);
	ck_assert_str_eq(text, good[_i].warnings);
	run_done(&second);
	run_done(&run);
}
END_TEST

START_TEST(bad_lines_are_refused_in_the_words_of_the_dialect)
{
	struct run run;
	char usage[512];

	run_line(&run, bad[_i].line);
	ck_assert_int_lt(run.r, 0);
	ck_assert_str_eq(run.err.msg, bad[_i].msg);
	ck_assert_int_eq(run.err.code, -run.r);
	str_format(usage, sizeof(usage), "Incorrect Usage: %s\n\nNAME:\n", bad[_i].msg);
	if (bad[_i].usage)
		ck_assert_msg(str_starts(run.out, usage), "%s", run.out);
	else
		ck_assert_uint_eq(run.out_len, 0);
	ck_assert_ptr_null(run.o.command); /* untouched */
	run_done(&run);
}
END_TEST

START_TEST(help_and_version_are_shown)
{
	size_t len = strlen(shown[_i].out);
	struct run run;

	run_line(&run, shown[_i].line);
	ck_assert_int_eq(run.r, OPTIONS_EXIT);
	if (shown[_i].out[len - 1] == '~')
		ck_assert_msg(strncmp(run.out, shown[_i].out, len - 1) == 0, "%s", run.out);
	else
		ck_assert_str_eq(run.out, shown[_i].out);
	run_done(&run);
}
END_TEST

START_TEST(help_of_both_dialects_names_what_probes_look_for)
{
	struct run run;

	run_line(&run, "R|--help");
	ck_assert_ptr_nonnull(strstr(run.out, "    --detach-netns  "));
	ck_assert_ptr_nonnull(strstr(
		run.out, "--publish value, -p value [ --publish value, -p value ]  publish"));
	ck_assert_ptr_nonnull(strstr(run.out, "(default: \"host\")\n"));
	ck_assert_ptr_null(strstr(run.out, "ready-fd"));
	ck_assert_ptr_null(strstr(run.out, "--state "));
	run_done(&run);
	run_line(&run, "O|--help");
	ck_assert_ptr_nonnull(strstr(run.out, "      --detach-netns  "));
	ck_assert_ptr_nonnull(strstr(run.out, "  -p, --publish=SPEC  "));
	ck_assert_ptr_nonnull(strstr(run.out, "(default: \"slirp\")\n"));
	ck_assert_ptr_nonnull(strstr(run.out, "--ready-fd=FD"));
	run_done(&run);
}
END_TEST

START_TEST(an_empty_argv_is_refused)
{
	struct options_report rep = { .out = stdout };
	char *argv[] = { NULL };
	struct options o = { 0 };

	ck_assert_int_eq(options_parse(&o, &rep, 0, argv, NULL), -EINVAL);
	options_report_done(&rep);
	options_done(&o);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("options");
	TCase *c = tcase_create("options");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, c);
	tcase_add_loop_test(c, good_lines_are_understood, 0, ARRAY_SIZE(good));
	tcase_add_loop_test(c, bad_lines_are_refused_in_the_words_of_the_dialect, 0,
			    ARRAY_SIZE(bad));
	tcase_add_loop_test(c, help_and_version_are_shown, 0, ARRAY_SIZE(shown));
	tcase_add_test(c, help_of_both_dialects_names_what_probes_look_for);
	tcase_add_test(c, an_empty_argv_is_refused);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
