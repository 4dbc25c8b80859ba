// SPDX-License-Identifier: Apache-2.0
/* test_dns_refused.c - what an ICMP error means for the questions that left from one port */
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>

#include "lib/base/str.h"
#include "tests/unit/test_dns_rig.h"

/* where we may send ICMP */
static void start_apart(void)
{
	char uids[32], gids[32];

	str_format(uids, sizeof(uids), "0 %u 1", geteuid());
	str_format(gids, sizeof(gids), "0 %u 1", getegid());
	if (enter_netns() < 0)
		exit(SKIP);
	ck_assert_int_eq(fd_write_file(AT_FDCWD, "/proc/self/setgroups", "deny"), 0);
	ck_assert_int_eq(fd_write_file(AT_FDCWD, "/proc/self/uid_map", uids), 0);
	ck_assert_int_eq(fd_write_file(AT_FDCWD, "/proc/self/gid_map", gids), 0);
	start();
}

/* a router's word that the datagram of @from to the first server did not get there */
static void refuse(const struct sockaddr_in *from)
{
	struct {
		struct icmphdr icmp;
		struct iphdr ip;
		struct udphdr udp;
	} p = { .icmp = { .type = ICMP_DEST_UNREACH, .code = ICMP_PORT_UNREACH },
		.ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP } };
	const struct sockaddr_in to = loopback(0);
	autoclose int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
	uint16_t words[sizeof(p) / 2];
	uint32_t sum = 0;

	static_assert(sizeof(p) == 36, "as it is sent");
	p.ip.tot_len = htons(sizeof(p.ip) + sizeof(p.udp));
	p.ip.saddr = from->sin_addr.s_addr;
	p.ip.daddr = to.sin_addr.s_addr;
	p.udp.source = from->sin_port;
	p.udp.dest = htons(port_of(server[0]));
	memcpy(words, &p, sizeof(p));
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	p.icmp.checksum = (uint16_t) ~(sum + (sum >> 16));
	ck_assert_int_eq(sendto(fd, &p, sizeof(p), 0, (const struct sockaddr *)&to, sizeof(to)),
			 sizeof(p));
}

/* the error of one datagram is no answer to those that share its port */
START_TEST(one_refusal_is_asked_again)
{
	bool met[UINT8_MAX + 1] = { false };
	struct packet first;

	tell_servers(1);
	ask(client, 5, 'a');
	receive_question('a', &first);
	ask(client, 6, 'b');
	receive_question('b', &seen);
	refuse(&first.from);
	if (seen.from.sin_port != first.from.sin_port) /* a slow machine: the port was too old */
		refuse(&seen.from);
	for (int i = 0; i < 2; i++) {
		do
			ck_assert(receive(server[0], &seen, WAIT_MS));
		while (seen.from.sin_port == first.from.sin_port ||
		       met[seen.data[DNS_HEADER + 1]]); /* once more, as the machine is slow */
		met[seen.data[DNS_HEADER + 1]] = true;
		answer(server[0], 0);
		ck_assert(receive(client, &got, WAIT_MS));
		ck_assert_uint_eq(dnsmsg_id(got.data), got.data[DNS_HEADER + 1] == 'a' ? 5 : 6);
		ck_assert_int_eq(got.data[3] & 0xf, 0);
	}
}
END_TEST

START_TEST(two_refusals_are_enough)
{
	tell_servers(1);
	ask(client, 7, 'c');
	for (int i = 0; i < 2; i++) {
		receive_question('c', &seen);
		refuse(&seen.from);
	}
	expect_servfail(7);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dns_refused");
	TCase *c = tcase_create("apart");

	tcase_set_timeout(c, 30);
	tcase_add_checked_fixture(c, start_apart, stop);
	tcase_add_test(c, one_refusal_is_asked_again);
	tcase_add_test(c, two_refusals_are_enough);
	suite_add_tcase(s, c);
	return run_suite(s);
}
