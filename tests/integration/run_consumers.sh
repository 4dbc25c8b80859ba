# SPDX-License-Identifier: Apache-2.0
# run_consumers.sh - the lines by which scripts and documents of others call rootlesskit, and what they look at
# deadline: 90
. "${0%/*}/lib.sh"
need userns tun tool:socat file:/usr/bin/rootlesskit file:/usr/bin/slirp4netns
RK_NAME=rootlesskit

# --- the documents of RootlessKit: a state directory by its old flag, a port by socat and nsenter ---
# shellcheck disable=SC2016 # expands inside
spawn rootlesskit --state="$RK_TMP/foo" --net=slirp4netns --disable-host-loopback --copy-up=/etc --copy-up=/run sh -ec \
	'mkdir -p /run/docker; mount -t tmpfs none /run/docker; stat -f -c %T /run/docker >"$TMPDIR/seen"; exec nsprobe serve tcp-reply,127.0.0.1,80,pong' >"$RK_OUT" 2>&1
foo=$SPAWNED
wait_for 10 test -s "$RK_TMP/foo/child_pid"
pid=$(cat "$RK_TMP/foo/child_pid")
wait_for 5 test -s "$RK_TMP/seen"
is "a mount on /run/docker" "$(cat "$RK_TMP/seen")" tmpfs
spawn socat TCP-LISTEN:8080,bind=127.0.0.1,reuseaddr EXEC:"nsenter --preserve-credentials -U -n -t $pid socat STDIN\!\!STDOUT TCP4\:127.0.0.1\:80"
socat=$SPAWNED
# shellcheck disable=SC2016 # awk's
wait_for 5 awk '$2 == "0100007F:1F90" { found = 1 } END { exit !found }' /proc/net/tcp
is "a port by socat and nsenter" "$(nsprobe ask -t 8000 127.0.0.1 8080)" pong
kill "$socat" 2>/dev/null
wait "$socat"
kill "$foo"
wait "$foo"
fails "--state: removed at the end" test -e "$RK_TMP/foo"
rm -f "$RK_TMP/seen"

# --- the setup tools of Docker and nerdctl ---
rk_run true
is "rootlesskit true" "$RK_STATUS $(cat "$RK_OUT" "$RK_ERR")" "0 "
rk_run --disable-host-loopback --copy-up=/etc --copy-up=/run --copy-up=/var/lib true
is "nerdctl's check" "$RK_STATUS $(cat "$RK_OUT" "$RK_ERR")" "0 "
as_user mkdir -p "$RK_TMP/o/l" "$RK_TMP/o/u" "$RK_TMP/o/w" "$RK_TMP/o/m"
rk_run mount -t overlay -o "lowerdir=$RK_TMP/o/l,upperdir=$RK_TMP/o/u,workdir=$RK_TMP/o/w" overlay "$RK_TMP/o/m"
is "nerdctl's check of overlay" "$RK_STATUS $(cat "$RK_OUT" "$RK_ERR")" "0 "
rk_run rm -rf "$RK_TMP/o"
is "and all of it can be deleted" "$RK_STATUS $(ls "$RK_TMP")" "0 canary"
for line in --version --help; do
	rk_run $line
	is "$line" "$RK_STATUS" 0
done
for part in major minor patch; do
	rk_run --print-semver=$part
	like "--print-semver=$part" "$(cat "$RK_OUT")" '[0-9]*'
done

# --- containerd-rootless.sh of nerdctl; what its child half does ---
# shellcheck disable=SC2016 # expands inside
nerdctl='rm -f /run/containerd /run/xtables.lock /var/lib/containerd /var/lib/cni /etc/containerd
	for dir in /run/containerd /var/lib/containerd /var/lib/cni; do
		mkdir -p "$dir" "$XDG_RUNTIME_DIR/bound$dir" && mount --bind "$XDG_RUNTIME_DIR/bound$dir" "$dir" && echo "$dir"
	done
	[ ! -e "$ROOTLESSKIT_STATE_DIR/netns" ] || nsenter --net="$ROOTLESSKIT_STATE_DIR/netns" sh -c "echo 1 >/proc/sys/net/ipv4/ip_forward && echo detached"
	exec sleep 100'
