/* SPDX-License-Identifier: Apache-2.0 */
/* nftask.h - hand messages to nf_tables of the netns we are in */
#ifndef RK_NSAGENT_NFTASK_H
#define RK_NSAGENT_NFTASK_H

#include "lib/base/err.h"
#include "lib/nsagent/nftmsg.h"

/* nftask_open() - a socket for nftask_run() and nftask_list(); the caller's */
int nftask_open(struct err *err);

/**
 * nftask_run() - a batch: all of it at once, or nothing
 * @b:		between the edges; the last message before the end is one with nftmsg_ask()
 * Return: 0, or a negative errno with @err naming what the kernel refuses
 */
int nftask_run(int fd, const struct nftmsg *b, struct err *err);

/* nftask_list() - one message that asks for a list; 0 or a negative errno, @ret_n: its length */
int nftask_list(int fd, const struct nftmsg *b, unsigned *ret_n, struct err *err);

#endif
