// SPDX-License-Identifier: Apache-2.0
/* test_relay_udp.c - published UDP ports of a live relay: clients, targets, sizes, limits, floods
 */
#include <dirent.h>
#include <netinet/udp.h>
#include <time.h>

#include "lib/relay/udpflow.h"
#include "tests/unit/test_relay_rig.h"

#define BIG 65507
#define NFLOOD 20000
#define NASKED 200
#define BASE_FDS 200 /* a relay without clients has less, its stock of sockets included */

static struct rig rig;
static char big[BIG], seen[BIG + 1];
static struct sockaddr_in from; /* of the last datagram that server_gets() saw */

struct published {
	int sock; /* the parent's duplicate */
	uint16_t port;
	uint32_t id;
};

static void start(void)
{
	rig = (struct rig){ 0 };
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
	struct published p = { .sock = host_socket(SOCK_DGRAM), .id = id };
	struct worker_port spec = { .id = id,
				    .protocol = IPPROTO_UDP,
				    .ntargets = second ? 2 : 1,
				    .target = { target(first), target(second) } };
	int on = 1;

	p.port = port_of(p.sock);
	setsockopt(p.sock, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	setsockopt(p.sock, IPPROTO_UDP, UDP_GRO, &on, sizeof(on));
	ck_assert_int_eq(msg_send(rig.control, &worker_proto, WORKER_PORT_ADD, &spec, &p.sock, 1),
			 0);
	return p;
}

/* the same, with what else the parent may say */
static struct published publish_as(struct worker_port spec)
{
	struct published p = { .sock = host_socket(SOCK_DGRAM), .id = spec.id };

	p.port = port_of(p.sock);
	spec.protocol = IPPROTO_UDP;
	spec.ntargets = 1;
	ck_assert_int_eq(msg_send(rig.control, &worker_proto, WORKER_PORT_ADD, &spec, &p.sock, 1),
			 0);
	return p;
}

static int client_of(const struct published *p)
{
	struct sockaddr_in a = loopback(p->port);
	int fd = host_socket(SOCK_DGRAM);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static void say(int fd, const void *data, size_t len)
{
	ck_assert_int_eq(send(fd, data, len, 0), (ssize_t)len);
}

/* bytes, or -1 when nothing comes in time; they are in seen[] */
static ssize_t server_gets(int server, int timeout_ms)
{
	socklen_t len = sizeof(from);

	if (!ready_within(server, POLLIN, timeout_ms))
		return -1;
	return recvfrom(server, seen, sizeof(seen), 0, (struct sockaddr *)&from, &len);
}

static void server_says(int server, const void *data, size_t len)
{
	ck_assert_int_eq(sendto(server, data, len, 0, (struct sockaddr *)&from, sizeof(from)),
			 (ssize_t)len);
}

static void client_gets(int client, const void *data, size_t len)
{
	ck_assert(ready_within(client, POLLIN, WAIT_MS));
	ck_assert_int_eq(recv(client, seen, sizeof(seen), 0), (ssize_t)len);
	ck_assert_int_eq(memcmp(seen, data, len), 0);
}

static void echo(int client, int server, const void *data, size_t len)
{
	say(client, data, len);
	ck_assert_int_eq(server_gets(server, WAIT_MS), (ssize_t)len);
	server_says(server, seen, len);
	client_gets(client, data, len);
}

/* the same; "lost" may come before it, from a relay that was slow to see that nobody listened */
static void echo_behind_lost(int client, int server, const void *data, size_t len)
{
	ssize_t n;

	say(client, data, len);
	do
		n = server_gets(server, WAIT_MS);
	while (n == 4 && memcmp(seen, "lost", 4) == 0);
	ck_assert_int_eq(n, (ssize_t)len);
	server_says(server, seen, len);
	client_gets(client, data, len);
}

static unsigned nfds(void)
{
	char path[64];
	unsigned n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)rig.relay);
	d = opendir(path);
	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

static uint64_t cpu_ms(void)
{
	struct timespec ts = { 0 };
	clockid_t clock;

	clock_getcpuclockid(rig.relay, &clock);
	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

START_TEST(answers_go_to_who_asked)
{
	int server = child_socket(&rig, SOCK_DGRAM), a, b;
	struct published p = publish(1, port_of(server), 0);
	struct sockaddr_in from_a, from_b;

	a = client_of(&p);
	b = client_of(&p);
	say(a, "from a", 6);
	ck_assert_int_eq(server_gets(server, WAIT_MS), 6);
	from_a = from;
	say(b, "from b", 6);
	ck_assert_int_eq(server_gets(server, WAIT_MS), 6);
	from_b = from;
	ck_assert_int_ne(from_a.sin_port, from_b.sin_port);
	server_says(server, "to b", 4);
	client_gets(b, "to b", 4);
	from = from_a;
	server_says(server, "to a", 4);
	client_gets(a, "to a", 4);
	say(a, "again", 5); /* a client keeps its port */
	ck_assert_int_eq(server_gets(server, WAIT_MS), 5);
	ck_assert_int_eq(from.sin_port, from_a.sin_port);
}
END_TEST

START_TEST(the_answer_leaves_from_the_address_that_was_hit)
{
	int server = child_socket(&rig, SOCK_DGRAM), client = host_socket(SOCK_DGRAM), on = 1;
	struct published p = { .sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) };
	struct worker_port spec = { .id = 1,
				    .protocol = IPPROTO_UDP,
				    .ntargets = 1,
				    .target = { target(port_of(server)) } };
	struct sockaddr_in any = { .sin_family = AF_INET }, to;

	setsockopt(p.sock, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	ck_assert_int_eq(bind(p.sock, (struct sockaddr *)&any, sizeof(any)), 0);
	ck_assert_int_eq(msg_send(rig.control, &worker_proto, WORKER_PORT_ADD, &spec, &p.sock, 1),
			 0);
	to = loopback(port_of(p.sock));
	for (uint32_t host = 1; host < 5; host++) {
		to.sin_addr.s_addr = htonl(0x7f000000 + host * 0x010203);
		ck_assert_int_eq(sendto(client, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
		ck_assert_int_eq(server_gets(server, WAIT_MS), 1);
		server_says(server, "y", 1);
		ck_assert_int_eq(server_gets(client, WAIT_MS), 1);
		ck_assert_uint_eq(from.sin_addr.s_addr, to.sin_addr.s_addr);
		ck_assert_uint_eq(from.sin_port, to.sin_port);
	}
}
END_TEST

START_TEST(all_sizes_pass)
{
	static const size_t sizes[] = { 0, 1, 0, 0, 1472, 2028, 2029, 65000, BIG, 0 };
	int server = child_socket(&rig, SOCK_DGRAM);
	struct published p = publish(1, port_of(server), 0);
	int client = client_of(&p);
	uint64_t cpu;

	for (size_t i = 0; i < BIG; i++)
		big[i] = (char)(i * 7 + i / 251);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		echo(client, server, big, sizes[i]);
	cpu = cpu_ms();
	usleep(100 * 1000);
	ck_assert_uint_le(cpu_ms() - cpu, 30); /* nothing spins */
}
END_TEST

/* the traffic class of what comes to @fd next */
static int class_at(int fd)
{
	struct iovec v = { seen, sizeof(seen) };
	union {
		struct cmsghdr header;
		uint8_t data[CMSG_SPACE(1)];
	} control;
	struct msghdr h = { .msg_name = &from,
			    .msg_namelen = sizeof(from),
			    .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	const struct cmsghdr *c;

	ck_assert(ready_within(fd, POLLIN, WAIT_MS));
	ck_assert_int_ge(recvmsg(fd, &h, 0), 0);
	c = CMSG_FIRSTHDR(&h);
	return c && c->cmsg_type == IP_TOS ? *CMSG_DATA(c) : -1;
}

/* what @here sends with @tos comes so @there; NULL: it is connected */
static void class_passes(int here, const struct sockaddr_in *to, int there, int tos)
{
	setsockopt(here, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	ck_assert_int_eq(sendto(here, "x", 1, 0, (const struct sockaddr *)to, to ? sizeof(*to) : 0),
			 1);
	ck_assert_int_eq(class_at(there), tos);
}

START_TEST(the_traffic_class_passes_both_ways)
{
	int server = child_socket(&rig, SOCK_DGRAM), on = 1;
	struct published p = publish(1, port_of(server), 0);
	int client = client_of(&p);

	setsockopt(server, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on));
	setsockopt(client, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on));
	echo(client, server, "first", 5);         /* it may have been held, which it is without */
	for (int tos = 0; tos < 256; tos += 17) { /* all marks of ECN among them */
		class_passes(client, NULL, server, tos);
		class_passes(server, &from, client, 255 - tos);
	}
}
END_TEST

START_TEST(the_second_target_gets_what_the_first_refused)
{
	int server = child_socket(&rig, SOCK_DGRAM), gone = child_socket(&rig, SOCK_DGRAM);
	struct published p = publish(1, port_of(gone), port_of(server));
	int client = client_of(&p);
	char text[8];

	close(gone);
	for (int i = 0; i < 6; i++) {
		snprintf(text, sizeof(text), "%d", i);
		say(client, text, 1);
	}
	for (int i = 0; i < 6; i++) { /* all of them, in order, once */
		snprintf(text, sizeof(text), "%d", i);
		ck_assert_int_eq(server_gets(server, WAIT_MS), 1);
		ck_assert_int_eq(seen[0], text[0]);
	}
	ck_assert_int_eq(server_gets(server, 20), -1);
	server_says(server, "y", 1);
	client_gets(client, "y", 1);
	memset(big, 'z', BIG);
	echo(client_of(&p), server, big, BIG);
}
END_TEST

/* the refusal of the first is met by the second, in the round in which epoll tells of it */
START_TEST(a_refusal_that_is_met_twice_is_one)
{
	int server = child_socket(&rig, SOCK_DGRAM), gone = child_socket(&rig, SOCK_DGRAM);
	struct published p = publish(1, port_of(gone), port_of(server));
	struct published plain = publish(2, port_of(server), 0);
	int client = client_of(&p), status;

	close(gone);
	echo(client_of(&plain), server, "x", 1); /* the stock of sockets is there now */
	kill(rig.relay, SIGSTOP);
	ck_assert_int_eq(waitpid(rig.relay, &status, WUNTRACED), rig.relay);
	say(client, "1", 1);
	say(client, "2", 1);
	kill(rig.relay, SIGCONT);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(server_gets(server, WAIT_MS), 1);
		ck_assert_int_eq(seen[0], '1' + i);
	}
	server_says(server, "y", 1);
	client_gets(client, "y", 1);
}
END_TEST

/* @len bytes in datagrams of @size, by one call */
static void say_bundle(int fd, const char *data, size_t len, int size)
{
	ck_assert_int_eq(setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)), 0);
	say(fd, data, len);
	size = 0;
	ck_assert_int_eq(setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)), 0);
}

