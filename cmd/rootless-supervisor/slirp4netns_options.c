// SPDX-License-Identifier: Apache-2.0
/*
 * slirp4netns_options.c - the command line of slirp4netns 1.2: its words, texts and their order
 *
 * Programs read --help and --version line by line (dockerd-rootless.sh, docker version), so both
 * look like the original's.
 */
#include "cmd/rootless-supervisor/slirp4netns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <ifaddrs.h>
#include <libslirp.h>
#include <regex.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/str.h"
#include "lib/base/version.h"
#include "lib/slirp/library.h"

#define MTU_DEFAULT 1500
#define MTU_MOST 65521
#define CIDR_DEFAULT "10.0.2.0/24"
#define PREFIX_LEAST 1
#define PREFIX_MOST 25
enum { HOST_GATEWAY = 2, HOST_DNS = 3, HOST_RECOMMENDED = 100 }; /* of the network */

static const char help_text[] =
	"User-mode networking for unprivileged network namespaces.\n"
	"\n"
	"-c, --configure          bring up the interface\n"
	"-e, --exit-fd=FD         specify the FD for terminating slirp4netns\n"
	"-r, --ready-fd=FD        specify the FD to write to when the network is configured\n"
	"-m, --mtu=MTU            specify MTU (default=1500, max=65521)\n"
	"-6, --enable-ipv6        enable IPv6 (experimental)\n"
	"-a, --api-socket=PATH    specify API socket path\n"
	"--cidr=CIDR              specify network address CIDR (default=" CIDR_DEFAULT ")\n"
	"--disable-host-loopback  prohibit connecting to 127.0.0.1:* on the host namespace\n"
	"--netns-type=TYPE 	 specify network namespace type ([path|pid|tapfd], default=pid)\n"
	"--userns-path=PATH	 specify user namespace path\n"
	"--enable-sandbox         fail if the process cannot be confined (it always tries)\n"
	"--enable-seccomp         fail if syscalls cannot be limited (it always tries)\n"
	"--outbound-addr=IPv4     sets outbound ipv4 address to bound to (experimental)\n"
	"--outbound-addr6=IPv6    sets outbound ipv6 address to bound to (experimental)\n"
	"--disable-dns            disables 10.0.2.3 (or configured internal ip) to host dns "
	"redirect "
	"(experimental)\n"
	"--macaddress=MAC         specify the MAC address of the TAP (only valid with -c)\n"
	"--target-type=TYPE       specify the target type (netns only here, default=netns)\n"
	"-h, --help               show this help and exit\n"
	"-v, --version            show version and exit\n";

enum word {
	WORD_CIDR = 256,
	WORD_NO_LOOPBACK,
	WORD_NO_LOOPBACK_OLD,
	WORD_NETNS_TYPE,
	WORD_USERNS_PATH,
	WORD_SANDBOX,
	WORD_SANDBOX_OLD,
	WORD_SECCOMP,
	WORD_OUTBOUND,
	WORD_OUTBOUND6,
	WORD_DISABLE_DNS,
	WORD_MAC,
	WORD_TARGET_TYPE,
};

static const struct option longs[] = {
	{ "configure", no_argument, NULL, 'c' },
	{ "exit-fd", required_argument, NULL, 'e' },
	{ "ready-fd", required_argument, NULL, 'r' },
	{ "mtu", required_argument, NULL, 'm' },
	{ "cidr", required_argument, NULL, WORD_CIDR },
	{ "disable-host-loopback", no_argument, NULL, WORD_NO_LOOPBACK },
	{ "no-host-loopback", no_argument, NULL, WORD_NO_LOOPBACK_OLD },
	{ "netns-type", required_argument, NULL, WORD_NETNS_TYPE },
	{ "userns-path", required_argument, NULL, WORD_USERNS_PATH },
	{ "api-socket", required_argument, NULL, 'a' },
	{ "enable-ipv6", no_argument, NULL, '6' },
	{ "enable-sandbox", no_argument, NULL, WORD_SANDBOX },
	{ "create-sandbox", no_argument, NULL, WORD_SANDBOX_OLD },
	{ "enable-seccomp", no_argument, NULL, WORD_SECCOMP },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'v' },
	{ "outbound-addr", required_argument, NULL, WORD_OUTBOUND },
	{ "outbound-addr6", required_argument, NULL, WORD_OUTBOUND6 },
	{ "disable-dns", no_argument, NULL, WORD_DISABLE_DNS },
	{ "macaddress", required_argument, NULL, WORD_MAC },
	{ "target-type", required_argument, NULL, WORD_TARGET_TYPE },
	{ NULL, 0, NULL, 0 },
};

