/* SPDX-License-Identifier: Apache-2.0 */
/* portspec.h - "PARENTIP:PARENTPORT[:CHILDIP]:CHILDPORT/PROTO" and shorter: what a port is named by
 */
#ifndef RK_BASE_PORTSPEC_H
#define RK_BASE_PORTSPEC_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

#define PORT_PROTO_MAX 8
#define PORT_IP_MAX 64 /* longer ones are refused before they are stored */
#define PORT_NUMBER_MAX 65535
#define PORT_UDP_IDLE_MAX 86400 /* seconds */

/* by whose rules a spec is read and checked */
enum port_rules {
	PORT_RULES_ROOTLESSKIT, /* spec 4.1, texts included */
	PORT_RULES_OURS,        /* these, and Docker's short forms, ranges, any free port */
};

/* texts are kept as they came: the API gives them back unchanged */
struct port_spec {
	char proto[PORT_PROTO_MAX];  /* tcp tcp4 tcp6 udp udp4 udp6 sctp sctp4 sctp6 */
	char parent_ip[PORT_IP_MAX]; /* "" : every address */
	char child_ip[PORT_IP_MAX];  /* "" : the driver's choice */
	int parent_port, child_port; /* parent_port 0, by our rules: any that is free */
	int more;                    /* ports that follow these, each to the next one: a range */
	int others;                  /* ports behind parent_port that would do as well, by our
					rules; 0: none, or one was found */
	int udp_idle;                /* seconds of silence after which a client is forgotten;
					0: not said. No part of the text */
	int given_fd;                /* a socket that systemd has passed is the port; 0: none */
};

/**
 * port_spec_parse() - read one spec and check it
 * @ret:	untouched on failure
 * Return: 0 or -EINVAL
 */
int port_spec_parse(struct port_spec *ret, const char *text, enum port_rules rules,
		    struct err *err);

/* port_spec_check() - the validation that a posted spec gets as well: proto, addresses, ports */
int port_spec_check(const struct port_spec *s, enum port_rules rules, struct err *err);

/* port_spec_format() - text that reads back as the same spec; length or -ENAMETOOLONG */
int port_spec_format(const struct port_spec *s, char *dst, size_t size);

/* port_numbers() - "80", or "8000-8099" of a range; returns @dst */
#define PORT_NUMBERS_MAX 24
const char *port_numbers(int first, int more, char dst[static PORT_NUMBERS_MAX]);

/* port_spec_conflicts() - same proto text and parent IP text, and a parent port that both have */
bool port_spec_conflicts(const struct port_spec *a, const struct port_spec *b);
bool port_spec_equal(const struct port_spec *a, const struct port_spec *b);

#endif
