// SPDX-License-Identifier: Apache-2.0
/* test_relay_forward.c - published TCP ports of a live relay: bytes, ends, limits, faults */
#include <dirent.h>
#include <time.h>

#include "tests/unit/test_relay_rig.h"
#include "tests/unit/test_relay_stream.h"

#define NCROWD 500
#define NSLOW 48 /* more than there are pipes and buffers for what slow readers leave */
#define MIB (1024 * 1024)

static struct rig rig;

struct published {
	int listener; /* the parent's duplicate */
	int server;   /* listener in the child */
	uint16_t port;
	uint32_t id;
};

static void start(void)
{
	rig_start(&rig);
}

static void stop(void)
{
	rig_stop(&rig);
}

static struct net_addr target(uint16_t port)
{
	return (struct net_addr){ .family = AF_INET, .port = port, .addr = { 127, 0, 0, 1 } };
}

/* one target or two; port 0 is none */
static struct published publish(uint32_t id, uint16_t first, uint16_t second)
{
	struct published p = { .listener = host_socket(SOCK_STREAM), .server = -1, .id = id };
	struct worker_port spec = { .id = id,
				    .protocol = IPPROTO_TCP,
				    .ntargets = second ? 2 : 1,
				    .target = { target(first), target(second) } };

	ck_assert_int_eq(listen(p.listener, 1024), 0);
	p.port = port_of(p.listener);
	ck_assert_int_eq(
		msg_send(rig.control, &worker_proto, WORKER_PORT_ADD, &spec, &p.listener, 1), 0);
	return p;
}

static struct published publish_server(uint32_t id)
{
	int server = child_listener(&rig);
	struct published p = publish(id, port_of(server), 0);

	p.server = server;
	return p;
}

