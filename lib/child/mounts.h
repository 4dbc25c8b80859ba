/* SPDX-License-Identifier: Apache-2.0 */
/* mounts.h - propagation, /proc and /sys of the child's mount namespace (child) */
#ifndef RK_CHILD_MOUNTS_H
#define RK_CHILD_MOUNTS_H

#include <stdbool.h>

struct err;

/**
 * mounts_propagation() - set the propagation of /
 * @mode:	private rprivate shared rshared slave rslave; with other strings nothing is done
 * Return: 0 or a negative errno
 */
int mounts_propagation(const char *mode, struct err *err);

/**
 * mounts_proc() - a procfs of the new PID namespace on /proc, read-only when it must be
 * Return: 0, also when it cannot be mounted: that is only a warning
 */
int mounts_proc(struct err *err);

/**
 * mounts_sys() - a sysfs of the new network namespace on /sys, with /sys/fs/cgroup kept
 * @own_cgroup:	the cgroup namespace is new: show a cgroup2 of it when the host has one there
 *
 * Read-write, else read-only, else a warning and the host's /sys stays.
 *
 * Return: 0 or a negative errno
 */
int mounts_sys(bool own_cgroup, struct err *err);

#endif
