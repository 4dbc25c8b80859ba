/* SPDX-License-Identifier: Apache-2.0 */
/* test_dns_rig.h - the DNS relay, a client of it, and two made-up servers */
#ifndef RK_TESTS_DNS_RIG_H
#define RK_TESTS_DNS_RIG_H

#include "lib/relay/dnsmsg.h"
#include "lib/relay/dnsservers.h"
#include "tests/unit/test_relay_rig.h"

#define ANSWER_MAX 65507

static struct rig rig;
static int server[2];   /* sockets of two name servers */
static int held_tcp[2]; /* bound to the servers' ports, listening only where a test wants it */
static int client;

struct packet {
	size_t len;
	struct sockaddr_in from;
	uint8_t data[ANSWER_MAX];
};

static struct packet seen; /* the query that a server got */
static struct packet got;  /* the answer that the client got */

/* the list comes by another socket than the queries: an answer to a ping shows that it has been
 * read */
static inline void tell_servers(uint32_t n)
{
	struct worker_dns d = { .count = n };
	struct msg m;

	for (uint32_t i = 0; i < n; i++)
		d.server[i] = (struct net_addr){ .family = AF_INET,
						 .port = port_of(server[i]),
						 .addr = { 127, 0, 0, 1 } };
	ck_assert_int_eq(msg_send(rig.control, &worker_proto, WORKER_DNS, &d, NULL, 0), 0);
	ck_assert_int_eq(msg_send(rig.control, &worker_proto, WORKER_PING, &(struct msg_empty){ 0 },
				  NULL, 0),
			 0);
	ck_assert_int_eq(
		msg_recv_within(rig.control, &worker_proto, ROLE_RELAY, WORKER_UP, WAIT_MS, &m), 1);
}

static inline int tcp_bound_to(uint16_t port)
{
	struct sockaddr_in a = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* a UDP port whose TCP port is free as well, and held: other tests take ports at the same time */
static inline void make_server(int i)
{
	do {
		server[i] = host_socket(SOCK_DGRAM);
		held_tcp[i] = tcp_bound_to(port_of(server[i]));
	} while (held_tcp[i] < 0);
}

static inline void start_with(int nofile)
{
	rig = (struct rig){ .with_dns = true, .nofile = nofile };
	rig_start(&rig);
	for (int i = 0; i < 2; i++)
		make_server(i);
	client = child_socket(&rig, SOCK_DGRAM);
	tell_servers(2);
}

static inline void start(void)
{
	start_with(0);
}

static inline void stop(void)
{
	rig_stop(&rig);
}

/* a question for the A record of "<letter>.test", recursion desired */
static inline size_t make_query(uint8_t *q, uint16_t id, char letter)
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

static inline void ask(int from, uint16_t id, char letter)
{
	uint8_t q[64];
	size_t len = make_query(q, id, letter);

	ck_assert_int_eq(
		sendto(from, q, len, 0, (struct sockaddr *)&rig.dns_addr, sizeof(rig.dns_addr)),
		(ssize_t)len);
}

static inline bool receive(int fd, struct packet *p, int timeout_ms)
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
static inline void answer(int from, size_t extra)
{
	seen.data[2] |= 0x80;
	memset(seen.data + seen.len, 0xa5, extra);
	ck_assert_int_eq(sendto(from, seen.data, seen.len + extra, 0, (struct sockaddr *)&seen.from,
				sizeof(seen.from)),
			 (ssize_t)(seen.len + extra));
}

static inline void expect_servfail(uint16_t id)
{
	ck_assert(receive(client, &got, WAIT_MS));
	ck_assert_uint_eq(dnsmsg_id(got.data), id);
	ck_assert_int_eq(got.data[2], 0x81);
	ck_assert_int_eq(got.data[3], 0x82);
	ck_assert_uint_eq(got.len, 24);
}

static inline void receive_question(char letter, struct packet *ret)
{
	do
		ck_assert(receive(server[0], ret, WAIT_MS));
	while (ret->data[DNS_HEADER + 1] != (uint8_t)letter);
}

#endif
