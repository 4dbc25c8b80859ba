// SPDX-License-Identifier: Apache-2.0
/*
 * dns.c - the zone world.test, and a client that asks one question
 *
 * web A 192.0.2.2 and AAAA 2001:db8::2; two A 192.0.2.3; big, wide, huge: 60, 240 and 500 A
 * records, cut over UDP at 512 bytes or what EDNS says; who: the asker's IPv4 address; where: the
 * server's; fail: SERVFAIL; slow: no answer. Any other name is NXDOMAIN.
 */
#include "nsprobe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/cleanup.h"

#define ZONE ".world.test"
#define HEADER 12
#define UDP_MAX 512
#define TYPE_A 1
#define TYPE_AAAA 28
#define TYPE_OPT 41
#define RCODE_SERVFAIL 2
#define RCODE_NXDOMAIN 3
#define FLAG_TC 0x02

/* reads the one question; returns the offset behind it, 0 when it is broken */
static size_t read_question(const uint8_t *q, size_t len, char *name, size_t size, uint16_t *type)
{
	size_t at = HEADER, n = 0;

	while (at < len && q[at]) {
		size_t label = q[at++];

		if (label > 63 || at + label > len || n + label + 2 > size)
			return 0;
		if (n)
			name[n++] = '.';
		memcpy(name + n, q + at, label);
		n += label;
		at += label;
	}
	name[n] = '\0';
	if (at + 5 > len)
		return 0;
	*type = (uint16_t)(q[at + 1] << 8 | q[at + 2]);
	return at + 5;
}

static size_t put_record(uint8_t *ret, size_t at, uint16_t type, const void *data, uint16_t len)
{
	const uint8_t head[] = {
		0xc0, HEADER, 0, (uint8_t)type, 0, 1, 0, 0, 0, 60, 0, (uint8_t)len
	};

	memcpy(ret + at, head, sizeof(head));
	memcpy(ret + at + sizeof(head), data, len);
	if (!++ret[7])
		ret[6]++;
	return at + sizeof(head) + len;
}

static size_t put_v4(uint8_t *ret, size_t at, const char *text, uint8_t add)
{
	uint8_t ip[4];

	inet_pton(AF_INET, text, ip);
	ip[3] = (uint8_t)(ip[3] + add);
	return put_record(ret, at, TYPE_A, ip, sizeof(ip));
}

/* nothing when it is of the other family */
static size_t put_addr(uint8_t *ret, size_t at, uint16_t type, const struct addr *a)
{
	char text[80];
	uint8_t ip[16];

	addr_print(a, text, sizeof(text));
	*strchr(text, ' ') = '\0';
	if (inet_pton(type == TYPE_A ? AF_INET : AF_INET6, text, ip) != 1)
		return at;
	return put_record(ret, at, type, ip, type == TYPE_A ? 4 : 16);
}

static size_t put_answers(const char *host, uint16_t type, const struct addr *peer,
			  const struct addr *self, uint8_t *ret, size_t at)
{
	unsigned records = strcasecmp(host, "big") == 0    ? 60
			   : strcasecmp(host, "wide") == 0 ? 240
							   : 500;
	uint8_t ip6[16];

	if (strcasecmp(host, "web") == 0 && type == TYPE_AAAA) {
		inet_pton(AF_INET6, "2001:db8::2", ip6);
		return put_record(ret, at, TYPE_AAAA, ip6, sizeof(ip6));
	}
	if (strcasecmp(host, "who") == 0)
		return put_addr(ret, at, type, peer);
	if (strcasecmp(host, "where") == 0)
		return put_addr(ret, at, type, self);
	if (type != TYPE_A)
		return at;
	if (strcasecmp(host, "web") == 0)
		return put_v4(ret, at, "192.0.2.2", 0);
	if (strcasecmp(host, "two") == 0)
		return put_v4(ret, at, "192.0.2.3", 0);
	for (unsigned i = 0; i < records; i++)
		at = put_v4(ret, at, "192.0.2.100", (uint8_t)i);
	return at;
}

/* what the asker takes by UDP; @at: behind the question */
static size_t udp_room(const uint8_t *q, size_t len, size_t at)
{
	if (at + 5 > len || q[at] != 0 || q[at + 1] != 0 || q[at + 2] != TYPE_OPT)
		return UDP_MAX;
	return (size_t)q[at + 3] << 8 | q[at + 4];
}

size_t dns_answer(const uint8_t *query, size_t len, const struct addr *peer,
		  const struct addr *self, int over_tcp, uint8_t *ret, size_t size)
{
	static const char *const known[] = { "web", "two", "who", "where", "big", "wide", "huge" };
	char name[256];
	uint16_t type;
	size_t at, n;

	if (len < HEADER || len > size / 2)
		return 0;
	at = read_question(query, len, name, sizeof(name), &type);
	if (!at)
		return 0;
	memcpy(ret, query, at);
	memset(ret + 6, 0, 6);                     /* the question stays, all else is ours */
	ret[2] = (uint8_t)(0x84 | (query[2] & 1)); /* answer, authoritative */
	ret[3] = 0x80;
	n = strlen(name);
	if (n > strlen(ZONE) && strcasecmp(name + n - strlen(ZONE), ZONE) == 0)
		name[n - strlen(ZONE)] = '\0';
	else
		name[0] = '\0';
	if (strcasecmp(name, "slow") == 0)
		return 0;
	if (strcasecmp(name, "fail") == 0) {
		ret[3] |= RCODE_SERVFAIL;
		return at;
	}
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (strcasecmp(name, known[i]) != 0)
			continue;
		n = put_answers(name, type, peer, self, ret, at);
		if (over_tcp || n <= udp_room(query, len, at))
			return n;
		ret[2] |= FLAG_TC;
		ret[6] = ret[7] = 0;
		return at;
	}
	ret[3] |= RCODE_NXDOMAIN;
	return at;
}

