/* SPDX-License-Identifier: Apache-2.0 */
/* relay.h - the worker that proxies TCP and DNS and serves published ports */
#ifndef RK_RELAY_RELAY_H
#define RK_RELAY_RELAY_H

struct sandbox_report;

/**
 * relay_main() - serve on WORKER_CONTROL_FD until its end of file
 * @sandbox:	what the process has given up; the rest is given up before READY
 * Return: the process's exit status
 */
int relay_main(struct sandbox_report *sandbox);

#endif