static void gets_apart(int fd, const char *data, size_t len, size_t size)
{
	for (size_t at = 0; at < len; at += size) {
		const size_t want = len - at < size ? len - at : size;

		ck_assert_int_eq(server_gets(fd, WAIT_MS), (ssize_t)want);
		ck_assert_int_eq(memcmp(seen, data + at, want), 0);
	}
}

START_TEST(a_bundle_is_cut_as_it_was)
{
	static const struct {
		size_t len;
		int size;
	} rows[] = { { 40 * 1400, 1400 }, { 40 * 1400 + 1, 1400 }, { 64, 1 }, { 127, 2 } };
	int server = child_socket(&rig, SOCK_DGRAM), gone = child_socket(&rig, SOCK_DGRAM);
	struct published p = publish(1, port_of(gone), port_of(server));
	int client = client_of(&p);

	close(gone);
	for (size_t i = 0; i < BIG; i++)
		big[i] = (char)(i * 7 + i / 251);
	say_bundle(client, big, UDPHOLD_DATAGRAMS * 100 - 1, 100); /* held, and refused by one */
	gets_apart(server, big, UDPHOLD_DATAGRAMS * 100 - 1, 100);
	ck_assert_int_eq(connect(server, (struct sockaddr *)&from, sizeof(from)), 0);
	say(server, "y", 1);
	client_gets(client, "y", 1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		say_bundle(client, big, rows[i].len, rows[i].size);
		gets_apart(server, big, rows[i].len, (size_t)rows[i].size);
		say_bundle(server, big, rows[i].len, rows[i].size);
		gets_apart(client, big, rows[i].len, (size_t)rows[i].size);
	}
	close(server); /* what is refused now is refused in bundles */
	for (int i = 0; i < 5; i++)
		say_bundle(client, big, 5000, 100);
	ck_assert(!ready_within(client, POLLIN, 20));
}
END_TEST

