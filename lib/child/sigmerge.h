/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sigmerge.h - each signal once, whichever way it came
 *
 * A signal can reach the command in three ways: sent to its process group (^C, timeout, kill
 * -PGID), sent to the parent, which tells the child, or sent to the child (its pid is public:
 * child_pid). In the first case parent and child get it as well, so the child hears of it twice,
 * and the command already has it. The child collects both kinds for a moment and passes on only
 * what the command has not got.
 */
#ifndef RK_CHILD_SIGMERGE_H
#define RK_CHILD_SIGMERGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SIGMERGE_NSIG 65
#define SIGMERGE_BIT(signo) (UINT64_C(1) << ((signo)-1))

enum {
	SIGMERGE_TOLD_MS = 10,   /* after the parent's word: our own copy is on its way, if any */
	SIGMERGE_DIRECT_MS = 20, /* after our own copy: the parent's word is on its way, if any */
	SIGMERGE_LATE_MS = 2000, /* so late may that word be, from a parent that was stopped */
};

struct sigmerge {
	bool own_session; /* the command left our process group (reaper): group signals miss it */
	bool own_pidns;   /* we and the parent call the same sender by different numbers */
	struct {
		uint8_t direct, told; /* counts since the signal was last settled */
		uint64_t due_ms;      /* when it is settled; 0: nothing is pending */
		pid_t sender;         /* of our own copy; 0: outside of our PID namespace */
		pid_t told_sender;    /* of the parent's */
		bool missed;          /* our own copy is older than the command */
		uint64_t alone_ms; /* when our own copy was settled without the parent's word; 0 */
	} sig[SIGMERGE_NSIG];
};

/* sigmerge_direct() - the child itself got @signo, from a process (not from the kernel) */
void sigmerge_direct(struct sigmerge *m, int signo, pid_t sender, uint64_t now_ms);

/* sigmerge_told() - the parent said that it got @signo from @sender */
void sigmerge_told(struct sigmerge *m, int signo, pid_t sender, uint64_t now_ms);

/**
 * sigmerge_command_begins() - the command is there, and what it has got itself is known
 * @has:	signals that reached it, too, since its fork; SIGMERGE_BIT()s
 * @terminal:	signals that the terminal sent, to the whole group: the parent tells none of them
 *
 * What came before to us, but not to the command, came to a group that the command was not in.
 */
void sigmerge_command_begins(struct sigmerge *m, uint64_t has, uint64_t terminal);

/* sigmerge_next_ms() - time until the next settlement, 0 when one is due, -1 when none is pending
 */
int sigmerge_next_ms(const struct sigmerge *m, uint64_t now_ms);

/**
 * sigmerge_settle() - what is due
 * @ret_count:	how often the command is to get it; 0 when it has it already
 * Return: the signal, or 0 when nothing is due; call again until then
 */
int sigmerge_settle(struct sigmerge *m, uint64_t now_ms, unsigned *ret_count);

#endif
