// SPDX-License-Identifier: Apache-2.0
/* test_relay_dns.c - the DNS relay between clients in the child and made-up servers on the host */
#include "lib/relay/dnsmsg.h"
#include "tests/unit/test_relay_rig.h"

#define ANSWER_MAX 65507

static struct rig rig;
static int server[2]; /* sockets of two name servers */
static int client;

struct packet {
	size_t len;
	struct sockaddr_in from;
	uint8_t data[ANSWER_MAX];
};

static struct packet seen; /* the query that a server got */
static struct packet got;  /* the answer that the client got */

static void tell_servers(uint32_t n)
{
	struct worker_dns d = { .count = n };

	for (uint32_t i = 0; i < n; i++)
		d.server[i] = (struct net_addr){ .family = AF_INET,
						 .port = port_of(server[i]),
						 .addr = { 127, 0, 0, 1 } };
	ck_assert_int_eq(msg_send(rig.control, &worker_proto, WORKER_DNS, &d, NULL, 0), 0);
	usleep(20 * 1000); /* the list comes by another socket than the queries */
}

static void start(void)
{
	rig = (struct rig){ .with_dns = true };
	rig_start(&rig);
	for (int i = 0; i < 2; i++)
		server[i] = host_socket(SOCK_DGRAM);
	client = child_socket(&rig, SOCK_DGRAM);
	tell_servers(2);
}

static void stop(void)
{
	rig_stop(&rig);
}

/* a question for the A record of "<letter>.test", recursion desired */
static size_t make_query(uint8_t *q, uint16_t id, char letter)
{
	static const uint8_t tail[] = { 4, 't', 'e', 's', 't', 0, 0, 1, 0, 1 };

	memset(q, 0, DNS_HEADER);
	dnsmsg_set_id(q, id);
	q[2] = 0x01;
	q[5] = 1;
	q[DNS_HEADER] = 1;
	q[DNS_HEADER + 1] = (uint8_t)letter;
	memcpy(q + DNS_HEADER + 2, tail, sizeof(tail));
	return DNS_HEADER + 2 + sizeof(tail);
}

static void ask(int from, uint16_t id, char letter)
{
	uint8_t q[64];
	size_t len = make_query(q, id, letter);

	ck_assert_int_eq(
		sendto(from, q, len, 0, (struct sockaddr *)&rig.dns_addr, sizeof(rig.dns_addr)),
		(ssize_t)len);
}

static bool receive(int fd, struct packet *p, int timeout_ms)
{
	socklen_t len = sizeof(p->from);
	ssize_t n;

	if (!ready_within(fd, POLLIN, timeout_ms))
		return false;
	n = recvfrom(fd, p->data, sizeof(p->data), 0, (struct sockaddr *)&p->from, &len);
	p->len = n > 0 ? (size_t)n : 0;
	return n > 0;
}

/* the server answers what it saw last with @extra bytes behind the question */
static void answer(int from, size_t extra)
{
	seen.data[2] |= 0x80;
	memset(seen.data + seen.len, 0xa5, extra);
	ck_assert_int_eq(sendto(from, seen.data, seen.len + extra, 0, (struct sockaddr *)&seen.from,
				sizeof(seen.from)),
			 (ssize_t)(seen.len + extra));
}

static void expect_servfail(uint16_t id)
{
	ck_assert(receive(client, &got, WAIT_MS));
	ck_assert_uint_eq(dnsmsg_id(got.data), id);
	ck_assert_int_eq(got.data[2], 0x81);
	ck_assert_int_eq(got.data[3], 0x82);
	ck_assert_uint_eq(got.len, 24);
}

START_TEST(answers_find_their_clients_unchanged)
{
	int other = child_socket(&rig, SOCK_DGRAM);
	uint8_t q[64];
	size_t len = make_query(q, 77, 'b');

	ask(client, 77, 'a'); /* both use the same id */
	ck_assert(receive(server[0], &seen, WAIT_MS));
	ask(other, 77, 'b');
	answer(server[0], 100);
	ck_assert(receive(client, &got, WAIT_MS));
	ck_assert_uint_eq(got.len, len + 100);
	ck_assert_uint_eq(dnsmsg_id(got.data), 77);
	ck_assert_int_eq(got.data[DNS_HEADER + 1], 'a');
	ck_assert_int_eq(got.data[got.len - 1], 0xa5);
	ck_assert_int_eq(got.from.sin_port, rig.dns_addr.sin_port);
	ck_assert(receive(server[0], &seen, WAIT_MS));
	ck_assert_int_eq(memcmp(seen.data + 2, q + 2, len - 2), 0);
	answer(server[0], 60 * 1000);
	ck_assert(receive(other, &got, WAIT_MS));
	ck_assert_uint_eq(got.len, len + 60 * 1000);
	ck_assert(!receive(client, &got, 20));
}
END_TEST

START_TEST(answers_to_something_else_are_dropped)
{
	ask(client, 5, 'a');
	ck_assert(receive(server[0], &seen, WAIT_MS));
	seen.data[0] ^= 1;
	answer(server[0], 0);
	seen.data[0] ^= 1;
	seen.data[DNS_HEADER + 1] = 'z';
	answer(server[0], 0);
	seen.data[DNS_HEADER + 1] = 'a';
	answer(server[1], 0); /* not the one that was asked */
	ck_assert(!receive(client, &got, 50));
	answer(server[0], 0);
	ck_assert(receive(client, &got, WAIT_MS));
}
END_TEST

