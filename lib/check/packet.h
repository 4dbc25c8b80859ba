/* SPDX-License-Identifier: Apache-2.0 */
/* packet.h - what the throw-away child of a check tells its parent */
#ifndef RK_CHECK_PACKET_H
#define RK_CHECK_PACKET_H

#include <sys/types.h>

#include "lib/check/report.h"

enum packet_kind {
	PACKET_UNMAPPED, /* it has a user namespace and waits for its ids */
	PACKET_FINDING,
	PACKET_GOOD, /* a group was looked at; the text is in finding.reason */
	PACKET_NKINDS
};

struct packet {
	enum packet_kind kind;
	enum report_group group;
	struct finding finding;
};

void packet_mark(int sock, enum packet_kind kind);
void packet_cause(int sock, enum cause_id id, const char *a0, const char *a1);
void packet_err(int sock, const struct err *err, enum cause_id fallback);
void packet_good(int sock, enum report_group group, const char *text);

/* packet_recv() - 1; 0 at the end, or after something that is no packet of ours */
int packet_recv(int sock, struct packet *ret);

#endif
