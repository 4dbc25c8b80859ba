// SPDX-License-Identifier: Apache-2.0
/* test_ports_relay.c - the port table and its relay: removals, statistics, a relay that hangs or
 * dies */
#include "tests/unit/test_ports_rig.h"

/* --- statistics --------------------------------------------------------------------------- */

static struct {
	int calls, with, without;
	uint64_t accepted;
} heard;

static void count_one(uint32_t id, const struct port_spec *spec,
		      const struct worker_port_stats *stats, void *arg)
{
	(void)id;
	(void)spec;
	(void)arg;
	heard.with += stats != NULL;
	heard.without += stats == NULL;
	heard.accepted += stats ? stats->accepted : 0;
}

static void on_heard(void *arg)
{
	heard.calls++;
	ports_each(arg, count_one, NULL);
}

static struct worker_stats receive_question(void)
{
	struct worker_stats s = { 0 };
	struct msg m;

	ck_assert_int_eq(msg_recv_within(relay, &worker_proto, ROLE_PARENT, WORKER_UP, 10000, &m),
			 1);
	ck_assert_int_eq(m.type, WORKER_STATS_REQ);
	memcpy(&s.req, m.payload, sizeof(s.req));
	return s;
}

START_TEST(statistics_come_in_pieces_and_nothing_of_them_is_believed)
{
	struct worker_stats s, late;
	struct worker_port p;

	start(true, true, false);
	for (int i = 0; i < WORKER_STATS_MAX + 1; i++) {
		ck_assert_int_gt(add("tcp", "127.0.0.1", free_port(), ""), 0);
		close(receive_add(&p));
	}
	ports_ask_stats(table, on_heard, table);
	late = receive_question();
	ck_assert_uint_eq(late.req.after, 0);
	event_base_loop(base, EVLOOP_ONCE); /* the relay is silent until the limit */
	ck_assert_int_eq(heard.calls, 1);
	ck_assert_int_eq(heard.without, WORKER_STATS_MAX + 1);

	memset(&heard, 0, sizeof(heard));
	ports_ask_stats(table, on_heard, table);
	ports_ask_stats(table, on_heard, table); /* the same question */
	s = receive_question();
	ports_on_stats(table, &late); /* of the one before */
	ck_assert_int_eq(heard.calls, 0);
	s.count = UINT32_MAX;
	for (uint32_t i = 0; i < WORKER_STATS_MAX; i++)
		s.port[i] = (struct worker_port_stats){ .id = i + 1, .accepted = 1 };
	ports_on_stats(table, &s);
	s = receive_question();
	ck_assert_uint_eq(s.req.after, WORKER_STATS_MAX);
	s.count = 3;
	s.port[0] = (struct worker_port_stats){ .id = WORKER_STATS_MAX + 1, .accepted = 5 };
	s.port[1] = (struct worker_port_stats){ .id = 1, .accepted = 1000 }; /* told already */
	s.port[2] = (struct worker_port_stats){ .id = 4711 };
	ports_on_stats(table, &s);
	ck_assert_int_eq(heard.calls, 2);
	ck_assert_int_eq(heard.with, 2 * (WORKER_STATS_MAX + 1));
	ck_assert_uint_eq(heard.accepted, 2 * (WORKER_STATS_MAX + 5));
	ports_on_stats(table, &s); /* nobody waits */
	ck_assert_int_eq(heard.calls, 2);
	stop();
}
END_TEST

START_TEST(a_removed_port_is_closed_at_once_and_free_with_the_relays_word)
{
	int port = free_port(), done = 0, fd;
	struct worker_port p;
	struct msg m;

	start(true, true, false);
	ck_assert_int_eq(add("tcp4", "127.0.0.1", port, ""), 1);
	fd = receive_add(&p);
	ck_assert_int_eq(ports_remove(table, 1, 0, on_removed, &done, &err), 0);
	ck_assert_int_eq(try_connect("127.0.0.1", port), ECONNREFUSED);
	ck_assert_int_eq(done, 0);
	ck_assert_int_eq(ports_remove(table, 1, 0, on_removed, &done, &err), -ENOENT);
	ck_assert_str_eq(err.msg, "unknown id: 1");
	ck_assert_int_eq(add("tcp4", "127.0.0.1", port, ""), -EEXIST);
	ck_assert_int_eq(msg_recv_within(relay, &worker_proto, ROLE_PARENT, WORKER_UP, 10000, &m),
			 1);
	ck_assert_int_eq(m.type, WORKER_PORT_REMOVE);
	close(fd);
	ports_on_removed(table, 7); /* lies are ignored */
	ck_assert_int_eq(done, 0);
	ports_on_removed(table, 1);
	ck_assert_int_eq(done, 1);
	ports_on_removed(table, 1);
	ck_assert_int_eq(done, 1);
	ck_assert_int_eq(add("tcp4", "127.0.0.1", port, ""), 2); /* ids are not used twice */
	stop();
}
END_TEST

