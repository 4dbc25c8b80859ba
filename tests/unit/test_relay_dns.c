// SPDX-License-Identifier: Apache-2.0
/* test_relay_dns.c - the DNS relay between clients in the child and made-up servers on the host */
#include "tests/unit/test_dns_rig.h"

static void start_small(void)
{
	start_with(256); /* 4 ports, 32 queries, 8 of one client */
}

/* nothing is waited for: on a busy machine one of a few tries must show it */
static void expect_quick(void (*deed)(void))
{
	for (int i = 0; i < 5; i++) {
		uint64_t begin = clock_ms();

		deed();
		if (clock_ms() - begin < DNS_SILENCE_MS - 100)
			return;
	}
	ck_abort_msg("each time something was waited for");
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
	answer(server[1], 0);
	ck_assert(receive(client, &got, WAIT_MS));
	ask(client, 6, 'b'); /* the one that answered is asked first from now on */
	ck_assert(receive(server[1], &seen, WAIT_MS));
	ck_assert(!receive(server[0], &seen, 0));
}
END_TEST

static void move_on_from_a_refusal(void)
{
	close(server[0]);
	server[0] = host_socket(SOCK_DGRAM);
	tell_servers(2);
	close(server[0]);
	ask(client, 5, 'a');
	ck_assert(receive(server[1], &seen, WAIT_MS));
	answer(server[1], 0);
	ck_assert(receive(client, &got, WAIT_MS));
	server[0] = host_socket(SOCK_DGRAM);
}

static void fail_as_all_refuse(void)
{
	tell_servers(0);
	tell_servers(1);
	close(server[0]);
	ask(client, 9, 'c');
	expect_servfail(9);
	server[0] = host_socket(SOCK_DGRAM);
}

START_TEST(a_refusing_server_costs_no_time)
{
	expect_quick(move_on_from_a_refusal);
	expect_quick(fail_as_all_refuse);
}
END_TEST

/* one refusal is that of the server: what waits for it goes to the next */
static void move_on_together(void)
{
	bool ids[UINT16_MAX + 1] = { false }, met[UINT8_MAX + 1] = { false };

	close(server[0]);
	server[0] = host_socket(SOCK_DGRAM);
	tell_servers(2);
	while (receive(server[1], &seen, 0)) /* of a try before */
		;
	for (uint16_t i = 0; i < 10; i++) {
		ask(client, 5, (char)('a' + i));
		ck_assert(receive(server[0], &seen, WAIT_MS));
		ck_assert(!ids[dnsmsg_id(seen.data)]);
		ids[dnsmsg_id(seen.data)] = true;
	}
	close(server[0]);
	ask(client, 5, 'z');
	for (int i = 0; i < 11; i++) {
		do
			ck_assert(receive(server[1], &seen, WAIT_MS));
		while (met[seen.data[DNS_HEADER + 1]]); /* once more, as the machine is slow */
		met[seen.data[DNS_HEADER + 1]] = true;
		answer(server[1], 0);
		ck_assert(receive(client, &got, WAIT_MS));
		ck_assert_uint_eq(dnsmsg_id(got.data), 5);
	}
	server[0] = host_socket(SOCK_DGRAM);
}

START_TEST(a_refusal_moves_all)
{
	expect_quick(move_on_together);
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
		ask(client, i, (char)i);
		if (i % 16 == 0) /* one by one it may take until they are asked again */
			receive_question((char)i, &seen);
	}
	first[2] |= 0x80;
	sendto(server[0], first, len, 0, (struct sockaddr *)&first_from, sizeof(first_from));
	ck_assert(!receive(client, &got, 50)); /* the oldest has given way */
	answer(server[0], 0);
	ck_assert(receive(client, &got, WAIT_MS));
	ck_assert_uint_eq(dnsmsg_id(got.data), 256);
}
END_TEST

/* --- other opinions, other servers -------------------------------------------------------- */

static void answer_code(int from, int code)
{
	seen.data[3] = (uint8_t)((seen.data[3] & 0xf0) | code);
	answer(from, 0);
}

static const struct {
	int code;
	bool passed; /* by the first server that says it */
} codes[] = { { 0, true },  { 1, true },  { 2, false }, { 3, true },
	      { 4, false }, { 5, false }, { 9, true } };

