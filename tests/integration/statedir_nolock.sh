# SPDX-License-Identifier: Apache-2.0
# statedir_nolock.sh - a state directory on a file system that has no locks, as some NFS mounts
# build: fault
. "${0%/*}/lib.sh"
need userns

trace=$RK_TMP/trace
as_user FAULT=record:"$trace" rootless-supervisor --net=none --state-dir="$STATE" -- true
flocks=$(awk '$1 == "parent" && $3 == "flock" { print $2 }' "$trace")
rm "$trace"
# the first is that of the directory against cleaners, the second that of the instance
for errno in EOPNOTSUPP ENOLCK; do
	n=0
	for index in $flocks; do
		n=$((n + 1))
		RK_ENV=FAULT=parent:$index:$errno
		rk_run --net=none --state-dir="$STATE" -- echo it runs
		if [ $n = 1 ]; then
			is "$errno for the directory: it runs" "$RK_STATUS$(cat "$RK_OUT")" "0it runs"
			like "$errno for the directory: a warning" "$(cat "$RK_ERR")" "*warning: *a cleaner of old files may remove it"
		else
			is "$errno for the lock: status" "$RK_STATUS$(cat "$RK_OUT")" 125
			one_error_line "$errno for the lock: one line says why" "$RK_ERR" "locking '$STATE/lock': *"
			documented "$errno for the lock: it is in the documentation" "$RK_ERR"
			like "$errno for the lock: and what to do" "$(cat "$RK_ERR")" '*choose a --state-dir on a local one*'
		fi
		RK_ENV=
		is "$errno at lock $n: what is left is empty, or a lock that the next start takes" "$(find "$STATE" -mindepth 1 ! -name lock 2>/dev/null)" ''
		rk_run --net=none --state-dir="$STATE" -- true
		is "$errno at lock $n: the next start" "$RK_STATUS$(cat "$RK_ERR")" 0
		fails "$errno at lock $n: all is gone" test -e "$STATE"
	done
	is "$errno: there are two locks" $n 2
done
