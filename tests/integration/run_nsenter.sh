# SPDX-License-Identifier: Apache-2.0
# run_nsenter.sh - child_pid: what nerdctl, the setup tools and scripts do with it
. "${0%/*}/lib.sh"
need userns tun

# --- what a file may be ---
for mode in --net=host --net=slirp '--net=none --pidns'; do
	case $mode in # what is the host's is not the user's to enter
	--net=host) others= ;;
	*--pidns) others='-n -p' ;;
	*) others=-n ;;
	esac
	# shellcheck disable=SC2086 # words
	rk_start $mode -- sleep 1000
	pid=$(cat "$STATE/child_pid")
	is "no newline, only digits $mode" "$(tr -d 0-9 <"$STATE/child_pid" | wc -c)" 0
	is "mode 0444 $mode" "$(stat -c %a "$STATE/child_pid")" 444
	is "the child is the parent's $mode" "$(ps -o ppid= -p "$pid" | tr -d ' ')" "$RK_PID"
	# shellcheck disable=SC2016,SC2086 # expands inside; words
	is "nsenter as the user $mode" "$(as_user nsenter -U --preserve-credentials -m $others -t "$pid" \
		sh -c 'id -u; for ns in user mnt net; do readlink /proc/self/ns/$ns; done')" "0
$(for ns in user mnt net; do readlink "/proc/$pid/ns/$ns"; done)"
	rk_stop
done

rk_start --net=host -- sleep 1000
is "--net=host: the parent has exactly one child" "$(pgrep -P "$RK_PID")" "$(cat "$STATE/child_pid")"
# shellcheck disable=SC2046 # as upstream's test does it
is "and ps takes it unquoted" "$(ps -o comm= -p $(pgrep -P "$RK_PID"))" rootless-superv
rk_stop

# --- the first who sees it can use it: a poller in 20 starts ---
# shellcheck disable=SC2016 # expands inside
cat >"$T/poller" <<-'EOT'
	until [ -f "$1/child_pid" ]; do :; done
	pid=$(cat "$1/child_pid")
	nsenter -U --preserve-credentials -m -n -t "$pid" sh -c '
		nsprobe connect -t 8000 192.0.2.2 7 && test -L /etc/passwd && test -S "$1/api.sock" ||
			{ sleep 0.02; test -S "$1/api.sock" && echo "api.sock came later"; }' sh "$1"
	nsprobe connect 127.0.0.1 8080 | sed s/ECONNRESET/ok/ # nobody serves inside
EOT
good=0
for start in $(seq 20); do
	# the command is late on purpose: nothing that is usable may depend on it
	spawn sh "$T/poller" "$STATE" >"$T/poll.$start" 2>&1
	poller=$SPAWNED
	rk_start --net=slirp -p 127.0.0.1:8080:80/tcp -- sleep 1000
	if wait_for 5 is_gone $poller && [ "$(tr '\n' ' ' <"$T/poll.$start")" = "ok ok " ]; then
		good=$((good + 1))
	else
		fail "start $start: the poller's words" "$(cat "$T/poll.$start")"
	fi
	rk_stop
done
is "20 starts, entered at first sight" $good 20
