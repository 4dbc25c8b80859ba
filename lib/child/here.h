/* SPDX-License-Identifier: Apache-2.0 */
/* here.h - a directory of the parent's, reached by a path of our own mount namespace (child only)
 */
#ifndef RK_CHILD_HERE_H
#define RK_CHILD_HERE_H

/**
 * here_open() - the same directory as @dirfd, on a mount that we may bind from and to
 * @dirfd:	opened in the parent's mount namespace: the kernel refuses to bind by it
 * Return: an O_PATH descriptor for the caller to close; -ESTALE when another directory is at its
 *         path now; else a negative errno
 */
int here_open(int dirfd);

#endif
