// SPDX-License-Identifier: Apache-2.0
/* test_msg.c - the tables are sound, and a message that breaks a rule is refused without a leak */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/ipc/handshake.h"
#include "lib/ipc/nsagent.h"
#include "lib/ipc/nursery.h"
#include "lib/ipc/worker.h"

#define TEST_VERSION 3
#define STATE_A 1u
#define STATE_B 2u

struct number {
	uint32_t n, zero;
};

/* as a protocol's header has it */
#define TEST_MESSAGES(X) \
	X(TEST_NUMBER, 1, struct number, 0, 0, ROLE_BIT(ROLE_PARENT), STATE_A) \
	X(TEST_FDS, 2, struct number, 1, 3, ROLE_BIT(ROLE_PARENT) | ROLE_BIT(ROLE_RELAY), \
	  STATE_A | STATE_B) \
	X(TEST_ANSWER, 3, struct number, 0, 0, ROLE_BIT(ROLE_RELAY), STATE_B)
enum test_type { TEST_MESSAGES(MSG_ENUM_ENTRY) };
/* NOLINTNEXTLINE(bugprone-sizeof-expression): sizeof(struct x) of a table's column */
static const struct msg_type test_types[] = { TEST_MESSAGES(MSG_TABLE_ENTRY) };
static const struct msg_proto proto = { "test", TEST_VERSION, test_types, ARRAY_SIZE(test_types) };

static const struct msg_proto *const all[] = { &handshake_proto, &worker_proto, &nsagent_proto,
					       &nursery_proto };

static int count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

START_TEST(each_table_is_sound)
{
	const struct msg_proto *p = all[_i];

	ck_assert_uint_gt(p->ntypes, 0);
	ck_assert_uint_gt(p->version, 0);
	for (size_t i = 0; i < p->ntypes; i++) {
		const struct msg_type *t = &p->types[i];

		ck_assert_msg(t->value == i + 1, "%s: values count from 1", t->name);
		ck_assert_msg(t->size && t->size <= MSG_PAYLOAD_MAX, "%s: size", t->name);
		ck_assert_msg(t->min_fds <= t->max_fds && t->max_fds <= MSG_FDS_MAX, "%s: fds",
			      t->name);
		ck_assert_msg(t->senders && t->senders < ROLE_BIT(ROLE_NROLES), "%s: senders",
			      t->name);
		ck_assert_msg(t->states, "%s: states", t->name);
	}
}
END_TEST

START_TEST(a_message_arrives)
{
	struct number n = { .n = 7 };
	struct msg m;
	int sv[2], fds[3] = { 0, 1, 2 };

	ck_assert_int_eq(msg_pair(sv), 0);
	ck_assert_int_eq(msg_send(sv[0], &proto, TEST_FDS, &n, fds, 3), 0);
	ck_assert_int_eq(msg_recv(sv[1], &proto, ROLE_PARENT, STATE_B, 0, &m), 1);
	ck_assert_uint_eq(m.type, TEST_FDS);
	ck_assert_uint_eq(m.nfds, 3);
	ck_assert_mem_eq(m.payload, &n, sizeof(n));
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_ne(fcntl(m.fds[i], F_GETFD) & FD_CLOEXEC, 0);
	close(msg_take_fd(&m, 1));
	ck_assert_int_eq(msg_take_fd(&m, 1), -1);
	ck_assert_int_eq(msg_take_fd(&m, 3), -1);
	msg_close_fds(&m);
	ck_assert_int_eq(msg_recv(sv[1], &proto, ROLE_PARENT, STATE_B, MSG_DONTWAIT, &m), -EAGAIN);
	ck_assert_int_eq(msg_recv_within(sv[1], &proto, ROLE_PARENT, STATE_B, 1, &m), -ETIMEDOUT);
	close(sv[0]);
	ck_assert_int_eq(msg_recv_within(sv[1], &proto, ROLE_PARENT, STATE_B, 1000, &m), 0);
	ck_assert_int_eq(msg_send(sv[1], &proto, TEST_NUMBER, &n, NULL, 0), -EPIPE);
	close(sv[1]);
}
END_TEST

