// SPDX-License-Identifier: Apache-2.0
/*
 * rules.c - the rows of the table of system calls
 *
 * One more: a row with its reason, RULE_ALLOW when the trace of sandbox_calls.sh is to have it. A
 * row without a condition costs nothing at run time (the kernel keeps a bitmap of them), so the
 * calls of the hot path have none. Conditions compare all 64 bits, or by a mask the 32 that the
 * kernel reads.
 */
#include "lib/sandbox/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "lib/base/cleanup.h"

#define INT_MASK 0xffffffffu
#define TYPE_MASK 0xf /* of a socket type without its flags */

#define R RULE_RELAY
#define W RULE_SLIRP
#define L RULE_ALONE
#define S (W | L) /* whoever runs libslirp */
#define A RULE_NSAGENT
#define N RULE_NURSERY
#define P RULE_PARENT
#define F RULE_FRAMES
#define ALLOW(c, r, w) \
	{ \
		.call = (c), .roles = (r), .kind = RULE_ALLOW, .why = (w) \
	}
#define SPARE(c, r, w) \
	{ \
		.call = (c), .roles = (r), .kind = RULE_SPARE, .why = (w) \
	}
#define SOFT(c, r, w) \
	{ \
		.call = (c), .roles = (r), .kind = RULE_ERRNO, .errnum = EPERM, .why = (w) \
	}
#define DENY(c, r, w) \
	{ \
		.call = (c), .roles = (r), .kind = RULE_DENY, .errnum = EPERM, .why = (w) \
	}
#define DENY_EXEC(c, w) \
	{ \
		.call = (c), .roles = P, .kind = RULE_DENY, .errnum = EPERM, .why = (w), .when = { \
			{ RULE_MASKED, 2, PROT_EXEC, PROT_EXEC } \
		} \
	}
/* one argument, as an int */
#define INT_IS(k, c, r, n, v, w) \
	{ \
		.call = (c), .roles = (r), .kind = (k), .why = (w), .when = { \
			{ RULE_MASKED, n, (uint32_t)(v), INT_MASK } \
		} \
	}
/* of a socket: TCP_ULP, filters on shared listeners and the like are nobody's work here */
#define OPTION(k, r, l, n, w) \
	{ \
		.call = "setsockopt", .roles = (r), .kind = (k), .why = (w), .when = { \
			{ RULE_MASKED, 1, l, INT_MASK }, \
			{ RULE_MASKED, 2, n, INT_MASK } \
		} \
	}
/* with the protocol: others are modules that the kernel would load for anybody */
#define SOCKET(r, f, t, p, w) SOCKET_AS(RULE_ALLOW, r, f, t, p, w)
#define SOCKET_SPARE(r, f, t, p, w) SOCKET_AS(RULE_SPARE, r, f, t, p, w)
#define SOCKET_AS(k, r, f, t, p, w) \
	{ \
		.call = "socket", .roles = (r), .kind = (k), .why = (w), .when = { \
			{ RULE_EQ, 0, f, 0 }, \
			{ RULE_MASKED, 1, t, TYPE_MASK }, \
			{ RULE_EQ, 2, p, 0 } \
		} \
	}
#define NO_RAW(r, f, w) \
	{ \
		.call = "socket", .roles = (r), .kind = RULE_ERRNO, .errnum = EPERM, .why = (w), \
		.when = { \
			{ RULE_EQ, 0, f, 0 }, \
			{ RULE_MASKED, 1, SOCK_RAW, TYPE_MASK } \
		} \
	}
#define NO_FAMILY(op, f, w) \
	{ \
		.call = "socket", .roles = R | S, .kind = RULE_ERRNO, .errnum = EAFNOSUPPORT, \
		.why = (w), .when = { \
			{ op, 0, f, 0 } \
		} \
	}
