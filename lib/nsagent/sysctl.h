/* SPDX-License-Identifier: Apache-2.0 */
/* sysctl.h - network settings of the netns we are in, each read back after it was written */
#ifndef RK_NSAGENT_SYSCTL_H
#define RK_NSAGENT_SYSCTL_H

#include "lib/base/err.h"

/**
 * sysctl_set() - write a setting and read it back
 * @name:	path below /proc/sys, "net/ipv4/ip_forward"
 * @value:	numbers or a word; blanks between them may come back as others
 * Return: 0, or a negative errno with @err naming the setting; -EIO when it did not take the value
 */
int sysctl_set(const char *name, const char *value, struct err *err);

struct sysctl_setting;

/**
 * sysctl_set_asked() - a setting that the user asked for (--sysctl)
 * Return: 0, or a negative errno with @err saying why the kernel refuses it
 */
int sysctl_set_asked(const struct sysctl_setting *s, struct err *err);

/**
 * sysctl_pin_congestion() - a congestion control that fits paths without loss
 *
 * A host with bbr would hand it to every new netns, and it crawls over tap and veth. A netns of a
 * user may only choose what the host allows: cubic usually, reno always.
 */
int sysctl_pin_congestion(struct err *err);

#endif
