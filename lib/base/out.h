/* SPDX-License-Identifier: Apache-2.0 */
/* out.h - what a command prints has arrived, or it says that it has not */
#ifndef RK_BASE_OUT_H
#define RK_BASE_OUT_H

struct err;

/* out_hold_closed() - a descriptor of 0-2 that is closed stays so for whom we execute, but nothing
 * that is opened gets its number, and what is printed there is an error; 0 or a negative errno */
int out_hold_closed(void);

/* out_flush() - all that was printed so far was taken; 0 or a negative errno */
int out_flush(struct err *err);

#endif