/* texts that are read when all of them are there */
struct raw {
	const char *cidr, *netns_type, *mac, *outbound, *outbound6, *target_type;
};

enum outcome { GO_ON, USAGE_OK, USAGE_FAILED, END_OK, END_FAILED };

static void print_version(void)
{
	struct err err = { 0 };

	printf("slirp4netns version %s\n", RK_SLIRP4NETNS_VERSION);
	printf("commit: rootless-supervisor-%s\n", RK_VERSION);
	printf("libslirp: %s\n", libslirp_load(&err) < 0 ? err.msg : slirp_version_string());
	printf("SLIRP_CONFIG_VERSION_MAX: %d\n", SLIRP_CONFIG_VERSION_MAX);
	/* the one that made our filters, at build time */
	printf("libseccomp: %u.%u.%u\n", SCMP_VER_MAJOR, SCMP_VER_MINOR, SCMP_VER_MICRO);
}

static enum outcome read_fd(const char *what, int *ret)
{
	uint64_t n;

	if (str_to_u64(optarg, INT32_MAX, &n) < 0) {
		fprintf(stderr, "%s must be a non-negative integer\n", what);
		return USAGE_FAILED;
	}
	*ret = (int)n;
	return GO_ON;
}

static enum outcome read_mtu(struct s4nn_options *o)
{
	uint64_t n;

	if (str_to_u64(optarg, MTU_MOST, &n) < 0 || n == 0) {
		fprintf(stderr, "MTU must be a positive integer (< %d)\n", MTU_MOST + 1);
		return USAGE_FAILED;
	}
	o->plan.mtu = (uint32_t)n;
	return GO_ON;
}

static enum outcome read_userns(struct s4nn_options *o)
{
	o->userns = optarg;
	if (access(optarg, F_OK) == 0)
		return GO_ON;
	fprintf(stderr, "userns path doesn't exist: %s\n", optarg);
	return USAGE_FAILED;
}

static void say_experimental(const char *what)
{
	printf("WARNING: Support for %s is experimental\n", what);
}

static void say_deprecated(const char *old, const char *now)
{
	printf("WARNING: %s is deprecated and will be removed in future releases, please use %s "
	       "instead.\n",
	       old, now);
}

/* words that keep their text for later */
static enum outcome take_text(int word, struct raw *raw)
{
	switch (word) {
	case WORD_CIDR:
		raw->cidr = optarg;
		return GO_ON;
	case WORD_NETNS_TYPE:
		raw->netns_type = optarg;
		return GO_ON;
	case WORD_OUTBOUND:
		say_experimental("--outbound-addr");
		raw->outbound = optarg;
		return GO_ON;
	case WORD_OUTBOUND6:
		say_experimental("--outbound-addr6");
		raw->outbound6 = optarg;
		return GO_ON;
	case WORD_MAC:
		raw->mac = optarg;
		return GO_ON;
	case WORD_TARGET_TYPE:
		raw->target_type = optarg;
		return GO_ON;
	default:
		return USAGE_FAILED; /* getopt has said why */
	}
}

static enum outcome take_word(int word, struct s4nn_options *o, struct raw *raw)
{
	switch (word) {
	case 'c':
		o->configure = true;
		return GO_ON;
	case 'e':
		return read_fd("exit-fd", &o->exit_fd);
	case 'r':
		return read_fd("ready-fd", &o->ready_fd);
	case 'm':
		return read_mtu(o);
	case 'a':
		o->api_socket = optarg;
		return GO_ON;
	case '6':
		o->plan.ipv6 = 1;
		say_experimental("IPv6");
		return GO_ON;
	case 'h':
		return USAGE_OK;
	case 'v':
		print_version();
		return END_OK;
	case WORD_NO_LOOPBACK_OLD:
		say_deprecated("--no-host-loopback", "--disable-host-loopback");
		o->plan.host_loopback = 0;
		return GO_ON;
	case WORD_NO_LOOPBACK:
		o->plan.host_loopback = 0;
		return GO_ON;
	case WORD_USERNS_PATH:
		return read_userns(o);
	case WORD_SANDBOX_OLD:
		say_deprecated("--create-sandbox", "--enable-sandbox");
		o->sandbox = true;
		return GO_ON;
	case WORD_SANDBOX:
		o->sandbox = true;
		return GO_ON;
	case WORD_SECCOMP:
		say_experimental("seccomp");
		o->seccomp = true;
		return GO_ON;
	case WORD_DISABLE_DNS:
		o->services.dns = false;
		return GO_ON;
	default:
		return take_text(word, raw);
	}
}

