# SPDX-License-Identifier: Apache-2.0
# cli_drivers.sh - a mistake on the command line is named, costs one line and leaves nothing
. "${0%/*}/lib.sh"
need userns tun

# wrong PATTERN ARG...: $own is the status of $RK_NAME
wrong() {
	pattern=$1
	shift
	rk_run "$@"
	is "$*: status" "$RK_STATUS" "$own"
	one_error_line "$*: words" "$RK_ERR" "$pattern"
	documented "it is in the documentation" "$RK_ERR"
	ok "$*: short" test "$(wc -l <"$RK_ERR")" -le 3
	case $1 in
	--wrong) [ $RK_NAME = rootlesskit ] || is "$*: nothing on stdout" "$(cat "$RK_OUT")" '' ;; # upstream shows its help
	*) is "$*: nothing on stdout" "$(cat "$RK_OUT")" '' ;;
	esac
	is "$*: nothing is left" "$(cd "$RK_RUN" && ls; cd "$RK_TMP" && ls)" "canary
canary"
}
for RK_NAME in rootless-supervisor rootlesskit; do
	own=125
	[ $RK_NAME = rootless-supervisor ] || own=1
	wrong 'unknown network mode: wrong' --net=wrong -- true
	wrong 'custom cidr is not supported for --net=vpnkit' --net=vpnkit --cidr=10.0.2.0/24 -- true
	wrong 'network "pasta" requires port driver "none" or "implicit"' --net=pasta --port-driver=builtin -- true
	wrong '--ipv6 is not supported for gvisor-tap-vsock' --net=gvisor-tap-vsock --ipv6 --disable-host-loopback -- true
	wrong 'port driver requires gvisor-tap-vsock network' --net=slirp --port-driver=gvisor-tap-vsock -- true
	wrong 'unknown port driver: wrong' --net=slirp --port-driver=wrong -- true
	wrong 'port driver requires pasta network' --net=slirp --port-driver=implicit -- true
	wrong 'port driver "pesto" is not part of this build*' --net=slirp --port-driver=pesto -- true
	wrong 'unknown reaper mode: wrong' --net=none --reaper=wrong -- true
	wrong 'reaper requires --pidns' --net=none --reaper=true -- true
	wrong 'unknown copy-up mode: wrong' --net=none --copy-up-mode=wrong -- true
	wrong '/tmp cannot be copied up' --net=none --copy-up=/tmp -- true
	wrong 'mtu must be <= 65521, got 65522' --net=slirp --mtu=65522 -- true
	wrong 'mtu must be >= 68, got 60' --net=slirp --mtu=60 -- true
	wrong "ifname 'lo' cannot be the name of an interface" --net=slirp --ifname=lo -- true
	wrong "ifname 'a b' cannot be the name of an interface" --net=slirp '--ifname=a b' -- true
	wrong "ifname 'abcdefghijklmnop' is longer than 15 characters" --net=slirp --ifname=abcdefghijklmnop -- true
	wrong 'invalid CIDR address: x' --net=slirp --cidr=x -- true
	wrong 'cidr must be like 10.0.2.0/24, not like 10.0.2.100/24' --net=slirp --cidr=10.0.2.100/24 -- true
	wrong 'custom cidr is not supported for --net=none' --net=none --cidr=10.0.2.0/24 -- true
	wrong 'ifname must not contain "/"' --net=slirp --ifname=a/b -- true
	wrong 'ifname cannot be specified for --net=host' --net=host --ifname=a -- true
	wrong 'port driver requires non-host network' --net=host --port-driver=builtin -- true
	wrong 'port driver "none" does not support publishing ports' --net=none --port-driver=none -p 1:1/tcp -- true
	wrong 'evacuate-cgroup2 requires --cgroupns' --evacuate-cgroup2=x --pidns -- true
	wrong 'unknown subid source' --net=none --subid-source=wrong -- true
	wrong 'wrong' --wrong -- true
	wrong '' -p wrong --net=none --port-driver=builtin -- true
done
RK_NAME=rootless-supervisor
rk_run --net=slirp --mtu=1000 -- sh -c 'ip -6 address show dev tap0 scope global'
is "an MTU that IPv6 does not take: it runs" "$RK_STATUS" 0
is "an MTU that IPv6 does not take: without IPv6" "$(cat "$RK_OUT")" ''
like "an MTU that IPv6 does not take: and says so" "$(cat "$RK_ERR")" '*warning: network: IPv6 is off: it needs an MTU of 1280, not 1000'
RK_NAME=rootlesskit
rk_run --help
ok "nerdctl finds --detach-netns in the help" grep -qw -- --detach-netns "$RK_OUT"
is "the help is no error" "$RK_STATUS$(cat "$RK_ERR")" 0
rk_run --version
like "and the version is RootlessKit's" "$(cat "$RK_OUT")" 'rootlesskit version 3.*'
