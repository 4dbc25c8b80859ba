/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statenames.h - the names that an instance makes in its state directory
 *
 * The parent makes and removes them; the child removes them when the parent is gone. Nothing else
 * in the directory is ever touched.
 */
#ifndef RK_IPC_STATENAMES_H
#define RK_IPC_STATENAMES_H

#include <stdbool.h>
#include <stddef.h>

#define STATE_LOCK "lock"
#define STATE_CHILD_PID "child_pid"
#define STATE_CHILD_PID_NEW ".child_pid.new"
#define STATE_API_SOCK "api.sock"
#define STATE_NETNS "netns"
#define STATE_RESOLV_CONF "resolv.conf"
#define STATE_HOSTS "hosts"
#define STATE_PASTA_PID ".pasta.pid" /* a FIFO that the program pasta writes its pid into */
#define STATE_VPNKIT_SOCK "vpnkit-ethernet.sock" /* of the program vpnkit */
#define STATE_GVPROXY_SOCK ".gvproxy.sock"       /* of the program gvproxy */
#define STATE_S4NN_SOCK ".s4nn.sock"             /* of the program slirp4netns */

/* statenames_known() - 1 when @name is one of ours, or one that RootlessKit leaves behind */
int statenames_known(const char *name);

/**
 * statenames_unlink() - unlink every known name but the lock; absent ones are no error
 * Return: 0, or the last negative errno: with the lock beside it, what is left is still known as
 *         an instance's
 */
int statenames_unlink(int dirfd);

/**
 * statenames_lock() - take the exclusive flock of STATE/lock
 * @make:	make the file when it is not there
 *
 * A lock file may be unlinked between our open and our flock: the lock counts only while the name
 * leads to the locked inode.
 * Return: the descriptor; -EWOULDBLOCK when another instance has it, -ESTALE when it has just ended
 *         (try again); else a negative errno
 */
int statenames_lock(int dirfd, bool make);

/**
 * statenames_remove_dir() - unlink the known names, the lock last, then the directory itself
 * @dirfd:	the directory; borrowed; its lock must be held
 * Return: 0; -ENOTEMPTY when something else is in it; else a negative errno
 */
int statenames_remove_dir(int dirfd);

/**
 * statenames_remove_orphaned() - statenames_remove_dir() for an instance whose parent is dead
 *
 * Its lock is free since then, or held for a moment by the dying process. When a new instance has
 * it, all is its own, and nothing is touched.
 */
void statenames_remove_orphaned(int dirfd);

#endif
