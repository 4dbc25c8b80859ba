/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flowmss.h - the largest segment that a guest takes, by TCP connection (slirp only)
 *
 * libslirp is told another size, so that it makes few large segments (offload.h). What is cut from
 * them for the wire has the size that is remembered here.
 */
#ifndef RK_SLIRP_FLOWMSS_H
#define RK_SLIRP_FLOWMSS_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#define FLOWMSS_SETS 4096
#define FLOWMSS_WAYS 8 /* of a set; the one that was used longest ago makes room */

struct flowmss_key {                 /* no padding: it is compared as bytes */
	uint8_t guest[16], host[16]; /* IPv4: the first four bytes, the rest is zero */
	uint16_t guest_port, host_port, family;
};
static_assert(sizeof(struct flowmss_key) == 38, "bytes without a meaning would be compared");

/* flowmss_make_key() - addresses of 4 or 16 bytes, ports in host order */
static inline struct flowmss_key flowmss_make_key(uint16_t family, const uint8_t *guest,
						  const uint8_t *host, uint16_t guest_port,
						  uint16_t host_port)
{
	struct flowmss_key k = { .family = family,
				 .guest_port = guest_port,
				 .host_port = host_port };
	size_t n = family == AF_INET ? 4 : 16;

	memcpy(k.guest, guest, n);
	memcpy(k.host, host, n);
	return k;
}

struct flowmss_entry {
	struct flowmss_key key;
	uint16_t mss;  /* 0: free */
	uint32_t used; /* the table's clock when it was asked for last */
};

struct flowmss {
	struct flowmss_entry *entries; /* 1.4 MiB of which only what is used becomes memory */
	uint32_t seed, clock;
};

/* flowmss_init() - 0 or -ENOMEM; flowmss_done() takes a zeroed one */
int flowmss_init(struct flowmss *t);
void flowmss_done(struct flowmss *t);

/* flowmss_put() - a SYN said so; a former value of the same connection is replaced */
void flowmss_put(struct flowmss *t, const struct flowmss_key *key, uint16_t mss);

/* flowmss_get() - what was put; 0: it was never, or has made room for others */
uint16_t flowmss_get(struct flowmss *t, const struct flowmss_key *key);

#endif
