# SPDX-License-Identifier: Apache-2.0
# docker_nested.sh - dockerd two and three levels deep: supervisor in supervisor, supervisor in a container
# deadline: 120
. "${0%/*}/lib.sh"

# the outer's range is all that the inner has: ids 1 to 65535 of the outer
cat >"$T/inner" <<'EOT'
rm -f /etc/subuid /etc/subgid
echo root:1:65535 | tee /etc/subuid >/etc/subgid
exec rootless-supervisor --state-dir="$INNER" -- dockerd --data-root="$1"
EOT

# image_of_host: a container that is this machine's /usr, and ids of its own; 20000 of them
image_of_host() {
	for dir in tmp etc proc sys dev run root usr var/lib; do mkdir -p "$T/host/$dir"; done
	for dir in bin sbin lib lib64; do ln -s usr/$dir "$T/host/$dir"; done
	echo root:x:0:0::/root:/bin/sh >"$T/host/etc/passwd"
	echo root:x:0: >"$T/host/etc/group"
	echo root:1:20000 | tee "$T/host/etc/subuid" >"$T/host/etc/subgid"
	tar -C "$T/host" -c . | docker import - host >/dev/null || bail "docker import"
	rm -rf "$T/host"
}
# deep [OPTION...] COMMAND: in such a container
deep() {
	docker run --rm -v /usr:/usr:ro -v "$RK_BIN:/rk:ro" -e PATH=/rk:/usr/sbin:/usr/bin "$@"
}

make_data
# --- a supervisor in a supervisor ---
RK_ENV="INNER=$RK_TMP/inner"
rk_start -p 127.0.0.1:8081:8080/tcp -- sh "$T/inner" "$DATA"
wait_dockerd
import_box
docker info >"$T/info" 2>&1
like "two levels: dockerd knows that it is rootless" "$(cat "$T/info")" "*rootless*"
like "two levels: overlay2" "$(cat "$T/info")" "*Storage Driver: overlay2*"
ok "two levels: docker run -d -p" docker run -d --init --name web -p 8080:80 box httpd -f -p 80 -h /w
is "two levels: the port leads through both" "$(get_soon http://127.0.0.1:8081/)" "hello from a container"
container_network web
ok "two levels: docker rm" docker rm -f web

# --- a supervisor in a container of that dockerd ---
image_of_host
deep host rootless-supervisor -- true >"$T/said" 2>&1
like "docker's seccomp profile: the text says what is in the way and what to do" "$(cat "$T/said")" \
	"*USERNS_SECCOMP*--security-opt=seccomp=unconfined*"
deep --cap-add=ALL --security-opt seccomp=unconfined --security-opt systempaths=unconfined host rootless-supervisor -- true >"$T/said" 2>&1
like "no /dev/net/tun: the same" "$(cat "$T/said")" "*TUN_MISSING*--device=/dev/net/tun*"
deep --cap-add=ALL --security-opt seccomp=unconfined --device /dev/net/tun host rootless-supervisor -- true >"$T/said" 2>&1
like "a read-only /proc/sys: the same" "$(cat "$T/said")" "*NET_SYSCTL*--security-opt=systempaths=unconfined*"
is "a supervisor in a container reaches the world" \
	"$(deep --privileged --device /dev/net/tun host rootless-supervisor -- nsprobe duplex 192.0.2.3 7 1000000 3)" ok

# --- and dockerd of ours in it ---
docker run -d --name outer --privileged --device /dev/net/tun -v /usr:/usr:ro \
	-v /etc/alternatives:/etc/alternatives:ro -v "$RK_BIN:/rk:ro" \
	-e PATH=/rk:/usr/sbin:/usr/bin --tmpfs /var/lib:exec -e XDG_RUNTIME_DIR=/run -e HOME=/root -e DOCKER_HOST=unix:///tmp/docker.sock \
	host rootless-supervisor -- dockerd --data-root=/var/lib/docker --host=unix:///tmp/docker.sock >/dev/null
third() { docker exec outer "$@"; }
# shellcheck disable=SC2317 # called by wait_for
third_up_or_gone() { docker logs outer 2>&1 | grep -q "API listen" || [ "$(docker inspect -f "{{.State.Running}}" outer)" = false ]; }
wait_for 20 third_up_or_gone
ok "three levels: dockerd comes up" third docker version
third docker version >/dev/null 2>&1 || docker logs outer 2>&1 | tail -n 5 | sed "s/^/# /"
# shellcheck disable=SC2016 # expands inside
third sh -c 'mkdir -p /tmp/i/bin && cp /usr/bin/busybox /rk/nsprobe-static /tmp/i/bin/ && tar -C /tmp/i -c . | docker import - box' >/dev/null
is "three levels: a container runs" "$(third docker run --rm box busybox id -u)" 0
is "three levels: and reaches the world" "$(third docker run --rm box nsprobe-static duplex 192.0.2.3 7 1000000 3)" ok
ok "three levels: the end" docker rm -f outer

stop_dockerd
fails "the inner state directory is gone" test -e "$RK_TMP/inner"