/* the name of the tap is whatever it has in its namespace */
static enum outcome take_tapfd(const char *text, struct s4nn_options *o)
{
	uint64_t n;

	if (str_to_u64(text, INT32_MAX, &n) < 0) {
		fputs("TAPFD must a file descriptor\n", stderr);
		return USAGE_FAILED;
	}
	o->tapfd = (int)n;
	return GO_ON;
}

/* what does not depend on the network's addresses, each with the usage */
static enum outcome take_target(int argc, char **argv, const struct raw *raw,
				struct s4nn_options *o)
{
	bool is_tap = strcmp(raw->netns_type, "tapfd") == 0;
	uint64_t pid;

	if (raw->mac && !o->configure) {
		fputs("--macaddr cannot be specified when --configure or -c is not specified\n",
		      stderr);
		return USAGE_FAILED;
	}
	if (strcmp(raw->target_type, "netns") != 0 && strcmp(raw->target_type, "bess") != 0) {
		fputs("--target-type must be either \"netns\" or \"bess\"\n", stderr);
		return USAGE_FAILED;
	}
	if (strcmp(raw->target_type, "bess") == 0) {
		fputs("--target-type=bess is not supported by rootless-supervisor: install "
		      "slirp4netns for it\n",
		      stderr);
		return END_FAILED;
	}
	if (argc - optind < (is_tap ? 1 : 2))
		return USAGE_FAILED;
	if (argc - optind > 2)
		puts("WARNING: too many arguments");
	if (is_tap)
		return take_tapfd(argv[optind], o);
	if (str_format(o->plan.ifname, sizeof(o->plan.ifname), "%s", argv[optind + 1]) < 0) {
		fprintf(stderr, "TAPNAME must be shorter than %zu bytes\n", sizeof(o->plan.ifname));
		return USAGE_FAILED;
	}
	if (strcmp(raw->netns_type, "pid") != 0) {
		o->netns = argv[optind];
		if (access(o->netns, F_OK) == 0)
			return GO_ON;
		perror("existing path expected when --netns-type=path");
		return USAGE_FAILED;
	}
	if (str_to_u64(argv[optind], INT32_MAX, &pid) < 0 || pid == 0) {
		fputs("PID must be a positive integer\n", stderr);
		return USAGE_FAILED;
	}
	o->pid = (pid_t)pid;
	return GO_ON;
}

static struct in_addr host_of(const struct net_plan *p, uint32_t host)
{
	return (struct in_addr){ htonl(ntohl(p->network.s_addr) + host) };
}

static enum outcome read_cidr(const char *text, struct net_plan *p)
{
	regmatch_t part[4];
	regex_t form;
	char network[INET_ADDRSTRLEN];
	bool fits;

	if (regcomp(&form, "^(([0-9]{1,3}\\.){3}[0-9]{1,3})/([0-9]{1,2})$", REG_EXTENDED) != 0) {
		fputs("internal regex error\n", stderr);
		return END_FAILED;
	}
	fits = regexec(&form, text, 4, part, 0) == 0;
	regfree(&form);
	if (!fits) {
		fprintf(stderr, "invalid CIDR: %s\n", text);
		return END_FAILED;
	}
	snprintf(network, sizeof(network), "%.*s", (int)part[1].rm_eo, text);
	if (inet_pton(AF_INET, network, &p->network) != 1) {
		fprintf(stderr, "invalid network address: %s\n", network);
		return END_FAILED;
	}
	p->prefix = (uint8_t)strtoul(text + part[3].rm_so, NULL, 10);
	if (p->prefix < PREFIX_LEAST || p->prefix > PREFIX_MOST) {
		fprintf(stderr, "prefix length needs to be %d-%d\n", PREFIX_LEAST, PREFIX_MOST);
		return END_FAILED;
	}
	if (ntohl(p->network.s_addr) & (UINT32_MAX >> p->prefix)) {
		fprintf(stderr, "CIDR needs to be a network address like 10.0.2.0/24, not like "
				"10.0.2.100/24\n");
		return END_FAILED;
	}
	p->gateway = host_of(p, HOST_GATEWAY);
	p->dns = host_of(p, HOST_DNS);
	p->address = host_of(p, HOST_RECOMMENDED);
	return GO_ON;
}

