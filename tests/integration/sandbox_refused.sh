# SPDX-License-Identifier: Apache-2.0
# sandbox_refused.sh - a kernel that refuses a part of the confinement: said once, or no start
# build: fault
. "${0%/*}/lib.sh"
need userns tun

RK_ENV="FAULT=record:$RK_TMP/trace" rk_run --net=slirp true
is "recorded" "$RK_STATUS" 0
# index ROLE CALL: of the last such call that comes before the settings are waited for
index() { awk -v role="$1" -v call="$2" '$1 == role && $3 == "recvmsg" { exit } $1 == role && $3 == call { n = $2 } END { print n }' "$RK_TMP/trace"; }
for role in relay slirp; do
	n=$(index $role unshare)
	isnt "$role makes namespaces" "$n" ""
	RK_ENV="FAULT=$role:$n:EPERM" rk_run --net=slirp true
	is "$role: auto serves" "$RK_STATUS" 0
	is "$role: and says it once" "$(cat "$RK_ERR")" \
		"rootless-supervisor: warning: sandbox: the $role worker lacks userns bound: making a user namespace: Operation not permitted; it serves all the same"
	RK_ENV="FAULT=$role:$n:EPERM" rk_run --net=slirp --sandbox=require true
	is "$role: require does not" "$RK_STATUS" 125
	one_error_line "$role: one error" "$RK_ERR" "--sandbox=require: the $role worker lacks userns bound: making a user namespace: Operation not permitted"
	documented "$role: documented" "$RK_ERR"
done
rm "$RK_TMP/trace"
RK_ENV="FAULT=record:$RK_TMP/trace" rk_run --net=slirp --sandbox=off true
is "off does not ask" "$(grep -cE '^(relay|slirp) [0-9]+ unshare ' "$RK_TMP/trace")" 0
is "off: no word of it" "$(cat "$RK_ERR")" ""
rm "$RK_TMP/trace"
