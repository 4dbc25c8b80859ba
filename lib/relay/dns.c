// SPDX-License-Identifier: Apache-2.0
/*
 * dns.c - relays DNS from the gateway's addresses to the host's servers
 *
 * dnsudp.c and dnstcp.c do the work; here the sockets that the gateway's agent made are told apart.
 * They are not trusted: what is not a socket of the internet protocols is refused, and no call
 * depends on their O_NONBLOCK, which the agent could change.
 */
#include "lib/relay/dns.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/relay/acceptor.h"

static int int_option(int fd, int name)
{
	int v = -1;
	socklen_t len = sizeof(v);

	return getsockopt(fd, SOL_SOCKET, name, &v, &len) < 0 ? -1 : v;
}

/* consumes @fd */
static int add_socket(struct dns *d, int sock, struct err *err)
{
	autoclose int fd = sock;
	int domain = int_option(fd, SO_DOMAIN), protocol = int_option(fd, SO_PROTOCOL), r;

	if ((domain != AF_INET && domain != AF_INET6) ||
	    (protocol != IPPROTO_UDP && !(protocol == IPPROTO_TCP && acceptor_listens(fd))))
		return err_say(err, EPROTO,
			       "dns: the gateway's descriptor is neither a UDP socket nor a TCP "
			       "listener");
	r = protocol == IPPROTO_UDP ? dnsudp_add(&d->udp, fd) : dnstcp_add(&d->tcp, fd);
	if (r == -EPROTO)
		return err_say(err, EPROTO, "dns: the gateway sent too many sockets");
	if (r < 0)
		return err_set(err, -r, "dns: watching the gateway's socket");
	take_fd(&fd);
	return 0;
}

int dns_init(struct dns *d, struct loop *l, const int *socks, size_t nsocks, struct flows *flows,
	     const struct dns_limits *max, struct err *err)
{
	int r = 0;

	*d = (struct dns){ 0 };
	dnsudp_init(&d->udp, l, &d->servers, max);
	dnstcp_init(&d->tcp, l, &d->servers, flows, max->conns);
	for (size_t i = 0; i < nsocks; i++) {
		if (r < 0)
			close(socks[i]);
		else
			r = add_socket(d, socks[i], err);
	}
	return r;
}

void dns_done(struct dns *d)
{
	dnsudp_done(&d->udp);
	dnstcp_done(&d->tcp);
}

int dns_set_servers(struct dns *d, const struct worker_dns *servers)
{
	int r = dns_servers_set(&d->servers, servers);

	if (r > 0)
		dnsudp_ask_again(&d->udp);
	return r < 0 ? r : 0;
}
