# SPDX-License-Identifier: Apache-2.0
# fault_start.sh - each call of a start with --net=$FAULT_NET (none) fails once; each process is
# killed before each of its calls; whatever happens, nothing is left
# build: fault
# deadline: 1800
. "${0%/*}/../integration/lib.sh"

checker() { CHECK_PID=$$ sh "$RK_SRC/tests/integration/checker.sh" "$1" "$T/check"; }
net=${FAULT_NET:-none}

errno_of() { # CLASS: what such calls fail with
	case $1 in
	path) echo EACCES ;;
	mount) echo EPERM ;;
	net) echo ENOBUFS ;;
	proc) echo EAGAIN ;;
	io) echo EIO ;;
	memory) echo ENOMEM ;;
	esac
}

# after ROLE:INDEX:KIND CALL: what must hold after each run
after() {
	bad=
	case $1 in
	*:SIGKILL) ;; # whose status it is depends on who is left to tell
	*)
		case $RK_STATUS in 0 | 125) ;; *) bad="status $RK_STATUS" ;; esac
		lines=$(grep -c ': error: ' "$RK_ERR")
		if [ "$RK_STATUS" = 125 ] && [ "$lines" != 1 ]; then bad="$bad, $lines error lines"; fi
		;;
	esac
	if ! checker compare; then
		bad="$bad, left: $(cat "$T/check/differences")"
		rm -rf "$RK_RUN"/rootless-supervisor-*
	fi
	if [ "$bad" ]; then
		fail "$1 $2" "${bad#, }
$(cat "$RK_ERR")"
	else
		pass "$1 $2"
	fi
}

checker snapshot
RK_ENV=FAULT=record:$RK_TMP/trace
rk_run "--net=$net" -- true
is "the start that is recorded" "$RK_STATUS" 0
mv "$RK_TMP/trace" "$T/trace"
sort -u -k1,1 -k2,2n "$T/trace" >"$T/calls"
while read -r role index call class <&4; do
	for kind in "$(errno_of "$class")" SIGKILL; do
		RK_ENV=FAULT=$role:$index:$kind
		rk_run "--net=$net" -- true
		after "$role:$index:$kind" "$call"
	done
done 4<"$T/calls"
