// SPDX-License-Identifier: Apache-2.0
/* test_portspec.c - which port specs are read, how they are refused, what is printed reads back */
#include <check.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/portspec.h"

static const struct {
	const char *text;
	struct port_spec spec;
} good[] = {
	{ "127.0.0.1:8080:80/tcp", { "tcp", "127.0.0.1", "", 8080, 80 } },
	{ ":8080:80/tcp", { "tcp", "", "", 8080, 80 } },
	{ "0.0.0.0:8080:80/tcp", { "tcp", "0.0.0.0", "", 8080, 80 } },
	{ "0.0.0.0:2376:2376/tcp", { "tcp", "0.0.0.0", "", 2376, 2376 } },
	{ "127.0.0.1:8080:10.0.2.100:80/tcp", { "tcp", "127.0.0.1", "10.0.2.100", 8080, 80 } },
	{ ":8080:10.0.2.100:80/udp", { "udp", "", "10.0.2.100", 8080, 80 } },
	{ "[::1]:8080:[::2]:80/udp", { "udp", "::1", "::2", 8080, 80 } },
	{ "[::1]:8080:80/tcp6", { "tcp6", "::1", "", 8080, 80 } },
	{ "[::]:8080:80/tcp6", { "tcp6", "::", "", 8080, 80 } },
	{ "[fd00::100]:1:2/udp6", { "udp6", "fd00::100", "", 1, 2 } },
	{ "[::ffff:1.2.3.4]:1:2/tcp", { "tcp", "::ffff:1.2.3.4", "", 1, 2 } },
	{ "[2001:DB8:0:0:0:0:0:1]:1:2/tcp", { "tcp", "2001:DB8:0:0:0:0:0:1", "", 1, 2 } },
	{ "[127.0.0.1]:8080:80/tcp", { "tcp", "127.0.0.1", "", 8080, 80 } },
	{ "127.0.0.1:8080:[127.0.0.1]:80/tcp", { "tcp", "127.0.0.1", "127.0.0.1", 8080, 80 } },
	{ "127.0.0.1:8080:[::1]:80/tcp", { "tcp", "127.0.0.1", "::1", 8080, 80 } },
	{ "[::1]:8080:127.0.0.1:80/tcp", { "tcp", "::1", "127.0.0.1", 8080, 80 } },
	{ "[]:8080:80/tcp", { "tcp", "", "", 8080, 80 } },
	{ "127.0.0.1:8080::80/tcp", { "tcp", "127.0.0.1", "", 8080, 80 } },
	{ "127.0.0.1:8080:[]:80/tcp", { "tcp", "127.0.0.1", "", 8080, 80 } },
	{ ":1:1/tcp4", { "tcp4", "", "", 1, 1 } },
	{ ":65535:65535/udp4", { "udp4", "", "", 65535, 65535 } },
	{ ":53:53/udp", { "udp", "", "", 53, 53 } },
	{ ":5000:5000/sctp", { "sctp", "", "", 5000, 5000 } },
	{ ":5000:5000/sctp4", { "sctp4", "", "", 5000, 5000 } },
	{ ":5000:5000/sctp6", { "sctp6", "", "", 5000, 5000 } },
	{ ":+80:+81/tcp", { "tcp", "", "", 80, 81 } },
	{ ":0080:00081/tcp", { "tcp", "", "", 80, 81 } },
	{ "255.255.255.255:1:2/tcp", { "tcp", "255.255.255.255", "", 1, 2 } },
	{ "127.0.0.2:8080:127.0.0.3:80/tcp4", { "tcp4", "127.0.0.2", "127.0.0.3", 8080, 80 } },
	{ "[::1]:80:80/tcp", { "tcp", "::1", "", 80, 80 } },
};

