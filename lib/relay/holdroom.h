/* SPDX-License-Identifier: Apache-2.0 */
/* holdroom.h - which connection out gives way when there are too many */
#ifndef RK_RELAY_HOLDROOM_H
#define RK_RELAY_HOLDROOM_H

#include "lib/relay/hold_impl.h"

/**
 * holdroom_find() - is there room for one from @k?
 * @source:	the list in which holds of that address are
 * @ret:	set when 1 is returned
 * Return: 0: yes. 1: when *ret is abandoned. -EAGAIN: not now
 */
int holdroom_find(struct holds *h, const struct list *source, const struct syn_key *k,
		  struct hold **ret);

/* holdroom_oldest() - one that has waited for longer than a handshake takes. 1 and *ret; -EAGAIN:
 * there is none */
int holdroom_oldest(const struct holds *h, struct hold **ret);

#endif
