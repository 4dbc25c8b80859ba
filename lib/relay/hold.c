// SPDX-License-Identifier: Apache-2.0
/*
 * hold.c - connections of the child that wait for theirs on the host
 *
 * The policy judges the address that is then connected to, nothing else. A connection that the
 * listener brings is believed only when its four numbers name a hold that was released: whoever
 * controls the gateway netns gains no way to the host by it.
 */
#include "lib/relay/hold.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/policy/policy.h"
#include "lib/relay/accepted.h"
#include "lib/relay/hold_impl.h"
#include "lib/relay/holdanswer.h"
#include "lib/relay/holdroom.h"
#include "lib/relay/holdsock.h"
#include "lib/relay/tcpopt.h"

#define ACCEPT_MS 5000
#define SILENCE_MS 4000 /* beyond the moment of the client's next SYN, twice as late each time */
#define REPEAT_MS 900   /* from then on a repeated SYN may be on its way */
#define REMEMBER_MS 500 /* and arrive within */

/* from which states a state may be entered */
static const unsigned may_follow[] = {
	[HOLD_FREE] = 1u << HOLD_ACCEPTED | 1u << HOLD_FAILED | 1u << HOLD_ABANDONED,
	[HOLD_CONNECTING] = 1u << HOLD_FREE,
	[HOLD_RELEASED] = 1u << HOLD_CONNECTING,
	[HOLD_ACCEPTED] = 1u << HOLD_RELEASED,
	[HOLD_FAILED] = 1u << HOLD_CONNECTING,
	[HOLD_ABANDONED] = 1u << HOLD_CONNECTING | 1u << HOLD_RELEASED,
};
static_assert(ARRAY_SIZE(may_follow) == HOLD_NSTATES, "a row for each state");

static void hold_set_state(struct hold *e, enum hold_state state)
{
	assert(may_follow[state] & 1u << e->state);
	e->state = state;
	e->step_ms = e->all->loop->now_ms;
	e->all->ended[state]++;
}

/* --- the table ------------------------------------------------------------------------------ */

/* the child chooses keys: without the random numbers it cannot make them collide */
static unsigned hash(const struct holds *h, const void *data, size_t words)
{
	uint64_t acc = 0;
	uint32_t w[sizeof(struct syn_key) / sizeof(uint32_t)];

	memcpy(w, data, words * sizeof(w[0]));
	for (size_t i = 0; i < words; i++)
		acc += w[i] * h->keys[i];
	return (unsigned)((acc >> 32) % h->max);
}

static struct list *made_list(struct list *l)
{
	if (!l->next)
		list_init(l);
	return l;
}

static struct list *list_of_key(const struct holds *h, const struct syn_key *k)
{
	return made_list(&h->by_key[hash(h, k, sizeof(*k) / sizeof(uint32_t))]);
}

static struct list *list_of_source(const struct holds *h, const struct syn_key *k)
{
	return made_list(&h->by_source[hash(h, k->src, sizeof(k->src) / sizeof(uint32_t))]);
}

static struct hold *hold_find(const struct holds *h, const struct syn_key *k)
{
	struct list *head = list_of_key(h, k), *e;

	list_for_each (e, head) {
		struct hold *o = container_of(e, struct hold, entry);

		if (memcmp(&o->syn.key, k, sizeof(*k)) == 0)
			return o;
	}
	return NULL;
}

static void drop_socket(struct hold *e, bool reset)
{
	int fd = e->watch.fd;

	watch_remove(&e->watch);
	e->watch.fd = -1;
	if (fd >= 0 && reset)
		tcp_close_reset(fd);
	else if (fd >= 0)
		close(fd);
}

static void hold_end(struct hold *e)
{
	struct holds *h = e->all;

	hold_set_state(e, HOLD_FREE);
	timer_cancel(&e->timer);
	list_remove(&e->source);
	list_remove(&e->age);
	list_remove(&e->entry);
	list_prepend(&h->free, &e->entry);
	h->n--;
	h->flows->held--;
}

static void hold_abandon(struct hold *e)
{
	drop_socket(e, true);
	hold_set_state(e, HOLD_ABANDONED);
	hold_end(e);
}

static void say_full(struct holds *h)
{
	if (!h->full_said)
		log_warning("network",
			    "%u connections out wait for their peers: more of them start again, or "
			    "wait until one ends",
			    h->n);
	h->full_said = true;
}

/* one that waits for a peer that is silent may go for it: its client repeats its SYN */
static bool make_room(struct holds *h, const struct syn_key *k)
{
	struct hold *victim;
	const bool room = h->has_room(h->owner);
	int r = holdroom_find(h, list_of_source(h, k), k, room, &victim);

	if (r == 0)
		return true;
	say_full(h);
	if (r > 0)
		hold_abandon(victim);
	return r > 0 && (room || h->has_room(h->owner));
}

