// SPDX-License-Identifier: Apache-2.0
/*
 * portspec.c - the text form of a published port: PARENTIP:PARENTPORT[:CHILDIP]:CHILDPORT/PROTO
 *
 * The texts are RootlessKit's, its two swapped names ("unexpected ChildPort" for the parent port,
 * and the other way round) and its port numbers printed as quoted characters included: scripts and
 * tests match on them. A spec goes through two checks: its form, then the validation that a posted
 * spec gets as well.
 *
 * By our rules what RootlessKit reads means the same; what it refuses is read once more, by
 * Docker's grammar, and refused in plain words.
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

#define NUMBER_TEXT_MAX 256 /* a longer one is cut in the message: it is no number anyway */

static const char *const protos[] = {
	"tcp", "tcp4", "tcp6", "udp", "udp4", "udp6", "sctp", "sctp4", "sctp6",
};

/* the elements before the child port, in the order of the text */
enum { PARENT_IP, PARENT_PORT, CHILD_IP, NELEMENTS };

#define SHORT_FORM "[[IP:]PORT:][CHILDIP:]CHILDPORT[/PROTO]"

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

/* --- Docker's grammar -------------------------------------------------------------------- */

static int refuse(struct err *err, const char *text, const char *why, struct piece p)
{
	char q[GO_QUOTE_MAX], part[NUMBER_TEXT_MAX], q_part[NUMBER_TEXT_MAX];

	str_format(part, sizeof(part), "%.*s", p.len < 64 ? (int)p.len : 64, p.s);
	return err_say(err, EINVAL, "invalid PortSpec string: %s: %s: %s (it is " SHORT_FORM ")",
		       go_quote(q, sizeof(q), text), why, go_quote(q_part, sizeof(q_part), part));
}

/* decimal digits, no sign; a negative errno: something else, or more than a port can be */
static int read_digits(struct piece p)
{
	int v = 0;

	if (p.len < 1 || p.len > 5)
		return -EINVAL;
	for (size_t i = 0; i < p.len; i++) {
		if (p.s[i] < '0' || p.s[i] > '9')
			return -EINVAL;
		v = v * 10 + (p.s[i] - '0');
	}
	return v <= PORT_NUMBER_MAX ? v : -ERANGE;
}

/* "80" or "8000-8099" */
static int read_range(struct piece p, int *ret_first, int *ret_more)
{
	const char *dash = memchr(p.s, '-', p.len);
	size_t len = dash ? (size_t)(dash - p.s) : p.len;
	int first = read_digits((struct piece){ p.s, len }), last = first;

	if (dash)
		last = read_digits((struct piece){ dash + 1, p.len - len - 1 });
	if (first < 0 || last < first || (dash && first == 0))
		return -EINVAL;
	*ret_first = first;
	*ret_more = last - first;
	return 0;
}

/* the child's port is the last of the @ret_n pieces, which are one at least */
static int split_short(const char *text, const char *end, struct piece ret[NELEMENTS + 1],
		       size_t *ret_n)
{
	const char *pos = text;

	for (*ret_n = 0; pos; ++*ret_n) {
		if (*ret_n > NELEMENTS || next_piece(&pos, end, &ret[*ret_n]) < 0)
			return -EINVAL;
	}
	return 0;
}

static int read_short_ports(struct port_spec *s, struct piece parent, struct piece child,
			    const char *text, struct err *err)
{
	int more = 0;

	if (read_range(child, &s->child_port, &s->more) < 0 || s->child_port == 0)
		return refuse(err, text, "no port or range of ports", child);
	if (parent.len && read_range(parent, &s->parent_port, &more) < 0)
		return refuse(err, text, "no port or range of ports", parent);
	if (s->more && s->parent_port == 0)
		return refuse(err, text, "a range needs ports on the host", child);
	if (s->more == 0) /* Docker's: any free one of them, for one port of the child */
		s->others = more;
	else if (s->more != more)
		return refuse(err, text, "the child's range has another length", child);
	return 0;
}

static int read_short(struct port_spec *s, const char *text, struct err *err)
{
	const char *slash = strrchr(text, '/'), *end = slash ? slash : text + strlen(text);
	struct piece piece[NELEMENTS + 1] = { { "", 0 } }, none = { "", 0 };
	const char *proto = slash ? slash + 1 : "tcp";
	size_t n = 0;

	if (!proto_is_known(proto))
		return refuse(err, text, "unknown proto", (struct piece){ proto, strlen(proto) });
	if (split_short(text, end, piece, &n) < 0 || n == 0)
		return refuse(err, text, "too many parts", (struct piece){ text, strlen(text) });
	if (n > 2 && read_ip(piece[0], s->parent_ip) < 0)
		return refuse(err, text, "no IP address", piece[0]);
	if (n > 3 && read_ip(piece[2], s->child_ip) < 0)
		return refuse(err, text, "no IP address", piece[2]);
	str_format(s->proto, sizeof(s->proto), "%s", proto);
	return read_short_ports(s,
				n > 2   ? piece[1]
				: n > 1 ? piece[0]
					: none,
				piece[n - 1], text, err);
}