#define MISSING "missing proto in PortSpec string: "
#define INVALID "invalid PortSpec string: "
#define UNEXPECTED "unexpected PortSpec string: "
#define BAD_IP "unexpected ParentIP in PortSpec string: "
#define BAD_PARENT_PORT "unexpected ChildPort in PortSpec string: " /* swapped upstream */
#define BAD_CHILD_PORT "unexpected ParentPort in PortSpec string: "

static const struct {
	const char *text, *msg;
} bad[] = {
	{ "", MISSING "\"\"" },
	{ "80", MISSING "\"80\"" },
	{ "8080", MISSING "\"8080\"" },
	{ "8080:80", MISSING "\"8080:80\"" },
	{ "127.0.0.1:8080:80", MISSING "\"127.0.0.1:8080:80\"" },
	{ "a\"b\\c\n", MISSING "\"a\\\"b\\\\c\\n\"" },
	{ "\x01\x7f\xff\xc3\xa9\xe2\x80\xae", MISSING "\"\\x01\\x7f\\xffé\\u202e\"" },
	{ "/tcp", UNEXPECTED "\"/tcp\"" },
	{ "80/tcp", UNEXPECTED "\"80/tcp\"" },
	{ ":8080:80/", INVALID "\":8080:80/\": unknown proto: \"\"" },
	{ ":8080:80/TCP", INVALID "\":8080:80/TCP\": unknown proto: \"TCP\"" },
	{ ":8080:80/NaN", INVALID "\":8080:80/NaN\": unknown proto: \"NaN\"" },
	{ ":8080:80/tcp5", INVALID "\":8080:80/tcp5\": unknown proto: \"tcp5\"" },
	{ ":8080:80/tcp ", INVALID "\":8080:80/tcp \": unknown proto: \"tcp \"" },
	{ ":8080:80/tcp:1", INVALID "\":8080:80/tcp:1\": unknown proto: \"tcp:1\"" },
	{ ":8080:80/udp/tcp",
	  BAD_CHILD_PORT "\":8080:80/udp/tcp\": strconv.Atoi: parsing \"80/udp\": invalid syntax" },
	{ "8080:80/tcp", BAD_IP "\"8080:80/tcp\"" },
	{ "localhost:8080:80/tcp", BAD_IP "\"localhost:8080:80/tcp\"" },
	{ "127.0.0.256:8080:80/tcp", BAD_IP "\"127.0.0.256:8080:80/tcp\"" },
	{ "127.1:8080:80/tcp", BAD_IP "\"127.1:8080:80/tcp\"" },
	{ "127.0.0.01:8080:80/tcp", BAD_IP "\"127.0.0.01:8080:80/tcp\"" },
	{ " 127.0.0.1:8080:80/tcp", BAD_IP "\" 127.0.0.1:8080:80/tcp\"" },
	{ "[fe80::1%eth0]:8080:80/tcp", BAD_IP "\"[fe80::1%eth0]:8080:80/tcp\"" },
	{ "[::g]:8080:80/tcp", BAD_IP "\"[::g]:8080:80/tcp\"" },
	{ "127.0.0.1:8080:web:80/tcp", BAD_IP "\"127.0.0.1:8080:web:80/tcp\"" },
	{ "127.0.0.1:8080:[::1%1]:80/tcp", BAD_IP "\"127.0.0.1:8080:[::1%1]:80/tcp\"" },
	{ "1:2:3:4:5/tcp", UNEXPECTED "\"1:2:3:4:5/tcp\"" },
	{ "127.0.0.1:8080:10.0.2.100:80:90/tcp",
	  UNEXPECTED "\"127.0.0.1:8080:10.0.2.100:80:90/tcp\"" },
	{ "::1:8080:80/tcp", UNEXPECTED "\"::1:8080:80/tcp\"" },
	{ "[::1:8080:80/tcp", UNEXPECTED "\"[::1:8080:80/tcp\"" },
	{ "[::1]8080:80/tcp", UNEXPECTED "\"[::1]8080:80/tcp\"" },
	{ ":8080/tcp",
	  BAD_PARENT_PORT "\":8080/tcp\": strconv.Atoi: parsing \"\": invalid syntax" },
	{ "127.0.0.1:80/tcp",
	  BAD_PARENT_PORT "\"127.0.0.1:80/tcp\": strconv.Atoi: parsing \"\": invalid syntax" },
	{ "127.0.0.1::80/tcp",
	  BAD_PARENT_PORT "\"127.0.0.1::80/tcp\": strconv.Atoi: parsing \"\": invalid syntax" },
	{ ":http:80/tcp",
	  BAD_PARENT_PORT "\":http:80/tcp\": strconv.Atoi: parsing \"http\": invalid syntax" },
	{ ":0x50:80/tcp",
	  BAD_PARENT_PORT "\":0x50:80/tcp\": strconv.Atoi: parsing \"0x50\": invalid syntax" },
	{ ":8_080:80/tcp",
	  BAD_PARENT_PORT "\":8_080:80/tcp\": strconv.Atoi: parsing \"8_080\": invalid syntax" },
	{ ":8000-8010:80/tcp", BAD_PARENT_PORT
	  "\":8000-8010:80/tcp\": strconv.Atoi: parsing \"8000-8010\": invalid syntax" },
	{ ":8080:80/tcp,:8081:81/tcp", UNEXPECTED "\":8080:80/tcp,:8081:81/tcp\"" },
	{ ":99999999999999999999:80/tcp",
	  BAD_PARENT_PORT "\":99999999999999999999:80/tcp\": strconv.Atoi: parsing "
			  "\"99999999999999999999\": value out of range" },
	{ ":8080:/tcp",
	  BAD_CHILD_PORT "\":8080:/tcp\": strconv.Atoi: parsing \"\": invalid syntax" },
	{ ":8080: 80/tcp",
	  BAD_CHILD_PORT "\":8080: 80/tcp\": strconv.Atoi: parsing \" 80\": invalid syntax" },
	{ ":8080:80-90/tcp",
	  BAD_CHILD_PORT "\":8080:80-90/tcp\": strconv.Atoi: parsing \"80-90\": invalid syntax" },
	{ ":8080:9223372036854775808/tcp",
	  BAD_CHILD_PORT "\":8080:9223372036854775808/tcp\": strconv.Atoi: parsing "
			 "\"9223372036854775808\": value out of range" },
	{ ":0:80/tcp", "invalid ParentPort: '\\x00'" },
	{ ":-1:80/tcp", "invalid ParentPort: '\xef\xbf\xbd'" },
	{ ":65536:80/tcp", "invalid ParentPort: '\xf0\x90\x80\x80'" },
	{ ":128512:80/tcp", "invalid ParentPort: '\xf0\x9f\x98\x80'" },
	{ ":999999:80/tcp", "invalid ParentPort: '\\U000f423f'" },
	{ ":1114112:80/tcp", "invalid ParentPort: '\xef\xbf\xbd'" },
	{ ":9223372036854775807:80/tcp", "invalid ParentPort: '\xef\xbf\xbd'" },
	{ ":8080:0/tcp", "invalid ChildPort: '\\x00'" },
	{ ":8080:-80/tcp", "invalid ChildPort: '\xef\xbf\xbd'" },
	{ ":8080:65536/tcp", "invalid ChildPort: '\xf0\x90\x80\x80'" },
	{ ":0:0/tcp", "invalid ParentPort: '\\x00'" },
};