/* --- one connection ------------------------------------------------------------------------- */

static int on_accept_due(struct timer *t)
{
	hold_abandon(container_of(t, struct hold, timer));
	return 0;
}

static void hold_release(struct hold *e)
{
	struct holds *h = e->all;

	watch_remove(&e->watch);
	holdsock_connected(e->watch.fd, &e->syn);
	hold_set_state(e, HOLD_RELEASED);
	timer_set(h->loop, &e->timer, ACCEPT_MS, on_accept_due);
	holdanswer_packet(h, e->syn.bytes, e->syn.len);
}

static void hold_fail(struct hold *e, int error)
{
	struct holds *h = e->all;
	uint8_t pkt[SYN_REPLY_MAX];
	size_t n = e->watch.fd < 0 ? 0
				   : holdsock_expired(e->watch.fd, &e->syn, h->plan, h->hosts, pkt);

	drop_socket(e, false);
	hold_set_state(e, HOLD_FAILED);
	if (n)
		holdanswer_packet(h, pkt, n);
	else
		holdanswer_error(h, &e->syn, error);
	hold_end(e);
}

static int on_host_ready(struct watch *w, uint32_t events)
{
	struct hold *e = container_of(w, struct hold, watch);
	int r = holdsock_outcome(w->fd, &e->to, events);

	if (r == 0)
		hold_release(e);
	else if (r != -EINPROGRESS)
		hold_fail(e, -r);
	return 0;
}

static int on_silence_due(struct timer *t)
{
	hold_abandon(container_of(t, struct hold, timer));
	return 0;
}

static void wait_for_repeat(struct hold *e)
{
	uint64_t age = e->all->loop->now_ms - e->since_ms;

	timer_set(e->all->loop, &e->timer, age + SILENCE_MS, on_silence_due);
}

static void hold_connect(struct hold *e)
{
	struct holds *h = e->all;
	int r = holdsock_open(&e->to, &e->syn, h->pin);

	e->watch.fd = r;
	if (r >= 0)
		r = holdsock_connect(r, &e->to);
	if (r == 0) {
		hold_release(e);
		return;
	}
	if (r == -EINPROGRESS) {
		wait_for_repeat(e);
		r = watch_add(h->loop, &e->watch, e->watch.fd, EPOLLOUT | EPOLLET, on_host_ready);
	}
	if (r < 0)
		hold_fail(e, -r);
}

/* NULL: all are in use */
static struct hold *hold_take(struct holds *h)
{
	struct list *l = list_first(&h->free);
	struct hold *e;

	if (l) {
		list_remove(l);
		return container_of(l, struct hold, entry);
	}
	if (h->made == h->max)
		return NULL;
	e = &h->all[h->made++];
	e->all = h;
	e->watch = (struct watch)WATCH_INIT;
	list_init(&e->source);
	list_init(&e->age);
	return e;
}

static void hold_start(struct holds *h, const struct syn *s, const struct net_addr *to)
{
	struct hold *e = NULL;

	if (make_room(h, &s->key))
		e = hold_take(h);
	if (!e)
		return; /* the client repeats its SYN */
	e->syn = *s;
	e->to = *to;
	e->since_ms = h->loop->now_ms;
	list_append(list_of_key(h, &s->key), &e->entry);
	list_append(list_of_source(h, &s->key), &e->source);
	list_append(&h->by_age, &e->age);
	h->n++;
	h->flows->held++;
	hold_set_state(e, HOLD_CONNECTING);
	hold_connect(e);
}

static void hold_judge(struct holds *h, const struct syn *s)
{
	struct net_addr to;
	const enum policy_verdict v = policy_judge(h->plan, h->hosts, s->key.family, s->key.dst,
						   IPPROTO_TCP, s->key.dport, &to);

	h->refused += v != POLICY_ALLOWED;
	switch (v) {
	case POLICY_ALLOWED:
		hold_start(h, s, &to);
		break;
	case POLICY_REFUSED_HOST:
		holdanswer_unreachable(h, s, SYN_NO_HOST);
		break;
	case POLICY_REFUSED_PROHIBITED:
		holdanswer_unreachable(h, s, SYN_PROHIBITED);
		break;
	case POLICY_SILENT:
		break;
	case POLICY_REFUSED_NET:
	case POLICY_DNS: /* has rules of its own, before it comes here */
	case POLICY_NVERDICTS:
	default:
		holdanswer_unreachable(h, s, SYN_NO_ROUTE);
		break;
	}
}

