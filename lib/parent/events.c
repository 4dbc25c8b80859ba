// SPDX-License-Identifier: Apache-2.0
/*
 * events.c - what has happened to an instance
 *
 * A ring of lines that are written once, and a fixed table of those who wait, with a timer each.
 * Numbers go on from the time of the start in microseconds: a number of the instance before this
 * one is smaller than all of ours, and hides none.
 */
#include "lib/parent/events.h"

#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STAMP_MAX 40

struct wait {
	events_fn *done; /* NULL: free */
	void *arg;
	struct event *timer;
};

struct events {
	char *line[EVENTS_MAX]; /* number n is in line[n % EVENTS_MAX] */
	uint64_t start, last;   /* the first is start + 1 */
	struct wait wait[EVENTS_WAITS_MAX];
};

static void wait_end(struct wait *w)
{
	events_fn *done = w->done;

	w->done = NULL;
	evtimer_del(w->timer);
	if (done)
		done(w->arg);
}

static void on_wait_due(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	wait_end(arg);
}

struct events *events_new(struct event_base *base)
{
	struct events *e = calloc(1, sizeof(*e));
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (e)
		e->start = e->last = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	for (size_t i = 0; e && i < EVENTS_WAITS_MAX; i++) {
		e->wait[i].timer = evtimer_new(base, on_wait_due, &e->wait[i]);
		if (!e->wait[i].timer)
			e = events_free(e);
	}
	return e;
}

struct events *events_free(struct events *e)
{
	if (!e)
		return NULL;
	for (size_t i = 0; i < EVENTS_WAITS_MAX; i++) {
		if (!e->wait[i].timer)
			continue;
		wait_end(&e->wait[i]);
		event_free(e->wait[i].timer);
	}
	for (size_t i = 0; i < EVENTS_MAX; i++)
		free(e->line[i]);
	free(e);
	return NULL;
}

static void stamp(char text[STAMP_MAX])
{
	struct timespec now;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n = strftime(text, STAMP_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, STAMP_MAX - n, ".%03ldZ", now.tv_nsec / 1000000);
}

/* @j: of the next number; consumed */
static void keep(struct events *e, json_t *j)
{
	char **line = &e->line[(e->last + 1) % EVENTS_MAX];

	free(*line);
	*line = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	if (*line && strlen(*line) > EVENT_BYTES_MAX) {
		free(*line);
		*line = NULL;
	}
	e->last++;
	for (size_t i = 0; i < EVENTS_WAITS_MAX; i++)
		wait_end(&e->wait[i]);
}

static json_t *line_new(const struct events *e, const char *type)
{
	json_int_t seq = (json_int_t)e->last;
	char time_text[STAMP_MAX];

	stamp(time_text);
	return json_pack("{s:I, s:s, s:s}", "seq", seq + 1, "time", time_text, "type", type);
}

void events_add(struct events *e, const char *type, const char *field, const char *text)
{
	json_t *j;

	if (!e)
		return;
	j = line_new(e, type);
	if (field)
		json_object_set_new(j, field, json_string(text));
	keep(e, j);
}

void events_add_port(struct events *e, const char *type, const char *id, const char *spec)
{
	json_t *j;

	if (!e)
		return;
	j = line_new(e, type);
	json_object_set_new(j, "id", json_string(id));
	if (spec)
		json_object_set_new(j, "spec", json_string(spec));
	keep(e, j);
}

uint64_t events_count(const struct events *e)
{
	return e->last - e->start;
}

char *events_text(const struct events *e, uint64_t after)
{
	uint64_t gone = events_count(e) > EVENTS_MAX ? e->last - EVENTS_MAX : e->start;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	/* a larger one is of an instance before this, too: the clock was set back */
	if (after < gone || after > e->last)
		after = gone;
	for (uint64_t n = after + 1; n <= e->last && n > after; n++) {
		const char *line = e->line[n % EVENTS_MAX];

		if (line)
			fprintf(f, "%s\n", line);
	}
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

void events_wait(struct events *e, uint64_t after, events_fn *done, void *arg)
{
	const struct timeval tv = { .tv_sec = EVENTS_WAIT_MS / 1000 };
	const bool none = after == e->last || events_count(e) == 0;

	for (size_t i = 0; none && i < EVENTS_WAITS_MAX; i++) {
		struct wait *w = &e->wait[i];

		if (w->done)
			continue;
		w->done = done;
		w->arg = arg;
		evtimer_add(w->timer, &tv);
		return;
	}
	done(arg);
}
