# SPDX-License-Identifier: Apache-2.0
# docker_containerd.sh - Debian's containerd by nerdctl's line, a container by ctr, in both ways of the network
# deadline: 90
. "${0%/*}/lib.sh"
need tool:containerd tool:ctr tool:runc tool:python3
RK_NAME=rootlesskit

rootfs=$T/rootfs
mkdir -p "$rootfs/bin" "$rootfs/proc" "$rootfs/dev" "$rootfs/sys" "$rootfs/run" "$rootfs/etc" "$rootfs/tmp"
cp /bin/busybox "$RK_BIN/nsprobe-static" "$rootfs/bin/"
ln -s busybox "$rootfs/bin/id"
chown -R "$RK_UID:$RK_GID" "$rootfs"

# spec NETNS ARG...: a container without limits, as nerdctl's without cgroup v2; in the network of containerd or the one given
spec() {
	as_user python3 - "$rootfs" "$@" <<-'EOT'
		import json, subprocess, sys
		rootfs, netns, args = sys.argv[1], sys.argv[2], sys.argv[3:]
		subprocess.run(["runc", "spec", "-b", rootfs + "/tmp"], check=True)
		spec = json.load(open(rootfs + "/tmp/config.json"))
		del spec["linux"]["resources"]
		spec["process"].update(args=args, terminal=False)
		spec["root"] = {"path": rootfs, "readonly": True}
		spec["mounts"] = [m for m in spec["mounts"] if m["type"] not in ("cgroup", "sysfs")]
		spec["linux"]["namespaces"] = [n for n in spec["linux"]["namespaces"] if n["type"] != "network"]
		if netns:
		    spec["linux"]["namespaces"].append({"type": "network", "path": netns})
		json.dump(spec, open(rootfs + "/tmp/spec.json", "w"))
	EOT
	rm "$rootfs/tmp/config.json"
}

# the child half of containerd-rootless.sh
# shellcheck disable=SC2016 # expands inside
child='rm -f /run/containerd /run/xtables.lock /var/lib/containerd /var/lib/cni /etc/containerd
	for dir in /run/containerd /var/lib/containerd; do
		mkdir -p "$dir" "$XDG_RUNTIME_DIR/bound$dir" && mount --bind "$XDG_RUNTIME_DIR/bound$dir" "$dir"
	done
	exec containerd'
STATE=$RK_RUN/containerd-rootless
for mode in '' --detach-netns; do
	# shellcheck disable=SC2086 # perhaps none
	rk_start --state-dir="$STATE" --net=slirp4netns --mtu=65520 --slirp4netns-sandbox=auto --slirp4netns-seccomp=auto \
		--disable-host-loopback --port-driver=builtin --copy-up=/etc --copy-up=/run --copy-up=/var/lib --propagation=rslave $mode \
		sh -c "$child" || exit
	others=-n net=
	[ ! "$mode" ] || others='' net=$STATE/netns
	# shellcheck disable=SC2086 # perhaps none
	inside() { as_user nsenter -w/ --preserve-credentials -m -U -t "$(cat "$STATE/child_pid")" -F $others "$@"; }
	wait_for 20 inside ctr version
	like "containerd answers $mode" "$(inside ctr version 2>&1)" '*Server:*Version:*'
	# run NAME ARG...
	run() {
		rk_id=$1
		shift
		spec "$net" "$@"
		inside timeout 30 ctr run --rm --config "$rootfs/tmp/spec.json" "$rk_id" 2>&1
		rm "$rootfs/tmp/spec.json"
	}
	is "a container's user $mode" "$(run one /bin/id -u)" 0
	is "it reaches a server $mode" "$(run two /bin/nsprobe-static ask -t 3000 192.0.2.2 7 hello)" hello
	is "and a name server $mode" "$(run three /bin/nsprobe-static dns 10.0.2.3 web.world.test)" 192.0.2.2
	RK_GRACE=20 rk_stop TERM
	is "TERM: status $mode" "$RK_STATUS" 0
	rm -rf "$RK_RUN/bound" "$RK_RUN/runc"
done