START_TEST(a_failure_is_asked_elsewhere)
{
	ask(client, 5, 'a');
	ck_assert(receive(server[0], &seen, WAIT_MS));
	answer_code(server[0], codes[_i].code);
	if (!codes[_i].passed) {
		ck_assert(receive(server[1], &seen, WAIT_MS));
		answer_code(server[1], 0);
	}
	ck_assert(receive(client, &got, WAIT_MS));
	ck_assert_uint_eq(dnsmsg_id(got.data), 5);
	ck_assert_int_eq(got.data[3] & 15, codes[_i].passed ? codes[_i].code : 0);
	ask(client, 6, 'b'); /* that one was better for this name, not for all */
	ck_assert(receive(server[0], &seen, WAIT_MS));
	ck_assert(!receive(server[1], &seen, 20));
}
END_TEST

START_TEST(a_failure_of_all_passes)
{
	ask(client, 5, 'a');
	ck_assert(receive(server[0], &seen, WAIT_MS));
	answer_code(server[0], 5);
	ck_assert(receive(server[1], &seen, WAIT_MS));
	answer_code(server[1], 2);
	ck_assert(receive(client, &got, WAIT_MS));
	ck_assert_int_eq(got.data[3] & 15, 5); /* of the one that is asked first */
	ck_assert(!receive(server[0], &seen, 20));
}
END_TEST

START_TEST(no_opinion_is_asked_of_the_silent)
{
	ask(client, 5, 'a');
	ck_assert(receive(server[0], &seen, WAIT_MS));
	ck_assert(receive(server[1], &seen, WAIT_MS)); /* 1.5 s later */
	answer_code(server[1], 2);
	ck_assert(receive(client, &got, WAIT_MS));
	ck_assert_int_eq(got.data[3] & 15, 2);
	ck_assert(!receive(server[0], &seen, 0));
}
END_TEST

START_TEST(a_late_answer_counts)
{
	struct packet first;

	ask(client, 5, 'a');
	ck_assert(receive(server[0], &first, WAIT_MS));
	ck_assert(receive(server[1], &seen, WAIT_MS)); /* 1.5 s later */
	seen = first;
	answer(server[0], 7);
	ck_assert(receive(client, &got, WAIT_MS));
	ck_assert_uint_eq(got.len, first.len + 7);
}
END_TEST

static void change_servers(void)
{
	tell_servers(1);
	ask(client, 5, 'a');
	ck_assert(receive(server[0], &seen, WAIT_MS));
	close(server[0]);
	server[0] = host_socket(SOCK_DGRAM);
	tell_servers(1);
	ck_assert(receive(server[0], &seen, WAIT_MS));
	answer(server[0], 0);
	ck_assert(receive(client, &got, WAIT_MS));
}

START_TEST(new_servers_are_asked_at_once)
{
	expect_quick(change_servers);
}
END_TEST

/* --- ports -------------------------------------------------------------------------------- */

START_TEST(questions_share_a_port_for_a_short_time)
{
	bool met[UINT8_MAX + 1] = { false };
	unsigned ports = 0, run = 0;
	in_port_t port = 0;

	for (int i = 1; i <= 200; i++) {
		ask(client, 5, (char)i);
		do
			ck_assert(receive(server[0], &seen, WAIT_MS));
		while (met[seen.data[DNS_HEADER + 1]]); /* once more, as the machine is slow */
		met[seen.data[DNS_HEADER + 1]] = true;
		if (seen.from.sin_port != port) { /* no answer: it stays taken */
			port = seen.from.sin_port;
			ports++;
			run = 1;
			continue;
		}
		ck_assert_uint_le(++run, 128);
		answer(server[0], 0);
		ck_assert(receive(client, &got, WAIT_MS));
	}
	ck_assert_uint_ge(ports, 2);
	ck_assert_uint_le(ports, 100);
}
END_TEST

/* a question that is not answered, and so many that are that its port takes no more */
static void hold_port(int from, char letter, struct packet *ret)
{
	ask(from, 1, letter);
	receive_question(letter, ret);
	do {
		ask(from, 2, 'z');
		receive_question('z', &seen);
		answer(server[0], 0);
		ck_assert(receive(from, &got, WAIT_MS));
	} while (seen.from.sin_port == ret->from.sin_port);
}

