/* SPDX-License-Identifier: Apache-2.0 */
/* slirp_main.h - the worker that runs libslirp on a tap */
#ifndef RK_SLIRP_SLIRP_MAIN_H
#define RK_SLIRP_SLIRP_MAIN_H

struct sandbox_report;

/**
 * slirp_main() - serve on WORKER_CONTROL_FD until its end of file
 * @sandbox:	what the process has given up; the rest is given up before READY
 * Return: the process's exit status
 */
int slirp_main(struct sandbox_report *sandbox);

#endif
