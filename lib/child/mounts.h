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

/* whose cgroups /sys/fs/cgroup shows */
enum mounts_cgroup {
	MOUNTS_CGROUP_HOST, /* the host's */
	MOUNTS_CGROUP_OWN,  /* those below our own group, when the host has a cgroup2 there */
	MOUNTS_CGROUP2,     /* the same, whatever the host has there */
};

/**
 * mounts_sys() - a sysfs of the new network namespace on /sys, with /sys/fs/cgroup on it
 *
 * Read-write, else read-only, else a warning and the host's /sys stays.
 *
 * Return: 0 or a negative errno
 */
int mounts_sys(enum mounts_cgroup cgroup, struct err *err);

/* mounts_cgroup2() - a cgroup2 of the new cgroup namespace on the host's /sys/fs/cgroup, or a
 * warning */
void mounts_cgroup2(void);

#endif
