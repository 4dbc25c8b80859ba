/* SPDX-License-Identifier: Apache-2.0 */
/* udpout_impl.h - what the files of udpout share: mappings, pairs, errors */
#ifndef RK_RELAY_UDPOUT_IMPL_H
#define RK_RELAY_UDPOUT_IMPL_H

#include "lib/relay/addr.h"
#include "lib/relay/udpout.h"

#define UDPOUT_HOPS 64 /* the default of Linux: not carried over */

struct udpout_map {
	struct udp_entry entry; /* in the table */
	struct udpout *all;
	struct watch watch; /* the host's socket */
	struct list pairs;
	struct net_addr child;
	uint64_t out_ms;     /* when the child last sent */
	uint16_t bundle_max; /* longest datagram of a bundle */
	unsigned in;         /* messages of the host, while they are few */
	struct udpio_from from;
	bool brief; /* only name servers were talked to */
	bool cuts;  /* the socket sets no DF now */
};

struct udpout_pair {
	struct udp_entry entry; /* in the table */
	struct udpout_map *map;
	struct list by_map;
	struct watch watch; /* the transparent socket; fd -1: none */
	struct sockpool_wait wait;
	struct net_addr peer; /* as the child knows it */
	union sock_addr host; /* as the host does */
	socklen_t host_len;
	uint64_t mtu_ms;     /* when mtu was learnt */
	uint16_t mtu;        /* of the path, when a datagram was longer; 0: not known */
	uint16_t bundle_max; /* towards the child */
	struct udpio_from from;
	uint8_t seen;   /* messages without a socket */
	bool no_socket; /* there was none to be had */
	bool known;     /* something has passed */
	bool by_peer;   /* the peer began: it knows the mapping as the address @local */
	uint8_t local[16];
};

/* a datagram on its way out, for errors about it */
struct udpout_way {
	struct udpout_map *map;
	struct udpout_pair *pair; /* NULL: none is kept */
	struct net_addr peer;
	union sock_addr host;
	socklen_t host_len;
	uint8_t ttl;
};

/* --- udpoutmap.c */

/* udpout_map_get() - the mapping of @child, made when there is none; NULL: it cannot be had */
struct udpout_map *udpout_map_get(struct udpout *u, const struct net_addr *child);
void udpout_map_end(struct udpout_map *m);

/* udpout_map_send() - messages @first to @first + @n - 1 of the batch go out */
void udpout_map_send(const struct udpout_way *way, unsigned first, unsigned n);

/* udpout_seen() - who @host is for the child; -EACCES: nobody that it may talk to */
int udpout_seen(const struct udpout *u, const union sock_addr *host, struct net_addr *ret);

/* --- udpoutpair.c */

/* udpout_pair_find() - NULL: there is none */
struct udpout_pair *udpout_pair_find(const struct udpout_map *m, const struct net_addr *peer);

/* udpout_pair_get() - the pair of @m and @peer, made when there is none; NULL: none is kept */
struct udpout_pair *udpout_pair_get(struct udpout_map *m, const struct net_addr *peer,
				    const union sock_addr *host, socklen_t host_len);
void udpout_pair_end(struct udpout_pair *p);

/* udpout_pair_used() - it is alive; when it is busy it gets a socket */
void udpout_pair_used(struct udpout_pair *p, unsigned messages);

/* udpout_to_child() - messages @first to @first + @n - 1 of the batch, from @peer */
void udpout_to_child(struct udpout_map *m, struct udpout_pair *p, const struct net_addr *peer,
		     unsigned first, unsigned n);

/* --- udpouterr.c */

/* udpout_drain() - pass on the errors that @m's socket has met; their number. *ret_mtu is of the
 * path for which the last one was too long, when our own kernel says so; else unchanged */
unsigned udpout_drain(struct udpout_map *m, uint32_t *ret_mtu);

/* udpout_too_long() - tell the child that @data is longer than the path has room for, and keep that
 * in mind */
void udpout_too_long(const struct udpout_way *way, uint32_t mtu, const struct iovec *data);

/* udpout_refuse() - tell the child that @data could not be sent to @peer: an errno of the host */
void udpout_refuse(struct udpout *u, const struct net_addr *child, const struct net_addr *peer,
		   int error, const struct iovec *data);

/* udpout_expire() - and that it has made all its hops */
void udpout_expire(struct udpout *u, const struct net_addr *child, const struct net_addr *peer,
		   const struct iovec *data);

/* udpout_judge() - 0 with *ret_host filled, or -EACCES when the policy refuses: the child is told
 */
int udpout_judge(struct udpout *u, const struct net_addr *child, const struct net_addr *peer,
		 const struct iovec *data, struct net_addr *ret_host);

#endif