START_TEST(last_words_are_heard_though_something_was_unread)
{
	struct number n = { .n = 7 };
	struct msg m;
	int sv[2];

	/* the kernel tells the reset first: a process that fails at once reads nothing */
	ck_assert_int_eq(msg_pair(sv), 0);
	ck_assert_int_eq(msg_send(sv[1], &proto, TEST_NUMBER, &n, NULL, 0), 0);
	ck_assert_int_eq(msg_send(sv[0], &proto, TEST_NUMBER, &n, NULL, 0), 0);
	close(sv[0]);
	ck_assert_int_eq(msg_recv(sv[1], &proto, ROLE_PARENT, STATE_A, 0, &m), 1);
	ck_assert_mem_eq(m.payload, &n, sizeof(n));
	ck_assert_int_eq(msg_recv(sv[1], &proto, ROLE_PARENT, STATE_A, 0, &m), 0);
	close(sv[1]);
}
END_TEST

/* what may be wrong with a record */
static const struct {
	const char *what;
	uint16_t version, type;
	uint32_t len; /* in the header */
	size_t size;  /* bytes after the header that are sent */
	size_t nfds;
	enum role from; /* what the receiver believes */
	uint32_t state;
	int r;
} rows[] = {
	{ "all is well", 3, 2, 8, 8, 1, ROLE_PARENT, STATE_A, 1 },
	{ "most descriptors", 3, 2, 8, 8, 3, ROLE_RELAY, STATE_B, 1 },
	{ "another version", 2, 2, 8, 8, 1, ROLE_PARENT, STATE_A, -EPROTO },
	{ "no such type", 3, 4, 8, 8, 1, ROLE_PARENT, STATE_A, -EPROTO },
	{ "type 0", 3, 0, 8, 8, 1, ROLE_PARENT, STATE_A, -EPROTO },
	{ "a lie about the length", 3, 2, 4, 8, 1, ROLE_PARENT, STATE_A, -EPROTO },
	{ "too short", 3, 2, 7, 7, 1, ROLE_PARENT, STATE_A, -EPROTO },
	{ "too long", 3, 2, 9, 9, 1, ROLE_PARENT, STATE_A, -EPROTO },
	{ "cut by our buffer", 3, 2, MSG_PAYLOAD_MAX + 1, MSG_PAYLOAD_MAX + 1, 1, ROLE_PARENT,
	  STATE_A, -EPROTO },
	{ "no payload", 3, 2, 0, 0, 1, ROLE_PARENT, STATE_A, -EPROTO },
	{ "no descriptor", 3, 2, 8, 8, 0, ROLE_PARENT, STATE_A, -EPROTO },
	{ "one too many", 3, 2, 8, 8, 4, ROLE_PARENT, STATE_A, -EPROTO },
	{ "one where none is granted", 3, 1, 8, 8, 1, ROLE_PARENT, STATE_A, -EPROTO },
	{ "253 descriptors", 3, 2, 8, 8, 253, ROLE_PARENT, STATE_A, -EPROTO },
	{ "the wrong sender", 3, 1, 8, 8, 0, ROLE_RELAY, STATE_A, -EPROTO },
	{ "the wrong state", 3, 1, 8, 8, 0, ROLE_PARENT, STATE_B, -EPROTO },
	{ "the right state", 3, 3, 8, 8, 0, ROLE_RELAY, STATE_B, 1 },
};

