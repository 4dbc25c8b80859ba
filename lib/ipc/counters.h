/* SPDX-License-Identifier: Apache-2.0 */
/* counters.h - what a worker counts, and how much of its budgets is used; a part of its pongs */
#ifndef RK_IPC_COUNTERS_H
#define RK_IPC_COUNTERS_H

#include <stdint.h>

#include "lib/ipc/role.h"

enum counter_kind {
	COUNTER_TOTAL,  /* only grows, from 0 in each life of the worker */
	COUNTER_BUDGET, /* comes and goes, and has a limit */
	COUNTER_NKINDS
};

/* name, worker, kind, name in the API, what it is. The drops stand in the order of
 * enum frame_fault */
#define WORKER_COUNTERS(X) \
	X(COUNT_CONNECTIONS, ROLE_RELAY, COUNTER_BUDGET, "connections", \
	  "TCP connections: out, published, DNS") \
	X(COUNT_TCP_OUT, ROLE_RELAY, COUNTER_BUDGET, "tcpOut", \
	  "those out of the child; they share the limit") \
	X(COUNT_TCP_PUBLISHED, ROLE_RELAY, COUNTER_BUDGET, "tcpPublished", \
	  "those to published ports; they share it, too") \
	X(COUNT_DESCRIPTORS, ROLE_RELAY, COUNTER_BUDGET, "descriptors", \
	  "of connections, listeners and UDP out") \
	X(COUNT_HOLDS, ROLE_RELAY, COUNTER_BUDGET, "tcpOutPending", \
	  "connections out that are being made") \
	X(COUNT_TCP_OUT_OPENED, ROLE_RELAY, COUNTER_TOTAL, "tcpOutOpened", "connections out") \
	X(COUNT_TCP_OUT_FAILED, ROLE_RELAY, COUNTER_TOTAL, "tcpOutFailed", \
	  "that the peer or the way to it refused: the child was told") \
	X(COUNT_TCP_OUT_REFUSED, ROLE_RELAY, COUNTER_TOTAL, "tcpOutRefused", \
	  "SYNs refused by the policy: the child was told") \
	X(COUNT_TCP_OUT_ABANDONED, ROLE_RELAY, COUNTER_TOTAL, "tcpOutAbandoned", \
	  "given up by the child before the peer answered") \
	X(COUNT_TCP_OUT_BYTES_IN, ROLE_RELAY, COUNTER_TOTAL, "tcpOutBytesIn", \
	  "bytes given to the child by connections out") \
	X(COUNT_TCP_OUT_BYTES_OUT, ROLE_RELAY, COUNTER_TOTAL, "tcpOutBytesOut", \
	  "bytes that they took out of it") \
	X(COUNT_UDP_OUT, ROLE_RELAY, COUNTER_BUDGET, "udpOut", "ports of the child that talk UDP") \
	X(COUNT_UDP_PAIRS, ROLE_RELAY, COUNTER_BUDGET, "udpOutPairs", \
	  "such a port and one peer of it") \
	X(COUNT_UDP_PAIR_SOCKETS, ROLE_RELAY, COUNTER_BUDGET, "udpOutPairSockets", \
	  "pairs with a socket of their own") \
	X(COUNT_UDP_OUT_OPENED, ROLE_RELAY, COUNTER_TOTAL, "udpOutOpened", \
	  "ports of the child that have talked UDP") \
	X(COUNT_UDP_OUT_EVICTED, ROLE_RELAY, COUNTER_TOTAL, "udpOutEvicted", \
	  "ports that gave way to others") \
	X(COUNT_UDP_OUT_SENT, ROLE_RELAY, COUNTER_TOTAL, "udpOutSent", "datagrams out") \
	X(COUNT_UDP_OUT_RECEIVED, ROLE_RELAY, COUNTER_TOTAL, "udpOutReceived", \
	  "datagrams given to the child") \
	X(COUNT_UDP_OUT_REFUSED, ROLE_RELAY, COUNTER_TOTAL, "udpOutRefused", \
	  "datagrams refused by the policy") \
	X(COUNT_UDP_OUT_DROPPED, ROLE_RELAY, COUNTER_TOTAL, "udpOutDropped", \
	  "datagrams lost here: full buffers, no descriptor, strangers") \
	X(COUNT_UDP_CLIENTS, ROLE_RELAY, COUNTER_BUDGET, "udpClients", \
	  "clients of published UDP ports") \
	X(COUNT_DNS_QUERIES, ROLE_RELAY, COUNTER_BUDGET, "dnsQueries", \
	  "questions by UDP without an answer yet") \
	X(COUNT_DNS_CONNS, ROLE_RELAY, COUNTER_BUDGET, "dnsConnections", "DNS by TCP") \
	X(COUNT_DNS_ASKED, ROLE_RELAY, COUNTER_TOTAL, "dnsAsked", "questions by UDP") \
	X(COUNT_DNS_FAILED, ROLE_RELAY, COUNTER_TOTAL, "dnsFailed", \
	  "questions that no server had an answer to") \
	X(COUNT_SLIRP_TCP, ROLE_SLIRP, COUNTER_BUDGET, "tcp", "libslirp's TCP sockets") \
	X(COUNT_SLIRP_UDP, ROLE_SLIRP, COUNTER_BUDGET, "udp", "libslirp's UDP sockets") \
	X(COUNT_SLIRP_ECHO, ROLE_SLIRP, COUNTER_BUDGET, "echo", "pings under way") \
	X(COUNT_SLIRP_TCP_FULL, ROLE_SLIRP, COUNTER_TOTAL, "tcpFull", \
	  "frames dropped as they would open a TCP socket too many") \
	X(COUNT_SLIRP_UDP_FULL, ROLE_SLIRP, COUNTER_TOTAL, "udpFull", "the same of UDP") \
	X(COUNT_REFUSED, ROLE_SLIRP, COUNTER_TOTAL, "refused", \
	  "frames refused by the policy: the child got an ICMP error") \
	X(COUNT_DROP_SHORT, ROLE_SLIRP, COUNTER_TOTAL, "droppedShort", \
	  "frames shorter than their headers say") \
	X(COUNT_DROP_LINK, ROLE_SLIRP, COUNTER_TOTAL, "droppedLink", \
	  "with a group or odd hardware address") \
	X(COUNT_DROP_ETHERTYPE, ROLE_SLIRP, COUNTER_TOTAL, "droppedEthertype", \
	  "neither IPv4, ARP nor IPv6") \
	X(COUNT_DROP_HEADER, ROLE_SLIRP, COUNTER_TOTAL, "droppedHeader", \
	  "with a network header that is refused") \
	X(COUNT_DROP_SOURCE, ROLE_SLIRP, COUNTER_TOTAL, "droppedSource", \
	  "from an address that no guest can have") \
	X(COUNT_DROP_OFFLOAD, ROLE_SLIRP, COUNTER_TOTAL, "droppedOffload", \
	  "with a header of the tap that does not fit") \
	X(COUNT_DROP_FRAGMENT, ROLE_SLIRP, COUNTER_TOTAL, "droppedFragment", \
	  "that hide their transport header") \
	X(COUNT_DROP_TRANSPORT, ROLE_SLIRP, COUNTER_TOTAL, "droppedTransport", \
	  "with a protocol, length or port that is refused") \
	X(COUNT_DROP_SERVICE, ROLE_SLIRP, COUNTER_TOTAL, "droppedService", \
	  "BOOTP, DHCP, TFTP, DHCPv6") \
	X(COUNT_DROP_CONTROL, ROLE_SLIRP, COUNTER_TOTAL, "droppedControl", \
	  "ICMP, ARP or neighbour discovery that nobody needs") \
	X(COUNT_DROP_SILENT, ROLE_SLIRP, COUNTER_TOTAL, "droppedSilent", "broadcast, multicast") \
	X(COUNT_DROP_RATE, ROLE_SLIRP, COUNTER_TOTAL, "answersSuppressed", \
	  "refused, but too many answers already")

#define COUNTER_ENUM(name, role, kind, api, help) name,
enum worker_counter { WORKER_COUNTERS(COUNTER_ENUM) WORKER_NCOUNTERS };
#undef COUNTER_ENUM

/* by enum worker_counter; those of the other worker are 0. The parent trusts no number of it */
struct worker_counters {
	uint64_t value[WORKER_NCOUNTERS];
	uint64_t max[WORKER_NCOUNTERS]; /* COUNTER_TOTAL: 0 */
};

struct counter_row {
	enum role role;
	enum counter_kind kind;
	const char *name, *help;
};

extern const struct counter_row worker_counter_rows[WORKER_NCOUNTERS];

/* counters_budget() - @used of @max */
static inline void counters_budget(struct worker_counters *c, enum worker_counter i, uint64_t used,
				   uint64_t max)
{
	c->value[i] = used;
	c->max[i] = max;
}

#endif
