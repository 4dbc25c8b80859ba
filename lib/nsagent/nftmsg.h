/* SPDX-License-Identifier: Apache-2.0 */
/* nftmsg.h - messages to nf_tables, a batch of them */
#ifndef RK_NSAGENT_NFTMSG_H
#define RK_NSAGENT_NFTMSG_H

#include <stddef.h>
#include <stdint.h>

#define NFTMSG_BYTES 16384
#define NFTMSG_MAX 64 /* messages of a batch */

/* zeroed before use; the recipe is of a fixed size that fits */
struct nftmsg {
	uint8_t data[NFTMSG_BYTES];
	size_t len;
	uint32_t seq;                 /* of the next message */
	size_t msg;                   /* where the open one starts */
	const char *name[NFTMSG_MAX]; /* of each message, for an error */
};

/* nftmsg_edge() - NFNL_MSG_BATCH_BEGIN or _END */
void nftmsg_edge(struct nftmsg *b, uint16_t type);

/* nftmsg_command() - open a message; @name: borrowed */
void nftmsg_command(struct nftmsg *b, uint16_t type, uint16_t flags, const char *name);
void nftmsg_end(struct nftmsg *b); /* close it */

/* nftmsg_ask() - an answer to the last message also when all is well */
void nftmsg_ask(struct nftmsg *b);

/* nftmsg_attr() - an attribute; @data NULL: zeros */
void nftmsg_attr(struct nftmsg *b, uint16_t type, const void *data, size_t len);
void nftmsg_text(struct nftmsg *b, uint16_t type, const char *text);
void nftmsg_u32(struct nftmsg *b, uint16_t type, uint32_t value); /* host order */

/* nftmsg_nest() - open an attribute of attributes; what nftmsg_nest_end() wants */
size_t nftmsg_nest(struct nftmsg *b, uint16_t type);
void nftmsg_nest_end(struct nftmsg *b, size_t at);

#endif