static size_t make_query(uint8_t *q, const char *name, uint16_t type)
{
	static const uint8_t head[HEADER] = { 0x5a, 0xa5, 1, 0, 0, 1 };
	size_t at = HEADER;

	memcpy(q, head, sizeof(head));
	while (*name) {
		size_t n = strcspn(name, ".");

		if (n > 63 || at + n > 300)
			die("the name is too long");
		q[at++] = (uint8_t)n;
		memcpy(q + at, name, n);
		at += n;
		name += n + (name[n] == '.');
	}
	q[at++] = 0;
	q[at++] = 0;
	q[at++] = (uint8_t)type;
	q[at++] = 0;
	q[at++] = 1;
	return at;
}

/* says that answers of @size bytes are welcome */
static size_t add_edns(uint8_t *q, size_t at, unsigned size)
{
	const uint8_t opt[] = { 0, 0, TYPE_OPT, (uint8_t)(size >> 8), (uint8_t)size, 0, 0, 0,
				0, 0, 0 };

	q[11] = 1;
	memcpy(q + at, opt, sizeof(opt));
	return at + sizeof(opt);
}

static int show(const uint8_t *a, size_t len, size_t at)
{
	static const char *const codes[] = { "NOERROR",  "FORMERR", "SERVFAIL",
					     "NXDOMAIN", "NOTIMP",  "REFUSED" };
	unsigned code = a[3] & 15;
	unsigned records = (unsigned)a[6] << 8 | a[7];

	if (a[2] & FLAG_TC)
		puts("truncated");
	if (code || !records)
		puts(code < ARRAY_SIZE(codes) ? codes[code] : "?");
	while (records-- && at + 12 <= len) {
		char text[INET6_ADDRSTRLEN];
		size_t n;

		if (a[at] < 0xc0) {
			while (at < len && a[at])
				at += a[at] + 1u;
			at++;
		} else {
			at += 2;
		}
		if (at + 10 > len)
			die("a broken answer");
		n = (size_t)a[at + 8] << 8 | a[at + 9];
		at += 10;
		if (at + n <= len && (n == 4 || n == 16))
			puts(inet_ntop(n == 4 ? AF_INET : AF_INET6, a + at, text, sizeof(text)));
		at += n;
	}
	return code == 0 ? 0 : 1;
}

static ssize_t exchange(int fd, uint8_t *buf, size_t size, size_t len, int tcp, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t got = 0;

	if (send(fd, tcp ? buf : buf + 2, tcp ? len + 2 : len, MSG_NOSIGNAL) < 0)
		return -errno;
	for (;;) {
		ssize_t n;

		if (poll(&p, 1, timeout_ms) == 0)
			return -ETIMEDOUT;
		n = recv(fd, buf + got, size - got, 0);
		if (n < 0)
			return -errno;
		got += (size_t)n;
		if (!tcp)
			return n;
		if (n == 0 || (got >= 2 && got >= 2u + (unsigned)(buf[0] << 8 | buf[1])))
			return (ssize_t)got - 2;
	}
}

int probe_dns(int argc, char **argv)
{
	int timeout_ms = 3000, tcp = 0, i = 1;
	uint8_t buf[65536];
	struct addr server;
	size_t len, question;
	unsigned edns = 0;
	ssize_t n;

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--tcp") == 0)
			tcp = 1;
		else if (strcmp(argv[i], "--edns") == 0 && i + 1 < argc)
			edns = (unsigned)atoi(argv[++i]);
		else if (strcmp(argv[i], "-t") == 0 && i + 1 < argc)
			timeout_ms = atoi(argv[++i]);
	}
	if (argc - i < 2)
		die("dns wants SERVER NAME");
	addr_parse(&server, argv[i], "53");
	question =
		make_query(buf + 2, argv[i + 1],
			   argc - i > 2 && strcmp(argv[i + 2], "AAAA") == 0 ? TYPE_AAAA : TYPE_A);
	len = edns ? add_edns(buf + 2, question, edns) : question;
	buf[0] = (uint8_t)(len >> 8);
	buf[1] = (uint8_t)len;
	autoclose int fd = net_connect(&server, NULL, tcp ? SOCK_STREAM : SOCK_DGRAM, timeout_ms);
	n = fd < 0 ? fd : exchange(fd, buf, sizeof(buf), len, tcp, timeout_ms);
	if (n < HEADER) {
		puts(n < 0 ? strerrorname_np((int)-n) : "short");
		return 1;
	}
	return show(tcp ? buf + 2 : buf, (size_t)n, question);
}
