/* SPDX-License-Identifier: Apache-2.0 */
/* holdanswer.h - what a client of the child is told about a connection that is held */
#ifndef RK_RELAY_HOLDANSWER_H
#define RK_RELAY_HOLDANSWER_H

#include "lib/relay/hold.h"

/* holdanswer_packet() - one that is lost here is lost as on any wire: the client repeats its SYN */
void holdanswer_packet(const struct holds *h, const void *pkt, size_t n);
void holdanswer_unreachable(const struct holds *h, const struct syn *s, enum syn_error error);

/* holdanswer_error() - what the client's connect() shall say; nothing for what may be better at its
 * next SYN */
void holdanswer_error(const struct holds *h, const struct syn *s, int error);

#endif