START_TEST(a_silent_or_dead_relay_does_not_hold_a_removal)
{
	uint64_t begin = clock_ms();
	int done = 0;

	start(true, true, false);
	ck_assert_int_eq(add("tcp4", "127.0.0.1", free_port(), ""), 1);
	ck_assert_int_eq(add("tcp4", "127.0.0.1", free_port(), ""), 2);
	ck_assert_int_eq(ports_remove(table, 1, 0, on_removed, &done, &err), 0);
	while (!done && clock_ms() - begin < 15000)
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_int_eq(done, 1);
	ck_assert_uint_ge(clock_ms() - begin, PORTS_REMOVE_MS - 10);
	ck_assert_int_eq(ports_remove(table, 2, 0, on_removed, &done, &err), 0);
	ck_assert_int_eq(done, 1);
	close(relay);
	relay = -1;
	ck_assert_int_eq(add("tcp4", "127.0.0.1", free_port(), ""), 3); /* the next one serves it */
	ports_relay_gone(table);
	ck_assert_int_eq(done, 2);
	stop();
}
END_TEST

/* what was added and removed before, while there was none, and after is what the next relay gets */
START_TEST(the_next_relay_is_given_what_is_published)
{
	int port = free_port(), done = 0, pair[2];
	struct worker_port first, p;
	struct msg m;

	start(true, true, false);
	ck_assert_int_eq(add("tcp4", "127.0.0.1", port, ""), 1);
	close(receive_add(&first));
	ck_assert_int_eq(add("udp4", "127.0.0.1", port, ""), 2);
	ck_assert_int_eq(add("tcp4", "127.0.0.1", free_port(), ""), 3);
	close(relay);
	ports_relay_gone(table);
	ck_assert_int_eq(try_connect("127.0.0.1", port), 0); /* the kernel's queue */
	ck_assert_int_eq(add("tcp4", "127.0.0.1", free_port(), ""), 4);
	ck_assert_int_eq(add("tcp4", "127.0.0.1", free_port(), ""), 5);
	ck_assert_int_eq(ports_remove(table, 4, 0, on_removed, &done, &err), 0);
	ck_assert_int_eq(done, 1);
	ck_assert_int_eq(ports_remove(table, 3, 0, on_removed, &done, &err), 0);
	ck_assert_int_eq(done, 2);
	ck_assert_int_eq(msg_pair(pair), 0);
	relay = pair[1];
	ck_assert_int_eq(ports_relay_up(table, pair[0], &err), 0);
	close(receive_add(&p));
	ck_assert_int_eq(memcmp(&p, &first, sizeof(p)), 0);
	close(receive_add(&p));
	ck_assert_uint_eq(p.id, 2);
	ck_assert_uint_eq(p.protocol, IPPROTO_UDP);
	close(receive_add(&p));
	ck_assert_uint_eq(p.id, 5);
	ck_assert_int_eq(msg_recv(relay, &worker_proto, ROLE_PARENT, WORKER_UP, MSG_DONTWAIT, &m),
			 -EAGAIN);
	ck_assert_int_eq(add("tcp4", "127.0.0.1", free_port(), ""), 6);
	close(receive_add(&p));
	stop();
	close(pair[0]);
}
END_TEST

START_TEST(a_relay_that_dies_while_it_is_given_ports_is_told_of)
{
	int pair[2];

	start(true, true, false);
	ck_assert_int_eq(add("tcp4", "127.0.0.1", free_port(), ""), 1);
	ports_relay_gone(table);
	ck_assert_int_eq(msg_pair(pair), 0);
	close(pair[1]);
	ck_assert_int_eq(ports_relay_up(table, pair[0], &err), -EPIPE);
	ck_assert_str_eq(err.msg, "handing the ports to the new relay: Broken pipe");
	ports_relay_gone(table);
	ck_assert_int_eq(ports_remove(table, 1, 0, NULL, NULL, &err), 0);
	stop();
	close(pair[0]);
}
END_TEST

/* the relay's socket until it takes no more; how many messages that were */
static int fill_relay(void)
{
	int n = 0;

	while (msg_send(env.relay_sock, &worker_proto, WORKER_PING, &(struct msg_empty){ 0 }, NULL,
			0) == 0)
		n++;
	return n;
}

static void run_for(unsigned ms)
{
	const struct timeval tv = { .tv_usec = (suseconds_t)ms * 1000 };

	event_base_loopexit(base, &tv);
	event_base_dispatch(base);
}