for mode in '' --detach-netns; do
	# shellcheck disable=SC2086 # perhaps none
	spawn rootlesskit --state-dir="$RK_RUN/containerd-rootless" --net=slirp4netns --mtu=65520 --slirp4netns-sandbox=auto \
		--slirp4netns-seccomp=auto --disable-host-loopback --port-driver=builtin --copy-up=/etc --copy-up=/run \
		--copy-up=/var/lib --propagation=rslave $mode sh -c "$nerdctl" >"$T/nerdctl" 2>"$RK_ERR"
	nerdctl_pid=$SPAWNED
	wait_for 10 test -s "$RK_RUN/containerd-rootless/child_pid"
	pid=$(cat "$RK_RUN/containerd-rootless/child_pid")
	last=/var/lib/cni others=-n
	[ ! "$mode" ] || last=detached others=
	wait_for 5 grep -q "$last" "$T/nerdctl"
	like "nerdctl's line $mode: its directories" "$(tr '\n' ' ' <"$T/nerdctl")" '/run/containerd /var/lib/containerd /var/lib/cni *'
	is "nerdctl's line $mode: STATE/netns says which it is" "$(test -e "$RK_RUN/containerd-rootless/netns" && echo yes)" "${mode:+yes}"
	# shellcheck disable=SC2086 # perhaps none
	is "nerdctl's nsenter $mode" "$(as_user nsenter -w/ --preserve-credentials -m -U -t "$pid" -F $others sh -c 'id -u; stat -f -c %T /run')" "0
tmpfs"
	is "nerdctl's look at the variables of the child $mode" "$(as_user cat "/proc/$pid/environ" | tr '\0' '\n' | sed -n 's/^ROOTLESSKIT_STATE_DIR=//p')" \
		"$RK_RUN/containerd-rootless"
	like "nerdctl's DNS of the API $mode" "$(as_user curl -s --unix-socket "$RK_RUN/containerd-rootless/api.sock" http://rootlesskit/v1/info)" '*"dns":?"10.0.2.3"*'
	kill "$nerdctl_pid"
	wait "$nerdctl_pid"
done
rm -rf "$RK_RUN/bound"

# --- BuildKit: its daemonless script ends it by TERM and waits; its tests read child_pid strictly ---
for line in '--net=slirp4netns --copy-up=/etc --disable-host-loopback' \
	'--net=slirp4netns --copy-up=/etc --disable-host-loopback --detach-netns' \
	'--net=host --mtu=1500 --port-driver=none --mtu=0' '--net=host --detach-netns'; do
	# shellcheck disable=SC2086 # words
	spawn rootlesskit --state-dir="$STATE" $line sleep 1000 2>"$RK_ERR"
	buildkit=$SPAWNED
	wait_for 10 test -s "$STATE/child_pid"
	is "BuildKit's '$line': child_pid" "$(wc -l <"$STATE/child_pid") $(tr -d '0-9' <"$STATE/child_pid")" "0 "
	kill "$buildkit"
	ok "BuildKit's '$line': ends at once" wait_for 5 is_gone "$buildkit"
	wait "$buildkit"
	is "BuildKit's '$line': status" $? 255
	fails "BuildKit's '$line': nothing is left" test -e "$STATE"
done

# --- our rootlessctl, Debian's rootlesskit ---
spawn /usr/bin/rootlesskit --state-dir="$STATE" --net=slirp4netns --slirp4netns-binary=/usr/bin/slirp4netns --disable-host-loopback \
	--copy-up=/etc --port-driver=builtin nsprobe serve tcp-reply,127.0.0.1,80,theirs >"$T/theirs" 2>&1
theirs=$SPAWNED
wait_for 10 test -S "$STATE/api.sock"
ctl() { as_user rootlessctl --socket "$STATE/api.sock" "$@"; }
is "rootlessctl publishes at Debian's" "$(ctl add-ports 127.0.0.1:8080:80/tcp 127.0.0.1:8081:81/udp | tr '\n' ' ')" "1 2 "
is "the port answers" "$(nsprobe ask 127.0.0.1 8080)" theirs
is "and lists" "$(ctl list-ports | sort)" "$(as_user /usr/bin/rootlessctl --socket "$STATE/api.sock" list-ports | sort)"
is "info" "$(ctl info)" "$(as_user /usr/bin/rootlessctl --socket "$STATE/api.sock" info)"
is "and removes" "$(ctl remove-ports 1 2 | tr '\n' ' ')" "1 2 "
is "a refusal comes as it is" "$(ctl remove-ports 1 2>&1)" "$(as_user /usr/bin/rootlessctl --socket "$STATE/api.sock" remove-ports 1 2>&1)"
kill -s KILL "$(pgrep -P "$theirs" nsprobe || cat "$STATE/child_pid")"
kill "$theirs" 2>/dev/null
wait "$theirs"
rm -rf "$STATE"
