/* SPDX-License-Identifier: Apache-2.0 */
/* preflight.h - what RootlessKit warns of before a start */
#ifndef RK_CMD_PREFLIGHT_H
#define RK_CMD_PREFLIGHT_H

#include "lib/base/options.h"

/* preflight_warn() - of the host, in RootlessKit's words; never fatal. Our dialect has `check` */
void preflight_warn(const struct options *opt);

#endif
