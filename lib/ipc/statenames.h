/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statenames.h - the names that an instance makes in its state directory
 *
 * The parent makes and removes them; the child removes them when the parent is gone. Nothing else
 * in the directory is ever touched.
 */
#ifndef RK_IPC_STATENAMES_H
#define RK_IPC_STATENAMES_H

#include <stddef.h>

#define STATE_LOCK "lock"
#define STATE_CHILD_PID "child_pid"
#define STATE_CHILD_PID_NEW ".child_pid.new"
#define STATE_API_SOCK "api.sock"
#define STATE_NETNS "netns"
#define STATE_RESOLV_CONF "resolv.conf"
#define STATE_HOSTS "hosts"

/* statenames_known() - 1 when @name is one of ours, or one that RootlessKit leaves behind */
int statenames_known(const char *name);

/* statenames_unlink() - unlink every known name but the lock; absent ones are no error */
void statenames_unlink(int dirfd);

/**
 * statenames_remove_dir() - unlink the known names, the lock last, then the directory itself
 * @dirfd:	the directory; borrowed
 * @name:	its last path component: removed only while it still is this directory
 * Return: 0; -ENOTEMPTY when something else is in it; else a negative errno
 */
int statenames_remove_dir(int dirfd, const char *name);

#endif
