/* SPDX-License-Identifier: Apache-2.0 */
/* events.h - what has happened to an instance, for who asks by the API (parent only) */
#ifndef RK_PARENT_EVENTS_H
#define RK_PARENT_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/cleanup.h"

#define EVENTS_MAX 256       /* kept; the oldest goes */
#define EVENTS_WAITS_MAX 8   /* who wait at a time; one more is answered at once */
#define EVENTS_WAIT_MS 5000  /* then the answer is empty */
#define EVENT_BYTES_MAX 1024 /* a longer one is left out */

struct event_base;
struct events; /* opaque */

/* events_new() - NULL when memory is short; @base is borrowed until events_free() */
struct events *events_new(struct event_base *base);
/* events_free() - who waits is called; NULL is taken and returned */
struct events *events_free(struct events *e);
DEFINE_FREEP(struct events *, events_free)

/**
 * events_add() - keep one, and call who waits
 * @e:	NULL: nothing is done
 * @type:	"worker-up"
 * @field, @text:	what it says besides; NULL: nothing
 */
void events_add(struct events *e, const char *type, const char *field, const char *text);
/* events_add_port() - the same about a port; @spec may be NULL */
void events_add_port(struct events *e, const char *type, const char *id, const char *spec);

/* events_text() - those behind number @after, an object of JSON a line; malloc'ed, "" when there
 * is none, NULL when memory is short. A number that is none of ours was another instance's: all */
char *events_text(const struct events *e, uint64_t after);

/* events_count() - how many there have been */
uint64_t events_count(const struct events *e);

/* events_wait() - @done is called once: now when one is behind @after, or with the next one, or
 * after EVENTS_WAIT_MS */
typedef void events_fn(void *arg);
void events_wait(struct events *e, uint64_t after, events_fn *done, void *arg);

#endif
