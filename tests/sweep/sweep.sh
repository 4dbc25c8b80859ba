# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# sweep.sh - what the sweeps of faults run, two at a time; sourced after lib.sh
#
#   sweep none|slirp [OPTION...]    options of sweep.py

# the command sends TERM to the parent, its grandparent, and waits for its own end
# shellcheck disable=SC2016 # expands in the command
stop_parent='read -r _ _ _ parent _ <"/proc/$PPID/stat"; kill "$parent"; exec sleep 5.5'

# shard I/N DIRECTORY KIND [OPTION...]: half a sweep, alone in its namespaces
shard() {
	shard=$1 kind=$2
	shift 2
	case $kind in
	none) set -- "$@" -- --net=none true ;; # the state directory of no name, and its removal
	slirp) set -- "$@" -- --net=slirp --state-dir="$STATE" --publish 127.0.0.1:8080:80/tcp \
		sh -c "$stop_parent" ;;
	esac
	unshare --pid --net --mount --ipc --fork --kill-child --mount-proc sh -c '
		ip link set lo up
		mount -t tmpfs -o mode=700,uid=$RK_UID,gid=$RK_GID sweep "$RK_RUN"
		mount -t tmpfs -o mode=700,uid=$RK_UID,gid=$RK_GID sweep "$RK_TMP"
		for tree in "$RK_RUN" "$RK_TMP"; do mkdir "$tree/canary" && echo canary >"$tree/canary/file"; done
		exec python3 "$@"' sh "$RK_SRC/tests/sweep/sweep.py" --shard "$shard" "$@"
}

sweep() {
	for n in 1 2; do
		(shard $n/2 "$@" >"$T/sweep.$n" 2>&1 || echo "# ends with $?" >>"$T/sweep.$n") &
		eval "half$n=$!"
	done
	# shellcheck disable=SC2154 # set by eval
	wait "$half1" "$half2"
	for n in 1 2; do
		like "the sweep of --net=$1 is whole, $n of 2" "$(cat "$T/sweep.$n")" "*# calls: *"
		tap_of "$T/sweep.$n"
	done
}