START_TEST(a_server_that_comes_back_is_found_at_once)
{
	int server = child_socket(&rig, SOCK_DGRAM), other = child_socket(&rig, SOCK_DGRAM);
	struct sockaddr_in first = loopback(port_of(server)), second = loopback(port_of(other));
	struct published two = publish(1, port_of(server), port_of(other));
	struct published one = publish(2, port_of(server), 0);
	int a = client_of(&two), b = client_of(&one);

	close(other);
	echo(a, server, "a1", 2);
	echo(b, server, "b1", 2);
	close(server);
	for (int i = 0; i < 5; i++) { /* nobody listens: silence, as RootlessKit */
		say(a, "lost", 4);
		say(b, "lost", 4);
		ck_assert(!ready_within(a, POLLIN, 10) && !ready_within(b, POLLIN, 0));
	}
	server = child_socket_at(&rig, SOCK_DGRAM, &first);
	echo_behind_lost(a, server, "a2", 2);
	echo_behind_lost(b, server, "b2", 2);
	close(server);
	other = child_socket_at(&rig, SOCK_DGRAM, &second); /* it moves */
	say(a, "lost", 4); /* the client was answered, so this one is not held */
	if (server_gets(other, 50) < 0)
		echo_behind_lost(a, other, "a3", 2);
}
END_TEST

