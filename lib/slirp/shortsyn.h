/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shortsyn.h - SYNs of the child that do not go far, as those of a traceroute (slirp only)
 *
 * libslirp connects as the host does, whatever a SYN has left of hops. Here its socket is told,
 * and the ICMP error about it becomes one for the child, with its sender.
 */
#ifndef RK_SLIRP_SHORTSYN_H
#define RK_SLIRP_SHORTSYN_H

#include "lib/slirp/flowmss.h"
#include "lib/slirp/frame.h"

#define SHORTSYN_HOPS 32  /* from so many on, it goes as far as the host's do */
#define SHORTSYN_MAX 64   /* under way at once; the oldest makes room */
#define SHORTSYN_KEPT 256 /* with those that libslirp is about to end */

struct policy_hosts;

struct shortsyn {
	struct flowmss_key key;
	int fd;     /* libslirp's; -1: closed */
	int hops;   /* that it has */
	bool ended; /* by us: the child hears nothing from libslirp about it */
	uint64_t since_ms, due_ms;
	size_t len;
	uint8_t frame[ETH_LEN + IP6_LEN + 60]; /* the headers, that an error quotes */
};

struct shortsyns {
	struct net_plan plan;
	const struct policy_hosts *hosts; /* see policy_judge() */
	bool direct;                      /* no gateway has counted a hop */
	/* a frame for the child; borrowed */
	void (*give)(void *owner, const uint8_t *data, size_t len);
	bool (*may_answer)(void *owner); /* errors are counted */
	void *owner;
	bool expected; /* libslirp has just got the SYN that @next is about */
	struct shortsyn next, all[SHORTSYN_KEPT];
	uint32_t n; /* the first of @all, in no order */
};

/**
 * shortsyns_take() - look at a SYN that the policy has allowed, before libslirp gets it
 * @f:		as the prefilter left it
 * Return: whether libslirp shall get it; else it is answered
 */
bool shortsyns_take(struct shortsyns *s, const struct frame *f, const struct frame_info *in,
		    uint64_t now_ms);

/* shortsyns_opened() - libslirp has made the socket @fd and is about to connect it */
void shortsyns_opened(struct shortsyns *s, int fd);

/* shortsyns_taken() - libslirp has had the SYN; @fd: its socket or -1 */
void shortsyns_taken(struct shortsyns *s, int fd, uint64_t now_ms);

/* shortsyns_ready() - @fd, maybe not ours, has something to say, before libslirp hears it */
void shortsyns_ready(struct shortsyns *s, int fd, uint64_t now_ms);

/* shortsyns_closed() - libslirp is about to close @fd */
void shortsyns_closed(struct shortsyns *s, int fd);

/* shortsyns_hush() - whether this frame of libslirp is about one that has ended for the child */
bool shortsyns_hush(struct shortsyns *s, const uint8_t *data, size_t len);

/* shortsyns_expire() - end what was silent; ms until there is more to do, -1: nothing is there */
int shortsyns_expire(struct shortsyns *s, uint64_t now_ms);

#endif