static enum outcome read_mac(const char *text, struct s4nn_options *o)
{
	uint8_t *m = o->mac;
	int end = 0;

	o->have_mac = true;
	if (sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &m[0], &m[1], &m[2], &m[3], &m[4],
		   &m[5], &end) == 6 &&
	    text[end] == '\0')
		return GO_ON;
	fprintf(stderr,
		"\"%s\" is an invalid MAC address.\nmacaddress has to be a valid MAC address (hex "
		"string, 6 bytes, each byte separated by a ':').\n",
		text);
	return END_FAILED;
}

/* an address, or the first one of an interface */
static int find_address(const char *text, int family, void *ret, size_t size)
{
	struct ifaddrs *all, *i;
	size_t at = family == AF_INET ? offsetof(struct sockaddr_in, sin_addr)
				      : offsetof(struct sockaddr_in6, sin6_addr);

	((struct sockaddr *)ret)->sa_family = (sa_family_t)family;
	if (inet_pton(family, text, (char *)ret + at) == 1)
		return 0;
	if (getifaddrs(&all) < 0) {
		fputs("getifaddrs failed to obtain interface addresses\n", stderr);
		return -errno;
	}
	for (i = all; i; i = i->ifa_next) {
		if (i->ifa_addr && i->ifa_addr->sa_family == family &&
		    strcmp(i->ifa_name, text) == 0) {
			memcpy(ret, i->ifa_addr, size);
			break;
		}
	}
	freeifaddrs(all);
	return i ? 0 : -ENODEV;
}

static enum outcome read_outbound(const struct raw *raw, struct stack_services *sv)
{
	if (raw->outbound &&
	    find_address(raw->outbound, AF_INET, &sv->outbound, sizeof(sv->outbound)) < 0) {
		fputs("outbound-addr has to be valid ipv4 address or interface name.\n", stderr);
		return END_FAILED;
	}
	if (raw->outbound6 &&
	    find_address(raw->outbound6, AF_INET6, &sv->outbound6, sizeof(sv->outbound6)) < 0) {
		fputs("outbound-addr has to be valid ipv6 address or interface name.\n", stderr);
		return END_FAILED;
	}
	return GO_ON;
}

static enum outcome parse(int argc, char **argv, struct s4nn_options *o)
{
	struct raw raw = { .cidr = CIDR_DEFAULT, .netns_type = "pid", .target_type = "netns" };
	enum outcome out = GO_ON;
	int word;

	while (out == GO_ON && (word = getopt_long(argc, argv, "ce:r:m:a:6hv", longs, NULL)) >= 0)
		out = take_word(word, o, &raw);
	if (out == GO_ON)
		out = take_target(argc, argv, &raw, o);
	if (out == GO_ON)
		out = read_cidr(raw.cidr, &o->plan);
	if (out == GO_ON && raw.mac)
		out = read_mac(raw.mac, o);
	return out == GO_ON ? read_outbound(&raw, &o->services) : out;
}

int s4nn_parse(int argc, char **argv, struct s4nn_options *ret, int *ret_status)
{
	enum outcome out;

	*ret = (struct s4nn_options){ .exit_fd = -1, .ready_fd = -1, .tapfd = -1 };
	ret->services.on = ret->services.dns = true;
	ret->plan.mtu = MTU_DEFAULT;
	ret->plan.host_loopback = 1;
	ret->plan.prefix6 = 64;
	inet_pton(AF_INET6, "fd00::", &ret->plan.network6);
	inet_pton(AF_INET6, "fd00::2", &ret->plan.gateway6);
	inet_pton(AF_INET6, "fd00::3", &ret->plan.dns6);
	inet_pton(AF_INET6, "fd00::100", &ret->plan.address6);
	out = parse(argc, argv, ret);
	if (out == USAGE_OK || out == USAGE_FAILED)
		printf("Usage: %s [OPTION]... PID|PATH|FD [TAPNAME]\n%s", argv[0], help_text);
	*ret_status = out == USAGE_OK || out == END_OK ? EXIT_SUCCESS : EXIT_FAILURE;
	if (fflush(stdout) != 0)
		*ret_status = EXIT_FAILURE;
	return out == GO_ON;
}
