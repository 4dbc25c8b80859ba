# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# shellcheck disable=SC2034 # what a test reads is not read here
# shellcheck disable=SC2153 # RK_USER and the like come from world.sh
# lib.sh - what an integration test sources first: the test world, TAP, the program under test
#
# POSIX sh. A test is `sh tests/integration/x.sh`, as root; RK_BUILD names the build directory
# (default: build/ of this tree). The first line below starts the test again inside its world
# (world.sh): private PID, mount and network namespaces, so that nothing can be left on the
# machine, and the checker (checker.sh) looks for what is left in the world when the test ends.
# The script itself stays root of the world; the program runs as $RK_USER by rk_run and rk_start.
# Comment lines of a test that the runner reads: `# deadline: SECONDS` (default 60), `# asan: yes`
# (run it with build-asan too), `# build: fault` (run it with build-fault instead).
#
# What the world has: see world.sh. Variables: T (own directory), STATE (state directory, not made
# yet), RK_HOME, RK_RUN (XDG_RUNTIME_DIR), RK_TMP (TMPDIR), RK_USER, RK_UID, RK_SRC, RK_BIN.

if [ "${RK_STAGE-}" != inside ]; then
	rk_top=$(cd "${0%/*}" && pwd)
	until [ -f "$rk_top/meson_options.txt" ] || [ "$rk_top" = / ]; do rk_top=${rk_top%/*}; [ "$rk_top" ] || rk_top=/; done
	exec sh "$rk_top/tests/integration/world.sh" "$0" "$@"
fi

T=$RK_BASE/t
STATE=$RK_RUN/state
RK_OUT=$T/out RK_ERR=$T/err # of the last rk_run and rk_start
RK_STATUS='' RK_PID=''      # of the last rk_run or rk_stop; of rk_start
RK_NAME=rootless-supervisor # or rootlesskit: the name rk_run and rk_start call
RK_GRACE=10                 # seconds that rk_start waits for readiness and rk_stop for the end
RUNGS=${RUNGS:-tproxy redirect off} # a test of the network is `for RUNG in $RUNGS; do ... done; RUNG=`
RUNG=
rk_tests=0 rk_failed=0

# --- TAP ---------------------------------------------------------------------------------------
pass() { rk_tests=$((rk_tests + 1)); echo "ok $rk_tests - ${RUNG:+$RUNG: }$1"; }
# fail DESCRIPTION [LINES]
fail() {
	rk_tests=$((rk_tests + 1)) rk_failed=$((rk_failed + 1))
	echo "not ok $rk_tests - ${RUNG:+$RUNG: }$1"
	if [ $# -gt 1 ]; then printf '%s\n' "$2" | sed 's/^/#   /'; fi
}
# is DESCRIPTION GOT WANT: equal texts
is() { if [ "$2" = "$3" ]; then pass "$1"; else fail "$1" " got: $2
want: $3"; fi; }
isnt() { if [ "$2" != "$3" ]; then pass "$1"; else fail "$1" "both: $2"; fi; }
# like DESCRIPTION GOT PATTERN: a pattern of the shell
# shellcheck disable=SC2254 # the pattern is meant to be one
like() { case $2 in $3) pass "$1" ;; *) fail "$1" " got: $2
like: $3" ;; esac; }
# shellcheck disable=SC2254 # the pattern is meant to be one
unlike() { case $2 in $3) fail "$1" "   got: $2
unlike: $3" ;; *) pass "$1" ;; esac; }
# ok DESCRIPTION COMMAND...: the command succeeds; its output is shown when it does not
ok() {
	rk_what=$1
	shift
	if rk_said=$("$@" 2>&1); then pass "$rk_what"; else fail "$rk_what" "$* -> $?
$rk_said"; fi
}
fails() {
	rk_what=$1
	shift
	if rk_said=$("$@" 2>&1); then fail "$rk_what" "$* succeeded
$rk_said"; else pass "$rk_what"; fi
}
# status_is DESCRIPTION STATUS COMMAND...
status_is() {
	rk_what=$1 rk_want=$2 rk_got=0
	shift 2
	rk_said=$("$@" 2>&1) || rk_got=$?
	if [ "$rk_got" = "$rk_want" ]; then pass "$rk_what"; else fail "$rk_what" "$* -> $rk_got, not $rk_want
$rk_said"; fi
}
# tap_of FILE: what another program checked, counted here
tap_of() {
	while read -r rk_line; do
		case $rk_line in
		"ok "*) pass "${rk_line#*- }" ;;
		"not ok "*) fail "${rk_line#*- }" ;;
		*) echo "#   ${rk_line#\#}" ;;
		esac
	done <"$1"
}
bail() { fail "$*"; exit 1; }
# one_error_line DESCRIPTION FILE [PATTERN]: I6, exactly one line says what went wrong
one_error_line() {
	rk_said=$(grep -cE '^rootless-supervisor: (\[[a-z]+\] )?error: |^\[rootlesskit:(parent|child ?)\] error: |level=(error|fatal)' "$2")
	if [ "$rk_said" != 1 ]; then
		fail "$1" "$rk_said error lines in:
$(cat "$2")"
	else
		like "$1" "$(cat "$2")" "*${3-}*"
	fi
}

# documented DESCRIPTION FILE: the error in FILE has its row in docs/troubleshooting.md
documented() {
	rk_line=$(sed -nE 's/^(rootless-supervisor: (\[[a-z]+\] )?error: |\[rootlesskit:(parent|child ?)\] error: )//p
		s/^time=.* level=error msg="\[rootlesskit:[a-z ]*\] (.*)"$/\1/p' "$2" | head -n 1)
	sed -nE 's/^\| `(.*)` \| .* \| .* \|$/\1/p' "$RK_SRC/docs/troubleshooting.md" | sed 's/[][*?\\]/\\&/g; s/…/*/g' >"$RK_BASE/t/rows"
	while IFS= read -r rk_row; do
		# shellcheck disable=SC2254 # the pattern is meant to be one
		case $rk_line in *$rk_row) pass "$1"; return ;; esac
	done <"$RK_BASE/t/rows"
	fail "$1" "no row in docs/troubleshooting.md fits: $rk_line"
}

