// SPDX-License-Identifier: Apache-2.0
/*
 * fuzz_msg.c - a record that is accepted is one of the protocol's table, and no descriptor is lost
 *
 * The input is a byte that chooses protocol, sender and state, a byte with the number of
 * descriptors that are sent along and a bit to make the version right, and the record as it stands.
 */
#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/ipc/handshake.h"
#include "lib/ipc/nsagent.h"
#include "lib/ipc/nursery.h"
#include "lib/ipc/starter.h"
#include "lib/ipc/worker.h"

#define RIGHT_VERSION 0x80
#define FDS_MOST (MSG_FDS_MAX + 4)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct msg_proto *const protos[] = { &handshake_proto, &worker_proto, &nsagent_proto,
						  &nursery_proto, &starter_proto };

static bool send_raw(int sock, const uint8_t *data, size_t size, size_t nfds)
{
	char room[CMSG_SPACE(sizeof(int) * FDS_MOST)] = { 0 };
	struct iovec iov = { .iov_base = (void *)data, .iov_len = size };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fds[FDS_MOST];

	for (size_t i = 0; i < nfds; i++)
		fds[i] = sock;
	if (nfds) {
		struct cmsghdr *c = (struct cmsghdr *)room;

		mh.msg_control = room;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * nfds);
	}
	return sendmsg(sock, &mh, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

static void check(const struct msg_proto *p, enum role from, uint32_t state, const struct msg *m)
{
	for (size_t i = 0; i < p->ntypes; i++) {
		const struct msg_type *t = &p->types[i];

		if (t->value != m->type)
			continue;
		assert(t->senders & ROLE_BIT(from));
		assert(t->states & state);
		assert(m->nfds >= t->min_fds && m->nfds <= t->max_fds);
		return;
	}
	assert(!"a type of the table");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct msg_proto *p;
	uint32_t state;
	enum role from;
	int pair[2], before, after, r;
	uint8_t record[sizeof(struct msg_hdr) + MSG_PAYLOAD_MAX + 1];
	struct msg m;

	if (size < 2 || size - 2 > sizeof(record))
		return 0;
	memcpy(record, data + 2, size - 2);
	p = protos[data[0] % ARRAY_SIZE(protos)];
	from = (enum role)(data[0] / 4 % ROLE_NROLES);
	state = 1u << (data[0] / 32 % 3);
	if ((data[1] & RIGHT_VERSION) && size - 2 >= sizeof(p->version))
		memcpy(record, &p->version, sizeof(p->version));
	before = dup(0); /* the lowest that is free: the same again when all were closed */
	close(before);
	if (msg_pair(pair) < 0)
		return 0;
	if (send_raw(pair[0], record, size - 2, (data[1] & ~RIGHT_VERSION) % (FDS_MOST + 1))) {
		r = msg_recv(pair[1], p, from, state, MSG_DONTWAIT, &m);
		assert(r == 1 || r == 0 || r == -EPROTO || r == -EAGAIN || r == -EMFILE);
		if (r == 1) {
			check(p, from, state, &m);
			msg_close_fds(&m);
		}
	}
	close(pair[0]);
	close(pair[1]);
	after = dup(0);
	close(after);
	assert(before == after);
	return 0;
}