static void send_raw(int sock, size_t i)
{
	static uint8_t payload[MSG_PAYLOAD_MAX + 1];
	struct msg_hdr hdr = { .version = rows[i].version,
			       .type = rows[i].type,
			       .len = rows[i].len };
	struct iovec iov[2] = { { .iov_base = &hdr, .iov_len = sizeof(hdr) },
				{ .iov_base = payload, .iov_len = rows[i].size } };
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(253 * sizeof(int))];
	} ctl = { 0 };
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = 2 };
	int fds[253] = { 0 }; /* all are descriptor 0 */

	if (rows[i].nfds) {
		mh.msg_control = ctl.buf;
		mh.msg_controllen = CMSG_SPACE(rows[i].nfds * sizeof(int));
		ctl.align.cmsg_level = SOL_SOCKET;
		ctl.align.cmsg_type = SCM_RIGHTS;
		ctl.align.cmsg_len = CMSG_LEN(rows[i].nfds * sizeof(int));
		memcpy(CMSG_DATA(&ctl.align), fds, rows[i].nfds * sizeof(int));
	}
	ck_assert_int_ge(sendmsg(sock, &mh, 0), 0);
}

START_TEST(a_record_that_breaks_a_rule_is_refused)
{
	int sv[2], before;
	struct msg m;

	ck_assert_int_eq(msg_pair(sv), 0);
	before = count_fds();
	send_raw(sv[0], (size_t)_i);
	ck_assert_msg(msg_recv(sv[1], &proto, rows[_i].from, rows[_i].state, 0, &m) == rows[_i].r,
		      "%s", rows[_i].what);
	if (rows[_i].r == 1)
		msg_close_fds(&m);
	ck_assert_msg(count_fds() == before, "%s: descriptors are left", rows[_i].what);
	close(sv[0]);
	close(sv[1]);
}
END_TEST

START_TEST(a_record_shorter_than_a_header_is_refused)
{
	int sv[2];
	struct msg m;

	ck_assert_int_eq(msg_pair(sv), 0);
	ck_assert_int_eq(send(sv[0], "1234567", 7, 0), 7);
	ck_assert_int_eq(msg_recv(sv[1], &proto, ROLE_PARENT, STATE_A, 0, &m), -EPROTO);
	close(sv[0]);
	close(sv[1]);
}
END_TEST

START_TEST(what_the_table_forbids_is_not_sent)
{
	struct number n = { 0 };
	int sv[2], fds[4] = { 0 };

	ck_assert_int_eq(msg_pair(sv), 0);
	ck_assert_int_eq(msg_send(sv[0], &proto, 9, &n, NULL, 0), -EINVAL);
	ck_assert_int_eq(msg_send(sv[0], &proto, TEST_FDS, &n, NULL, 0), -EINVAL);
	ck_assert_int_eq(msg_send(sv[0], &proto, TEST_FDS, &n, fds, 4), -EINVAL);
	ck_assert_int_eq(msg_send(sv[0], &proto, TEST_NUMBER, &n, fds, 1), -EINVAL);
	close(sv[0]);
	close(sv[1]);
}
END_TEST

START_TEST(a_full_socket_does_not_block)
{
	struct number n = { 0 };
	int sv[2], r = 0;

	ck_assert_int_eq(msg_pair(sv), 0);
	for (int i = 0; i < 100000 && r == 0; i++)
		r = msg_send(sv[0], &proto, TEST_NUMBER, &n, NULL, 0);
	ck_assert_int_eq(r, -EAGAIN);
	close(sv[0]);
	close(sv[1]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("msg");
	TCase *c = tcase_create("msg");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, c);
	tcase_add_loop_test(c, each_table_is_sound, 0, ARRAY_SIZE(all));
	tcase_add_test(c, a_message_arrives);
	tcase_add_test(c, last_words_are_heard_though_something_was_unread);
	tcase_add_loop_test(c, a_record_that_breaks_a_rule_is_refused, 0, ARRAY_SIZE(rows));
	tcase_add_test(c, a_record_shorter_than_a_header_is_refused);
	tcase_add_test(c, what_the_table_forbids_is_not_sent);
	tcase_add_test(c, a_full_socket_does_not_block);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
