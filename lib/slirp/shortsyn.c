// SPDX-License-Identifier: Apache-2.0
/*
 * shortsyn.c - SYNs of the child that do not go far, as those of a traceroute (slirp only)
 *
 * libslirp says which socket it opens before it connects it: that is when the socket is told how
 * far it may go. So there is one connection, libslirp's, and a server sees no other. When it
 * stands, it goes as far as all others, and is forgotten here; so it is when it was refused. When
 * an ICMP error ends it, the child is given that error, and libslirp, which would make a refusal of
 * it, is not heard. libslirp ends what is shut down.
 *
 * States: under way; ended, open (libslirp has not noticed); ended, closed (its last frames may
 * still come). The ones that ended go after END_MS. What is silent ends without a word SILENCE_MS
 * after the child's last SYN, later by as much as the child has waited: its next SYN starts again.
 */
#include "lib/slirp/shortsyn.h"

#include <assert.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/slirp/answer.h"
#include "lib/slirp/told.h"

#define SILENCE_MS 4000 /* as hold.c; a traceroute waits for 5 s */
#define END_MS 1000     /* libslirp sees it in the next round */
#define LOOK_MAX 8      /* messages that are looked at */

static struct shortsyn *find_key(struct shortsyns *s, const struct flowmss_key *k)
{
	for (uint32_t i = 0; i < s->n; i++) {
		if (memcmp(&s->all[i].key, k, sizeof(*k)) == 0)
			return &s->all[i];
	}
	return NULL;
}

static struct shortsyn *find_fd(struct shortsyns *s, int fd)
{
	for (uint32_t i = 0; i < s->n; i++) {
		if (s->all[i].fd == fd)
			return &s->all[i];
	}
	return NULL;
}

static void forget(struct shortsyns *s, struct shortsyn *o)
{
	*o = s->all[--s->n];
}

/* it can be no connection any more, and libslirp will find that out */
static void end(struct shortsyn *o, uint64_t now_ms)
{
	shutdown(o->fd, SHUT_RDWR);
	o->ended = true;
	o->due_ms = now_ms + END_MS;
}

/* --- to the child ------------------------------------------------------------------------- */

static void tell(struct shortsyns *s, struct shortsyn *o, const struct answer_error *what)
{
	const struct frame f = { .data = o->frame, .len = o->len };
	const struct frame_info in = { .family = o->key.family, .src = o->key.guest };
	uint8_t answer[ANSWER_MAX];

	if (s->may_answer(s->owner))
		s->give(s->owner, answer, answer_error(&s->plan, &f, &in, what, answer));
}

