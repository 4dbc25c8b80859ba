# SPDX-License-Identifier: Apache-2.0
# port_docker_proxy.sh - rootlesskit-docker-proxy takes its port back, however it ends
. "${0%/*}/lib.sh"
need userns tun tool:python3

mkdir "$T/bin"
ln -s /bin/false "$T/bin/docker-proxy" # the real one, which ends early
mkfifo "$T/word"
ports() { as_user rootlessctl --socket "$STATE/api.sock" list-ports | grep -c 8083; }
# HOST-IP: its words for dockerd go to descriptor 3, as here
proxy="env PATH=$T/bin:/usr/bin:/bin ROOTLESSKIT_STATE_DIR=$STATE $RK_BIN/rootlesskit-docker-proxy
-container-ip 172.17.0.2 -container-port 80 -host-port 8083 -host-ip"
# a dockerd that died, or waited for too long
# shellcheck disable=SC2086 # a list of words
unheard() {
	as_user python3 -c 'import os, signal, sys
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
r, w = os.pipe()
os.close(r)
os.dup2(w, 3)
os.execvp(sys.argv[1], sys.argv[1:])' $proxy "$1"
}

rk_start --net=slirp -- sleep 1000 || exit
exec 3<>"$T/word"
# shellcheck disable=SC2086 # a list of words
spawn $proxy 192.0.2.1
read -r word <&3
exec 3>&-
is "the container itself: dockerd hears that the port works" "$word $(ports)" "0 1"
kill -INT "$SPAWNED"
wait "$SPAWNED"
is "dockerd ends it: status, ports" "$? $(ports)" "0 0"
unheard 192.0.2.1 2>"$T/said"
is "nobody hears it: status, ports" "$? $(ports)" "1 0"
like "and it says so" "$(cat "$T/said")" "*error: telling dockerd that the port works: Broken pipe"
unheard 127.0.0.1 2>"$T/said"
is "docker-proxy ends early: status, ports" "$? $(ports)" "1 0"
like "and it says that" "$(cat "$T/said")" "*error: docker-proxy ended early (exit status 1)"
rk_stop