START_TEST(a_client_without_a_socket_holds_nobody_up)
{
	int server = child_socket(&rig, SOCK_DGRAM), other = child_socket(&rig, SOCK_DGRAM);
	struct published p = publish(1, port_of(server), 0), quiet = publish(2, port_of(other), 0);
	static const char said[] = "abcdefghijkl"; /* four more than are held */
	int early = client_of(&p), late;

	echo(early, server, "x", 1);
	kill(rig.agent, SIGSTOP);
	do { /* until the stock is at its end */
		late = client_of(&quiet);
		say(late, "q", 1);
		echo(early, server, "y", 1); /* which does not matter to who has a socket */
	} while (server_gets(other, 50) > 0);
	late = client_of(&p);
	for (int i = 0; i < UDPHOLD_DATAGRAMS + 4; i++)
		say(late, &said[i], 1);
	echo(early, server, "z", 1);
	kill(rig.agent, SIGCONT);
	for (int i = 4; i < UDPHOLD_DATAGRAMS + 4; i++) {
		ck_assert_int_eq(server_gets(server, WAIT_MS), 1);
		ck_assert_int_eq(seen[0], said[i]);
	}
	server_says(server, "answer", 6);
	client_gets(late, "answer", 6);
	ck_assert_int_eq(server_gets(other, WAIT_MS), 1);
}
END_TEST

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

START_TEST(a_flood_of_clients_is_bounded_and_others_are_served)
{
	int server = child_socket(&rig, SOCK_DGRAM), sink = child_socket(&rig, SOCK_DGRAM);
	struct published p = publish(1, port_of(server), 0);
	struct published flooded = publish(2, port_of(sink), port_of(server));
	struct sockaddr_in to = loopback(flooded.port), other = loopback(0);
	static uint64_t took[NASKED];
	int client = host_socket(SOCK_DGRAM);
	unsigned n = 0;

	close(client); /* a client address of its own: it has its own share */
	client = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	other.sin_addr.s_addr = htonl(0x7f000009);
	ck_assert_int_eq(bind(client, (struct sockaddr *)&other, sizeof(other)), 0);
	other = loopback(p.port);
	ck_assert_int_eq(connect(client, (struct sockaddr *)&other, sizeof(other)), 0);
	for (int i = 0; i < NFLOOD; i++) {
		int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

		sendto(fd, big, i % 100 ? 64 : BIG, 0, (struct sockaddr *)&to, sizeof(to));
		close(fd);
		if (i % (NFLOOD / NASKED) == 0) {
			uint64_t asked = now_us();

			echo(client, server, "x", 1);
			took[i / (NFLOOD / NASKED)] = now_us() - asked;
		}
	}
	for (int i = 0; i < 300 && n <= 250; i++) { /* the last ones still get their sockets */
		usleep(10 * 1000);
		n = nfds();
	}
	ck_assert_uint_gt(n, 250);
	ck_assert_uint_le(n, UDP_FLOWS_MAX / UDP_CLIENT_SHARE + 1 + BASE_FDS);
	qsort(took, NASKED, sizeof(took[0]), by_value);
	/* some ms, more where other tests run too; a stall would be seconds */
	ck_assert_uint_lt(took[NASKED * 99 / 100], 1500 * 1000);
	echo(client, server, "still the first socket", 22);
}
END_TEST

