// SPDX-License-Identifier: Apache-2.0
/*
 * slirp4netns_main.c - the program under the name slirp4netns: libslirp on the tap of a namespace
 *
 * One process, without parent, relay or gateway: the stack of the slirp worker with a direct tap,
 * behind the same prefilter, with the services that slirp4netns has libslirp do (DNS, DHCP, router
 * advertisements). It serves until the other end of the exit descriptor is closed, or for ever.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "cmd/rootless-supervisor/slirp4netns.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/ipc/role.h"
#include "lib/sandbox/sandbox.h"

struct service {
	struct stack_control control; /* of an epoll descriptor: of those below */
	int exit_fd;
	struct s4nn_api *api; /* NULL: none */
};

static void print_address(const char *name, uint32_t network, uint32_t host)
{
	struct in_addr a = { htonl(network + host) };
	char text[INET_ADDRSTRLEN];

	printf("* %-17s%s\n", name, inet_ntop(AF_INET, &a, text, sizeof(text)));
}

static void print_plan(const struct s4nn_options *o)
{
	char text[INET6_ADDRSTRLEN];
	const struct net_plan *p = &o->plan;
	uint32_t network = ntohl(p->network.s_addr);

	printf("Starting slirp\n* MTU:             %u\n", p->mtu);
	print_address("Network:", network, 0);
	print_address("Netmask:", UINT32_MAX << (32 - p->prefix), 0);
	print_address("Gateway:", ntohl(p->gateway.s_addr), 0);
	print_address("DNS:", ntohl(p->dns.s_addr), 0);
	print_address("DHCP begin:", network, 15);
	print_address("DHCP end:", network, 30);
	print_address("Recommended IP:", ntohl(p->address.s_addr), 0);
	if (o->api_socket)
		printf("* API Socket:      %s\n", o->api_socket);
	if (o->services.outbound.sin_family)
		printf("* Outbound IPv4:    %s\n",
		       inet_ntop(AF_INET, &o->services.outbound.sin_addr, text, sizeof(text)));
	if (o->services.outbound6.sin6_family)
		printf("* Outbound IPv6:    %s\n",
		       inet_ntop(AF_INET6, &o->services.outbound6.sin6_addr, text, sizeof(text)));
	if (o->have_mac)
		printf("* MAC address:     %02x:%02x:%02x:%02x:%02x:%02x\n", o->mac[0], o->mac[1],
		       o->mac[2], o->mac[3], o->mac[4], o->mac[5]);
	if (p->host_loopback)
		printf("WARNING: 127.0.0.1:* on the host is accessible as %s (set "
		       "--disable-host-loopback to prohibit connecting to 127.0.0.1:*)\n",
		       inet_ntop(AF_INET, &p->gateway, text, sizeof(text)));
	fflush(stdout);
}

static int on_service_ready(struct stack_control *c, struct err *err)
{
	struct service *s = container_of(c, struct service, control);
	struct epoll_event e;

	(void)err;
	if (epoll_wait(c->fd, &e, 1, 0) != 1)
		return 1;
	if (e.data.fd == s->exit_fd) {
		fputs("exitfd event\n", stderr);
		return 0;
	}
	s4nn_api_serve(s->api);
	return 1;
}

/* Return: 0; 1 when the exit descriptor says already that it is the end; or a negative errno */
static int watch(struct service *s)
{
	struct epoll_event e = { .data.fd = s->exit_fd }; /* errors and hang-ups alone */

	s->control = (struct stack_control){ .fd = epoll_create1(EPOLL_CLOEXEC),
					     .on_ready = on_service_ready };
	if (s->control.fd < 0)
		return -errno;
	/* a file never hangs up, and cannot be waited for */
	if (s->exit_fd >= 0 && epoll_ctl(s->control.fd, EPOLL_CTL_ADD, s->exit_fd, &e) < 0 &&
	    errno != EPERM)
		return errno == EBADF ? 1 : -errno;
	if (!s->api)
		return 0;
	e = (struct epoll_event){ .events = EPOLLIN, .data.fd = s4nn_api_fd(s->api) };
	return epoll_ctl(s->control.fd, EPOLL_CTL_ADD, e.data.fd, &e) < 0 ? -errno : 0;
}