/* what the API posts was never text */
static const struct {
	struct port_spec spec;
	const char *msg; /* NULL: accepted */
} posted[] = {
	{ { "tcp", "", "", 80, 80 }, NULL },
	{ { "tcp4", "0.0.0.0", "127.0.0.1", 80, 80 }, NULL },
	{ { "tcp6", "::", "::1", 80, 80 }, NULL },
	{ { "", "", "", 80, 80 }, "unknown proto: \"\"" },
	{ { "TCP", "", "", 80, 80 }, "unknown proto: \"TCP\"" },
	{ { "NaN", "", "", 80, 80 }, "unknown proto: \"NaN\"" },
	{ { "tcp", "bad", "", 80, 80 }, "invalid ParentIP: \"bad\"" },
	{ { "tcp", "[::1]", "", 80, 80 }, "invalid ParentIP: \"[::1]\"" },
	{ { "tcp", "", "localhost", 80, 80 }, "invalid ChildIP: \"localhost\"" },
	{ { "tcp", "", "fe80::1%2", 80, 80 }, "invalid ChildIP: \"fe80::1%2\"" },
	{ { "tcp", "", "", 0, 80 }, "invalid ParentPort: '\\x00'" },
	{ { "tcp", "", "", 65536, 80 }, "invalid ParentPort: '\xf0\x90\x80\x80'" },
	{ { "tcp", "", "", 80, -1 }, "invalid ChildPort: '\xef\xbf\xbd'" },
	{ { "nope", "bad", "bad", 0, 0 }, "unknown proto: \"nope\"" },
};

