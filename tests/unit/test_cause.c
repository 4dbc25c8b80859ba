// SPDX-License-Identifier: Apache-2.0
/* test_cause.c - the table of causes, its texts, and what the probes of a check read */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/cause/cause.h"
#include "lib/cause/system.h"
#include "lib/check/mountinfo.h"
#include "lib/check/probes.h"
#include "lib/parent/subid.h"

static const char *const enum_names[] = {
#define NAME(id) #id,
	CAUSES(NAME)
#undef NAME
};

START_TEST(each_cause_is_complete)
{
	const struct cause *c = &causes[_i];
	struct finding f;

	ck_assert_ptr_nonnull(c->id);
	ck_assert_str_eq(c->id, enum_names[_i]);
	ck_assert_ptr_nonnull(c->reason);
	ck_assert_msg(c->fix || c->by_hand, "%s: nothing mends it", c->id);
	/* a command, and words instead of one, exclude each other */
	ck_assert_msg(!c->fix || !c->by_hand, "%s", c->id);
	setenv(SYSTEM_PLACE_ENV, "host", 1);
	finding_make(&f, (enum cause_id)_i, "zero", "one");
	ck_assert_int_eq(f.id, _i);
	ck_assert_uint_gt(strlen(f.reason), 10);
	ck_assert_uint_gt(strlen(f.fix), 2);
	ck_assert_ptr_null(strstr(f.reason, "@0"));
	ck_assert_ptr_null(strstr(f.fix, "@0"));
	ck_assert_msg(strlen(f.fix) < sizeof(f.fix) - 150, "%s: no room for a long path", c->id);
}
END_TEST

START_TEST(a_cause_is_read_back_from_its_error)
{
	struct err err = { 0 };
	struct finding f, again;

	setenv(SYSTEM_PLACE_ENV, "host", 1);
	err_set(&err, EPERM, "doing it");
	ck_assert(!finding_of_err(&err, &f));
	ck_assert_int_eq(cause_hint(&err, -EPERM, (enum cause_id)_i, "a b", "c"), -EPERM);
	ck_assert(finding_of_err(&err, &f));
	finding_make(&again, (enum cause_id)_i, "a b", "c");
	ck_assert_int_eq(f.id, _i);
	ck_assert_str_eq(f.reason, again.reason);
	ck_assert_str_eq(f.fix, again.fix);
	ck_assert_int_eq(f.by_hand, again.by_hand);
	/* the first cause stays */
	cause_hint(&err, -EPERM, CAUSE_CHECK_STUCK, "LATER!", NULL);
	ck_assert_ptr_null(strstr(err.msg, "LATER!"));
}
END_TEST

START_TEST(a_command_is_never_cut)
{
	struct err err = { 0 };
	struct finding f;
	char path[1000];

	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	err_say(&err, EPERM, "%.880s", path);
	cause_hint(&err, -EPERM, CAUSE_IDTOOL_RIGHTS, "/usr/bin/newuidmap", NULL);
	ck_assert(finding_of_err(&err, &f));
	ck_assert(f.by_hand);
	ck_assert_ptr_null(strstr(err.msg, "sudo"));
	finding_make(&f, CAUSE_IDTOOL_RIGHTS, path, NULL);
	ck_assert(!f.by_hand || !strstr(f.fix, "sudo"));
}
END_TEST

static const struct {
	const char *arg, *want;
} quotes[] = {
	{ "/usr/bin/newuidmap", "chmod u+s /usr/bin/newuidmap" },
	{ "/a b", "chmod u+s '/a b'" },
	{ "/a'; rm -rf /; '", "chmod u+s '/a'\\''; rm -rf /; '\\'''" },
	{ "$(x)", "chmod u+s '$(x)'" },
	{ "-rf", "chmod u+s '-rf'" },
	{ "", "chmod u+s ''" },
	{ "a\nb", "chmod u+s a" },
};

START_TEST(foreign_names_are_one_word_of_a_command)
{
	struct finding f;

	setenv(SYSTEM_PLACE_ENV, "host", 1);
	finding_make(&f, CAUSE_IDTOOL_RIGHTS, quotes[_i].arg, NULL);
	ck_assert_msg(str_ends(f.fix, quotes[_i].want), "%s", f.fix);
}
END_TEST

static const struct {
	const char *text;
	enum family want;
} releases[] = {
	{ "NAME=\"x\"\nID=debian\n", FAMILY_DEBIAN },
	{ "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", FAMILY_DEBIAN },
	{ "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", FAMILY_FEDORA },
	{ "ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\n", FAMILY_SUSE },
	{ "ID='alpine'\n", FAMILY_ALPINE },
	{ "ID_LIKE=arch\nID=endeavouros", FAMILY_ARCH },
	{ "ID=nixos\nVERSION_ID=debian\n", FAMILY_OTHER },
	{ "", FAMILY_OTHER },
};

START_TEST(distributions_are_told_apart)
{
	ck_assert_int_eq(family_of(releases[_i].text), releases[_i].want);
}
END_TEST

