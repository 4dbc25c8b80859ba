# SPDX-License-Identifier: Apache-2.0
# run.sh - the cases of one table of RootlessKit's contract, at us and at Debian's: run.sh NAME, for NAME.cases
# deadline: 120
. "${0%/*}/../integration/lib.sh"
need userns tun tool:python3 tool:curl file:/usr/bin/rootlesskit file:/usr/bin/slirp4netns

cp "$RK_SRC/tests/conformance/inside.sh" "$T/inside"
chmod 755 "$T/inside"
export RK_AS="$rk_user $rk_env"
python3 "$RK_SRC/tests/conformance/cases.py" "$RK_SRC/tests/conformance" "$1" >"$T/tap" 2>"$T/trouble" || fail "cases.py ends well" "$(cat "$T/trouble")"
tap_of "$T/tap"