# --- what the machine must have ----------------------------------------------------------------
# need THING...: userns, tun, tool:NAME, file:PATH, kernel:COMMAND. A tool or file that is missing
# fails the test when RK_MUST_RUN=1 (./dev installs it); what the kernel refuses to root is a skip
need() {
	for rk_thing; do
		case $rk_thing in
		userns) unshare --user true 2>/dev/null || rk_skip "user namespaces" ;;
		tun) [ -c /dev/net/tun ] || rk_skip "/dev/net/tun" ;;
		tool:*) command -v "${rk_thing#*:}" >/dev/null || rk_missing "${rk_thing#*:}" ;;
		file:*) [ -e "${rk_thing#*:}" ] || rk_missing "${rk_thing#*:}" ;;
		kernel:*) sh -c "${rk_thing#*:}" >/dev/null 2>&1 || rk_skip "${rk_thing#*:}" ;;
		*) bail "need: what is '$rk_thing'?" ;;
		esac
	done
}
rk_skip() { echo "1..0 # SKIP this machine cannot: $1"; exit 77; }
rk_missing() {
	[ "${RK_MUST_RUN-}" != 1 ] || bail "$1 is missing"
	rk_skip "$1 is not installed"
}

# --- running -----------------------------------------------------------------------------------
# the environment of a login of the user, and what sanitizers and the fault injector read
rk_env="USER=$RK_USER LOGNAME=$RK_USER HOME=$RK_HOME XDG_RUNTIME_DIR=$RK_RUN TMPDIR=$RK_TMP
PATH=$RK_BIN:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin LANG=C.UTF-8
ASAN_OPTIONS=${ASAN_OPTIONS-} UBSAN_OPTIONS=${UBSAN_OPTIONS-} LSAN_OPTIONS=${LSAN_OPTIONS-}"
rk_user="setpriv --reuid $RK_UID --regid $RK_GID --init-groups --inh-caps=-all env -i"
# as_user [NAME=VALUE...] COMMAND...: in the host netns, as the user
# shellcheck disable=SC2086 # lists of words
as_user() { $rk_user $rk_env "$@"; }
# spawn COMMAND...: as_user in the background; its pid in SPAWNED
# shellcheck disable=SC2086 # lists of words
spawn() {
	(exec $rk_user $rk_env "$@") &
	SPAWNED=$!
}
# in_world COMMAND...: as root, at the other end of the cable
in_world() { nsenter --net="/proc/$RK_WORLD_PID/ns/net" -- "$@"; }
# in_child COMMAND...: as root of the running instance's namespaces
in_child() {
	rk_cpid=$(cat "$STATE/child_pid") || return 1
	as_user nsenter --user --mount --net --preserve-credentials --target "$rk_cpid" -- "$@"
}

