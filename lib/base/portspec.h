/* SPDX-License-Identifier: Apache-2.0 */
/* portspec.h - "PARENTIP:PARENTPORT[:CHILDIP]:CHILDPORT/PROTO", RootlessKit's grammar and texts */
#ifndef RK_BASE_PORTSPEC_H
#define RK_BASE_PORTSPEC_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

#define PORT_PROTO_MAX 8
#define PORT_IP_MAX 64 /* longer ones are refused before they are stored */

/* texts are kept as they came: the API gives them back unchanged */
struct port_spec {
	char proto[PORT_PROTO_MAX];  /* tcp tcp4 tcp6 udp udp4 udp6 sctp sctp4 sctp6 */
	char parent_ip[PORT_IP_MAX]; /* "" : every address */
	char child_ip[PORT_IP_MAX];  /* "" : the driver's choice */
	int parent_port, child_port;
};

/**
 * port_spec_parse() - read one spec and check it (spec 4.1, texts included)
 * @ret:	untouched on failure
 * Return: 0 or -EINVAL
 */
int port_spec_parse(struct port_spec *ret, const char *text, struct err *err);

/* port_spec_check() - the validation that a posted spec gets as well: proto, addresses, ports */
int port_spec_check(const struct port_spec *s, struct err *err);

/* port_spec_format() - text that reads back as the same spec; length or -ENAMETOOLONG */
int port_spec_format(const struct port_spec *s, char *dst, size_t size);

/* port_spec_conflicts() - same proto text, parent IP text and parent port */
bool port_spec_conflicts(const struct port_spec *a, const struct port_spec *b);
bool port_spec_equal(const struct port_spec *a, const struct port_spec *b);

#endif