#define READ_ONLY(k, c, n, w) \
	{ \
		.call = (c), .roles = L, .kind = (k), .why = (w), .when = { \
			{ RULE_MASKED, n, O_RDONLY, O_ACCMODE | O_CREAT | O_TRUNC } \
		} \
	}
#define NO_EXEC(c, w) \
	{ \
		.call = (c), .roles = R | S | A | F, .kind = RULE_SPARE, .why = (w), .when = { \
			{ RULE_MASKED, 2, 0, PROT_EXEC } \
		} \
	}

const struct rule seccomp_rules[] = {
	/* bytes */
	ALLOW("read", R, "TUN, eventfd"),
	ALLOW("read", F, "frames of the tap"),
	SPARE("read", S, "libslirp reads no socket so, another version may"),
	ALLOW("write", R, "TUN, log lines"),
	ALLOW("write", F, "frames into the tap"),
	SPARE("write", S | A, "log lines"),
	SPARE("readv", R | S, "libc"),
	ALLOW("writev", R, "datagrams into the TUN"),
	SPARE("writev", S | A | F, "libc's last words before an abort"),
	ALLOW("preadv2", S, "frames of the tap, without waiting"),
	ALLOW("pwritev2", S, "the same, out"),
	ALLOW("recvfrom", R | S, "flows, libslirp's sockets"),
	ALLOW("recvfrom", F, "the program's stream"),
	ALLOW("sendto", R | S | F, "the same, out"),
	SPARE("recvfrom", A, "the death of the other, a lease of DHCP, changes of nf_tables"),
	SPARE("sendto", A, "the same"),
	ALLOW("recvmsg", R | S | A, "messages, errors of UDP sockets"),
	ALLOW("sendmsg", R | A, "messages"),
	SPARE("sendmsg", S, "WORKER_FAILED"),
	ALLOW("recvmmsg", R, "datagrams"),
	ALLOW("sendmmsg", R, "datagrams"),
	ALLOW("splice", R, "bulk of flows"),
	ALLOW("pipe2", R, "the pipes that it goes through"),
	ALLOW("close", R | S | A, "all that is opened"),
	INT_IS(RULE_ALLOW, "ioctl", R, 1, SIOCATMARK,
	       "urgent data makes splice say EAGAIN for ever"),
	INT_IS(RULE_SPARE, "ioctl", A, 1, SIOCSIFMTU, "--mtu=auto, when the host's has changed"),
	INT_IS(RULE_SPARE, "ioctl", A, 1, SIOCGIFHWADDR, "a lease of DHCP"),
	INT_IS(RULE_SPARE, "ioctl", A, 1, SIOCGIFINDEX, "the same"),
	INT_IS(RULE_SPARE, "ioctl", R | S, 1, FIONREAD, "libslirp asks how much there is"),
	INT_IS(RULE_SPARE, "ioctl", R | S, 1, FIONBIO, "libslirp's sockets do not wait"),

	/* sockets: of the Internet only */
	SOCKET(R | S | A, AF_INET, SOCK_STREAM, 0, "connections"),
	SOCKET(R | S | A, AF_INET, SOCK_DGRAM, 0, "flows, DNS"),
	SOCKET(S, AF_INET, SOCK_DGRAM, IPPROTO_ICMP, "echo"),
	SOCKET(R | S | A, AF_INET6, SOCK_STREAM, 0, "connections"),
	SOCKET(R | S | A, AF_INET6, SOCK_DGRAM, 0, "flows, DNS"),
	SOCKET(S, AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6, "echo"),
	SOCKET(A, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, "the child's routes, for the relay"),
	SOCKET_SPARE(A, AF_PACKET, SOCK_DGRAM, 0,
		     "a lease of DHCP is renewed, in the child's netns"),
	SOCKET_SPARE(A, AF_UNIX, SOCK_DGRAM, 0, "the same: libc looks for an interface's number"),
	NO_RAW(R | S, AF_INET, "libslirp tries it for echo"),
	NO_RAW(R | S, AF_INET6, "libslirp tries it for echo"),
	NO_FAMILY(RULE_LT, AF_INET, "unix: glibc's name services, libslirp's scope of an address"),
	NO_FAMILY(RULE_EQ, AF_AX25, "nothing but the Internet"),
	NO_FAMILY(RULE_EQ, AF_IPX, "nothing but the Internet"),
	NO_FAMILY(RULE_EQ, AF_APPLETALK, "nothing but the Internet"),
	NO_FAMILY(RULE_EQ, AF_NETROM, "nothing but the Internet"),
	NO_FAMILY(RULE_EQ, AF_BRIDGE, "nothing but the Internet"),
	NO_FAMILY(RULE_EQ, AF_ATMPVC, "nothing but the Internet"),
	NO_FAMILY(RULE_EQ, AF_X25, "nothing but the Internet"),
	NO_FAMILY(RULE_GT, AF_INET6, "netlink, packet, vsock and the like"),
	ALLOW("connect", R | S, "out, and to the child"),
	SPARE("bind", A, "the socket of routes, for a relay that is started again"),
	ALLOW("bind", R, "an address of the child's or the client's on a transparent socket"),
	ALLOW("accept4", R, "published ports, the listeners of the gateway"),
	ALLOW("shutdown", R | S, "the end of one direction"),
	SPARE("shutdown", A, "a relay that breaks the protocol"),
	ALLOW("getsockopt", R | S, "the outcome of a connect"),
	OPTION(RULE_ALLOW, R | S, IPPROTO_TCP, TCP_NODELAY, "flows"),
	OPTION(RULE_ALLOW, R, IPPROTO_TCP, TCP_KEEPIDLE, "peers that fell silent"),
	OPTION(RULE_ALLOW, R, IPPROTO_TCP, TCP_KEEPINTVL, "the same"),
	OPTION(RULE_ALLOW, R, IPPROTO_TCP, TCP_KEEPCNT, "the same"),
	OPTION(RULE_SPARE, R, IPPROTO_TCP, TCP_CONGESTION, "a host with bbr"),
	OPTION(RULE_ALLOW, R, SOL_SOCKET, SO_KEEPALIVE, "the same"),
	OPTION(RULE_ALLOW, R | S, SOL_SOCKET, SO_OOBINLINE, "urgent data is data"),
	OPTION(RULE_ALLOW, R, SOL_SOCKET, SO_LINGER, "an end by RST"),
	OPTION(RULE_ALLOW, R, SOL_SOCKET, SO_REUSEADDR, "off, for a port that the kernel picks"),
	OPTION(RULE_ALLOW, S, SOL_SOCKET, SO_REUSEADDR, "libslirp sets it on each"),
	OPTION(RULE_ALLOW, A, SOL_SOCKET, SO_REUSEADDR, "transparent sockets"),
	OPTION(RULE_SPARE, A, SOL_SOCKET, SO_MARK, "those of the child's netns"),
	OPTION(RULE_SPARE, A, SOL_SOCKET, SO_ATTACH_FILTER, "a lease of DHCP"),
	OPTION(RULE_ALLOW, A, IPPROTO_IP, IP_TRANSPARENT, "the same"),
	OPTION(RULE_SPARE, A, IPPROTO_IPV6, IPV6_TRANSPARENT, "for many clients by IPv6"),
	OPTION(RULE_ALLOW, R, SOL_SOCKET, SO_RCVBUF, "UDP"),
	OPTION(RULE_ALLOW, R, SOL_SOCKET, SO_SNDBUF, "the same"),
	OPTION(RULE_ALLOW, R, IPPROTO_UDP, UDP_GRO, "many datagrams at once"),
	OPTION(RULE_ALLOW, R, IPPROTO_IP, IP_RECVTOS, "what is told of a datagram"),
	OPTION(RULE_SPARE, R, IPPROTO_IP, IP_RECVTTL, "of a pair that talks for long"),
	OPTION(RULE_ALLOW, R, IPPROTO_IP, IP_PKTINFO, "the same"),
	OPTION(RULE_ALLOW, R, IPPROTO_IP, IP_RECVERR, "what became of a datagram"),
	OPTION(RULE_SPARE, S, IPPROTO_IP, IP_RECVERR, "and of a ping, a SYN"),
	OPTION(RULE_ALLOW, R, IPPROTO_IP, IP_MTU_DISCOVER, "the child's wish"),
	OPTION(RULE_ALLOW, R, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, "a port at connect only"),
	OPTION(RULE_SPARE, R, IPPROTO_IP, IP_TTL, "how far a SYN goes"),
	OPTION(RULE_SPARE, S, IPPROTO_IP, IP_TTL, "how far a ping, a SYN goes"),
	OPTION(RULE_SPARE, S, IPPROTO_IP, IP_RECVTTL, "how far its answer has gone"),
	OPTION(RULE_SPARE, S, IPPROTO_IP, IP_MTU_DISCOVER, "a ping that must not be cut"),
	OPTION(RULE_ALLOW, R, IPPROTO_IPV6, IPV6_RECVTCLASS, "what is told of a datagram"),
	OPTION(RULE_SPARE, R, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, "of a pair that talks for long"),
	OPTION(RULE_ALLOW, R, IPPROTO_IPV6, IPV6_RECVPKTINFO, "the same"),
	OPTION(RULE_ALLOW, R, IPPROTO_IPV6, IPV6_RECVERR, "what became of a datagram"),
	OPTION(RULE_SPARE, S, IPPROTO_IPV6, IPV6_RECVERR, "and of a ping, a SYN"),
	OPTION(RULE_ALLOW, R, IPPROTO_IPV6, IPV6_MTU_DISCOVER, "the child's wish"),
	OPTION(RULE_ALLOW, R, IPPROTO_IPV6, IPV6_V6ONLY, "IPv4 has a socket of its own"),
	OPTION(RULE_SPARE, S, IPPROTO_IPV6, IPV6_V6ONLY, "libslirp sets it on each"),
	OPTION(RULE_SPARE, R, IPPROTO_IPV6, IPV6_UNICAST_HOPS, "how far a SYN goes"),
	OPTION(RULE_SPARE, S, IPPROTO_IPV6, IPV6_UNICAST_HOPS, "how far a ping, a SYN goes"),
	OPTION(RULE_SPARE, S, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, "how far its answer has gone"),
	ALLOW("getsockname", R, "whom a client meant"),
	SPARE("getsockname", S, "libslirp asks who it is"),
	SPARE("getpeername", R | S, "who a client is; a list of flows; whether a SYN came through"),
	INT_IS(RULE_SPARE, "fcntl", R | S, 1, F_GETFL, "is a socket non-blocking"),
	INT_IS(RULE_SPARE, "fcntl", R | S, 1, F_SETFL, "make it so"),
	INT_IS(RULE_SPARE, "fcntl", S, 1, F_GETFD, "libslirp: close-on-exec"),
	INT_IS(RULE_SPARE, "fcntl", S, 1, F_SETFD, "libslirp: close-on-exec"),
	INT_IS(RULE_ALLOW, "fcntl", R, 1, F_DUPFD_CLOEXEC, "a place for the next descriptor"),
	INT_IS(RULE_ALLOW, "fcntl", R, 1, F_SETPIPE_SZ, "room of a pipe"),
	INT_IS(RULE_SPARE, "fcntl", R, 1, F_GETPIPE_SZ, "what came of it"),

	/* waiting, time */
	ALLOW("epoll_wait", R, "the loop"),
	SPARE("epoll_pwait", R, "how another libc or architecture waits"),
	ALLOW("epoll_ctl", R, "the loop"),
	SPARE("clock_nanosleep", R, "rests while many datagrams come"),
	SPARE("nanosleep", R, "how another libc rests"),
	ALLOW("poll", S | A | F, "the loop"),
	SPARE("poll", R, "whether a datagram waits"),
	SPARE("ppoll", R | S | A | F, "how another libc or architecture waits"),
	SPARE("clock_gettime", R | S | A, "where the vDSO cannot"),
	SPARE("gettimeofday", R | S | A, "the same"),
	SPARE("time", R | S | A, "the same"),
	SPARE("restart_syscall", R | S | A | F, "after a stop"),

	/* memory: never executable */
	SPARE("brk", R | S | A | F, "malloc"),
	SPARE("munmap", R | S | A | F, "free"),
	SPARE("mremap", R | S | A, "realloc"),
	SPARE("madvise", R | S | A, "malloc gives back"),
	NO_EXEC("mmap", "malloc"),
	NO_EXEC("mprotect", "malloc"),

	/* libc's plumbing: what it does when it reports, aborts or ends */
	ALLOW("exit_group", R | S, "the end"),
	SPARE("exit_group", A | F, "the end, when nobody kills it before"),
	SPARE("exit", R | S | A | F, "the end"),
	SPARE("futex", R | S | A, "locks of libc"),
	SPARE("getrandom", R | S | A, "ports and ids of DNS; malloc"),
	SPARE("rt_sigreturn", R | S | A | F, "abort"),
	SPARE("rt_sigprocmask", R | S | A | F, "abort"),
	SPARE("rt_sigaction", R | S | A | F, "abort"),
	SPARE("getpid", R | S | A | F, "abort"),
	SPARE("gettid", R | S | A | F, "abort"),
	INT_IS(RULE_SPARE, "tgkill", R | S | A | F, 0, RULE_OWN_PID, "abort; nobody else"),
	SPARE("sched_yield", R | S | A, "glib"),
	SPARE("lseek", R | S | A, "stdio"),

	/* what libraries try and can do without */
	SOFT("open", R | W | A | F, "name services, locale, time zone"),
	SOFT("openat", R | W | A | F, "the same"),
	SOFT("access", R | S | A, "the same"),
	SOFT("stat", R | W | A, "the same"),
	SOFT("fstat", R | W | A, "stdio"),
	SOFT("newfstatat", R | W | A, "stdio"),
	SOFT("statx", R | W | A, "the same"),
	SOFT("readlink", R | S | A, "an abort looks for the program's name"),
	SOFT("readlinkat", R | S | A, "the same"),
	SOFT("getcwd", R | S | A, "the same"),
	SOFT("uname", R | S | A, "libc"),
	SOFT("sysinfo", R | S | A, "libc: qsort asks for the size of memory"),
	SOFT("getrlimit", R | S | A, "libc"),
	SOFT("prlimit64", R | S | A, "libc"),
	SOFT("prctl", R | S | A, "malloc names its areas"),
	SOFT("sched_getaffinity", R | S | A, "malloc asks for the number of processors"),
	SOFT("dup", R | S | A, "perror with a closed stderr"),
	SOFT("unlink", S, "libslirp"),

	/* the program slirp4netns: its API, ports of the host, and libslirp's look at resolv.conf;
	   which files can be read is Landlock's matter */
	ALLOW("bind", L, "ports of the host, a source address"),
	ALLOW("listen", L, "ports of the host"),
	ALLOW("accept", L, "the same: libslirp"),
	ALLOW("accept4", L, "clients of the API"),
	ALLOW("epoll_wait", L, "the API, the descriptor that ends it"),
	SPARE("epoll_pwait", L, "how another libc or architecture waits"),
	ALLOW("epoll_ctl", L, "the same"),
	ALLOW("timerfd_settime", L, "how long a client of the API may take"),
	READ_ONLY(RULE_SPARE, "open", 1, "resolv.conf"),
	READ_ONLY(RULE_ALLOW, "openat", 2, "the same"),
	SPARE("stat", L, "has it changed?"),
	SPARE("fstat", L, "stdio"),
	SPARE("newfstatat", L, "the same"),
	SPARE("statx", L, "the same"),

	/* nursery and parent: other processes */
	DENY("ptrace", N | P, "nobody is traced"),
	DENY("process_vm_readv", N | P, "the same"),
	DENY("process_vm_writev", N | P, "the same"),
	DENY("process_madvise", N | P, "the same"),
	DENY("pidfd_getfd", N | P, "descriptors come by messages"),
	DENY("kcmp", N | P, "nobody is compared"),
	DENY("setns", N | P, "the agents live in the child's namespaces"),

	/* parts of the kernel that have nothing to do with the work, and a record */
	DENY("bpf", N | P, "classic filters do"),
	DENY("perf_event_open", N | P, "no profile"),
	DENY("userfaultfd", N | P, "no paging"),
	DENY("io_uring_setup", N | P, "its calls pass by this filter"),
	DENY("io_uring_enter", N | P, "the same"),
	DENY("io_uring_register", N | P, "the same"),
	DENY("add_key", N | P, "no keys"),
	DENY("request_key", N | P, "the same"),
	DENY("keyctl", N | P, "the same"),
	DENY("modify_ldt", N | P, "no segments"),
	DENY("personality", N | P, "it would switch off the randomizing of addresses"),
	DENY("vmsplice", N | P, "no pages are given away"),
	DENY("mbind", N | P, "no NUMA"),
	DENY("migrate_pages", N | P, "the same"),
	DENY("move_pages", N | P, "the same"),
	DENY("set_mempolicy", N | P, "the same"),
	DENY("fanotify_init", N | P, "no notes of all files"),
	DENY("name_to_handle_at", N | P, "files have paths"),
	DENY("open_by_handle_at", N | P, "the same"),
	DENY("memfd_create", N | P, "what is run has a path"),
	DENY("mq_open", N | P, "no queues"),
	DENY("shmget", N | P, "no shared memory"),
	DENY("msgget", N | P, "no queues"),
	DENY("semget", N | P, "no semaphores"),

	/* the machine: capabilities are in the way as well */
	DENY("init_module", N | P, "no modules"),
	DENY("finit_module", N | P, "the same"),
	DENY("delete_module", N | P, "the same"),
	DENY("kexec_load", N | P, "no other kernel"),
	DENY("kexec_file_load", N | P, "the same"),
	DENY("reboot", N | P, "the machine stays"),
	DENY("swapon", N | P, "the same"),
	DENY("swapoff", N | P, "the same"),
	DENY("acct", N | P, "the same"),
	DENY("quotactl", N | P, "the same"),
	DENY("syslog", N | P, "the same"),
	DENY("settimeofday", N | P, "its clock, too"),
	DENY("clock_settime", N | P, "the same"),
	DENY("clock_adjtime", N | P, "the same"),
	DENY("adjtimex", N | P, "the same"),
	DENY("iopl", N | P, "no ports of the bus"),
	DENY("ioperm", N | P, "the same"),

	/* the parent starts nothing any more: the nursery does */
	DENY("execve", P, "no program"),
	DENY("execveat", P, "the same"),
	DENY("fork", P, "no process"),
	DENY("vfork", P, "the same"),
	DENY("clone", P, "the same, no thread"),
	DENY("clone3", P, "the same"),
	DENY("unshare", P, "no namespace"),
	DENY("mount", P, "no mount"),
	DENY("umount2", P, "the same"),
	DENY("pivot_root", P, "the same"),
	DENY("chroot", P, "the same"),
	DENY("fsopen", P, "the same"),
	DENY("open_tree", P, "the same"),
	DENY("move_mount", P, "the same"),
	DENY("mount_setattr", P, "the same"),
	DENY_EXEC("mmap", "no code comes"),
	DENY_EXEC("mprotect", "the same"),
	DENY_EXEC("pkey_mprotect", "the same"),
};
const size_t nseccomp_rules = ARRAY_SIZE(seccomp_rules);
