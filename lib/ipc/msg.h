/* SPDX-License-Identifier: Apache-2.0 */
/*
 * msg.h - one message is one SOCK_SEQPACKET record: header, fixed struct, descriptors
 *
 * Host byte order, no pointers, no long, padding named and zero. A protocol is one X-macro table
 * (handshake.h, worker.h, nsagent.h, nursery.h, starter.h); docs/protocol.md prints the same table
 * and a test keeps the two equal. The receiver checks version, type, sender, state, exact length,
 * number of descriptors and truncation; anything else is -EPROTO and the peer is dropped.
 */
#ifndef RK_IPC_MSG_H
#define RK_IPC_MSG_H

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/ipc/role.h"

#define MSG_FDS_MAX 64       /* descriptors in one record; the kernel's limit is 253 */
#define MSG_PAYLOAD_MAX 2048 /* bytes after the header */

struct msg_hdr {
	uint16_t version;
	uint16_t type;
	uint32_t len; /* bytes after the header */
};
static_assert(sizeof(struct msg_hdr) == 8, "wire format");

struct msg_type {
	const char *name;
	uint16_t value;
	uint32_t size; /* of the payload, exact */
	uint16_t min_fds, max_fds;
	uint32_t senders; /* ROLE_BIT()s */
	uint32_t states;  /* bits of the receiver's states in which it may come */
};

struct msg_proto {
	const char *name;
	uint16_t version;
	const struct msg_type *types;
	size_t ntypes;
};

/* a received message; msg_close_fds() closes what was not taken */
struct msg {
	uint16_t type;
	size_t nfds;
	int fds[MSG_FDS_MAX];
	union {
		uint8_t payload[MSG_PAYLOAD_MAX];
		uint64_t align;
	};
};

/* expands a protocol's table to the entries of its msg_type array */
#define MSG_TABLE_ENTRY(name, value, payload, min_fds, max_fds, senders, states) \
	{ #name, value, sizeof(payload), min_fds, max_fds, senders, states },
#define MSG_ENUM_ENTRY(name, value, payload, min_fds, max_fds, senders, states) name = (value),

struct msg_empty {
	uint32_t zero;
};

/**
 * msg_send() - send one message
 * @payload:	of the size that the table says; borrowed
 * @fds:	borrowed; NULL when @nfds is 0
 * Return: 0 or a negative errno (-EPIPE when the peer is gone; no SIGPIPE). Never waits: a full
 *         socket is -EAGAIN
 */
int msg_send(int sock, const struct msg_proto *proto, uint16_t type, const void *payload,
	     const int *fds, size_t nfds);

/* msg_peer_gone() - the peer has closed; whoever ended it says why, its partners need not */
static inline bool msg_peer_gone(int r)
{
	return r == -EPIPE || r == -ECONNRESET;
}

/**
 * msg_recv() - receive one message
 * @from:	the role at the other end
 * @state:	the receiver's state, one bit
 * @ret:	on success its descriptors belong to the caller, close-on-exec
 * Return: 1; 0 at end of file; -EAGAIN when nothing is there (with MSG_DONTWAIT in @flags);
 *         -EPROTO when it breaks a rule (what came is closed); -EMFILE when descriptors of it were
 *         lost because our table was full (the rest is closed); else a negative errno
 */
int msg_recv(int sock, const struct msg_proto *proto, enum role from, uint32_t state, int flags,
	     struct msg *ret);

/**
 * msg_recv_within() - as msg_recv(), waiting at most @timeout_ms, -1 for ever
 * Return: as msg_recv(); -ETIMEDOUT
 */
int msg_recv_within(int sock, const struct msg_proto *proto, enum role from, uint32_t state,
		    int timeout_ms, struct msg *ret);

/* msg_take_fd() - the caller owns descriptor number @i of the message from now on */
int msg_take_fd(struct msg *m, size_t i);
void msg_close_fds(struct msg *m);

/* msg_pair() - a connected SEQPACKET pair, close-on-exec, blocking; 0 or a negative errno */
int msg_pair(int ret[2]);

#endif
