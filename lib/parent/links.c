// SPDX-License-Identifier: Apache-2.0
/* links.c - what child and nursery tell the parent */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "lib/ipc/nursery.h"
#include "lib/parent/instance.h"
#include "netdrivers/netdriver.h"

#define ERR_LINES_MAX 3 /* what failed, and what to do */

/* the text goes to the user's terminal: whoever sent it, no byte of it may be a command there */
void instance_take_err(struct err *ret, const void *payload)
{
	int lines = 1;

	memcpy(ret, payload, sizeof(*ret));
	ret->msg[sizeof(ret->msg) - 1] = '\0';
	for (char *p = ret->msg; *p; p++) {
		if ((*p == '\n' && lines++ < ERR_LINES_MAX) || (*p >= 0x20 && *p < 0x7f))
			continue;
		*p = '?';
	}
	if (ret->code <= 0)
		ret->code = EPROTO;
}

void instance_bad_message(struct instance *in, int r, const char *who, const char *name)
{
	if (in->err.code)
		return;
	if (r == -EPROTO)
		err_say(&in->err, EPROTO, "%s%s broke the protocol", who, name);
	else
		err_set(&in->err, -r, "message of %s%s", who, name);
}

/* --- child -------------------------------------------------------------------------------- */

static void child_told(struct instance *in, const struct msg *m)
{
	switch (m->type) {
	case HS_STAGE:
		in->stage = (enum hs_stage)((const struct hs_stage_msg *)m->payload)->stage;
		break;
	case HS_HELLO:
		in->stage = HS_STAGE_EXECED;
		break;
	case HS_READY:
		in->stage = HS_STAGE_READY;
		instance_clear(in, PENDING_CHILD);
		break;
	case HS_EXITED:
		in->exited = *(const struct hs_exited *)m->payload;
		in->have_exited = true;
		instance_end(in);
		break;
	case HS_FAILED:
	default:
		instance_take_err(&in->err, m->payload);
		instance_end(in);
		break;
	}
}

void child_drain(struct instance *in)
{
	for (;;) {
		uint32_t state = in->phase == PHASE_STARTING ? HS_STARTING : HS_RUNNING;
		struct msg m;
		int n = in->child_link.fd < 0 ? 0
					      : msg_recv(in->child_link.fd, &handshake_proto,
							 ROLE_CHILD, state, MSG_DONTWAIT, &m);

		if (n == -EAGAIN)
			return;
		if (n <= 0) { /* SIGCHLD follows, or has been */
			if (in->child_link.event)
				event_del(in->child_link.event);
			if (n < 0) {
				instance_bad_message(in, n, "the child", "");
				instance_end(in);
			} else {
				instance_lost_child_link(in);
			}
			return;
		}
		child_told(in, &m);
		if (in->phase == PHASE_ENDED)
			return;
	}
}

void on_child_link(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	child_drain(arg);
}

/* --- nursery ------------------------------------------------------------------------------ */

static void worker_spawned(struct instance *in, const struct nursery_spawned *s)
{
	struct err err = { 0 };

	if (!s->error) {
		log_debug("workers", "%s is process %d", role_name((enum role)s->role), s->pid);
		return;
	}
	err_set(&err, s->error, "starting the %s worker", role_name((enum role)s->role));
	for (int i = 0; i < NWORKERS; i++) {
		if ((uint32_t)in->worker[i].role == s->role)
			worker_refused(&in->worker[i], &err);
	}
}

void on_nursery_link(evutil_socket_t fd, short what, void *arg)
{
	struct instance *in = arg;
	struct msg m;
	int n = msg_recv(fd, &nursery_proto, ROLE_NURSERY, NURSERY_UP, MSG_DONTWAIT, &m);

	(void)what;
	if (n == -EAGAIN)
		return;
	if (n <= 0) { /* SIGCHLD says the rest */
		event_del(in->nursery_link.event);
		return;
	}
	if (m.type == NURSERY_EXITED)
		worker_died(in, (const struct nursery_exited *)m.payload);
	else
		worker_spawned(in, (const struct nursery_spawned *)m.payload);
}
