// SPDX-License-Identifier: Apache-2.0
/* tuntap.c - taps of the netns we are in */
#include "lib/nsagent/tuntap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/cause/cause.h"

#define TUN_DEVICE "/dev/net/tun"

static int tun_refused(int r, struct err *err)
{
	bool missing = r == -ENOENT || r == -ENODEV || r == -ENXIO || r == -ENOTDIR;

	return cause_hint(err, r, missing ? CAUSE_TUN_MISSING : CAUSE_TUN_DENIED, strerror(-r),
			  NULL);
}

static int set_offload(int fd, const char *name, struct err *err)
{
	int header = sizeof(struct virtio_net_hdr);

	if (ioctl(fd, TUNSETVNETHDRSZ, &header) < 0)
		return err_set(err, errno, "setting the header of the tap '%s'", name);
	if (ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) < 0)
		return err_set(err, errno, "setting the offloads of the tap '%s'", name);
	return 0;
}

int tuntap_open(const char *name, bool offload, bool persist, int *ret, uint8_t ret_mac[6],
		struct err *err)
{
	autoclose int fd = open(TUN_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };

	if (fd < 0)
		return tun_refused(err_set(err, errno, "opening " TUN_DEVICE), err);
	if (offload)
		ifr.ifr_flags |= IFF_VNET_HDR;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0)
		return err_set(err, errno, "making the tap '%s'", name);
	if (offload && set_offload(fd, name, err) < 0)
		return -err->code;
	if (persist && ioctl(fd, TUNSETPERSIST, 1) < 0)
		return err_set(err, errno, "making the tap '%s' persistent", name);
	if (ioctl(fd, SIOCGIFHWADDR, &ifr) < 0)
		return err_set(err, errno, "asking for the hardware address of '%s'", name);
	memcpy(ret_mac, ifr.ifr_hwaddr.sa_data, 6);
	*ret = take_fd(&fd);
	return 0;
}

int tuntap_set_mac(int fd, const char *name, const uint8_t mac[6], struct err *err)
{
	struct ifreq ifr = { .ifr_hwaddr.sa_family = ARPHRD_ETHER };

	memcpy(ifr.ifr_hwaddr.sa_data, mac, 6);
	if (ioctl(fd, SIOCSIFHWADDR, &ifr) < 0)
		return err_set(err, errno, "setting the hardware address of '%s'", name);
	return 0;
}
