// SPDX-License-Identifier: Apache-2.0
/*
 * nftask.c - hand messages to nf_tables of the netns we are in
 *
 * A batch is one write; the kernel answers within it, so reading never waits. Each message has a
 * number of its own, by which a refusal tells what it is about.
 */
#include "lib/nsagent/nftask.h"

#include <errno.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "lib/base/cleanup.h"

int nftask_open(struct err *err)
{
	const struct sockaddr_nl sa = { .nl_family = AF_NETLINK };
	autoclose int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		return err_set(err, errno, "opening a socket to nf_tables");
	return take_fd(&fd);
}

/* answers until the one to message @last, an error, or the end of a list; @ret_n counts
   Return: 0, or a negative errno with the number of the refused message in *ret_seq */
static int read_answers(int fd, uint32_t last, uint32_t *ret_seq, unsigned *ret_n)
{
	union {
		struct nlmsghdr align;
		uint8_t data[16384];
	} buf;

	for (;;) {
		ssize_t n = recv(fd, &buf, sizeof(buf), MSG_DONTWAIT);
		struct nlmsghdr *h = &buf.align;

		if (n < 0)
			return -errno;
		for (; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			const struct nlmsgerr *e = NLMSG_DATA(h);

			*ret_seq = h->nlmsg_seq;
			if (h->nlmsg_type == NLMSG_DONE)
				return 0;
			if (h->nlmsg_type != NLMSG_ERROR)
				*ret_n += 1;
			else if (e->error || h->nlmsg_seq == last)
				return e->error;
		}
	}
}

static int send_batch(int fd, const struct nftmsg *b)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	ssize_t n =
		sendto(fd, b->data, b->len, 0, (const struct sockaddr *)&kernel, sizeof(kernel));

	return n < 0 ? -errno : 0;
}

/* @seq: of the message that was refused; 0: all were */
static const char *name_of(const struct nftmsg *b, uint32_t seq)
{
	return seq < NFTMSG_MAX && b->name[seq] ? b->name[seq] : "a table";
}

int nftask_run(int fd, const struct nftmsg *b, struct err *err)
{
	uint32_t seq = 0;
	unsigned none = 0;
	int r = send_batch(fd, b);

	if (r == 0) /* the last but the edge */
		r = read_answers(fd, b->seq - 2, &seq, &none);
	return r < 0 ? err_set(err, -r, "nf_tables: %s", name_of(b, seq)) : 0;
}

int nftask_list(int fd, const struct nftmsg *b, unsigned *ret_n, struct err *err)
{
	uint32_t seq;
	int r = send_batch(fd, b);

	*ret_n = 0;
	if (r == 0)
		r = read_answers(fd, UINT32_MAX, &seq, ret_n);
	return r < 0 ? err_set(err, -r, "nf_tables: reading back") : 0;
}