START_TEST(a_relay_that_hangs_holds_up_nobody_and_is_told_all_later)
{
	uint64_t begin;
	struct worker_port p;
	int done = 0, n;
	struct msg m;

	start(true, true, false);
	ck_assert_int_eq(add("udp4", "127.0.0.1", free_port(), ""), 1);
	close(receive_add(&p));
	n = fill_relay();
	begin = clock_ms();
	ck_assert_int_eq(add("tcp4", "127.0.0.1", free_port(), ""), 2);
	ck_assert_int_eq(add("tcp4", "127.0.0.1", free_port(), ""), 3);
	ck_assert_int_eq(ports_remove(table, 1, 7000, on_removed, &done, &err), 0);
	ck_assert_int_eq(ports_remove(table, 2, 0, on_removed, &done, &err), 0);
	ck_assert_uint_lt(clock_ms() - begin, 2500); /* it was a second each */
	ck_assert_int_eq(done, 1);                   /* the relay was never told of 2 */
	while (n-- > 0)
		ck_assert_int_eq(
			msg_recv_within(relay, &worker_proto, ROLE_PARENT, WORKER_UP, 10000, &m),
			1);
	run_for(50);
	close(receive_add(&p));
	ck_assert_uint_eq(p.id, 3);
	ck_assert_int_eq(msg_recv_within(relay, &worker_proto, ROLE_PARENT, WORKER_UP, 10000, &m),
			 1);
	ck_assert_int_eq(m.type, WORKER_PORT_REMOVE);
	ck_assert_int_eq(memcmp(m.payload, &(struct worker_port_remove){ 1, 7000 },
				sizeof(struct worker_port_remove)),
			 0);
	ports_on_removed(table, 1);
	ck_assert_int_eq(done, 2);
	stop();
}
END_TEST

START_TEST(a_datagram_port_that_the_relay_still_has_is_not_called_free)
{
	int port = free_port(), done = 0, n, dup;
	uint64_t begin = clock_ms();
	struct worker_port p;
	struct msg m;

	start(true, true, false);
	ck_assert_int_eq(add("udp4", "127.0.0.1", port, ""), 1);
	dup = receive_add(&p);
	n = fill_relay();
	ck_assert_int_eq(ports_remove(table, 1, 0, on_removed, &done, &err), 0);
	while (!done && clock_ms() - begin < 15000)
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_int_eq(done, 1);
	ck_assert_int_eq(last_result, -ETIMEDOUT);
	ck_assert_int_eq(add("udp4", "127.0.0.1", port, ""), -EEXIST); /* as it is */
	while (n-- > 0)
		ck_assert_int_eq(
			msg_recv_within(relay, &worker_proto, ROLE_PARENT, WORKER_UP, 10000, &m),
			1);
	run_for(50);
	ck_assert_int_eq(msg_recv_within(relay, &worker_proto, ROLE_PARENT, WORKER_UP, 10000, &m),
			 1);
	ck_assert_int_eq(m.type, WORKER_PORT_REMOVE);
	close(dup);
	ports_on_removed(table, 1);
	ck_assert_int_eq(done, 1); /* it was told already */
	ck_assert_int_eq(add("udp4", "127.0.0.1", port, ""), 2);
	stop();
}
END_TEST

START_TEST(removals_under_way_are_done_at_the_end)
{
	int done = 0;

	start(true, true, false);
	ck_assert_int_eq(add("tcp4", "127.0.0.1", free_port(), ""), 1);
	ck_assert_int_eq(add("tcp4", "127.0.0.1", free_port(), ""), 2);
	ck_assert_int_eq(ports_remove(table, 1, 0, on_removed, &done, &err), 0);
	stop();
	ck_assert_int_eq(done, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ports_relay");
	TCase *c = tcase_create("ports_relay");
	SRunner *r = srunner_create(s);
	int failed;

	own_netns();
	suite_add_tcase(s, c);
	tcase_set_timeout(c, 20);
	tcase_add_test(c, statistics_come_in_pieces_and_nothing_of_them_is_believed);
	tcase_add_test(c, a_removed_port_is_closed_at_once_and_free_with_the_relays_word);
	tcase_add_test(c, a_silent_or_dead_relay_does_not_hold_a_removal);
	tcase_add_test(c, a_relay_that_hangs_holds_up_nobody_and_is_told_all_later);
	tcase_add_test(c, a_datagram_port_that_the_relay_still_has_is_not_called_free);
	tcase_add_test(c, removals_under_way_are_done_at_the_end);
	tcase_add_test(c, the_next_relay_is_given_what_is_published);
	tcase_add_test(c, a_relay_that_dies_while_it_is_given_ports_is_told_of);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
