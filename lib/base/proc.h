/* SPDX-License-Identifier: Apache-2.0 */
/* proc.h - child processes: kill all, reap all, within a time */
#ifndef RK_BASE_PROC_H
#define RK_BASE_PROC_H

#include <stddef.h>
#include <sys/types.h>

struct proc_list {
	pid_t *pid;
	size_t n, room;
};

/* proc_children() - the direct children of this process; 0, then proc_list_done() is due, or -errno
 */
int proc_children(struct proc_list *ret);
void proc_list_done(struct proc_list *l);

/**
 * proc_kill_children() - SIGKILL every child of this process and reap them, and what they leave
 *			  behind, until none is left
 * @spare:	pids that are not killed, nor are processes of a session that one of them has
 *		begun; they are reaped when they die by themselves
 * @timeout_ms:	given up after that: a process in uninterruptible sleep does not hold us
 *
 * The caller is a subreaper or the init of its PID namespace, so the children of a killed child
 * become its own and are found in the next round, however deep they were.
 * Return: 0; -ETIMEDOUT when some are left; else a negative errno
 */
int proc_kill_children(const pid_t *spare, size_t nspare, int timeout_ms);

/**
 * proc_reap() - reap one child that is dead already, without waiting
 *
 * A call that fails once is tried again: SIGCHLD comes once for all that have died, so a child
 * that is not reaped now would never be.
 * Return: its pid; 0 when no child is dead, or there is none
 */
pid_t proc_reap(int *ret_status);

/* proc_wait_within() - reap one child, waiting at most @timeout_ms; 0, -ETIMEDOUT or -errno */
int proc_wait_within(pid_t pid, int timeout_ms, int *ret_status);

/* proc_status_text() - "exit status 1", "signal: killed" in Go's words, "(core dumped)" appended */
void proc_status_text(int status, char *dst, size_t size);

/* proc_signal_text() - "killed", "user defined signal 1", else "signal N", as Go names them */
const char *proc_signal_text(int signo, char *buf, size_t size);

#endif