/* sockets that are connected to @port of this host */
static unsigned ports_to(uint16_t port)
{
	FILE *f = fopen("/proc/net/udp", "re");
	unsigned n = 0, remote;
	char line[256];

	ck_assert(f);
	while (fgets(line, sizeof(line), f))
		n += sscanf(line, "%*s %*s %*8[^:]:%x", &remote) == 1 && remote == port;
	fclose(f);
	return n;
}

START_TEST(the_oldest_port_gives_way)
{
	const uint64_t begin = clock_ms();
	static struct packet held[5];
	unsigned ports;

	for (int i = 0; i < 5; i++) {
		hold_port(client, (char)('a' + i), &held[i]);
		ck_assert_uint_le(ports_to(port_of(server[0])), 4);
	}
	ports = ports_to(port_of(server[0]));
	if (clock_ms() - begin >= 900)
		return; /* too slow for what follows: a port that is open is so for a second */
	ck_assert_uint_eq(ports, 4);
	seen = held[0];
	answer(server[0], 0);
	ck_assert(!receive(client, &got, 20));
	seen = held[4];
	answer(server[0], 0);
	ck_assert(receive(client, &got, WAIT_MS));
	ck_assert_int_eq(got.data[DNS_HEADER + 1], 'e');
}
END_TEST

START_TEST(clients_may_come_by_ipv6)
{
	struct sockaddr_in6 unused;
	int other = child_socket6(&rig, SOCK_DGRAM, &unused);
	uint8_t q[64];
	size_t len = make_query(q, 5, 'a');

	ck_assert_int_eq(
		sendto(other, q, len, 0, (struct sockaddr *)&rig.dns6_addr, sizeof(rig.dns6_addr)),
		(ssize_t)len);
	ck_assert(receive(server[0], &seen, WAIT_MS));
	answer(server[0], 9);
	ck_assert(receive(other, &got, WAIT_MS));
	ck_assert_uint_eq(got.len, len + 9);
}
END_TEST

/* --- TCP ---------------------------------------------------------------------------------- */

static int tcp_client(void)
{
	int fd = child_socket(&rig, SOCK_STREAM);

	connect(fd, (struct sockaddr *)&rig.dns_tcp_addr, sizeof(rig.dns_tcp_addr));
	ck_assert(ready_within(fd, POLLOUT, WAIT_MS));
	return fd;
}

/* a TCP listener at the port of a server; the caller may close it */
static int tcp_server(int udp)
{
	int fd = held_tcp[udp == server[0] ? 0 : 1];

	ck_assert_int_eq(listen(fd, 1024), 0);
	return fd;
}

static int tcp_accept(int listener)
{
	ck_assert(ready_within(listener, POLLIN, WAIT_MS));
	return accept4(listener, NULL, NULL, SOCK_CLOEXEC);
}

static void expect_bytes(int fd, const char *want)
{
	char buf[64];

	ck_assert(ready_within(fd, POLLIN, WAIT_MS));
	ck_assert_int_eq(recv(fd, buf, sizeof(buf), 0), (ssize_t)strlen(want));
	ck_assert_int_eq(memcmp(buf, want, strlen(want)), 0);
}

START_TEST(tcp_is_passed_both_ways)
{
	int listener = tcp_server(server[0]), c = tcp_client(), s;

	ck_assert_int_eq(send(c, "question", 8, 0), 8);
	s = tcp_accept(listener);
	expect_bytes(s, "question");
	ck_assert_int_eq(shutdown(c, SHUT_WR), 0);
	expect_bytes(s, "");
	ck_assert_int_eq(send(s, "answer", 6, 0), 6);
	expect_bytes(c, "answer");
	close(s);
	expect_bytes(c, "");
}
END_TEST

START_TEST(tcp_goes_where_it_is_taken)
{
	int listener = tcp_server(server[1]), c = tcp_client(), s = tcp_accept(listener);

	ck_assert_int_eq(send(c, "x", 1, 0), 1);
	expect_bytes(s, "x");
	ask(client, 5, 'a'); /* the first one is good for UDP all the same */
	ck_assert(receive(server[0], &seen, WAIT_MS));
	close(listener);
	c = tcp_client();
	ck_assert(ready_within(c, POLLIN, WAIT_MS)); /* nobody takes it */
	ck_assert_int_eq(recv(c, &s, sizeof(s), 0), -1);
	ck_assert_int_eq(errno, ECONNRESET);
}
END_TEST