START_TEST(good_specs_are_read_and_read_back)
{
	struct port_spec s = { .proto = "none" }, again;
	struct err err = { 0 };
	char text[192];
	int n;

	ck_assert_msg(port_spec_parse(&s, good[_i].text, PORT_RULES_ROOTLESSKIT, &err) == 0, "%s",
		      err.msg);
	ck_assert_str_eq(s.proto, good[_i].spec.proto);
	ck_assert_str_eq(s.parent_ip, good[_i].spec.parent_ip);
	ck_assert_str_eq(s.child_ip, good[_i].spec.child_ip);
	ck_assert_int_eq(s.parent_port, good[_i].spec.parent_port);
	ck_assert_int_eq(s.child_port, good[_i].spec.child_port);
	n = port_spec_format(&s, text, sizeof(text));
	ck_assert_int_eq(n, (int)strlen(text));
	ck_assert_int_eq(port_spec_parse(&again, text, PORT_RULES_ROOTLESSKIT, NULL), 0);
	ck_assert(port_spec_equal(&s, &again));
}
END_TEST

START_TEST(bad_specs_are_refused_in_upstreams_words)
{
	struct port_spec s = { "kept", "kept", "kept", 7, 8 };
	struct err err = { 0 };

	ck_assert_int_eq(port_spec_parse(&s, bad[_i].text, PORT_RULES_ROOTLESSKIT, &err), -EINVAL);
	ck_assert_int_eq(port_spec_parse(&s, bad[_i].text, PORT_RULES_ROOTLESSKIT, NULL), -EINVAL);
	ck_assert_str_eq(err.msg, bad[_i].msg);
	ck_assert_int_eq(err.code, EINVAL);
	ck_assert_str_eq(s.proto, "kept");
	ck_assert_str_eq(s.parent_ip, "kept");
	ck_assert_int_eq(s.parent_port, 7);
}
END_TEST

START_TEST(posted_specs_are_checked)
{
	struct err err = { 0 };
	int r = port_spec_check(&posted[_i].spec, PORT_RULES_ROOTLESSKIT, &err);

	ck_assert_int_eq(r, posted[_i].msg ? -EINVAL : 0);
	ck_assert_str_eq(err.msg, posted[_i].msg ? posted[_i].msg : "");
}
END_TEST

/* --- our own rules ------------------------------------------------------------------------ */