int port_spec_parse(struct port_spec *ret, const char *text, enum port_rules rules, struct err *err)
{
	bool ours = rules == PORT_RULES_OURS;
	struct port_spec s = { 0 };
	int r = read_spec(&s, text, ours ? NULL : err);

	if (r >= 0)
		r = port_spec_check(&s, rules, ours ? NULL : err);
	if (r < 0 && ours) {
		s = (struct port_spec){ 0 };
		r = read_short(&s, text, err);
		if (r >= 0)
			r = port_spec_check(&s, rules, err);
	}
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

static int check_port(int port, int least, const char *called, struct err *err)
{
	char q[16];

	if (port >= least && port <= PORT_NUMBER_MAX)
		return 0;
	return err_say(err, EINVAL, "invalid %s: %s", called, go_quote_rune(q, sizeof(q), port));
}

/* a range; one port is none */
static int check_range(const struct port_spec *s, struct err *err)
{
	if (s->more < 0 || s->more >= PORT_NUMBER_MAX)
		return err_say(err, EINVAL, "invalid Count: %lld is none of 1 to %d", s->more + 1LL,
			       PORT_NUMBER_MAX);
	if (s->more && s->parent_port == 0)
		return err_say(err, EINVAL, "invalid Count: a range needs ports on the host");
	if (s->others < 0 || s->others >= PORT_NUMBER_MAX || (s->others && s->more) ||
	    (s->others && s->parent_port == 0) || s->parent_port + s->others > PORT_NUMBER_MAX)
		return err_say(err, EINVAL,
			       "invalid AnyOf: want 1 to %d ports from a ParentPort on, for one "
			       "ChildPort",
			       PORT_NUMBER_MAX);
	if (s->parent_port + s->more > PORT_NUMBER_MAX || s->child_port + s->more > PORT_NUMBER_MAX)
		return err_say(err, EINVAL, "invalid Count: the range ends behind port %d",
			       PORT_NUMBER_MAX);
	return 0;
}

static int check_udp_idle(const struct port_spec *s, struct err *err)
{
	if (s->udp_idle == 0)
		return 0;
	if (s->udp_idle < 0 || s->udp_idle > PORT_UDP_IDLE_MAX)
		return err_say(err, EINVAL, "invalid UDPIdle: %d is none of 1 to %d", s->udp_idle,
			       PORT_UDP_IDLE_MAX);
	if (strncmp(s->proto, "udp", 3) != 0)
		return err_say(err, EINVAL, "invalid UDPIdle: %s has none", s->proto);
	return 0;
}

int port_spec_check(const struct port_spec *s, enum port_rules rules, struct err *err)
{
	char q[GO_QUOTE_MAX];
	int r;

	if (!proto_is_known(s->proto))
		return err_say(err, EINVAL, "unknown proto: %s", go_quote(q, sizeof(q), s->proto));
	r = check_ip(s->parent_ip, "ParentIP", err);
	if (r == 0)
		r = check_ip(s->child_ip, "ChildIP", err);
	if (r == 0)
		r = check_port(s->parent_port, rules == PORT_RULES_OURS ? 0 : 1, "ParentPort", err);
	if (r == 0)
		r = check_port(s->child_port, 1, "ChildPort", err);
	if (r == 0)
		r = check_range(s, err);
	return r == 0 ? check_udp_idle(s, err) : r;
}

const char *port_numbers(int first, int more, char dst[static PORT_NUMBERS_MAX])
{
	if (more)
		str_format(dst, PORT_NUMBERS_MAX, "%d-%d", first, first + more);
	else
		str_format(dst, PORT_NUMBERS_MAX, "%d", first);
	return dst;
}

int port_spec_format(const struct port_spec *s, char *dst, size_t size)
{
	bool parent6 = strchr(s->parent_ip, ':'), child6 = strchr(s->child_ip, ':');
	char parent[PORT_NUMBERS_MAX], child[PORT_NUMBERS_MAX];
	bool with_child = *s->child_ip;

	return str_format(dst, size, "%s%s%s:%s%s%s%s%s:%s/%s", parent6 ? "[" : "", s->parent_ip,
			  parent6 ? "]" : "",
			  port_numbers(s->parent_port, s->more + s->others, parent),
			  with_child ? ":" : "", child6 ? "[" : "", s->child_ip, child6 ? "]" : "",
			  port_numbers(s->child_port, s->more, child), s->proto);
}

bool port_spec_conflicts(const struct port_spec *a, const struct port_spec *b)
{
	return !a->others && !b->others && a->parent_port &&
	       a->parent_port <= b->parent_port + b->more &&
	       b->parent_port <= a->parent_port + a->more && strcmp(a->proto, b->proto) == 0 &&
	       strcmp(a->parent_ip, b->parent_ip) == 0;
}

bool port_spec_equal(const struct port_spec *a, const struct port_spec *b)
{
	return a->parent_port == b->parent_port && a->child_port == b->child_port &&
	       a->more == b->more && a->others == b->others && strcmp(a->proto, b->proto) == 0 &&
	       strcmp(a->parent_ip, b->parent_ip) == 0 && strcmp(a->child_ip, b->child_ip) == 0;
}
