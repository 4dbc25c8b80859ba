/* SPDX-License-Identifier: Apache-2.0 */
/* sandboxstate.h - what a process has given up, as it tells the parent */
#ifndef RK_IPC_SANDBOXSTATE_H
#define RK_IPC_SANDBOXSTATE_H

#include <stdint.h>

/* name, its name for users: each is read back from the kernel before it counts */
#define SANDBOX_PROPERTIES(X) \
	X(USERNS, "userns")         /* a user namespace of its own, in which no id is mapped */ \
	X(ROOT, "root")             /* an empty read-only file system is all it can see */ \
	X(NOCAPS, "nocaps")         /* no capability, not even over its own namespace */ \
	X(BOUND, "bound")           /* nor a way to get one: the bounding set is empty */ \
	X(NOTRACE, "notrace")       /* not dumpable: only root of the host may trace it */ \
	X(NONEWPRIVS, "nonewprivs") /* set-user-ID programs have no effect */ \
	X(NOEXEC, "noexec")         /* no memory becomes executable; Linux 6.3 */ \
	X(LANDLOCK, "landlock")     /* no file, abstract socket or signal; Linux 5.13 */ \
	X(SECCOMP, "seccomp")       /* no system call but those of rules.c */ \
	X(LIMITS, "limits")         /* no core, file, process or locked memory */

#define SANDBOX_BIT_ENTRY(name, text) SANDBOX_BIT_##name,
#define SANDBOX_VALUE_ENTRY(name, text) SANDBOX_##name = 1u << SANDBOX_BIT_##name,
enum { SANDBOX_PROPERTIES(SANDBOX_BIT_ENTRY) SANDBOX_NPROPERTIES };
enum sandbox_property { SANDBOX_PROPERTIES(SANDBOX_VALUE_ENTRY) };

#define SANDBOX_WHY_MAX 248

struct sandbox_report {
	uint32_t have;             /* enum sandbox_property; 0: nothing was tried */
	char why[SANDBOX_WHY_MAX]; /* the first refusal; terminated, "" when there was none */
};

#define SANDBOX_TEXT_MAX 160

/* sandbox_text() - the names of the properties in @bits, a blank between two; @dst is returned */
const char *sandbox_text(uint32_t bits, char dst[SANDBOX_TEXT_MAX]);

#endif
