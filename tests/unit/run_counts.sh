#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run_counts.sh - tests/run.sh counts what it is told: no failure and no skip gets lost
set -u
cd "${0%/*}/../.." || exit
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
n=0
limit=30
# counts DESCRIPTION COMMAND WANT [AGAIN]: `PASSED FAILED SKIPPED FLAKY` of a suite of this one test; its status
# must say whether something failed
counts() {
	n=$((n + 1))
	rc=0
	printf 'x\t%s\t%s\n' $limit "$2" | sh tests/run.sh s "$out/s" 0 2 "${4-0}" >"$out/said" 2>&1 || rc=1
	got=$(cut -d' ' -f2- "$out/s/sums")
	case $3 in *" 0 "?" "?) want_rc=0 ;; *) want_rc=1 ;; esac
	if [ "$got" = "$3" ] && [ $rc = $want_rc ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1: $got, status $rc, instead of $3"
		sed 's/^/#   /' "$out/said"
	fi
}
counts "no line, status 0" true "1 0 0 0"
counts "no line, status 1" false "0 1 0 0"
counts "two lines" "echo ok 1; echo ok 2" "2 0 0 0"
counts "a failure" "echo ok 1; echo not ok 2; exit 1" "1 1 0 0"
counts "a failure that the status hides" "echo ok 1; echo not ok 2" "1 1 0 0"
counts "a crash after success" 'echo ok 1; kill -SEGV $$' "1 1 0 0"
counts "a signal" 'kill -KILL $$' "0 1 0 0"
limit=3
counts "over its limit" "echo ok 1; sleep 300" "1 1 0 0"
limit=30
counts "a skip with the machine's reason" "echo '1..0 # SKIP this machine cannot: fly'; exit 77" "0 0 1 0"
counts "a skip without" "exit 77" "0 1 0 0"
counts "a TAP file of check" 'echo "ok 1 - a: Passed" >$CK_TAP_LOG_FILE_NAME' "1 0 0 0"
counts "it fails twice" "echo ok 1; echo not ok 2" "1 1 0 0" 1
counts "it fails once" "echo ok 1; [ -e '$out/once' ] || { >'$out/once'; echo not ok 2; }" "1 0 0 1" 1
