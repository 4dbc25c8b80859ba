// SPDX-License-Identifier: Apache-2.0
/*
 * mounts.c - propagation, /proc and /sys of the child's mount namespace
 *
 * Runs in the child, as root of its namespaces. A kernel lets an unprivileged namespace mount
 * procfs and sysfs only where the host's is fully visible, and read-write only where that is; in a
 * container neither may hold, so both are tried in turn and missing them ends nothing.
 */
#include "lib/child/mounts.h"

#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statfs.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/child/subtree.h"

#define CGROUP_DIR "/sys/fs/cgroup"

int mounts_propagation(const char *mode, struct err *err)
{
	static const struct {
		const char *name;
		unsigned long flags;
	} modes[] = {
		{ "private", MS_PRIVATE }, { "rprivate", MS_PRIVATE | MS_REC },
		{ "shared", MS_SHARED },   { "rshared", MS_SHARED | MS_REC },
		{ "slave", MS_SLAVE },     { "rslave", MS_SLAVE | MS_REC },
	};

	for (size_t i = 0; mode && i < ARRAY_SIZE(modes); i++) {
		if (strcmp(mode, modes[i].name))
			continue;
		if (mount("none", "/", NULL, modes[i].flags, NULL) < 0)
			return err_set(err, errno, "failed to share mount point: /");
		return 0;
	}
	return 0;
}

/* read-write, else read-only; false after a warning when neither is allowed */
static bool mount_either(const char *type, const char *dir, unsigned long flags)
{
	if (mount("none", dir, type, flags, NULL) == 0)
		return true;
	log_warning("mounts", "failed to mount %s on %s: %s, falling back to a read-only mount",
		    type, dir, strerror(errno));
	if (mount("none", dir, type, flags | MS_RDONLY, NULL) == 0)
		return true;
	log_warning("mounts", "failed to mount %s on %s read-only: %s, keeping the host's", type,
		    dir, strerror(errno));
	return false;
}

int mounts_proc(struct err *err)
{
	(void)err;
	mount_either("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC);
	return 0;
}

static bool is_cgroup2(const char *dir)
{
	struct statfs fs;

	return statfs(dir, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

static bool mount_cgroup2(void)
{
	if (mount("none", CGROUP_DIR, "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0)
		return true;
	log_warning("mounts", "failed to mount cgroup2 on %s: %s, keeping the host's", CGROUP_DIR,
		    strerror(errno));
	return false;
}

void mounts_cgroup2(void)
{
	/* the kernel refuses it right on another mount of the same cgroup2 */
	if (mount("none", CGROUP_DIR, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755") < 0)
		log_warning("mounts", "failed to mount tmpfs on %s: %s, keeping the host's",
			    CGROUP_DIR, strerror(errno));
	else if (!mount_cgroup2())
		umount2(CGROUP_DIR, UMOUNT_NOFOLLOW);
}

/* the fresh sysfs hides the host's cgroups: bring them, or this namespace's own view, back */
static int show_cgroups(struct subtree *cgroups, bool own_cgroup, struct err *err)
{
	int r;

	if (own_cgroup && mount_cgroup2())
		return 0;
	r = subtree_put(cgroups, CGROUP_DIR);
	return r < 0 ? err_set(err, -r, "failed to move mount point to %s", CGROUP_DIR) : 0;
}

int mounts_sys(enum mounts_cgroup cgroup, struct err *err)
{
	struct subtree cgroups;
	bool own_cgroup =
		cgroup == MOUNTS_CGROUP2 || (cgroup == MOUNTS_CGROUP_OWN && is_cgroup2(CGROUP_DIR));
	int kept = subtree_take(&cgroups, CGROUP_DIR, "rksys"), r = 0;

	if (kept < 0 && kept != -ENOENT)
		r = err_set(err, -kept, "failed to create bind mount on %s", CGROUP_DIR);
	/* without cgroups on the host there is nothing to keep */
	if (!r && mount_either("sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC) && !kept)
		r = show_cgroups(&cgroups, own_cgroup, err);
	subtree_done(&cgroups);
	return r;
}
