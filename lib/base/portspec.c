// SPDX-License-Identifier: Apache-2.0
/*
 * portspec.c - the text form of a published port: PARENTIP:PARENTPORT[:CHILDIP]:CHILDPORT/PROTO
 *
 * The texts are RootlessKit's, its two swapped names ("unexpected ChildPort" for the parent port,
 * and the other way round) and its port numbers printed as quoted characters included: scripts and
 * tests match on them. A spec goes through two checks: its form, then the validation that a posted
 * spec gets as well.
 */
#include "lib/base/portspec.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/gotext.h"
#include "lib/base/str.h"

#define PORT_NUMBER_MAX 65535
#define NUMBER_TEXT_MAX 256 /* a longer one is cut in the message: it is no number anyway */

static const char *const protos[] = {
	"tcp", "tcp4", "tcp6", "udp", "udp4", "udp6", "sctp", "sctp4", "sctp6",
};

/* the elements before the child port, in the order of the text */
enum { PARENT_IP, PARENT_PORT, CHILD_IP, NELEMENTS };

struct piece {
	const char *s;
	size_t len;
};

static bool proto_is_known(const char *proto)
{
	for (size_t i = 0; i < ARRAY_SIZE(protos); i++) {
		if (strcmp(proto, protos[i]) == 0)
			return true;
	}
	return false;
}

static bool ip_is_valid(const char *text)
{
	struct in6_addr addr;

	return inet_pton(AF_INET, text, &addr) == 1 || inet_pton(AF_INET6, text, &addr) == 1;
}

/* cut one element at its colon, or at its bracket; *pos is NULL after the last one */
static int next_piece(const char **pos, const char *end, struct piece *ret)
{
	const char *p = *pos, *stop;

	if (p < end && *p == '[') {
		stop = memchr(p, ']', (size_t)(end - p));
		if (!stop || (stop + 1 < end && stop[1] != ':'))
			return -EINVAL;
		*ret = (struct piece){ p + 1, (size_t)(stop - p) - 1 };
		p = stop + 1;
	} else {
		stop = memchr(p, ':', (size_t)(end - p));
		if (!stop)
			stop = end;
		*ret = (struct piece){ p, (size_t)(stop - p) };
		p = stop;
	}
	*pos = p < end ? p + 1 : NULL;
	return 0;
}

/* "[::1]:8080:[::2]" into its elements; those that are missing are empty */
static int split_elements(const char *text, const char *end, struct piece ret[NELEMENTS])
{
	const char *pos = text;

	for (size_t n = 0; pos; n++) {
		if (n == NELEMENTS || next_piece(&pos, end, &ret[n]) < 0)
			return -EINVAL;
	}
	return 0;
}

/* an empty element, or an address that is kept as it came; a zone or a name is none */
static int read_ip(struct piece p, char dst[PORT_IP_MAX])
{
	if (p.len >= PORT_IP_MAX)
		return -EINVAL;
	memcpy(dst, p.s, p.len);
	dst[p.len] = '\0';
	return p.len == 0 || ip_is_valid(dst) ? 0 : -EINVAL;
}

/* Go's Atoi; what no int holds becomes -1, which the validation refuses like Go's number */
static int read_port(struct piece p, int *ret, const char *called, const char *text,
		     struct err *err)
{
	char number[NUMBER_TEXT_MAX], q[GO_QUOTE_MAX], q_number[NUMBER_TEXT_MAX];
	size_t len = p.len < sizeof(number) ? p.len : sizeof(number) - 1;
	int64_t v = 0;
	int r;

	memcpy(number, p.s, len);
	number[len] = '\0';
	r = go_parse_int(number, false, &v);
	if (r < 0)
		return err_say(err, EINVAL,
			       "unexpected %s in PortSpec string: %s: strconv.Atoi: parsing %s: %s",
			       called, go_quote(q, sizeof(q), text),
			       go_quote(q_number, sizeof(q_number), number),
			       r == -ERANGE ? "value out of range" : "invalid syntax");
	*ret = v < 0 || v > INT_MAX ? -1 : (int)v;
	return 0;
}

