// SPDX-License-Identifier: Apache-2.0
/*
 * flows.c - ask the workers which flows they carry
 *
 * A call puts one question after the other, section by section, until it has enough, a limit is
 * met, or its time is over. What it has then is handed out with the place to go on from, so neither
 * worker nor parent keeps anything between two calls, however many flows there are.
 */
#include "lib/parent/flows.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include "lib/base/list.h"

struct call {
	struct list entry;
	struct flow_calls *all;
	flows_fn *done;
	void *arg;
	struct event *timer;
	struct worker_flows_req req; /* the question under way */
	unsigned rounds;
	bool missed; /* a worker took no question */
	size_t n;
	struct worker_flow flow[FLOWS_ANSWER_MAX];
	uint8_t section[FLOWS_ANSWER_MAX];
};

struct flow_calls {
	struct event_base *base;
	int (*ask)(void *owner, enum role role, const struct worker_flows_req *req);
	void *owner;
	struct list calls;
	uint32_t seq;
};

#define SECTION_ROLE(name, role, what) [name] = (role),
static const enum role role_of[FLOWS_NSECTIONS] = { FLOW_SECTIONS(SECTION_ROLE) };

static struct call *call_free(struct call *c)
{
	if (c && c->timer)
		event_free(c->timer);
	free(c);
	return NULL;
}

DEFINE_FREEP(struct call *, call_free)

/* @next: where another one goes on; 0: nowhere */
static void call_end(struct call *c, uint64_t next)
{
	const struct flows_found found = { c->flow, c->section, c->n, next, !c->missed };

	list_remove(&c->entry);
	c->done(c->arg, &found);
	call_free(c);
}

static void call_next_section(struct call *c)
{
	c->req.section++;
	c->req.below = UINT32_MAX;
}

/* the next question that a worker takes; the call may be over */
static void call_go_on(struct call *c)
{
	struct flow_calls *all = c->all;
	int r = -ENOENT;

	while (r < 0 && c->req.section < FLOWS_NSECTIONS) {
		if (c->rounds == FLOWS_ROUNDS_MAX || c->n + WORKER_FLOWS_MAX > FLOWS_ANSWER_MAX) {
			call_end(c, (uint64_t)c->req.section << 32 | c->req.below);
			return;
		}
		c->rounds++;
		c->req.seq = ++all->seq;
		r = all->ask(all->owner, role_of[c->req.section], &c->req);
		if (r < 0) {
			c->missed |= r != -ENOENT;
			call_next_section(c);
		}
	}
	if (r < 0)
		call_end(c, 0);
}

static void on_call_due(evutil_socket_t fd, short what, void *arg)
{
	struct call *c = arg;

	(void)fd;
	(void)what;
	c->missed = true;
	call_end(c, 0);
}

struct flow_calls *flow_calls_new(struct event_base *base,
				  int (*ask)(void *owner, enum role role,
					     const struct worker_flows_req *req),
				  void *owner)
{
	struct flow_calls *all = calloc(1, sizeof(*all));

	if (!all)
		return NULL;
	all->base = base;
	all->ask = ask;
	all->owner = owner;
	list_init(&all->calls);
	return all;
}

struct flow_calls *flow_calls_free(struct flow_calls *all)
{
	struct list *e;

	while (all && (e = list_first(&all->calls)))
		on_call_due(-1, 0, container_of(e, struct call, entry));
	free(all);
	return NULL;
}

static struct call *call_new(struct flow_calls *all, uint64_t from, flows_fn *done, void *arg)
{
	const struct timeval limit = { .tv_sec = FLOWS_MS / 1000 };
	AUTO(call_freep) struct call *c = NULL;

	if (list_count(&all->calls) >= FLOWS_CALLS_MAX)
		return NULL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->all = all;
	c->done = done;
	c->arg = arg;
	c->req.section = (uint32_t)(from >> 32);
	c->req.below = (uint32_t)from;
	c->timer = evtimer_new(all->base, on_call_due, c);
	if (!c->timer || evtimer_add(c->timer, &limit) < 0)
		return NULL;
	list_append(&all->calls, &c->entry);
	return take_ptr(c);
}

void flows_ask(struct flow_calls *all, uint64_t from, flows_fn *done, void *arg)
{
	struct call *c = call_new(all, from, done, arg);

	if (!c) {
		done(arg, &(struct flows_found){ 0 });
		return;
	}
	all->ask(all->owner, ROLE_RELAY, NULL); /* it is answered before the flows are */
	all->ask(all->owner, ROLE_SLIRP, NULL);
	call_go_on(c);
}

static struct call *call_of(const struct flow_calls *all, const struct worker_flows_req *req)
{
	struct list *e;

	list_for_each (e, &all->calls) {
		struct call *c = container_of(e, struct call, entry);

		if (c->req.seq == req->seq && c->req.section == req->section)
			return c;
	}
	return NULL;
}

static bool flow_is_sane(const struct worker_flow *f)
{
	bool known_protocol = f->protocol == IPPROTO_TCP || f->protocol == IPPROTO_UDP ||
			      f->protocol == IPPROTO_ICMP;

	return known_protocol && f->kind < FLOW_NKINDS && f->shape < FLOW_NSHAPES;
}

void flows_told(struct flow_calls *all, enum role role, const struct worker_flows *told)
{
	struct call *c = call_of(all, &told->req);

	if (!c || role_of[c->req.section] != role || told->count > WORKER_FLOWS_MAX)
		return; /* too late, or it will be */
	for (uint32_t i = 0; i < told->count; i++) {
		if (!flow_is_sane(&told->flow[i]))
			continue;
		c->section[c->n] = (uint8_t)c->req.section;
		c->flow[c->n++] = told->flow[i];
	}
	if (told->below && told->below < c->req.below)
		c->req.below = told->below;
	else
		call_next_section(c);
	call_go_on(c);
}
