/* SPDX-License-Identifier: Apache-2.0 */
/* udpbatch.h - receive and send many datagrams a call, with the local address that each one hit */
#ifndef RK_RELAY_UDPBATCH_H
#define RK_RELAY_UDPBATCH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "lib/relay/addr.h"

#define UDP_BATCH 32
#define UDP_DATAGRAM_MAX 65536 /* bytes of a slot; no datagram is larger */
/* room for in_pktinfo and in6_pktinfo: a dual-stack socket tells both of an IPv4 datagram */
#define UDP_CONTROL_MAX 96

/*
 * One for the process: what was received is sent on or kept before the next receive. Pages that no
 * datagram has reached are never touched.
 */
struct udp_batch {
	struct mmsghdr msg[UDP_BATCH];
	struct iovec iov[UDP_BATCH];
	union sock_addr name[UDP_BATCH];
	struct {
		_Alignas(struct cmsghdr) uint8_t data[UDP_CONTROL_MAX];
	} control[UDP_BATCH];
	uint8_t data[UDP_BATCH][UDP_DATAGRAM_MAX];
};

/**
 * udpbatch_recv() - as many as there are, UDP_BATCH at most
 * @with_names:	also who sent each, and what it hit
 * Return: their number; 0 when there is none; a negative errno, ICMP errors of a connected socket
 *         among them. iov[i].iov_len is the length of datagram i
 */
int udpbatch_recv(struct udp_batch *b, int fd, bool with_names);

/**
 * udpbatch_local() - the address of ours that datagram @i hit, IPv4 as ::ffff:a.b.c.d
 * @ret:	for IPv4 broadcasts and multicasts the one to answer from; zero when unknown
 */
void udpbatch_local(struct udp_batch *b, unsigned i, uint8_t ret[static 16]);

/* udpbatch_client() - who sent datagram @i, IPv4 as ::ffff:a.b.c.d; @ret_scope is 0 but for
 * link-local addresses */
void udpbatch_client(const struct udp_batch *b, unsigned i, uint8_t ret[static 16],
		     uint16_t *ret_port, uint32_t *ret_scope);

/**
 * udpbatch_source() - the control data that makes a datagram leave from @local
 * @control:	aligned as a cmsghdr, UDP_CONTROL_MAX bytes
 * @family:	of the socket
 * Return: bytes, 0 when @local is no address to send from (unknown, multicast)
 */
size_t udpbatch_source(uint8_t *control, int family, const uint8_t local[static 16],
		       uint32_t scope);

/**
 * udp_set_options() - room for bursts, and DF is never set: what is larger than the path is cut in
 *                     fragments
 * @buffer:	bytes, each way; the kernel cuts it to net.core.rmem_max and wmem_max
 */
void udp_set_options(int fd, int family, int buffer);

#endif
