/* SPDX-License-Identifier: Apache-2.0 */
/* holdroom.h - which connection out gives way when there are too many */
#ifndef RK_RELAY_HOLDROOM_H
#define RK_RELAY_HOLDROOM_H

#include "lib/relay/hold_impl.h"

/**
 * holdroom_find() - is there room for one from @k?
 * @source:	the list in which holds of that address are
 * @room:	whether there are descriptors for one more
 * @ret:	set when 1 is returned
 * Return: 0: yes. 1: when *ret is abandoned. -EAGAIN: not now
 */
int holdroom_find(struct holds *h, const struct list *source, const struct syn_key *k, bool room,
		  struct hold **ret);

#endif
