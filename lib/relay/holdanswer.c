// SPDX-License-Identifier: Apache-2.0
/* holdanswer.c - what a client of the child is told about a connection that is held */
#include "lib/relay/holdanswer.h"

#include <errno.h>
#include <unistd.h>

void holdanswer_packet(const struct holds *h, const void *pkt, size_t n)
{
	while (write(h->tun, pkt, n) < 0 && errno == EINTR)
		;
}

void holdanswer_unreachable(const struct holds *h, const struct syn *s, enum syn_error error)
{
	uint8_t pkt[SYN_REPLY_MAX];

	holdanswer_packet(h, pkt, syn_unreachable(s, h->plan, error, pkt));
}

void holdanswer_error(const struct holds *h, const struct syn *s, int error)
{
	uint8_t pkt[SYN_REPLY_MAX];

	switch (error) {
	case ECONNREFUSED:
	case ECONNRESET:
		holdanswer_packet(h, pkt, syn_refuse(s, pkt));
		break;
	case EHOSTUNREACH:
	case EHOSTDOWN:
	case ENONET: /* an isolated host */
		holdanswer_unreachable(h, s, SYN_NO_HOST);
		break;
	case ENETUNREACH:
	case ENETDOWN:
	case EAFNOSUPPORT: /* a host without IPv6 */
		holdanswer_unreachable(h, s, SYN_NO_ROUTE);
		break;
	case EACCES:
	case EPERM:
	case EINVAL:
		holdanswer_unreachable(h, s, SYN_PROHIBITED);
		break;
	case ENOPROTOOPT: /* of a host that has no TCP; and by IPv6 */
	case EPROTO:
		holdanswer_unreachable(h, s, SYN_NO_PROTOCOL);
		break;
	default:
		break;
	}
}
