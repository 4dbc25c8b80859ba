// SPDX-License-Identifier: Apache-2.0
/* test_slirp_room.c - which UDP flows libslirp loses when there are too many, by a stack in life */
#include <check.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/loop.h"
#include "lib/slirp/stack.h"
#include "tests/unit/slirpframes.h"

#define PORTS 8
#define TRIES 5
#define WAIT_MS 10000

static uint8_t buf[FRAME_MAX];
static int tap, control, server;
static uint16_t server_port;
static pid_t pid;

/* by how much the time of the stack is ahead of that of the machine, in seconds */
static atomic_int *ahead;

/* in the place of libc's */
int clock_gettime(clockid_t clock, struct timespec *ret)
{
	const long r = syscall(SYS_clock_gettime, clock, ret);

	if (ahead)
		ret->tv_sec += *ahead;
	return (int)r;
}

static void start(void)
{
	struct slirp_config cfg = { .net = make_plan(true),
				    .direct = true,
				    .udp_ports_max = PORTS };
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int taps[2], controls[2];

	memcpy(cfg.tap_mac, guest_mac, NET_MAC_LEN);
	server = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(server, (struct sockaddr *)&a, len), 0);
	ck_assert_int_eq(getsockname(server, (struct sockaddr *)&a, &len), 0);
	server_port = ntohs(a.sin_port);
	ck_assert_int_eq(msg_pair(controls), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, taps), 0);
	pid = fork();
	if (pid == 0) {
		struct stack *s = NULL;
		struct err err = { 0 };
		int r;

		log_init(LOG_STYLE_OURS, "slirp", false);
		close(taps[0]);
		close(controls[0]);
		r = stack_new(&cfg, taps[1], 0, &s, &err);
		if (r == 0)
			r = stack_run(s, controls[1], &err);
		stack_free(s);
		_exit(r < 0);
	}
	close(taps[1]);
	close(controls[1]);
	tap = taps[0];
	control = controls[0];
}

static void stop(void)
{
	int status;

	close(control);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	close(tap);
	close(server);
}

/* the stack begins a new round, in which libslirp knows what time it is */
static void next_round(void)
{
	struct msg m = { 0 };

	ck_assert_int_eq(
		msg_send(control, &worker_proto, WORKER_PING, &(struct msg_empty){ 0 }, NULL, 0),
		0);
	ck_assert_int_eq(
		msg_recv_within(control, &worker_proto, ROLE_SLIRP, WORKER_UP, WAIT_MS, &m), 1);
	ck_assert_int_eq(m.type, WORKER_PONG);
}

/* a datagram of the guest's port, again until it gets through; the host's port that it came from */
static in_port_t speak(uint16_t port)
{
	struct pollfd p = { .fd = server, .events = POLLIN };
	const uint64_t end = clock_ms() + WAIT_MS;
	struct sockaddr_in from = { 0 };
	static uint32_t last;
	uint32_t first = last + 1, heard = 0;

	next_round();
	while (heard < first) { /* those before are late ones */
		socklen_t len = sizeof(from);
		size_t n;

		ck_assert_uint_lt(clock_ms(), end);
		last++;
		n = make_udp(buf, GUEST, port, "10.0.2.2", server_port, &last, sizeof(last));
		ck_assert_int_eq(write(tap, buf, n), (ssize_t)n);
		while (heard < first && poll(&p, 1, 50) == 1)
			ck_assert_int_eq(recvfrom(server, &heard, sizeof(heard), 0,
						  (struct sockaddr *)&from, &len),
					 sizeof(heard));
	}
	return from.sin_port;
}

/* two flows, and a minute passes. Two more, as well. Then a third pair and more; the ninth flow
 * takes the place of the first two, and a second later the 11th that of the next. Do the third two
 * live? */
static bool young_ones_live(void)
{
	in_port_t third[2];
	bool live = true;

	for (uint16_t port = 1; port <= 4; port++) {
		speak(port);
		*ahead += port % 2 ? 0 : 60;
	}
	for (int i = 0; i < 2; i++)
		third[i] = speak((uint16_t)(5 + i));
	for (uint16_t port = 7; port <= 10; port++)
		speak(port);
	*ahead += 1;
	speak(11);
	for (int i = 0; i < 2; i++)
		live = live && speak((uint16_t)(5 + i)) == third[i];
	return live;
}

/* flows are told apart by a hash with a random seed: the next stack has another one */
START_TEST(those_that_were_silent_the_longest_make_room_each_time)
{
	bool live = false;

	ahead = mmap(NULL, sizeof(*ahead), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	ck_assert_ptr_ne(ahead, MAP_FAILED);
	for (int i = 0; i < TRIES && !live; i++) {
		start();
		live = young_ones_live();
		stop();
	}
	ck_assert(live);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("slirp_room");
	TCase *c = tcase_create("slirp_room");
	SRunner *r = srunner_create(s);
	int failed;

	suite_add_tcase(s, c);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, those_that_were_silent_the_longest_make_room_each_time);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
