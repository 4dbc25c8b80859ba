# SPDX-License-Identifier: Apache-2.0
# docker_setuptool.sh - Debian's dockerd-rootless-setuptool.sh without systemd: check, install, the line that it prints,
# the context that it makes, a build by BuildKit, uninstall
# deadline: 120
. "${0%/*}/lib.sh"

CONTRIB=$(dpkg -L docker.io 2>/dev/null | sed -n 's|/dockerd-rootless\.sh$||p')
need "file:${CONTRIB:-dockerd-rootless.sh}" "file:${CONTRIB:-.}/dockerd-rootless-setuptool.sh"
for name in dockerd-rootless.sh dockerd-rootless-setuptool.sh; do
	install -m 755 "$CONTRIB/$name" "$RK_BIN/$name"
done
# from 23 on the client has BuildKit's half in a package of its own
case $(/usr/bin/docker --version) in *" version 20."*) ;; *) need file:/usr/libexec/docker/cli-plugins/docker-buildx ;; esac
ln -s /usr/bin/docker "$RK_BIN/docker"
ln -s rootless-supervisor "$RK_BIN/slirp4netns"
rk_env=$(echo "$rk_env" | sed 's/DOCKER_HOST=[^ ]*//') # the tool's context says where dockerd is
# iptables is there, by whichever kernel interface; the tool looks for one of them only
tool() { as_user dockerd-rootless-setuptool.sh "$@"; }

make_data
ok "check" tool check --skip-iptables
ok "install" tool install --skip-iptables
tool install --skip-iptables >"$T/said" 2>&1
like "install says how dockerd is started" "$(cat "$T/said")" "*PATH=*dockerd-rootless.sh*DOCKER_HOST=unix://$RK_RUN/docker.sock*"
like "its context is the one in use" "$(docker context ls)" "*rootless ?*unix://$RK_RUN/docker.sock*"

# shellcheck disable=SC2086 # lists of words
(exec $rk_user $rk_env DOCKERD_ROOTLESS_ROOTLESSKIT_FLAGS="--state-dir=$STATE" dockerd-rootless.sh --data-root="$DATA" \
	>"$RK_OUT" 2>"$RK_ERR" </dev/null) &
RK_PID=$!
wait_dockerd
docker info >"$T/info" 2>&1
like "docker info: rootless" "$(cat "$T/info")" "*rootless*"
ok "docker version" docker version
import_box
# the tool's own nsenter line, as newer ones have it
is "nsenter into the daemon's namespaces" "$(as_user nsenter --no-fork --wd --preserve-credentials -m -n -U -t "$(cat "$STATE/child_pid")" id -u)" 0
printf 'FROM box\nRUN ["busybox", "sh", "-c", "nsprobe ask -u 192.0.2.2 7 built >/w/built"]\n' >"$T/Dockerfile"
docker_build() { as_user env DOCKER_BUILDKIT=1 timeout 60 /usr/bin/docker build -q -t made - <"$T/Dockerfile"; }
ok "docker build by BuildKit" docker_build
is "a step of it reached the world" "$(docker run --rm made cat /w/built)" built
stop_dockerd

ok "uninstall" tool uninstall --skip-iptables
unlike "the context is gone" "$(docker context ls)" "*rootless*"
is "the line that it ends with deletes all data" "$(as_user rootlesskit sh -c 'rm -rf "$1"/*' sh "$DATA" 2>&1; ls "$DATA")" ""
rm -rf "$RK_HOME/.docker" "$RK_HOME/.config" "$RK_RUN/runc" "$RK_TMP"/dockerfile* "$RK_TMP"/empty-dir* # buildx leaves two
