/* SPDX-License-Identifier: Apache-2.0 */
/* stack.h - libslirp, its tap and the loop that serves both (slirp only) */
#ifndef RK_SLIRP_STACK_H
#define RK_SLIRP_STACK_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/ipc/worker.h"

struct stack;

/* what libslirp serves beside connections: nothing in a worker, where the relay does */
struct stack_services {
	bool on;  /* DHCP, router advertisements; ARP tells who the guests are */
	bool dns; /* by the host's first name server: libslirp reads /etc/resolv.conf for it */
	/* source addresses of what goes out; family 0: the kernel's choice */
	struct sockaddr_in outbound;
	struct sockaddr_in6 outbound6;
};

/* a descriptor that is served between frames */
struct stack_control {
	int fd;
	/* it is readable; 1 to go on, 0 to end, or a negative errno */
	int (*on_ready)(struct stack_control *c, struct err *err);
};

/**
 * stack_new() - make a stack for one tap
 * @cfg:	checked here; copied
 * @tap:	consumed, on failure too
 * @clock_ms:	where libslirp's clock starts: 0 but in tests
 * @ret:	set on success only; the caller frees it with stack_free()
 * Return: 0 or a negative errno
 */
int stack_new(const struct slirp_config *cfg, int tap, int64_t clock_ms, struct stack **ret,
	      struct err *err);
/* stack_new_serving() - the same; @services is copied */
int stack_new_serving(const struct slirp_config *cfg, const struct stack_services *services,
		      int tap, int64_t clock_ms, struct stack **ret, struct err *err);
struct stack *stack_free(struct stack *s); /* takes NULL, returns NULL */
DEFINE_FREEP(struct stack *, stack_free)

/* stack_deny_hosts() - a part of the host's own addresses, which the guests must not reach; as
 * policy_hosts_take() */
int stack_deny_hosts(struct stack *s, const struct worker_hosts *part);

/**
 * stack_run() - serve the tap until end of file on @control
 * @control:	socket to the parent, borrowed; a message there is an error
 * Return: 0 at end of file, else a negative errno
 */
int stack_run(struct stack *s, int control, struct err *err);

/* stack_serve() - the same until @control says that it is the end */
int stack_serve(struct stack *s, struct stack_control *control, struct err *err);

/* stack_set_mtu() - of the network from now on; 0, or a negative errno when it cannot be that */
int stack_set_mtu(struct stack *s, uint32_t mtu, struct err *err);

/* a port of the host that leads to the guest, IPv4 only; ports in host order */
struct stack_forward {
	bool udp;
	struct in_addr host, guest;
	uint16_t host_port, guest_port;
};

/* stack_forward_add(), stack_forward_remove() - 0 or a negative errno */
int stack_forward_add(struct stack *s, const struct stack_forward *f);
int stack_forward_remove(struct stack *s, const struct stack_forward *f);

#endif
