// SPDX-License-Identifier: Apache-2.0
/*
 * table.c - every cause that is known: what a user reads, and what mends it
 *
 * docs/check.md has a row for each, tests/integration/check.sh provokes it.
 */
#include "lib/cause/cause.h"

#define SYSCTL(name, line) \
	"echo '" line "' | sudo tee /etc/sysctl.d/90-rootless-" name \
	".conf && sudo sysctl -p /etc/sysctl.d/90-rootless-" name ".conf"
#define PROFILE "/etc/apparmor.d/rootless-supervisor"
#define DELEGATE "/etc/systemd/system/user@@.service.d"
#define SECURITY "--security-opt="

/* clang-format off */
const struct cause causes[CAUSE_NIDS] = {
	[CAUSE_USERNS_KERNEL] = {
		"USERNS_KERNEL", CAUSE_FAIL, 0,
		.reason = "this kernel has no user namespaces (@0@)",
		.by_hand = "boot a kernel with CONFIG_USER_NS, or without user_namespace.enable=0",
	},
	[CAUSE_USERNS_SECCOMP] = {
		"USERNS_SECCOMP", CAUSE_FAIL, 0,
		.reason =
			"a seccomp filter of who started this process refuses new user namespaces "
			"(@0@)",
		.by_hand = "start it without the filter: systemd RestrictNamespaces=no and "
			"SystemCallFilter=; a container: seccomp unconfined",
		.docker = SECURITY
			"seccomp=unconfined for docker or podman run; GitLab runner, config.toml, "
			"[runners.docker]: security_opt = [\"seccomp:unconfined\"]",
		.kubernetes = "in the pod: securityContext.seccompProfile.type: Unconfined",
	},
	[CAUSE_USERNS_SYSCTL] = {
		"USERNS_SYSCTL", CAUSE_FAIL, 0,
		.reason =
			"kernel.unprivileged_userns_clone is 0: only root may make user namespaces",
		.fix = SYSCTL("userns", "kernel.unprivileged_userns_clone = 1"),
	},
	[CAUSE_USERNS_LIMIT] = {
		"USERNS_LIMIT", CAUSE_FAIL, 0,
		.reason =
			"user.max_@0@_namespaces is 0 or used up (or namespaces are nested 33 deep)",
		.fix = SYSCTL("limits", "user.max_@0@_namespaces = 28633"),
	},
	[CAUSE_USERNS_DEPTH] = {
		"USERNS_DEPTH", CAUSE_FAIL, 0,
		.reason = "user namespaces are nested too deeply (the kernel takes 32 levels)",
		.by_hand = "start it further outside",
	},
	[CAUSE_USERNS_UNMAPPED] = {
		"USERNS_UNMAPPED", CAUSE_FAIL, 0,
		.reason =
			"user id @uid@ has no meaning in this user namespace, so none can be made "
			"of it",
		.by_hand = "map the ids of the outer namespace first (unshare --map-root-user; "
			"podman, docker: --userns)",
	},
	[CAUSE_USERNS_CHROOT] = {
		"USERNS_CHROOT", CAUSE_FAIL, 0,
		.reason = "this is a chroot, in which the kernel makes no user namespaces",
		.by_hand = "start it outside, or enter by a mount namespace (unshare --mount, "
			"pivot_root, systemd-nspawn) instead of chroot",
	},
	[CAUSE_USERNS_APPARMOR] = {
		"USERNS_APPARMOR", CAUSE_FAIL, 0,
		.reason =
			"AppArmor lets only programs with a profile use user namespaces, and @exe@ "
			"has none",
		.fix = "printf 'abi <abi/4.0>,\\ninclude <tunables/global>\\nprofile "
			"rootless-supervisor \"%s\" flags=(unconfined) {\\n  userns,\\n}\\n' @exe@ "
			"| sudo tee " PROFILE " && sudo apparmor_parser -r " PROFILE,
		.docker = SECURITY "apparmor=unconfined for docker or podman run",
		.kubernetes = "in the pod: securityContext.appArmorProfile.type: Unconfined",
	},
	[CAUSE_USERNS_SELINUX] = {
		"USERNS_SELINUX", CAUSE_FAIL, 0,
		.reason = "SELinux is enforcing and refuses what a user namespace needs",
		.by_hand =
			"sudo ausearch -m avc -ts recent shows what was refused; audit2allow makes "
			"a policy of it, which wants to be read before semodule -i",
		.docker = SECURITY "label=disable for docker or podman run",
		.kubernetes = "in the pod: securityContext.seLinuxOptions.type: spc_t",
	},
	[CAUSE_USERNS_REFUSED] = {
		"USERNS_REFUSED", CAUSE_FAIL, 0,
		.reason = "the kernel makes no user namespace for this process: @0@",
		.by_hand =
			"look for a security module (cat /sys/kernel/security/lsm), a root changed "
			"by chroot, an outer container; dmesg may name it",
	},
	[CAUSE_PROCESS_LIMIT] = {
		"PROCESS_LIMIT", CAUSE_FAIL, 0,
		.reason = "the user may not have more processes (ulimit -u, or pids.max of the "
			"cgroup)",
		.by_hand = "raise it: /etc/security/limits.d, systemd TasksMax=, docker run "
			"--pids-limit; or end what runs",
	},
	[CAUSE_USER_UNKNOWN] = {
		"USER_UNKNOWN", CAUSE_FAIL, 0,
		.reason = "user id @uid@ has no line in /etc/passwd and no other source of "
			"nsswitch.conf has it",
		.fix = "sudo useradd --uid @uid@ --create-home user@uid@",
		.docker = "run the image as a user that its /etc/passwd has",
		.kubernetes = "runAsUser: one that the image's /etc/passwd has",
	},
	[CAUSE_SUBID_NONE] = {
		"SUBID_NONE", CAUSE_FAIL, 0,
		.reason = "@1@ has no line for the user, neither by name nor by number",
		.fix = "@!0@",
	},
	[CAUSE_SUBID_CRLF] = {
		"SUBID_CRLF", CAUSE_FAIL, 0,
		.reason = "the line of @0@ ends in CR LF, which newuidmap refuses",
		.fix = "sudo sed -i 's/\\r$//' @0@",
	},
	[CAUSE_SUBID_BAD] = {
		"SUBID_BAD", CAUSE_FAIL, 0,
		.reason = "the id ranges cannot be used: @0@",
		.by_hand =
			"a line is NAME:FIRST:COUNT in decimal, COUNT at least 1, the last id at "
			"most 4294967294, at most 339 lines a user",
	},
	[CAUSE_SUBID_SMALL] = {
		"SUBID_SMALL", CAUSE_WARN, 0,
		.reason = "the user has @1@ ids: images with more owners fail (lchown: invalid "
			"argument)",
		.fix = "@!0@",
	},
	[CAUSE_SUBID_OVERLAP] = {
		"SUBID_OVERLAP", CAUSE_WARN, 0,
		.reason = "ids of this user are granted to @0@ as well: each can read the other's "
			"containers",
		.by_hand = "give one of them another range (usermod --del-subuids, --add-subuids; "
			"--del-subgids, --add-subgids)",
	},
	[CAUSE_SUBID_LOGIN] = {
		"SUBID_LOGIN", CAUSE_WARN, 0,
		.reason = "the ids granted contain @0@, which is a user or group of this machine",
		.by_hand = "give this user another range (usermod --del-subuids, --add-subuids; "
			"--del-subgids, --add-subgids)",
	},
	[CAUSE_IDTOOL_MISSING] = {
		"IDTOOL_MISSING", CAUSE_FAIL, 0,
		.reason = "@0@ is not in $PATH",
		.fix = "@install uidmap@",
	},
	[CAUSE_IDTOOL_RIGHTS] = {
		"IDTOOL_RIGHTS", CAUSE_FAIL, 0,
		.reason =
			"@0@ is neither set-user-ID root nor has file capabilities (lost when it "
			"was copied?)",
		.fix = "sudo chown root: @0@ && sudo chmod u+s @0@",
	},
	[CAUSE_NO_NEW_PRIVS] = {
		"NO_NEW_PRIVS", CAUSE_FAIL, 0,
		.reason = "no_new_privs is set, so @0@ cannot gain rights",
		.by_hand =
			"start without it: systemd NoNewPrivileges=no, setpriv and bwrap without it",
		.docker = "start the container without " SECURITY "no-new-privileges",
		.kubernetes = "in the pod: securityContext.allowPrivilegeEscalation: true",
	},
	[CAUSE_IDTOOL_NOSUID] = {
		"IDTOOL_NOSUID", CAUSE_FAIL, 0,
		.reason = "@0@ is on a file system mounted nosuid, so it cannot gain rights",
		.fix = "sudo mount -o remount,bind,suid \"$(df --output=target @0@ | tail -n 1)\"",
	},
	[CAUSE_IDTOOL_BOUNDING] = {
		"IDTOOL_BOUNDING", CAUSE_FAIL, 0,
		.reason =
			"the capability that @0@ needs is not in the bounding set of this process",
		.by_hand = "start with it: systemd CapabilityBoundingSet=~ without CAP_SETUID and "
			"CAP_SETGID, capsh without --drop",
		.docker = "docker or podman run --cap-add=SETUID --cap-add=SETGID",
		.kubernetes = "in the pod: securityContext.capabilities.add: [SETUID, SETGID]",
	},
	[CAUSE_IDTOOL_TRACED] = {
		"IDTOOL_TRACED", CAUSE_FAIL, 0,
		.reason = "this process is traced (strace, a debugger), so @0@ cannot gain rights",
		.by_hand = "trace as root: strace -u USER, or attach later",
	},
	[CAUSE_IDTOOL_RANGE] = {
		"IDTOOL_RANGE", CAUSE_FAIL, 0,
		.reason =
			"@0@ must grant these ids; another source (getsubids) does, but the tool "
			"reads @0@",
		.by_hand = "put the range into @0@, or its source into the line subid: of "
			"/etc/nsswitch.conf; getsubids shows what is granted",
	},
	[CAUSE_IDTOOL_TIMEOUT] = {
		"IDTOOL_TIMEOUT", CAUSE_FAIL, 0,
		.reason = "@0@ waits for a name service that does not answer (LDAP, SSSD, NIS)",
		.by_hand = "see /etc/nsswitch.conf, and whether that service runs",
	},
	[CAUSE_IDTOOL_KILLED] = {
		"IDTOOL_KILLED", CAUSE_FAIL, 0,
		.reason = "@0@ was killed from outside",
		.by_hand = "see dmesg: the kernel does that for want of memory",
	},
	[CAUSE_IDTOOL_FAILED] = {
		"IDTOOL_FAILED", CAUSE_FAIL, 0,
		.reason = "newuidmap or newgidmap: @0@",
		.by_hand = "as the tool says",
	},
	[CAUSE_MOUNT_DENIED] = {
		"MOUNT_DENIED", CAUSE_FAIL, 0,
		.reason = "no mounts can be made in a user namespace: @0@",
		.by_hand = "look for a security module or seccomp filter that refuses mount(2)",
		.docker = SECURITY "seccomp=unconfined " SECURITY
			"apparmor=unconfined for docker or podman run",
		.kubernetes =
			"in the pod: seccompProfile.type and appArmorProfile.type: Unconfined",
	},
	[CAUSE_PROC_MASKED] = {
		"PROC_MASKED", CAUSE_WARN, 0,
		.reason = "parts of /proc are hidden, so --pidns keeps the outer /proc: @0@",
		.by_hand = "unmount what covers files of /proc, where this process was started",
		.docker = SECURITY "systempaths=unconfined for docker run, " SECURITY
			"unmask=ALL for podman run",
		.kubernetes =
			"in the pod: securityContext.procMount: Unmasked (and hostUsers: false)",
	},
	[CAUSE_NETNS_BIND] = {
		"NETNS_BIND", CAUSE_WARN, 0,
		.reason =
			"a network namespace cannot be bound to a file, so --detach-netns fails: "
			"@0@",
		.by_hand =
			"leave --detach-netns out; a profile of AppArmor may be the reason (dmesg "
			"names it)",
	},
	[CAUSE_OVERLAY] = {
		"OVERLAY", CAUSE_WARN, PRESET_ANY,
		.reason = "overlayfs cannot be used for images: @0@",
		.fix = "@install fuse-overlayfs@",
	},
	[CAUSE_TUN_MISSING] = {
		"TUN_MISSING", CAUSE_FAIL, 0,
		.reason = "/dev/net/tun: @0@",
		.fix = "sudo modprobe tun; sudo mkdir -p /dev/net; [ -c /dev/net/tun ] || sudo "
			"mknod -m 0666 /dev/net/tun c 10 200; echo tun | sudo tee "
			"/etc/modules-load.d/tun.conf",
		.docker = "docker or podman run --device=/dev/net/tun",
		.kubernetes =
			"mount the host's /dev/net/tun by a device plugin or a hostPath of type "
			"CharDevice",
	},
	[CAUSE_TUN_DENIED] = {
		"TUN_DENIED", CAUSE_FAIL, 0,
		.reason = "/dev/net/tun is not open for this user: @0@",
		.fix = "sudo chmod 0666 /dev/net/tun",
		.docker = "docker or podman run --device=/dev/net/tun",
		.kubernetes = "mount the host's /dev/net/tun by a device plugin",
	},
	[CAUSE_NET_SYSCTL] = {
		"NET_SYSCTL", CAUSE_FAIL, 0,
		.reason = "network settings of a namespace of our own cannot be written: @0@",
		.fix = "sudo mount -o remount,bind,rw /proc/sys",
		.docker = SECURITY "systempaths=unconfined for docker run, " SECURITY
			"unmask=ALL for podman run",
		.kubernetes =
			"in the pod: securityContext.procMount: Unmasked (and hostUsers: false)",
	},
	[CAUSE_NET_FAILED] = {
		"NET_FAILED", CAUSE_FAIL, 0,
		.reason = "the kernel lacks a part of the network: @0@",
		.fix = "sudo modprobe -a tun veth; printf 'tun\\nveth\\n' | sudo tee "
			"/etc/modules-load.d/rootless.conf",
	},
	[CAUSE_LIBSLIRP] = {
		"LIBSLIRP", CAUSE_FAIL, 0,
		.reason = "there is no user-mode network (--net=slirp): @0@",
		.fix = "@install libslirp0@",
	},
	[CAUSE_NET_TPROXY] = {
		"NET_TPROXY", CAUSE_WARN, 0,
		.reason = "TCP goes out by NAT or by libslirp, which is slower: @0@",
		.fix = "sudo modprobe -a nf_tables nft_tproxy; printf 'nf_tables\\nnft_tproxy\\n' "
			"| sudo tee /etc/modules-load.d/rootless-tproxy.conf",
	},
	[CAUSE_NET_CLASH] = {
		"NET_CLASH", CAUSE_WARN, 0,
		.reason = "10.0.2.0/24 is a network of this host (@0@): it cannot be reached from "
			"inside",
		.by_hand = "start with another network: --cidr=@1@",
	},
	[CAUSE_RESOLVER] = {
		"RESOLVER", CAUSE_WARN, 0,
		.reason = "/etc/resolv.conf names no server (@0@): names are asked of 127.0.0.1",
		.by_hand =
			"write 'nameserver ADDRESS' to it, or start the resolver that manages it",
	},
	[CAUSE_HOME_NFS] = {
		"HOME_NFS", CAUSE_WARN, PRESET_ANY,
		.reason = "@0@ is on @1@: files cannot be given to subordinate ids there",
		.by_hand =
			"put the data on a local disk: XDG_DATA_HOME, or the daemon's own option "
			"(--data-root, --root, --data-dir)",
	},
	[CAUSE_HOME_NOEXEC] = {
		"HOME_NOEXEC", CAUSE_WARN, PRESET_ANY,
		.reason = "@0@ is mounted noexec: programs of images cannot run from there",
		.fix = "sudo mount -o remount,bind,exec @0@",
	},
	[CAUSE_ROOT_PRIVATE] = {
		"ROOT_PRIVATE", CAUSE_NOTE, PRESET_ANY,
		.reason = "/ is no shared mount: --propagation=rslave will not show new mounts of "
			"the host inside",
		.fix = "sudo mount --make-rshared /",
	},
	[CAUSE_RUNTIME_DIR] = {
		"RUNTIME_DIR", CAUSE_WARN, 0,
		.reason = "XDG_RUNTIME_DIR @0@: sockets and state go to the temporary directory",
		.by_hand =
			"log in anew (ssh, machinectl shell), or: sudo install -d -m 0700 -o @uid@ "
			"/run/user/@uid@ && export XDG_RUNTIME_DIR=/run/user/@uid@",
	},
	[CAUSE_CGROUP_V1] = {
		"CGROUP_V1", CAUSE_WARN, PRESET_DAEMONS,
		.reason =
			"cgroups are not version 2 alone: limits of containers (--memory, --cpus) "
			"are ignored",
		.by_hand = "boot with systemd.unified_cgroup_hierarchy=1",
	},
	[CAUSE_CGROUP_DELEGATION] = {
		"CGROUP_DELEGATION", CAUSE_WARN, PRESET_DAEMONS,
		.reason = "limits of containers cannot be set: the user's cgroup lacks @0@",
		.fix = "sudo mkdir -p " DELEGATE
			" && printf '[Service]\\nDelegate=cpu cpuset io memory pids\\n' | sudo tee "
			DELEGATE "/delegate.conf && sudo systemctl daemon-reload",
	},
	[CAUSE_USER_BUS] = {
		"USER_BUS", CAUSE_WARN, PRESET_DAEMONS,
		.reason = "no user session of systemd answers at @0@",
		.fix = "@install dbus-user-session@",
	},
	[CAUSE_LINGER] = {
		"LINGER", CAUSE_WARN, PRESET_DAEMONS,
		.reason = "services of @0@ end at logout and do not start at boot",
		.fix = "sudo loginctl enable-linger @0@",
	},
	[CAUSE_PROGRAM_MISSING] = {
		"PROGRAM_MISSING", CAUSE_WARN, PRESET_ANY,
		.reason = "@0@ is not in $PATH",
		.fix = "@install !0@",
	},
	[CAUSE_PROGRAM_PATH] = {
		"PROGRAM_PATH", CAUSE_WARN, PRESET_ANY,
		.reason = "@0@ is in @1@, which is not in $PATH",
		.by_hand = "export PATH=$PATH:/usr/sbin:/sbin; in ~/.profile too, to have it at every login",
	},
	[CAUSE_PORT_HELPER] = {
		"PORT_HELPER", CAUSE_WARN, PRESET_DOCKER,
		.reason = "rootlesskit-docker-proxy is not in $PATH: docker run -p fails",
		.by_hand =
			"install it from this program's build (meson install), into a directory of "
			"$PATH",
	},
	[CAUSE_IPTABLES] = {
		"IPTABLES", CAUSE_WARN, PRESET_DAEMONS,
		.reason = "iptables does not work in a network namespace: @0@",
		.fix = "@install iptables@; sudo modprobe -a nf_tables ip_tables iptable_nat",
	},
	[CAUSE_BRIDGE_MODULE] = {
		"BRIDGE_MODULE", CAUSE_WARN, PRESET_K3S,
		.reason = "the module br_netfilter is not loaded: services of the cluster are not "
			"reached from pods",
		.fix = "sudo modprobe br_netfilter && echo br_netfilter | sudo tee "
			"/etc/modules-load.d/br_netfilter.conf",
	},
	[CAUSE_SELINUX_LABEL] = {
		"SELINUX_LABEL", CAUSE_NOTE, PRESET_DAEMONS,
		.reason = "SELinux is enforcing: a daemon in /usr/local needs the label of a "
			"container runtime",
		.fix = "sudo chcon -t container_runtime_exec_t @exe@",
	},
	[CAUSE_ALREADY_RUNNING] = {
		"ALREADY_RUNNING", CAUSE_WARN, PRESET_ANY,
		.reason =
			"@0@ of this user runs already, as process @1@: two cannot share sockets "
			"and data",
		.by_hand = "stop it: kill @1@, or systemctl --user stop its unit",
	},
	[CAUSE_NOFILE_LIMIT] = {
		"NOFILE_LIMIT", CAUSE_WARN, 0,
		.reason =
			"at most @0@ descriptors can be open (ulimit -Hn): many connections will "
			"fail",
		.fix = "printf '* soft nofile 65536\\n* hard nofile 524288\\n' | sudo tee "
			"/etc/security/limits.d/90-rootless.conf",
		.docker = "docker or podman run --ulimit nofile=524288",
	},
	[CAUSE_KEYS_LIMIT] = {
		"KEYS_LIMIT", CAUSE_NOTE, PRESET_ANY,
		.reason = "kernel.keys.maxkeys is @0@: more containers than that fail (disk quota "
			"exceeded)",
		.fix = SYSCTL("keys", "kernel.keys.maxkeys = 2000"),
	},
	[CAUSE_LOW_PORTS] = {
		"LOW_PORTS", CAUSE_NOTE, 0,
		.reason = "ports below @0@ cannot be published",
		.fix = SYSCTL("ports", "net.ipv4.ip_unprivileged_port_start = 80"),
	},
	[CAUSE_PING_GROUP] = {
		"PING_GROUP", CAUSE_NOTE, 0,
		.reason = "ping to the world is refused inside",
		.fix = SYSCTL("ping", "net.ipv4.ping_group_range = 0 2147483647"),
	},
	[CAUSE_SECCOMP_ABSENT] = {
		"SECCOMP_ABSENT", CAUSE_NOTE, 0,
		.reason = "this kernel has no seccomp filters: the processes of the network run "
			"without",
		.by_hand = "boot a kernel with CONFIG_SECCOMP_FILTER",
	},
	[CAUSE_LANDLOCK_ABSENT] = {
		"LANDLOCK_ABSENT", CAUSE_NOTE, 0,
		.reason = "Landlock cannot be used: @0@",
		.by_hand = "boot with lsm= including landlock (see /sys/kernel/security/lsm), a "
			"kernel of 5.13 or later",
	},
	[CAUSE_CHECK_STUCK] = {
		"CHECK_STUCK", CAUSE_FAIL, 0,
		.reason = "the check could not be done: @0@",
		.by_hand = "see whether the machine is overloaded, or a file system hangs",
	},
};
/* clang-format on */
