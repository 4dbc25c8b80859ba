/* SPDX-License-Identifier: Apache-2.0 */
/* stack.h - libslirp, its tap and the loop that serves both (slirp only) */
#ifndef RK_SLIRP_STACK_H
#define RK_SLIRP_STACK_H

#include <stdint.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"
#include "lib/ipc/worker.h"

struct stack;

/**
 * stack_new() - make a stack for one tap
 * @cfg:	checked here; copied
 * @tap:	consumed, on failure too
 * @clock_ms:	where libslirp's clock starts: 0 but in tests
 * @ret:	set on success only; the caller frees it with stack_free()
 * Return: 0 or a negative errno
 */
int stack_new(const struct slirp_config *cfg, int tap, int64_t clock_ms, struct stack **ret,
	      struct err *err);
struct stack *stack_free(struct stack *s); /* takes NULL, returns NULL */
DEFINE_FREEP(struct stack *, stack_free)

/**
 * stack_run() - serve the tap until end of file on @control
 * @control:	socket to the parent, borrowed; a message there is an error
 * Return: 0 at end of file, else a negative errno
 */
int stack_run(struct stack *s, int control, struct err *err);

#endif
