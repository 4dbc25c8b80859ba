/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offload.h - large segments and unfinished checksums on the tap of the gateway (slirp only)
 *
 * Each frame of such a tap has a struct virtio_net_hdr in front, in host byte order, which says
 * whether the checksum is yet to be computed, and into which segments the frame is cut where it
 * becomes packets. The kernel writes it on the way in; what it describes is the child's.
 */
#ifndef RK_SLIRP_OFFLOAD_H
#define RK_SLIRP_OFFLOAD_H

#include <linux/virtio_net.h>

#include "lib/slirp/flowmss.h"
#include "lib/slirp/frame.h"

#define OFFLOAD_HEADERS_MAX (ETH_LEN + IP6_LEN + 60) /* link, network, TCP with options */
#define OFFLOAD_MTU 65521                            /* of libslirp: the most that it takes */

static_assert(sizeof(struct virtio_net_hdr) == 10, "what the gateway's tap is set to");

struct offload {
	struct flowmss flows;
	uint32_t mtu; /* of the virtual network: no packet to the child is longer */
};

/* a frame of libslirp as it goes to the tap */
struct offload_out {
	struct virtio_net_hdr vnet;
	uint8_t headers[OFFLOAD_HEADERS_MAX];
	size_t nheaders;
	const uint8_t *rest; /* behind the headers: libslirp's own memory */
	size_t nrest;
};

/* offload_segment() - bytes of TCP data that libslirp shall put into a segment, at this MTU */
uint32_t offload_segment(uint32_t mtu);

/* offload_init() - 0 or -ENOMEM; offload_done() takes a zeroed one */
int offload_init(struct offload *o, uint32_t mtu);
void offload_done(struct offload *o);

/**
 * offload_is_sane() - do these headers fit together?
 * @vnet:	as read
 * @len:	of the frame behind it
 */
bool offload_is_sane(const struct virtio_net_hdr *vnet, size_t len);

/* offload_fits() - does a sane @vnet describe the packet that the prefilter has found in @f? */
bool offload_fits(const struct virtio_net_hdr *vnet, const struct frame *f,
		  const struct frame_info *in);

/**
 * offload_take() - make a frame of the child fit for libslirp
 * @vnet:	fits
 * @in:		of a frame that passed the prefilter
 *
 * A SYN is told to libslirp with a larger MSS, its own is remembered. A checksum that the kernel
 * has left out is filled in, as libslirp looks at each.
 */
void offload_take(struct offload *o, const struct virtio_net_hdr *vnet,
		  const struct frame_info *in);

/**
 * offload_give() - make a frame of libslirp fit for the child
 * @data:	borrowed, until @ret is written
 */
void offload_give(struct offload *o, const uint8_t *data, size_t len, struct offload_out *ret);

#endif
