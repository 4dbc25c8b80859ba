/* SPDX-License-Identifier: Apache-2.0 */
/* resolvconf.h - the state dir's resolv.conf and hosts over those of /etc (child) */
#ifndef RK_CHILD_RESOLVCONF_H
#define RK_CHILD_RESOLVCONF_H

#include <stdbool.h>

struct err;

/**
 * resolvconf_bind() - bind STATE/resolv.conf and STATE/hosts over /etc/resolv.conf and /etc/hosts
 * @state_dirfd:	may come from the parent, so from another mount namespace
 * @etc_copied:	/etc is a tmpfs of ours: its two links become empty files first. Without that
 *		a warning is logged and the mounts go over what is there
 * Return: 0 or a negative errno
 */
int resolvconf_bind(int state_dirfd, bool etc_copied, struct err *err);

#endif