/* Return: whether the host's socket has met an error that the child was told */
static bool tell_error(struct shortsyns *s, struct shortsyn *o)
{
	union {
		struct cmsghdr align;
		uint8_t bytes[TOLD_CONTROL];
	} control;

	for (int i = 0; i < LOOK_MAX; i++) {
		struct msghdr h = { .msg_control = &control, .msg_controllen = sizeof(control) };
		struct told t;

		if (recvmsg(o->fd, &h, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			return false;
		told_read(&h, &t);
		if (!told_is_icmp(&t, o->key.family))
			continue;
		tell(s, o,
		     &(struct answer_error){ .type = t.ee.ee_type,
					     .code = t.ee.ee_code,
					     .from = told_by(&t, &s->plan, s->hosts) });
		return true;
	}
	return false;
}

/* --- from the child ----------------------------------------------------------------------- */

static void remember(struct shortsyn *o, const struct frame *f, int hops, uint64_t now_ms)
{
	o->fd = -1;
	o->hops = hops;
	o->ended = false;
	o->since_ms = now_ms;
	o->due_ms = now_ms + SILENCE_MS;
	o->len = f->len < sizeof(o->frame) ? f->len : sizeof(o->frame);
	memcpy(o->frame, f->data, o->len);
}

bool shortsyns_take(struct shortsyns *s, const struct frame *f, const struct frame_info *in,
		    uint64_t now_ms)
{
	const bool v6 = in->family == AF_INET6;
	const int hops = frame_hops(f, in, s->direct);
	struct shortsyn *o;

	if (hops >= SHORTSYN_HOPS && !s->n)
		return true;
	s->next.key = flowmss_make_key(in->family, in->src, in->dst, in->sport, in->dport);
	o = find_key(s, &s->next.key);
	if (o && o->fd >= 0) { /* once more: libslirp is at it */
		if (!o->ended)
			o->due_ms = now_ms + SILENCE_MS + (now_ms - o->since_ms);
		return true;
	}
	if (o)
		forget(s, o);
	if (hops >= SHORTSYN_HOPS)
		return true;
	remember(&s->next, f, hops, now_ms);
	s->expected = hops > 0;
	if (!s->expected)
		tell(s, &s->next,
		     &(struct answer_error){ .type = v6 ? ICMP6_TIME_EXCEEDED
							: ICMP_TIME_EXCEEDED });
	return s->expected;
}

/* the one that is under way, or has ended, for the longest time; NULL: there is none */
static struct shortsyn *oldest(struct shortsyns *s, bool ended, uint32_t *ret_n)
{
	struct shortsyn *found = NULL;

	*ret_n = 0;
	for (uint32_t i = 0; i < s->n; i++) {
		struct shortsyn *o = &s->all[i];

		if (o->ended != ended)
			continue;
		++*ret_n;
		if (!found || o->since_ms < found->since_ms)
			found = o;
	}
	return found;
}

static void make_room(struct shortsyns *s, uint64_t now_ms)
{
	uint32_t n;
	struct shortsyn *o = oldest(s, false, &n);

	if (o && n >= SHORTSYN_MAX)
		end(o, now_ms);
	static_assert(SHORTSYN_KEPT > SHORTSYN_MAX, "a full table holds one that has ended");
	if (s->n == SHORTSYN_KEPT)
		forget(s, oldest(s, true, &n));
}

/* @hops: -1: the host's default */
static void set_hops(int fd, uint16_t family, int hops, int errors)
{
	const bool v6 = family == AF_INET6;
	const int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;

	setsockopt(fd, level, v6 ? IPV6_UNICAST_HOPS : IP_TTL, &hops, sizeof(hops));
	setsockopt(fd, level, v6 ? IPV6_RECVERR : IP_RECVERR, &errors, sizeof(errors));
}

void shortsyns_opened(struct shortsyns *s, int fd)
{
	if (!s->expected)
		return;
	s->expected = false;
	make_room(s, s->next.since_ms);
	s->next.fd = fd;
	set_hops(fd, s->next.key.family, s->next.hops, 1);
	s->all[s->n++] = s->next;
}

void shortsyns_taken(struct shortsyns *s, int fd, uint64_t now_ms)
{
	s->expected = false; /* libslirp had no use for it */
	if (fd >= 0 && s->n)
		shortsyns_ready(s, fd, now_ms);
}

/* --- of libslirp's sockets ---------------------------------------------------------------- */

static bool is_connected(int fd)
{
	union told_name peer;
	socklen_t len = sizeof(peer);

	return getpeername(fd, &peer.sa, &len) == 0;
}

void shortsyns_ready(struct shortsyns *s, int fd, uint64_t now_ms)
{
	struct shortsyn *o = find_fd(s, fd);

	if (!o || o->ended)
		return;
	if (is_connected(fd)) {
		set_hops(fd, o->key.family, -1, 0);
		forget(s, o);
	} else if (tell_error(s, o)) {
		end(o, now_ms);
	}
}

void shortsyns_closed(struct shortsyns *s, int fd)
{
	struct shortsyn *o = find_fd(s, fd);

	if (o && o->ended)
		o->fd = -1;
	else if (o)
		forget(s, o);
}

bool shortsyns_hush(struct shortsyns *s, const uint8_t *data, size_t len)
{
	const bool v6 = len >= ETH_LEN && frame_ethertype(data) == ETHERTYPE_IP6;
	const uint8_t *ip = data + ETH_LEN, *tcp = ip + (v6 ? IP6_LEN : IP4_LEN);
	const size_t least = ETH_LEN + TCP_LEN + (v6 ? IP6_LEN : IP4_LEN);
	const struct shortsyn *o;
	struct flowmss_key k;

	if (!s->n || len < least || ip[v6 ? 6 : 9] != IPPROTO_TCP ||
	    (!v6 && frame_ethertype(data) != ETHERTYPE_IP4))
		return false;
	k = flowmss_make_key(v6 ? AF_INET6 : AF_INET, ip + (v6 ? 24 : 16), ip + (v6 ? 8 : 12),
			     get_be16(tcp + 2), get_be16(tcp));
	o = find_key(s, &k);
	return o && o->ended;
}

int shortsyns_expire(struct shortsyns *s, uint64_t now_ms)
{
	uint64_t first = UINT64_MAX;

	for (uint32_t i = 0; i < s->n;) {
		struct shortsyn *o = &s->all[i];

		if (now_ms >= o->due_ms && o->ended) {
			forget(s, o);
			continue;
		}
		if (now_ms >= o->due_ms)
			end(o, now_ms);
		if (o->due_ms < first)
			first = o->due_ms;
		i++;
	}
	return s->n ? (int)(first - now_ms) : -1;
}