START_TEST(tcp_goes_where_udp_is_answered)
{
	int listeners[2] = { tcp_server(server[0]), tcp_server(server[1]) };

	ask(client, 5, 'a');
	ck_assert(receive(server[1], &seen, WAIT_MS)); /* the first one is silent */
	answer(server[1], 0);
	ck_assert(receive(client, &got, WAIT_MS));
	tcp_client();
	tcp_accept(listeners[1]);
	ck_assert(!ready_within(listeners[0], POLLIN, 0));
}
END_TEST

START_TEST(one_client_has_a_quarter_of_the_connections)
{
	int listener = tcp_server(server[0]), c[65], s[65];
	char byte;

	for (int i = 0; i < 65; i++) {
		c[i] = tcp_client();
		s[i] = tcp_accept(listener);
	}
	ck_assert(ready_within(c[0], POLLIN, WAIT_MS)); /* the oldest has given way */
	ck_assert_int_eq(recv(c[0], &byte, 1, 0), -1);
	for (int i = 1; i < 65; i++) {
		ck_assert_int_eq(send(s[i], "x", 1, 0), 1);
		expect_bytes(c[i], "x");
	}
}
END_TEST

/* --- what the gateway's agent might send -------------------------------------------------- */

static int bad_socket(int i)
{
	switch (i) {
	case 0:
		return child_socket(&rig, SOCK_STREAM); /* does not listen */
	case 1:
		return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	case 2:
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	default:
		return -1;
	}
}

START_TEST(sockets_are_looked_at)
{
	struct relay_config config = { .ndns = 1 };
	int fd, control[2], status;
	struct msg m;
	pid_t pid;

	ck_assert_int_eq(msg_pair(control), 0);
	pid = fork();
	if (pid == 0)
		run_relay(&(struct rig){ 0 }, control[1]);
	fd = bad_socket(_i);
	ck_assert_int_eq(msg_send(control[0], &worker_proto, WORKER_RELAY_CONFIG, &config, &fd, 1),
			 0);
	ck_assert_int_eq(msg_recv_within(control[0], &worker_proto, ROLE_RELAY, WORKER_STARTING,
					 WAIT_MS, &m),
			 1);
	ck_assert_int_eq(m.type, WORKER_FAILED);
	ck_assert_int_eq(((const struct err *)m.payload)->code, EPROTO);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("relay_dns");
	TCase *c = tcase_create("relay"), *small = tcase_create("small");

	tcase_set_timeout(c, 30);
	tcase_add_checked_fixture(c, start, stop);
	tcase_add_test(c, answers_find_their_clients_unchanged);
	tcase_add_test(c, answers_to_something_else_are_dropped);
	tcase_add_test(c, a_silent_server_is_left_for_the_next);
	tcase_add_test(c, a_refusing_server_costs_no_time);
	tcase_add_test(c, a_refusal_moves_all);
	tcase_add_test(c, without_servers_there_is_an_answer_too);
	tcase_add_test(c, malformed_queries_are_dropped);
	tcase_add_test(c, one_client_has_a_quarter_of_the_places);
	tcase_add_loop_test(c, a_failure_is_asked_elsewhere, 0, ARRAY_SIZE(codes));
	tcase_add_test(c, a_failure_of_all_passes);
	tcase_add_test(c, no_opinion_is_asked_of_the_silent);
	tcase_add_test(c, a_late_answer_counts);
	tcase_add_test(c, new_servers_are_asked_at_once);
	tcase_add_test(c, questions_share_a_port_for_a_short_time);
	tcase_add_test(c, clients_may_come_by_ipv6);
	tcase_add_test(c, tcp_is_passed_both_ways);
	tcase_add_test(c, tcp_goes_where_it_is_taken);
	tcase_add_test(c, tcp_goes_where_udp_is_answered);
	tcase_add_test(c, one_client_has_a_quarter_of_the_connections);
	tcase_add_loop_test(c, sockets_are_looked_at, 0, 3);
	suite_add_tcase(s, c);
	tcase_set_timeout(small, 30);
	tcase_add_checked_fixture(small, start_small, stop);
	tcase_add_test(small, the_oldest_port_gives_way);
	suite_add_tcase(s, small);
	return run_suite(s);
}