static const struct {
	const char *text;
	struct port_spec spec;
} good_ours[] = {
	{ "80", { "tcp", "", "", 0, 80, 0 } },
	{ ":80", { "tcp", "", "", 0, 80, 0 } },
	{ "0:80", { "tcp", "", "", 0, 80, 0 } },
	{ "53/udp", { "udp", "", "", 0, 53, 0 } },
	{ "8080:80", { "tcp", "", "", 8080, 80, 0 } },
	{ "8080:80/tcp", { "tcp", "", "", 8080, 80, 0 } },
	{ "8080:80/udp6", { "udp6", "", "", 8080, 80, 0 } },
	{ "127.0.0.1:8080:80", { "tcp", "127.0.0.1", "", 8080, 80, 0 } },
	{ "127.0.0.1::80", { "tcp", "127.0.0.1", "", 0, 80, 0 } },
	{ "127.0.0.1:0:80/tcp4", { "tcp4", "127.0.0.1", "", 0, 80, 0 } },
	{ "[::1]:8080:80", { "tcp", "::1", "", 8080, 80, 0 } },
	{ "[::1]::80/tcp6", { "tcp6", "::1", "", 0, 80, 0 } },
	{ "127.0.0.1:8080:10.0.2.100:80", { "tcp", "127.0.0.1", "10.0.2.100", 8080, 80, 0 } },
	{ "127.0.0.1:0:[fd00::100]:80", { "tcp", "127.0.0.1", "fd00::100", 0, 80, 0 } },
	{ "8000-8099:80-179", { "tcp", "", "", 8000, 80, 99 } },
	{ "8000-8099:80-179/udp", { "udp", "", "", 8000, 80, 99 } },
	{ "[::]:8000-8001:[::1]:1-2/tcp6", { "tcp6", "::", "::1", 8000, 1, 1 } },
	{ "8000-8000:80", { "tcp", "", "", 8000, 80, 0 } },
	{ "8000-8010:80", { "tcp", "", "", 8000, 80, 0, 10 } },
	{ "127.0.0.1:1-65535:80/udp4", { "udp4", "127.0.0.1", "", 1, 80, 0, 65534 } },
	{ "1-65535:1-65535", { "tcp", "", "", 1, 1, 65534 } },
	{ ":8080:80/tcp", { "tcp", "", "", 8080, 80, 0 } }, /* upstream's mean the same */
	{ ":+80:+81/tcp", { "tcp", "", "", 80, 81, 0 } },
	{ "127.0.0.1:8080::80/tcp", { "tcp", "127.0.0.1", "", 8080, 80, 0 } },
};

static const struct {
	const char *text, *why;
} bad_ours[] = {
	{ "", "no port or range of ports: \"\"" },
	{ "/tcp", "no port or range of ports: \"\"" },
	{ "x", "no port or range of ports: \"x\"" },
	{ "0", "no port or range of ports: \"0\"" },
	{ "8080:", "no port or range of ports: \"\"" },
	{ "8080:0", "no port or range of ports: \"0\"" },
	{ "8080:65536", "no port or range of ports: \"65536\"" },
	{ "8080:-1", "no port or range of ports: \"-1\"" },
	{ "8080:+1", "no port or range of ports: \"+1\"" },
	{ "127.0.0.1:80", "no port or range of ports: \"127.0.0.1\"" },
	{ "[::1]:80", "no port or range of ports: \"::1\"" },
	{ "http:80", "no port or range of ports: \"http\"" },
	{ "65536:80", "no port or range of ports: \"65536\"" },
	{ "8001-8000:80-81", "no port or range of ports: \"8001-8000\"" },
	{ "0-1:80-81", "no port or range of ports: \"0-1\"" },
	{ "8000-:80-81", "no port or range of ports: \"8000-\"" },
	{ "8000-8001-8002:80-82", "no port or range of ports: \"8000-8001-8002\"" },
	{ "8000-8010:80-81", "the child's range has another length: \"80-81\"" },
	{ "8000:80-90", "the child's range has another length: \"80-90\"" },
	{ "80-90", "a range needs ports on the host: \"80-90\"" },
	{ "127.0.0.1::80-90", "a range needs ports on the host: \"80-90\"" },
	{ "8080:80/TCP", "unknown proto: \"TCP\"" },
	{ "8080:80/", "unknown proto: \"\"" },
	{ "localhost:8080:80", "no IP address: \"localhost\"" },
	{ "8080:10.0.2.100:80", "no IP address: \"8080\"" },
	{ "127.0.0.1:8080:web:80", "no IP address: \"web\"" },
	{ "1:2:3:4:5", "too many parts: \"1:2:3:4:5\"" },
	{ "::1:8080:80", "too many parts: \"::1:8080:80\"" },
};

