// SPDX-License-Identifier: Apache-2.0
/*
 * slirp4netns_name.c - the name slirp4netns answers the probes of wrapper scripts, nothing else
 *
 * dockerd-rootless.sh and its like choose --net=slirp4netns when `slirp4netns --help` shows
 * --netns-type, and `docker version` runs `slirp4netns --version`. The network itself is built into
 * the supervisor, so the help lists the options of version 1.2 as what they are: names of features
 * that the built-in stack has, not something that this name can be started with.
 */
#include "cmd/rootless-supervisor/slirp4netns_name.h"

#include <getopt.h>
#include <libslirp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/version.h"

static const char help_text[] =
	"Usage: slirp4netns [OPTION]... PID|PATH [TAPNAME]\n"
	"User-mode networking for unprivileged network namespaces.\n"
	"\n"
	"This is rootless-supervisor " RK_VERSION " under the name slirp4netns. It only answers\n"
	"--help and --version, for scripts that ask what can be had. The network is built into\n"
	"rootless-supervisor and rootlesskit: use --net=slirp4netns there. To attach a stack to a\n"
	"namespace of your own, install the program slirp4netns.\n"
	"\n"
	"What the built-in stack covers of slirp4netns 1.2 (not accepted here):\n"
	"-m, --mtu=MTU            --mtu of rootless-supervisor (max=65521)\n"
	"-6, --enable-ipv6        --ipv6 of rootless-supervisor \n"
	"-a, --api-socket=PATH    ports are published by --publish and the HTTP API instead\n"
	"--cidr=CIDR              --cidr of rootless-supervisor (default=10.0.2.0/24)\n"
	"--disable-host-loopback  --disable-host-loopback of rootless-supervisor\n"
	"--netns-type=TYPE        always the namespaces that rootless-supervisor makes\n"
	"--enable-sandbox         no switch: as rootless-supervisor decides\n"
	"--enable-seccomp         no switch: as rootless-supervisor decides\n"
	"-h, --help               show this help and exit\n"
	"-v, --version            show version and exit\n";

/* in the layout of the original, which programs read line by line */
static void print_version(void)
{

	printf("slirp4netns version %s\n", RK_SLIRP4NETNS_VERSION);
	printf("commit: rootless-supervisor-%s\n", RK_VERSION);
	printf("libslirp: %s\n", slirp_version_string());
	printf("SLIRP_CONFIG_VERSION_MAX: %d\n", SLIRP_CONFIG_VERSION_MAX);
	/* the one that made our filters, at build time */
	printf("libseccomp: %u.%u.%u\n", SCMP_VER_MAJOR, SCMP_VER_MINOR, SCMP_VER_MICRO);
}

int slirp4netns_name_main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	opterr = 0; /* every other word gets the same answer */
	c = getopt_long(argc, argv, "+hv", longs, NULL);
	if (c == 'h')
		fputs(help_text, stdout);
	else if (c == 'v')
		print_version();
	if (c == 'h' || c == 'v')
		return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	fputs("slirp4netns: this build answers only --help and --version: the network is built "
	      "into\n"
	      "rootless-supervisor (--net=slirp4netns); install slirp4netns to start it on its "
	      "own\n",
	      stderr);
	return EXIT_FAILURE;
}
