/* SPDX-License-Identifier: Apache-2.0 */
/* options_table.h - the one table of flags, and the typed values; for options*.c only */
#ifndef RK_CMD_OPTIONS_TABLE_H
#define RK_CMD_OPTIONS_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cmd/rootless-supervisor/options.h"

/* in the order of the help inside a category */
enum option_id {
	OPT_DEBUG,
	OPT_PRINT_SEMVER,
	OPT_EXPLAIN,
	OPT_READY_FD,
	OPT_HELP,
	OPT_VERSION,
	OPT_COPY_UP,
	OPT_COPY_UP_MODE,
	OPT_PROPAGATION,
	OPT_NET,
	OPT_MTU,
	OPT_CIDR,
	OPT_IFNAME,
	OPT_DISABLE_HOST_LOOPBACK,
	OPT_DENY_HOST_ADDRS,
	OPT_IPV6,
	OPT_DETACH_NETNS,
	OPT_ACCEL,
	OPT_SYSCTL,
	OPT_GVPROXY_BINARY,
	OPT_LXC_USER_NIC_BINARY,
	OPT_LXC_USER_NIC_BRIDGE,
	OPT_PASTA_BINARY,
	OPT_SLIRP4NETNS_BINARY,
	OPT_SLIRP4NETNS_SANDBOX,
	OPT_SLIRP4NETNS_SECCOMP,
	OPT_VPNKIT_BINARY,
	OPT_PORT_DRIVER,
	OPT_PUBLISH,
	OPT_PORT_LOOPBACK,
	OPT_PORT_UDP_IDLE,
	OPT_SOURCE_IP_TRANSPARENT,
	OPT_SOURCE_IP_TRANSPARENT_BACKEND,
	OPT_PIDNS,
	OPT_CGROUPNS,
	OPT_UTSNS,
	OPT_IPCNS,
	OPT_REAPER,
	OPT_ON_WORKER_CRASH,
	OPT_EVACUATE_CGROUP2,
	OPT_SANDBOX,
	OPT_IDMAP,
	OPT_LOG_FORMAT,
	OPT_STATE_DIR,
	OPT_SUBID_SOURCE,
	OPT_NIDS
};

/* which member of struct option_value holds it */
enum option_type { OPTION_BOOL, OPTION_INT, OPTION_STRING, OPTION_SLICE, OPTION_NTYPES };

/* the ways to write a flag; bits of option_value.given */
enum option_form {
	OPTION_FORM_NAME = 1,
	OPTION_FORM_ALIAS = 2,
	OPTION_FORM_HIDDEN = 4, /* an alias that the help does not show */
};

#define NDIALECTS (DIALECT_ROOTLESSKIT + 1)
#define IN_OURS (1u << DIALECT_OURS)
#define IN_ROOTLESSKIT (1u << DIALECT_ROOTLESSKIT)
#define IN_BOTH (IN_OURS | IN_ROOTLESSKIT)

struct option_def {
	const char *name, *alias, *hidden; /* without dashes; alias and hidden may be NULL */
	enum option_type type;
	uint32_t dialects; /* IN_ bits: where the flag exists */
	const char *category;
	const char *default_value[NDIALECTS]; /* as typed; NULL: none. Not for slices */
	bool hide_default;                    /* the help says it in words, or it means "none" */
	bool whole;                           /* of a slice: a comma is a part of the value */
	const char *word;                     /* of an int: may stand for a number; or NULL */
	const char *value;                    /* name of the value in our help; NULL for bools */
	const char *help;
	const char *(*choices)(void); /* appended to the help in brackets; may be NULL */
};

extern const struct option_def option_table[OPT_NIDS];

/* what was typed, or the default */
struct option_value {
	uint32_t given; /* enum option_form bits; 0: the default */
	bool flag;
	int64_t number;
	const char *text; /* "" when there is neither value nor default; of an int: the word */
	char **items;     /* of a slice; owned, options_parse() frees them */
	size_t nitems;
};

struct option_values {
	enum dialect dialect;
	const char *program; /* basename(argv[0]) */
	struct option_value v[OPT_NIDS];
	char **command; /* the first word that is no flag, NULL-terminated */
};

/* option_value_set() - one value as typed; 0, -EINVAL, -ERANGE or -ENOMEM */
int option_value_set(const struct option_def *d, struct option_value *v, const char *text);

/* options_help() - the layout of the dialect */
void options_help(FILE *out, enum dialect dialect, const char *program);
void options_version(FILE *out, enum dialect dialect);

/* options_print_semver() - major, minor or patch of the version; 0 or -EINVAL */
int options_print_semver(FILE *out, enum dialect dialect, const char *part, struct err *err);

/* options_modes() - accel, sandbox and on-worker-crash of @o; 0 or -EINVAL */
int options_modes(const struct option_values *values, struct options *o, struct err *err);

/**
 * options_check() - all checks in their order, and what follows from the values
 * @o:	filled as far as the checks got; the caller frees it on failure too
 * Return: 0 or a negative errno
 */
int options_check(const struct option_values *values, struct options *o, struct options_report *rep,
		  struct err *err);

#endif
