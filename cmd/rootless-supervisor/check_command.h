/* SPDX-License-Identifier: Apache-2.0 */
/* check_command.h - rootless-supervisor check: its own words of the command line */
#ifndef RK_CMD_CHECK_COMMAND_H
#define RK_CMD_CHECK_COMMAND_H

#include <stdbool.h>

/**
 * check_command_is() - whether the command line is the check's: its first word is check or doctor
 *
 * A command of that name is started by `rootless-supervisor -- check`. RootlessKit's dialect has no
 * such word.
 */
bool check_command_is(int argc, char **argv);

/* check_command_main() - the exit status; a wrong option is 125 */
int check_command_main(int argc, char **argv);

#endif
