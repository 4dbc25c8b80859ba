/* SPDX-License-Identifier: Apache-2.0 */
/* tuntap.h - taps of the netns we are in */
#ifndef RK_NSAGENT_TUNTAP_H
#define RK_NSAGENT_TUNTAP_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

/**
 * tuntap_open() - make a tap, or open the one that is there
 * @name:	less than IFNAMSIZ bytes
 * @offload:	frames have a struct virtio_net_hdr in front; segments of TCP come uncut, without
 *		checksums (lib/slirp/offload.h)
 * @persist:	it goes with the netns, in the background, not with the last descriptor: destroying
 *		it in a close() takes 20 ms, and others may open it by its name
 * @ret:	non-blocking, close-on-exec; the caller's
 * @ret_mac:	its hardware address
 * Return: 0 or a negative errno; what is missing for it is told in a second line of @err
 *
 * A tap belongs to the netns in which /dev/net/tun was opened.
 */
int tuntap_open(const char *name, bool offload, bool persist, int *ret, uint8_t ret_mac[6],
		struct err *err);

/* tuntap_set_mac() - the hardware address of the tap @name, which is @fd and still down */
int tuntap_set_mac(int fd, const char *name, const uint8_t mac[6], struct err *err);

#endif
