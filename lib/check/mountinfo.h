/* SPDX-License-Identifier: Apache-2.0 */
/* mountinfo.h - what /proc/self/mountinfo says of the mount that a path is on */
#ifndef RK_CHECK_MOUNTINFO_H
#define RK_CHECK_MOUNTINFO_H

#include <stdbool.h>

struct mountinfo {
	char point[256];   /* where it is mounted; longer paths are cut */
	char fstype[64];   /* "ext4", "nfs4" */
	char options[256]; /* "rw,nosuid,noexec", of the mount */
	char optional[64]; /* its propagation: "shared:1 master:2"; empty: private */
	bool shared;
};

/**
 * mountinfo_find() - the last mount of the text whose mount point is @path or a directory above it
 * @text:	of a mountinfo file, changed by this
 * Return: false when there is none
 */
bool mountinfo_find(char *text, const char *path, struct mountinfo *ret);

/* mountinfo_has() - an option of a comma-separated list */
bool mountinfo_has(const char *options, const char *option);

#endif
