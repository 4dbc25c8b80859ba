/* SPDX-License-Identifier: Apache-2.0 */
/* child.h - namespace root in the new namespaces: mounts, copy-up, the command, reaping */
#ifndef RK_CHILD_CHILD_H
#define RK_CHILD_CHILD_H

struct options;

/**
 * child_main() - what the exec'ed child does from its first instruction to its end
 * @opt:	the same command line as the parent's
 * @sock:	handshake socket to the parent, not yet close-on-exec; consumed
 * @state_dir:	the same
 * Return: the exit status, which nobody reads: the parent was told by a message
 */
int child_main(const struct options *opt, int sock, int state_dir);

#endif
