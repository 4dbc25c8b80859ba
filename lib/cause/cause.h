/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cause.h - why a start fails or would fail: one table of causes, for the check and for failed
 * starts
 *
 * A cause has an id that never changes, a reason and the command that mends it. Whoever meets one
 * in the real work attaches it to its error by cause_hint(); the check runs the same work and reads
 * the cause back by finding_of_err().
 */
#ifndef RK_CAUSE_CAUSE_H
#define RK_CAUSE_CAUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

/* in the order of a report: what is in the way first comes first */
#define CAUSES(X) \
	X(USERNS_KERNEL) \
	X(USERNS_SECCOMP) \
	X(USERNS_SYSCTL) \
	X(USERNS_LIMIT) \
	X(USERNS_DEPTH) \
	X(USERNS_UNMAPPED) \
	X(USERNS_CHROOT) \
	X(USERNS_APPARMOR) \
	X(USERNS_SELINUX) \
	X(USERNS_REFUSED) \
	X(PROCESS_LIMIT) \
	X(USER_UNKNOWN) \
	X(SUBID_NONE) \
	X(SUBID_CRLF) \
	X(SUBID_BAD) \
	X(SUBID_SMALL) \
	X(SUBID_OVERLAP) \
	X(SUBID_LOGIN) \
	X(IDTOOL_MISSING) \
	X(IDTOOL_RIGHTS) \
	X(NO_NEW_PRIVS) \
	X(IDTOOL_NOSUID) \
	X(IDTOOL_BOUNDING) \
	X(IDTOOL_TRACED) \
	X(IDTOOL_RANGE) \
	X(IDTOOL_TIMEOUT) \
	X(IDTOOL_KILLED) \
	X(IDTOOL_FAILED) \
	X(MOUNT_DENIED) \
	X(PROC_MASKED) \
	X(NETNS_BIND) \
	X(OVERLAY) \
	X(TUN_MISSING) \
	X(TUN_DENIED) \
	X(NET_SYSCTL) \
	X(NET_FAILED) \
	X(LIBSLIRP) \
	X(NET_TPROXY) \
	X(NET_CLASH) \
	X(RESOLVER) \
	X(HOME_NFS) \
	X(HOME_NOEXEC) \
	X(ROOT_PRIVATE) \
	X(RUNTIME_DIR) \
	X(CGROUP_V1) \
	X(CGROUP_DELEGATION) \
	X(USER_BUS) \
	X(LINGER) \
	X(PROGRAM_MISSING) \
	X(PROGRAM_PATH) \
	X(PORT_HELPER) \
	X(IPTABLES) \
	X(BRIDGE_MODULE) \
	X(SELINUX_LABEL) \
	X(ALREADY_RUNNING) \
	X(NOFILE_LIMIT) \
	X(KEYS_LIMIT) \
	X(LOW_PORTS) \
	X(PING_GROUP) \
	X(SECCOMP_ABSENT) \
	X(LANDLOCK_ABSENT) \
	X(CHECK_STUCK)

enum cause_id {
#define CAUSE_ENUM(id) CAUSE_##id,
	CAUSES(CAUSE_ENUM)
#undef CAUSE_ENUM
		CAUSE_NIDS,
	CAUSE_NONE = CAUSE_NIDS
};

enum cause_level {
	CAUSE_NOTE, /* something optional will not work */
	CAUSE_WARN, /* the start works, something that is usually wanted does not */
	CAUSE_FAIL, /* no start */
	CAUSE_NLEVELS
};

/* daemons that a cause matters for, bits */
enum cause_preset {
	PRESET_DOCKER = 1,
	PRESET_CONTAINERD = 2,
	PRESET_BUILDKIT = 4,
	PRESET_K3S = 8,
	PRESET_DAEMONS = PRESET_DOCKER | PRESET_CONTAINERD | PRESET_K3S,
	PRESET_ANY = PRESET_DAEMONS | PRESET_BUILDKIT,
};

/*
 * Texts are templates: @0@ and @1@ are what the finder says, @uid@ and @exe@ the process's own,
 * @install NAME@ is the command of this distribution. In a command all of them are quoted for the
 * shell, but @!0@, which is a command itself. Commands have "sudo" where they need it.
 */
struct cause {
	const char *id;
	enum cause_level level;
	uint32_t presets; /* for these only; 0: always */
	const char *reason;
	const char *fix;        /* a command; NULL: only @by_hand */
	const char *by_hand;    /* what no command can do here */
	const char *docker;     /* in a container: what its starter has to say */
	const char *kubernetes; /* in a pod */
};

extern const struct cause causes[CAUSE_NIDS];

const char *cause_level_name(enum cause_level level); /* "note", "warn", "fail" */

#define FINDING_ARG_MAX 256
#define FINDING_REASON_MAX 400
#define FINDING_FIX_MAX 560

/* a cause that was met, in words */
struct finding {
	enum cause_id id;
	bool by_hand; /* @fix is no command of this machine */
	char reason[FINDING_REASON_MAX];
	char fix[FINDING_FIX_MAX];
};

/* finding_make() - @a0, @a1: what the templates ask for; may be NULL */
void finding_make(struct finding *ret, enum cause_id id, const char *a0, const char *a1);

/**
 * cause_hint() - append "ID: reason" and "fix: command" (or "by hand: ...") to an error, a line
 * each
 *
 * An error that carries a cause already keeps it. A command that does not fit is not cut but left
 * to the check.
 * Return: r
 */
int cause_hint(struct err *err, int r, enum cause_id id, const char *a0, const char *a1);

/* finding_of_err() - the cause that cause_hint() attached; false when there is none */
bool finding_of_err(const struct err *err, struct finding *ret);

/* cause_of_denied() - why the kernel may have refused what an unconfined user may do in a user
 *                     namespace of its own: CAUSE_USERNS_APPARMOR, ..., or CAUSE_NONE */
enum cause_id cause_of_denied(void);

/* cause_hint_denied() - the same as the hint of an error, if that is EPERM or EACCES; returns r */
int cause_hint_denied(struct err *err, int r);

/**
 * cause_of_userns() - why clone() or unshare() with namespaces of all kinds failed
 * @ret_what:	for the templates of some causes; 64 bytes
 */
enum cause_id cause_of_userns(int errnum, char ret_what[64]);

/**
 * cause_of_idtool() - why newuidmap or newgidmap has run without the right that it needs
 * @path:	of the tool
 * @cap:	its capability, CAP_SETUID or CAP_SETGID
 * Return: CAUSE_NONE when no reason is in sight
 */
enum cause_id cause_of_idtool(const char *path, int cap);

#endif
