# SPDX-License-Identifier: Apache-2.0
# docker_rootless_script.sh - Debian's dockerd-rootless.sh, unmodified, with this program under RootlessKit's names
# deadline: 120
# asan: yes
. "${0%/*}/lib.sh"

SCRIPT=$(dpkg -L docker.io 2>/dev/null | grep '/dockerd-rootless\.sh$')
need "file:${SCRIPT:-dockerd-rootless.sh}"

# on_others COMMAND...: for each of the machine's own programs that must not be used
on_others() {
	for program in slirp4netns rootlesskit rootlessctl rootlesskit-docker-proxy; do
		[ ! -e "/usr/bin/$program" ] || "$@" "/usr/bin/$program"
	done
}

# start_script [NAME=VALUE...]: until dockerd answers
# shellcheck disable=SC2086 # lists of words
start_script() {
	(exec $rk_user $rk_env DOCKERD_ROOTLESS_ROOTLESSKIT_FLAGS="--state-dir=$STATE" "$@" \
		sh "$SCRIPT" --data-root="$DATA" >"$RK_OUT" 2>"$RK_ERR" </dev/null) &
	RK_PID=$!
	wait_dockerd
}

info_of() { as_user rootlessctl --socket="$STATE/api.sock" info | sed -n "s/.*$1: *//p"; }
mtu_inside() { in_child ip -o link show tap0 | sed 's/.* mtu \([0-9]*\) .*/\1/'; }

# silent COMMAND...: its status and what it says
silent() {
	rk_got=0
	rk_said=$(as_user "$@" 2>&1) || rk_got=$?
	is "$*" "$rk_got $rk_said" "0 "
}

printf '#!/bin/sh\necho "$0 $*" >>%s\nexit 97\n' "$T/called" >"$T/hidden"
chmod 755 "$T/hidden"
install -m 666 /dev/null "$T/called"
on_others mount --bind "$T/hidden"
ln -s rootless-supervisor "$RK_BIN/slirp4netns"
make_data

silent rootlesskit true
silent docker-rootlesskit --net=slirp4netns --mtu=65520 --disable-host-loopback --copy-up=/etc --copy-up=/run true

start_script
import_box
is "the network driver as asked" "$(info_of "Driver" | head -n 1)" slirp4netns
is "the port driver as asked" "$(info_of "Driver" | tail -n 1)" builtin
is "the MTU that the script asks for" "$(mtu_inside)" 65520
ok "docker version" docker version
docker info >"$T/info" 2>&1
like "docker info: overlay2" "$(cat "$T/info")" "*Storage Driver: overlay2*"
like "docker info: rootless" "$(cat "$T/info")" "*rootless*"
published_port script "$RK_BIN/rootlesskit-docker-proxy"
is "by IPv6 as well" "$(get 'http://[2001:db8::1]:8080/')" "hello from a container"
container_network web
port_goes script
stop_dockerd

start_script DOCKERD_ROOTLESS_ROOTLESSKIT_MTU=1500
is "another MTU" "$(mtu_inside)" 1500
docker run -d --init --name small box sleep 1000 >/dev/null
container_network small
stop_dockerd

is "no other program of RootlessKit's names was called" "$(cat "$T/called")" ""
on_others umount
