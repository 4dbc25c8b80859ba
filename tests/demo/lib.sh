# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# lib.sh - what a demo sources first, before the lib.sh of the tests: its world, and how it tells
#
# A demo runs in the world of the integration tests (tests/integration/world.sh): two network
# namespaces that are gone at the end, so it needs no internet and leaves nothing. Each step is
# checked; the first that fails ends the demo with status 1. The user is removed if the demo made it.

# the world's own check, as a line for readers; it waits for the world's end after a ^C too
as_text() {
	trap '' INT TERM HUP
	sed -u -e 's/^ok [0-9]* - nothing is left behind$/   and left nothing behind: no process, socket, mount or file/' \
		-e 's/^1\.\.0 # SKIP //' -e '/^1\.\.[0-9]*$/d'
}

# shellcheck disable=SC2317 # a trap calls it
demo_clean() {
	rm -f "$demo_rc"
	[ "$demo_made_user" = 0 ] || userdel rs-test 2>/dev/null
}

# demo_outside DEMO: run it in its world; its status
demo_outside() {
	demo_rc=$(mktemp)
	demo_made_user=1
	! id rs-test >/dev/null 2>&1 || demo_made_user=0
	trap demo_clean EXIT
	trap : INT TERM HUP # the world gets it as well, and ends
	{
		sh "${1%/*}/../integration/world.sh" "$1" 2>&1
		echo $? >"$demo_rc"
	} | as_text
	read -r demo_status <"$demo_rc" || demo_status=1
	return "$demo_status"
}

if [ "${RK_STAGE-}" != inside ]; then
	demo_outside "$0" || { echo "the demo failed"; exit 1; }
	demo_next
	exit 0
fi

demo_step=0
# step WHAT WANT COMMAND...: says what is done, and what came of it
step() {
	demo_step=$((demo_step + 1)) demo_what=$1 demo_want=$2
	shift 2
	demo_got=$("$@" 2>&1) || true
	if [ "$demo_got" != "$demo_want" ]; then
		fail "$demo_what" " got: $demo_got
want: $demo_want"
		exit 1
	fi
	rk_tests=$((rk_tests + 1))
	printf '%2d %-62s -> %s\n' $demo_step "$demo_what" "$demo_got"
}
