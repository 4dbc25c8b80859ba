# SPDX-License-Identifier: Apache-2.0
# docker_podman.sh - Debian's podman with this slirp4netns: a container's network, a published port
# deadline: 120
. "${0%/*}/lib.sh"
need tool:podman tool:conmon tool:runc
rootfs=$T/rootfs
mkdir -p "$rootfs/bin" "$rootfs/w" "$rootfs/etc" "$rootfs/proc" "$rootfs/sys" "$rootfs/dev" "$rootfs/run" "$rootfs/tmp"
cp /bin/busybox "$RK_BIN/nsprobe-static" "$rootfs/bin/"
for applet in httpd id sleep; do ln -s busybox "$rootfs/bin/$applet"; done
echo "hello from podman" >"$rootfs/w/index.html"
chown -R "$RK_UID:$RK_GID" "$rootfs"
as_user mkdir -p "$RK_HOME/.config/containers"
as_user tee "$RK_HOME/.config/containers/containers.conf" >/dev/null <<EOT
[engine]
network_cmd_path = "$T/slirp4netns"
cgroup_manager = "cgroupfs"
events_logger = "none"
runtime = "runc"
EOT
pod() { as_user timeout 60 podman "$@" 2>&1; }
# run NETWORK ARG...
run() {
	rk_net=$1
	shift
	pod run --network="$rk_net" "$@"
}
ln -s "$RK_BIN/rootless-supervisor" "$T/slirp4netns"
is "a container's user" "$(run slirp4netns --rm --rootfs "$rootfs" /bin/id -u)" 0
is "it reaches a server" "$(run slirp4netns --rm --rootfs "$rootfs" /bin/nsprobe-static ask -t 3000 192.0.2.2 7 hello)" hello
is "and a name server" "$(run slirp4netns --rm --rootfs "$rootfs" /bin/nsprobe-static dns 10.0.2.3 web.world.test)" 192.0.2.2
for handler in rootlesskit slirp4netns; do
	run slirp4netns:port_handler=$handler -d --name web-$handler -p 8080:80 --rootfs "$rootfs" /bin/httpd -f -p 80 -h /w >"$T/podman" || bail "$(cat "$T/podman")"
	is "a port, by $handler" "$(get_soon http://127.0.0.1:8080/)" "hello from podman"
	like "carried by this program" "$(readlink "/proc/$(pgrep -x slirp4netns)/exe")" "*/rootless-supervisor"
	pod rm -f -t 0 web-$handler >/dev/null
	ok "it ends with the container" wait_for 5 sh -c '! pgrep -x slirp4netns'
done
pod rm -a -f >/dev/null
kill "$(cat "$RK_RUN/libpod/tmp/pause.pid")" # holds podman's user namespace
# what is podman's own
rm -rf "$RK_RUN/containers" "$RK_RUN/libpod" "$RK_RUN/runc" "$RK_RUN/netns" "$RK_HOME/.config" "$RK_HOME/.local" "$RK_HOME/.cache"
