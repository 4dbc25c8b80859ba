// SPDX-License-Identifier: Apache-2.0
/*
 * mtu.c - change the MTU of an interface of the netns we are in
 *
 * By ioctl: what netlink takes (options of its socket, answers) would widen the filter of an agent
 * that has given up its rights.
 */
#include "lib/nsagent/mtu.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"

int mtu_set(const char *ifname, uint32_t mtu, struct err *err)
{
	autoclose int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { .ifr_mtu = (int)mtu };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	if (fd < 0 || ioctl(fd, SIOCSIFMTU, &ifr) < 0)
		return err_set(err, errno, "setting the MTU of '%s' to %u", ifname, mtu);
	return 0;
}
