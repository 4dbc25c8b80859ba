/* SPDX-License-Identifier: Apache-2.0 */
/* slirp4netns_name.h - what the program answers under the name slirp4netns */
#ifndef RK_CMD_SLIRP4NETNS_NAME_H
#define RK_CMD_SLIRP4NETNS_NAME_H

/* slirp4netns_name_main() - the exit status for main() */
int slirp4netns_name_main(int argc, char **argv);

#endif
