/* SPDX-License-Identifier: Apache-2.0 */
/* udpio.h - receive and send many datagrams a call, in bundles where the kernel can */
#ifndef RK_RELAY_UDPIO_H
#define RK_RELAY_UDPIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "lib/relay/addr.h"

#define UDPIO_BATCH 64
#define UDPIO_SLOT 65536  /* bytes: a datagram, or a bundle of datagrams */
#define UDPIO_CONTROL 192 /* bytes of control data, each way */

/* what the control data of a received message say */
struct udpio_info {
	uint16_t segment; /* bytes of each datagram but the last of a bundle; 0: it is one datagram
			   */
	uint8_t ttl;      /* 0: not told */
	uint8_t tos;
	bool has_dst;
	union sock_addr dst; /* that the sender meant */
	bool has_local;
	uint8_t local[16]; /* the address of ours that it hit, IPv4 as ::ffff:a.b.c.d; of IPv4
			      broadcasts and multicasts the one to answer from */
};

/* one for the process, zeroed but for the loop before use: what was received is sent on before the
 * next receive */
struct udpio {
	struct loop *loop; /* of those who receive by it */
	struct mmsghdr in[UDPIO_BATCH], out[UDPIO_BATCH];
	unsigned ready; /* in[] from this one on can receive as they are */
	bool begun;
	struct iovec iov[UDPIO_BATCH];
	union sock_addr name[UDPIO_BATCH];
	struct udpio_info info[UDPIO_BATCH];
	struct {
		_Alignas(struct cmsghdr) uint8_t data[UDPIO_CONTROL];
	} in_control[UDPIO_BATCH], out_control[UDPIO_BATCH];
	uint8_t data[UDPIO_BATCH][UDPIO_SLOT];
};

/**
 * udp_set_options() - room for bursts, and DF is never set: what is larger than the path is cut in
 *                     fragments
 * @buffer:	bytes, each way; the kernel cuts it to net.core.rmem_max and wmem_max
 */
void udp_set_options(int fd, int family, int buffer);

/* udpio_set_options() - for a socket to receive from: the traffic class is told; with @hops the
 * hops that are left, too. Each costs about a tenth of receiving a datagram */
void udpio_set_options(int fd, int family, bool hops);

/* udpio_set_local() - the address of ours that a datagram hit is told, or no longer */
void udpio_set_local(int fd, int family, bool on);

/* udpio_set_original() - the destination that the sender meant is told (transparent sockets) */
int udpio_set_original(int fd, int family);

/* what is remembered of a socket that is received from; zeroed at first */
struct udpio_from {
	uint8_t want; /* how many are likely there; one that has one at a time is asked for one */
	bool bundles; /* whether they come in bundles is settled */
	uint64_t now_ms;
	/* messages of this millisecond and of the one before; those that went the other way */
	uint16_t now, before, back_now, back_before;
};

/**
 * udpio_recv() - as many as there are, about; who sent each, too
 *
 * A socket gets bundles when it first has more than one datagram. Not before: the first socket of
 * a machine that gets them makes the kernel change its own code, which takes milliseconds.
 *
 * Return: their number, with iov[], info[] and name[] filled; 0: none; a negative errno, ICMP
 * errors of the socket among them
 */
int udpio_recv(struct udpio *io, int fd, struct udpio_from *from);

/* udpio_went_back() - @n messages were sent to where the socket's come from: whoever waits for them
 * shall not wait longer */
static inline void udpio_went_back(struct udpio_from *from, unsigned n)
{
	from->back_now = (uint16_t)(from->back_now + n);
}

/* where and how a run of datagrams leaves */
struct udpio_way {
	int fd;
	const union sock_addr *to; /* NULL: a connected socket */
	socklen_t to_len;
	int family;
	uint8_t ttl;          /* 0: the socket's own */
	const uint8_t *local; /* the address to leave from, as in udpio_info; NULL: the kernel
				 chooses */
	uint32_t scope;       /* its interface, 0 but for link-local ones */
	uint64_t *bytes;      /* grows by what is sent; NULL: not counted */
	uint16_t *
		bundle_max; /* longest datagram that goes in bundles; lowered when one is refused */
};

enum udpio_verdict {
	UDPIO_DROP,  /* it is lost */
	UDPIO_RETRY, /* the obstacle is gone */
	UDPIO_STOP,  /* and all that follow */
};

/**
 * udpio_send() - pass on messages @first to @first + @n - 1 of the batch, of one source and one
 *                destination, with the traffic class that was told of each; equal ones are bundled
 * @failed:	asked what to do when a single datagram cannot be sent; may receive nothing
 * Return: datagrams that were sent
 */
unsigned udpio_send(struct udpio *io, unsigned first, unsigned n, const struct udpio_way *way,
		    enum udpio_verdict (*failed)(void *owner, int error, const struct iovec *data),
		    void *owner);

/* udpio_count() - datagrams in messages @first to @first + @n - 1 */
unsigned udpio_count(const struct udpio *io, unsigned first, unsigned n);

/* udpio_next() - the datagram of message @i that starts at *@at, which is moved on; false: no more.
 * An empty message is one empty datagram */
bool udpio_next(const struct udpio *io, unsigned i, size_t *at, struct iovec *ret);

/* udpio_cut() - the first @at bytes of message @i are done with; false: nothing is left */
bool udpio_cut(struct udpio *io, unsigned i, size_t at);

/* udpio_cut_before() - so is what stands before @data in its message; the index of that */
unsigned udpio_cut_before(struct udpio *io, const void *data);

#endif
