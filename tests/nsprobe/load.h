/* SPDX-License-Identifier: Apache-2.0 */
/* load.h - what both ends of a load by UDP agree on */
#ifndef RK_TESTS_LOAD_H
#define RK_TESTS_LOAD_H

#include <stdbool.h>

#include "nsprobe.h"

#define LOAD_BATCH 64
#define LOAD_MAX 65536 /* bytes of a datagram, or of a bundle */

/* the first byte of a datagram to `loadserve` */
#define LOAD_DATA 'd'    /* is counted */
#define LOAD_REQUEST 'r' /* comes back */
#define LOAD_NEW 'n'     /* count from here on; comes back */
#define LOAD_COUNT '?'   /* "DATAGRAMS BYTES NANOSECONDS" from the first to the last comes back */
#define LOAD_BLAST 'b'   /* "b MS SIZE": datagrams of that size are sent for so long */

struct load_count {
	uint64_t datagrams, bytes, first_ns, last_ns;
};

uint64_t load_now_ns(void);
int load_socket(const struct addr *a, bool gro); /* with large buffers; exits when there is none */
/* load_blast() - datagrams of @size for so long, bundles with @gso, as fast as it goes or @per_ms a
 * millisecond; returns how many were sent */
uint64_t load_blast(int fd, const struct addr *to, int ms, size_t size, bool gso, unsigned per_ms);

struct load_batch;
/* load_batch_new() - buffers of one recvmmsg; exits when there are none */
struct load_batch *load_batch_new(void);
struct mmsghdr *load_receive(struct load_batch *b, int fd, int *ret_n);
/* load_add() - a message of data: one datagram, or as many as the kernel has merged */
void load_add(struct load_count *c, const struct mmsghdr *m, uint64_t now_ns);
void load_print(const struct load_count *c, char *dst, size_t size);

#endif
