// SPDX-License-Identifier: Apache-2.0
/* test_nsagent_spare.c - the second process of an agent takes over from the first, at any moment */
#include <poll.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>

#include "tests/unit/nsagent_rig.h"

static struct rig rig;

static void start(void)
{
	rig = (struct rig){ .plan = make_plan(false) };
	ck_assert(enter_namespaces());
	start_agent(&rig, NSAGENT_CHILD);
}

static void expect_from(int sock, uint32_t state, uint16_t type, struct msg *ret)
{
	recv_within(sock, state, ret);
	ck_assert_uint_eq(ret->type, type);
}

static void expect_alone(void)
{
	struct msg m;

	expect_from(rig.parent[CHILD], NSAGENT_UP, NSAGENT_ALONE, &m);
	ck_assert_uint_eq(((const struct nsagent_alone *)(const void *)m.payload)->took_over, 1);
}

static void end_first(int signo)
{
	int status;

	ck_assert_int_eq(kill(rig.pid[CHILD], signo), 0);
	ck_assert_int_eq(waitpid(rig.pid[CHILD], &status, WUNTRACED), rig.pid[CHILD]);
}

static bool has_word(int sock)
{
	struct pollfd p = { sock, POLLIN, 0 };

	return poll(&p, 1, 0) == 1;
}

/* it is stopped at each system call, and dies at the first after READY */
START_TEST(it_may_die_as_soon_as_the_parent_hears_that_it_is_ready)
{
	struct msg m;
	int status;

	start();
	ck_assert_int_eq(ptrace(PTRACE_SEIZE, rig.pid[CHILD], 0, PTRACE_O_EXITKILL), 0);
	ck_assert_int_eq(ptrace(PTRACE_INTERRUPT, rig.pid[CHILD], 0, 0), 0);
	configure(&rig, NSAGENT_CHILD, NSAGENT_SETUP_LO);
	while (!has_word(rig.parent[CHILD])) {
		ck_assert_int_eq(waitpid(rig.pid[CHILD], &status, 0), rig.pid[CHILD]);
		ck_assert(WIFSTOPPED(status));
		if (!has_word(rig.parent[CHILD]))
			ck_assert_int_eq(ptrace(PTRACE_SYSCALL, rig.pid[CHILD], 0, 0), 0);
	}
	end_first(SIGKILL);
	expect_from(rig.parent[CHILD], NSAGENT_STARTING, NSAGENT_READY, &m);
	expect_alone();
}
END_TEST

static void ask_sockets(uint16_t count)
{
	const struct nsagent_sockets req = { .family = AF_INET,
					     .socktype = SOCK_STREAM,
					     .count = count };

	ck_assert_int_eq(
		msg_send(rig.relay[CHILD], &nsagent_proto, NSAGENT_SOCKETS_REQ, &req, NULL, 0), 0);
}

static void begin(void)
{
	struct msg m;

	start();
	configure(&rig, NSAGENT_CHILD, NSAGENT_SETUP_LO);
	expect_from(rig.parent[CHILD], NSAGENT_STARTING, NSAGENT_READY, &m);
}

static void expect_sockets(size_t n)
{
	struct msg m;

	expect_from(rig.relay[CHILD], NSAGENT_UP, NSAGENT_SOCKETS_ANS, &m);
	ck_assert_uint_eq(m.nfds, n);
	msg_close_fds(&m);
}

/* a first that was asked and has not read it: parent and relay need not ask again */
START_TEST(what_lies_in_the_sockets_is_answered)
{
	struct msg m;

	begin();
	ask_sockets(3);
	expect_sockets(3);
	end_first(SIGSTOP);
	ask_sockets(5);
	ck_assert_int_eq(msg_send(rig.parent[CHILD], &nsagent_proto, NSAGENT_PING,
				  &(struct msg_empty){ 0 }, NULL, 0),
			 0);
	end_first(SIGKILL);
	expect_alone();
	expect_from(rig.parent[CHILD], NSAGENT_UP, NSAGENT_PONG, &m);
	expect_from(rig.relay[CHILD], NSAGENT_UP, NSAGENT_AGAIN, &m);
	expect_sockets(5);
	ask_sockets(2);
	expect_sockets(2);
}
END_TEST

/* who died with it in its hands; the relay is told to ask again */
START_TEST(one_request_at_most_is_lost)
{
	unsigned answers = 0, again = 0;
	struct msg m;
	size_t nfds;

	begin();
	for (int i = 0; i < 20; i++)
		ask_sockets(2);
	end_first(SIGKILL);
	expect_alone();
	ask_sockets(7); /* the last that is answered */
	do {
		recv_within(rig.relay[CHILD], NSAGENT_UP, &m);
		nfds = m.nfds;
		again += m.type == NSAGENT_AGAIN;
		answers += nfds == 2;
		msg_close_fds(&m);
	} while (nfds != 7);
	ck_assert_uint_eq(again, 1);
	ck_assert_uint_ge(answers, 19);
	ck_assert_uint_le(answers, 20);
}
END_TEST

START_TEST(when_both_are_dead_that_is_the_end)
{
	struct msg m;
	int r;

	begin();
	ck_assert_int_eq(kill(-rig.pid[CHILD], SIGKILL), 0);
	do
		r = msg_recv_within(rig.parent[CHILD], &nsagent_proto, ROLE_NSAGENT, NSAGENT_UP,
				    WAIT_MS, &m);
	while (r > 0);
	ck_assert_int_eq(r, 0);
}
END_TEST

static void add_tests(TCase *c)
{
	tcase_set_timeout(c, 30);
	tcase_add_test(c, it_may_die_as_soon_as_the_parent_hears_that_it_is_ready);
	tcase_add_test(c, what_lies_in_the_sockets_is_answered);
	tcase_add_test(c, one_request_at_most_is_lost);
	tcase_add_test(c, when_both_are_dead_that_is_the_end);
}

int main(void)
{
	return run_suite("nsagent_spare", add_tests);
}