START_TEST(our_short_forms_are_read_and_read_back)
{
	struct port_spec s = { 0 }, again;
	struct err err = { 0 };
	char text[192];

	ck_assert_msg(port_spec_parse(&s, good_ours[_i].text, PORT_RULES_OURS, &err) == 0, "%s",
		      err.msg);
	ck_assert(port_spec_equal(&s, &good_ours[_i].spec));
	ck_assert_int_gt(port_spec_format(&s, text, sizeof(text)), 0);
	ck_assert_int_eq(port_spec_parse(&again, text, PORT_RULES_OURS, NULL), 0);
	ck_assert(port_spec_equal(&s, &again));
}
END_TEST

START_TEST(what_is_no_short_form_is_refused_with_its_part)
{
	struct port_spec s = { .proto = "kept" };
	struct err err = { 0 };
	char want[256];

	ck_assert_int_eq(port_spec_parse(&s, bad_ours[_i].text, PORT_RULES_OURS, &err), -EINVAL);
	snprintf(want, sizeof(want),
		 "invalid PortSpec string: \"%s\": %s (it is "
		 "[[IP:]PORT:][CHILDIP:]CHILDPORT[/PROTO])",
		 bad_ours[_i].text, bad_ours[_i].why);
	ck_assert_str_eq(err.msg, want);
	ck_assert_str_eq(s.proto, "kept");
}
END_TEST

