// SPDX-License-Identifier: Apache-2.0
/* none.c - --port-driver=none: nothing is published */
#include "portdrivers/portdriver.h"

extern const struct port_driver port_none;
const struct port_driver port_none = { .name = "none" };