#define NTUNNELED 200
START_TEST(a_tunnel_needs_few_flows_until_somebody_answers)
{
	const struct sockaddr_in vxlan = loopback(8472);
	int server = child_socket_at(&rig, SOCK_DGRAM, &vxlan), client = -1;
	struct published p =
		publish_as((struct worker_port){ .id = 1, .target = { target(8472) } });
	unsigned ports = 0, before;
	static uint8_t known[UINT16_MAX + 1];

	client = client_of(&p);
	say(client, "x", 1); /* the stock of sockets is there now */
	ck_assert_int_eq(server_gets(server, WAIT_MS), 1);
	before = nfds();
	for (int i = 0; i < NTUNNELED; i++) {
		int fd = client_of(&p);

		say(fd, &i, sizeof(i));
		close(fd);
		ck_assert_int_eq(server_gets(server, WAIT_MS), sizeof(i));
		ck_assert_int_eq(memcmp(seen, &i, sizeof(i)), 0);
		ports += !known[ntohs(from.sin_port)];
		known[ntohs(from.sin_port)] = 1;
	}
	ck_assert_uint_ge(ports, 2);
	ck_assert_uint_le(ports, 16);
	ck_assert_uint_le(nfds(), before + 16 + SOCKPOOL_BATCH_MAX * 5 / 4);
	echo(client, server, "y", 1); /* so it is none, and each client has a flow */
	for (int i = 0; i < 20; i++) {
		client = client_of(&p);
		echo(client, server, &i, sizeof(i));
	}
}
END_TEST

/* a datagram and, with @answers, its answer; once more when the flow has ended in between */
static void talk(int client, int server, bool answers)
{
	ssize_t n;

	for (int tries = 0; tries < 100; tries++) {
		say(client, "talk", 4);
		while ((n = server_gets(server, 100)) >= 0) {
			if (!answers)
				return;
			server_says(server, seen, (size_t)n);
			if (ready_within(client, POLLIN, 100))
				return;
		}
	}
	ck_abort_msg("nothing came");
}

START_TEST(a_flow_ends_after_the_silence_of_its_port)
{
	int server = child_socket(&rig, SOCK_DGRAM), other = child_socket(&rig, SOCK_DGRAM), a, b;
	struct published brief = publish_as((struct worker_port){
		.id = 1, .target = { target(port_of(other)) }, .idle_ms = 1 });
	struct published p = publish(2, port_of(server), 0);
	struct sockaddr_in first;
	unsigned before;

	b = client_of(&p);
	echo(b, server, "b", 1);
	first = from;
	before = nfds();
	for (int i = 0; i < 240; i++) {
		a = client_of(&brief);
		talk(a, other, i % 2);
		close(a);
	}
	for (int i = 0; i < 1000 && nfds() > before + 100; i++) /* the stock may have grown */
		usleep(10 * 1000);
	ck_assert_uint_le(nfds(), before + 100);
	echo(b, server, "b", 1);
	ck_assert_int_eq(from.sin_port, first.sin_port); /* the other port's flow is there */
}
END_TEST

static void start_small(void)
{
	rig = (struct rig){ .nofile = 4096 };
	rig_start(&rig);
}

#define SMALL (4096 / 16)
START_TEST(at_the_limit_whoever_was_answered_stays)
{
	int server = child_socket(&rig, SOCK_DGRAM), client;
	struct published p = publish(1, port_of(server), 0);
	struct sockaddr_in a = loopback(0), to = loopback(p.port), first;

	client = client_of(&p);
	echo(client, server, "answered", 8);
	first = from;
	for (int i = 0; i < 2 * SMALL; i++) { /* of eight addresses, twice what there may be */
		int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

		a.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + (uint32_t)i % 8);
		ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
		ck_assert_int_eq(sendto(fd, &i, sizeof(i), 0, (struct sockaddr *)&to, sizeof(to)),
				 sizeof(i));
		ck_assert_int_eq(server_gets(server, WAIT_MS), sizeof(i));
		ck_assert_int_eq(memcmp(seen, &i, sizeof(i)), 0); /* each one is served */
		close(fd);
	}
	ck_assert_uint_ge(nfds(), SMALL);
	ck_assert_uint_le(nfds(), SMALL + BASE_FDS);
	echo(client, server, "again", 5);
	ck_assert_int_eq(from.sin_port, first.sin_port);
}
END_TEST

