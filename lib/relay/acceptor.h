/* SPDX-License-Identifier: Apache-2.0 */
/* acceptor.h - take connections from a listener, a batch a wakeup, and rest while there is no room
 */
#ifndef RK_RELAY_ACCEPTOR_H
#define RK_RELAY_ACCEPTOR_H

#include <stdbool.h>

#include "lib/base/loop.h"
#include "lib/relay/addr.h"

/* embedded in its owner, who sets the callbacks before acceptor_start() */
struct acceptor {
	struct loop *loop; /* NULL: was never started */
	void *owner;       /* for the callbacks */
	struct watch watch;
	struct timer pause;
	bool inherits;        /* every connection in the queue has the listener's options */
	union sock_addr peer; /* of the connection that on_accept() gets */
	/* NULL when there is room for one more, else why not */
	const char *(*no_room)(struct acceptor *a);
	/* @fd: non-blocking, close-on-exec; consumed */
	void (*on_accept)(struct acceptor *a, int fd);
	/* it rests for a moment now: @why; its clients wait in the kernel's queue */
	void (*on_pause)(struct acceptor *a, const char *why);
};

/* acceptor_start() - @listener: consumed on success only; 0 or a negative errno */
int acceptor_start(struct acceptor *a, struct loop *l, int listener);

/* acceptor_stop() - close the listener; its memory is freed by loop_defer_free(). Takes one that
 * was never started */
void acceptor_stop(struct acceptor *a);

/* acceptor_listens() - whether @fd is a listening stream socket */
bool acceptor_listens(int fd);

/* acceptor_is_tcp() - a TCP socket, listening or not */
bool acceptor_is_tcp(int fd);

#endif