START_TEST(a_silent_server_is_left_for_the_next)
{
	uint64_t asked = clock_ms();

	ask(client, 5, 'a');
	ck_assert(receive(server[0], &seen, WAIT_MS));
	ck_assert(receive(server[1], &seen, WAIT_MS));
	ck_assert_uint_ge(clock_ms() - asked, 1400);
	ck_assert_uint_le(clock_ms() - asked, 1900);
	answer(server[1], 0);
	ck_assert(receive(client, &got, WAIT_MS));
	ask(client, 6, 'b'); /* the one that answered is asked first from now on */
	ck_assert(receive(server[1], &seen, WAIT_MS));
	ck_assert(!receive(server[0], &seen, 0));
}
END_TEST

START_TEST(a_refusing_server_costs_no_time)
{
	uint64_t asked = clock_ms();

	close(server[0]);
	ask(client, 5, 'a');
	ck_assert(receive(server[1], &seen, WAIT_MS));
	answer(server[1], 0);
	ck_assert(receive(client, &got, WAIT_MS));
	ck_assert_uint_lt(clock_ms() - asked, 1000);
	close(server[1]);
	ask(client, 9, 'c');
	expect_servfail(9);
	ck_assert_uint_lt(clock_ms() - asked, 1000);
}
END_TEST

START_TEST(without_servers_there_is_an_answer_too)
{
	tell_servers(0);
	ask(client, 1234, 'a');
	expect_servfail(1234);
	tell_servers(1);
	ask(client, 1235, 'a');
	ck_assert(receive(server[0], &seen, WAIT_MS));
}
END_TEST

START_TEST(malformed_queries_are_dropped)
{
	uint8_t q[64];
	size_t len = make_query(q, 3, 'a');

	q[2] |= 0x80; /* an answer */
	sendto(client, q, len, 0, (struct sockaddr *)&rig.dns_addr, sizeof(rig.dns_addr));
	sendto(client, q, DNS_HEADER - 1, 0, (struct sockaddr *)&rig.dns_addr,
	       sizeof(rig.dns_addr));
	ck_assert(!receive(server[0], &seen, 50));
	ck_assert(!receive(client, &got, 0));
}
END_TEST

START_TEST(one_client_has_a_quarter_of_the_places)
{
	static uint8_t first[64];
	struct sockaddr_in first_from;
	size_t len;

	ask(client, 0, 'a');
	ck_assert(receive(server[0], &seen, WAIT_MS));
	memcpy(first, seen.data, len = seen.len);
	first_from = seen.from;
	for (uint16_t i = 1; i <= 256; i++) {
		ask(client, i, 'b');
		ck_assert(receive(server[0], &seen, WAIT_MS));
	}
	first[2] |= 0x80;
	sendto(server[0], first, len, 0, (struct sockaddr *)&first_from, sizeof(first_from));
	ck_assert(!receive(client, &got, 50)); /* the oldest has given way */
	answer(server[0], 0);
	ck_assert(receive(client, &got, WAIT_MS));
	ck_assert_uint_eq(dnsmsg_id(got.data), 256);
}
END_TEST

static const struct {
	const char *bytes; /* after a header with one question */
	size_t len, question;
} questions[] = {
	{ "\0\0\1\0\1", 5, 5 },
	{ "\1a\0\0\1\0\1", 7, 7 },
	{ "\1a\0\0\1\0\1more", 11, 7 },
	{ "\1a\0\0\1\0", 6, 0 },      /* cut */
	{ "\x3f", 1, 0 },             /* a label longer than the message */
	{ "\xc0\x0c\0\1\0\1", 6, 0 }, /* a pointer */
	{ "", 0, 0 },
};

START_TEST(questions_are_measured)
{
	uint8_t msg[64] = { [5] = 1 };

	memcpy(msg + DNS_HEADER, questions[_i].bytes, questions[_i].len);
	ck_assert_uint_eq(dnsmsg_question(msg, DNS_HEADER + questions[_i].len),
			  questions[_i].question);
	ck_assert_uint_le(dnsmsg_fail(msg, DNS_HEADER + questions[_i].len),
			  DNS_HEADER + questions[_i].len);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("relay_dns");
	TCase *c = tcase_create("relay"), *m = tcase_create("messages");

	tcase_set_timeout(c, 30);
	tcase_add_checked_fixture(c, start, stop);
	tcase_add_test(c, answers_find_their_clients_unchanged);
	tcase_add_test(c, answers_to_something_else_are_dropped);
	tcase_add_test(c, a_silent_server_is_left_for_the_next);
	tcase_add_test(c, a_refusing_server_costs_no_time);
	tcase_add_test(c, without_servers_there_is_an_answer_too);
	tcase_add_test(c, malformed_queries_are_dropped);
	tcase_add_test(c, one_client_has_a_quarter_of_the_places);
	suite_add_tcase(s, c);
	tcase_add_loop_test(m, questions_are_measured, 0, ARRAY_SIZE(questions));
	suite_add_tcase(s, m);
	return run_suite(s);
}
