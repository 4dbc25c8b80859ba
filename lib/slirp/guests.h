/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guests.h - answers libslirp's questions for hardware addresses behind the gateway (slirp only)
 *
 * In the gateway's netns every guest is behind one interface, so every question has one answer,
 * and no question needs to leave this process.
 */
#ifndef RK_SLIRP_GUESTS_H
#define RK_SLIRP_GUESTS_H

#include <stdbool.h>

#include "lib/slirp/frame.h"

#define GUESTS_KNOWN 16     /* entries of libslirp's tables, which it fills in a ring */
#define GUESTS_ASKED_MAX 64 /* questions without an answer yet; more are dropped */
#define GUESTS_FRAME_MAX 96

struct guest {
	uint16_t family; /* 0: free */
	uint8_t addr[16];
};

struct guest_table { /* what libslirp knows, entry by entry */
	struct guest entry[GUESTS_KNOWN];
	uint32_t next, last; /* victim; the one that was looked up last */
};

struct guests {
	uint8_t mac[NET_MAC_LEN];
	struct net_plan plan;
	struct guest_table known[2]; /* IPv4, IPv6 */
	struct guest asked[GUESTS_ASKED_MAX];
	uint32_t nasked;
	bool crowded; /* libslirp has forgotten somebody: it may ask again */
};

void guests_init(struct guests *g, const struct net_plan *plan, const uint8_t mac[NET_MAC_LEN]);

/**
 * guests_introduce() - make the frame that tells libslirp a guest's hardware address
 * @buf:	at least GUESTS_FRAME_MAX bytes; for slirp_input()
 * Return: length, 0 when libslirp knows the guest
 */
size_t guests_introduce(struct guests *g, uint16_t family, const uint8_t *addr, uint8_t *buf);

/**
 * guests_take() - look at a frame that libslirp sends
 * Return: true when it was a question or an advertisement, which ends here
 */
bool guests_take(struct guests *g, const uint8_t *data, size_t len);

/* guests_next_answer() - a frame for slirp_input(), as from guests_introduce(); 0 when none is due
 */
size_t guests_next_answer(struct guests *g, uint8_t *buf);

#endif
