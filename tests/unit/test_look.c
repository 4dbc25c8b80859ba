// SPDX-License-Identifier: Apache-2.0
/* test_look.c - what two looks of rootlessctl tell of rates: ports that come and go, a new relay */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/rootlessctl/look.h"
#include "lib/base/cleanup.h"
#include "lib/base/jsonfree.h"

static struct look look(int64_t us, const char *ports, const char *flows, const char *workers)
{
	struct look l = { .us = us,
			  .ports = json_loads(ports, 0, NULL),
			  .list = { .flows = json_loads(flows, 0, NULL),
				    .workers = json_loads(workers, 0, NULL) } };

	ck_assert(l.ports && l.list.flows && l.list.workers);
	return l;
}

#define PORT(id, n) \
	"{\"id\":" #id ",\"stats\":{\"accepted\":" #n ",\"bytesIn\":" #n ",\"bytesOut\":" #n "}}"
#define RELAY(n) \
	"{\"relay\":{\"totals\":{\"tcpOutOpened\":" #n ",\"tcpOutBytesIn\":" #n "," \
	"\"tcpOutBytesOut\":" #n ",\"udpOutSent\":" #n ",\"udpOutReceived\":" #n "}}}"

/* within two seconds */
static const struct {
	const char *ports[2], *workers[2];
	int64_t bytes_in, datagrams;
} rows[] = {
	{ { "[" PORT(1, 100) "]", "[" PORT(1, 300) "]" }, { RELAY(0), RELAY(0) }, 100, 0 },
	{ { "[]", "[" PORT(1, 300) "]" }, { RELAY(10), RELAY(30) }, 160, 20 },
	/* one that was removed takes nothing away from the others */
	{ { "[" PORT(1, 900000) "," PORT(2, 100) "]", "[" PORT(2, 300) "]" },
	  { RELAY(0), RELAY(100) },
	  150,
	  100 },
	{ { "[" PORT(1, 100) "]", "[" PORT(1, 100) "]" }, { RELAY(1000), RELAY(0) }, 0, 0 },
	/* of a relay that is slow nothing is known for a while */
	{ { "[" PORT(1, 100) "]", "[{\"id\":1}]" }, { RELAY(0), RELAY(20) }, 10, 20 },
	{ { "[{\"id\":1}]", "[" PORT(1, 900000) "]" }, { "{}", RELAY(20) }, 0, 0 },
};

START_TEST(of_all)
{
	struct look a = look(1000000, rows[_i].ports[0], "[]", rows[_i].workers[0]);
	struct look b = look(3000000, rows[_i].ports[1], "[]", rows[_i].workers[1]);
	autojson json_t *j = look_rates(&a, &b);

	ck_assert_int_eq(look_number(j, "bytesInPerSecond"), rows[_i].bytes_in);
	ck_assert_int_eq(look_number(j, "bytesOutPerSecond"), rows[_i].bytes_in);
	ck_assert_int_eq(look_number(j, "connectionsPerSecond"), rows[_i].bytes_in);
	ck_assert_int_eq(look_number(j, "datagramsPerSecond"), rows[_i].datagrams);
	look_done(&a);
	look_done(&b);
}
END_TEST

#define FLOW(port, n) \
	"{\"proto\":\"tcp\",\"kind\":\"out\",\"childIP\":\"10.0.2.100\",\"childPort\":" #port "," \
	"\"farIP\":\"192.0.2.2\",\"farPort\":80,\"bytesIn\":" #n ",\"bytesOut\":0}"

START_TEST(of_flows)
{
	struct look a = look(0, "[]", "[" FLOW(1, 5) "," FLOW(2, 5) "," FLOW(3, 5) "]", "{}");
	struct look b =
		look(1000000, "[]",
		     "[" FLOW(1, 25) "," FLOW(2, 5) "," FLOW(3, 45) "," FLOW(4, 99) "]", "{}");
	autojson json_t *all = look_flow_rates(&a, &b, 10);
	const json_t *first = json_array_get(all, 0);
	char text[LOOK_ADDRESS_MAX];

	ck_assert_uint_eq(json_array_size(all), 2); /* neither the silent one nor the new one */
	ck_assert_int_eq(look_number(first, "bytesInPerSecond"), 40);
	ck_assert_str_eq(look_address(first, "child", text), "10.0.2.100:3");
	look_done(&a);
	look_done(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("look");
	TCase *tc = tcase_create("look");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, of_all, 0, ARRAY_SIZE(rows));
	tcase_add_test(tc, of_flows);
	suite_add_tcase(s, tc);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