static int connect_to(uint16_t port)
{
	struct sockaddr_in a = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

static int accept_in_child(int server)
{
	int fd;

	ck_assert(ready_within(server, POLLIN, WAIT_MS));
	fd = accept4(server, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	return fd;
}

/* one read; -errno, 0 at the end */
static ssize_t get(int fd, void *buf, size_t len)
{
	ssize_t n;

	ck_assert(ready_within(fd, POLLIN, WAIT_MS));
	n = recv(fd, buf, len, 0);
	return n < 0 ? -errno : n;
}

static void put(int fd, const void *buf, size_t len)
{
	ck_assert_int_eq(send(fd, buf, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void echo_once(int a, int b)
{
	char c = 'x';

	put(a, &c, 1);
	ck_assert_int_eq(get(b, &c, 1), 1);
	put(b, &c, 1);
	ck_assert_int_eq(get(a, &c, 1), 1);
}

/* a connection that works; stays open */
static void open_one(const struct published *p)
{
	int client = connect_to(p->port);

	echo_once(client, accept_in_child(p->server));
}

static unsigned nfds(pid_t pid)
{
	char path[64];
	unsigned n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

static bool nfds_become(unsigned most)
{
	for (int i = 0; i < 1000 && nfds(rig.relay) > most; i++)
		usleep(10 * 1000);
	return nfds(rig.relay) <= most;
}

static uint64_t cpu_ms(pid_t pid)
{
	struct timespec ts = { 0 };
	clockid_t clock;

	ck_assert_int_eq(clock_getcpuclockid(pid, &clock), 0);
	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* --- bytes --------------------------------------------------------------------------------- */

static const struct {
	size_t total, there, back;
} chunks[] = { { 20 * 1000, 7, 11 },
	       { 2 * MIB, 1500, 9000 },
	       { 24 * MIB, 256 * 1024, 256 * 1024 },
	       { 8 * MIB, 200 * 1024, 3000 } };

START_TEST(bytes_arrive_unchanged_both_ways)
{
	struct published p = publish_server(1);
	int client = connect_to(p.port), server = accept_in_child(p.server);
	struct stream s[2] = {
		{ client, server, chunks[_i].total, 0, 0, chunks[_i].there, 5 },
		{ server, client, chunks[_i].total, 0, 0, chunks[_i].back, 99 },
	};

	run_streams(s, 2);
}
END_TEST

/* --- ends --------------------------------------------------------------------------------- */

START_TEST(a_half_closed_flow_goes_on_and_rests)
{
	struct published p = publish_server(1);
	int client = connect_to(p.port), server = accept_in_child(p.server);
	int first = _i ? server : client, second = _i ? client : server;
	struct stream up = { first, second, MIB, 0, 0, 100 * 1000, 1 };
	struct stream down = { second, first, MIB, 0, 0, 100 * 1000, 2 };
	uint64_t cpu;
	char c;

	run_streams(&up, 1);
	shutdown(first, SHUT_WR);
	ck_assert_int_eq(get(second, &c, 1), 0);
	cpu = cpu_ms(rig.relay);
	usleep(100 * 1000);
	ck_assert_uint_lt(cpu_ms(rig.relay) - cpu, 50); /* no busy loop */
	run_streams(&down, 1);
	close(second);
	ck_assert_int_eq(get(first, &c, 1), 0);
}
END_TEST

START_TEST(data_before_the_end_is_not_lost)
{
	static char sent[100 * 1000], got[sizeof(sent)];
	struct published p = publish_server(1);
	int client = connect_to(p.port), server = accept_in_child(p.server);
	ssize_t n = 0;

	memset(sent, 'd', sizeof(sent));
	put(client, sent, sizeof(sent));
	close(client); /* bytes and end come in one event */
	for (ssize_t r = 1; r > 0; n += r)
		r = get(server, got + n, sizeof(got) - (size_t)n);
	ck_assert_int_eq(n, sizeof(sent));
	ck_assert_int_eq(memcmp(sent, got, sizeof(sent)), 0);
}
END_TEST

START_TEST(a_reset_is_passed_on)
{
	const struct linger now = { 1, 0 };
	struct published p = publish_server(1);
	int client = connect_to(p.port), server = accept_in_child(p.server);
	int first = _i ? server : client, second = _i ? client : server;
	char c;

	echo_once(client, server);
	setsockopt(first, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(first);
	ck_assert_int_eq(get(second, &c, 1), -ECONNRESET);
}
END_TEST

/* --- targets ------------------------------------------------------------------------------ */

START_TEST(the_second_target_is_tried_when_the_first_refuses)
{
	int nobody = child_socket(&rig, SOCK_STREAM), server = child_listener(&rig);
	struct published p = publish(7, port_of(nobody), port_of(server));
	int client = connect_to(p.port);

	echo_once(client, accept_in_child(server));
}
END_TEST

START_TEST(a_client_is_reset_when_every_target_refuses)
{
	int nobody = child_socket(&rig, SOCK_STREAM);
	struct published p = publish(7, port_of(nobody), port_of(nobody));
	int client = connect_to(p.port);
	char c;

	ck_assert_int_eq(get(client, &c, 1), -ECONNRESET);
}
END_TEST

/* --- limits ------------------------------------------------------------------------------- */

START_TEST(five_hundred_at_once_leave_nothing_behind)
{
	static int client[NCROWD], server[NCROWD];
	struct published p = publish_server(1);
	unsigned before;

	open_one(&p);
	before = nfds(rig.relay);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < NCROWD; i++)
			client[i] = connect_to(p.port);
		for (int i = 0; i < NCROWD; i++)
			server[i] = accept_in_child(p.server);
		for (int i = 0; i < NCROWD; i++) {
			char c = 'x';

			put(client[i], &c, 1);
			ck_assert_int_eq(get(server[i], &c, 1), 1); /* in the order of accept */
		}
		for (int i = 0; i < NCROWD; i++) {
			close(round ? client[i] : server[i]);
			close(round ? server[i] : client[i]);
		}
		ck_assert(nfds_become(before + 80)); /* the pool may be fuller than it was */
	}
}
END_TEST

struct crowd {
	int client[100], server[100], n, served;
};

/* some are served at once, the others wait without anything spinning */
static void crowd_connect(struct crowd *c, const struct published *p, int n, int most)
{
	uint64_t cpu;

	*c = (struct crowd){ .n = n };
	for (int i = 0; i < n; i++)
		c->client[i] = connect_to(p->port);
	while (c->served < n && ready_within(p->server, POLLIN, 150))
		c->server[c->served++] = accept_in_child(p->server);
	ck_assert_int_gt(c->served, 0);
	ck_assert_int_le(c->served, most);
	cpu = cpu_ms(rig.relay);
	usleep(100 * 1000);
	ck_assert_uint_lt(cpu_ms(rig.relay) - cpu, 50);
}

START_TEST(a_low_limit_makes_clients_wait)
{
	struct published p;
	struct crowd c;

	rig = (struct rig){ .nofile = 64 };
	start();
	p = publish_server(1);
	crowd_connect(&c, &p, 40, 30);
	for (int done = 0; done < c.n; done++) { /* each that ends makes room; nobody is lost */
		if (done == c.served)
			c.server[c.served++] = accept_in_child(p.server);
		close(c.server[done]);
		close(c.client[done]);
	}
	stop();
}
END_TEST

START_TEST(a_full_descriptor_table_is_survived)
{
	struct published p = publish_server(1), second;
	struct rlimit low = { 0, 0 }, old;
	struct crowd c;

	open_one(&p);
	low.rlim_cur = low.rlim_max = nfds(rig.relay) + 10;
	ck_assert_int_eq(prlimit(rig.relay, RLIMIT_NOFILE, NULL, &old), 0);
	low.rlim_max = old.rlim_max;
	ck_assert_int_eq(prlimit(rig.relay, RLIMIT_NOFILE, &low, NULL), 0);
	crowd_connect(&c, &p, 90, 89);
	for (int i = 0; i < c.n; i++)
		close(c.client[i]);
	ck_assert_int_eq(prlimit(rig.relay, RLIMIT_NOFILE, &old, NULL), 0);
	second = publish_server(2);
	open_one(&second);
}
END_TEST

static unsigned long resident_kib(pid_t pid)
{
	char path[64], line[128];
	unsigned long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "VmRSS: %lu", &kib) == 1)
			break;
	}
	if (f)
		fclose(f);
	return kib;
}

START_TEST(slow_readers_hold_little)
{
	static struct stream s[NSLOW];
	struct published p = publish_server(1);
	const int small = 4096;
	unsigned long before;
	uint64_t end;

	setsockopt(p.server, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	for (int i = 0; i < NSLOW; i++) {
		int client = connect_to(p.port);

		s[i] = (struct stream){
			client, accept_in_child(p.server), SIZE_MAX, 0, 0, 200 * 1000, (uint32_t)i
		};
	}
	before = resident_kib(rig.relay);
	end = clock_ms() + 200;
	for (int i = 0; clock_ms() < end; i = (i + 1) % NSLOW) {
		if (ready_within(s[i].from, POLLOUT, 0))
			stream_send(&s[i]);
	}
	ck_assert_uint_lt(resident_kib(rig.relay) - before, 4096);
	for (int i = 0; i < NSLOW; i++) {
		s[i].total = s[i].sent;
		run_streams(&s[i], 1);
	}
}
END_TEST

/* --- urgent data -------------------------------------------------------------------------- */

START_TEST(an_urgent_byte_keeps_its_place)
{
	static char buf[600 * 1000];
	const size_t lead = _i ? sizeof(buf) : 3; /* by splice, by copying */
	struct published p = publish_server(1);
	int client = connect_to(p.port), server = accept_in_child(p.server);
	const int on = 1;
	int mark = 0;
	size_t n = 0;

	setsockopt(server, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
	for (size_t sent = 0; sent < lead;) {
		ssize_t r = send(client, buf, lead - sent, MSG_NOSIGNAL);

		sent += r > 0 ? (size_t)r : 0;
		if (r < 0) { /* make room */
			ck_assert(errno == EAGAIN);
			n += (size_t)get(server, buf, sizeof(buf));
		}
	}
	ck_assert_int_eq(send(client, "!", 1, MSG_OOB), 1);
	ck_assert_int_eq(send(client, "rest", 4, 0), 4);
	while (n < lead)
		n += (size_t)get(server, buf, sizeof(buf));
	ck_assert_uint_eq(n, lead);
	ck_assert(ready_within(server, POLLPRI, WAIT_MS));
	ck_assert_int_eq(ioctl(server, SIOCATMARK, &mark), 0);
	ck_assert_int_eq(mark, 1);
	ck_assert_int_eq(get(server, buf, 1), 1);
	ck_assert_int_eq(buf[0], '!');
	ck_assert_int_eq(get(server, buf, 10), 4);
	echo_once(client, server);
}
END_TEST

/* --- removal and faults ------------------------------------------------------------------- */

static void remove_port(uint32_t id)
{
	const struct worker_port_remove msg = { .id = id };
	struct worker_port_id ans;
	struct msg m;

	ck_assert_int_eq(msg_send(rig.control, &worker_proto, WORKER_PORT_REMOVE, &msg, NULL, 0),
			 0);
	ck_assert_int_eq(
		msg_recv_within(rig.control, &worker_proto, ROLE_RELAY, WORKER_UP, WAIT_MS, &m), 1);
	memcpy(&ans, m.payload, sizeof(ans));
	ck_assert_int_eq(m.type, WORKER_PORT_REMOVED);
	ck_assert_uint_eq(ans.id, id);
}

START_TEST(removal_ends_the_connections_of_that_port_only)
{
	struct published gone = publish_server(3), stays = publish_server(4);
	int a = connect_to(gone.port), b = accept_in_child(gone.server);
	int c = connect_to(stays.port), d = accept_in_child(stays.server);
	struct sockaddr_in addr = loopback(gone.port);
	int late = socket(AF_INET, SOCK_STREAM, 0);
	char x;

	echo_once(a, b);
	shutdown(gone.listener, SHUT_RDWR);
	remove_port(3);
	ck_assert_int_eq(get(a, &x, 1), -ECONNRESET);
	ck_assert_int_eq(get(b, &x, 1), -ECONNRESET);
	ck_assert_int_lt(connect(late, (struct sockaddr *)&addr, sizeof(addr)), 0);
	echo_once(c, d);
	remove_port(3);
	remove_port(12345); /* unknown ones are answered too */
}
END_TEST

START_TEST(a_port_may_be_gone_before_it_is_seen)
{
	struct published p = { .listener = host_socket(SOCK_STREAM) };
	struct worker_port spec = {
		.id = 5, .protocol = IPPROTO_TCP, .ntargets = 1, .target = { target(9) }
	};

	ck_assert_int_eq(listen(p.listener, 16), 0);
	shutdown(p.listener, SHUT_RDWR);
	ck_assert_int_eq(
		msg_send(rig.control, &worker_proto, WORKER_PORT_ADD, &spec, &p.listener, 1), 0);
	remove_port(5);
	p = publish_server(6); /* the worker lives */
	open_one(&p);
}
END_TEST

START_TEST(without_agent_open_flows_go_on_and_new_ones_are_reset)
{
	struct published p = publish_server(1);
	int client = connect_to(p.port), server = accept_in_child(p.server), late;
	char c;

	echo_once(client, server);
	kill(rig.agent, SIGKILL);
	waitpid(rig.agent, NULL, 0);
	usleep(50 * 1000);
	late = connect_to(p.port);
	ck_assert_int_eq(get(late, &c, 1), -ECONNRESET);
	echo_once(client, server);
}
END_TEST

START_TEST(sockets_of_our_own_netns_are_refused)
{
	int bait = host_socket(SOCK_STREAM);
	struct published p;
	char c;

	rig = (struct rig){ .lying = LIE_HOST };
	start();
	ck_assert_int_eq(listen(bait, 1), 0);
	p = publish(1, port_of(bait), 0);
	ck_assert_int_eq(get(connect_to(p.port), &c, 1), -ECONNRESET);
	ck_assert(!ready_within(bait, POLLIN, 50));
	stop();
}
END_TEST

/* each by itself: what came is closed, and the relay lives */
START_TEST(other_descriptors_are_refused)
{
	struct published p;
	unsigned before;
	char c;

	rig = (struct rig){ .lying = (enum lie)_i };
	start();
	p = publish_server(1);
	ck_assert_int_eq(get(connect_to(p.port), &c, 1), -ECONNRESET);
	ck_assert(nfds_become(SOCKPOOL_BATCH_MAX - 1)); /* none of them is in stock */
	usleep(50 * 1000);
	before = nfds(rig.relay);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(get(connect_to(p.port), &c, 1), -ECONNRESET);
	ck_assert(nfds_become(before));
	ck_assert(!ready_within(p.server, POLLIN, 0));
	stop();
}
END_TEST

/* the first row works; the second shows that there was something to survive */
START_TEST(answers_to_the_relay_before_are_taken_as_stock)
{
	struct published p;
	unsigned before;
	char c;

	rig = (struct rig){ .left_over = _i == 0 ? 1 : -1 };
	start();
	p = publish_server(1);
	if (_i == 0) {
		open_one(&p);
		usleep(100 * 1000);
		before = nfds(rig.relay);
		for (int i = 0; i < 200; i++) {
			int client = connect_to(p.port);

			close(accept_in_child(p.server));
			close(client);
		}
		open_one(&p);
		ck_assert(nfds_become(before + SOCKPOOL_BATCH_MAX));
	} else {
		ck_assert_int_eq(get(connect_to(p.port), &c, 1), -ECONNRESET);
	}
	stop();
}
END_TEST

static void ping(void)
{
	struct msg m;

	ck_assert_int_eq(msg_send(rig.control, &worker_proto, WORKER_PING, &(struct msg_empty){ 0 },
				  NULL, 0),
			 0);
	ck_assert_int_eq(
		msg_recv_within(rig.control, &worker_proto, ROLE_RELAY, WORKER_UP, WAIT_MS, &m), 1);
	ck_assert_int_eq(m.type, WORKER_PONG);
}

START_TEST(a_ping_is_answered)
{
	for (int i = 0; i < 3; i++)
		ping();
}
END_TEST

static void send_when_there_is_room(uint16_t type, const void *payload)
{
	int r;

	do
		r = msg_send(rig.control, &worker_proto, type, payload, NULL, 0);
	while (r == -EAGAIN && usleep(1000) == 0);
	ck_assert_int_eq(r, 0);
}

/* the relay lives, which stop() looks at */
START_TEST(a_parent_that_does_not_read_loses_answers)
{
	struct msg m;

	for (int i = 0; i < 2000; i++)
		send_when_there_is_room(WORKER_PING, &(struct msg_empty){ 0 });
	ck_assert_int_eq(
		msg_recv_within(rig.control, &worker_proto, ROLE_RELAY, WORKER_UP, WAIT_MS, &m), 1);
	ck_assert_int_eq(m.type, WORKER_PONG);
}
END_TEST

/* the socket is full of what may be lost; a removal is not, and is told in the end */
START_TEST(a_parent_that_does_not_read_loses_no_removal)
{
	const unsigned first = 5000, n = 20;
	unsigned told = 0;
	struct msg m;

	for (int i = 0; i < 1000; i++)
		send_when_there_is_room(WORKER_PING, &(struct msg_empty){ 0 });
	for (unsigned i = 0; i < n; i++)
		send_when_there_is_room(WORKER_PORT_REMOVE,
					&(struct worker_port_remove){ .id = first + i });
	while (told < n) {
		const struct worker_port_id *id = (const void *)m.payload;

		ck_assert_int_eq(msg_recv_within(rig.control, &worker_proto, ROLE_RELAY, WORKER_UP,
						 WAIT_MS, &m),
				 1);
		if (m.type == WORKER_PORT_REMOVED)
			ck_assert_uint_eq(id->id, first + told++);
		else
			ck_assert_int_eq(m.type, WORKER_PONG);
	}
	ping(); /* it reads again */
}
END_TEST

START_TEST(a_wrong_message_ends_the_worker_with_its_reason)
{
	autoclose int udp = host_socket(SOCK_DGRAM);
	struct worker_port spec = { .id = 1, .protocol = IPPROTO_UDP, .ntargets = 1 };
	struct msg m;
	int status;

	start();
	msg_send(rig.control, &worker_proto, WORKER_PORT_ADD, &spec, &udp, 1);
	ck_assert_int_eq(
		msg_recv_within(rig.control, &worker_proto, ROLE_RELAY, WORKER_UP, WAIT_MS, &m), 1);
	ck_assert_int_eq(m.type, WORKER_FAILED);
	ck_assert_int_eq(waitpid(rig.relay, &status, 0), rig.relay);
	ck_assert_int_eq(WEXITSTATUS(status), 1);
	kill(rig.agent, SIGKILL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("relay_forward");
	TCase *c = tcase_create("forward"), *own = tcase_create("own_rig");

	tcase_set_timeout(c, 30);
	tcase_add_checked_fixture(c, start, stop);
	tcase_add_loop_test(c, bytes_arrive_unchanged_both_ways, 0, ARRAY_SIZE(chunks));
	tcase_add_loop_test(c, a_half_closed_flow_goes_on_and_rests, 0, 2);
	tcase_add_test(c, data_before_the_end_is_not_lost);
	tcase_add_loop_test(c, a_reset_is_passed_on, 0, 2);
	tcase_add_test(c, the_second_target_is_tried_when_the_first_refuses);
	tcase_add_test(c, a_client_is_reset_when_every_target_refuses);
	tcase_add_test(c, five_hundred_at_once_leave_nothing_behind);
	tcase_add_test(c, a_full_descriptor_table_is_survived);
	tcase_add_test(c, slow_readers_hold_little);
	tcase_add_loop_test(c, an_urgent_byte_keeps_its_place, 0, 2);
	tcase_add_test(c, removal_ends_the_connections_of_that_port_only);
	tcase_add_test(c, a_port_may_be_gone_before_it_is_seen);
	tcase_add_test(c, without_agent_open_flows_go_on_and_new_ones_are_reset);
	tcase_add_test(c, a_ping_is_answered);
	tcase_add_test(c, a_parent_that_does_not_read_loses_answers);
	tcase_add_test(c, a_parent_that_does_not_read_loses_no_removal);
	suite_add_tcase(s, c);
	tcase_add_test(own, a_low_limit_makes_clients_wait);
	tcase_add_loop_test(own, answers_to_the_relay_before_are_taken_as_stock, 0, 2);
	tcase_add_test(own, sockets_of_our_own_netns_are_refused);
	tcase_add_loop_test(own, other_descriptors_are_refused, LIE_LISTENER, NLIES);
	tcase_add_test(own, a_wrong_message_ends_the_worker_with_its_reason);
	suite_add_tcase(s, own);
	return run_suite(s);
}