static void remove_port(const struct published *p)
{
	const struct worker_port_remove msg = { .id = p->id };
	struct worker_port_id id;
	struct msg m;

	ck_assert_int_eq(msg_send(rig.control, &worker_proto, WORKER_PORT_REMOVE, &msg, NULL, 0),
			 0);
	ck_assert_int_eq(
		msg_recv_within(rig.control, &worker_proto, ROLE_RELAY, WORKER_UP, WAIT_MS, &m), 1);
	ck_assert_int_eq(m.type, WORKER_PORT_REMOVED);
	memcpy(&id, m.payload, sizeof(id));
	ck_assert_uint_eq(id.id, p->id);
}

START_TEST(a_removed_port_is_free_and_its_clients_are_forgotten)
{
	int server = child_socket(&rig, SOCK_DGRAM), client;
	struct published p = publish(1, port_of(server), 0), again;
	struct sockaddr_in a = loopback(p.port);
	unsigned before;
	char c;

	client = client_of(&p);
	echo(client, server, "x", 1);
	before = nfds();
	for (int i = 0; i < 300; i++) {
		int fd = client_of(&p);

		echo(fd, server, "x", 1);
		close(fd);
	}
	remove_port(&p);
	ck_assert_uint_le(nfds(), before + 100); /* the stock varies */
	close(p.sock);
	say(client, "x", 1);
	ck_assert(ready_within(client, POLLIN, WAIT_MS));
	ck_assert_int_eq(recv(client, &c, 1, 0), -1);
	ck_assert_int_eq(errno, ECONNREFUSED);
	again.sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(again.sock, (struct sockaddr *)&a, sizeof(a)), 0);
}
END_TEST

START_TEST(what_is_no_udp_port_ends_the_relay)
{
	struct worker_port spec = {
		.id = 1, .protocol = IPPROTO_UDP, .ntargets = 1, .target = { target(7) }
	};
	int wrong = host_socket(SOCK_STREAM);
	struct msg m;

	ck_assert_int_eq(msg_send(rig.control, &worker_proto, WORKER_PORT_ADD, &spec, &wrong, 1),
			 0);
	ck_assert_int_eq(
		msg_recv_within(rig.control, &worker_proto, ROLE_RELAY, WORKER_UP, WAIT_MS, &m), 1);
	ck_assert_int_eq(m.type, WORKER_FAILED);
	waitpid(rig.relay, NULL, 0);
	kill(rig.agent, SIGKILL);
	waitpid(rig.agent, NULL, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("relay_udp");
	TCase *live = tcase_create("live");

	tcase_add_checked_fixture(live, start, stop);
	tcase_set_timeout(live, 20);
	tcase_add_test(live, answers_go_to_who_asked);
	tcase_add_test(live, the_answer_leaves_from_the_address_that_was_hit);
	tcase_add_test(live, all_sizes_pass);
	tcase_add_test(live, the_traffic_class_passes_both_ways);
	tcase_add_test(live, the_second_target_gets_what_the_first_refused);
	tcase_add_test(live, a_refusal_that_is_met_twice_is_one);
	tcase_add_test(live, a_bundle_is_cut_as_it_was);
	tcase_add_test(live, a_server_that_comes_back_is_found_at_once);
	tcase_add_test(live, a_client_without_a_socket_holds_nobody_up);
	tcase_add_test(live, a_flood_of_clients_is_bounded_and_others_are_served);
	tcase_add_test(live, a_tunnel_needs_few_flows_until_somebody_answers);
	tcase_add_test(live, a_flow_ends_after_the_silence_of_its_port);
	tcase_add_test(live, a_removed_port_is_free_and_its_clients_are_forgotten);
	suite_add_tcase(s, live);
	live = tcase_create("small");
	tcase_add_checked_fixture(live, start_small, stop);
	tcase_set_timeout(live, 20);
	tcase_add_test(live, at_the_limit_whoever_was_answered_stays);
	suite_add_tcase(s, live);
	live = tcase_create("ends");
	tcase_add_checked_fixture(live, start, NULL);
	tcase_add_test(live, what_is_no_udp_port_ends_the_relay);
	suite_add_tcase(s, live);
	return run_suite(s);
}
