/* SPDX-License-Identifier: Apache-2.0 */
/* system.h - which distribution this is, whether it is a container, what the kernel's files say */
#ifndef RK_CAUSE_SYSTEM_H
#define RK_CAUSE_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum family {
	FAMILY_DEBIAN,
	FAMILY_FEDORA,
	FAMILY_SUSE,
	FAMILY_ALPINE,
	FAMILY_ARCH,
	FAMILY_OTHER,
	FAMILY_NKINDS
};

enum place {
	PLACE_HOST,
	PLACE_CONTAINER, /* docker, podman */
	PLACE_KUBERNETES,
};

/* family_of() - from the text of os-release: ID, then the words of ID_LIKE */
enum family family_of(const char *os_release);

enum family system_family(void);

/* system_place() - who has to mend things; the variable set to "host" says that commands do here */
#define SYSTEM_PLACE_ENV "ROOTLESS_SUPERVISOR_PLACE"
enum place system_place(void);

/* system_install() - the command that installs what @name is called here ("uidmap"); its
 *                    length; -ENOENT for a distribution that is not known: then it is a sentence */
int system_install(enum family family, const char *name, char *dst, size_t size);

/* system_number() - a file of /proc or /sys that holds one number; false when it does not */
bool system_number(const char *path, uint64_t *ret);

/* system_status() - a field of /proc/self/status ("Seccomp"), "" when it is not there */
void system_status(const char *field, char *dst, size_t size);

#endif