START_TEST(posted_ranges_and_free_ports_are_checked)
{
	static const struct {
		struct port_spec spec;
		const char *ours, *upstream; /* NULL: accepted */
	} rows[] = {
		{ { "tcp", "", "", 0, 80, 0 }, NULL, "invalid ParentPort: '\\x00'" },
		{ { "tcp", "", "", 8000, 80, 99 }, NULL, NULL },
		{ { "tcp", "", "", 0, 80, 1 },
		  "invalid Count: a range needs ports on the host",
		  "invalid ParentPort: '\\x00'" },
		{ { "tcp", "", "", 65535, 80, 1 },
		  "invalid Count: the range ends behind port 65535",
		  "invalid Count: the range ends behind port 65535" },
		{ { "tcp", "", "", 80, 65535, 1 },
		  "invalid Count: the range ends behind port 65535",
		  "invalid Count: the range ends behind port 65535" },
		{ { "tcp", "", "", 80, 80, -1 },
		  "invalid Count: 0 is none of 1 to 65535",
		  "invalid Count: 0 is none of 1 to 65535" },
		{ { "tcp", "", "", 80, 80, INT_MAX },
		  "invalid Count: 2147483648 is none of 1 to 65535",
		  "invalid Count: 2147483648 is none of 1 to 65535" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err ours = { 0 }, upstream = { 0 };

		port_spec_check(&rows[i].spec, PORT_RULES_OURS, &ours);
		port_spec_check(&rows[i].spec, PORT_RULES_ROOTLESSKIT, &upstream);
		ck_assert_str_eq(ours.msg, rows[i].ours ? rows[i].ours : "");
		ck_assert_str_eq(upstream.msg, rows[i].upstream ? rows[i].upstream : "");
	}
}
END_TEST

START_TEST(ranges_conflict_where_they_overlap)
{
	const struct port_spec range = { "tcp", "", "", 8000, 80, 9 };
	const struct port_spec rows[] = {
		{ "tcp", "", "", 8000, 1, 0 },  { "tcp", "", "", 8009, 1, 0 },
		{ "tcp", "", "", 7990, 1, 10 }, { "tcp", "", "", 8002, 1, 2 },
		{ "tcp", "", "", 7999, 1, 0 },  { "tcp", "", "", 8010, 1, 5 },
		{ "udp", "", "", 8000, 1, 9 },  { "tcp", "", "", 0, 1, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ck_assert_int_eq(port_spec_conflicts(&range, &rows[i]), i < 4);
		ck_assert_int_eq(port_spec_conflicts(&rows[i], &range), i < 4);
	}
	ck_assert(!port_spec_conflicts(&rows[7], &rows[7])); /* any two free ports */
}
END_TEST

START_TEST(conflicts_compare_text)
{
	struct port_spec a = { "tcp", "0.0.0.0", "", 80, 80 }, b = a;

	ck_assert(port_spec_conflicts(&a, &b) && port_spec_equal(&a, &b));
	b.child_port = 81;
	ck_assert(port_spec_conflicts(&a, &b) && !port_spec_equal(&a, &b));
	b = (struct port_spec){ "tcp", "0.0.0.0", "10.0.2.100", 80, 80 };
	ck_assert(port_spec_conflicts(&a, &b) && !port_spec_equal(&a, &b));
	b = (struct port_spec){ "tcp4", "0.0.0.0", "", 80, 80 };
	ck_assert(!port_spec_conflicts(&a, &b));
	b = (struct port_spec){ "tcp", "", "", 80, 80 };
	ck_assert(!port_spec_conflicts(&a, &b));
	b = (struct port_spec){ "tcp", "0.0.0.0", "", 81, 80 };
	ck_assert(!port_spec_conflicts(&a, &b) && !port_spec_equal(&a, &b));
}
END_TEST

START_TEST(a_short_buffer_is_an_error)
{
	struct port_spec s = { "tcp", "127.0.0.1", "", 8080, 80 };
	char text[8];

	ck_assert_int_eq(port_spec_format(&s, text, sizeof(text)), -ENAMETOOLONG);
}
END_TEST

START_TEST(long_texts_are_refused_and_cut_in_the_message)
{
	static char text[70000];
	struct port_spec s;
	struct err err = { 0 };

	memset(text, '1', sizeof(text) - 1);
	ck_assert_int_eq(port_spec_parse(&s, text, PORT_RULES_ROOTLESSKIT, &err), -EINVAL);
	ck_assert(strlen(err.msg) < ERR_MSG_MAX && strstr(err.msg, "111...\""));
	memcpy(text + sizeof(text) - sizeof("/tcp"), "/tcp", sizeof("/tcp"));
	text[0] = ':';
	text[60000] = ':';
	ck_assert_int_eq(port_spec_parse(&s, text, PORT_RULES_ROOTLESSKIT, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, ": value out of range"));
	text[0] = '1';
	text[50000] = ':';
	ck_assert_int_eq(port_spec_parse(&s, text, PORT_RULES_ROOTLESSKIT, &err), -EINVAL);
	ck_assert(strncmp(err.msg, BAD_IP, strlen(BAD_IP)) == 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("portspec");
	TCase *c = tcase_create("portspec");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, c);
	tcase_add_loop_test(c, good_specs_are_read_and_read_back, 0, ARRAY_SIZE(good));
	tcase_add_loop_test(c, bad_specs_are_refused_in_upstreams_words, 0, ARRAY_SIZE(bad));
	tcase_add_loop_test(c, posted_specs_are_checked, 0, ARRAY_SIZE(posted));
	tcase_add_loop_test(c, our_short_forms_are_read_and_read_back, 0, ARRAY_SIZE(good_ours));
	tcase_add_loop_test(c, what_is_no_short_form_is_refused_with_its_part, 0,
			    ARRAY_SIZE(bad_ours));
	tcase_add_test(c, posted_ranges_and_free_ports_are_checked);
	tcase_add_test(c, ranges_conflict_where_they_overlap);
	tcase_add_test(c, conflicts_compare_text);
	tcase_add_test(c, a_short_buffer_is_an_error);
	tcase_add_test(c, long_texts_are_refused_and_cut_in_the_message);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
