// SPDX-License-Identifier: Apache-2.0
/* counters.c - the table of what workers count */
#include "lib/ipc/counters.h"

#define ROW(name, role, kind, api, help) [name] = { role, kind, api, help },
const struct counter_row worker_counter_rows[WORKER_NCOUNTERS] = { WORKER_COUNTERS(ROW) };