static int read_spec(struct port_spec *s, const char *text, struct err *err)
{
	struct piece piece[NELEMENTS] = { { "", 0 }, { "", 0 }, { "", 0 } }, child_port;
	const char *slash = strrchr(text, '/'), *colon = strrchr(text, ':');
	char q[GO_QUOTE_MAX], q_proto[NUMBER_TEXT_MAX];
	int r;

	if (!slash)
		return err_say(err, EINVAL, "missing proto in PortSpec string: %s",
			       go_quote(q, sizeof(q), text));
	if (!proto_is_known(slash + 1))
		return err_say(err, EINVAL, "invalid PortSpec string: %s: unknown proto: %s",
			       go_quote(q, sizeof(q), text),
			       go_quote(q_proto, sizeof(q_proto), slash + 1));
	/* a known proto has no colon, so the last one stands before the slash */
	if (!colon || split_elements(text, colon, piece) < 0)
		return err_say(err, EINVAL, "unexpected PortSpec string: %s",
			       go_quote(q, sizeof(q), text));
	if (read_ip(piece[PARENT_IP], s->parent_ip) < 0 ||
	    read_ip(piece[CHILD_IP], s->child_ip) < 0)
		return err_say(err, EINVAL, "unexpected ParentIP in PortSpec string: %s",
			       go_quote(q, sizeof(q), text));
	r = read_port(piece[PARENT_PORT], &s->parent_port, "ChildPort", text, err);
	if (r < 0)
		return r;
	child_port = (struct piece){ colon + 1, (size_t)(slash - colon) - 1 };
	r = read_port(child_port, &s->child_port, "ParentPort", text, err);
	if (r < 0)
		return r;
	return str_format(s->proto, sizeof(s->proto), "%s", slash + 1);
}

int port_spec_parse(struct port_spec *ret, const char *text, struct err *err)
{
	struct port_spec s = { 0 };
	int r = read_spec(&s, text, err);

	if (r >= 0)
		r = port_spec_check(&s, err);
	if (r < 0)
		return r;
	*ret = s;
	return 0;
}

static int check_ip(const char *ip, const char *called, struct err *err)
{
	char q[GO_QUOTE_MAX];

	if (!*ip || ip_is_valid(ip))
		return 0;
	return err_say(err, EINVAL, "invalid %s: %s", called, go_quote(q, sizeof(q), ip));
}

static int check_port(int port, const char *called, struct err *err)
{
	char q[16];

	if (port >= 1 && port <= PORT_NUMBER_MAX)
		return 0;
	return err_say(err, EINVAL, "invalid %s: %s", called, go_quote_rune(q, sizeof(q), port));
}

int port_spec_check(const struct port_spec *s, struct err *err)
{
	char q[GO_QUOTE_MAX];
	int r;

	if (!proto_is_known(s->proto))
		return err_say(err, EINVAL, "unknown proto: %s", go_quote(q, sizeof(q), s->proto));
	r = check_ip(s->parent_ip, "ParentIP", err);
	if (r == 0)
		r = check_ip(s->child_ip, "ChildIP", err);
	if (r == 0)
		r = check_port(s->parent_port, "ParentPort", err);
	if (r == 0)
		r = check_port(s->child_port, "ChildPort", err);
	return r;
}

int port_spec_format(const struct port_spec *s, char *dst, size_t size)
{
	bool parent6 = strchr(s->parent_ip, ':'), child6 = strchr(s->child_ip, ':');
	bool with_child = *s->child_ip;

	return str_format(dst, size, "%s%s%s:%d%s%s%s%s:%d/%s", parent6 ? "[" : "", s->parent_ip,
			  parent6 ? "]" : "", s->parent_port, with_child ? ":" : "",
			  child6 ? "[" : "", s->child_ip, child6 ? "]" : "", s->child_port,
			  s->proto);
}

bool port_spec_conflicts(const struct port_spec *a, const struct port_spec *b)
{
	return a->parent_port == b->parent_port && strcmp(a->proto, b->proto) == 0 &&
	       strcmp(a->parent_ip, b->parent_ip) == 0;
}

bool port_spec_equal(const struct port_spec *a, const struct port_spec *b)
{
	return port_spec_conflicts(a, b) && a->child_port == b->child_port &&
	       strcmp(a->child_ip, b->child_ip) == 0;
}