/* what the resolver file may be a link to; where else it leads is found now and for ever */
static int confine(const struct s4nn_options *o)
{
	char resolv[PATH_MAX] = "";
	const char *dirs[] = { "/etc", "/run", resolv };
	size_t n = realpath("/etc/resolv.conf", resolv) ? ARRAY_SIZE(dirs) : ARRAY_SIZE(dirs) - 1;
	struct err err = { 0 };
	uint32_t have = 0;

	if (n == ARRAY_SIZE(dirs))
		*strrchr(resolv, '/') = '\0';
	if (n == ARRAY_SIZE(dirs) && !*resolv)
		n--; /* a file in / would open all there is */
	if (sandbox_alone(dirs, n, &have, &err) < 0) {
		fprintf(stderr, "create_sandbox failed: %s\n", err.msg);
		return -1;
	}
	if (o->seccomp && !(have & SANDBOX_SECCOMP)) {
		fprintf(stderr, "enable_seccomp failed: %s\n", err.msg);
		return -1;
	}
	if (o->sandbox && !have) {
		fprintf(stderr, "create_sandbox failed: %s\n", err.msg);
		return -1;
	}
	if (err.code)
		fprintf(stderr, "WARNING: sandbox: %s\n", err.msg);
	return 0;
}

static int serve(const struct s4nn_options *o, struct stack *stack)
{
	AUTO(s4nn_api_freep) struct s4nn_api *api = NULL;
	struct service s = { .exit_fd = o->exit_fd };
	struct err err = { 0 };
	int r;

	if (o->api_socket && s4nn_api_new(stack, &o->plan, o->api_socket, &api) < 0)
		return -1;
	s.api = api;
	r = watch(&s);
	if (r < 0)
		fprintf(stderr, "waiting for the exit fd %d: %s\n", o->exit_fd, strerror(-r));
	if (r == 1)
		fputs("exitfd event\n", stderr);
	if (r != 0 || confine(o) < 0)
		return r == 1 ? 0 : -1;
	if (o->ready_fd >= 0) {
		if (write(o->ready_fd, "1", 1) != 1)
			perror("write"); /* as the original, it serves all the same */
		close(o->ready_fd);
	}
	r = stack_serve(stack, &s.control, &err);
	if (r < 0)
		fprintf(stderr, "%s\n", err.msg);
	return r;
}

int slirp4netns_main(int argc, char **argv)
{
	AUTO(stack_freep) struct stack *stack = NULL;
	struct s4nn_options o;
	struct slirp_config cfg;
	struct err err = { 0 };
	int status, tap, r;

	role_enter(ROLE_SLIRP4NETNS, 0);
	signal(SIGPIPE, SIG_IGN); /* libslirp writes to sockets whose peer is gone, and so do we */
	log_init(LOG_STYLE_OURS, "slirp4netns", false);
	if (!s4nn_parse(argc, argv, &o, &status))
		return status;
	tap = o.tapfd >= 0 ? s4nn_take(o.tapfd) : s4nn_join(&o);
	if (tap < 0)
		return EXIT_FAILURE;
	print_plan(&o);
	fd_raise_limit(); /* without it fewer connections fit */
	cfg = (struct slirp_config){ .net = o.plan, .direct = 1 };
	if (stack_new_serving(&cfg, &o.services, tap, 0, &stack, &err) < 0) {
		fprintf(stderr, "%s\ncreate_slirp failed\n", err.msg);
		return EXIT_FAILURE;
	}
	r = serve(&o, stack);
	fputs("do_slirp is exiting\n", stderr);
	if (r >= 0)
		return EXIT_SUCCESS;
	fputs("do_slirp failed\nparent failed\n", stderr);
	return EXIT_FAILURE;
}
