/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prefilter.h - judges each frame of the tap before libslirp sees it (slirp only)
 *
 * The frames come from a side that is not trusted, libslirp's parsers have a record, and only here
 * is the host's loopback protected from root in the child. What is not known to be good is dropped.
 */
#ifndef RK_SLIRP_PREFILTER_H
#define RK_SLIRP_PREFILTER_H

#include "lib/policy/policy.h"
#include "lib/slirp/frame.h"
#include "lib/slirp/reassembly.h"

#define PREFILTER_ANSWERS_PER_S 1000 /* as the kernel's icmp_msgs_per_sec */
#define PREFILTER_ANSWERS_BURST 200

enum frame_verdict {
	FRAME_PASS,   /* to libslirp */
	FRAME_ANSWER, /* to nobody: the sender gets an ICMP error */
	FRAME_HELD,   /* a fragment; nothing to do until the rest is there */
	FRAME_DROP,
	FRAME_NVERDICTS
};

/* why a frame was dropped: counted, and shown when the worker ends */
enum frame_fault {
	FAULT_NONE,
	FAULT_SHORT,     /* shorter than its headers say, or than they must be */
	FAULT_LINK,      /* group or odd hardware address */
	FAULT_ETHERTYPE, /* neither IPv4, ARP nor IPv6: NC-SI and the like */
	FAULT_HEADER,    /* version, options, reserved bits, lifetime 0 */
	FAULT_SOURCE,    /* an address that no guest can have */
	FAULT_OFFLOAD,   /* header of the tap that does not fit the frame */
	FAULT_FRAGMENT,  /* one that hides the transport header */
	FAULT_TRANSPORT, /* protocol, lengths, port 0 */
	FAULT_SERVICE,   /* BOOTP, DHCP, TFTP, DHCPv6 */
	FAULT_CONTROL,   /* ICMP, ARP or neighbour discovery that nobody here needs */
	FAULT_SILENT,    /* broadcast or multicast */
	FAULT_RATE,      /* refused, but too many answers already */
	FAULT_NFAULTS
};

struct prefilter {
	struct net_plan plan;
	const struct policy_hosts *hosts; /* see policy_judge() */
	bool direct;            /* ARP and neighbour discovery of the child reach libslirp */
	bool serves;            /* libslirp answers DHCP and router solicitations */
	bool serves_dns;        /* and the name server's address */
	uint32_t answers;       /* tokens left */
	uint64_t answers_at_ms; /* when they were last filled up */
	struct reassembly reassembly;
	uint64_t faults[FAULT_NFAULTS];
};

/* prefilter_init() - prefilter_done() frees what is held; it takes a zeroed one */
void prefilter_init(struct prefilter *pf, const struct net_plan *plan, bool direct);
void prefilter_done(struct prefilter *pf);

const char *prefilter_fault_name(enum frame_fault f);

/* prefilter_may_answer() - take one of the answers of this second */
bool prefilter_may_answer(struct prefilter *pf, uint64_t now_ms);

/**
 * prefilter_judge() - judge, mend and trim one frame
 * @f:		in: as read. Out: what to hand on; the urgent flag is cleared, padding is cut, a
 *last fragment has become the whole packet in memory of @pf (valid until the next call)
 * @now_ms:	any monotonic clock
 * @ret:	set on FRAME_PASS and FRAME_ANSWER
 * @ret_why:	set on FRAME_ANSWER: the refusal
 */
enum frame_verdict prefilter_judge(struct prefilter *pf, struct frame *f, uint64_t now_ms,
				   struct frame_info *ret, enum policy_verdict *ret_why);

#endif
