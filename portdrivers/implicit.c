// SPDX-License-Identifier: Apache-2.0
/* implicit.c - --port-driver=implicit: pasta publishes whatever listens in the namespace */
#include "portdrivers/portdriver.h"

extern const struct port_driver port_implicit;
const struct port_driver port_implicit = { .name = "implicit", .net = "pasta" };