START_TEST(packages_have_the_names_of_the_distribution)
{
	char text[128];

	ck_assert_int_gt(system_install(FAMILY_FEDORA, "uidmap", text, sizeof(text)), 0);
	ck_assert_str_eq(text, "sudo dnf install -y shadow-utils");
	ck_assert_int_gt(system_install(FAMILY_ALPINE, "fuse-overlayfs", text, sizeof(text)), 0);
	ck_assert_str_eq(text, "sudo apk add fuse-overlayfs");
	ck_assert_int_eq(system_install(FAMILY_OTHER, "uidmap", text, sizeof(text)), -ENOENT);
	ck_assert_str_eq(text, "install uidmap");
	ck_assert_int_eq(system_install(FAMILY_DEBIAN, "k3s", text, sizeof(text)), -ENOENT);
}
END_TEST

static const char mounts[] =
	"27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard\n"
	"broken line\n"
	"30 27 0:30 / /home rw,nosuid,nodev - nfs4 server:/home rw\n"
	"31 30 0:31 / /home/al\\040ice rw,noexec shared:7 master:2 - tmpfs none rw\n"
	"32 30 0:32 / /home rw - ext4 /dev/vdb rw\n"
	"33 27 0:33 / /homes ro - overlay x rw";

static const struct {
	const char *path, *point, *fstype;
	bool shared, noexec;
} places[] = {
	{ "/", "/", "ext4", true, false },
	{ "/hom", "/", "ext4", true, false },
	{ "/home", "/home", "ext4", false, false }, /* the later one covers the nfs4 */
	{ "/home/bob", "/home", "ext4", false, false },
	{ "/home/al ice/x", "/home/al ice", "tmpfs", true, true },
	{ "/homes/x", "/homes", "overlay", false, false },
};

START_TEST(the_mount_of_a_path_is_found)
{
	autofree char *text = strdup(mounts);
	struct mountinfo m;

	ck_assert(mountinfo_find(text, places[_i].path, &m));
	ck_assert_str_eq(m.point, places[_i].point);
	ck_assert_str_eq(m.fstype, places[_i].fstype);
	ck_assert_int_eq(m.shared, places[_i].shared);
	ck_assert_int_eq(mountinfo_has(m.options, "noexec"), places[_i].noexec);
	ck_assert(!mountinfo_has(m.options, "no"));
}
END_TEST

START_TEST(no_mounts_no_answer)
{
	char empty[] = "", broken[] = "1 2 3 / /";
	struct mountinfo m;

	ck_assert(!mountinfo_find(empty, "/", &m));
	ck_assert(!mountinfo_find(broken, "/", &m));
}
END_TEST

#define ROUTES \
	"Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n" \
	"eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n" \
	"eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n" \
	"tun7\t0000000A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"

static const struct {
	const char *net, *dev; /* dev NULL: no clash */
	unsigned prefix;
} clashes[] = {
	{ "192.168.1.0", "eth0", 24 }, { "192.168.2.0", NULL, 24 }, { "192.168.0.0", "eth0", 16 },
	{ "10.0.2.0", "tun7", 24 },    { "10.1.2.0", NULL, 24 },    { "172.16.0.0", NULL, 12 },
};

START_TEST(a_network_of_the_host_is_seen)
{
	struct in_addr net;
	char dev[16];
	bool clash;

	inet_pton(AF_INET, clashes[_i].net, &net);
	clash = routes_clash(ROUTES, net, clashes[_i].prefix, dev);
	ck_assert_int_eq(clash, clashes[_i].dev != NULL);
	if (clash)
		ck_assert_str_eq(dev, clashes[_i].dev);
	ck_assert(!routes_clash("", net, 24, dev));
}
END_TEST

START_TEST(ids_of_another_user_are_seen)
{
	const struct subid_user me = { 1000, 1000, "alice" };
	autofree struct subid_list *l = calloc(1, sizeof(*l));
	char other[32];

	subid_list_init(l, 1000);
	ck_assert_int_eq(subid_list_add(l, 100000, 65536), 0);
	ck_assert(!subid_find_other("alice:100000:65536\n1000:100000:65536\nbob:165536:65536\n"
				    "x:99999:1\nbroken:1\n",
				    &me, l, other, sizeof(other)));
	ck_assert(subid_find_other("bob:165535:1\n", &me, l, other, sizeof(other)));
	ck_assert_str_eq(other, "bob");
	ck_assert(
		subid_find_other("a:1:99999\nco\x01l:1:4294967294", &me, l, other, sizeof(other)));
	ck_assert_str_eq(other, "co?l");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cause");
	TCase *t = tcase_create("cause");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(t, each_cause_is_complete, 0, CAUSE_NIDS);
	tcase_add_loop_test(t, a_cause_is_read_back_from_its_error, 0, CAUSE_NIDS);
	tcase_add_test(t, a_command_is_never_cut);
	tcase_add_loop_test(t, foreign_names_are_one_word_of_a_command, 0, ARRAY_SIZE(quotes));
	tcase_add_loop_test(t, distributions_are_told_apart, 0, ARRAY_SIZE(releases));
	tcase_add_test(t, packages_have_the_names_of_the_distribution);
	tcase_add_loop_test(t, the_mount_of_a_path_is_found, 0, ARRAY_SIZE(places));
	tcase_add_test(t, no_mounts_no_answer);
	tcase_add_loop_test(t, a_network_of_the_host_is_seen, 0, ARRAY_SIZE(clashes));
	tcase_add_test(t, ids_of_another_user_are_seen);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
