/* SPDX-License-Identifier: Apache-2.0 */
/* version.h - what the program reports as its version, under each of its names */
#ifndef RK_BASE_VERSION_H
#define RK_BASE_VERSION_H

/* RK_VERSION, ours by semver, comes from meson.build */

/* the contract that we implement, with our own version as semver build data */
#define RK_ROOTLESSKIT_VERSION "3.1.0+rootless-supervisor." RK_VERSION
#define RK_SLIRP4NETNS_VERSION "1.2.0+rootless-supervisor." RK_VERSION

#endif
