/* SPDX-License-Identifier: Apache-2.0 */
/* told.h - what a socket of the host tells beside its data, ICMP errors above all (slirp only) */
#ifndef RK_SLIRP_TOLD_H
#define RK_SLIRP_TOLD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/errqueue.h> /* needs the above */

#include "lib/policy/policy.h"

#define TOLD_CONTROL 256 /* bytes that told_read() needs at most */

union told_name {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct told {
	int hops; /* of a packet that came; -1: not told */
	struct sock_extended_err ee;
	union told_name offender;
};

/* told_read() - the control messages of what recvmsg() has read; what is not told is zero */
void told_read(struct msghdr *h, struct told *ret);

/* told_is_icmp() - whether it is an error that a host or router sent, which a packet can carry */
bool told_is_icmp(const struct told *t, int family);

/* told_by() - who sent it, in_addr or in6_addr; NULL: nobody whom the child could meet by that
 * address, so the gateway says it
 */
const void *told_by(const struct told *t, const struct net_plan *plan,
		    const struct policy_hosts *hosts);

#endif
