// SPDX-License-Identifier: Apache-2.0
/* sigmerge.c - each signal once, whichever way it came */
#include "lib/child/sigmerge.h"

#include <limits.h>

static bool is_signal(int signo)
{
	return signo > 0 && signo < SIGMERGE_NSIG;
}

void sigmerge_direct(struct sigmerge *m, int signo, pid_t sender, uint64_t now_ms)
{
	if (!is_signal(signo))
		return;
	if (m->sig[signo].direct < UINT8_MAX)
		m->sig[signo].direct++;
	m->sig[signo].sender = sender;
	if (!m->sig[signo].due_ms)
		m->sig[signo].due_ms = now_ms + SIGMERGE_DIRECT_MS;
}

/* the other half of what was settled without it: the command has it */
static bool is_late(struct sigmerge *m, int signo, pid_t sender, uint64_t now_ms)
{
	uint64_t alone_ms = m->sig[signo].alone_ms;
	pid_t own = m->sig[signo].sender;

	m->sig[signo].alone_ms = 0;
	return alone_ms && now_ms - alone_ms < SIGMERGE_LATE_MS && (own == 0 || own == sender);
}

void sigmerge_told(struct sigmerge *m, int signo, pid_t sender, uint64_t now_ms)
{
	if (!is_signal(signo) || is_late(m, signo, sender, now_ms))
		return;
	if (m->sig[signo].told < UINT8_MAX)
		m->sig[signo].told++;
	m->sig[signo].told_sender = sender;
	m->sig[signo].due_ms = now_ms + (m->sig[signo].direct ? 0 : SIGMERGE_TOLD_MS);
}

void sigmerge_command_begins(struct sigmerge *m, uint64_t has, uint64_t terminal)
{
	for (int s = 1; s < SIGMERGE_NSIG; s++) {
		if (!(has & SIGMERGE_BIT(s))) {
			m->sig[s].missed = m->sig[s].direct > 0;
		} else if (terminal & SIGMERGE_BIT(s)) {
			m->sig[s].direct = 0;
			m->sig[s].due_ms = 0;
		}
	}
}

int sigmerge_next_ms(const struct sigmerge *m, uint64_t now_ms)
{
	uint64_t next = UINT64_MAX;

	for (int s = 1; s < SIGMERGE_NSIG; s++) {
		if (m->sig[s].due_ms && m->sig[s].due_ms < next)
			next = m->sig[s].due_ms;
	}
	if (next == UINT64_MAX)
		return -1;
	return next <= now_ms ? 0 : (int)(next - now_ms);
}

/* one sender who met the group, or two who met us and the parent at the same time */
static bool has_one_sender(const struct sigmerge *m, int signo)
{
	pid_t own = m->sig[signo].sender;

	return m->own_pidns || own == 0 || own == m->sig[signo].told_sender;
}

int sigmerge_settle(struct sigmerge *m, uint64_t now_ms, unsigned *ret_count)
{
	for (int s = 1; s < SIGMERGE_NSIG; s++) {
		unsigned direct = m->sig[s].direct, told = m->sig[s].told;

		if (!m->sig[s].due_ms || m->sig[s].due_ms > now_ms)
			continue;
		m->sig[s].direct = m->sig[s].told = 0;
		m->sig[s].due_ms = 0;
		m->sig[s].alone_ms = told ? 0 : now_ms;
		if (!direct || !told)
			*ret_count = direct + told;
		else /* the group got it; what came besides, within milliseconds, is the same */
			*ret_count =
				m->own_session || m->sig[s].missed || !has_one_sender(m, s) ? 1 : 0;
		m->sig[s].missed = false;
		return s;
	}
	return 0;
}