void holds_packet(struct holds *h, const uint8_t *pkt, size_t n)
{
	struct syn s;
	struct hold *e;

	if (syn_parse(pkt, n, &s) < 0)
		return;
	e = hold_find(h, &s.key);
	if (e && e->state == HOLD_ACCEPTED && e->syn.isn != s.isn) {
		hold_end(e); /* the port is used again */
		e = NULL;
	}
	if (!e) {
		hold_judge(h, &s);
		return;
	}
	s.hops = e->syn.hops; /* as the socket has it */
	e->syn = s;
	if (e->state == HOLD_CONNECTING) {
		wait_for_repeat(e);
	} else if (e->state == HOLD_RELEASED) { /* the listener's queue was full, or worse */
		timer_set(h->loop, &e->timer, ACCEPT_MS, on_accept_due);
		holdanswer_packet(h, s.bytes, s.len);
	}
}

/* --- from the listener ---------------------------------------------------------------------- */

static void on_flow_end(void *owner, const struct flow *f)
{
	struct holds *h = owner;

	h->bytes_in += f ? f->pump.dir[FLOW_TARGET].moved : 0;
	h->bytes_out += f ? f->pump.dir[FLOW_CLIENT].moved : 0;
}

/* by NAT, a connection from one port to two of the same address has another port at the listener.
   Any of its source that was released to the same place will do: nothing has passed through it */
static struct hold *hold_find_twin(const struct holds *h, const struct syn_key *k)
{
	struct list *head = list_of_source(h, k), *e;

	list_for_each (e, head) {
		struct hold *o = container_of(e, struct hold, source);
		struct syn_key twin = o->syn.key;

		twin.sport = k->sport;
		if (o->state == HOLD_RELEASED && memcmp(&twin, k, sizeof(twin)) == 0)
			return o;
	}
	return NULL;
}

static struct hold *hold_of_socket(const struct holds *h, int fd)
{
	struct syn_key k;
	struct hold *e;

	if (accepted_key(h->rung, fd, &k) < 0)
		return NULL;
	e = hold_find(h, &k);
	if (e && e->state == HOLD_RELEASED)
		return e;
	return h->rung == NET_ACCEL_REDIRECT ? hold_find_twin(h, &k) : NULL;
}

static int on_remember_due(struct timer *t)
{
	hold_end(container_of(t, struct hold, timer));
	return 0;
}

void holds_accepted(struct holds *h, int fd)
{
	struct hold *e = hold_of_socket(h, fd);
	int host;

	if (!e) {
		tcp_close_reset(fd);
		return;
	}
	host = e->watch.fd;
	e->watch.fd = -1;
	hold_set_state(e, HOLD_ACCEPTED);
	if (h->loop->now_ms - e->since_ms < REPEAT_MS)
		hold_end(e);
	else
		timer_set(h->loop, &e->timer, REMEMBER_MS, on_remember_due);
	flow_start_open(h->flows, &h->open, fd, host, on_flow_end, h);
}

/* --- all of them ---------------------------------------------------------------------------- */

int holds_init(struct holds *h, struct loop *l, int tun, enum net_accel rung,
	       const struct net_plan *plan, struct flows *flows, unsigned max,
	       bool (*has_room)(void *owner), void *owner, struct err *err)
{
	*h = (struct holds){ .loop = l,
			     .tun = tun,
			     .rung = rung,
			     .plan = plan,
			     .flows = flows,
			     .max = max,
			     .has_room = has_room,
			     .owner = owner,
			     .pin = tcp_wants_pin() };
	list_init(&h->open);
	list_init(&h->free);
	list_init(&h->by_age);
	if (getrandom(h->keys, sizeof(h->keys), 0) != sizeof(h->keys))
		return err_set(err, errno, "random numbers");
	h->random = h->keys[0];
	h->all = calloc(max, sizeof(*h->all));
	h->by_key = calloc(max, sizeof(*h->by_key));
	h->by_source = calloc(max, sizeof(*h->by_source));
	if (!h->all || !h->by_key || !h->by_source)
		return err_set(err, ENOMEM, "table of connections out");
	return 0;
}

unsigned holds_visit(const struct holds *h, unsigned below, unsigned looks, hold_visit_fn *visit,
		     void *arg)
{
	for (below = below < h->made ? below : h->made; below && looks; below--, looks--) {
		const struct hold *o = &h->all[below - 1];
		bool waits = o->state == HOLD_CONNECTING || o->state == HOLD_RELEASED;

		if (waits && !visit(&o->syn.key, o->since_ms, arg))
			return below - 1;
	}
	return below;
}

void holds_done(struct holds *h)
{
	struct list *e;

	if (!h->loop)
		return;
	for (unsigned i = 0; i < h->made; i++) {
		timer_cancel(&h->all[i].timer);
		drop_socket(&h->all[i], true);
	}
	while ((e = list_first(&h->open)))
		flow_reset(container_of(e, struct flow, entry));
	free(h->all);
	free(h->by_key);
	free(h->by_source);
	*h = (struct holds){ 0 };
}
