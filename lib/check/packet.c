// SPDX-License-Identifier: Apache-2.0
/* packet.c - what the throw-away child of a check tells its parent */
#include "lib/check/packet.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static void tell(int sock, const struct packet *p)
{
	send(sock, p, sizeof(*p), MSG_NOSIGNAL); /* a parent that is gone wants to know nothing */
}

void packet_mark(int sock, enum packet_kind kind)
{
	struct packet p = { .kind = kind };

	tell(sock, &p);
}

void packet_cause(int sock, enum cause_id id, const char *a0, const char *a1)
{
	struct packet p = { .kind = PACKET_FINDING };

	finding_make(&p.finding, id, a0, a1);
	tell(sock, &p);
}

void packet_err(int sock, const struct err *err, enum cause_id fallback)
{
	struct packet p = { .kind = PACKET_FINDING };
	char line[FINDING_ARG_MAX];

	if (!finding_of_err(err, &p.finding)) {
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(err->msg, "\n"), err->msg);
		finding_make(&p.finding, fallback, line, NULL);
	}
	tell(sock, &p);
}

void packet_good(int sock, enum report_group group, const char *text)
{
	struct packet p = { .kind = PACKET_GOOD, .group = group };

	snprintf(p.finding.reason, sizeof(p.finding.reason), "%s", text);
	tell(sock, &p);
}

int packet_recv(int sock, struct packet *ret)
{
	ssize_t n = recv(sock, ret, sizeof(*ret), 0);

	if (n != (ssize_t)sizeof(*ret) || ret->kind >= PACKET_NKINDS ||
	    ret->group >= GROUP_NKINDS || ret->finding.id >= CAUSE_NIDS)
		return 0;
	ret->finding.reason[sizeof(ret->finding.reason) - 1] = '\0';
	ret->finding.fix[sizeof(ret->finding.fix) - 1] = '\0';
	return 1;
}
