/* SPDX-License-Identifier: Apache-2.0 */
/* dnsports.h - the sockets that questions leave from, each for many and for a short time */
#ifndef RK_RELAY_DNSPORTS_H
#define RK_RELAY_DNSPORTS_H

#include <sys/socket.h>

#include "lib/base/list.h"
#include "lib/base/loop.h"
#include "lib/ipc/worker.h"

struct dns_port;
struct dns_ports_io;

#define DNSPORTS_BATCH 32 /* answers at once */

/* a question under way to a server; zeroed before use, it stays where it is while port is set */
struct dns_line {
	struct list entry;     /* of the port's lines */
	struct dns_port *port; /* NULL: it is not under way */
	struct net_addr server;
	struct iovec msg; /* borrowed */
	void *owner;      /* of who asks, set before use */
};

struct dns_ports {
	struct loop *loop;
	struct list open;    /* take further questions, one a server; the oldest first */
	struct list retired; /* wait for their last answer; the oldest first */
	struct list unsent;  /* those with lines that dnsports_flush() sends */
	unsigned n, max;     /* sockets */
	struct timer timer;  /* of the oldest open one */
	struct dns_ports_io *io;
	/* what came; the messages are the callback's to change */
	void (*on_answers)(struct dns_ports *p, const struct dns_port *from,
			   const struct mmsghdr *msg, unsigned n);
	/* the line's server refused it; it is under way no longer */
	void (*on_refused)(struct dns_line *l);
};

void dnsports_init(struct dns_ports *p, struct loop *l, unsigned max);
int dnsports_make_room(struct dns_ports *p); /* buffers; 0 or -ENOMEM */
void dnsports_done(struct dns_ports *p);     /* no line is under way any more */

/**
 * dnsports_ask() - send @msg to @server by the next dnsports_flush()
 * @l:	one that is under way to @server stays where it is, so that an answer to what was sent
 *	before still counts; else it is under way to nobody
 * Return: 0 or a negative errno: the server cannot be reached
 */
int dnsports_ask(struct dns_ports *p, struct dns_line *l, const struct net_addr *server,
		 const struct iovec *msg);

/* dnsports_flush() - may call on_refused() */
void dnsports_flush(struct dns_ports *p);

/* dnsports_retire() - no further question leaves from the ports there are */
void dnsports_retire(struct dns_ports *p);

/* dnsline_leave() - no answer is expected any more; takes one that is not under way */
void dnsline_leave(struct dns_line *l);

#endif