# wait_for SECONDS COMMAND...: until it succeeds; seconds of an idle machine
wait_for() {
	rk_left=$(($1 * 20 * ${RK_BUSY:-1}))
	shift
	until "$@" >/dev/null 2>&1; do
		rk_left=$((rk_left - 1))
		[ $rk_left -gt 0 ] || return 1
		sleep 0.05
	done
}
# is_gone PID: no such process, or a zombie (children of this shell are, until it waits for them)
is_gone() {
	{ read -r rk_stat <"/proc/$1/stat"; } 2>/dev/null || return 0
	case ${rk_stat##*) } in Z* | X*) return 0 ;; esac
	return 1
}

# rk_run [ARG...]: the program in the foreground; RK_OUT, RK_ERR, RK_STATUS. RK_ENV adds variables
# shellcheck disable=SC2086 # lists of words
rk_run() {
	RK_STATUS=0
	$rk_user $rk_env ${RK_ENV-} "$RK_NAME" "$@" >"$RK_OUT" 2>"$RK_ERR" </dev/null || RK_STATUS=$?
}

rk_ready() { grep -q READY=1 "$T/ready" || { [ "$RK_NAME" = rootlesskit ] && [ -S "$STATE/api.sock" ]; }; }
rk_ready_or_gone() { rk_ready || is_gone "$RK_PID"; }
# far_start MTU: a host two hops away, FAR and FAR6 in FAR_PID's netns: the world is the router, the path
# behind it has that MTU. A test that changes the world so starts it once, and far_stop
FAR=198.51.100.130 FAR6=2001:db8:f::2
far_start() {
	in_world sh -ec 'ip link add far0 type veth peer name far1
		unshare --net sleep 1000 & echo $! >"$1/far"
		until [ "$(readlink "/proc/$!/ns/net")" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
		ip link set far1 netns "$(cat "$1/far")"
		ip address add 198.51.100.129/25 dev far0
		ip link set far0 mtu "$2" up
		ip -6 address add 2001:db8:f::1/64 dev far0 nodad
		echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
		echo 0 >/proc/sys/net/ipv4/icmp_ratelimit; echo 0 >/proc/sys/net/ipv6/icmp/ratelimit
		nsenter --net="/proc/$(cat "$1/far")/ns/net" -- sh -ec "ip link set lo up
			ip address add $3/25 dev far1; ip link set far1 mtu $2 up
			ip -6 address add $4/64 dev far1 nodad
			ip route add default via 198.51.100.129; ip -6 route add default via 2001:db8:f::1"' sh "$T" "$1" $FAR $FAR6
	FAR_PID=$(cat "$T/far")
	wait_for 5 far_answers 198.51.100.129 || bail "the far host does not answer"
	wait_for 5 far_answers 2001:db8:f::1 || bail "the far host does not answer by IPv6" # a link is ready for IPv6 up to a second after it is up
}
far_answers() { [ "$(nsenter --net="/proc/$FAR_PID/ns/net" nsprobe connect -t 300 "$1" 9)" = ok ]; } # the sink of the world
far_stop() { kill "$FAR_PID"; }

# rk_start [ARG...]: the program in the background with state directory $STATE, until it is ready.
# RUNG, when it is set, says who carries TCP out, and stands before the description of each check
# shellcheck disable=SC2086 # lists of words
rk_start() {
	: >"$T/ready"
	rk_flag=--ready-fd=3
	[ "$RK_NAME" != rootlesskit ] || rk_flag=
	(exec $rk_user $rk_env ${RK_ENV-} "$RK_NAME" --state-dir="$STATE" $rk_flag ${RUNG:+--accel=$RUNG} "$@" \
		>"$RK_OUT" 2>"$RK_ERR" </dev/null 3>"$T/ready") &
	RK_PID=$!
	wait_for "$RK_GRACE" rk_ready_or_gone
	rk_ready && return 0
	fail "the program starts: $RK_NAME $*" "$(cat "$RK_ERR")"
	rk_stop KILL
	return 1
}
# rk_stop [SIGNAL]: TERM unless said otherwise, then the status in RK_STATUS
rk_stop() {
	[ "$RK_PID" ] || return 0
	kill -s "${1-TERM}" "$RK_PID" 2>/dev/null
	if ! wait_for "$RK_GRACE" is_gone "$RK_PID"; then
		fail "the program ends within $RK_GRACE s of ${1-TERM}" "$(tail -n 20 "$RK_ERR")"
		kill -s KILL "$RK_PID" 2>/dev/null
	fi
	rk_wait
}
# rk_wait: until the program of rk_start ends by itself
rk_wait() {
	RK_STATUS=0
	wait "$RK_PID" || RK_STATUS=$?
	RK_PID=
}
# expect_leak I2 REASON: the checker does not look at this invariant after this test
expect_leak() { echo "$1" >>"$RK_BASE/check/except"; }

rk_end() {
	rk_rc=$?
	trap - EXIT
	[ -z "$RK_PID" ] || rk_stop
	if [ "$rk_rc" != 77 ] && [ "$rk_tests" = 0 ]; then fail "the test checks something"; fi
	if [ "$rk_rc" != 0 ] && [ "$rk_rc" != 77 ] && [ $rk_failed = 0 ]; then fail "the script ends with $rk_rc"; fi
	echo "$rk_tests" >"$RK_BASE/check/tests"
	[ $rk_failed = 0 ] || rk_rc=1
	exit "$rk_rc"
}
trap rk_end EXIT
